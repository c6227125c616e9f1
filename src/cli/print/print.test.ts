import { createColors } from 'picocolors'
import { describe, expect, test } from 'vitest'
import type { FleetReport, StatusReport, TargetStatus } from '../../model/report.ts'
import type { TargetResult } from '../../model/rollout.ts'
import { summarise } from '../../rollout/report.ts'
import { printCheck } from './check.ts'
import { printExplain } from './explain.ts'
import { printPlan } from './plan.ts'
import { printRollout, printRolloutList } from './rollouts.ts'
import { printRun } from './run.ts'
import { printStatus } from './status.ts'
import type { PrintStyle } from './style.ts'

const style: PrintStyle = {
  colors: createColors(false),
  verbose: false,
  quiet: false,
  shell: 'tenantry --env staging',
  again: 'tenantry up --env staging --percent 10',
}

function result(target: string, change: Partial<TargetResult> = {}): TargetResult {
  const lists = { undone: [], pending: [], failed: [], changed: [], missing: [], outOfOrder: [], unverified: [] }
  const tenants = [target.split('/').at(-1) ?? target]
  return {
    target,
    tenants,
    set: 'tenant',
    result: 'applied',
    applied: [],
    ...lists,
    durationMs: 12,
    error: null,
    ...change,
  }
}

function report(targets: TargetResult[], change: Partial<FleetReport> = {}): FleetReport {
  return {
    command: 'up',
    rollout: 'r_01J',
    ok: targets.every(({ error }) => error === null),
    summary: summarise(targets, 12_300),
    targets,
    waves: [],
    notices: [],
    error: null,
    interrupted: false,
    ...change,
  }
}

const fleet = (count: number, change: (i: number) => Partial<TargetResult>) =>
  Array.from({ length: count }, (_, i) => result(`main/app/t_${i}`, change(i)))

const refused = (i: number): Partial<TargetResult> => ({
  result: 'failed',
  failed: ['0042_add_email'],
  error: {
    code: 'MIGRATION_FAILED',
    message: `Migration 0042_add_email failed in main/app/t_${i} at line 12, column 5: relation "users" does not exist`,
    hint: 'repair the file',
    context: { migration: '0042_add_email', file: 'migrations/0042_add_email.sql', line: 12, column: 5, statement: 3 },
  },
})

const statusOf = ({ target, tenants, set }: TargetResult, change: Partial<TargetStatus> = {}): TargetStatus => ({
  target,
  tenants,
  set,
  healthy: true,
  applied: ['001_init', '002_x'],
  renamed: [],
  halfDone: [],
  missingTables: [],
  requiredTables: [],
  ...change,
})

const page = (lines: readonly string[]) => `\n${lines.join('\n')}\n`

