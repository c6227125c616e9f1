/** Data changes on MariaDB. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { DataChangeReport, DataChangeRunOptions } from '../../src/model/data-change.ts'
import type { TenantryEvent } from '../../src/model/events.ts'
import { freshMariadb, type MariadbDatabase, withMariadb } from '../servers/shared-mariadb.ts'
import { makeProject, type Project } from './project.ts'

withMariadb('data changes on MariaDB', () => {
  let database: MariadbDatabase
  let project: Project

  beforeEach(async () => {
    database = await freshMariadb('data_changes')
    project = makeProject()
    project.write({
      'migrations/001_orders.sql': `CREATE TABLE orders (id int PRIMARY KEY, tenant_id varchar(20) NOT NULL DEFAULT 'a', n int NOT NULL DEFAULT 0, note text);
CREATE TABLE by_uuid (id uuid PRIMARY KEY DEFAULT uuid(), n int NOT NULL DEFAULT 0);
CREATE TABLE by_binary (id binary(16) PRIMARY KEY, n int NOT NULL DEFAULT 0);
CREATE TABLE by_both (kind varchar(20) NOT NULL, at datetime(6) NOT NULL, price decimal(12,2) NOT NULL, n int NOT NULL DEFAULT 0, PRIMARY KEY (kind, at, price));
CREATE TABLE old_engine (id int PRIMARY KEY) ENGINE=MyISAM;`,
    })
    configure()
    expect((await project.up()).ok).toBe(true)
    await database.query(
      "INSERT INTO orders (id, tenant_id) SELECT seq, IF(seq % 3 = 0, 'a', 'B\"\\\\') FROM seq_1_to_6000",
    )
  })
  afterEach(async () => {
    project?.remove()
    await database?.drop()
  })

  const configure = (
    tenants: unknown = [{ slug: 'solo', topology: 'database', server: 'main', database: database.name }],
  ) => project.configure({ servers: { main: { url: database.url } }, tenants })
  const run = (options: DataChangeRunOptions = {}, emit?: (event: TenantryEvent) => void): Promise<DataChangeReport> =>
    project.use((tenantry) => tenantry.dataChanges.run(options), emit === undefined ? {} : { emit })
  const counts = async (table = 'orders') =>
    (await database.query(`SELECT n, count(*) AS rows_of FROM ${table} GROUP BY n ORDER BY n`)).map((row) => [
      Number(row.n),
      Number(row.rows_of),
    ])

  test('keys of every kind', async () => {
    project.write({
      'data-changes/001_int.sql':
        '-- tenantry:data-change table=orders key=id\nUPDATE orders SET n = n + 1 WHERE id BETWEEN :from AND :to # :from',
      'data-changes/002_uuid.sql':
        '-- tenantry:data-change table=by_uuid key=id\nUPDATE by_uuid SET n = n + 1 WHERE id BETWEEN :from AND :to',
      'data-changes/003_binary.sql':
        '-- tenantry:data-change table=by_binary key=id\nUPDATE by_binary SET n = n + 1 WHERE id IN (:keys)',
      'data-changes/004_both.sql':
        '-- tenantry:data-change table=by_both key=kind,at,price\nUPDATE by_both SET n = n + 1 WHERE (kind, at, price) IN (:keys)',
      'data-changes/005_range.sql':
        '-- tenantry:data-change table=by_both key=kind,at,price\nUPDATE by_both SET n = n + 1 WHERE (kind, at, price) >= :from AND (kind, at, price) <= :to',
    })
    await database.query(`INSERT INTO by_uuid (n) SELECT 0 FROM seq_1_to_1000`)
    await database.query(`INSERT INTO by_binary (id) SELECT UNHEX(MD5(seq)) FROM seq_1_to_1000`)
    await database.query(
      `INSERT INTO by_both (kind, at, price) SELECT ELT(1 + seq % 3, 'a', 'B', 'é\\''), '2026-03-29 02:30:00.123456' + INTERVAL seq DIV 7 MINUTE, seq / 100 FROM seq_1_to_1000`,
    )
    const report = await run()
    expect(report.targets.flatMap(({ error }) => error ?? [])).toEqual([])
    expect(report).toMatchObject({ ok: true, summary: { done: 5 } })
    expect(await counts()).toEqual([[1, 6000]])
    for (const [table, n] of [
      ['by_uuid', 1],
      ['by_binary', 1],
      ['by_both', 2],
    ] as const)
      expect(await counts(table)).toEqual([[n, 1000]])
    expect(await run()).toMatchObject({ ok: true })
    expect(await counts()).toEqual([[1, 6000]])
  })

  test('a batch that fails is undone with its cursor; code, too', async () => {
    project.write({
      'data-changes/001_bad.sql': `-- tenantry:data-change table=orders key=id
UPDATE orders SET n = n + 1 WHERE id BETWEEN :from AND :to;
UPDATE orders SET n = IF(id = 3000 AND note IS NULL, NULL, n) WHERE id BETWEEN :from AND :to;`,
      'data-changes/002_code.mjs': `export default { table: 'orders', key: 'id', async batch({ query, from, to }) {
        await query('UPDATE orders SET n = n + 1 WHERE id BETWEEN ? AND ?', [from, to])
        if (Number(from) > 3000 && process.env.TENANTRY_STORY_BAD === '1') await query('INSERT INTO orders (id) VALUES (1)')
      } }`,
    })
    const report = await run({ change: '001' })
    expect(report.targets[0]).toMatchObject({
      state: 'failed',
      error: { code: 'DATA_CHANGE_FAILED', context: { line: 3 } },
    })
    const done = report.targets[0]?.rowsDone ?? 0
    expect(await counts()).toEqual([
      [0, 6000 - done],
      [1, done],
    ])
    await database.query("UPDATE orders SET note = 'mended' WHERE id = 3000")
    expect((await run({ change: '001' })).ok).toBe(true)
    expect(await counts()).toEqual([[1, 6000]])
    process.env.TENANTRY_STORY_BAD = '1'
    expect((await run({ change: '002' })).targets[0]).toMatchObject({
      state: 'failed',
      error: { code: 'DATA_CHANGE_FAILED' },
    })
    process.env.TENANTRY_STORY_BAD = '0'
    expect((await run({ change: '002' })).ok).toBe(true)
    expect(await counts()).toEqual([[2, 6000]])
  })

  test('tenants that share a table, one by one', async () => {
    configure([
      { slug: 'one', id: 'a', topology: 'shared', server: 'main', database: database.name },
      { slug: 'two', id: 'B"\\', topology: 'shared', server: 'main', database: database.name },
    ])
    project.write({
      'data-changes/001_count.sql':
        '-- tenantry:data-change table=orders key=id\nUPDATE orders SET n = n + 1 WHERE id BETWEEN :from AND :to AND tenant_id = :tenant',
    })
    expect(await run({ selectors: { tenants: ['two'] } })).toMatchObject({
      ok: true,
      targets: [{ tenant: 'two', rowsDone: 4000 }],
    })
    expect(await counts()).toEqual([
      [0, 2000],
      [1, 4000],
    ])
    expect(await run()).toMatchObject({ ok: true, summary: { done: 2 } })
    expect(await counts()).toEqual([[1, 6000]])
  })

  test('what commits by itself, and tables without transactions, are refused', async () => {
    project.write({
      'data-changes/001_ddl.sql':
        '-- tenantry:data-change table=orders key=id\nUPDATE orders SET n = n + 1 WHERE id BETWEEN :from AND :to; ALTER TABLE orders ADD x int',
      'data-changes/002_engine.sql':
        '-- tenantry:data-change table=old_engine key=id\nUPDATE old_engine SET id = id WHERE id BETWEEN :from AND :to',
    })
    expect((await run({ change: '001' })).targets[0]?.error?.message).toContain('cannot run in one transaction')
    expect((await run({ change: '002' })).targets[0]?.error?.message).toContain('MyISAM has no transactions')
    expect(await counts()).toEqual([[0, 6000]])
  })

  test('a row that is held, and a pause', async () => {
    project.write({
      'data-changes/001_count.sql':
        '-- tenantry:data-change table=orders key=id\nUPDATE orders SET n = n + 1 WHERE id BETWEEN :from AND :to',
    })
    const { createConnection } = await import('mysql2/promise')
    const holder = await createConnection({ uri: database.url })
    await holder.query('BEGIN')
    await holder.query("UPDATE orders SET note = 'held' WHERE id = 4000")
    const waits: string[] = []
    const running = run({}, (event) => {
      if (event.type === 'data-change-waiting') waits.push(event.reason)
    })
    await expect.poll(() => waits.length > 0, { timeout: 30_000 }).toBe(true)
    await project.use((tenantry) => tenantry.dataChanges.pause())
    const report = await running
    await holder.query('COMMIT')
    await holder.end()
    expect(report.targets[0]).toMatchObject({ state: 'paused' })
    const done = report.targets[0]?.rowsDone ?? 0
    expect(await counts()).toEqual([
      [0, 6000 - done],
      [1, done],
    ])
    expect((await run()).ok).toBe(true)
    expect(await counts()).toEqual([[1, 6000]])
  })
})
