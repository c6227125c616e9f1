import { type ErrorDocument, errorTable, isTenantryError } from '../model/errors.ts'
import type { FleetReport } from '../model/report.ts'
import { unreachedCodes } from '../model/unreached.ts'

export type ExitCode = 0 | 1 | 2 | 3 | 130

/** What of a report decides on the exit code. */
export type ReportedOutcome = Pick<FleetReport, 'command' | 'ok' | 'interrupted' | 'error' | 'summary'> & {
  targets: readonly { error: ErrorDocument | null }[]
}

/** Could a target not be asked? */
export function isUnreached(targets: readonly { error?: ErrorDocument | null }[]): boolean {
  return targets.some(({ error }) => error != null && unreachedCodes.has(error.code))
}

/**
 * 0: done. 1: a target failed or was stopped, or could not be reached. 3: `plan` or `check` found something that
 * needs a person. 130: interrupted, whatever else happened. An error of the whole command has its own code.
 * `status` shows what it finds and ends with 0, unless a target could not be asked.
 */
export function exitCodeOf(report: ReportedOutcome): ExitCode {
  if (report.interrupted) return 130
  if (report.error !== null) return errorTable[report.error.code].exit
  if (report.command === 'plan' || report.command === 'check' || report.command === 'status') {
    if (isUnreached(report.targets)) return 1
    return report.ok || report.command === 'status' ? 0 : 3
  }
  return report.ok && report.summary.failed === 0 && report.summary.stopped === 0 ? 0 : 1
}

/** For a document that is ok, or has an error of the whole command. */
export function exitCodeOfDocument({ ok, error }: { ok: boolean; error: ErrorDocument | null }): ExitCode {
  if (error !== null) return errorTable[error.code].exit
  return ok ? 0 : 1
}

/**
 * The same as {@link exitCodeOf}, and 0 although so many targets failed, were stopped or need a person. A contract step
 * that waits for no more targets than that is no obstacle either.
 */
export function exitCodeWithin(
  report: FleetReport,
  allowed: { count: number } | { percent: number } | undefined,
): ExitCode {
  const code = exitCodeOf(report)
  if (code === 0 || report.interrupted || allowed === undefined) return code
  const most = 'count' in allowed ? allowed.count : Math.floor((report.summary.targets * allowed.percent) / 100)
  if (report.error !== null && report.error.code !== 'PHASE_BLOCKED') return code
  if (report.error !== null && Number(report.error.context.behind) > most) return code
  const bad =
    report.command === 'check'
      ? report.targets.filter((target) => needsPerson(target)).length
      : report.summary.failed + report.summary.stopped + report.summary.skipped
  return bad <= most ? 0 : code
}

function needsPerson({ error, pending, failed, changed, missing }: FleetReport['targets'][number]): boolean {
  return error !== null || pending.length + failed.length + changed.length + missing.length > 0
}

/** For what stopped a command by an exception. */
export function exitCodeOfError(error: unknown): ExitCode {
  return isTenantryError(error) ? errorTable[error.code].exit : errorTable.INTERNAL.exit
}
