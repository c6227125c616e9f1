/** Data changes on PostgreSQL: batches, cursors, pauses, and what is said where they cannot go on. */
import { readFileSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { DataChangeReport, DataChangeRunOptions } from '../../src/model/data-change.ts'
import type { TenantryEvent } from '../../src/model/events.ts'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { createSchemas, makeProject, type Project, schemaTenants } from './project.ts'

let database: TestDatabase
let project: Project

const twice =
  '-- tenantry:data-change table=orders key=id\nUPDATE orders SET n = n + 1 WHERE id BETWEEN :from AND :to;\n'

beforeEach(async () => {
  database = await freshDatabase('data_changes')
  project = makeProject()
  project.write({
    'migrations/001_orders.sql': 'CREATE TABLE orders (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0, note text);',
    'data-changes/001_count.sql': twice,
  })
})
afterEach(async () => {
  project?.remove()
  await database?.drop()
})

const configure = (more: Record<string, unknown> = {}) =>
  project.configure({
    servers: { main: { url: database.url } },
    tenants: [{ slug: 'solo', topology: 'database', server: 'main', database: database.name }],
    ...more,
  })
const run = (options: DataChangeRunOptions = {}, emit?: (event: TenantryEvent) => void): Promise<DataChangeReport> =>
  project.use((tenantry) => tenantry.dataChanges.run(options), emit === undefined ? {} : { emit })
const status = () => project.use((tenantry) => tenantry.dataChanges.status())
const pause = () => project.use((tenantry) => tenantry.dataChanges.pause())
const fill = (rows: number, schema = 'public') =>
  database.query(`INSERT INTO ${schema}.orders (id) SELECT i * 3 FROM generate_series(1, ${rows}) i`)
/** How often each row was changed. */
const counts = async (schema = 'public') =>
  Object.fromEntries(
    (await database.query(`SELECT n, count(*)::int AS rows FROM ${schema}.orders GROUP BY n ORDER BY n`)).map((row) => [
      row.n,
      row.rows,
    ]),
  )
/** A change that takes its time, so that something can happen meanwhile. */
const slow = (ms: number) =>
  `-- tenantry:data-change table=orders key=id chunk-ms=${ms}\nUPDATE orders SET n = n + 1 WHERE id BETWEEN :from AND :to;\nSELECT pg_sleep(${ms / 2000});\n`

async function setUp(rows: number, more: Record<string, unknown> = {}): Promise<void> {
  configure(more)
  expect((await project.up()).ok).toBe(true)
  await fill(rows)
}

async function until(what: () => Promise<boolean>): Promise<void> {
  await expect.poll(what, { timeout: 30_000, interval: 50 }).toBe(true)
}

test('every row is changed once, in batches that grow; a second run has nothing to do', async () => {
  await setUp(20_000)
  const dry = await run({ dryRun: true })
  expect(dry).toMatchObject({
    ok: true,
    dryRun: true,
    run: null,
    targets: [{ state: 'pending', rowsTotal: 20_000, rowsLeft: 20_000 }],
  })
  expect(await database.query("SELECT FROM pg_tables WHERE tablename = 'tenantry_data_changes'")).toEqual([])

  const events: TenantryEvent[] = []
  const report = await run({}, (event) => events.push(event))
  expect(report.targets.flatMap(({ error }) => error ?? [])).toEqual([])
  expect(report).toMatchObject({
    command: 'backfill-data run',
    ok: true,
    summary: { done: 1, failed: 0, rows: 20_000 },
    targets: [{ change: '001_count', target: `main/${database.name}`, tenant: null, state: 'done', rowsDone: 20_000 }],
  })
  expect(report.targets[0]?.batches).toBeGreaterThan(3)
  expect(events.map(({ type }) => type)).toEqual(
    expect.arrayContaining(['data-change-started', 'data-change-finished']),
  )
  expect(await counts()).toEqual({ 1: 20_000 })

  const [row] = await database.query('SELECT * FROM tenantry_data_changes')
  expect(row).toMatchObject({
    data_change: '001_count',
    tenant: '',
    state: 'done',
    run: report.run,
    at_key: '["60000"]',
  })
  expect(String(row?.run_by)).toContain('@')

  const again = await run()
  expect(again).toMatchObject({ ok: true, summary: { done: 1 } })
  expect(await counts()).toEqual({ 1: 20_000 })
  expect(await run({ dryRun: true })).toMatchObject({ targets: [{ rowsLeft: 0 }] })
  expect(await run({ restart: true })).toMatchObject({ ok: true, targets: [{ rowsDone: 20_000 }] })
  expect(await counts()).toEqual({ 2: 20_000 })
})

test('on the command line: list, dry run, run, status', async () => {
  await setUp(1000)
  const list = await project.run(['backfill-data', 'list'])
  expect(list.stdout).toContain('orders by id')
  const dry = await project.run(['backfill-data', 'run', '1', '--dry-run'])
  expect(dry).toMatchObject({ code: 0 })
  expect(dry.stdout).toContain('1,000 rows to go over in 1 place')
  const ran = await project.run(['backfill-data', 'run', '001_count', '--json'])
  expect(ran.code).toBe(0)
  expect(JSON.parse(ran.stdout)).toMatchObject({
    command: 'backfill-data run',
    ok: true,
    targets: [{ state: 'done', rowsDone: 1000 }],
  })
  expect((await project.run(['backfill-data', 'status'])).stdout).toContain('1 done · 1,000 rows')
  const unknown = await project.run(['backfill-data', 'run', 'nothing'])
  expect(unknown.code).toBe(2)
  expect(unknown.stderr).toContain('There are 001_count.')
})

test('schemas: each target has its own cursor, and names of public are the tenant’s own', async () => {
  await database.query(createSchemas(3))
  project.write({
    'migrations/001_orders.sql': 'CREATE TABLE public.orders (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0);',
    'data-changes/001_count.sql': twice.replace('UPDATE orders', 'UPDATE public.orders'),
  })
  configure({ tenants: schemaTenants(3, database.name) })
  expect((await project.up()).ok).toBe(true)
  await database.query('CREATE TABLE public.orders (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0)')
  for (const schema of ['t_1', 't_2', 't_3', 'public']) await fill(500, schema)
  expect(await run({ selectors: { tenants: ['t2'] } })).toMatchObject({ ok: true, summary: { done: 1 } })
  expect([await counts('t_1'), await counts('t_2')]).toEqual([{ 0: 500 }, { 1: 500 }])
  // Our table of cursors is no difference between schemas.
  expect(await project.use((tenantry) => tenantry.drift({ between: true }))).toMatchObject({
    ok: true,
    clusters: [{ targets: 3 }],
  })
  expect((await run()).ok).toBe(true)
  for (const schema of ['t_1', 't_2', 't_3']) expect(await counts(schema)).toEqual({ 1: 500 })
  expect(await counts('public')).toEqual({ 0: 500 })
})

test('keys that are uuids, texts and several columns', async () => {
  project.write({
    'migrations/002_others.sql': `CREATE TABLE by_uuid (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), n int NOT NULL DEFAULT 0);
CREATE TABLE by_text (code text PRIMARY KEY, n int NOT NULL DEFAULT 0);
CREATE TABLE by_both (kind text, at timestamptz, "No" int, n int NOT NULL DEFAULT 0, PRIMARY KEY (kind, at, "No"));`,
    'data-changes/002_uuid.sql':
      '-- tenantry:data-change table=by_uuid key=id\nUPDATE by_uuid SET n = n + 1 WHERE id >= :from AND id <= :to',
    'data-changes/003_text.sql':
      '-- tenantry:data-change table=by_text key=code\nUPDATE by_text SET n = n + 1 WHERE code IN (:keys)',
    'data-changes/004_both.sql': `-- tenantry:data-change table=by_both key=kind,at,No
UPDATE by_both SET n = n + 1 WHERE (kind, at, "No") BETWEEN :from AND :to -- :from is no parameter here, '
  AND ':to' <> ':from'`,
    'data-changes/005_keys.sql':
      '-- tenantry:data-change table=by_both key="kind, at, No"\nUPDATE by_both SET n = n + 1 WHERE (kind, at, "No") IN (:keys)',
  })
  await setUp(10)
  await database.query(`INSERT INTO by_uuid (n) SELECT 0 FROM generate_series(1, 3000);
    INSERT INTO by_text (code) SELECT chr(33 + i % 90) || 'ä''\\' || i FROM generate_series(1, 3000) i;
    INSERT INTO by_both (kind, at, "No") SELECT (ARRAY['a', 'B', 'é'])[1 + i % 3], '2026-03-29 00:59:59.999999+00'::timestamptz + i / 7 * interval '1 minute', i FROM generate_series(1, 3000) i`)
  const report = await run()
  expect(report.targets.flatMap(({ error }) => error ?? [])).toEqual([])
  expect(report).toMatchObject({ ok: true, summary: { done: 5 } })
  for (const [table, n] of [
    ['by_uuid', 1],
    ['by_text', 1],
    ['by_both', 2],
  ])
    expect(await database.query(`SELECT n, count(*)::int AS rows FROM ${table} GROUP BY n`)).toEqual([
      { n, rows: 3000 },
    ])
})

test('code: with the batch’s own transaction, and an error that undoes it', async () => {
  project.write({
    'data-changes/001_count.sql': '-- tenantry:data-change table=orders key=id\nSELECT :from, :to',
    'data-changes/002_code.mjs': `export default { table: 'orders', key: 'id', chunkMs: 50, async batch({ query, from, to, keys, tenant, target }) {
      if (keys.length === 0 || keys[0] !== from || keys.at(-1) !== to) throw new Error('no keys')
      if (tenant.slug !== 'solo' || !target.startsWith('main/')) throw new Error('whose?')
      await query('UPDATE orders SET n = n + 1, note = $3 WHERE id BETWEEN $1 AND $2', [from, to, 'by code'])
      const [{ bad }] = await query('SELECT count(*)::int AS bad FROM orders WHERE id BETWEEN $1 AND $2 AND id = 4500', [from, to])
      if (bad > 0 && process.env.TENANTRY_STORY_BAD === '1') throw new Error('row 4500 is bad')
    } }`,
  })
  await setUp(2000)
  process.env.TENANTRY_STORY_BAD = '1'
  const report = await run({ change: '002' })
  expect(report).toMatchObject({ ok: false, targets: [{ state: 'failed', error: { code: 'DATA_CHANGE_FAILED' } }] })
  expect(report.targets[0]?.error?.message).toMatch(/row 4500 is bad\. Nothing of this batch stays/)
  const done = report.targets[0]?.rowsDone ?? 0
  expect(done).toBeGreaterThan(0)
  expect(await counts()).toEqual({ 0: 2000 - done, 1: done })
  process.env.TENANTRY_STORY_BAD = '0'
  expect((await run({ change: '002' })).ok).toBe(true)
  expect(await counts()).toEqual({ 1: 2000 })
})

test.each([
  ['COMMIT', "await query('COMMIT')", /COMMIT has no place in a batch/],
  ['a failure that it swallows', "await query('SELECT nonsense').catch(() => {})", /nonsense/],
  ['process.exit', 'process.exit(0)', /process\.exit/],
])('code that sends %s fails its batch only', async (_name, line, message) => {
  project.write({
    'data-changes/001_count.sql': '-- tenantry:data-change table=orders key=id\nSELECT :from, :to',
    'data-changes/002_code.mjs': `export default { table: 'orders', key: 'id', async batch({ query, from, to }) {
      await query('UPDATE orders SET n = n + 1 WHERE id BETWEEN $1 AND $2', [from, to])
      ${line}
    } }`,
  })
  await setUp(100)
  const report = await run({ change: '002_code' })
  expect(report.targets[0]?.error?.message).toMatch(message)
  expect(report.targets[0]?.state).toBe('failed')
  expect(await counts()).toEqual({ 0: 100 })
})

test('a batch that fails says which keys, leaves nothing, and is gone on with once the row is mended', async () => {
  project.write({
    'data-changes/001_count.sql': twice.replace(
      'n = n + 1',
      'n = n + 1 / (CASE WHEN id = 3000 AND note IS NULL THEN 0 ELSE 1 END)',
    ),
  })
  await setUp(2000)
  const report = await run()
  const [target] = report.targets
  expect(target).toMatchObject({
    state: 'failed',
    error: { code: 'DATA_CHANGE_FAILED', context: { line: 2, sqlstate: '22012' } },
  })
  const { from, to } = (target?.error?.context ?? {}) as { from: string[]; to: string[] }
  expect(Number(from[0])).toBeLessThanOrEqual(3000)
  expect(Number(to[0])).toBeGreaterThanOrEqual(3000)
  expect(await counts()).toEqual({ 0: 2000 - (target?.rowsDone ?? 0), 1: target?.rowsDone })
  expect((await status()).targets[0]).toMatchObject({ state: 'failed', error: { code: 'DATA_CHANGE_FAILED' } })
  const shown = await project.run(['backfill-data', 'status'])
  expect(shown.stdout).toContain(`orders.id ${from[0]} to ${to[0]}`)
  await database.query("UPDATE orders SET note = 'mended' WHERE id = 3000")
  expect((await run()).ok).toBe(true)
  expect(await counts()).toEqual({ 1: 2000 })
})

test('a failed target stops no other, and later changes of its own wait', async () => {
  await database.query(createSchemas(2))
  project.write({ 'data-changes/002_more.sql': twice })
  configure({ tenants: schemaTenants(2, database.name) })
  expect((await project.up()).ok).toBe(true)
  await fill(100, 't_1')
  await fill(100, 't_2')
  await database.query('ALTER TABLE t_1.orders ADD CHECK (n < 1)')
  const report = await run()
  expect(report.targets.map(({ target, change, state }) => `${target.slice(-3)} ${change} ${state}`).sort()).toEqual([
    't_1 001_count failed',
    't_1 002_more pending',
    't_2 001_count done',
    't_2 002_more done',
  ])
})

test('what gets nowhere is stopped: keys moved ahead of the cursor, rows that stay', async () => {
  project.write({
    'data-changes/001_count.sql':
      '-- tenantry:data-change table=orders key=id\nUPDATE orders SET id = id + 1000000 WHERE id BETWEEN :from AND :to',
    'data-changes/002_rest.sql': `-- tenantry:data-change table=orders remaining="select count(*) from orders where note is null"
UPDATE orders SET n = n + 1 WHERE id IN (SELECT id FROM orders WHERE note IS NULL LIMIT :limit)`,
  })
  await setUp(300)
  const moved = await run({ change: '001' })
  expect(moved).toMatchObject({ ok: false, targets: [{ state: 'stuck', error: { code: 'DATA_CHANGE_STUCK' } }] })
  expect(moved.targets[0]?.error?.message).toContain('in front of the cursor')
  const rest = await run({ change: '002' })
  expect(rest.targets[0]).toMatchObject({ state: 'stuck' })
  expect(rest.targets[0]?.error?.message).toContain('300 rows remain')
  expect((await project.run(['backfill-data', 'run', '002'])).code).toBe(1)
  project.write({
    'data-changes/002_rest.sql': `-- tenantry:data-change table=orders remaining="select count(*) from orders where note is null"
UPDATE orders SET note = 'x' WHERE id IN (SELECT id FROM orders WHERE note IS NULL LIMIT :limit)`,
  })
  expect((await run({ change: '002' })).targets[0]).toMatchObject({
    state: 'failed',
    error: { code: 'DATA_CHANGE_REFUSED' },
  })
  expect((await run({ change: '002', allowChanged: true })).targets[0]).toMatchObject({
    state: 'done',
    rowsDone: 300,
    rowsTotal: 300,
  })
})

test('rows that are taken away behind the cursor, and a total that was far too low, stop nothing', async () => {
  project.write({
    'data-changes/001_count.sql':
      '-- tenantry:data-change table=orders key=id count="select 10"\nDELETE FROM orders WHERE id BETWEEN :from AND :to',
  })
  await setUp(5000)
  expect((await run()).targets).toMatchObject([{ state: 'done', rowsDone: 5000, error: null }])
  expect(await counts()).toEqual({})
})

test('code that takes long is cut off at its next query, and tried with fewer rows', async () => {
  rmSync(`${project.dir}/data-changes/001_count.sql`)
  project.write({
    'data-changes/001_code.mjs': `import { appendFileSync } from 'node:fs'
    export default { table: 'orders', key: 'id', async batch({ query, keys }) {
      try {
        for (const key of keys) {
          await query('UPDATE orders SET n = n + 1 WHERE id = $1', [key])
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
      } finally {
        appendFileSync(${JSON.stringify(`${project.dir}/sizes`)}, keys.length + ' ')
      }
    } }`,
  })
  await setUp(300)
  expect((await run()).targets).toMatchObject([{ state: 'done', rowsDone: 300, error: null }])
  expect(await counts()).toEqual({ 1: 300 })
  const sizes = readFileSync(`${project.dir}/sizes`, 'utf8').trim().split(' ').map(Number)
  expect(sizes.slice(0, 2)).toEqual([200, 50])
  // 50 rows take a second: a batch of so many never came to its end.
  expect(Math.max(...sizes.slice(3))).toBeLessThan(50)
})

test('a pause is obeyed after the batch, kept for a while, and ended by the next run', async () => {
  project.write({ 'data-changes/001_count.sql': slow(100) })
  await setUp(200_000)
  const running = run()
  await until(async () => ((await status()).targets[0]?.rowsDone ?? 0) > 0)
  expect((await status()).targets[0]?.state).toBe('running')
  expect((await pause()).targets[0]?.state).toMatch(/running|paused/)
  const report = await running
  expect(report).toMatchObject({ ok: false, interrupted: false, targets: [{ state: 'paused', error: null }] })
  const done = report.targets[0]?.rowsDone ?? 0
  expect(done).toBeLessThan(200_000)
  expect(await counts()).toEqual({ 0: 200_000 - done, 1: done })
  expect((await status()).targets[0]).toMatchObject({ state: 'paused', rowsDone: done })
  project.write({ 'data-changes/001_count.sql': twice })
  expect((await run({ allowChanged: true })).ok).toBe(true)
  expect(await counts()).toEqual({ 1: 200_000 })
})

test('an interrupt ends it after the batch', async () => {
  project.write({ 'data-changes/001_count.sql': slow(100) })
  await setUp(200_000)
  const drain = new AbortController()
  const running = run({ signal: { drain: drain.signal, cancel: new AbortController().signal } })
  await until(async () => ((await status()).targets[0]?.rowsDone ?? 0) > 0)
  drain.abort()
  const report = await running
  expect(report).toMatchObject({ ok: false, interrupted: true, targets: [{ state: 'pending', error: null }] })
  expect(await counts()).toMatchObject({ 1: report.targets[0]?.rowsDone })
})

test('two runners: one works, the other is told, and every row is changed once', async () => {
  project.write({ 'data-changes/001_count.sql': slow(100) })
  await setUp(60_000, { targetLockWaitMs: 300 })
  const one = run()
  await until(async () => (await status()).targets[0]?.state === 'running')
  const other = await run()
  expect(other).toMatchObject({ ok: false, targets: [{ error: { code: 'TARGET_LOCKED' } }] })
  await one
  expect((await run()).ok).toBe(true)
  expect(await counts()).toEqual({ 1: 60_000 })
})

test('it waits while others wait for the table, and while a health query says no', async () => {
  project.write({ 'data-changes/001_count.sql': twice })
  await setUp(5000, { dataChanges: { healthQuery: 'SELECT good FROM public.health' } })
  await database.query('CREATE TABLE health (good bool); INSERT INTO health VALUES (false)')
  const waits: string[] = []
  const running = run({}, (event) => {
    if (event.type === 'data-change-waiting') waits.push(event.reason)
  })
  await until(async () => waits.includes('health-query'))
  expect(await counts()).toEqual({ 0: 5000 })
  await database.query('UPDATE health SET good = true')
  expect((await running).ok).toBe(true)
  expect(await counts()).toEqual({ 1: 5000 })

  const { Client } = await import('pg')
  const [holder, waiter] = [
    new Client({ connectionString: database.url }),
    new Client({ connectionString: database.url }),
  ]
  await holder.connect()
  await waiter.connect()
  try {
    await holder.query('BEGIN; LOCK TABLE orders IN ACCESS SHARE MODE')
    const altered = waiter.query('ALTER TABLE orders ADD extra int')
    await until(
      async () =>
        (await database.query("SELECT FROM pg_locks WHERE NOT granted AND relation = 'orders'::regclass")).length > 0,
    )
    waits.length = 0
    const again = run({ restart: true }, (event) => {
      if (event.type === 'data-change-waiting') waits.push(event.reason)
    })
    await until(async () => waits.includes('lock-wait'))
    await holder.query('COMMIT')
    await altered
    expect((await again).ok).toBe(true)
  } finally {
    await Promise.all([holder.end(), waiter.end()])
  }
  expect(await counts()).toEqual({ 2: 5000 })
  await database.query('DROP TABLE health')
  const broken = await run({ restart: true })
  expect(broken.targets[0]).toMatchObject({ state: 'failed' })
})

test('a row that somebody else holds is waited for in short tries', async () => {
  await setUp(3000)
  const { Client } = await import('pg')
  const holder = new Client({ connectionString: database.url })
  await holder.connect()
  await holder.query("BEGIN; UPDATE orders SET note = 'held' WHERE id = 3000")
  const waits: string[] = []
  const running = run({}, (event) => {
    if (event.type === 'data-change-waiting') waits.push(`${event.reason} ${event.message}`)
  })
  await until(async () => waits.some((text) => /^lock-timeout blocked by session \d+/.test(text)))
  await holder.query('COMMIT')
  await holder.end()
  expect((await running).ok).toBe(true)
  expect(await counts()).toEqual({ 1: 3000 })
})

test('a session that is ended is made anew, and nothing is done twice', async () => {
  project.write({ 'data-changes/001_count.sql': slow(60) })
  await setUp(50_000)
  const running = run()
  for (let i = 0; i < 3; i++) {
    await until(async () => (await status()).targets[0]?.state === 'running')
    await sleep(100)
    await database.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'tenantry' AND query LIKE '%orders%' AND pid <> pg_backend_pid()",
    )
  }
  const report = await running
  expect(report.targets.flatMap(({ error }) => error ?? [])).toEqual([])
  expect(await counts()).toEqual({ 1: 50_000 })
})

