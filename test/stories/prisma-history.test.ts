/** Prisma's own table, so that Prisma and tenantry agree at any moment; and the home-made table beside Prisma folders. */
import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { countResults, makeProject, type Project, resultOf } from './project.ts'

const init =
  'CREATE TABLE "public"."contact" (\n  "id" SERIAL NOT NULL,\n  CONSTRAINT "contact_pkey" PRIMARY KEY ("id")\n);\n'
const vendor = 'CREATE TABLE "vendor" ("id" TEXT NOT NULL);\n'
const first = '20241218_initial_schema'
const second = '20250110000000_add_vendor'
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** As `prisma migrate` makes it (prisma-engines, sql-schema-connector, `create_migrations_table`). */
const genuineTable = (schema: string) => `CREATE TABLE "${schema}"."_prisma_migrations" (
  id                      VARCHAR(36) PRIMARY KEY NOT NULL,
  checksum                VARCHAR(64) NOT NULL,
  finished_at             TIMESTAMPTZ,
  migration_name          VARCHAR(255) NOT NULL,
  logs                    TEXT,
  rolled_back_at          TIMESTAMPTZ,
  started_at              TIMESTAMPTZ NOT NULL DEFAULT now(),
  applied_steps_count     INTEGER NOT NULL DEFAULT 0
)`

let database: TestDatabase
let project: Project

beforeAll(async () => {
  database = await freshDatabase('prisma history')
})

afterAll(() => database?.drop())

beforeEach(async () => {
  await database.query(
    'drop schema if exists a cascade; drop schema if exists b cascade; create schema a; create schema b',
  )
  project = makeProject()
  project.write({
    [`prisma/migrations/${first}/migration.sql`]: init,
    [`prisma/migrations/${second}/migration.sql`]: vendor,
    'prisma/migrations/migration_lock.toml': 'provider = "postgresql"\n',
  })
  configure()
})

afterEach(() => project?.remove())

function configure(history: Record<string, unknown> = {}): void {
  project.configure({
    servers: { main: { url: database.url } },
    migrations: { dir: './prisma/migrations', history },
    tenants: ['a', 'b'].map((slug) => ({ slug, topology: 'schema', schema: slug })),
  })
}

const columns = (schema: string) =>
  database.query(
    `select column_name, data_type, character_maximum_length, is_nullable, column_default from information_schema.columns
     where table_schema = $1 and table_name = '_prisma_migrations' order by ordinal_position`,
    [schema],
  )

