/** Every way of keeping tenants in one fleet, and every way of naming some of them. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Tenantry } from '../../src/model/report.ts'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { countResults, makeProject, type Project, resultOf } from './project.ts'

let app: TestDatabase
let own: TestDatabase
let pool: TestDatabase
let solo: TestDatabase
let project: Project

const wipe = (schemas: readonly string[]) =>
  schemas.map((name) => `drop schema if exists "${name}" cascade; create schema "${name}";`).join('')

beforeAll(async () => {
  ;[app, own, pool, solo] = await Promise.all([
    freshDatabase('app'),
    freshDatabase('own'),
    freshDatabase('pool'),
    freshDatabase('solo'),
  ])
})

afterAll(async () => {
  await Promise.all([app, own, pool, solo].map((database) => database?.drop()))
})

beforeEach(async () => {
  await app.query(wipe(['t_acme', 't_beta', 'john_12345678', 'other']))
  for (const database of [app, own, pool, solo]) await database.query(wipe(['public']))
  project = makeProject()
  project.write({
    'migrations/001_init.sql': 'create table contact (id int primary key);\n',
    'migrations/002_vendor.sql': 'create table vendor (id int primary key);\n',
    'migrations/rollbacks/002_vendor.sql': 'drop table vendor;\n',
  })
})

afterEach(() => project?.remove())

const tables = async (database: TestDatabase) =>
  (
    await database.query(
      `select table_schema || '.' || table_name as t from information_schema.tables
       where table_name in ('contact', 'vendor', 'plan') order by 1`,
    )
  ).map(({ t }) => t)

/** One tenant of each kind, and three in the shared tables. */
function mixedFleet(more: Record<string, unknown> = {}): void {
  project.configure({
    servers: { main: { url: app.url } },
    tenants: [
      { slug: 'acme', topology: 'schema', schema: 't_acme', labels: { tier: 'gold', region: 'eu' } },
      { slug: 'beta', topology: 'schema', schema: 't_beta', labels: { tier: 'free', region: 'eu' } },
      { slug: 'globex', topology: 'database', server: 'main', database: own.name, labels: { tier: 'gold' } },
      { slug: 'solo', topology: 'dedicated', url: solo.url },
      { slug: 'small1', topology: 'shared', server: 'main', database: pool.name, labels: { tier: 'free' } },
      { slug: 'small2', topology: 'shared', server: 'main', database: pool.name, labels: { tier: 'gold' } },
      { slug: 'gone', topology: 'schema', schema: 'other', state: 'archived' },
    ],
    ...more,
  })
}

const names = (report: { targets: readonly { tenants: readonly string[] }[] }) =>
  report.targets.map(({ tenants }) => tenants.join('+')).sort()