test.each([
  [
    'no parameters',
    '-- tenantry:data-change table=orders key=id\nUPDATE orders SET n = 1',
    /each batch would change every row/,
  ],
  [
    'one end',
    '-- tenantry:data-change table=orders key=id\nUPDATE orders SET n = 1 WHERE id > :from',
    /only one end of the range/,
  ],
  ['no such table', '-- tenantry:data-change table=ordres key=id\nSELECT :from, :to', /there is no table ordres/],
  ['no unique key', '-- tenantry:data-change table=orders key=note\nSELECT :from, :to', /note may be NULL/],
  [
    'an index that is not unique',
    '-- tenantry:data-change table=orders key=n\nSELECT :from, :to',
    /no unique index on \(n\); there is one on \(id\)/,
  ],
  [
    'COMMIT in it',
    '-- tenantry:data-change table=orders key=id\nUPDATE orders SET n = 1 WHERE id BETWEEN :from AND :to; COMMIT; SELECT 1',
    /cannot run in one transaction/,
  ],
  [
    'a migration that is not applied',
    '-- tenantry:data-change table=orders key=id after=002\nSELECT :from, :to',
    /comes after migration 002_later/,
  ],
])('refused before any row is touched: %s', async (_name, text, message) => {
  project.write({ 'data-changes/001_count.sql': text })
  await setUp(10)
  project.write({ 'migrations/002_later.sql': 'SELECT 1;' })
  const report = await run()
  expect(report).toMatchObject({ ok: false, targets: [{ error: { code: 'DATA_CHANGE_REFUSED' } }] })
  expect(report.targets[0]?.error?.message).toMatch(message)
  expect(await counts()).toEqual({ 0: 10 })
})

