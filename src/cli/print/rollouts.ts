import type { RolloutListItem, RolloutReport } from '../../model/report.ts'
import { formatCount, formatDuration, table } from '../text.ts'
import { printRun } from './run.ts'
import { joinSections, type PrintStyle } from './style.ts'

/** A line per rollout. */
export function printRolloutList(rollouts: readonly RolloutListItem[], { colors, shell }: PrintStyle): string[] {
  if (rollouts.length === 0) return [`No rollout on record here. \`${shell} up\` makes the first.`]
  const rows = rollouts.map(({ id, command, state, startedAt, finishedAt, summary }) => [
    id,
    command,
    state,
    startedAt,
    finishedAt === null ? '' : formatDuration(Date.parse(finishedAt) - Date.parse(startedAt)),
    formatCount(summary.targets),
    formatCount(summary.applied + summary.undone),
    formatCount(summary.failed),
    formatCount(summary.stopped),
  ])
  const header = ['rollout', 'command', 'state', 'started', 'took', 'targets', 'done', 'failed', 'not started']
  const [head = '', ...lines] = table([header, ...rows], [4, 5, 6, 7, 8])
  return [colors.dim(head), ...lines]
}

/** As after the run itself, with when it ran and how it ended. */
export function printRollout(report: RolloutReport, style: PrintStyle): string[] {
  const until = report.finishedAt === null ? 'not finished' : `finished ${report.finishedAt}`
  const head = `${report.rollout ?? 'rollout'} · ${report.command} · ${report.state} · started ${report.startedAt} · ${until}`
  // The id is in the first line; advice to show it would lead back here.
  return joinSections([
    [head],
    printRun({ ...report, rollout: null }, { ...style, again: `${style.shell} ${report.command}` }),
  ])
}
