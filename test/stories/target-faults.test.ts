import type { Client } from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { countResults, createSchemas, makeProject, type Project, resultOf, schemaTenants } from './project.ts'
import { openClient } from './raw-client.ts'

const tenants = 5

let database: TestDatabase
let project: Project
let other: Client

beforeEach(async () => {
  database = await freshDatabase('faults')
  await database.query(createSchemas(tenants))
  other = await openClient(database.url)
  other.on('error', () => {})
  project = makeProject()
  configure()
  project.write({ 'migrations/001_marks.sql': "CREATE TABLE marks (name text);\nINSERT INTO marks VALUES ('1');" })
})
afterEach(async () => {
  project.remove()
  await other.end().catch(() => {})
  await database.drop()
})

function configure(more: Readonly<Record<string, unknown>> = {}): void {
  project.configure({
    servers: { main: { url: database.url } },
    tenants: schemaTenants(tenants, database.name),
    lockTimeoutMs: 200,
    lockRetryBudgetMs: 600,
    targetLockWaitMs: 600,
    ...more,
  })
}

test('a limit on temporary files in one tenant fails that tenant alone', async () => {
  await project.up()
  // A tenant with data: sorting it needs more than the role may write to disk.
  await database.query(
    'ALTER TABLE t_3.marks ADD n int; INSERT INTO t_3.marks SELECT md5(i::text), i FROM generate_series(1, 60000) i',
  )
  await database.query(
    `ALTER DATABASE "${database.name}" SET temp_file_limit = '64kB'; ALTER DATABASE "${database.name}" SET work_mem = '64kB'`,
  )
  project.write({
    'migrations/002_sorted.sql': 'CREATE TABLE sorted AS SELECT name FROM marks ORDER BY name;',
    'migrations/003_index.sql': 'CREATE INDEX CONCURRENTLY sorted_name ON sorted (name);',
  })
  const report = await project.up()
  expect(countResults(report)).toEqual({ applied: 4, 'failed MIGRATION_FAILED': 1 })
  const { error, pending } = resultOf(report, 't3')
  expect(error).toMatchObject({ context: { migration: '002_sorted', statement: 1, sqlstate: '53400', line: 1 } })
  expect(error?.message).toContain('temporary file size exceeds')
  expect(pending).toEqual(['002_sorted', '003_index'])

  await database.query(`ALTER DATABASE "${database.name}" RESET ALL`)
  expect(countResults(await project.up())).toEqual({ applied: 1, 'up-to-date': 4 })
})

test('a history table that somebody else holds stops its own target only, while reading and while writing', async () => {
  await project.up()
  project.write({ 'migrations/002_more.sql': 'CREATE TABLE more (id int);' })
  await other.query('BEGIN')
  await other.query('LOCK TABLE t_2.schema_migrations IN ACCESS EXCLUSIVE MODE -- kept secret')
  const locked = await project.up()
  expect(countResults(locked)).toEqual({ applied: 4, 'failed LOCK_TIMEOUT': 1 })
  expect(JSON.stringify(locked)).not.toContain('kept secret')
  await other.query('ROLLBACK')

  // It can be read, but no row can be written.
  await other.query('BEGIN')
  await other.query('LOCK TABLE t_2.schema_migrations IN SHARE ROW EXCLUSIVE MODE -- kept secret')
  const { pid } = (await other.query('SELECT pg_backend_pid() AS pid')).rows[0]
  const unwritable = await project.up()
  expect(countResults(unwritable)).toEqual({ 'failed LOCK_TIMEOUT': 1, 'up-to-date': 4 })
  const { error } = resultOf(unwritable, 't2')
  expect(error?.message).toContain(`session ${pid}`)
  expect(JSON.stringify(unwritable)).not.toContain('kept secret')
  await other.query('ROLLBACK')
  expect(countResults(await project.up())).toEqual({ applied: 1, 'up-to-date': 4 })
})

