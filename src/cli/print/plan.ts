import type { PlannedMigrationReport, PlanReport } from '../../model/report.ts'
import { describeNotice } from '../progress/describe.ts'
import { formatCount, plural, table } from '../text.ts'
import { printFailures } from './failures.ts'
import { joinSections, type PrintStyle, printNext, printNotices } from './style.ts'

/** Per migration what would run and where, then what is wrong. `verbose` explains each transaction mode. */
export function printPlan(report: PlanReport, style: PrintStyle): string[] {
  const sets = [...new Set(report.migrations.map(({ set }) => set))]
  const failures = printFailures(report.targets, style)
  if (style.quiet) return [...failures, printTotals(report)]
  return joinSections([
    ...sets.map((set) =>
      printSet(set, mergeAlike(report.migrations.filter((migration) => migration.set === set)), style),
    ),
    printNotices(report.notices, style),
    failures.length > 0 ? [style.colors.bold('What is wrong'), ...failures] : [],
    printUnusual(report, style),
    [printTotals(report), ...(report.summary.pending > 0 ? [style.colors.dim(`plan ${report.hash}`)] : [])],
    printNext(nextAfterPlan(report, style), style),
  ])
}

/** Schemas and whole databases are compiled apart; where that makes no difference to a reader, they are one line. */
function mergeAlike(migrations: readonly PlannedMigrationReport[]): PlannedMigrationReport[] {
  const merged = new Map<string, PlannedMigrationReport>()
  for (const migration of migrations) {
    const key = JSON.stringify({ ...migration, targets: 0 })
    const targets = (merged.get(key)?.targets ?? 0) + migration.targets
    merged.set(key, { ...migration, targets })
  }
  return [...merged.values()]
}

function printSet(set: string, migrations: readonly PlannedMigrationReport[], style: PrintStyle): string[] {
  const header = ['', 'migration', 'targets', 'mode', 'undo', 'statements']
  const rows = migrations.map((migration) => [
    migration.direction === 'up' ? '↑' : '↓',
    migration.migration,
    formatCount(migration.targets),
    modes[migration.mode],
    migration.hasUndo ? 'yes' : 'no',
    // What code will send is not known before it runs.
    migration.mode === 'code' ? '–' : formatCount(migration.statements),
  ])
  const [head = '', ...body] = table([header, ...rows], [2, 5])
  return [
    style.colors.bold(`Set ${set}`),
    style.colors.dim(head),
    ...body.flatMap((line, i) => [line, ...(migrations[i] ? printDetails(migrations[i], style) : [])]),
  ]
}

const modes: Record<PlannedMigrationReport['mode'], string> = {
  transaction: 'one transaction',
  steps: 'step by step',
  code: 'code',
}

function printUndo({ undo, direction }: PlannedMigrationReport): string[] {
  if (direction === 'down' || undo === 'present') return []
  return [
    undo === 'empty'
      ? '     undo: there is one and it does nothing, so `down` will refuse it'
      : '     undo: there is none, so `down` will refuse it',
  ]
}

function printDetails(migration: PlannedMigrationReport, { colors, verbose }: PrintStyle): string[] {
  return [
    ...migration.problems.map((problem) => colors.red(`     ✖ ${describeNotice(problem)}`)),
    ...migration.destructive.map((step) => colors.yellow(`     ! takes away: ${step}`)),
    ...(migration.extensions.length > 0 ? [`     installs once per database: ${migration.extensions.join(', ')}`] : []),
    ...(verbose ? [`     why ${modes[migration.mode]}: ${migration.reason}`, ...printUndo(migration)] : []),
    ...migration.notices
      .filter(({ detail }) => verbose || !detail)
      .map((notice) => `     ${colors.yellow('note')} ${describeNotice(notice)}`),
  ]
}

/** Changed, missing and late migrations, each with the number of its targets. */
function printUnusual({ targets }: PlanReport, { colors }: PrintStyle): string[] {
  const counts = new Map<string, number>()
  const add = (state: string, migrations: readonly string[]) => {
    for (const migration of migrations)
      counts.set(`${state} ${migration}`, (counts.get(`${state} ${migration}`) ?? 0) + 1)
  }
  for (const { changed, missing, outOfOrder, failed } of targets) {
    add('failed', failed)
    add('changed', changed)
    add('missing', missing)
    add('out-of-order', outOfOrder)
  }
  return [...counts].map(([what, count]) => `${colors.yellow('!')} ${what} (${plural(count, 'target')})`)
}

function printTotals({ summary }: PlanReport): string {
  return [
    plural(summary.targets, 'target'),
    `${formatCount(summary.pending)} would change`,
    `${formatCount(summary.upToDate)} up-to-date`,
    ...(summary.failed > 0 ? [`${formatCount(summary.failed)} cannot run`] : []),
    ...(summary.skipped > 0 ? [`${formatCount(summary.skipped)} skipped`] : []),
  ].join(' · ')
}

function nextAfterPlan({ summary, ok }: PlanReport, style: PrintStyle): string[] {
  if (!ok) return ['repair what is wrong; the other targets would go on without it']
  return summary.pending > 0 ? [`\`${style.shell} up\` carries it out (with the same selectors)`] : []
}
