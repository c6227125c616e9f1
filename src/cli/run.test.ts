import { EventEmitter } from 'node:events'
import { describe, expect, test } from 'vitest'
import type { DataChangeReport } from '../model/data-change.ts'
import { TenantryError } from '../model/errors.ts'
import type { Notice } from '../model/migration.ts'
import type { FleetReport, PlanReport, Tenantry } from '../model/report.ts'
import type { SeedReport } from '../model/seed.ts'
import { emptySummary } from '../rollout/report.ts'
import type { OpenOptions } from '../tenantry.ts'
import { runCli } from './run.ts'

const fleetReport: FleetReport = {
  command: 'up',
  rollout: 'r_1',
  ok: true,
  summary: emptySummary(),
  targets: [],
  waves: [],
  notices: [],
  error: null,
  interrupted: false,
}
const planReport: PlanReport = { ...fleetReport, command: 'plan', rollout: null, migrations: [], hash: 'abc' }

const dataReport = (command: DataChangeReport['command']): DataChangeReport => ({
  command,
  ok: true,
  dryRun: false,
  run: null,
  summary: { done: 0, pending: 0, running: 0, paused: 0, failed: 0, stuck: 0, rows: 0 },
  targets: [],
  notices: [],
  durationMs: 1,
  interrupted: false,
})

const seedReport: SeedReport = {
  command: 'seed',
  ok: true,
  dryRun: false,
  environment: null,
  summary: {
    targets: 0,
    applied: 0,
    upToDate: 0,
    pending: 0,
    failed: 0,
    stopped: 0,
    inserted: 0,
    updated: 0,
    unchanged: 0,
    kept: 0,
    removed: 0,
    deleted: 0,
  },
  targets: [],
  notices: [],
  durationMs: 1,
  interrupted: false,
}

const tenantReport = {
  command: 'tenants add',
  ok: true,
  tenant: {
    id: 'i',
    slug: 'acme',
    name: null,
    state: 'active',
    topology: 'database',
    target: 'a/b',
    labels: {},
    address: null,
    createdAt: null,
    updatedAt: null,
  },
  from: 'active',
  notices: [],
  next: [],
}

interface Outcome {
  exitCode: number
  stdout: string
  stderr: string
  opened: OpenOptions[]
  /** What the facade was asked for: the method, then its arguments. */
  calls: unknown[][]
}

/** The signals of the process that `run` pretends to be. */
const signals = new EventEmitter()