describe('one fleet of all four', () => {
  beforeEach(() => mixedFleet())

  test('is migrated where each one lives, the shared tables once', async () => {
    const report = await project.up()
    expect(countResults(report)).toEqual({ applied: 5 })
    expect(names(report)).toEqual(['acme', 'beta', 'globex', 'small1+small2', 'solo'])
    expect(await tables(app)).toEqual(['t_acme.contact', 't_acme.vendor', 't_beta.contact', 't_beta.vendor'])
    for (const database of [own, pool, solo])
      expect(await tables(database)).toEqual(['public.contact', 'public.vendor'])
    expect(await pool.query('select version from schema_migrations')).toHaveLength(2)
    expect(countResults(await project.up())).toEqual({ 'up-to-date': 5 })
  })

  test('a part of a shared target is refused where it would be changed, and shown by status', async () => {
    const some = { selectors: { tenants: ['small1'] } }
    const refusals: ((tenantry: Tenantry) => Promise<unknown>)[] = [
      (tenantry) => tenantry.up(some),
      (tenantry) => tenantry.down(some),
      (tenantry) => tenantry.baseline({ ...some, to: '001' }),
      (tenantry) => tenantry.up({ selectors: { labels: ['tier=gold'] } }),
      (tenantry) => tenantry.up({ selectors: { exclude: ['small2'] } }),
    ]
    for (const refusal of refusals) {
      await expect(project.use(refusal)).rejects.toMatchObject({
        code: 'SHARED_TARGET',
        hint: expect.stringContaining(`main/${pool.name}`),
      })
    }
    expect(await tables(pool)).toEqual([])
    const status = await project.use((tenantry) => tenantry.status(some))
    expect(resultOf(status, 'small1')).toMatchObject({ target: `main/${pool.name}`, tenants: ['small1'] })
    expect((await project.use((tenantry) => tenantry.plan(some))).targets).toHaveLength(1)
    for (const tenants of [[`main/${pool.name}`], ['small1', 'small2'], [pool.name]]) {
      expect(names(await project.use((tenantry) => tenantry.up({ selectors: { tenants } })))).toEqual(['small1+small2'])
    }
  })

  test.each<[string, string[], string[]]>([
    ['a slug', ['acme'], ['acme']],
    ['--tenant, twice', ['--tenant', 'acme', '--tenant', 'globex'], ['acme', 'globex']],
    ['--tenant-id', ['--tenant-id', 'beta'], ['beta']],
    ['a schema', ['t_acme'], ['acme']],
    ['--label', ['--label', 'tier=gold', '--label', 'region=eu'], ['acme']],
    ['--exclude', ['--label', 'region=eu', '--exclude', 'beta'], ['acme']],
    ['--server', ['--server', 'solo'], ['solo']],
    ['--limit', ['--limit', '2'], ['acme', 'beta']],
    ['--percent 100', ['--percent', '100'], ['acme', 'beta', 'globex', 'small1+small2', 'solo']],
  ])('selected by %s', async (_, argv, expected) => {
    const { code, stdout } = await project.run(['status', '--json', ...argv])
    expect(code).toBe(0)
    expect(names(JSON.parse(stdout))).toEqual(expected)
  })

  test.each<[string[], string, string]>([
    [['status', 'nobody'], 'TENANT_UNKNOWN', 'nobody'],
    [['status', 'gone'], 'TENANT_UNKNOWN', 'archived'],
    [['status', '--set', 'nothing'], 'TENANT_UNKNOWN', 'nothing'],
    [['status', '--server', 'nowhere'], 'TENANT_UNKNOWN', 'nowhere'],
    [['up', 'small1'], 'SHARED_TARGET', 'small1'],
  ])('%j is refused: %s', async (argv, code, word) => {
    const ended = await project.run([...argv, '--json'])
    expect(ended.code).toBe(2)
    expect(JSON.parse(ended.stdout)).toMatchObject({
      ok: false,
      error: { code, message: expect.stringContaining(word) },
    })
  })

  test('a name that is the id of one tenant and the slug of another is refused', async () => {
    mixedFleet({
      tenants: [
        { id: 'beta', slug: 'acme', topology: 'schema', schema: 't_acme' },
        { id: 'acme', slug: 'beta', topology: 'schema', schema: 't_beta' },
      ],
    })
    const { code, stdout } = await project.run(['up', 'acme', '--json'])
    expect([code, JSON.parse(stdout).error.code]).toEqual([2, 'USAGE'])
    expect(names(JSON.parse((await project.run(['up', 't_acme', '--json'])).stdout))).toEqual(['acme'])
  })

  test('shards are disjoint and make up the whole', async () => {
    const seen: string[] = []
    for (const index of [1, 2, 3]) {
      seen.push(...names(await project.use((tenantry) => tenantry.status({ selectors: { shard: { index, of: 3 } } }))))
    }
    expect(seen.sort()).toEqual(['acme', 'beta', 'globex', 'small1+small2', 'solo'])
  })
})

