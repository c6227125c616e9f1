/** Data changes through the real PgBouncer, in transaction mode: no session holds a lock there. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { DataChangeReport } from '../../src/model/data-change.ts'
import { needs } from '../servers/need.ts'
import { type PgBouncer, startPgBouncer } from '../servers/pgbouncer.ts'
import { freshDatabase, sharedServer, type TestDatabase } from '../servers/shared.ts'
import { createSchemas, makeProject, type Project, schemaTenants } from './project.ts'

needs('pgbouncer')('data changes through PgBouncer, with two server connections', () => {
  let pooler: PgBouncer
  let database: TestDatabase
  let project: Project

  beforeAll(async () => {
    pooler = await startPgBouncer(sharedServer(), { settings: { default_pool_size: '2', query_wait_timeout: '30' } })
  })
  afterAll(() => pooler?.stop())
  beforeEach(async () => {
    database = await freshDatabase('data_pooler')
    await database.query(createSchemas(4))
    project = makeProject()
    project.write({
      'migrations/001_orders.sql': 'CREATE TABLE orders (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0);',
      'data-changes/001_count.sql':
        '-- tenantry:data-change table=orders key=id chunk-ms=100\nUPDATE orders SET n = n + 1 WHERE id BETWEEN :from AND :to;\nSELECT pg_sleep(0.05);',
    })
    project.configure({
      servers: { main: { url: pooler.url(database.name), maxConcurrencyPerDatabase: 4 } },
      concurrency: 4,
      tenants: schemaTenants(4, database.name),
    })
    expect((await project.up()).ok).toBe(true)
    for (let i = 1; i <= 4; i++) await database.query(`INSERT INTO t_${i}.orders SELECT generate_series(1, 8000)`)
  })
  afterEach(async () => {
    project.remove()
    await database.drop()
  })

  const run = (): Promise<DataChangeReport> => project.use((tenantry) => tenantry.dataChanges.run())
  const counts = async () => {
    const tables = [1, 2, 3, 4].map((i) => `SELECT n FROM t_${i}.orders`).join(' UNION ALL ')
    return database.query(`SELECT n, count(*)::int AS rows FROM (${tables}) o GROUP BY n`)
  }

  test('two runners at once: a target is one runner’s, and every row is changed once', async () => {
    const first = run()
    await expect
      .poll(async () => (await project.use((tenantry) => tenantry.dataChanges.status())).summary.running, {
        timeout: 30_000,
      })
      .toBeGreaterThan(0)
    const second = await run()
    expect(second.targets.map(({ error }) => error?.code ?? null)).toContain('TARGET_LOCKED')
    await first
    expect(await counts()).toEqual([{ n: 1, rows: 32_000 }])
    expect((await run()).ok).toBe(true)
    expect(await counts()).toEqual([{ n: 1, rows: 32_000 }])
    // Nothing of a batch is left in a session that others are given.
    expect(
      await database.query(
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'",
      ),
    ).toEqual([])
  })
})
