/** `down`: what is undone, what is refused, and that a refusal touches nothing. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { DownOptions } from '../../src/model/report.ts'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { countResults, makeProject, type Project, resultOf } from './project.ts'

let database: TestDatabase
let project: Project

beforeAll(async () => {
  database = await freshDatabase('undo')
})

afterAll(() => database?.drop())

beforeEach(async () => {
  await database.query(
    'drop schema if exists a cascade; drop schema if exists b cascade; create schema a; create schema b',
  )
  project = makeProject()
  project.write({
    'migrations/001_contact.sql': 'create table contact (id int primary key);\n',
    'migrations/002_email.sql': 'alter table contact add email text;\n',
    'migrations/003_vendor.sql': 'create table vendor (id int primary key);\ncreate index vendor_id on vendor (id);\n',
    'migrations/rollbacks/001_contact.sql': 'drop table contact;\n',
    'migrations/rollbacks/002_email.sql': 'alter table contact drop email;\n',
    'migrations/rollbacks/003_vendor.sql': 'drop index vendor_id;\ndrop table vendor;\n',
  })
  project.configure({
    servers: { main: { url: database.url } },
    tenants: ['a', 'b'].map((slug) => ({ slug, topology: 'schema', schema: slug })),
  })
  await project.up()
})

afterEach(() => project?.remove())

const down = (options: DownOptions = {}) => project.use((tenantry) => tenantry.down({ unproven: true, ...options }))
const only = (...tenants: string[]) => ({ selectors: { tenants } })
const history = async (schema: string) =>
  (await database.query(`select version from "${schema}".schema_migrations order by id`)).map(({ version }) => version)
const all = ['001_contact', '002_email', '003_vendor']

describe('chooses', () => {
  test.each<[string, DownOptions, string[], string[]]>([
    ['the last', {}, ['003_vendor'], ['001_contact', '002_email']],
    ['the last two', { steps: 2 }, ['003_vendor', '002_email'], ['001_contact']],
    ['more than there are', { steps: 9 }, ['003_vendor', '002_email', '001_contact'], []],
    ['all after one', { to: '001' }, ['003_vendor', '002_email'], ['001_contact']],
    ['a named one', { migration: '002_email' }, ['002_email'], ['001_contact', '003_vendor']],
    ['a named one, by its number', { migration: '3' }, ['003_vendor'], ['001_contact', '002_email']],
  ])('%s', async (_, options, undone, left) => {
    const report = await down({ ...options, ...only('a') })
    expect(resultOf(report, 'a')).toMatchObject({ result: 'undone', undone, error: null })
    expect([await history('a'), await history('b')]).toEqual([left, all])
    const again = await project.up()
    expect(resultOf(again, 'a')).toMatchObject({ result: 'applied', applied: [...undone].sort() })
  })

  test('every tenant where none is named, and those that do not have it are left alone', async () => {
    await down(only('a'))
    const report = await down({ migration: '003' })
    expect(countResults(report)).toEqual({ 'up-to-date': 1, undone: 1 })
    expect([await history('a'), await history('b')]).toEqual([all.slice(0, 2), all.slice(0, 2)])
  })

  test('by DB_MIGRATION_VERSION, which a flag overrules', async () => {
    const by = await project.run(['down', 'a'], { DB_MIGRATION_VERSION: '001' })
    expect(by.code).toBe(0)
    expect(by.stderr).toContain('DB_MIGRATION_VERSION=001: undoing everything after it')
    expect(await history('a')).toEqual(['001_contact'])
    const overruled = await project.run(['down', '--steps', '1', 'b', '--json'], { DB_MIGRATION_VERSION: '001' })
    expect(JSON.parse(overruled.stdout).notices).toContainEqual(expect.objectContaining({ rule: 'variable-overruled' }))
    expect(await history('b')).toEqual(all.slice(0, 2))
  })

  test('on the command line, tenants and a migration in one breath', async () => {
    expect((await project.run(['down', '002', 'a'])).code).toBe(0)
    expect((await project.run(['down', '--to', '002', 'b'])).code).toBe(0)
    expect([await history('a'), await history('b')]).toEqual([['001_contact', '003_vendor'], all.slice(0, 2)])
    const unknown = await project.run(['down', '009_nothing', '--json'])
    expect(unknown.code).toBe(2)
    expect(await history('b')).toEqual(all.slice(0, 2))
  })
})

test('a word that is a tenant and a migration is refused: it could undo the whole fleet', async () => {
  project.configure({
    servers: { main: { url: database.url } },
    tenants: ['a', 'b'].map((slug, i) => ({ id: String(i + 1), slug, topology: 'schema', schema: slug })),
  })
  const ended = await project.run(['down', '2', '--json'])
  expect(ended.code).toBe(2)
  expect(JSON.parse(ended.stdout).error).toMatchObject({
    code: 'USAGE',
    hint: expect.stringMatching(/down --tenant 2.*down 002_email/),
  })
  expect((await project.run(['down', '--tenant', '2'])).code).toBe(0)
  expect([await history('a'), await history('b')]).toEqual([all, all.slice(0, 2)])
  expect((await project.run(['down', '002_email', '1'])).code).toBe(0)
  expect(await history('a')).toEqual(['001_contact', '003_vendor'])
})

describe('refuses, and touches nothing anywhere', () => {
  const refused = async (argv: string[], code: string) => {
    const before = await Promise.all([history('a'), history('b')])
    const ended = await project.run(['down', '--unproven', ...argv, '--json'])
    expect(ended.code).toBe(2)
    const report = JSON.parse(ended.stdout)
    expect(report).toMatchObject({ command: 'down', ok: false, rollout: null, error: { code } })
    expect(await Promise.all([history('a'), history('b')])).toEqual(before)
    return report
  }

  test('an undo file that is missing, even if it is the last to be needed', async () => {
    project.write({ 'migrations/004_more.sql': 'create table more (id int);\n' })
    await project.up()
    await down({ ...only('a'), migration: '003' })
    // Only b still has what cannot be undone in one go.
    const report = await refused(['--steps', '2'], 'UNDO_MISSING')
    expect(report.error.message).toContain('004_more')
    expect(report.targets).toHaveLength(2)
    expect(await database.query("select to_regclass('b.vendor')::text as t")).toEqual([{ t: 'b.vendor' }])
  })

  test('rows that would be lost, with their counts', async () => {
    await database.query("insert into b.contact values (1, 'x@example.com'), (2, null)")
    const column = await refused(['--to', '001'], 'DATA_LOSS')
    expect(column.error.message).toMatch(/b: 002_email drops column contact\.email \(1 row\)/)
    expect(column.error.context.losses).toEqual([
      expect.objectContaining({ target: `main/${database.name}/b`, migration: '002_email', rows: 1 }),
    ])
    expect(await database.query('select count(*)::int as n from b.contact')).toEqual([{ n: 2 }])
    const allowed = await down({ to: '001', allowDataLoss: true })
    expect(countResults(allowed)).toEqual({ undone: 2 })
    const table = await refused(['001'], 'DATA_LOSS')
    expect(table.error.message).toMatch(/b: 001_contact drops table contact \(2 rows\)/)
    expect(resultOf(await down(only('a')), 'a').undone).toEqual(['001_contact'])
  })

  test('--yes is not --allow-data-loss', async () => {
    await database.query('insert into b.vendor values (1)')
    await refused(['--yes'], 'DATA_LOSS')
    expect((await project.run(['down', '--allow-data-loss', '--unproven'])).code).toBe(0)
  })

  test('rows that nobody can count, because a policy may hide them', async () => {
    const role = `undo_${database.name}`
    await database.query(`create role "${role}" login password 'counting';
      grant usage, create on schema a, b to "${role}";
      alter table a.vendor owner to "${role}"; alter table a.schema_migrations owner to "${role}"; alter table a.tenantry_ledger owner to "${role}";
      insert into a.vendor values (1); alter table a.vendor enable row level security; alter table a.vendor force row level security`)
    try {
      project.configure({
        servers: { main: { url: database.server.url(database.name, { user: role, password: 'counting' }) } },
        tenants: [{ slug: 'a', topology: 'schema', schema: 'a' }],
      })
      const report = await refused([], 'DATA_LOSS')
      expect(report.error.message).toMatch(/a: 003_vendor drops table vendor \(rows that cannot be counted\)/)
    } finally {
      await database.query(`drop owned by "${role}"; drop role "${role}"`)
    }
  })

  test('a changed file, unless that is allowed', async () => {
    project.write({ 'migrations/003_vendor.sql': 'create table vendor (id bigint primary key);\n' })
    const report = await down()
    expect(countResults(report)).toEqual({ 'failed MIGRATION_CHANGED': 2 })
    project.write({ 'migrations/rollbacks/003_vendor.sql': 'drop table vendor;\n' })
    expect(countResults(await down({ allowChanged: true }))).toEqual({ undone: 2 })
  })
})

test('an undo outside a transaction goes statement by statement, and on where it stopped', async () => {
  project.write({
    'migrations/rollbacks/003_vendor.sql':
      'drop index concurrently vendor_id;\nselect * from trouble;\ndrop table vendor;\n',
  })
  const first = await down(only('a'))
  expect(resultOf(first, 'a')).toMatchObject({
    result: 'failed',
    error: { code: 'MIGRATION_FAILED', context: { statement: 2 } },
  })
  // `up` would run into a half-undone target.
  expect(resultOf(first, 'a').error?.hint).toContain('tenantry down 003_vendor a')
  expect(resultOf(first, 'a').error?.hint).not.toContain('tenantry up')
  const status = await project.use((tenantry) => tenantry.status(only('a')))
  expect(status.details[0]?.halfDone).toEqual([
    { migration: '003_vendor', direction: 'down', statementsDone: 1, statementsTotal: 3 },
  ])
  expect(resultOf(await project.up(), 'a')).toMatchObject({ error: { code: 'MIGRATION_HALF_APPLIED' } })
  await database.query('create table a.trouble (id int)')
  expect(resultOf(await down(only('a')), 'a')).toMatchObject({ result: 'undone', undone: ['003_vendor'] })
  expect(await history('a')).toEqual(all.slice(0, 2))
  expect(resultOf(await project.up(), 'a').applied).toEqual(['003_vendor'])
})

test('an undo that fails in one tenant is undone there, and in no other', async () => {
  await database.query('create view a.looks as select * from a.vendor')
  const report = await down()
  expect(countResults(report)).toEqual({ undone: 1, 'failed MIGRATION_FAILED': 1 })
  expect([await history('a'), await history('b')]).toEqual([all, all.slice(0, 2)])
  expect(resultOf(report, 'a').error?.hint).toContain('tenantry down 003_vendor a')
})

test('a pair of x.up.sql and x.down.sql, and a Prisma folder with rollback.sql', async () => {
  project.write({
    'pairs/1_one.up.sql': 'create table one (id int);\n',
    'pairs/1_one.down.sql': 'drop table one;\n',
    'prisma/20250101000000_two/migration.sql': 'create table "public"."two" (id int);\n',
    'prisma/20250101000000_two/rollback.sql': 'drop table "public"."two";\n',
  })
  for (const [dir, table, kind] of [
    ['pairs', 'one', 'schema_migrations'],
    ['prisma', 'two', '_prisma_migrations'],
  ] as const) {
    await database.query('drop schema a cascade; create schema a')
    project.configure({
      servers: { main: { url: database.url } },
      migrations: { dir: `./${dir}` },
      tenants: [{ slug: 'a', topology: 'schema', schema: 'a' }],
    })
    await project.up()
    expect(await database.query(`select to_regclass('a.${table}')::text as t`)).toEqual([{ t: `a.${table}` }])
    expect(countResults(await down())).toEqual({ undone: 1 })
    expect(await database.query(`select to_regclass('a.${table}') as t`)).toEqual([{ t: null }])
    expect(await database.query(`select * from a."${kind}"`)).toEqual([])
  }
})