test.each([
  ['no header', 'UPDATE orders SET n = 1', /has no header/],
  [
    'a misspelt key',
    '-- tenantry:data-change tabel=orders key=id\nSELECT 1',
    /unknown key `tabel`; did you mean `table`/,
  ],
  ['no key', '-- tenantry:data-change table=orders\nSELECT 1', /does not say `key`/],
])('files that are none: %s', async (_name, text, message) => {
  project.write({ 'data-changes/001_count.sql': text })
  configure()
  await expect(run()).rejects.toMatchObject({ code: 'MIGRATIONS_UNREADABLE', message: expect.stringMatching(message) })
})

test('without a folder there is nothing to do, and it is said', async () => {
  await setUp(1)
  rmSync(`${project.dir}/data-changes`, { recursive: true })
  expect(await run()).toMatchObject({ ok: true, targets: [], notices: [{ rule: 'no-data-changes' }] })
  expect((await project.run(['backfill-data', 'list'])).stdout).toContain('There are no data changes')
  configure({ dataChanges: { dir: './elsewhere' } })
  await expect(run()).rejects.toMatchObject({
    code: 'MIGRATIONS_UNREADABLE',
    message: expect.stringContaining('folder of data changes elsewhere does not exist'),
  })
})

test('a role that may not make our table is told so', async () => {
  await setUp(10)
  const role = `limited_${database.name}`
  await database.query(
    `CREATE ROLE "${role}" LOGIN PASSWORD 'only-for-this'; GRANT SELECT, UPDATE ON orders TO "${role}"; REVOKE CREATE ON SCHEMA public FROM PUBLIC`,
  )
  const url = new URL(database.url)
  url.username = role
  url.password = 'only-for-this'
  configure({ servers: { main: { url: url.href } } })
  const report = await run()
  expect(report.targets[0]).toMatchObject({ state: 'failed', error: { code: 'DATA_CHANGE_FAILED' } })
  expect(report.targets[0]?.error?.message).toContain('permission denied')
  expect(JSON.stringify(report)).not.toContain('only-for-this')
})

