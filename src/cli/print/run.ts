import type { FleetReport } from '../../model/report.ts'
import type { TargetResult } from '../../model/rollout.ts'
import { formatCount, formatDuration, listSome, plural, table } from '../text.ts'
import { printFailures } from './failures.ts'
import {
  commandFor,
  howToContinue,
  joinSections,
  type PrintStyle,
  printNext,
  printNotices,
  whereItStands,
} from './style.ts'

/** Up to this many targets, each gets its own line. */
const mostTargetLines = 20

/** What `up`, `down` and `baseline` did, for people; the last lines say what to type next. */
export function printRun(report: FleetReport, style: PrintStyle): string[] {
  const rollout = report.rollout === null ? '' : ` · rollout ${report.rollout}`
  const found = `Found ${plural(report.summary.targets, 'target')}${rollout}`
  if (style.quiet) {
    const last = report.interrupted ? [printInterrupted(report.command, style)] : []
    return [...printFailures(failuresToPrint(report), style), printTotals(report, style), ...last]
  }
  return joinSections([
    [found],
    printNotices(report.notices, style),
    printWhatRan(report, style),
    printFailures(failuresToPrint(report), style),
    printWaves(report),
    [printTotals(report, style)],
    printNext(nextAfterRun(report, style), style),
  ])
}

/** Without those that only repeat what stopped the whole command: that error is printed by itself. */
function failuresToPrint({ targets, error }: FleetReport): readonly TargetResult[] {
  return error === null ? targets : targets.filter((result) => result.error?.message !== error.message)
}

function printWhatRan(report: FleetReport, style: PrintStyle): string[] {
  const touched = report.targets.filter(({ applied, undone }) => applied.length + undone.length > 0)
  if (touched.length === 0) return []
  if (touched.length <= mostTargetLines) return touched.map((result) => printTarget(result, report.command, style))
  const counts = new Map<string, number>()
  const verb = report.command === 'baseline' ? 'marked as applied' : 'applied'
  for (const result of touched) {
    for (const migration of result.applied) add(counts, `${verb} ${migration}`)
    for (const migration of result.undone) add(counts, `${undoneVerb(report.command)} ${migration}`)
  }
  const rows = [...counts].sort(([a], [b]) => (a < b ? -1 : 1))
  return table(
    rows.map(([what, count]) => ['✔', what, formatCount(count), count === 1 ? 'target' : 'targets']),
    [2],
  )
}

function undoneVerb(command: FleetReport['command']): string {
  return command === 'baseline' ? 'recorded as rolled back' : 'undone'
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

function printTarget(result: TargetResult, command: FleetReport['command'], { colors }: PrintStyle): string {
  const verb = command === 'baseline' ? 'marked as applied' : 'applied'
  const parts = [
    ...(result.applied.length > 0 ? [`${verb} ${listSome(result.applied, 5)}`] : []),
    ...(result.undone.length > 0 ? [`${undoneVerb(command)} ${listSome(result.undone, 5)}`] : []),
  ]
  const failed = result.result === 'failed'
  const mark = failed ? colors.red('✖') : colors.green('✔')
  const then = failed ? ', then failed' : ''
  return `${mark} ${result.target}: ${parts.join('; ')}${then} ${colors.dim(`(${formatDuration(result.durationMs)})`)}`
}

function printWaves({ waves }: FleetReport): string[] {
  // Each set has its own; those of a fleet without waves all have the same name.
  if (new Set(waves.map(({ name }) => name)).size < 2) return []
  const rows = waves.map(({ name, state, targets, failed }) => [
    `  ${name}`,
    state,
    plural(targets, 'target'),
    failed > 0 ? `${formatCount(failed)} failed` : '',
  ])
  return ['Waves', ...table(rows)]
}

/** `✔ 198 applied · ✖ 1 failed · 1 up-to-date · in 12.3 s`. */
export function printTotals({ summary, command }: Pick<FleetReport, 'summary' | 'command'>, style: PrintStyle): string {
  const { colors } = style
  const of = (count: number, word: string) => `${formatCount(count)} ${word}`
  const done = command === 'baseline' ? 'marked' : 'applied'
  const parts = [
    ...(summary.applied > 0 || command === 'up' ? [colors.green(`✔ ${of(summary.applied, done)}`)] : []),
    ...(summary.undone > 0 || command === 'down' ? [colors.green(`✔ ${of(summary.undone, undoneVerb(command))}`)] : []),
    summary.failed > 0 ? colors.red(`✖ ${of(summary.failed, 'failed')}`) : '0 failed',
    ...(summary.upToDate > 0 ? [of(summary.upToDate, 'up-to-date')] : []),
    ...(summary.pending > 0 ? [of(summary.pending, 'pending')] : []),
    ...(summary.skipped > 0 ? [of(summary.skipped, 'skipped')] : []),
    ...(summary.stopped > 0 ? [colors.yellow(of(summary.stopped, 'not started'))] : []),
  ]
  return `${parts.join(' · ')} · in ${formatDuration(summary.durationMs)}`
}

function nextAfterRun(report: FleetReport, style: PrintStyle): string[] {
  const { summary, rollout, interrupted, command } = report
  if (summary.failed + summary.stopped === 0 && !interrupted) return []
  // Refused before anything was touched: the error's own hint says what to do.
  if (report.error !== null && rollout === null && !interrupted) return []
  const failed = report.targets.find(({ result }) => result === 'failed')
  const name = failed?.tenants[0] ?? failed?.target
  const looks = [
    ...(name === undefined
      ? []
      : [`${commandFor(style, 'explain', name)}: what happened there, and what could follow`]),
    ...(rollout === null ? [] : [`${commandFor(style, 'rollout show', rollout)}: this summary again`]),
  ]
  if (interrupted) return [...looks, printInterrupted(command, style)]
  const again =
    command === 'down'
      ? whereItStands(style)
      : `repair what failed, then \`${style.again}\`: it runs only what is still open`
  return [again, ...looks]
}

function printInterrupted(command: string, style: PrintStyle): string {
  return `interrupted; what was in flight is finished and recorded. ${howToContinue(command, style)}`
}