/** Runs a command line against a facade that only writes down what it is asked for. */
async function run(
  argv: string[],
  env: NodeJS.ProcessEnv = {},
  facade: Partial<Tenantry> = {},
  notice: Notice | null = null,
  change: Partial<FleetReport> = {},
): Promise<Outcome> {
  const outcome: Outcome = { exitCode: -1, stdout: '', stderr: '', opened: [], calls: [] }
  const record =
    <T extends object>(method: string, result: T) =>
    (...args: unknown[]) => {
      outcome.calls.push([method, ...args.map(withoutSignal)])
      return Promise.resolve(typeof result === 'object' && 'notices' in result ? { ...result, ...change } : result)
    }
  // What no test here asks for is not there.
  const tenantry = {
    plan: record('plan', planReport),
    up: record('up', fleetReport),
    down: record('down', { ...fleetReport, command: 'down' }),
    status: record('status', { ...fleetReport, command: 'status', healthy: 0, needsAttention: 0, details: [] }),
    check: record('check', { ...fleetReport, command: 'check' }),
    connectionFor: () => Promise.reject(new Error('no application here')),
    guardTenant: () => Promise.resolve(true),
    provision: () => Promise.reject(new Error('nothing is made here')),
    tenantVersion: record('tenantVersion', { tenant: 'a', target: 'a/b', behind: false, sets: [] }),
    minimumFleetVersion: record('minimumFleetVersion', { targets: 0, sets: [] }),
    wait: record('wait', { command: 'wait', ok: true, servers: [], error: null }),
    keys: {
      check: () => Promise.reject(new Error('no keys here')),
      rotate: () => Promise.reject(new Error('no keys here')),
      setCredential: () => Promise.reject(new Error('no keys here')),
    },
    tenants: {
      add: record('tenants.add', tenantReport),
      list: (...args: unknown[]) => {
        outcome.calls.push(['tenants.list', ...args])
        return [].values()
      },
      show: record('tenants.show', {
        ...tenantReport,
        credential: { kind: 'none' },
        provision: null,
        migrations: null,
        audit: [],
      }),
      suspend: record('tenants.suspend', tenantReport),
      activate: record('tenants.activate', tenantReport),
      archive: record('tenants.archive', tenantReport),
      remove: record('tenants.remove', { ...tenantReport, result: 'archived', dropped: null, dump: null }),
      import: record('tenants.import', { ...tenantReport, file: '/a', tenants: 0, states: {}, dryRun: false }),
    },
    dataChanges: {
      list: record('dataChanges.list', { command: 'backfill-data list', ok: true, changes: [], notices: [] }),
      run: record('dataChanges.run', dataReport('backfill-data run')),
      pause: record('dataChanges.pause', dataReport('backfill-data pause')),
      status: record('dataChanges.status', dataReport('backfill-data status')),
    },
    seed: record('seed', seedReport),
    phaseStatus: record('phaseStatus', { command: 'phase status', ok: true, changes: [], notices: [] }),
    lint: record('lint', {
      command: 'lint',
      ok: true,
      findings: [],
      summary: { migrations: 0, files: 0, statements: 0, errors: 0, warnings: 0, infos: 0, ignored: 0 },
      ignored: [],
      notAnalysed: [],
      rules: [],
      notices: [],
      root: '/project',
      maxWarnings: null,
      durationMs: 1,
    }),
    verify: record('verify', {
      command: 'verify',
      ok: true,
      healthy: 0,
      needsAttention: 0,
      targets: [],
      notices: [],
      durationMs: 1,
    }),
    backfill: record('backfill', {
      command: 'backfill',
      ok: true,
      dryRun: false,
      rollout: null,
      summary: fleetReport.summary,
      targets: [],
      notices: [],
      interrupted: false,
    }),
    drift: record('drift', {
      command: 'drift',
      ok: true,
      clusters: [],
      failures: [],
      behind: [],
      notices: [],
      durationMs: 1,
    }),
    prove: record('prove', { command: 'prove', ok: true, migrations: [], notices: [], durationMs: 1 }),
    baseline: record('baseline', { ...fleetReport, command: 'baseline' }),
    explain: record('explain', { command: 'explain', ok: true, tenant: 'acme', targets: [] }),
    adopt: record('adopt', { command: 'adopt', ok: true, sets: [], config: null, written: false, notices: [] }),
    unlock: record('unlock', { command: 'unlock', ok: true, notices: [], targets: [] }),
    make: record('make', { command: 'make', ok: true, files: ['migrations/1_a.sql'], notices: [] }),
    rollouts: record('rollouts', []),
    rollout: record('rollout', { ...fleetReport, state: 'done', startedAt: '2026-01-01', finishedAt: null }),
    close: async () => {},
    ...facade,
  } as unknown as Tenantry
  outcome.exitCode = await runCli(argv, {
    stdout: { write: (text) => (outcome.stdout += text) },
    stderr: { write: (text) => (outcome.stderr += text) },
    env,
    cwd: '/nowhere',
    now: () => 0,
    signals,
    exit: (code) => outcome.calls.push(['exit', code]),
    open: async (options) => {
      outcome.opened.push(options)
      if (notice !== null) options.emit?.({ type: 'notice', notice })
      return tenantry
    },
  })
  return outcome
}

function withoutSignal(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('signal' in value)) return value
  const { signal, ...rest } = value
  expect(signal).toMatchObject({ drain: { aborted: false }, cancel: { aborted: false } })
  return rest
}

