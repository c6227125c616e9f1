/** The recipes that show output, played as they are written: on a fleet of 900 tenants that a rollout left half-way. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { readSteps, walkSteps } from './page-walk.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs/recipes.md'), 'utf8')
const main = join(root, 'dist/cli/main.js')

let database: TestDatabase
let dir: string

beforeAll(async () => {
  database = await freshDatabase('recipes')
  dir = mkdtempSync(join(tmpdir(), 'tenantry-recipes-'))
  // A script of the team has applied the first migration everywhere; one tenant has an address twice.
  await database.query(`do $$ declare name text; begin
    for n in 1..900 loop
      name := 't_' || lpad(n::text, 3, '0');
      execute format('create schema %1$I; create table %1$I.orders (id int primary key, email text);
        create table %1$I.schema_migrations (version text primary key, applied_at timestamptz not null default now());
        insert into %1$I.schema_migrations (version) values (''0041_orders'')', name);
      if n % 100 = 0 then commit; end if; -- one transaction would need too many locks
    end loop;
  end $$`)
  await database.query("insert into t_141.orders values (1, 'ada@example.com'), (2, 'ada@example.com')")
  write({
    'migrations/0041_orders.sql': 'CREATE TABLE orders (id int PRIMARY KEY, email text);\n',
    'migrations/0042_add_total.sql':
      'ALTER TABLE orders ADD COLUMN total numeric;\nCREATE UNIQUE INDEX orders_email ON orders (email);\n',
    'migrations/rollbacks/0041_orders.sql': 'DROP TABLE orders;\n',
    'migrations/rollbacks/0042_add_total.sql': 'DROP INDEX orders_email;\nALTER TABLE orders DROP COLUMN total;\n',
  })
}, 240_000)

afterAll(async () => {
  await database?.drop()
  if (dir !== undefined) rmSync(dir, { recursive: true, force: true })
})

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true })
    writeFileSync(join(dir, name), text)
  }
}

/** One after the other, so that exactly those before the broken tenant are done when it stops. */
function configure(config: Record<string, unknown>): void {
  const fleet = {
    servers: { main: { url: database.url } },
    tenants: { from: 'schemas', server: 'main', like: 't\\_%' },
  }
  write({
    'tenantry.config.json': JSON.stringify({ ...fleet, rollout: { maxFailures: 0 }, ...config }),
    'run-sql.mjs': `import { readFileSync } from 'node:fs'
import pg from ${JSON.stringify(join(root, 'node_modules/pg/lib/index.js'))}
const client = new pg.Client(${JSON.stringify(database.url)})
await client.connect()
await client.query('set search_path to t_141;' + readFileSync(0, 'utf8'))
await client.end()
`,
  })
}

function walk(heading: string): Promise<void> {
  return walkSteps(readSteps(page, heading), {
    cwd: dir,
    env: { PATH: process.env.PATH ?? '', HOME: dir },
    prelude: `tenantry() { node '${main}' "$@"; }\nrunSql() { node run-sql.mjs; }`,
    replace: { '/app/t_': `/${database.name}/t_` },
  })
}

const count = async (sql: string) => (await database.query(`select count(*)::int as n from ${sql}`))[0]?.n

// One after the other, each from where the one before it has left the fleet.
test('roll back at 3 a.m., with 140 of 900 done', { timeout: 240_000 }, async () => {
  configure({ concurrency: 1, scratch: { server: 'main' } })
  await walk('## Roll back at 3 a.m.')
  expect(await count(`information_schema.columns where table_name = 'orders' and column_name = 'total'`)).toBe(0)
  expect(await count('t_140.schema_migrations')).toBe(1)
})

test('a tenant is broken', { timeout: 240_000 }, async () => {
  // The morning after: the migration was right after all.
  configure({ scratch: { server: 'main' } })
  await walk('## A tenant is broken')
  expect(await count(`information_schema.columns where table_name = 'orders' and column_name = 'total'`)).toBe(900)
})

test('a server is down', { timeout: 240_000 }, async () => {
  write({ 'migrations/0043_add_note.sql': 'ALTER TABLE orders ADD COLUMN note text;\n' })
  const name = database.name
  configure({
    servers: { 'eu-1': { url: database.url }, 'us-1': { url: 'postgres://app:secret@127.0.0.1:1/' } },
    tenants: [
      { slug: 't_001', server: 'eu-1', database: name, schema: 't_001' },
      { slug: 'globex', server: 'us-1', database: 'globex' },
      { slug: 'initech', server: 'us-1', database: 'initech' },
    ],
    rollout: {},
  })
  await walk('## A server is down')
  expect(await count(`information_schema.columns where table_name = 'orders' and column_name = 'note'`)).toBe(1)
})

test('leave again: what is left is what the recipe lists', { timeout: 240_000 }, async () => {
  configure({})
  const ours = `pg_tables where schemaname like 't\\_%' and tablename like 'tenantry%'`
  expect(await database.query(`select distinct tablename from ${ours}`)).toEqual([{ tablename: 'tenantry_ledger' }])
  await walk('## Leave again')
  expect(await count(`${ours} and schemaname = 't_141'`)).toBe(0)
  expect(await count('t_141.schema_migrations')).toBe(2)
})
