/** What a set can be told: one transaction for all, session statements, placeholders, what to ignore, several folders. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { countResults, makeProject, type Project, resultOf } from './project.ts'

let database: TestDatabase
let project: Project

beforeAll(async () => {
  database = await freshDatabase('set options')
})

afterAll(() => database?.drop())

beforeEach(async () => {
  await database.query(
    'drop schema if exists a cascade; drop schema if exists b cascade; create schema a; create schema b',
  )
  project = makeProject()
})

afterEach(() => project?.remove())

function configure(migrations: Record<string, unknown>, more: Record<string, unknown> = {}): void {
  project.configure({
    servers: { main: { url: database.url } },
    migrations: { dir: './migrations', ...migrations },
    tenants: ['a', 'b'].map((slug) => ({ slug, topology: 'schema', schema: slug })),
    ...more,
  })
}

const regclass = async (name: string) => (await database.query('select to_regclass($1)::text as t', [name]))[0]?.t

test("transaction: 'target' applies all or nothing of a target", async () => {
  project.write({
    'migrations/001_one.sql': 'create table one (id int);\n',
    'migrations/002_two.sql': 'create table two (id int);\n',
    'migrations/003_bad.sql': 'insert into clash values (1);\n',
  })
  await database.query('create table b.clash (id int)')
  configure({ transaction: 'target' })
  const report = await project.up()
  expect(countResults(report)).toEqual({ applied: 1, 'failed MIGRATION_FAILED': 1 })
  expect(resultOf(report, 'a')).toMatchObject({ applied: [], error: { context: { migration: '003_bad' } } })
  expect([await regclass('a.one'), await regclass('a.schema_migrations'), await regclass('b.two')]).toEqual([
    null,
    null,
    'b.two',
  ])
  await database.query('create table a.clash (id int)')
  expect(resultOf(await project.up(), 'a').applied).toEqual(['001_one', '002_two', '003_bad'])
})

test("transaction: 'target' with what cannot be in a transaction is refused, or said", async () => {
  project.write({
    'migrations/001_one.sql': 'create table one (id int);\n',
    'migrations/002_index.sql': 'create index concurrently one_id on one (id);\n',
    'migrations/003_bad.sql': 'select * from nothing_here;\n',
  })
  configure({ transaction: 'target' })
  const plan = await project.use((tenantry) => tenantry.plan())
  expect([...plan.notices, ...plan.migrations.flatMap(({ notices }) => notices)]).toContainEqual(
    expect.objectContaining({ rule: 'not-one-transaction', migration: '002_index' }),
  )
})

test('session statements hold in every transaction and leak nowhere', async () => {
  project.write({
    'migrations/001_note.sql':
      "create table note as select current_setting('work_mem') as m, current_setting('app.who') as w;\n",
    'migrations/002_more.sql': "insert into note select current_setting('work_mem'), current_setting('app.who');\n",
    'migrations/003_index.sql': 'create index concurrently note_m on note (m);\n',
  })
  configure({ session: ["SET work_mem = '77MB'", "SET app.who = 'deploy'"] })
  expect(countResults(await project.up())).toEqual({ applied: 2 })
  expect(await database.query('select * from a.note union all select * from b.note')).toEqual(
    Array.from({ length: 4 }, () => ({ m: '77MB', w: 'deploy' })),
  )
})

test('placeholders are put in before anything looks at the file', async () => {
  project.write({ 'migrations/001_owner.sql': "create table {{table}} (who text default '{{who}}');\n" })
  configure({ placeholders: { '{{table}}': 'thing', '{{who}}': "O''Brien" } })
  expect(countResults(await project.up())).toEqual({ applied: 2 })
  await database.query('insert into a.thing default values')
  expect(await database.query('select who from a.thing')).toEqual([{ who: "O'Brien" }])
  // Another value is no other migration.
  configure({ placeholders: { '{{table}}': 'thing', '{{who}}': 'somebody' } })
  expect(countResults(await project.up())).toEqual({ 'up-to-date': 2 })
})

test('ignored files and several folders, in one order', async () => {
  project.write({
    'core/001_one.sql': 'create table one (id int);\n',
    'core/003_three.sql': 'create table three (id int);\n',
    'core/900_seed.sql': 'this is no SQL;\n',
    'plugin/002_two.sql': 'create table two (id int);\n',
    'plugin/rollbacks/002_two.sql': 'drop table two;\n',
  })
  configure({ dir: ['./core', './plugin'], ignore: '_seed\\.sql$' })
  const report = await project.up()
  expect(resultOf(report, 'a').applied).toEqual(['001_one', '002_two', '003_three'])
  expect(countResults(await project.use((tenantry) => tenantry.down({ unproven: true, migration: '002' })))).toEqual({
    undone: 2,
  })
})

test('required tables are part of health', async () => {
  project.write({ 'migrations/001_one.sql': 'create table one (id int);\n' })
  configure({}, { requiredTables: ['one', 'vendor'] })
  await database.query('create table b.vendor (id int)')
  await project.up()
  const { code, stdout } = await project.run(['status', '--json'])
  expect(code).toBe(0)
  const report = JSON.parse(stdout)
  expect(report).toMatchObject({ ok: false, healthy: 1, needsAttention: 1 })
  expect(
    report.details.map(({ missingTables, requiredTables }: Record<string, string[]>) => [
      missingTables,
      requiredTables,
    ]),
  ).toEqual([
    [['vendor'], ['one', 'vendor']],
    [[], ['one', 'vendor']],
  ])
  expect((await project.run(['status'])).stdout).toContain('required tables missing: vendor')
  const one = await project.run(['status', 'a'])
  expect(one.stdout).toMatch(/vendor.*missing|missing.*vendor/)
})
