/** Locks that others hold, and time limits. */
import type { Client } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { postgres } from '../../src/dialects/postgres/index.ts'
import { advisoryKey } from '../../src/dialects/postgres/phrases.ts'
import { ConnectionPool } from '../../src/engine/pool.ts'
import { supervise } from '../../src/engine/supervise.ts'
import type { TenantryEvent } from '../../src/model/events.ts'
import type { FleetReport } from '../../src/model/report.ts'
import { Secret } from '../../src/model/secret.ts'
import type { ServerAddress } from '../../src/model/server.ts'
import { startProxy } from '../servers/proxy.ts'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { countResults, createSchemas, makeProject, type Project, resultOf, schemaTenants } from './project.ts'
import { openClient } from './raw-client.ts'

const secret = 'card-4929-1111'
/** Of the first tenant's lock. */
const key = advisoryKey('t_1')

let database: TestDatabase
let project: Project
let other: Client

beforeAll(async () => {
  database = await freshDatabase('locks')
})

afterAll(() => database?.drop())

beforeEach(async () => {
  await database.query('DROP SCHEMA IF EXISTS t_1, t_2, t_3, t_4 CASCADE')
  await database.query(createSchemas(4))
  for (const n of [1, 2, 3, 4]) await database.query(`CREATE TABLE t_${n}.t (id int, a int)`)
  project = makeProject()
  other = await openClient(`${database.url}?application_name=nightly-report`)
})

afterEach(async () => {
  await other.end()
  project.remove()
})

function configure(limits: Record<string, unknown>, tenants = 1, url = database.url): void {
  project.configure({ servers: { main: { url } }, tenants: schemaTenants(tenants, database.name), ...limits })
}

async function up(emit: (event: TenantryEvent) => void = () => {}): Promise<FleetReport> {
  return project.use((tenantry) => tenantry.up(), { emit })
}

/** While the run goes on; the session may end first. */
function ask(sql: string): void {
  other.query(sql).catch(() => {})
}

const ofOther = async () => (await other.query('SELECT pg_backend_pid() AS pid')).rows[0].pid as number

