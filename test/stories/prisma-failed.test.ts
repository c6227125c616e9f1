/** A migration that failed under Prisma (P3009), and one that stops half-way under us: both tools see the same. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { freshMariadb, withMariadb } from '../servers/shared-mariadb.ts'
import { countResults, makeProject, type Project, resultOf } from './project.ts'

const first = '20241218_initial_schema'
const second = '20250110000000_add_vendor'
const third = '20250201000000_index'
const texts = {
  [first]: 'CREATE TABLE "contact" ("id" SERIAL PRIMARY KEY);\n',
  [second]: 'CREATE TABLE "vendor" ("id" TEXT NOT NULL);\n',
  [third]: 'CREATE TABLE "extra" ("id" INT);\nCREATE INDEX CONCURRENTLY "vendor_id" ON "vendor" ("id");\nSELECT 1/0;\n',
}
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const fixture = readFileSync(new URL('../fixtures/prisma-rows/failed.sql', import.meta.url), 'utf8')
  .replaceAll('{{first}}', sha256(texts[first] ?? ''))
  .replaceAll('{{second}}', sha256(texts[second] ?? ''))

let database: TestDatabase
let project: Project

beforeAll(async () => {
  database = await freshDatabase('prisma failed')
})
afterAll(() => database?.drop())
afterEach(() => project?.remove())

beforeEach(async () => {
  await database.query(
    'drop schema if exists a cascade; drop schema if exists b cascade; create schema a; create schema b',
  )
  project = makeProject()
  project.write({
    [`prisma/migrations/${first}/migration.sql`]: texts[first] ?? '',
    [`prisma/migrations/${second}/migration.sql`]: texts[second] ?? '',
    'prisma/migrations/migration_lock.toml': 'provider = "postgresql"\n',
  })
  project.configure({
    servers: { main: { url: database.url } },
    migrations: { dir: './prisma/migrations' },
    tenants: ['a', 'b'].map((slug) => ({ slug, topology: 'schema', schema: slug })),
  })
})

const failUnderPrisma = () =>
  database.query(`set search_path to a; create table contact (id serial primary key); ${fixture}; reset search_path`)
const rows = (schema = 'a') =>
  database.query(
    `select migration_name as name, finished_at is not null as done, rolled_back_at is not null as back, logs is null as quiet,
       applied_steps_count as steps from ${schema}._prisma_migrations order by started_at, id`,
  )
/** What Prisma's own `detect_failed_migrations` looks for. */
const failedForPrisma = async (schema = 'a') =>
  (
    await database.query(
      `select migration_name from ${schema}._prisma_migrations where finished_at is null and rolled_back_at is null`,
    )
  ).map(({ migration_name }) => migration_name)
const ofA = { selectors: { tenants: ['a'] } }