describe('flags become options', () => {
  test.each<[string, unknown[]]>([
    ['up', ['up', { selectors: {} }]],
    ['up acme globex', ['up', { selectors: { tenants: ['acme', 'globex'] } }]],
    ['up acme --tenant b --tenant-id c', ['up', { selectors: { tenants: ['acme', 'b', 'c'] } }]],
    ['up --label tier=gold --label a=', ['up', { selectors: { labels: ['tier=gold', 'a='] } }]],
    ['up --server eu --server us', ['up', { selectors: { servers: ['eu', 'us'] } }]],
    ['up --exclude a --exclude b', ['up', { selectors: { exclude: ['a', 'b'] } }]],
    ['up --percent 2.5 --limit 3', ['up', { selectors: { percent: 2.5, limit: 3 } }]],
    ['up --set a --set b', ['up', { selectors: { sets: ['a', 'b'] } }]],
    ['up --shard 2/4', ['up', { selectors: { shard: { index: 2, of: 4 } } }]],
    ['up --to 0042', ['up', { selectors: {}, to: '0042' }]],
    ['up --allow-changed --strict-order', ['up', { selectors: {}, allowChanged: true, strictOrder: true }]],
    ['up --max-failures 2', ['up', { selectors: {}, maxFailures: { count: 2 } }]],
    ['up --max-failures 5%', ['up', { selectors: {}, maxFailures: { percent: 5 } }]],
    ['up --backup ./b.sh', ['up', { selectors: {}, backup: './b.sh' }]],
    ['up --verify', ['up', { selectors: {}, verify: true }]],
    ['up --no-verify', ['up', { selectors: {}, verify: false }]],
    ['verify acme', ['verify', { selectors: { tenants: ['acme'] } }]],
    ['backfill --label a=b', ['backfill', { selectors: { labels: ['a=b'] } }]],
    ['repair acme --dry-run', ['backfill', { selectors: { tenants: ['acme'] }, dryRun: true }]],
    ['prove --fresh', ['prove', { selectors: {}, fresh: true }]],
    ['prove --like acme --with-data', ['prove', { selectors: {}, like: 'acme', withData: true }]],
    ['drift acme --between', ['drift', { selectors: { tenants: ['acme'] }, between: true }]],
    ['up --dry-run --to 7 acme', ['plan', { selectors: { tenants: ['acme'] }, to: '7' }]],
    ['plan acme --strict-order', ['plan', { selectors: { tenants: ['acme'] }, strictOrder: true }]],
    ['down --steps 2 acme', ['down', { selectors: { tenants: ['acme'] }, steps: 2 }]],
    ['down --to 0040', ['down', { selectors: {}, to: '0040' }]],
    ['down --batch 0042', ['down', { selectors: { tenants: ['0042'] }, batch: true }]],
    ['down --rollout r_1 0042', ['down', { selectors: { tenants: ['0042'] }, rollout: 'r_1' }]],
    ['down --force', ['down', { selectors: {}, force: true }]],
    ['down 0042 acme', ['down', { selectors: { tenants: ['acme'] }, migration: '0042' }]],
    [
      'down --allow-data-loss --allow-changed --max-failures 0 --backup x',
      [
        'down',
        {
          selectors: {},
          allowDataLoss: true,
          allowChanged: true,
          maxFailures: { count: 0 },
          backup: 'x',
        },
      ],
    ],
    ['status acme', ['status', { selectors: { tenants: ['acme'] } }]],
    ['check --set tenant', ['check', { selectors: { sets: ['tenant'] } }]],
    ['baseline --to 3 acme', ['baseline', { selectors: { tenants: ['acme'] }, to: '3' }]],
    ['baseline --migration 3', ['baseline', { selectors: {}, migration: '3' }]],
    ['baseline --rename a b acme', ['baseline', { selectors: { tenants: ['acme'] }, rename: { from: 'a', to: 'b' } }]],
    ['baseline --migration 3 --force', ['baseline', { selectors: {}, migration: '3', force: true }]],
    ['baseline --rolled-back 3 acme', ['baseline', { selectors: { tenants: ['acme'] }, rolledBack: '3' }]],
    ['adopt acme', ['adopt', { selectors: { tenants: ['acme'] } }]],
    ['adopt --write', ['adopt', { selectors: {}, write: true }]],
    ['unlock acme', ['unlock', { selectors: { tenants: ['acme'] } }]],
    ['unlock --yes', ['unlock', { selectors: {}, yes: true }]],
    ['explain acme', ['explain', 'acme']],
    ['make add_x', ['make', 'add_x', {}]],
    ['make --name add_x --set s --description d', ['make', 'add_x', { set: 's', description: 'd' }]],
    ['tenants add acme', ['tenants.add', 'acme', {}]],
    [
      'tenants add acme --name A --topology schema --server s --database d --schema t --label a=b=c --label x= --state suspended',
      [
        'tenants.add',
        'acme',
        {
          ...{ name: 'A', topology: 'schema', server: 's', database: 'd', schema: 't' },
          ...{ labels: { a: 'b=c', x: '' }, state: 'suspended' },
        },
      ],
    ],
    ['tenants list', ['tenants.list', {}]],
    [
      'tenants list --state active,failed --state archived --label a=b --limit 3 --after acme',
      ['tenants.list', { states: ['active', 'failed', 'archived'], labels: ['a=b'], limit: 4, after: 'acme' }],
    ],
    ['tenants show acme', ['tenants.show', 'acme']],
    ['tenants suspend acme', ['tenants.suspend', 'acme']],
    ['tenants activate acme', ['tenants.activate', 'acme']],
    ['tenants archive acme', ['tenants.archive', 'acme']],
    ['tenants remove acme', ['tenants.remove', 'acme', {}]],
    ['tenants remove acme --drop-data --yes acme', ['tenants.remove', 'acme', { dropData: true, yes: 'acme' }]],
    [
      '--yes tenants remove --dump f --drop-data acme a',
      ['tenants.remove', 'acme', { dropData: true, dump: 'f', yes: 'a' }],
    ],
    ['tenants remove acme --drop-data --yes', ['tenants.remove', 'acme', { dropData: true }]],
    ['tenants import f.csv --dry-run', ['tenants.import', 'f.csv', { dryRun: true }]],
    ['rollout list', ['rollouts']],
    ['rollout show r_1', ['rollout', 'r_1']],
  ])('%s', async (line, call) => {
    const outcome = await run(line.split(' '))
    expect(outcome.stderr).toBe('')
    expect(outcome.calls).toEqual([call])
    expect(outcome.exitCode).toBe(0)
  })
})