test('the table and its rows are as Prisma writes them', async () => {
  await database.query(
    `create schema if not exists genuine; drop table if exists genuine._prisma_migrations; ${genuineTable('genuine')}`,
  )
  expect(countResults(await project.up())).toEqual({ applied: 2 })
  expect(await columns('a')).toEqual(await columns('genuine'))
  const rows = await database.query('select * from a._prisma_migrations order by migration_name')
  for (const row of rows) {
    expect(row.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(row.finished_at).toBeInstanceOf(Date)
    expect(Number(row.finished_at)).toBeGreaterThanOrEqual(Number(row.started_at))
    expect(row).toMatchObject({ logs: null, rolled_back_at: null, applied_steps_count: 1 })
  }
  expect(rows.map(({ migration_name, checksum }) => [migration_name, checksum])).toEqual([
    [first, sha256(init)],
    [second, sha256(vendor)],
  ])
})

test('the order of application can be told from started_at', async () => {
  await project.up()
  const status = await project.use((tenantry) => tenantry.status())
  expect(status.details[0]?.applied).toEqual([first, second])
  const rows = await database.query('select migration_name from a._prisma_migrations order by started_at')
  expect(rows.map(({ migration_name }) => migration_name)).toEqual([first, second])
})

test('genuine rows are taken as they are: done, rolled back and done again', async () => {
  await database.query(`${genuineTable('a')}; create table a.contact (id serial primary key);
    insert into a._prisma_migrations (id, checksum, finished_at, migration_name, logs, rolled_back_at, started_at, applied_steps_count) values
      ('7d1ad1a5-6c7b-4a3c-9b1e-1f2f3f4f5f6f', '${sha256(init)}', null, '${first}', 'A migration failed to apply.', now(), now() - interval '1 hour', 0),
      ('8d1ad1a5-6c7b-4a3c-9b1e-1f2f3f4f5f6f', '${sha256(init)}', now(), '${first}', null, null, now(), 1)`)
  const report = await project.up()
  expect(resultOf(report, 'a')).toMatchObject({
    result: 'applied',
    applied: [second],
    unverified: [],
    changed: [],
    failed: [],
  })
})

test('a rolled back row alone counts as absent', async () => {
  await database.query(`${genuineTable('a')};
    insert into a._prisma_migrations (id, checksum, migration_name, logs, rolled_back_at) values ('x', '${sha256(init)}', '${first}', 'failed', now())`)
  expect(resultOf(await project.up(), 'a')).toMatchObject({ result: 'applied', applied: [first, second] })
  expect(await database.query('select count(*)::int as n from a._prisma_migrations')).toEqual([{ n: 3 }])
})

test('a failed row (P3009) stops that target only, and says how it is settled', async () => {
  await database.query(`${genuineTable('a')};
    insert into a._prisma_migrations (id, checksum, migration_name, logs) values ('x', '${sha256(init)}', '${first}', 'ERROR: relation exists')`)
  expect(resultOf(await project.use((tenantry) => tenantry.plan()), 'a').result).toBe('failed')
  const report = await project.up()
  expect(countResults(report)).toEqual({ applied: 1, 'failed MIGRATION_HALF_APPLIED': 1 })
  const { error } = resultOf(report, 'a')
  expect(error?.message).toContain('P3009')
  expect(error?.hint).toContain(`prisma migrate resolve --applied ${first}`)
  const explained = await project.run(['explain', 'a'])
  expect(explained.stdout).toContain(`baseline --migration ${first} a`)
  // What Prisma's own `migrate resolve --applied` does, in our words; only where it is true.
  await database.query('create table a.contact (id serial constraint contact_pkey primary key)')
  const marked = await project.use((tenantry) => tenantry.baseline({ migration: first, selectors: { tenants: ['a'] } }))
  expect(resultOf(marked, 'a')).toMatchObject({ result: 'applied', applied: [first], failed: [] })
  expect(
    await database.query(
      `select finished_at is not null as done, rolled_back_at is not null as back, logs, applied_steps_count
       from a._prisma_migrations order by started_at`,
    ),
  ).toEqual([
    { done: false, back: true, logs: 'ERROR: relation exists', applied_steps_count: 0 },
    { done: true, back: false, logs: '', applied_steps_count: 0 },
  ])
  expect(resultOf(await project.up(), 'a').applied).toEqual([second])
})

test('a changed file is told by the checksum of Prisma itself', async () => {
  await database.query(`${genuineTable('a')};
    insert into a._prisma_migrations (id, checksum, finished_at, migration_name, applied_steps_count) values ('x', '${sha256('other')}', now(), '${first}', 1)`)
  expect(countResults(await project.up())).toEqual({ applied: 1, 'failed MIGRATION_CHANGED': 1 })
})

test('the home-made schema_migrations beside Prisma folders is found by itself', async () => {
  await database.query(`CREATE TABLE a.schema_migrations (id SERIAL PRIMARY KEY, version VARCHAR(255) UNIQUE NOT NULL, description TEXT,
      applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, checksum VARCHAR(64));
    insert into a.schema_migrations (version, description) values ('${first}', 'initial'); create table a.contact (id serial primary key)`)
  const report = await project.up()
  expect(resultOf(report, 'a')).toMatchObject({ result: 'applied', applied: [second], unverified: [first] })
  expect(resultOf(report, 'b')).toMatchObject({ applied: [first, second] })
  for (const schema of ['a', 'b']) {
    expect(
      await database.query(
        `select to_regclass('${schema}._prisma_migrations') as p, to_regclass('${schema}.schema_migrations') is not null as s`,
      ),
    ).toEqual([{ p: null, s: true }])
  }
  const rows = await database.query('select version, checksum from a.schema_migrations order by id')
  expect(rows.map(({ version }) => version)).toEqual([first, second])
  expect(countResults(await project.up())).toEqual({ 'up-to-date': 2 })
})

test('a new tenant that is migrated alone keeps the history that the others keep', async () => {
  await database.query(
    `create table b.schema_migrations (version text primary key); insert into b.schema_migrations values ('${first}')`,
  )
  const report = await project.use((tenantry) => tenantry.up({ selectors: { tenants: ['a'] } }))
  expect(resultOf(report, 'a').applied).toEqual([first, second])
  expect(await database.query("select to_regclass('a._prisma_migrations') as p")).toEqual([{ p: null }])
  expect(resultOf(await project.use((tenantry) => tenantry.status()), 'b').pending).toEqual([second])
})

test('targets that keep different ones: refused until the config says which', async () => {
  await database.query(`${genuineTable('a')}; create table b.schema_migrations (version text primary key)`)
  await expect(project.up()).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    hint: expect.stringContaining('history.kind'),
  })
  configure({ kind: 'schema_migrations' })
  expect(countResults(await project.use((tenantry) => tenantry.status()))).toEqual({ pending: 2 })
})
