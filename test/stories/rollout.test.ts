/** Waves, stop rules, sets in order, backups, and objects that are in the way. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { TenantryEvent } from '../../src/model/events.ts'
import type { FleetReport, UpOptions } from '../../src/model/report.ts'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { countResults, createSchemas, makeProject, type Project, resultOf, schemaTenants } from './project.ts'

const size = 6
let database: TestDatabase
let project: Project

beforeAll(async () => {
  database = await freshDatabase('rollout')
})

afterAll(() => database?.drop())

beforeEach(async () => {
  const names = Array.from({ length: size }, (_, i) => `t_${i + 1}`)
  await database.query(`DROP SCHEMA IF EXISTS ${names.join(', ')}, public CASCADE; CREATE SCHEMA public`)
  await database.query(createSchemas(size))
  project = makeProject()
  project.write({ 'migrations/001_a.sql': 'CREATE TABLE a (id int);\n' })
})

afterEach(() => project.remove())

function configure(
  more: Record<string, unknown>,
  tenants: readonly Record<string, unknown>[] = schemaTenants(size, database.name),
): void {
  project.configure({ servers: { main: { url: database.url } }, tenants, concurrency: 1, ...more })
}

/** Makes the first migration fail in these tenants. */
async function obstruct(...numbers: number[]): Promise<void> {
  for (const n of numbers) await database.query(`CREATE VIEW t_${n}.a AS SELECT 1 AS other`)
}

const up = (options: UpOptions = {}, emit: (event: TenantryEvent) => void = () => {}): Promise<FleetReport> =>
  project.use((tenantry) => tenantry.up(options), { emit })

const resultsOf = (report: FleetReport) =>
  Object.fromEntries(report.targets.map(({ tenants, set, result }) => [`${set} ${tenants[0]}`, result]))

describe('waves', () => {
  const waves = [{ name: 'canary', count: 2 }, { name: 'half', percent: 50 }, { name: 'rest' }]

  test('follow each other: none starts before the one before it is finished', async () => {
    configure({ rollout: { waves }, concurrency: 4 })
    const events: TenantryEvent[] = []
    const report = await up({}, (event) => events.push(event))
    expect(countResults(report)).toEqual({ applied: size })
    expect(report.waves).toEqual([
      { name: 'canary', state: 'done', targets: 2, failed: 0 },
      { name: 'half', state: 'done', targets: 3, failed: 0 },
      { name: 'rest', state: 'done', targets: 1, failed: 0 },
    ])
    let finished = 0
    const before: number[] = []
    for (const event of events) {
      if (event.type === 'target-finished') finished++
      if (event.type === 'wave-started') before.push(finished)
    }
    expect(before).toEqual([0, 2, 5])
  })

  test('a failing canary stops the fleet; it is finished itself, and the next run goes on', async () => {
    configure({ rollout: { waves } })
    await obstruct(1)
    const report = await up()
    expect(resultsOf(report)).toEqual({
      'tenant t1': 'failed',
      'tenant t2': 'applied',
      'tenant t3': 'stopped',
      'tenant t4': 'stopped',
      'tenant t5': 'stopped',
      'tenant t6': 'stopped',
    })
    expect(report.waves.map(({ name, state }) => [name, state])).toEqual([
      ['canary', 'failed'],
      ['half', 'stopped'],
      ['rest', 'stopped'],
    ])
    expect(resultOf(report, 't4').error).toMatchObject({ code: 'STOPPED' })
    expect(resultOf(report, 't4').error?.message).toContain('canary')
    expect(await database.query("SELECT to_regclass('t_3.schema_migrations') AS history")).toEqual([{ history: null }])
    const stored = await project.use((tenantry) => tenantry.rollout(report.rollout ?? ''))
    expect(stored).toMatchObject({ state: 'stopped', summary: { failed: 1, applied: 1, stopped: 4 } })
    await database.query('DROP VIEW t_1.a')
    expect(countResults(await up())).toEqual({ applied: 5, 'up-to-date': 1 })
  })

  test('maxFailures: 0 starts nothing after the first failure, in the same wave either', async () => {
    configure({ rollout: { maxFailures: 0 } })
    await obstruct(2)
    const report = await up()
    expect(countResults(report)).toEqual({ applied: 1, 'failed ALREADY_EXISTS': 1, 'stopped STOPPED': 4 })
    expect(resultOf(report, 't3').error?.hint).toContain('run the same command again')
  })

  test('maxFailures counts a number or a share of all, over waves', async () => {
    await obstruct(1, 4)
    configure({ rollout: { waves, maxFailures: 1 } })
    expect(countResults(await up())).toEqual({ applied: 2, 'failed ALREADY_EXISTS': 2, 'stopped STOPPED': 2 })
    // Two of six are more than 30 %, and not more than 34 %.
    expect(countResults(await up({ maxFailures: { percent: 30 } }))).toMatchObject({ 'stopped STOPPED': 2 })
    expect(countResults(await up({ maxFailures: { percent: 34 } }))).toEqual({
      'up-to-date': 2,
      applied: 2,
      'failed ALREADY_EXISTS': 2,
    })
  })
})