describe('global flags', () => {
  const flags = ['--config', 'x.ts', '--env', 'staging', '--concurrency', '3']
  test.each([
    ['before the command', [...flags, 'up', 'acme']],
    ['after the command', ['up', 'acme', ...flags]],
    ['on both sides', [...flags.slice(0, 2), 'up', ...flags.slice(2), 'acme']],
  ])('%s', async (_, argv) => {
    const { opened, calls } = await run(argv)
    expect(opened).toMatchObject([
      {
        cwd: '/nowhere',
        config: 'x.ts',
        environment: 'staging',
        overrides: { concurrency: 3 },
      },
    ])
    expect(calls).toEqual([['up', { selectors: { tenants: ['acme'] } }]])
  })

  test('--json prints one document and nothing else on stdout', async () => {
    const { stdout, stderr } = await run(['--json', 'up'])
    expect(JSON.parse(stdout)).toEqual(fleetReport)
    expect(stderr).toBe('')
  })

  test('rollout list --json has its list', async () => {
    const { stdout } = await run(['rollout', 'list', '--json'])
    expect(JSON.parse(stdout)).toEqual({ command: 'rollout list', ok: true, rollouts: [] })
  })

  test('--log-format json: a line per event on stderr', async () => {
    const { stderr } = await run(['up', '--log-format', 'json'], { DB_MIGRATION_VERSION: '7' })
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(JSON.parse(stderr)).toMatchObject({
      time: '1970-01-01T00:00:00.000Z',
      type: 'notice',
      notice: { rule: 'variable-ignored' },
    })
  })
})

describe('DB_MIGRATION_VERSION', () => {
  const env = { DB_MIGRATION_VERSION: '0040' }

  test('is --to for a bare down, and is said', async () => {
    const { calls, stderr } = await run(['down'], env)
    expect(calls).toEqual([['down', { selectors: {}, to: '0040' }]])
    expect(stderr).toContain('DB_MIGRATION_VERSION=0040: undoing everything after it.')
  })

  test('gives way to a flag, and that is said', async () => {
    const { calls, stderr } = await run(['down', '--steps', '1'], env)
    expect(calls).toEqual([['down', { selectors: {}, steps: 1 }]])
    expect(stderr).toContain('is not used')
  })

  test('up ignores it, and says so, also in the document', async () => {
    const { calls, stdout } = await run(['up', '--json'], env)
    expect(calls).toEqual([['up', { selectors: {} }]])
    expect(JSON.parse(stdout).notices).toMatchObject([{ rule: 'variable-ignored' }])
  })
})