describe('up', () => {
  test('140 of 900 done, at night', () => {
    const targets = fleet(900, (i) => {
      if (i % 70 === 69 && i < 140) return refused(i)
      return i < 140 ? { applied: ['0041_a', '0043_b'] } : { result: 'stopped' }
    })
    const waves: FleetReport['waves'] = [
      { name: 'canary', state: 'done', targets: 5, failed: 0 },
      { name: 'rest', state: 'stopped', targets: 895, failed: 2 },
    ]
    expect(page(printRun(report(targets, { waves }), style))).toMatchInlineSnapshot(`
      "
      Found 900 targets · rollout r_01J

      ✔  applied 0041_a  138  targets
      ✔  applied 0043_b  138  targets

      ✖ 2 targets: main/app/t_69, main/app/t_139  MIGRATION_FAILED
        at migrations/0042_add_email.sql:12:5, statement 3 of 0042_add_email
        Migration 0042_add_email failed in <target> at line 12, column 5: relation "users" does not exist
        hint: repair the file

      Waves
        canary  done     5 targets
        rest    stopped  895 targets  2 failed

      ✔ 138 applied · ✖ 2 failed · 760 not started · in 12.3 s

      Next: repair what failed, then \`tenantry up --env staging --percent 10\`: it runs only what is still open
            \`tenantry --env staging explain t_69\`: what happened there, and what could follow
            \`tenantry --env staging rollout show r_01J\`: this summary again
      "
    `)
  })

  test('a small fleet, target by target, one of them half way', () => {
    const targets = [
      result('main/app/t_1', { applied: ['0042_add_email'] }),
      result('main/app/t_2', { ...refused(2), applied: ['0041_a'] }),
      result('main/app/t_3', { result: 'up-to-date' }),
    ]
    expect(page(printRun(report(targets), style))).toMatchInlineSnapshot(`
      "
      Found 3 targets · rollout r_01J

      ✔ main/app/t_1: applied 0042_add_email (12 ms)
      ✖ main/app/t_2: applied 0041_a, then failed (12 ms)

      ✖ main/app/t_2  MIGRATION_FAILED
        at migrations/0042_add_email.sql:12:5, statement 3 of 0042_add_email
        Migration 0042_add_email failed in main/app/t_2 at line 12, column 5: relation "users" does not exist
        hint: repair the file

      ✔ 1 applied · ✖ 1 failed · 1 up-to-date · in 12.3 s

      Next: repair what failed, then \`tenantry up --env staging --percent 10\`: it runs only what is still open
            \`tenantry --env staging explain t_2\`: what happened there, and what could follow
            \`tenantry --env staging rollout show r_01J\`: this summary again
      "
    `)
  })

  test('interrupted', () => {
    const targets = fleet(3, (i) => (i === 0 ? { applied: ['1'] } : { result: 'stopped' }))
    const lines = printRun(report(targets, { interrupted: true }), style)
    expect(lines.slice(-2)).toEqual([
      'Next: `tenantry --env staging rollout show r_01J`: this summary again',
      '      interrupted; what was in flight is finished and recorded. `tenantry up --env staging --percent 10` continues.',
    ])
    const quiet = printRun(report(targets, { interrupted: true }), { ...style, quiet: true })
    expect(quiet.at(-1)).toContain('continues.')
  })

  test('a down that failed somewhere does not advise to run it again', () => {
    const targets = [result('m/a/t_1', { result: 'undone', undone: ['2'] }), result('m/a/t_2', refused(2))]
    const next = printRun(report(targets, { command: 'down' }), { ...style, again: 'tenantry down' })
    expect(next.join('\n')).toContain('Next: `tenantry --env staging status` shows where each target stands')
    expect(next.join('\n')).not.toContain('`tenantry down`')
  })

  test('a refusal of the whole command is left to its error', () => {
    const error = { code: 'UNDO_MISSING', message: 'no undo file', hint: null, context: {} } as const
    const refusal = report([result('m/a/t', { result: 'failed', error })], { command: 'down', rollout: null, error })
    expect(printRun(refusal, style)).toEqual(['Found 1 target', '', '✔ 0 undone · ✖ 1 failed · in 12.3 s'])
  })

  test('nothing to do says so and asks for nothing', () => {
    const lines = printRun(
      report(
        fleet(2, () => ({ result: 'up-to-date' })),
        { rollout: null },
      ),
      style,
    )
    expect(lines).toEqual(['Found 2 targets', '', '✔ 0 applied · 0 failed · 2 up-to-date · in 12.3 s'])
  })

  test('quiet: what failed and the last line', () => {
    const lines = printRun(report([result('m/a/t', refused(1)), result('m/a/u')]), { ...style, quiet: true })
    expect(lines[0]).toContain('✖ m/a/t')
    expect(lines.at(-1)).toBe('✔ 1 applied · ✖ 1 failed · in 12.3 s')
  })
})

test('down of one tenant', () => {
  const targets = [result('main/app/t_1', { result: 'undone', undone: ['002_x'] })]
  expect(page(printRun(report(targets, { command: 'down' }), style))).toMatchInlineSnapshot(`
    "
    Found 1 target · rollout r_01J

    ✔ main/app/t_1: undone 002_x (12 ms)

    ✔ 1 undone · 0 failed · in 12.3 s
    "
  `)
})

