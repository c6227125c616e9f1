/** docs/getting-started.md, typed line by line by somebody with an empty folder, and by somebody with a project. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { readSteps, walkSteps } from './page-walk.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs/getting-started.md'), 'utf8')

let database: TestDatabase
let home: string

beforeEach(async () => {
  database = await freshDatabase('getting_started')
  home = mkdtempSync(join(tmpdir(), 'tenantry-start-'))
})

afterEach(async () => {
  await database?.drop()
  rmSync(home, { recursive: true, force: true })
})

/** What `npm install` would fetch is linked: that is another test's. */
const prelude = `npm() {
  if [ "$1" != install ]; then command npm "$@" --no-update-notifier; return; fi
  mkdir -p node_modules/.bin
  ln -s '${root}' node_modules/tenantry
  ln -s '${join(root, 'node_modules/pg')}' node_modules/pg
  ln -s ../tenantry/dist/cli/main.js node_modules/.bin/tenantry
}
npx() { "node_modules/.bin/$1" "\${@:2}"; }`

function walk(heading: string, cwd: string, env: Record<string, string> = {}) {
  const steps = readSteps(page, heading)
  expect(steps.filter(({ language }) => language === 'sh').length).toBeGreaterThan(2)
  return walkSteps(steps, {
    cwd,
    env: { PATH: process.env.PATH ?? '', HOME: home, npm_config_update_notifier: 'false', ...env },
    prelude,
    replace: {
      'postgres://postgres:secret@127.0.0.1:5432/shop': database.url,
      'main/shop/': `main/${database.name}/`,
    },
  })
}

test('from an empty folder to three tenants, one of which fails on the way', { timeout: 240_000 }, async () => {
  await walk('## An empty folder', home)
  expect(await database.query('select count(*)::int as n from t_globex.customers')).toEqual([{ n: 1 }])
  for (const slug of ['acme', 'globex', 'initech'])
    expect(await database.query(`select count(*)::int as n from t_${slug}.schema_migrations`)).toEqual([{ n: 2 }])
})

test('a project whose tenants were migrated by a script', { timeout: 240_000 }, async () => {
  const dir = join(home, 'project')
  const files = {
    'package.json': '{ "private": true }',
    'migrations/001_customers.sql': 'CREATE TABLE customers (id bigint PRIMARY KEY);\n',
    'migrations/002_orders.sql': 'CREATE TABLE orders (id bigint PRIMARY KEY);\n',
    'migrations/rollbacks/001_customers.sql': 'DROP TABLE customers;\n',
    'migrations/rollbacks/002_orders.sql': 'DROP TABLE orders;\n',
  }
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true })
    writeFileSync(join(dir, name), text)
  }
  for (const [slug, applied] of [
    ['north', 1],
    ['south', 1],
    ['west', 2],
  ] as const)
    await database.query(`
      create schema shop_${slug};
      create table shop_${slug}.schema_migrations (version text primary key, applied_at timestamptz not null default now());
      create table shop_${slug}.customers (id bigint primary key);
      insert into shop_${slug}.schema_migrations (version) values ('001_customers');
      ${applied === 1 ? '' : `create table shop_west.orders (id bigint primary key); insert into shop_west.schema_migrations (version) values ('002_orders');`}`)
  await walk('## A project that exists', dir, { DATABASE_URL: database.url })
  expect(await database.query('select version from shop_north.schema_migrations order by 1')).toEqual([
    { version: '001_customers' },
    { version: '002_orders' },
  ])
})