describe('usage errors end with 2, name the flag, and carry nothing out', () => {
  test.each<[string, string]>([
    ['tenants list --state asleep', "'--state <state>'"],
    ['tenants add acme --label gold', "'--label <key=value>'"],
    ['tenants add acme --state failed', "'--state <state>'"],
    ['tenants remove acme globex', 'one too many'],
    ['up --limit 0', "'--limit <n>'"],
    ['up --limit x', "'--limit <n>'"],
    ['up --percent 0', "'--percent <n>'"],
    ['up --percent 101', "'--percent <n>'"],
    ['up --shard 5/4', "'--shard <i/n>'"],
    ['up --shard 0/4', "'--shard <i/n>'"],
    ['up --shard 1', "'--shard <i/n>'"],
    ['up --max-failures x', "'--max-failures <n>'"],
    ['up --max-failures 101%', "'--max-failures <n>'"],
    ['up --label gold', "'--label <key=value>'"],
    ['up --concurrency 0', "'--concurrency <n>'"],
    ['up --log-format xml', "'--log-format <format>'"],
    ['up --to', "'--to <migration>'"],
    ['down --steps 0', "'--steps <n>'"],
    ['down --steps 1 --to 2', '`--steps` and `--to`'],
    ['down --to 2 --batch', '`--to` and `--batch`'],
    ['baseline --to 1 --rolled-back 2', '`--rename` and `--rolled-back`'],
    ['up --batch', "Unknown option '--batch'"],
    ['status --recent -1', "'--recent <n>'"],
    ['baseline', '`--migration <migration>`'],
    ['baseline --to 1 --migration 2', '`--to`, `--migration`'],
    ['baseline --rename a', '`--rename` takes two names'],
    ['make', 'needs a name'],
    ['make a --name b', 'two names'],
    ['explain', "'tenant'"],
    ['explain a b', 'Too many arguments'],
    ['rollout', 'Usage: tenantry rollout'],
    ['rollout pause r_1', '`rollout pause` is not part of this version.'],
    ['worker', '`worker` is not part of this version.'],
    ['--env x serve --help', '`serve` is not part of this version.'],
    ['down --rollout r_1 --steps 2', '`--steps` and `--rollout`'],
    ['statsu', 'Did you mean `tenantry status`?'],
    ['migrate', 'Did you mean `tenantry up`?'],
    ['rollback', 'Did you mean `tenantry down`?'],
    ['xyzzyplugh', '`tenantry --help` lists the commands.'],
    ['up --strict-oder', 'Did you mean `--strict-order`?'],
  ])('%s', async (line, part) => {
    const outcome = await run(line.split(' '))
    expect(outcome.exitCode).toBe(2)
    expect(outcome.stderr).toContain(part)
    expect(outcome.stdout).toBe('')
    expect(outcome.calls).toEqual([])
  })

  test('as a document with --json', async () => {
    const { stdout, stderr, exitCode } = await run(['up', '--limit', 'x', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ command: 'up', ok: false, error: { code: 'USAGE', context: {} } })
    expect(stderr).toBe('')
    expect(exitCode).toBe(2)
  })

  test('no command at all: help on stderr, or a document', async () => {
    expect(await run([])).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining('Commands:') })
    const { stdout } = await run(['--json'])
    expect(JSON.parse(stdout)).toMatchObject({ command: null, ok: false, error: { code: 'USAGE' } })
  })
})

const config = new TenantryError('CONFIG_INVALID', '2 problems', { hint: 'repair them' })

