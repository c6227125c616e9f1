/** A migration that runs statement by statement is cut off at its fourth of seven statements. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { FleetReport, RunSignals } from '../../src/model/report.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { type CutAction, startProxy, type TcpProxy } from '../servers/proxy.ts'
import { allowedInBlock, type Interrupted, refusedInBlock } from './interrupted-statements.ts'
import { makeProject, type Project } from './project.ts'

const base = `CREATE TABLE marks (n int); CREATE TABLE t (id int PRIMARY KEY, a int, b text);
  INSERT INTO t SELECT i, i, i::text FROM generate_series(1, 50) i`
const id = '001_change'
const file = `migrations/${id}.sql`

let server: PostgresServer
let proxy: TcpProxy
let project: Project
let database: string
let count = 0

beforeAll(async () => {
  const settings = { max_prepared_transactions: '20', wal_level: 'logical', allow_in_place_tablespaces: 'on' }
  server = await startPostgres({ settings })
  await server.query('CREATE DATABASE base TEMPLATE template0')
  await server.query(base, 'base')
  proxy = await startProxy(server)
})

afterAll(async () => {
  await proxy?.stop()
  await server?.stop()
})

beforeEach(async () => {
  database = `d${++count}`
  await server.query(`CREATE DATABASE ${database} TEMPLATE base STRATEGY file_copy`)
  project = makeProject()
  project.configure({
    servers: { main: { url: proxy.url(server.url()) } },
    tenants: [{ slug: 'one', topology: 'database', server: 'main', database }],
    connectTimeoutMs: 5000,
  })
})

afterEach(() => project?.remove())

const query = (sql: string) => server.query(sql, database)
const up = (signal?: RunSignals) => project.use((tenantry) => tenantry.up(signal === undefined ? {} : { signal }))
const named = (text: string) => text.replaceAll('{n}', String(count))

function script(statement: string, asked: boolean): string {
  const lines = [1, 2, 3, 4, 5, 6, 7].map((n) => (n === 4 ? statement : `INSERT INTO marks VALUES (${n})`))
  return `${asked ? '-- tenantry:no-transaction\n' : ''}${lines.join(';\n')};\n`
}

/** The connection is cut at the statement, and every later one is refused: as when the runner is gone. */
async function dieAt(match: string, action: CutAction): Promise<FleetReport> {
  const abort = new AbortController()
  const cut = proxy.cutWhen({ direction: 'client', match, action })
  const gone = cut.fired.then(async () => {
    await proxy.refuse()
    abort.abort()
  })
  const report = await up({ drain: abort.signal, cancel: abort.signal })
  await gone
  await proxy.restore()
  return report
}

async function expectDone(done: string): Promise<void> {
  const [state] = await query(
    `SELECT (SELECT json_agg(n ORDER BY n) FROM marks) AS marks, (${named(done)}) AS done,
      (SELECT json_agg(version) FROM schema_migrations) AS history, (SELECT json_agg(l) FROM
      (SELECT state, statements_done AS done, statements_total AS total FROM tenantry_ledger) l) AS ledger,
      obj_description('tenantry_ledger'::regclass) AS mark`,
  )
  expect(state).toEqual({
    marks: [1, 2, 3, 5, 6, 7],
    done: true,
    history: [id],
    ledger: [{ state: 'applied', done: 7, total: 7 }],
    mark: null,
  })
}

const cuts: { when: string; action: CutAction }[] = [
  { when: 'before the server has it', action: 'destroy-before-forward' },
  { when: 'after the server has committed it', action: 'forward-then-swallow-reply' },
]

describe.each(cuts)('cut off $when', ({ action }) => {
  async function prepare(kind: Interrupted): Promise<string> {
    const { statement, setup } = kind
    if (setup !== undefined) await query(named(setup))
    project.write({ [file]: script(named(statement), allowedInBlock.includes(kind)) })
    return named(statement)
  }

  test.each(refusedInBlock)('$statement: the run itself goes on', async (kind) => {
    const statement = await prepare(kind)
    const cut = proxy.cutWhen({ direction: 'client', match: statement, action })
    const report = await up()
    await cut.fired
    expect(report.targets[0]).toMatchObject({ result: 'applied', applied: [id], error: null })
    await expectDone(kind.done)
  })

  test.each([...refusedInBlock, ...allowedInBlock])('$statement: the next run goes on', async (kind) => {
    const statement = await prepare(kind)
    const died = await dieAt(statement, action)
    expect(died).toMatchObject({ ok: false, interrupted: true })
    expect(died.targets[0]).toMatchObject({ result: 'failed', error: { code: 'MIGRATION_CANCELLED' } })
    expect(await query('SELECT n FROM marks ORDER BY n')).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
    expect((await up()).targets[0]).toMatchObject({ result: 'applied', applied: [id], error: null })
    await expectDone(kind.done)
    expect(await up()).toMatchObject({ ok: true, summary: { upToDate: 1 } })
  })
})