describe('where tenants come from', () => {
  test('schemas by LIKE', async () => {
    project.configure({ servers: { main: { url: app.url } }, tenants: { from: 'schemas', like: 't\\_%' } })
    expect(names(await project.up())).toEqual(['t_acme', 't_beta'])
  })

  test('schemas by a regular expression', async () => {
    project.configure({ servers: { main: { url: app.url } }, tenants: { from: 'schemas', match: '^.+_[0-9]{8}$' } })
    expect(names(await project.up())).toEqual(['john_12345678'])
    expect((await project.run(['status', 'john_12345678', '--json'])).code).toBe(0)
  })

  test('a query over a table of the product', async () => {
    await app.query(`create table customer (id int, slug text, db text, sch text, active bool, tier text);
      insert into customer values (1, 'acme', null, 't_acme', true, 'gold'), (2, 'globex', '${own.name}', null, true, 'free'),
        (3, 'gone', null, 't_beta', false, 'free')`)
    project.configure({
      servers: { main: { url: app.url } },
      tenants: {
        from: 'query',
        sql: "select id, slug, db as database, sch as schema, json_build_object('tier', tier) as labels from customer where active order by id",
      },
    })
    const report = await project.up()
    expect(names(report)).toEqual(['acme', 'globex'])
    expect(await tables(app)).toEqual(['t_acme.contact', 't_acme.vendor'])
    expect(await tables(own)).toEqual(['public.contact', 'public.vendor'])
    expect(names(JSON.parse((await project.run(['status', '--json', '--tenant-id', '2'])).stdout))).toEqual(['globex'])
    expect(names(JSON.parse((await project.run(['status', '--json', '--label', 'tier=gold'])).stdout))).toEqual([
      'acme',
    ])
  })

  test('a query with bad rows: each is named', async () => {
    project.configure({
      servers: { main: { url: app.url } },
      tenants: {
        from: 'query',
        sql: "select * from (values ('a', 't_acme'), ('a', 't_beta'), (null, 'x')) as v(slug, schema)",
      },
    })
    const { code, stdout } = await project.run(['up', '--json'])
    expect(code).toBe(2)
    const { error } = JSON.parse(stdout)
    expect(error.code).toBe('CONFIG_INVALID')
    expect(error.message).toMatch(/row 2[\s\S]*row 3/)
    expect(await tables(app)).toEqual([])
  })

  test('a query that fails: one error, with what the server says', async () => {
    project.configure({
      servers: { main: { url: app.url } },
      tenants: { from: 'query', sql: 'select slug from nothing_here' },
    })
    const { code, stdout } = await project.run(['up', '--json'])
    expect(code).toBe(2)
    expect(JSON.parse(stdout).error).toMatchObject({ message: expect.stringContaining('nothing_here') })
    expect(JSON.parse(stdout).error.code).toBe('CONFIG_INVALID')
  })

  test('a query on a server that is away: one error, exit code 1', async () => {
    project.configure({
      servers: { main: { url: 'postgres://someone:hunter2@127.0.0.1:1/app' } },
      tenants: { from: 'query', sql: 'select 1' },
    })
    const { code, stdout } = await project.run(['up', '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(stdout).error.code).toBe('SERVER_UNREACHABLE')
    expect(stdout).not.toContain('hunter2')
  })

  test('an async generator of a config in TypeScript', async () => {
    project.write({
      'tenantry.config.ts': `export default {
        servers: { main: { url: process.env.URL } },
        async *tenants() {
          for (const name of ['acme', 'beta']) yield { slug: name, schema: \`t_\${name}\` }
          yield { slug: 'own', topology: 'database', server: 'main', database: process.env.OWN }
        },
      }`,
    })
    const { code, stdout } = await project.run(['up', '--json'], { URL: app.url, OWN: own.name })
    expect([code, names(JSON.parse(stdout))]).toEqual([0, ['acme', 'beta', 'own']])
  })

  test('nobody: said, and nothing is done', async () => {
    project.configure({ servers: { main: { url: app.url } }, tenants: { from: 'schemas', like: 'nobody%' } })
    const report = await project.up()
    expect(report).toMatchObject({ ok: true, summary: { targets: 0 } })
    expect(report.notices).toContainEqual(expect.objectContaining({ rule: 'no-targets' }))
  })

  test('an environment brings its own', async () => {
    mixedFleet({ environments: { staging: { tenants: [{ slug: 'stage', topology: 'schema', schema: 'other' }] } } })
    expect(names(await project.use((tenantry) => tenantry.status(), { environment: 'staging' }))).toEqual(['stage'])
    for (const env of [{ TENANTRY_ENV: 'staging' }, { NODE_ENV: 'staging' }]) {
      expect(names(JSON.parse((await project.run(['status', '--json'], env)).stdout))).toEqual(['stage'])
    }
    const lost = await project.run(['up', '--json', '--env', 'staging', '--tenant', 'nobody'])
    expect(JSON.parse(lost.stdout).error.hint).toContain('`tenantry --env staging status --all`')
    const wrong = await project.run(['status', '--json', '--env', 'stagin'])
    expect(wrong.code).toBe(2)
    expect(JSON.parse(wrong.stdout).error.message).toContain('staging')
  })
})

describe('several sets', () => {
  beforeEach(() => {
    project.write({
      'platform/001_plan.sql': 'create table plan (id int primary key);\n',
      'platform/rollbacks/001_plan.sql': 'drop table plan;\n',
      'extra/010_extra.sql': 'create table vendor (id int primary key, contact int references contact (id));\n',
      'extra/rollbacks/010_extra.sql': 'drop table vendor;\n',
      'base/001_init.sql': 'create table contact (id int primary key);\n',
      'base/rollbacks/001_init.sql': 'drop table contact;\n',
    })
    project.configure({
      servers: { main: { url: app.url } },
      migrations: [
        { name: 'platform', dir: './platform', tenants: { label: 'kind=platform' } },
        { name: 'base', dir: './base' },
        { name: 'extra', dir: './extra', history: { table: 'extra_migrations' }, tenants: { label: 'kind=customer' } },
      ],
      tenants: [
        { slug: 'platform', topology: 'database', server: 'main', database: own.name, labels: { kind: 'platform' } },
        { slug: 'acme', topology: 'schema', schema: 't_acme', labels: { kind: 'customer' } },
        { slug: 'beta', topology: 'schema', schema: 't_beta', labels: { kind: 'customer' } },
      ],
    })
  })

  test('run in order, each with its own history, and are undone in the opposite order', async () => {
    const report = await project.up()
    expect(report.targets.map(({ set, tenants, applied }) => [set, tenants[0], applied])).toEqual([
      ['platform', 'platform', ['001_plan']],
      ['base', 'acme', ['001_init']],
      ['base', 'beta', ['001_init']],
      ['extra', 'acme', ['010_extra']],
      ['extra', 'beta', ['010_extra']],
    ])
    expect(await app.query('select version from t_acme.schema_migrations')).toEqual([{ version: '001_init' }])
    expect(await app.query('select version from t_acme.extra_migrations')).toEqual([{ version: '010_extra' }])
    const down = await project.use((tenantry) => tenantry.down({ selectors: { tenants: ['acme'] } }))
    expect(down.targets.map(({ set, undone }) => [set, undone])).toEqual([
      ['extra', ['010_extra']],
      ['base', ['001_init']],
    ])
    expect(await tables(app)).toEqual(['t_beta.contact', 't_beta.vendor'])
    const again = await project.use((tenantry) => tenantry.up({ selectors: { sets: ['base'] } }))
    expect(countResults(again)).toEqual({ applied: 1, 'up-to-date': 1 })
  })
})

test('one database under two server names is migrated once at a time, and once', async () => {
  project.write({ 'migrations/003_slow.sql': 'select pg_sleep(0.5); insert into contact values (1);\n' })
  project.configure({
    servers: { east: { url: app.url }, west: { url: app.url } },
    tenants: ['east', 'west'].map((server) => ({
      slug: server,
      topology: 'schema',
      server,
      schema: 't_acme',
      database: app.name,
    })),
  })
  const report = await project.up()
  expect(report.ok).toBe(true)
  expect(new Set(report.targets.flatMap(({ applied }) => applied))).toEqual(
    new Set(['001_init', '002_vendor', '003_slow']),
  )
  expect(await app.query('select version from t_acme.schema_migrations')).toHaveLength(3)
  expect(await app.query('select * from t_acme.contact')).toEqual([{ id: 1 }])
})