describe('a failed row', () => {
  beforeEach(failUnderPrisma)

  test("is shown with Prisma's own words by plan, status and explain, and stops that target only", async () => {
    const plan = await project.run(['plan'])
    expect(plan.code).toBe(3)
    expect(plan.stdout).toContain('P3009')
    expect(plan.stdout).toContain('It noted: ERROR: relation "vendor" already exists (42P07).')
    const status = await project.run(['status', 'a'])
    expect(status.stdout).toContain(`${second} failed under the tool itself`)
    expect(status.stdout).toContain('It noted: ERROR: relation')
    const explained = await project.run(['explain', 'a'])
    expect(explained.stdout).toContain(`The tool noted of ${second}:`)
    expect(explained.stdout).toContain('Database error code: 42P07')
    expect(explained.stdout).not.toContain('apply_migration.rs')
    expect(explained.stdout).toContain(`tenantry baseline --migration ${second} a`)
    expect(explained.stdout).toContain(`tenantry baseline --rolled-back ${second} a`)
    const report = await project.up()
    expect(countResults(report)).toEqual({ applied: 1, 'failed MIGRATION_HALF_APPLIED': 1 })
    expect(resultOf(report, 'a').error?.context.logs).toContain('42P07')
  })

  test('recorded as applied: the rows are those of `prisma migrate resolve --applied`', async () => {
    const baseline = () => project.use((tenantry) => tenantry.baseline({ migration: second, ...ofA }))
    // Its table is not there yet, whatever Prisma met.
    expect(resultOf(await baseline(), 'a').error?.code).toBe('BASELINE_UNPROVEN')
    expect(await failedForPrisma()).toEqual([second])
    await database.query('create table a.vendor (id text not null)')
    expect(resultOf(await baseline(), 'a')).toMatchObject({ result: 'applied', applied: [second], failed: [] })
    expect(await rows()).toEqual([
      { name: first, done: true, back: false, quiet: true, steps: 1 },
      { name: second, done: false, back: true, quiet: false, steps: 0 },
      { name: second, done: false, back: true, quiet: false, steps: 0 },
      { name: second, done: true, back: false, quiet: false, steps: 0 },
    ])
    expect(await failedForPrisma()).toEqual([])
    expect(resultOf(await project.up(), 'a').result).toBe('up-to-date')
  })

  test('recorded as rolled back: the row stays, nothing else changes, and it is pending again', async () => {
    const before = await database.query('select id, logs, started_at from a._prisma_migrations order by id')
    const done = await project.run(['baseline', 'a', '--rolled-back', second])
    expect([done.code, done.stderr]).toEqual([0, expect.not.stringContaining('rror')])
    expect(done.stdout).toContain(`recorded as rolled back ${second}`)
    expect(await failedForPrisma()).toEqual([])
    expect(await database.query('select id, logs, started_at from a._prisma_migrations order by id')).toEqual(before)
    expect(
      await database.query(
        "select rolled_back_at::text like '2025-01-10 10:05%' as first from a._prisma_migrations where id like '6a9f%'",
      ),
    ).toEqual([{ first: true }])
    expect(resultOf(await project.use((tenantry) => tenantry.status(ofA)), 'a').pending).toEqual([second])
    expect(resultOf(await project.up(), 'a').applied).toEqual([second])
  })

  test('whose file is gone can be settled by its name', async () => {
    await database.query(`update a._prisma_migrations set migration_name = '20250109000000_lost' where id like '91b0%'`)
    const report = await project.use((tenantry) => tenantry.baseline({ rolledBack: '20250109000000_lost' }))
    expect(countResults(report)).toEqual({ undone: 1, 'up-to-date': 1 })
    expect(await failedForPrisma()).toEqual([])
  })

  test('that is not there is a slip of the pen; and other histories have none', async () => {
    const rolledBack = (name: string) => project.use((tenantry) => tenantry.baseline({ rolledBack: name }))
    await expect(rolledBack(first)).rejects.toMatchObject({ code: 'MIGRATION_UNKNOWN' })
    project.configure({
      servers: { main: { url: database.url } },
      migrations: { dir: './prisma/migrations', history: { kind: 'schema_migrations' } },
      tenants: [{ slug: 'b', topology: 'schema', schema: 'b' }],
    })
    await expect(rolledBack(first)).rejects.toMatchObject({ code: 'USAGE', hint: expect.stringContaining('Prisma') })
  })
})

describe('a migration that fails under us', () => {
  test('in one transaction leaves nothing, for Prisma neither', async () => {
    project.write({ [`prisma/migrations/${second}/migration.sql`]: 'CREATE TABLE "x" ();\nSELECT 1/0;\n' })
    expect(countResults(await project.up())).toEqual({ 'failed MIGRATION_FAILED': 2 })
    expect(await rows()).toEqual([{ name: first, done: true, back: false, quiet: true, steps: 1 }])
  })

  describe('step by step', () => {
    beforeEach(async () => {
      project.write({ [`prisma/migrations/${third}/migration.sql`]: texts[third] ?? '' })
      expect(resultOf(await project.use((tenantry) => tenantry.up(ofA)), 'a').error?.code).toBe('MIGRATION_FAILED')
    })

    test('has the row that Prisma takes for failed, which tells it what to do; `up` goes on, and the row is one', async () => {
      expect(await failedForPrisma()).toEqual([third])
      const [row] = await database.query(
        'select finished_at, rolled_back_at, applied_steps_count, checksum, logs from a._prisma_migrations where finished_at is null',
      )
      expect(row).toMatchObject({ rolled_back_at: null, applied_steps_count: 0, checksum: sha256(texts[third] ?? '') })
      expect(row?.logs).toContain('`tenantry up` goes on')
      const status = await project.use((tenantry) => tenantry.status(ofA))
      expect(status.details[0]?.halfDone).toMatchObject([{ migration: third, statementsDone: 2, statementsTotal: 3 }])
      project.write({
        [`prisma/migrations/${third}/migration.sql`]: (texts[third] ?? '').replace('SELECT 1/0', 'SELECT 1'),
      })
      expect(resultOf(await project.use((tenantry) => tenantry.up(ofA)), 'a').applied).toEqual([third])
      expect((await rows()).filter(({ name }) => name === third)).toEqual([
        { name: third, done: true, back: false, quiet: true, steps: 1 },
      ])
    })

    test('resolved with Prisma as applied: it is applied for us, too', async () => {
      await database.query(`update a._prisma_migrations set rolled_back_at = now() where finished_at is null;
        insert into a._prisma_migrations (id, checksum, logs, started_at, finished_at, migration_name)
          values ('x', '${sha256(texts[third] ?? '')}', '', now(), now(), '${third}')`)
      expect(resultOf(await project.use((tenantry) => tenantry.up(ofA)), 'a').result).toBe('up-to-date')
    })

    test('resolved with Prisma as rolled back: we do not guess how much of it is left', async () => {
      await database.query('update a._prisma_migrations set rolled_back_at = now() where finished_at is null')
      const { error } = resultOf(await project.use((tenantry) => tenantry.up(ofA)), 'a')
      expect(error).toMatchObject({
        code: 'MIGRATION_HALF_APPLIED',
        message: expect.stringContaining('rolled back by another tool'),
      })
      expect(error?.hint).toContain(`tenantry baseline --rolled-back ${third}`)
      const explained = await project.run(['explain', 'a'])
      expect(explained.stdout).toContain(`tenantry baseline --rolled-back ${third} a`)
      expect(explained.stdout).not.toContain('goes on at statement')
      await database.query('drop table a.extra; drop index a.vendor_id')
      project.write({
        [`prisma/migrations/${third}/migration.sql`]: (texts[third] ?? '').replace('SELECT 1/0', 'SELECT 1'),
      })
      const done = await project.use((tenantry) => tenantry.baseline({ rolledBack: third, ...ofA }))
      expect(resultOf(done, 'a')).toMatchObject({ result: 'undone', undone: [third], pending: [third] })
      expect(resultOf(await project.use((tenantry) => tenantry.up(ofA)), 'a').applied).toEqual([third])
    })
  })
})