describe('migrations that share one round trip', () => {
  const names = ['001_one', '002_two', '003_three']

  beforeEach(() => {
    names.forEach((name, i) => {
      const text = `CREATE TABLE made_${i} ();\nINSERT INTO marks VALUES (${i});\n`
      project.write({ [`migrations/${name}.sql`]: text })
    })
  })

  const cutsOfPack = [
    { match: /made_1/, action: 'destroy-before-forward' },
    { match: /made_1/, action: 'destroy-after-forward' },
    { match: /made_1/, action: 'forward-then-swallow-reply' },
    { match: /^.{5}[^\0]*\0?COMMIT/s, action: 'destroy-before-forward' },
    { match: /^.{5}[^\0]*\0?COMMIT/s, action: 'forward-then-swallow-reply' },
  ] as const

  test.each(cutsOfPack)('cut at $match, $action: each is applied once', async ({ match, action }) => {
    const cut = proxy.cutWhen({ direction: 'client', match, action })
    const [target] = (await up()).targets
    await cut.fired
    expect(target).toMatchObject({ result: 'applied', error: null })
    expect(await query('SELECT n FROM marks ORDER BY n')).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }])
    expect(await query('SELECT version FROM schema_migrations ORDER BY id')).toEqual(
      names.map((version) => ({ version })),
    )
    expect(
      await query('SELECT count(*)::int AS n, min(state) AS least, max(state) AS most FROM tenantry_ledger'),
    ).toEqual([{ n: 3, least: 'applied', most: 'applied' }])
  })
})

describe('an undo that runs statement by statement', () => {
  test.each(cuts)('cut off $when: up waits for it, down goes on', async ({ action }) => {
    project.write({
      [file]: 'CREATE TABLE made (a int);\nCREATE INDEX i ON made (a);\n',
      [`migrations/rollbacks/${id}.sql`]:
        'INSERT INTO marks VALUES (1);\nDROP INDEX CONCURRENTLY i;\nINSERT INTO marks VALUES (2);\nDROP TABLE made;\n',
    })
    expect((await up()).ok).toBe(true)
    const abort = new AbortController()
    const signal = { drain: abort.signal, cancel: abort.signal }
    const cut = proxy.cutWhen({ direction: 'client', match: 'DROP INDEX CONCURRENTLY i', action })
    const gone = cut.fired.then(async () => {
      await proxy.refuse()
      abort.abort()
    })
    const died = await project.use((tenantry) => tenantry.down({ unproven: true, signal }))
    await gone
    await proxy.restore()
    expect(died.targets[0]).toMatchObject({ result: 'failed', undone: [] })
    expect(await query('SELECT state, statements_done FROM tenantry_ledger')).toEqual([
      { state: 'undoing', statements_done: 1 },
    ])
    const [refused] = (await up()).targets
    expect(refused?.error).toMatchObject({ code: 'MIGRATION_HALF_APPLIED' })
    expect(refused?.error?.hint).toContain(`tenantry down ${id}`)
    expect((await project.use((tenantry) => tenantry.down({ unproven: true }))).targets[0]).toMatchObject({
      result: 'undone',
      undone: [id],
      error: null,
    })
    expect(await query('SELECT n FROM marks ORDER BY n')).toEqual([{ n: 1 }, { n: 2 }])
    expect(
      await query("SELECT to_regclass('made') AS made, (SELECT count(*)::int FROM schema_migrations) AS rows"),
    ).toEqual([{ made: null, rows: 0 }])
    expect((await up()).targets[0]).toMatchObject({ result: 'applied', error: null })
  })
})

