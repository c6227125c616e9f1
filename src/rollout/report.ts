import type { ErrorCode } from '../model/errors.ts'
import type { Summary, TargetResult, TargetResultKind } from '../model/rollout.ts'
import { maskMessage } from './mask.ts'

const counterOf = {
  applied: 'applied',
  undone: 'undone',
  'up-to-date': 'upToDate',
  pending: 'pending',
  failed: 'failed',
  skipped: 'skipped',
  stopped: 'stopped',
} as const satisfies Record<TargetResultKind, keyof Summary>

/** A summary of nothing, to be counted up by {@link countResult}. */
export function emptySummary(): Summary {
  return {
    targets: 0,
    applied: 0,
    undone: 0,
    upToDate: 0,
    pending: 0,
    failed: 0,
    skipped: 0,
    stopped: 0,
    durationMs: 0,
  }
}

/** Counts one result into the summary, in place. A target with two sets has two results and counts twice. */
export function countResult(summary: Summary, result: Pick<TargetResult, 'result'>): void {
  summary.targets++
  summary[counterOf[result.result]]++
}

/** Totals over results; `durationMs` is the whole run's, not the sum of the targets'. Keeps no result. */
export function summarise(results: Iterable<Pick<TargetResult, 'result'>>, durationMs: number): Summary {
  const summary = emptySummary()
  for (const result of results) countResult(summary, result)
  summary.durationMs = durationMs
  return summary
}

/** The same error in one or many targets. */
export interface FailureGroup {
  code: ErrorCode
  /** As the target said it; in a group of several, names, times and session ids are placeholders. */
  message: string
  hint: string | null
  count: number
  /** The first three targets, in the order of the results. */
  samples: readonly { target: string; tenants: readonly string[] }[]
  set: string
  migration: string | null
  file: string | null
  line: number | null
  column: number | null
  statement: number | null
}

const sampleLimit = 3

/**
 * Failed results, the same error once: equal code, place in the migrations and message once the target's own names
 * are masked. Largest group first, then by first appearance. Targets that were only stopped are no failures. Memory
 * grows with the number of distinct messages, not with the number of targets.
 */
export function groupFailures(results: Iterable<TargetResult>): FailureGroup[] {
  const groups = new Map<string, { group: FailureGroup; samples: FailureGroup['samples'][number][] }>()
  for (const result of results) {
    const { error, target, tenants } = result
    if (error === null || error.code === 'STOPPED' || result.result === 'stopped') continue
    const names = { target, tenants }
    const message = maskMessage(error.message, names)
    const { migration = null, file = null, line = null, column = null, statement = null } = error.context
    const key = JSON.stringify([error.code, result.set, migration, file, line, column, statement, message])
    const known = groups.get(key)
    if (known === undefined) {
      const samples = [{ target, tenants }]
      const place = { set: result.set, migration, file, line, column, statement }
      const group = { code: error.code, message: error.message, hint: error.hint, count: 1, samples, ...place }
      groups.set(key, { group, samples })
      continue
    }
    known.group.count++
    known.group.message = message
    if (known.group.count === 2 && known.group.hint !== null) {
      const first = known.samples[0]
      if (first !== undefined) known.group.hint = maskMessage(known.group.hint, first)
    }
    if (known.samples.length < sampleLimit) known.samples.push({ target, tenants })
  }
  return [...groups.values()].map(({ group }) => group).sort((a, b) => b.count - a.count)
}