test('the examples of the document run', async () => {
  const document = readFileSync(new URL('../../docs/data-changes.md', import.meta.url), 'utf8')
  const sql = [...document.matchAll(/^```sql\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text)
  const code = [...document.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text)
  const module = code.find((text) => text.includes('defineDataChange')) ?? ''
  expect(sql).toHaveLength(3)
  project.write({
    'migrations/001_orders.sql': `CREATE TABLE orders (id bigint PRIMARY KEY, tenant_id text NOT NULL DEFAULT 'solo', amount numeric NOT NULL DEFAULT 10, total numeric, note text NOT NULL DEFAULT 'two words', words int);
CREATE TABLE sessions (token text PRIMARY KEY DEFAULT gen_random_uuid(), expires_at timestamptz NOT NULL DEFAULT '2020-01-01');`,
    ...Object.fromEntries(sql.map((text, i) => [`data-changes/00${i + 1}_${i === 0 ? 'count' : 'example'}.sql`, text])),
    'data-changes/004_example.mts': module.replace(
      "from 'tenantry'",
      `from '${new URL('../../src/data/define-data-change.ts', import.meta.url).pathname}'`,
    ),
  })
  await setUp(500)
  await database.query('INSERT INTO sessions SELECT FROM generate_series(1, 700)')
  const report = await run()
  expect(report.targets.flatMap(({ error }) => error ?? [])).toEqual([])
  expect(report.summary.done).toBe(4)
  expect(await database.query('SELECT DISTINCT total::text, words FROM orders')).toEqual([{ total: '12.0', words: 2 }])
  expect(await database.query('SELECT FROM sessions')).toEqual([])
})