describe('a table that another session has locked', () => {
  beforeEach(() => {
    project.write({ 'migrations/001_wide.sql': 'CREATE TABLE before ();\nALTER TABLE t ADD COLUMN b int;\n' })
  })

  test.each([
    { kind: 'in a transaction', prefix: '' },
    { kind: 'statement by statement', prefix: '-- tenantry:no-transaction\n' },
  ])('$kind: is tried again up to the budget, and the blocker is named without its query', async ({ prefix }) => {
    configure({ lockTimeoutMs: 300, lockRetryBudgetMs: 1500 })
    project.write({ 'migrations/001_wide.sql': `${prefix}CREATE TABLE before ();\nALTER TABLE t ADD COLUMN b int;\n` })
    const pid = await ofOther()
    await other.query(`BEGIN; LOCK TABLE t_1.t; SELECT '${secret}'`)
    const events: TenantryEvent[] = []
    const startedAt = performance.now()
    const report = await up((event) => events.push(event))
    const tookMs = performance.now() - startedAt
    expect(tookMs).toBeGreaterThan(1200)
    const [target] = report.targets
    expect(target?.error).toMatchObject({ code: 'LOCK_TIMEOUT', context: { statement: 2, sqlstate: '55P03' } })
    expect(target?.error?.message).toMatch(
      new RegExp(
        `Blocked by session ${pid} \\(application "nightly-report", user postgres, idle in transaction, in a transaction since \\d{4}-\\d\\d-\\d\\dT[\\d:]+Z\\)`,
      ),
    )
    const waits = events.filter((event) => event.type === 'target-waiting')
    expect(waits.length).toBeGreaterThanOrEqual(2)
    expect(waits.every(({ reason, delayMs }) => reason === 'lock-timeout' && delayMs > 0)).toBe(true)
    expect(JSON.stringify([report, events])).not.toContain(secret)
    await other.query('ROLLBACK')
    expect((await up()).targets[0]).toMatchObject({ result: 'applied', error: null })
  })

  test('is waited for: what ends within the budget is no failure', async () => {
    configure({ lockTimeoutMs: 150, lockRetryBudgetMs: 30_000 })
    await other.query('BEGIN; LOCK TABLE t_1.t')
    let waits = 0
    const report = await up((event) => {
      if (event.type === 'target-waiting' && ++waits === 2) ask('ROLLBACK')
    })
    expect(report.targets[0]).toMatchObject({ result: 'applied', error: null })
    expect(waits).toBeGreaterThanOrEqual(2)
  })

  test('is not waited for by a body that commits itself: trying it again might do it twice', async () => {
    configure({ lockTimeoutMs: 300, lockRetryBudgetMs: 30_000 })
    project.write({ 'migrations/001_wide.sql': 'DO $$ BEGIN COMMIT; ALTER TABLE t ADD COLUMN b int; END $$;\n' })
    await other.query('BEGIN; LOCK TABLE t_1.t')
    const [target] = (await up()).targets
    expect(target?.error).toMatchObject({ code: 'LOCK_TIMEOUT' })
    expect(target?.error?.message).toContain('nightly-report')
    expect((await up()).targets[0]?.error).toMatchObject({ code: 'MIGRATION_INTERRUPTED' })
  })

  test('the budget is that of one migration, not of the target', async () => {
    configure({ lockTimeoutMs: 150, lockRetryBudgetMs: 1500 })
    project.write({
      'migrations/002_slow.sql': 'SELECT pg_sleep(1.6);\n',
      'migrations/003_wide.sql': 'ALTER TABLE t ADD COLUMN c int;\n',
    })
    await other.query('BEGIN; LOCK TABLE t_1.t')
    let waits = 0
    const report = await up((event) => {
      if (event.type === 'target-waiting') {
        waits++
        ask('ROLLBACK')
      }
      if (event.type === 'migration-finished' && event.migration === '001_wide') {
        ask('BEGIN; LOCK TABLE t_1.t')
        waits = 0
      }
    })
    expect(report.targets[0]).toMatchObject({ result: 'applied', error: null })
    expect(waits).toBeGreaterThanOrEqual(1)
  })

  test('a locked history table is named as such, and never taken for an empty one', async () => {
    configure({ lockTimeoutMs: 150, lockRetryBudgetMs: 300 })
    await up()
    await other.query('BEGIN; LOCK TABLE t_1.schema_migrations')
    project.write({ 'migrations/002_next.sql': 'CREATE TABLE next ();\n' })
    const [target] = (await up()).targets
    expect(target?.error).toMatchObject({ code: 'LOCK_TIMEOUT' })
    expect(target?.error?.message).toContain('history')
  })
})

