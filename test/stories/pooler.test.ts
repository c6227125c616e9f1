/** Through the real PgBouncer, in transaction mode. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { TenantryEvent } from '../../src/model/events.ts'
import { needs } from '../servers/need.ts'
import { type PgBouncer, startPgBouncer } from '../servers/pgbouncer.ts'
import { freshDatabase, sharedServer, type TestDatabase } from '../servers/shared.ts'
import { countResults, createSchemas, makeProject, type Project, resultOf, schemaTenants } from './project.ts'
import { openClient } from './raw-client.ts'

needs('pgbouncer')('through PgBouncer in transaction mode, with two server connections', () => {
  const weird = 'we"ird S€LECT; --'
  let pooler: PgBouncer
  let database: TestDatabase
  let project: Project

  beforeAll(async () => {
    pooler = await startPgBouncer(sharedServer(), { settings: { default_pool_size: '2', query_wait_timeout: '30' } })
  })

  afterAll(() => pooler?.stop())

  beforeEach(async () => {
    database = await freshDatabase('pooler')
    await database.query(createSchemas(6))
    await database.query(`CREATE SCHEMA "${weird.replaceAll('"', '""')}"`)
    project = makeProject()
    configure({})
  })

  afterEach(async () => {
    project.remove()
    await database.drop()
  })

  function configure(more: Record<string, unknown>, count = 6): void {
    project.configure({
      servers: { main: { url: pooler.url(database.name), maxConcurrencyPerDatabase: 4 } },
      concurrency: 4,
      tenants: [
        ...schemaTenants(count, database.name),
        { slug: 'weird', topology: 'schema', server: 'main', database: database.name, schema: weird },
      ],
      ...more,
    })
  }

  test('plans, applies, reports and undoes over schemas', async () => {
    project.write({
      'migrations/001_orders.sql': 'CREATE TABLE orders (id int);\nINSERT INTO orders VALUES (1);\n',
      'migrations/002_notes.sql':
        'SET lock_timeout = 4321;\nCREATE TABLE notes (setting text);\nINSERT INTO notes SELECT current_setting($$lock_timeout$$);\n',
      'migrations/rollbacks/001_orders.sql': 'DROP TABLE orders;\n',
      'migrations/rollbacks/002_notes.sql': 'DROP TABLE notes;\n',
    })
    await project.use(async (tenantry) => {
      expect((await tenantry.plan()).summary).toMatchObject({ pending: 7 })
      expect(countResults(await tenantry.up())).toEqual({ applied: 7 })
      expect(await tenantry.status()).toMatchObject({ healthy: 7, needsAttention: 0 })
    })
    const name = `"${weird.replaceAll('"', '""')}"`
    expect(await database.query(`SELECT setting FROM ${name}.notes UNION ALL SELECT setting FROM t_6.notes`)).toEqual([
      { setting: '4321ms' },
      { setting: '4321ms' },
    ])
    await project.use(async (tenantry) => {
      expect(countResults(await tenantry.down({ unproven: true, allowDataLoss: true }))).toEqual({ undone: 7 })
      expect((await tenantry.status()).targets.map(({ pending }) => pending)).toEqual(Array(7).fill(['002_notes']))
    })
    expect(
      await database.query(`SELECT to_regclass('t_3.notes') AS notes, to_regclass('t_3.orders') IS NULL AS gone`),
    ).toEqual([{ notes: null, gone: false }])
  })

  test('leaves no setting behind for another client', async () => {
    project.write({
      'migrations/001_set.sql':
        "SET search_path = pg_catalog;\nSET statement_timeout = '77s';\nSET ROLE pg_monitor;\nSELECT set_config('work_mem', '77MB', false);\n",
      'migrations/002_index.sql': 'CREATE TABLE "public"."t" (a int);\n',
      'migrations/003_index.sql': 'CREATE INDEX CONCURRENTLY "i" ON "public"."t" (a);\n',
    })
    expect(countResults(await project.up())).toEqual({ applied: 7 })
    // More clients than server connections, all in a transaction at once, so that each connection is looked at.
    const clients = await Promise.all([1, 2].map(() => openClient(pooler.url(database.name))))
    for (const client of clients) await client.query('BEGIN')
    for (const client of clients) {
      const { rows } = await client.query(
        `SELECT current_user AS me, current_setting('search_path') AS path, current_setting('statement_timeout') AS statement,
          current_setting('lock_timeout') AS lock, current_setting('work_mem') AS work,
          (SELECT count(*)::int FROM pg_locks JOIN pg_database d ON d.oid = database WHERE locktype = 'advisory' AND datname = current_database()) AS locks`,
      )
      expect(rows).toEqual([
        { me: 'postgres', path: '"$user", public', statement: '0', lock: '0', work: '4MB', locks: 0 },
      ])
    }
    for (const client of clients) await client.end()
  })

  test('runs statement by statement where names are qualified; refuses and explains where not', async () => {
    project.write({
      'migrations/001_t.sql': 'CREATE TABLE t (a int);\n',
      'migrations/002_i.sql':
        'CREATE INDEX CONCURRENTLY "i" ON "public"."t" (a);\nINSERT INTO t VALUES (1);\nVACUUM "public"."t";\nINSERT INTO t VALUES (2);\n',
      'migrations/003_j.sql': 'CREATE INDEX CONCURRENTLY j ON t (a);\n',
    })
    const report = await project.up()
    expect(countResults(report)).toEqual({ 'failed POOLER_UNSUPPORTED': 7 })
    const refused = resultOf(report, 'weird')
    expect(refused.applied).toEqual(['001_t', '002_i'])
    expect(refused.error?.message).toMatch(/003_j.*transaction pooler.*CREATE INDEX CONCURRENTLY \(line 1\)/)
    expect(refused.error?.hint).toContain('"public"."orders"')
    expect(await database.query("SELECT count(*)::int AS n FROM pg_indexes WHERE indexname = 'i'")).toEqual([{ n: 7 }])
    expect(await database.query('SELECT a FROM t_4.t')).toEqual([{ a: 1 }, { a: 2 }])
    project.write({ 'migrations/003_j.sql': 'CREATE INDEX CONCURRENTLY j ON "public"."t" (a);\n' })
    expect(countResults(await project.up())).toEqual({ applied: 7 })
    expect(await database.query('SELECT count(*)::int AS n FROM pg_index WHERE NOT indisvalid')).toEqual([{ n: 0 }])
  })

  test('two runners at once: each migration once per target, and neither starves the other', async () => {
    project.write({
      'migrations/001_t.sql': 'CREATE TABLE t (a int);\nINSERT INTO t VALUES (1);\n',
      'migrations/002_i.sql': 'CREATE INDEX CONCURRENTLY "i" ON "public"."t" (a);\nINSERT INTO t VALUES (2);\n',
      'migrations/003_m.sql': 'INSERT INTO t VALUES (3);\n',
    })
    const events: TenantryEvent[] = []
    const [one, two] = await Promise.all([
      project.up(),
      project.use((tenantry) => tenantry.up(), { emit: (event) => void events.push(event) }),
    ])
    expect([one?.ok, two?.ok]).toEqual([true, true])
    for (const n of [1, 2, 3, 4, 5, 6]) {
      expect(await database.query(`SELECT a FROM t_${n}.t ORDER BY a`)).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }])
    }
    expect(await database.query('SELECT count(*)::int AS n FROM pg_index WHERE NOT indisvalid')).toEqual([{ n: 0 }])
  })

  test('a pooler with a single server connection is told apart from a locked target', async () => {
    const narrow = await startPgBouncer(sharedServer(), { settings: { default_pool_size: '1' } })
    try {
      configure({ servers: { main: { url: narrow.url(database.name) } }, targetLockWaitMs: 0 }, 1)
      project.write({ 'migrations/001_v.sql': 'CREATE INDEX CONCURRENTLY "i" ON "public"."t" (a);\n' })
      for (const schema of ['t_1', `"${weird.replaceAll('"', '""')}"`])
        await database.query(`CREATE TABLE ${schema}.t (a int)`)
      const [target] = (await project.up()).targets
      expect(target?.error?.message).toContain('no server connection to spare')
      expect(
        await database.query(
          "SELECT count(*)::int AS n FROM pg_locks JOIN pg_database d ON d.oid = database WHERE locktype = 'advisory' AND datname = current_database()",
        ),
      ).toEqual([{ n: 0 }])
    } finally {
      await narrow.stop()
    }
  })
})
