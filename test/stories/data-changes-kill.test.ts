/** Runners of a data change that die: what they did stays, and nothing is done twice. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { freshDatabase } from '../servers/shared.ts'
import { freshMariadb, withMariadb } from '../servers/shared-mariadb.ts'
import { makeProject } from './project.ts'

interface Place {
  url: string
  name: string
  query(sql: string): Promise<Record<string, unknown>[]>
  drop(): Promise<void>
}

/** The same for every server: killed at random moments until it is done. */
async function killUntilDone(database: Place, fill: string, rows: number, nap: string): Promise<void> {
  const project = makeProject()
  try {
    project.write({
      'migrations/001_orders.sql': 'CREATE TABLE orders (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0);',
      'data-changes/001_count.sql': `-- tenantry:data-change table=orders key=id chunk-ms=40\nUPDATE orders SET n = n + 1 WHERE id BETWEEN :from AND :to;\n${nap};\n`,
    })
    project.configure({
      servers: { main: { url: database.url } },
      tenants: [{ slug: 'solo', topology: 'database', server: 'main', database: database.name }],
    })
    expect((await project.up()).ok).toBe(true)
    await database.query(fill)
    // However fast the machine is, the first one dies with its first batch.
    const begun = async () => {
      for (let tries = 0; tries < 3000; tries++) {
        const [row] = await database.query('SELECT n FROM orders WHERE id = 1')
        if (Number(row?.n) > 0) return
        await sleep(10)
      }
    }
    let kills = 0
    for (let i = 0; i < 60; i++) {
      const child = project.start(['backfill-data', 'run'])
      const ended = once(child, 'exit')
      const timer = kills === 0 ? begun() : sleep(kills < 8 ? 500 + Math.random() * 700 : 60_000)
      const first = await Promise.race([ended.then(() => 'ended'), timer.then(() => 'killed')])
      if (first === 'ended') break
      child.kill('SIGKILL')
      await ended
      kills++
      const [row] = await database.query('SELECT count(*) AS bad FROM orders WHERE n > 1')
      expect(Number(row?.bad)).toBe(0)
    }
    expect(kills).toBeGreaterThan(0)
    const report = await project.use((tenantry) => tenantry.dataChanges.run())
    expect(report.targets.flatMap(({ error }) => error ?? [])).toEqual([])
    expect(report).toMatchObject({ ok: true, targets: [{ state: 'done', rowsDone: rows }] })
    const found = await database.query('SELECT n, count(*) AS rows_of FROM orders GROUP BY n')
    expect(found.map((row) => [Number(row.n), Number(row.rows_of)])).toEqual([[1, rows]])
  } finally {
    project.remove()
    await database.drop()
  }
}

test('PostgreSQL: killed at random moments, every row is changed exactly once', { timeout: 240_000 }, async () => {
  const database = await freshDatabase('data_kill')
  const fill = 'INSERT INTO orders (id) SELECT i FROM generate_series(1, 150000) i'
  await killUntilDone(database, fill, 150_000, 'SELECT pg_sleep(0.02)')
})

withMariadb('MariaDB', () => {
  test('killed at random moments, every row is changed exactly once', { timeout: 240_000 }, async () => {
    const database = await freshMariadb('data_kill')
    const fill = 'INSERT INTO orders (id) SELECT seq FROM seq_1_to_60000'
    await killUntilDone(database, fill, 60_000, 'DO SLEEP(0.02)')
  })
})
