/** Data changes in SQLite files. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createFile } from '../../src/dialects/sqlite/files.ts'
import { sqlite } from '../../src/dialects/sqlite/index.ts'
import type { DataChangeReport, DataChangeRunOptions } from '../../src/model/data-change.ts'
import { makeProject, type Project } from './project.ts'

let project: Project
let folder: string

beforeEach(async () => {
  project = makeProject()
  folder = join(project.dir, 'tenants')
  mkdirSync(folder)
  for (const name of ['one', 'two']) createFile(join(folder, `${name}.db`))
  project.configure({
    servers: { files: { url: 'sqlite:./tenants' } },
    tenants: ['one', 'two'].map((slug) => ({ slug, database: slug })),
  })
  project.write({
    'migrations/001_orders.sql': `CREATE TABLE orders (id INTEGER PRIMARY KEY, n INTEGER NOT NULL DEFAULT 0, note TEXT);
CREATE TABLE codes (code TEXT NOT NULL PRIMARY KEY, n INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE mixed (kind TEXT NOT NULL, at NOT NULL, n INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (kind, at));
CREATE TABLE loose (code TEXT PRIMARY KEY);`,
    'data-changes/001_count.sql':
      "-- tenantry:data-change table=orders key=id\nUPDATE orders SET n = n + 1 WHERE id BETWEEN :from AND :to AND ':to' <> '' -- :from",
  })
  expect((await project.up()).ok).toBe(true)
  for (const name of ['one', 'two'])
    await ask(
      name,
      `WITH RECURSIVE i (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i WHERE i < 3000) INSERT INTO orders (id) SELECT i FROM i;
       WITH RECURSIVE i (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i WHERE i < 1000) INSERT INTO codes (code) SELECT char(33 + i % 90, 228, 39) || i FROM i;
       WITH RECURSIVE i (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i WHERE i < 1000) INSERT INTO mixed (kind, at)
         SELECT 'k' || i % 3, CASE i % 4 WHEN 0 THEN i WHEN 1 THEN i / 7.0 WHEN 2 THEN 'text ' || i ELSE randomblob(8) END FROM i`,
    )
})
afterEach(() => project.remove())

async function ask(name: string, sql: string): Promise<Record<string, unknown>[]> {
  const server = { name: 'files', dialect: 'sqlite' as const, host: '', port: 0, tls: null, directory: folder }
  const limits = { maxConcurrency: 8, maxConcurrencyPerDatabase: 4 }
  const options = { connectTimeoutMs: 5000, applicationName: 'test' }
  const connection = await sqlite.connect({ ...server, ...limits }, name, options)
  try {
    return await connection.run(sql)
  } finally {
    await connection.close()
  }
}
const run = (options: DataChangeRunOptions = {}): Promise<DataChangeReport> =>
  project.use((tenantry) => tenantry.dataChanges.run(options))
const counts = async (table = 'orders', name = 'one') =>
  (await ask(name, `SELECT n, count(*) AS c FROM ${table} GROUP BY n ORDER BY n`)).map((row) => [
    Number(row.n),
    Number(row.c),
  ])

test('every row is changed once, whatever its key is', async () => {
  project.write({
    'data-changes/002_codes.sql':
      '-- tenantry:data-change table=codes key=code\nUPDATE codes SET n = n + 1 WHERE code IN (:keys)',
    'data-changes/003_mixed.sql':
      '-- tenantry:data-change table=mixed key=kind,at\nUPDATE mixed SET n = n + 1 WHERE (kind, at) IN (:keys)',
    'data-changes/004_range.sql':
      '-- tenantry:data-change table=mixed key=kind,at\nUPDATE mixed SET n = n + 1 WHERE (kind, at) BETWEEN :from AND :to',
    'data-changes/005_code.mjs': `export default { table: 'codes', key: 'code', async batch({ query, from, to }) {
      await query('UPDATE codes SET n = n + 1 WHERE code BETWEEN ? AND ?', [from, to])
    } }`,
  })
  const report = await run()
  expect(report.targets.flatMap(({ error }) => error ?? [])).toEqual([])
  expect(report).toMatchObject({ ok: true, summary: { done: 10 } })
  for (const name of ['one', 'two']) {
    expect(await counts('orders', name)).toEqual([[1, 3000]])
    expect(await counts('codes', name)).toEqual([[2, 1000]])
    expect(await counts('mixed', name)).toEqual([[2, 1000]])
  }
  expect((await run()).ok).toBe(true)
  expect(await counts()).toEqual([[1, 3000]])
  expect((await project.use((tenantry) => tenantry.dataChanges.status())).summary).toMatchObject({ done: 10 })
})

test('a batch that fails is undone with its cursor, a pause is kept, and a loose key is refused', async () => {
  project.write({
    'data-changes/001_count.sql': `-- tenantry:data-change table=orders key=id
UPDATE orders SET n = n + 1 WHERE id BETWEEN :from AND :to;
UPDATE orders SET n = CASE WHEN id = 2500 AND note IS NULL THEN NULL ELSE n END WHERE id BETWEEN :from AND :to;`,
    'data-changes/002_loose.sql':
      '-- tenantry:data-change table=loose key=code\nUPDATE loose SET code = code WHERE code IN (:keys)',
  })
  const selectors = { tenants: ['one'] }
  const report = await run({ change: '001', selectors })
  expect(report.targets[0]).toMatchObject({
    state: 'failed',
    error: { code: 'DATA_CHANGE_FAILED', context: { line: 3 } },
  })
  const done = report.targets[0]?.rowsDone ?? 0
  expect(await counts()).toEqual([
    [0, 3000 - done],
    [1, done],
  ])
  expect(await project.use((tenantry) => tenantry.dataChanges.pause({ change: '001', selectors }))).toMatchObject({
    targets: [{ state: 'paused' }],
  })
  await ask('one', "UPDATE orders SET note = 'mended' WHERE id = 2500")
  expect((await run({ change: '001', selectors })).ok).toBe(true)
  expect(await counts()).toEqual([[1, 3000]])
  expect((await run({ change: '002', selectors })).targets[0]?.error?.message).toContain('code may be NULL')
})