describe('time limits', () => {
  const sleeps = (count: number, seconds: number) =>
    Array.from({ length: count }, (_, i) => `SELECT pg_sleep(${seconds}), ${i};\n`).join('')

  test('a statement that runs too long is cancelled', async () => {
    configure({ statementTimeoutMs: 200 })
    project.write({ 'migrations/001_slow.sql': `CREATE TABLE made ();\n${sleeps(1, 20)}` })
    const [target] = (await up()).targets
    expect(target?.error).toMatchObject({ code: 'MIGRATION_TIMEOUT', context: { statement: 2, line: 2 } })
    expect(await database.query("SELECT to_regclass('t_1.made') AS made")).toEqual([{ made: null }])
  })

  test('a migration that runs too long is cancelled, whatever its statements take', async () => {
    configure({ migrationTimeoutMs: 700 })
    project.write({ 'migrations/001_fast.sql': sleeps(1, 0.3), 'migrations/002_slow.sql': sleeps(40, 0.3) })
    const [target] = (await up()).targets
    expect(target).toMatchObject({ result: 'failed', applied: ['001_fast'], failed: ['002_slow'] })
    expect(target?.error?.code).toBe('MIGRATION_TIMEOUT')
    expect(target?.error?.message).toContain('migrationTimeoutMs (700 ms)')
  })

  test('so is one that runs statement by statement; it goes on later', async () => {
    configure({ migrationTimeoutMs: 900 })
    const file = `-- tenantry:no-transaction\nINSERT INTO t VALUES (1);\n${sleeps(6, 0.25)}INSERT INTO t VALUES (2);\n`
    project.write({ 'migrations/001_slow.sql': file })
    const [target] = (await up()).targets
    expect(target?.error?.code).toBe('MIGRATION_TIMEOUT')
    const [row] = await database.query('SELECT state, statements_done AS done FROM t_1.tenantry_ledger')
    expect(row?.state).toBe('running')
    expect(row?.done).toBeGreaterThan(0)
    expect(row?.done).toBeLessThan(7)
    configure({})
    expect((await up()).targets[0]).toMatchObject({ result: 'applied', error: null })
    expect(await database.query('SELECT id FROM t_1.t ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }])
  })

  test('a server that does not answer is given up after connectTimeoutMs', async () => {
    const proxy = await startProxy(database.server)
    try {
      configure({ connectTimeoutMs: 300 }, 1, proxy.url(database.url))
      project.write({ 'migrations/001_a.sql': 'CREATE TABLE a ();\n' })
      proxy.blackHole()
      const startedAt = performance.now()
      const [target] = (await up()).targets
      expect(performance.now() - startedAt).toBeLessThan(5000)
      expect(target?.error).toMatchObject({ code: 'SERVER_UNREACHABLE' })
      expect(target?.error?.message).toContain('connect time-out')
    } finally {
      await proxy.stop()
    }
  })

  test('hold in transactions and outside of them', async () => {
    const names = ['lock_timeout', 'statement_timeout', 'idle_in_transaction_session_timeout']
    const read = `INSERT INTO seen SELECT name, setting FROM pg_settings WHERE name IN ('${names.join("', '")}')`
    configure({ lockTimeoutMs: 1234, statementTimeoutMs: 23_456, idleInTransactionTimeoutMs: 34_567 })
    project.write({
      'migrations/001_in.sql': `CREATE TABLE seen (name text, setting text);\n${read};\n`,
      'migrations/002_out.sql': `DO $$ BEGIN ${read}; COMMIT; END $$;\n`,
    })
    expect((await up()).ok).toBe(true)
    expect(await database.query('SELECT name, setting FROM t_1.seen ORDER BY name')).toEqual(
      [...names].sort().flatMap((name, i) => {
        const setting = ['34567', '1234', '23456'][i]
        return [
          { name, setting },
          { name, setting },
        ]
      }),
    )
  })

  test('a migration that runs long says so, with what blocks it', async () => {
    const { host, port, user, password } = database.server
    const server: ServerAddress = {
      name: 'main',
      dialect: 'postgres',
      host,
      port,
      user,
      password: new Secret(password),
      tls: null,
      maxConcurrency: 8,
      maxConcurrencyPerDatabase: 4,
    }
    const options = { connectTimeoutMs: 5000, applicationName: 'tenantry' }
    const pool = new ConnectionPool(new Map([['main', server]]), () => postgres, options)
    const pid = await ofOther()
    await other.query(`BEGIN; LOCK TABLE t_1.t; SELECT '${secret}'`)
    const { connection, release } = await pool.lease('main', database.name)
    const events: TenantryEvent[] = []
    const placement = { server: 'main', database: database.name, schema: 't_1' }
    const settings = {
      lockTimeoutMs: 0,
      lockRetryBudgetMs: 0,
      targetLockWaitMs: 0,
      statementTimeoutMs: 0,
      migrationTimeoutMs: 0,
      idleInTransactionTimeoutMs: 0,
      sharedSchema: 'public',
      appliedBy: 'me',
    }
    const target = { name: 'main/x/t_1', placement, tenants: [] }
    const cancel = new AbortController().signal
    const work = {
      settings,
      pool,
      target,
      dialect: postgres,
      set: 'tenant',
      emit: (event: TenantryEvent) => void events.push(event),
      cancel,
    }
    const supervision = supervise(work, connection, '001_long', 150)
    try {
      const running = connection.query('ALTER TABLE t_1.t ADD COLUMN b int')
      await expect.poll(() => events.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(2)
      await other.query('ROLLBACK')
      await running
    } finally {
      await supervision.stop()
      await release()
      await pool.close()
    }
    const slow = events.filter((event) => event.type === 'target-slow')
    expect(slow).toHaveLength(events.length)
    expect(slow[0]?.runningMs).toBeGreaterThanOrEqual(140)
    expect(slow.at(-1)).toMatchObject({
      migration: '001_long',
      blockers: [{ sessionId: pid, applicationName: 'nightly-report' }],
    })
    expect(JSON.stringify(events)).not.toContain(secret)
  })
})

describe('a target that another run holds', () => {
  test.each([
    { kind: 'one transaction', text: 'CREATE TABLE a ();\n' },
    { kind: 'statement by statement', text: 'CREATE INDEX CONCURRENTLY i ON t (a);\n' },
  ])('$kind: is waited for up to targetLockWaitMs, and the holder is named', async ({ text }) => {
    configure({ targetLockWaitMs: 400 }, 2)
    project.write({ 'migrations/001_a.sql': text })
    const pid = await ofOther()
    await other.query(`SELECT pg_advisory_lock(${key}), '${secret}'`)
    const report = await up()
    expect(countResults(report)).toEqual({ 'failed TARGET_LOCKED': 1, applied: 1 })
    const { error } = resultOf(report, 't1')
    expect(error?.message).toContain(`session ${pid} (application "nightly-report"`)
    expect(error?.hint).toContain('targetLockWaitMs')
    expect(JSON.stringify(report)).not.toContain(secret)
    configure({}, 2)
    let waits = 0
    const again = await up((event) => {
      if (event.type === 'target-waiting' && ++waits === 2) ask('SELECT pg_advisory_unlock_all()')
    })
    expect(countResults(again)).toEqual({ applied: 1, 'up-to-date': 1 })
    expect(waits).toBeGreaterThanOrEqual(2)
  })

  test('does not hold up a concurrent build in another schema', async () => {
    configure({ targetLockWaitMs: 30_000 }, 2)
    project.write({ 'migrations/001_i.sql': 'CREATE INDEX CONCURRENTLY i ON t (a);\n' })
    await other.query(`SELECT pg_advisory_lock(${key})`)
    const finished: string[] = []
    const report = await up((event) => {
      if (event.type !== 'target-finished') return
      finished.push(event.result.tenants[0] ?? '')
      ask('SELECT pg_advisory_unlock_all()')
    })
    expect(finished).toEqual(['t2', 't1'])
    expect(countResults(report)).toEqual({ applied: 2 })
  })
})

test('a migration that lets go of its session locks keeps the target', async () => {
  configure({})
  project.write({ 'migrations/001_d.sql': 'DISCARD ALL;\nSELECT pg_sleep(1);\n' })
  const running = up()
  const sleeping = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE query LIKE '%pg_sleep(1)%' AND wait_event = 'PgSleep'`
  await expect.poll(() => database.query(sleeping), { timeout: 20_000, interval: 20 }).toEqual([{ n: 1 }])
  const [row] = await database.query(`SELECT pg_try_advisory_lock(${key}) AS got`)
  expect(row).toEqual({ got: false })
  expect((await running).ok).toBe(true)
})

describe('concurrent builds', () => {
  test('run one at a time, wait for others beyond lockTimeoutMs, and leave nothing invalid', async () => {
    configure({ lockTimeoutMs: 200, concurrency: 4 }, 4)
    project.write({
      'migrations/001_slow.sql': 'SELECT pg_sleep(0.4);\n',
      'migrations/002_i.sql': 'CREATE INDEX CONCURRENTLY i ON t (a);\nCREATE INDEX CONCURRENTLY j ON t (id);\n',
      'migrations/003_slow.sql': 'SELECT pg_sleep(0.1);\n',
    })
    // A transaction that writes: every build of its database waits for it.
    await other.query('BEGIN; INSERT INTO t_1.t VALUES (1, 1)')
    const running = up()
    const builds = `SELECT count(*)::int AS n, coalesce(max(extract(epoch FROM clock_timestamp() - query_start)), 0)::float8 AS s
      FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' AND state = 'active' AND datname = '${database.name}'`
    let most = 0
    let ended = false
    let isHeld = true
    void running.finally(() => {
      ended = true
    })
    while (!ended) {
      const [row] = await database.query(builds)
      most = Math.max(most, Number(row?.n))
      if (isHeld && Number(row?.s) > 0.6) {
        isHeld = false
        await other.query('COMMIT')
      }
    }
    const report = await running
    expect(countResults(report)).toEqual({ applied: 4 })
    expect([most, isHeld]).toEqual([1, false])
    expect(await database.query('SELECT count(*)::int AS n FROM pg_index WHERE NOT indisvalid')).toEqual([{ n: 0 }])
    expect(await database.query("SELECT count(*)::int AS n FROM pg_class WHERE relname IN ('i', 'j')")).toEqual([
      { n: 8 },
    ])
  })
})