describe('errors', () => {
  test('of ours: message, code, hint; the exit code of its table', async () => {
    const { stderr, exitCode } = await run(['up'], {}, { up: () => Promise.reject(config) })
    expect(stderr).toBe('error: 2 problems (CONFIG_INVALID)\nhint: repair them\n')
    expect(exitCode).toBe(2)
  })

  test('any other is INTERNAL, without a stack and without the password in it', async () => {
    const up = () => Promise.reject(new Error('cannot parse postgres://me:hunter2@db/x'))
    const { stderr, exitCode } = await run(['up'], {}, { up })
    expect(stderr).toContain('cannot parse postgres://me:[secret]@db/x (INTERNAL)')
    expect(stderr).not.toMatch(/hunter2|\n\s+at /)
    expect(exitCode).toBe(1)
    const verbose = await run(['up', '--verbose'], {}, { up })
    expect(verbose.stderr).toMatch(/\n\s+at /)
    expect(verbose.stderr).not.toContain('hunter2')
  })

  test('of a subcommand: the document names both words', async () => {
    const { stdout } = await run(['rollout', '--json', 'show', 'r_x'], {}, { rollout: () => Promise.reject(config) })
    expect(JSON.parse(stdout)).toMatchObject({ command: 'rollout show', error: { code: 'CONFIG_INVALID' } })
  })

  test('a connection that fails while it closes changes nothing', async () => {
    const close = () => Promise.reject(new Error('reset'))
    expect(await run(['check'], {}, { close })).toMatchObject({ exitCode: 0, stderr: '' })
  })

  test('closes the facade after a failure', async () => {
    let closed = 0
    await run(['up'], {}, { up: () => Promise.reject(config), close: async () => void closed++ })
    expect(closed).toBe(1)
  })

  test('a name cannot steer the terminal', async () => {
    const error = new TenantryError('TENANT_UNKNOWN', 'no tenant \u001b[2Jacme')
    const { stderr } = await run(['up'], {}, { up: () => Promise.reject(error) })
    expect(stderr).toContain('no tenant \\u001b[2Jacme')
  })
})

describe('interrupts', () => {
  test('the first drains an up; the report ends with 130 and how to continue', async () => {
    const up: Tenantry['up'] = (options) => {
      const drained = new Promise((resolve) => options?.signal?.drain.addEventListener('abort', resolve))
      signals.emit('SIGINT')
      return drained.then(() => ({ ...fleetReport, ok: false, interrupted: true }))
    }
    const { exitCode, stdout, stderr } = await run(['up', 'it s'], {}, { up })
    expect(exitCode).toBe(130)
    expect(stderr).toBe(
      'Interrupted: finishing what is in flight, starting nothing new. Press Ctrl-C again to cancel it.\n',
    )
    expect(stdout).toContain("`tenantry up 'it s'` continues")
    expect(signals.listenerCount('SIGINT')).toBe(0)
    const json = await run(['up', '--json'], {}, { up })
    expect(JSON.parse(json.stdout)).toMatchObject({ interrupted: true })
    expect(json.stderr.trim().split('\n').at(-1)).toBe('`tenantry up --json` continues.')
  })

  test('a status leaves at once', async () => {
    const status: Tenantry['status'] = () => {
      signals.emit('SIGINT')
      return Promise.reject(config)
    }
    const { calls, stderr } = await run(['status'], {}, { status })
    expect(calls).toEqual([['exit', 130]])
    expect(stderr).toContain('Interrupted. Nothing is left half-done')
  })
})

test("an error of the whole report is said on stderr, its exit code is the table's", async () => {
  const error = new TenantryError('SHARED_TARGET', 'only some tenants of main/pool', { hint: 'select all' }).toJSON()
  const { exitCode, stderr } = await run(['up', 'a'], {}, { up: async () => ({ ...fleetReport, ok: false, error }) })
  expect([exitCode, stderr]).toEqual([2, 'error: only some tenants of main/pool (SHARED_TARGET)\nhint: select all\n'])
})

describe('notices', () => {
  const notice = { rule: 'both-set', message: 'the registry wins' }
  const other = { rule: 'gap', message: 'a gap' }

  test.each([
    ['up', 'note the registry wins\n', ['note a gap']],
    ['plan', '', ['note the registry wins', 'note a gap']],
  ])('%s says each once, on stderr or in the result', async (command, stderr, result) => {
    const outcome = await run([command], {}, {}, notice, { notices: [notice, other] })
    expect(outcome.stderr).toBe(stderr)
    expect(outcome.stdout.split('\n').filter((line) => line.startsWith('note'))).toEqual(result)
  })

  test('what the result does not hold is said on stderr', async () => {
    expect((await run(['status'], {}, {}, notice)).stderr).toBe('note the registry wins\n')
    expect((await run(['check'], {}, {}, notice, { notices: [notice] })).stderr).toBe('note the registry wins\n')
  })
})