withMariadb('on MariaDB, where DDL commits by itself', () => {
  test('a migration that stops half-way has the row that Prisma takes for failed, and goes on', async () => {
    const own = await freshMariadb('prisma failed')
    try {
      const text =
        'CREATE TABLE a (id INT PRIMARY KEY);\nINSERT INTO nowhere VALUES (1);\nCREATE TABLE b (id INT PRIMARY KEY);\n'
      project.write({
        'mysql/migration_lock.toml': 'provider = "mysql"\n',
        'mysql/20250101000000_a/migration.sql': text,
      })
      project.configure({
        servers: { main: { url: own.url } },
        migrations: { dir: './mysql' },
        tenants: [{ slug: 'one', topology: 'database', database: own.name }],
      })
      expect(countResults(await project.up())).toEqual({ 'failed MIGRATION_FAILED': 1 })
      const failed = () =>
        own.query(
          'SELECT migration_name, logs FROM _prisma_migrations WHERE finished_at IS NULL AND rolled_back_at IS NULL',
        )
      expect(await failed()).toMatchObject([
        { migration_name: '20250101000000_a', logs: expect.stringContaining('`tenantry up` goes on') },
      ])
      await own.query('CREATE TABLE nowhere (id INT)')
      expect(countResults(await project.up())).toEqual({ applied: 1 })
      expect(await failed()).toEqual([])
      expect(
        await own.query(
          'SELECT migration_name AS name, checksum, logs, applied_steps_count AS steps FROM _prisma_migrations',
        ),
      ).toMatchObject([{ name: '20250101000000_a', checksum: sha256(text), logs: null, steps: 1 }])
      // A row of Prisma's own, settled in its way.
      await own.query(
        "INSERT INTO _prisma_migrations (id, checksum, migration_name, logs) VALUES ('x', 'y', '20250101000000_lost', 'why')",
      )
      expect(countResults(await project.up())).toEqual({ 'failed MIGRATION_HALF_APPLIED': 1 })
      await project.use((tenantry) => tenantry.baseline({ rolledBack: '20250101000000_lost' }))
      expect(countResults(await project.up())).toEqual({ 'up-to-date': 1 })
    } finally {
      await own.drop()
    }
  })

  test('a folder that was written for PostgreSQL is refused', async () => {
    project.configure({
      servers: { main: { url: 'mysql://app@127.0.0.1:1/app' } },
      migrations: { dir: './prisma/migrations' },
      tenants: [{ slug: 'one', topology: 'database', database: 'app' }],
    })
    await expect(project.up()).rejects.toMatchObject({
      code: 'MIGRATIONS_UNREADABLE',
      message: expect.stringContaining(
        "written for postgresql, and the servers of this config are MySQL or MariaDB (Prisma's P3019)",
      ),
    })
  })
})