describe('status', () => {
  const statusReport = (targets: TargetResult[], details: TargetStatus[]): StatusReport => {
    const healthy = details.filter((status) => status.healthy).length
    const numbers = { healthy, needsAttention: targets.length - healthy, details }
    return { ...report(targets, { command: 'status', rollout: null }), ...numbers, command: 'status' }
  }
  const view = { all: false, recent: null }

  test('1,000 schemas are a page', () => {
    const targets = fleet(1000, (i) => {
      if (i === 7) return refused(i)
      if (i === 8) return { result: 'pending', changed: ['001_init'], missing: ['000_gone'] }
      return i < 700 ? { result: 'up-to-date' } : { result: 'pending', pending: ['003_y', '004_z'] }
    })
    const details = targets.map((target, i) =>
      statusOf(target, { healthy: i !== 7 && i !== 8, missingTables: i === 8 ? ['vendor'] : [] }),
    )
    expect(page(printStatus(statusReport(targets, details), view, style))).toMatchInlineSnapshot(`
      "
      1,000 targets · 698 up-to-date · 300 pending · 1 failed · 1 changed · 1 missing
      ✔ 998 healthy · ✖ 2 need attention

      Not normal
        300 targets: main/app/t_700, main/app/t_701, main/app/t_702 and 297 more
          2 pending: 003_y, 004_z
        main/app/t_7
          MIGRATION_FAILED: Migration 0042_add_email failed in this target at line 12, column 5: relation "users" does not exist
          1 failed: 0042_add_email
        main/app/t_8
          1 changed: 001_init
          1 missing: 000_gone
          required tables missing: vendor

      Next: \`tenantry --env staging plan\` shows what would run where
            \`tenantry --env staging explain t_7\`: what happened there, and what could follow
      "
    `)
    const all = printStatus(statusReport(targets, details), { all: true, recent: 1 }, style)
    expect(all.filter((line) => /^[✔✖] main/.test(line))).toHaveLength(1000)
    expect(all).toContain('    last applied: 002_x')
    const recent = printStatus(statusReport(targets, details), { all: false, recent: 2 }, style)
    expect(recent).toContain('  1,000 targets: 002_x, 001_init')
  })

  test('a late file where the order is kept is out-of-order, not unreadable', () => {
    const error = { code: 'OUT_OF_ORDER', message: '0_late is pending', hint: null, context: {} } as const
    const late = { result: 'failed', error, pending: ['0_late'], outOfOrder: ['0_late'] } as const
    const targets = fleet(3, (i) =>
      i === 2 ? { result: 'failed', error: { ...error, code: 'HISTORY_UNUSABLE' } } : late,
    )
    const details = targets.map((target) => statusOf(target, { healthy: false }))
    expect(printStatus(statusReport(targets, details), view, style)[0]).toBe(
      '3 targets · 2 pending · 2 out-of-order · 1 cannot be read',
    )
  })

  test('one tenant in full', () => {
    const target = result('main/app/john_12345678', { result: 'pending', pending: ['003_y'], unverified: ['001_init'] })
    const details = [
      statusOf(target, { healthy: false, requiredTables: ['contact', 'vendor'], missingTables: ['vendor'] }),
    ]
    expect(page(printStatus(statusReport([target], details), view, style))).toMatchInlineSnapshot(`
      "
      main/app/john_12345678 · set tenant · tenant john_12345678

      Applied: 2
        ✔ 001_init (unverified)
        ✔ 002_x

      Pending: 1
        · 003_y

      Required tables
        ✔ contact
        ✖ vendor is missing

      Not normal
        required tables missing: vendor

      ✖ needs attention

      Next: \`tenantry --env staging explain john_12345678\`: what happened, and what could follow
      "
    `)
  })
})

test('check is one line', () => {
  expect(
    printCheck(
      report(
        fleet(1000, () => ({ result: 'up-to-date' })),
        { command: 'check' },
      ),
      style,
    ),
  ).toEqual(['✔ 1,000 targets are up-to-date'])
  const targets = fleet(1000, (i) => (i < 3 ? { result: 'pending', pending: ['3'] } : i === 3 ? refused(i) : {}))
  expect(printCheck(report(targets, { command: 'check', ok: false }), style)).toEqual([
    '✖ not everything is up-to-date in 1,000 targets: 3 pending, 1 failed; `tenantry --env staging status` shows them',
  ])
})

