import type { DataChangeList, DataChangeProgress, DataChangeReport, DataChangeState } from '../../model/data-change.ts'
import { describeRows, nameWalk } from '../progress/data-changes.ts'
import { formatCount, formatDuration, indent, plural, table } from '../text.ts'
import { joinSections, type PrintStyle, printNext, printNotices } from './style.ts'

const mostLines = 25
const mostFailures = 15

/** The changes of the folder. */
export function printDataChangeList({ changes, notices }: DataChangeList, style: PrintStyle): string[] {
  const rows = changes.map(({ change, kind, table: name, key, chunkMs, after, set, scope }) => [
    change,
    kind,
    key.length === 0 ? `${name}, while rows remain` : `${name} by ${key.join(', ')}`,
    `${chunkMs} ms per batch`,
    [
      ...(after === null ? [] : [`after ${after}`]),
      ...(set === null ? [] : [`set ${set}`]),
      ...(scope === 'target' ? ['all rows of a target'] : []),
    ].join(', '),
  ])
  return joinSections([
    printNotices(notices, style),
    changes.length === 0 ? ['There are no data changes.'] : table(rows),
    changes.length === 0
      ? printNext(
          ['write `data-changes/001_name.sql`, beginning with `-- tenantry:data-change table=orders key=id`'],
          style,
        )
      : printNext(
          [`\`${style.shell} backfill-data run ${changes[0]?.change} --dry-run\` counts what it would go over`],
          style,
        ),
  ])
}

/** Totals, then each change: what needs a person first, then how far the rest is. */
export function printDataChanges(report: DataChangeReport, style: PrintStyle): string[] {
  const headline = printHeadline(report, style)
  const failures = printFailures(report, style)
  if (style.quiet) return [headline, ...failures]
  const names = [...new Set(report.targets.map(({ change }) => change))]
  return joinSections([
    [headline],
    printNotices(report.notices, style),
    ...names.map((name) => printChange(name, report, style)),
    failures,
    printNext(nextSteps(report, style), style),
  ])
}

function printHeadline(
  { command, dryRun, ok, summary, targets, durationMs }: DataChangeReport,
  { colors }: PrintStyle,
): string {
  const took = colors.dim(`in ${formatDuration(durationMs)}`)
  if (dryRun) {
    const left = targets.reduce((sum, { rowsLeft }) => sum + (rowsLeft ?? 0), 0)
    return `${formatCount(left)} rows to go over in ${plural(targets.filter(({ rowsLeft }) => (rowsLeft ?? 0) > 0).length, 'place')} ${took}`
  }
  const states: DataChangeState[] = ['done', 'running', 'pending', 'paused', 'stuck', 'failed']
  const parts = states.flatMap((state) => {
    const count = summary[state]
    return count === 0 ? [] : [`${formatCount(count)} ${state}`]
  })
  const text = [...parts, `${formatCount(summary.rows)} rows`].join(' · ')
  if (command !== 'backfill-data run') return `${text} ${took}`
  return `${ok ? colors.green(`✔ ${text}`) : colors.red(`✖ ${text}`)} ${took}`
}

function printChange(name: string, { targets, dryRun }: DataChangeReport, style: PrintStyle): string[] {
  const own = targets.filter(({ change }) => change === name)
  const order: DataChangeState[] = ['stuck', 'failed', 'running', 'paused', 'pending', 'done']
  const sorted = [...own].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state))
  const shown = style.verbose ? sorted : sorted.slice(0, mostLines)
  const rows = shown.map((one) => [`  ${nameWalk(one)}`, one.state, dryRun ? describeLeft(one) : describeProgress(one)])
  const more = own.length - shown.length
  return [
    style.colors.bold(name),
    ...table(rows),
    ...(more > 0 ? [style.colors.dim(`  and ${formatCount(more)} more (--verbose shows them)`)] : []),
  ]
}

function describeLeft({ rowsLeft, rowsTotal }: DataChangeProgress): string {
  return rowsLeft === null ? '' : `${formatCount(rowsLeft)} of ${formatCount(rowsTotal ?? rowsLeft)} rows to go over`
}

function describeProgress({ state, rowsDone, rowsTotal, etaMs, by, changed }: DataChangeProgress): string {
  return [
    describeRows(rowsDone, state === 'done' ? null : rowsTotal),
    ...(etaMs === null ? [] : [`about ${formatDuration(etaMs)} left`]),
    ...(state === 'running' && by !== null ? [`by ${by}`] : []),
    ...(changed ? ['the file was changed since'] : []),
  ].join(', ')
}

/** The same error of many targets once. */
function printFailures({ targets }: DataChangeReport, { colors, verbose }: PrintStyle): string[] {
  const groups = new Map<string, DataChangeProgress[]>()
  for (const one of targets) {
    if (one.error === null) continue
    const key = `${one.error.code} ${one.error.message.replaceAll(one.target, '…')}`
    groups.set(key, [...(groups.get(key) ?? []), one])
  }
  const shown = [...groups.values()].slice(0, verbose ? groups.size : mostFailures)
  const lines = shown.flatMap((group) => {
    const [first] = group
    if (first === undefined || first.error === null) return []
    const more = group.length > 1 ? ` and ${formatCount(group.length - 1)} more` : ''
    return [
      `${colors.red('✖')} ${nameWalk(first)}${more}  ${colors.dim(first.error.code)}`,
      ...indent(first.error.message, '  '),
      ...(first.error.hint === null ? [] : indent(`hint: ${first.error.hint}`, '  ')),
    ]
  })
  const hidden = groups.size - shown.length
  return hidden > 0
    ? [...lines, colors.dim(`and ${formatCount(hidden)} more kinds of error (--verbose shows them)`)]
    : lines
}

function nextSteps({ command, dryRun, targets }: DataChangeReport, { shell }: PrintStyle): string[] {
  const some = (state: DataChangeState) => targets.find((one) => one.state === state)
  const run = (name: string) => `\`${shell} backfill-data run ${name}\``
  if (dryRun) {
    const first = targets.find(({ rowsLeft }) => (rowsLeft ?? 0) > 0)
    return first === undefined ? [] : [`${run(first.change)} goes over them`]
  }
  const running = some('running')
  if (command === 'backfill-data pause' && running !== undefined)
    return [`runs stop after their batch: \`${shell} backfill-data status ${running.change}\` tells when`]
  const paused = some('paused')
  if (paused !== undefined) return [`${run(paused.change)} goes on where it is`]
  const pending = some('pending')
  return pending !== undefined && pending.error === null && some('failed') === undefined && some('stuck') === undefined
    ? [`${run(pending.change)} ${pending.rowsDone > 0 ? 'goes on' : 'begins'}`]
    : []
}
