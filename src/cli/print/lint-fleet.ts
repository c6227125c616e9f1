import type { LintFinding, LintReport } from '../../model/lint.ts'
import { formatBytes, formatCount, formatDuration, plural } from '../text.ts'
import type { PrintStyle } from './style.ts'

const mostShown = 3
const mostUnread = 10

/** Who would be blocked, and for about how long. Nothing: the fleet was not read, or no table's size matters. */
export function describeFleet({ fleet }: Pick<LintFinding, 'fleet'>): string[] {
  if (fleet == null) return []
  if (fleet.targets === 0) return ['fleet: no target that lacks it has the table']
  const isLong = fleet.totalMs >= longMs
  const shown = fleet.worst.slice(0, mostShown).map(({ target, rows, bytes, estimateMs }) => {
    const size = [...(rows === null ? [] : [`about ${plural(rows, 'row')}`]), formatBytes(bytes)].join(', ')
    return `${target} ${isLong ? `${describeTime(estimateMs)} ` : ''}(${size})`
  })
  const more = fleet.targets > shown.length ? ', …' : ''
  const time = isLong ? `${describeTime(fleet.totalMs)}${fleet.targets === 1 ? '' : ' in all'}` : 'for a moment'
  return [
    `fleet: ${plural(fleet.targets, 'target')}, ${time}; ${isLong ? 'longest' : 'largest'}: ${shown.join(', ')}${more}`,
  ]
}

/** What is shorter is lost in the rest of a migration. */
const longMs = 100

const describeTime = (ms: number) => (ms < longMs ? 'a moment' : `~${formatDuration(ms)}`)

/** Targets that could not be read, and why: each reason once. */
export function printUnread({ fleet }: LintReport, { colors }: PrintStyle): string[] {
  const reasons = new Map<string, { targets: string[]; hint: string | null; message: string }>()
  for (const { target, error } of fleet?.failures ?? []) {
    const { message, hint, code } = error
    // Messages name their target: those of one server are told by the first.
    const key = target === null ? message : `${code} ${target.split('/')[0]}`
    const known = reasons.get(key) ?? { targets: [], hint: hint ?? null, message }
    reasons.set(key, known)
    if (target !== null) known.targets.push(target)
  }
  return [...reasons.values()]
    .slice(0, mostUnread)
    .flatMap(({ targets, hint, message }) => [
      `${colors.red('✖')} not read: ${message}${targets.length > 1 ? ` (and ${plural(targets.length - 1, 'target')} more)` : ''}`,
      ...(hint === null ? [] : [`  hint: ${hint}`]),
    ])
}

/** What stands behind the estimates, where there are any. */
export function printEstimates({ fleet, findings }: LintReport, { colors }: PrintStyle): string[] {
  if (fleet === null || !findings.some((one) => (one.fleet?.totalMs ?? 0) > 0)) return []
  const { scanBytesPerSecond, rewriteBytesPerSecond, buildRowsPerSecond } = fleet.assumed
  return [
    colors.dim(
      `times are estimates: as if every server read ${formatBytes(scanBytesPerSecond)}, wrote ${formatBytes(rewriteBytesPerSecond)} and indexed ${formatCount(buildRowsPerSecond)} rows a second; waiting for locks comes on top`,
    ),
  ]
}