test('a target that another run holds is waited for within its limit, and the holder is named', async () => {
  const holder = makeProject()
  holder.configure({ servers: { main: { url: database.url } }, tenants: schemaTenants(1, database.name) })
  holder.write({ 'migrations/000_slow.sql': 'SELECT pg_sleep(20);' })
  const long = holder.start(['up'])
  try {
    await expect
      .poll(
        () =>
          database.query(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
          ),
        { timeout: 20_000 },
      )
      .toHaveLength(1)
    const report = await project.up()
    expect(countResults(report)).toEqual({ applied: 4, 'failed TARGET_LOCKED': 1 })
    expect(resultOf(report, 't1').error?.message).toMatch(/session \d+ \(application "tenantry"/)
  } finally {
    long.kill('SIGKILL')
    holder.remove()
  }
})

test('what a migration does to its session reaches neither the next migration nor the next tenant', async () => {
  await database.query(
    `CREATE ROLE "${database.name}_weak"; GRANT USAGE, CREATE ON SCHEMA ${schemaList()} TO "${database.name}_weak"`,
  )
  const weak = `"${database.name}_weak"`
  configure({ concurrency: 1 })
  const look = (
    n: string,
  ) => `CREATE TABLE look_${n} AS SELECT current_user::text AS who, current_setting('search_path') AS path,
    current_setting('TimeZone') AS zone, current_setting('work_mem') AS mem, current_setting('app.tenant', true) AS app,
    current_setting('session_replication_role') AS replication, current_setting('standard_conforming_strings') AS scs,
    current_setting('check_function_bodies') AS bodies, current_setting('default_transaction_read_only') AS ro,
    current_setting('statement_timeout') AS stt, to_regclass('pg_temp.leaked') IS NOT NULL AS temp,
    (SELECT count(*)::int FROM pg_prepared_statements) AS prepared, (SELECT count(*)::int FROM pg_cursors WHERE is_holdable) AS cursors,
    (SELECT count(*)::int FROM pg_listening_channels()) AS channels,
    (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND objid = 4711) AS locks;`
  const leaks = [
    `SET TimeZone = 'Asia/Tokyo'; SET work_mem = '1MB'; SET search_path = pg_catalog; SET check_function_bodies = off;`,
    `SET SESSION app.tenant = 'somebody'; SET SESSION session_replication_role = replica;`,
    `SET ROLE ${weak}; CREATE TABLE of_the_weak (id int);`,
    `SET SESSION AUTHORIZATION ${weak}; SELECT 1;`,
    `SELECT set_config('TimeZone', 'Asia/Tokyo', false), set_config('app.tenant', 'x', false), set_config('role', '${database.name}_weak', false);`,
    `CREATE FUNCTION leak() RETURNS void LANGUAGE plpgsql AS $$ BEGIN SET TimeZone = 'Asia/Tokyo'; PERFORM set_config('app.tenant', 'y', false);
       PERFORM set_config('search_path', 'pg_catalog', false); SET work_mem = '2MB'; CREATE TEMP TABLE leaked (id int); PERFORM pg_advisory_lock(4711); END $$;`,
    `SELECT leak();`,
    `DO $$ BEGIN DROP TABLE IF EXISTS pg_temp.leaked; PERFORM leak(); END $$;`,
    `SET default_transaction_read_only = on; SET standard_conforming_strings = off;`,
    `CREATE TEMP TABLE leaked AS SELECT 1 AS id; PREPARE leaked AS SELECT 1; LISTEN leaked; SELECT pg_advisory_lock(4711);`,
    `DECLARE leaked CURSOR WITH HOLD FOR SELECT 1;`,
    `SET TimeZone = 'Asia/Tokyo'; RESET ALL;`,
    `SET work_mem = '1MB'; DISCARD PLANS; DISCARD TEMP;`,
    `-- tenantry:no-transaction\nSET TimeZone = 'Asia/Tokyo'; SET ROLE ${weak}; DISCARD ALL;`,
    `SET TimeZone = 'Asia/Tokyo'; CREATE INDEX CONCURRENTLY marks_name ON marks (name);`,
  ]
  leaks.forEach((text, i) => {
    const number = String(100 + i * 10)
    project.write({
      [`migrations/${number}_leak.sql`]: text,
      [`migrations/${Number(number) + 1}_look.sql`]: look(String(i)),
    })
  })
  const report = await project.up()
  expect(report.targets.map(({ error }) => error)).toEqual(report.targets.map(() => null))
  const clean = (
    await database.query(`SELECT current_setting('TimeZone') AS zone, current_setting('work_mem') AS mem`)
  )[0]
  for (let tenant = 1; tenant <= tenants; tenant++) {
    for (const i of leaks.keys()) {
      const rows = await database.query(`SELECT * FROM t_${tenant}.look_${i}`)
      expect([i, rows]).toEqual([
        i,
        [
          {
            who: 'postgres',
            path: `"t_${tenant}", "public"`,
            ...clean,
            app: expect.toSatisfy((value) => value === null || value === ''),
            replication: 'origin',
            scs: 'on',
            bodies: 'on',
            ro: 'off',
            stt: '0',
            temp: false,
            prepared: 0,
            cursors: 0,
            channels: 0,
            locks: 0,
          },
        ],
      ])
    }
  }
})

function schemaList(): string {
  return Array.from({ length: tenants }, (_, i) => `t_${i + 1}`).join(', ')
}

test('a half-done migration whose file was rewritten to fit one transaction goes on where it stopped', async () => {
  await project.up()
  await database.query("INSERT INTO t_3.marks VALUES ('1')")
  const mark = "INSERT INTO marks VALUES ('2');"
  project.write({
    'migrations/002_unique.sql': `${mark}\nCREATE UNIQUE INDEX CONCURRENTLY marks_once ON marks (name);`,
  })
  expect(countResults(await project.up())).toEqual({ applied: 4, 'failed MIGRATION_FAILED': 1 })
  await database.query('DROP INDEX t_3.marks_once')

  project.write({ 'migrations/002_unique.sql': `${mark}\nCREATE INDEX marks_once ON marks (name);` })
  const report = await project.use((tenantry) => tenantry.up({ allowChanged: true }))
  expect(countResults(report)).toEqual({ applied: 1, 'up-to-date': 4 })
  expect(await database.query('SELECT name FROM t_3.marks ORDER BY name')).toEqual(
    ['1', '1', '2'].map((name) => ({ name })),
  )
})

test('a half-done migration whose first statements were rewritten is refused', async () => {
  await project.up()
  await database.query("INSERT INTO t_3.marks VALUES ('1')")
  const index = 'CREATE UNIQUE INDEX CONCURRENTLY marks_once ON marks (name);'
  project.write({ 'migrations/002_unique.sql': `INSERT INTO marks VALUES ('2');\n${index}` })
  await project.up()
  project.write({
    'migrations/002_unique.sql': `INSERT INTO marks VALUES ('3');\nCREATE INDEX marks_once ON marks (name);`,
  })
  const report = await project.use((tenantry) => tenantry.up({ allowChanged: true }))
  expect(countResults(report)).toEqual({ 'failed MIGRATION_CHANGED': 1, 'up-to-date': 4 })
})