describe('several sets', () => {
  const platform = { name: 'platform', dir: './platform', tenants: { label: 'kind=platform' } }

  function configurePlatform(): void {
    configure({ migrations: [platform, { name: 'tenant', dir: './migrations' }] }, [
      ...schemaTenants(2, database.name),
      { slug: 'core', topology: 'schema', schema: 'public', labels: { kind: 'platform' } },
    ])
  }

  test('run in their order; a failing platform stops its tenants', async () => {
    configurePlatform()
    project.write({ 'platform/001_plans.sql': 'CREATE TABLE plans (id int);\n' })
    const order: string[] = []
    await database.query('CREATE VIEW public.plans AS SELECT 1 AS other')
    const failed = await up()
    expect(resultsOf(failed)).toMatchObject({
      'platform core': 'failed',
      'tenant t1': 'stopped',
      'tenant t2': 'stopped',
    })
    expect(resultOf(failed, 't1').error?.message).toContain('platform')
    await database.query('DROP VIEW public.plans')
    const report = await up({}, (event) => {
      if (event.type === 'target-finished' && event.result.result === 'applied') order.push(event.set)
    })
    expect(report.ok).toBe(true)
    expect(order).toEqual(['platform', 'tenant', 'tenant'])
  })

  test('a target that fails in one is skipped in the next; the others go on', async () => {
    configure(
      {
        migrations: [
          { name: 'core', dir: './migrations' },
          { name: 'extras', dir: './extras', history: { table: 'extras_migrations' } },
        ],
        rollout: {},
      },
      schemaTenants(3, database.name),
    )
    project.write({ 'extras/001_b.sql': 'CREATE TABLE b (id int);\n' })
    await obstruct(2)
    const report = await up()
    expect(resultsOf(report)).toEqual({
      'core t1': 'applied',
      'core t2': 'failed',
      'core t3': 'applied',
      'extras t1': 'applied',
      'extras t2': 'skipped',
      'extras t3': 'applied',
    })
    expect(report.ok).toBe(false)
    expect(
      await database.query("SELECT to_regclass('t_2.b') AS b, to_regclass('t_3.extras_migrations') IS NOT NULL AS own"),
    ).toEqual([{ b: null, own: true }])
    await database.query('DROP VIEW t_2.a')
    expect((await up()).summary).toMatchObject({ applied: 2, upToDate: 4, failed: 0 })
  })

  test('what is half-done in one stays in sight when another finishes', async () => {
    const extras = { name: 'extras', dir: './extras', history: { table: 'extras_migrations' } }
    configure({ migrations: [{ name: 'core', dir: './migrations' }, extras] }, schemaTenants(1, database.name))
    const failing = '-- tenantry:no-transaction\nCREATE TABLE a (id int);\nSELECT 1 / 0;\n'
    project.write({
      'migrations/001_a.sql': failing,
      'extras/001_b.sql': '-- tenantry:no-transaction\nCREATE TABLE b (id int);\nCREATE TABLE c ();\n',
    })
    expect(resultsOf(await up())).toEqual({ 'core t1': 'failed', 'extras t1': 'skipped' })
    expect((await up({ selectors: { sets: ['extras'] } })).ok).toBe(true)
    const status = await project.use((tenantry) => tenantry.status())
    expect(status.details[0]?.halfDone).toMatchObject([{ migration: '001_a', statementsDone: 1 }])
    project.write({ 'migrations/001_a.sql': failing.replace('1 / 0', '1') })
    expect((await up()).ok).toBe(true)
    expect(await database.query("SELECT obj_description('t_1.tenantry_ledger'::regclass) AS mark")).toEqual([
      { mark: null },
    ])
  })
})

