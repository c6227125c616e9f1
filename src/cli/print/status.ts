import type { StatusReport, TargetStatus } from '../../model/report.ts'
import type { TargetResult } from '../../model/rollout.ts'
import { formatCount, plural } from '../text.ts'
import { printOneTarget } from './one-target.ts'
import { commandFor, joinSections, type PrintStyle, printNext, printNotices } from './style.ts'
import { describeUnusual } from './unusual.ts'

export interface StatusView {
  /** Each target gets its line. */
  all: boolean
  /** Show the last n applied migrations; null: don't. */
  recent: number | null
}

const mostGroups = 25

/** Totals, then what is not normal, the same state once; a single target in full. */
export function printStatus(report: StatusReport, view: StatusView, style: PrintStyle): string[] {
  const details = detailsOf(report)
  const [first] = report.targets
  if (first !== undefined && report.targets.every(({ target }) => target === first.target)) {
    return joinSections([
      printNotices(report.notices, style),
      ...report.targets.map((result) => printOneTarget(result, details.get(keyOf(result)), view.recent, style)),
    ])
  }
  return joinSections([
    printTotals(report, style),
    printNotices(report.notices, style),
    view.all ? printAll(report, details, view, style) : printUnusual(report, details, style),
    view.recent === null || view.all ? [] : printRecent(report.details, view.recent),
    printNext(nextAfterStatus(report, style), style),
  ])
}

function printTotals(report: StatusReport, { colors }: PrintStyle): string[] {
  const counts = new Map<string, number>()
  for (const result of report.targets) {
    for (const state of statesOf(result)) counts.set(state, (counts.get(state) ?? 0) + 1)
  }
  const states = [
    'up-to-date',
    'pending',
    'failed',
    'changed',
    'missing',
    'out-of-order',
    'unverified',
    'cannot be read',
  ]
  const parts = states.flatMap((state) =>
    counts.has(state) ? [`${formatCount(counts.get(state) ?? 0)} ${state}`] : [],
  )
  const attention = `${formatCount(report.needsAttention)} ${report.needsAttention === 1 ? 'needs' : 'need'} attention`
  return [
    [plural(report.targets.length, 'target'), ...parts].join(' · '),
    `${colors.green(`✔ ${formatCount(report.healthy)} healthy`)} · ${report.needsAttention > 0 ? colors.red(`✖ ${attention}`) : attention}`,
  ]
}

function statesOf(result: TargetResult): string[] {
  const states = [
    ...(result.pending.length > 0 ? ['pending'] : []),
    ...(result.failed.length > 0 ? ['failed'] : []),
    ...(result.changed.length > 0 ? ['changed'] : []),
    ...(result.missing.length > 0 ? ['missing'] : []),
    ...(result.outOfOrder.length > 0 ? ['out-of-order'] : []),
    ...(isUnreadable(result) ? ['cannot be read'] : []),
  ]
  if (states.length === 0) states.push('up-to-date')
  return result.unverified.length > 0 ? [...states, 'unverified'] : states
}

/** Other errors say what another state says already. */
function isUnreadable({ error, failed, changed }: TargetResult): boolean {
  return error !== null && error.code !== 'OUT_OF_ORDER' && failed.length + changed.length === 0
}

function printUnusual(report: StatusReport, details: ReadonlyMap<string, TargetStatus>, style: PrintStyle): string[] {
  const groups = new Map<string, { set: string; count: number; names: string[]; facts: string[] }>()
  for (const result of report.targets) {
    const facts = describeUnusual(result, details.get(keyOf(result)))
    if (facts.length === 0) continue
    const key = JSON.stringify([result.set, facts])
    const group = groups.get(key) ?? { set: result.set, count: 0, names: [], facts }
    group.count++
    if (group.names.length < 3) group.names.push(result.target)
    groups.set(key, group)
  }
  if (groups.size === 0) return []
  const sorted = [...groups.values()].sort((a, b) => b.count - a.count)
  const shown = sorted.slice(0, style.verbose ? sorted.length : mostGroups)
  const sets = new Set(report.targets.map(({ set }) => set))
  const lines = shown.flatMap(({ set, count, names, facts }) => {
    const more = count > names.length ? ` and ${formatCount(count - names.length)} more` : ''
    const which = sets.size > 1 ? ` (set ${set})` : ''
    const total = count > 1 ? `${plural(count, 'target')}: ` : ''
    return [`  ${total}${names.join(', ')}${more}${which}`, ...facts.map((fact) => `    ${fact}`)]
  })
  if (shown.length < sorted.length)
    lines.push(`  and ${formatCount(sorted.length - shown.length)} more states (--all shows each target)`)
  return [style.colors.bold('Not normal'), ...lines]
}

function printAll(
  report: StatusReport,
  details: ReadonlyMap<string, TargetStatus>,
  { recent }: StatusView,
  { colors }: PrintStyle,
): string[] {
  return report.targets.flatMap((result) => {
    const status = details.get(keyOf(result))
    const facts = describeUnusual(result, status)
    const mark = (status?.healthy ?? facts.length === 0) ? colors.green('✔') : colors.red('✖')
    const applied = status ? `${formatCount(status.applied.length)} applied` : 'not read'
    const last = recent !== null && status ? [`    last applied: ${lastOf(status, recent)}`] : []
    return [`${mark} ${result.target}: ${[applied, ...facts].join('; ')}`, ...last]
  })
}

function printRecent(details: readonly TargetStatus[], recent: number): string[] {
  const groups = new Map<string, { count: number; sample: string }>()
  for (const status of details) {
    const last = lastOf(status, recent)
    const group = groups.get(last) ?? { count: 0, sample: status.target }
    group.count++
    groups.set(last, group)
  }
  const sorted = [...groups].sort(([, a], [, b]) => b.count - a.count)
  return [
    `Last ${recent} applied`,
    ...sorted
      .slice(0, mostGroups)
      .map(([last, { count, sample }]) => `  ${count === 1 ? sample : plural(count, 'target')}: ${last}`),
    ...(sorted.length > mostGroups
      ? [`  and ${formatCount(sorted.length - mostGroups)} more (--all shows each target)`]
      : []),
  ]
}

function lastOf({ applied }: TargetStatus, recent: number): string {
  return applied.length === 0 ? 'nothing' : applied.slice(-recent).reverse().join(', ')
}

function nextAfterStatus(report: StatusReport, style: PrintStyle): string[] {
  const odd = report.targets.find(({ error, failed, changed }) => error !== null || failed.length + changed.length > 0)
  return [
    ...(report.targets.some(({ pending }) => pending.length > 0)
      ? [`\`${style.shell} plan\` shows what would run where`]
      : []),
    ...(odd
      ? [`${commandFor(style, 'explain', odd.tenants[0] ?? odd.target)}: what happened there, and what could follow`]
      : []),
  ]
}

function detailsOf(report: StatusReport): ReadonlyMap<string, TargetStatus> {
  return new Map(report.details.map((status) => [keyOf(status), status]))
}

function keyOf({ set, target }: { set: string; target: string }): string {
  return `${set}\n${target}`
}