test('plan, with reasons', () => {
  const targets = [
    ...fleet(198, () => ({ result: 'pending', pending: ['0042_add_email'] })),
    result('main/app/late', { result: 'up-to-date' }),
    result('main/app/odd', {
      result: 'failed',
      changed: ['001_init'],
      error: { code: 'MIGRATION_CHANGED', message: '001_init was changed', hint: null, context: {} },
    }),
  ]
  const base = { set: 'tenant', direction: 'up', notices: [], problems: [], destructive: [], extensions: [] } as const
  const lines = printPlan(
    {
      ...report(targets, { command: 'plan', rollout: null }),
      command: 'plan',
      hash: 'abc123',
      migrations: [
        {
          ...base,
          migration: '0042_add_email',
          targets: 198,
          mode: 'transaction',
          reason: 'every statement can run in a transaction block',
          statements: 2,
          hasUndo: true,
          undo: 'present',
          destructive: ['column users.mail'],
          extensions: ['citext'],
        },
        {
          ...base,
          migration: '0043_index',
          targets: 198,
          mode: 'steps',
          reason: 'CREATE INDEX CONCURRENTLY cannot run in a transaction block',
          statements: 1,
          hasUndo: false,
          undo: 'missing',
          notices: [{ rule: 'x', message: 'no undo file', file: 'migrations/0043_index.sql' }],
          problems: [{ rule: 'y', message: 'an event trigger belongs to the database', line: 3, file: 'a.sql' }],
        },
        {
          ...base,
          migration: '0044_code.js',
          targets: 198,
          mode: 'code',
          reason: 'it is code',
          statements: 0,
          hasUndo: false,
          undo: 'empty',
        },
      ],
    },
    { ...style, verbose: true },
  )
  expect(page(lines)).toMatchInlineSnapshot(`
    "
    Set tenant
       migration       targets  mode             undo  statements
    ↑  0042_add_email      198  one transaction  yes            2
         ! takes away: column users.mail
         installs once per database: citext
         why one transaction: every statement can run in a transaction block
    ↑  0043_index          198  step by step     no             1
         ✖ an event trigger belongs to the database (a.sql:3)
         why step by step: CREATE INDEX CONCURRENTLY cannot run in a transaction block
         undo: there is none, so \`down\` will refuse it
         note no undo file (migrations/0043_index.sql)
    ↑  0044_code.js        198  code             no             –
         why code: it is code
         undo: there is one and it does nothing, so \`down\` will refuse it

    What is wrong
    ✖ main/app/odd  MIGRATION_CHANGED
      001_init was changed

    ! changed 001_init (1 target)

    200 targets · 198 would change · 1 up-to-date · 1 cannot run
    plan abc123

    Next: repair what is wrong; the other targets would go on without it
    "
  `)
})

test('explain', () => {
  const lines = printExplain(
    {
      command: 'explain',
      ok: false,
      tenant: 'acme',
      targets: [
        {
          ...statusOf(result('main/app/acme'), {
            healthy: false,
            halfDone: [
              { migration: '0043_index', direction: 'up', statementsDone: 3, statementsTotal: 7 },
              { migration: '0044_code', direction: 'up', statementsDone: 2, statementsTotal: 2 },
            ],
          }),
          pending: ['0043_index'],
          last: { rollout: 'r_01J', at: '2026-01-01T00:00:00Z', result: 'failed', error: refused(1).error ?? null },
          probe: {
            migration: '0043_index',
            statement: 4,
            kind: 'CREATE INDEX',
            verdict: 'absent',
            reason: 'no such index',
          },
          next: [{ command: 'tenantry up acme', why: 'continues at statement 4' }],
        },
      ],
    },
    style,
  )
  expect(page(lines)).toMatchInlineSnapshot(`
    "
    main/app/acme · set tenant · needs attention
      tenants: acme
      applied: 2, last 002_x
      pending: 0043_index
      half-done: 0043_index (up), 3 of 7 statements
      half-done: 0044_code (up), stopped after statement 2

    Last: failed in rollout r_01J at 2026-01-01T00:00:00Z
      MIGRATION_FAILED at migrations/0042_add_email.sql:12:5, statement 3
      Migration 0042_add_email failed in main/app/t_1 at line 12, column 5: relation "users" does not exist
      hint: repair the file

    Catalog: statement 4 of 0043_index (CREATE INDEX): absent
      no such index

    Next: \`tenantry up acme\`: continues at statement 4
    "
  `)
})

test('rollouts', () => {
  const summary = summarise(
    fleet(900, (i) => (i < 2 ? refused(i) : {})),
    61_000,
  )
  const item = { id: 'r_01J', command: 'up', state: 'failed', startedAt: '2026-01-01T03:00:00.000Z', summary } as const
  expect(page(printRolloutList([{ ...item, finishedAt: '2026-01-01T03:01:01.000Z' }], style))).toMatchInlineSnapshot(`
    "
    rollout  command  state   started                         took  targets  done  failed  not started
    r_01J    up       failed  2026-01-01T03:00:00.000Z  1 min 01 s      900   898       2            0
    "
  `)
  expect(printRolloutList([], style)).toEqual([
    'No rollout on record here. `tenantry --env staging up` makes the first.',
  ])
  const shown = printRollout(
    { ...report([result('m/a/t_1', refused(1))]), state: 'failed', startedAt: item.startedAt, finishedAt: null },
    style,
  )
  expect(shown[0]).toBe('r_01J · up · failed · started 2026-01-01T03:00:00.000Z · not finished')
  expect(shown.join('\n')).not.toContain('rollout show')
})