describe('--backup', () => {
  const password = () => database.server.password
  const envFile = (schema: string) => join(project.dir, `${schema}.env`)
  const backup =
    'env | grep -E "^(PG|TENANTRY_)" > "$TENANTRY_SCHEMA.env"; tr "\\0" " " < /proc/$$/cmdline > "$TENANTRY_SCHEMA.argv"'

  beforeEach(() => configure({ concurrency: 2 }, schemaTenants(2, database.name)))

  test('is not run where nothing is destructive', async () => {
    expect(countResults(await up({ backup }))).toEqual({ applied: 2 })
    expect(countResults(await up({ backup }))).toEqual({ 'up-to-date': 2 })
    expect(readdirSync(project.dir).filter((name) => name.endsWith('.env'))).toEqual([])
  })

  test('runs per target before something destructive, and is told what by its environment', async () => {
    await up()
    project.write({ 'migrations/002_b.sql': 'CREATE TABLE b ();\n', 'migrations/003_drop.sql': 'DROP TABLE a;\n' })
    const report = await up({ backup: `${backup}; echo "$TENANTRY_TENANTS" >> order` })
    expect(countResults(report)).toEqual({ applied: 2 })
    const order = readFileSync(join(project.dir, 'order'), 'utf8')
    expect(order.trim().split('\n').sort()).toEqual(['t1', 't2'])
    const lines = readFileSync(envFile('t_1'), 'utf8').split('\n')
    const { host, port, user } = database.server
    for (const line of [
      `PGHOST=${host}`,
      `PGPORT=${port}`,
      `PGUSER=${user}`,
      `PGPASSWORD=${password()}`,
      `PGDATABASE=${database.name}`,
      `TENANTRY_TARGET=main/${database.name}/t_1`,
      'TENANTRY_TENANTS=t1',
      'TENANTRY_SERVER=main',
      `TENANTRY_DATABASE=${database.name}`,
      'TENANTRY_SCHEMA=t_1',
    ])
      expect(lines).toContain(line)
    const argv = readFileSync(join(project.dir, 't_1.argv'), 'utf8')
    expect(argv).toContain('TENANTRY_SCHEMA')
    expect(argv).not.toContain(password())
  })

  test('when it fails the target is not touched, and the others go on', async () => {
    await up()
    project.write({ 'migrations/002_b.sql': 'CREATE TABLE b ();\n', 'migrations/003_drop.sql': 'DROP TABLE a;\n' })
    const report = await up({ backup: 'echo "no space for $PGPASSWORD" >&2; test "$TENANTRY_SCHEMA" = t_1' })
    expect(countResults(report)).toEqual({ applied: 1, 'failed BACKUP_FAILED': 1 })
    const failed = resultOf(report, 't2')
    expect(failed.applied).toEqual([])
    expect(failed.error?.context.output).toBe('no space for [secret]')
    expect(JSON.stringify(report)).not.toContain(password())
    expect(await database.query("SELECT to_regclass('t_2.a') IS NOT NULL AS a, to_regclass('t_2.b') AS b")).toEqual([
      { a: true, b: null },
    ])
  })

  test('a second interrupt ends it, with all that it started', async () => {
    configure({}, schemaTenants(1, database.name))
    await up()
    project.write({ 'migrations/002_drop.sql': 'DROP TABLE a;\n' })
    const abort = new AbortController()
    const running = up({
      backup: 'sleep 61 & echo $! > pid; wait',
      signal: { drain: abort.signal, cancel: abort.signal },
    })
    await expect.poll(() => existsSync(join(project.dir, 'pid')), { timeout: 20_000 }).toBe(true)
    const startedAt = performance.now()
    abort.abort()
    expect(countResults(await running)).toEqual({ 'failed BACKUP_FAILED': 1 })
    // `sleep` has the shell's stderr open: only with its end does the run end.
    expect(performance.now() - startedAt).toBeLessThan(30_000)
    expect(await database.query("SELECT to_regclass('t_1.a') IS NOT NULL AS a")).toEqual([{ a: true }])
  })

  test('also before an undo', async () => {
    project.write({ 'migrations/rollbacks/001_a.sql': 'DROP TABLE a;\n' })
    await up()
    const report = await project.use((tenantry) => tenantry.down({ unproven: true, backup, allowDataLoss: true }))
    expect(countResults(report)).toEqual({ undone: 2 })
    expect([existsSync(envFile('t_1')), existsSync(envFile('t_2'))]).toEqual([true, true])
  })
})

describe('an object that is in the way', () => {
  test('equal or not is said, and the baseline command that is printed works', async () => {
    configure({}, schemaTenants(3, database.name))
    project.write({
      'migrations/001_a.sql': 'CREATE TABLE a (id int PRIMARY KEY, name text NOT NULL);\n',
      'migrations/002_b.sql': 'CREATE TABLE b ();\n',
    })
    await database.query(
      'CREATE TABLE t_1.a (id int PRIMARY KEY, name text NOT NULL); CREATE TABLE t_2.a (id int PRIMARY KEY)',
    )
    const report = await up()
    expect(countResults(report)).toEqual({ 'failed ALREADY_EXISTS': 2, applied: 1 })
    const [equal, different] = [resultOf(report, 't1').error, resultOf(report, 't2').error]
    expect(equal?.message).toContain('equals what the migration makes')
    expect(different?.message).toContain('differs from what the migration makes')
    expect(different?.hint).toContain('Rename or drop')
    const command = /`tenantry (baseline [^`]+)`/.exec(equal?.hint ?? '')?.[1]
    expect(command).toBe('baseline --migration 001_a t1')
    const printed = await project.run((command ?? '').split(' '))
    expect([printed.code, printed.stderr]).toEqual([0, expect.not.stringContaining('rror')])
    const after = await up()
    expect(resultOf(after, 't1')).toMatchObject({ result: 'applied', applied: ['002_b'], error: null })
    expect(resultOf(after, 't2')).toMatchObject({ result: 'failed' })
  })
})