describe('what the catalog cannot tell', () => {
  const block = 'DO $$ BEGIN INSERT INTO t VALUES (60); COMMIT; INSERT INTO t VALUES (61); END $$'
  const call = 'CALL fill()'
  const fill = `CREATE PROCEDURE fill() LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO t VALUES (60); COMMIT; INSERT INTO t VALUES (61); END $$`

  test.each([
    { statement: block, action: 'destroy-before-forward' },
    { statement: block, action: 'forward-then-swallow-reply' },
    { statement: call, action: 'destroy-before-forward' },
    { statement: call, action: 'forward-then-swallow-reply' },
  ] as const)('$statement, $action: it stops and says so; baseline ends it', async ({ statement, action }) => {
    await query(fill)
    project.write({ [file]: script(statement, statement === call) })
    const cut = proxy.cutWhen({ direction: 'client', match: statement.slice(0, 20), action })
    const first = await up()
    await cut.fired
    for (const report of [first, await up()]) {
      const [target] = report.targets
      expect(target).toMatchObject({ result: 'failed', applied: [], failed: [id] })
      expect(target?.error).toMatchObject({
        code: 'MIGRATION_INTERRUPTED',
        context: { statement: 4, line: 4 + Number(statement === call) },
      })
      expect(target?.error?.message).toContain('cannot be told')
      expect(target?.error?.hint).toContain(`tenantry baseline --migration ${id} main/${database}\``)
    }
    const landed = action === 'forward-then-swallow-reply' ? 2 : 0
    expect(await query('SELECT count(*)::int AS n FROM t WHERE id >= 60')).toEqual([{ n: landed }])
    const [explained] = (await project.use((tenantry) => tenantry.explain('one'))).targets
    expect(explained?.halfDone).toMatchObject([{ migration: id, statementsDone: 3, statementsTotal: 7 }])
    expect(explained?.probe).toMatchObject({ statement: 4, verdict: 'unknown' })
    expect(explained?.next[0]?.command).toBe(`tenantry baseline --migration ${id} one`)
    expect(
      await project.use((tenantry) =>
        tenantry.baseline({ migration: id, selectors: { tenants: [`main/${database}`] } }),
      ),
    ).toMatchObject({ ok: true })
    expect(await up()).toMatchObject({ ok: true, summary: { upToDate: 1 } })
  })
})

describe('a concurrent build over duplicates', () => {
  const build = 'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS once ON t (b)'

  test('fails clearly; once they are gone, the invalid index is dropped and built again', async () => {
    await query("INSERT INTO t VALUES (60, 60, 'same'), (61, 61, 'same')")
    project.write({ [file]: script(build, false) })
    for (const _ of ['first', 'again']) {
      const [target] = (await up()).targets
      expect(target?.error).toMatchObject({
        code: 'MIGRATION_FAILED',
        context: { statement: 4, line: 4, sqlstate: '23505' },
      })
      expect(target?.error?.message).toContain('could not create unique index "once"')
      expect(await query('SELECT n FROM marks ORDER BY n')).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
    }
    expect(await query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'once'::regclass")).toEqual([
      { indisvalid: false },
    ])
    const [explained] = (await project.use((tenantry) => tenantry.explain('one'))).targets
    expect(explained?.probe).toMatchObject({ statement: 4, verdict: 'rebuild' })
    await query("UPDATE t SET b = b || id WHERE b = 'same'")
    expect((await up()).targets[0]).toMatchObject({ result: 'applied', error: null })
    await expectDone("(SELECT indisvalid FROM pg_index WHERE indexrelid = 'once'::regclass)")
  })

  test('statements that ran may not be edited, later ones may', async () => {
    await query("INSERT INTO t VALUES (60, 60, 'same'), (61, 61, 'same')")
    const text = script(build, false)
    project.write({ [file]: text })
    await up()
    project.write({ [file]: text.replace('VALUES (2)', 'VALUES (22)') })
    const [refused] = (await up()).targets
    expect(refused).toMatchObject({ result: 'failed', error: { code: 'MIGRATION_CHANGED' } })
    expect(refused?.error?.hint).toContain('as they were')
    expect(await query('SELECT n FROM marks ORDER BY n')).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
    project.write({ [file]: text.replace('UNIQUE ', '').replace('once', 'often').replace('VALUES (7)', 'VALUES (77)') })
    expect((await up()).targets[0]).toMatchObject({ result: 'applied', error: null })
    expect(await query('SELECT n FROM marks ORDER BY n')).toEqual([1, 2, 3, 5, 6, 77].map((n) => ({ n })))
    expect(await query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'often'::regclass")).toEqual([
      { indisvalid: true },
    ])
    expect(await up()).toMatchObject({ ok: true, summary: { upToDate: 1 } })
  })
})

describe('a statement that the server refused outside a transaction', () => {
  test('because its object is there: it is refused again, and never taken for done', async () => {
    await query('CREATE INDEX mine ON t (a)')
    const text = script('CREATE INDEX CONCURRENTLY mine ON t (a)', false)
    project.write({ [file]: text })
    for (const _ of ['first', 'again']) {
      const [target] = (await up()).targets
      expect(target?.error).toMatchObject({ code: 'ALREADY_EXISTS', context: { statement: 4, line: 4 } })
      expect(await query('SELECT left(prefix, 1) AS mark FROM tenantry_ledger')).toEqual([{ mark: '!' }])
    }
    const [explained] = (await project.use((tenantry) => tenantry.explain('one'))).targets
    expect(explained?.probe).toMatchObject({ statement: 4, verdict: 'absent' })
    project.write({ [file]: text.replace('mine', 'other') })
    expect((await up()).targets[0]).toMatchObject({ result: 'applied', error: null })
    await expectDone("to_regclass('other') IS NOT NULL")
  })
})
