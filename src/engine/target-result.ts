import type { ErrorDocument } from '../model/errors.ts'
import type { PlannedStep, Standing, TargetPlan } from '../model/plan.ts'
import type { TargetResult, TargetResultKind } from '../model/rollout.ts'

/** Names in a result are made once per standing: thousands of targets share a handful. */
const names = new WeakMap<
  Standing,
  Pick<TargetResult, 'pending' | 'failed' | 'changed' | 'missing' | 'outOfOrder' | 'unverified'>
>()

function namesOf(standing: Standing) {
  let known = names.get(standing)
  if (known === undefined) {
    const ids = (list: readonly { id: string }[]) => Object.freeze(list.map(({ id }) => id))
    known = {
      pending: ids(standing.pending),
      failed: Object.freeze(standing.halfDone.map(({ migration }) => migration)),
      changed: ids(standing.changed),
      missing: standing.missing,
      outOfOrder: ids(standing.outOfOrder),
      unverified: ids(standing.unverified),
    }
    names.set(standing, known)
  }
  return known
}

export interface TargetOutcome {
  standing: Standing
  applied: readonly string[]
  undone: readonly string[]
  error: ErrorDocument | null
  durationMs: number
  /** What is left to do. */
  steps: readonly PlannedStep[]
}

/** The result of a target that was worked on. */
export function targetResult(plan: TargetPlan, outcome: TargetOutcome): TargetResult {
  const { applied, undone, error, durationMs, standing } = outcome
  const kind: TargetResultKind =
    error !== null ? 'failed' : applied.length > 0 ? 'applied' : undone.length > 0 ? 'undone' : 'up-to-date'
  const known = namesOf(standing)
  const done = new Set(applied)
  const failedHere = typeof error?.context.migration === 'string' ? [error.context.migration] : []
  return {
    target: plan.target.name,
    tenants: slugsOf(plan),
    set: plan.set,
    result: kind,
    applied,
    undone,
    pending: done.size === 0 ? known.pending : known.pending.filter((id) => !done.has(id)),
    failed: error === null ? known.failed : [...new Set([...known.failed, ...failedHere])],
    changed: known.changed,
    missing: known.missing,
    outOfOrder: done.size === 0 ? known.outOfOrder : known.outOfOrder.filter((id) => !done.has(id)),
    unverified: known.unverified,
    durationMs,
    error,
  }
}

/** The result of a target that was only looked at. */
export function plannedResult(plan: TargetPlan): TargetResult {
  const kind: TargetResultKind = plan.error !== null ? 'failed' : plan.steps.length > 0 ? 'pending' : 'up-to-date'
  const known = namesOf(plan.standing)
  // Written out: objects put together from others have a shape each, which for thousands of targets costs more than
  // what is in them.
  return {
    target: plan.target.name,
    tenants: slugsOf(plan),
    set: plan.set,
    result: kind,
    applied: none,
    undone: none,
    pending: known.pending,
    failed: known.failed,
    changed: known.changed,
    missing: known.missing,
    outOfOrder: known.outOfOrder,
    unverified: known.unverified,
    durationMs: 0,
    error: plan.error,
  }
}

/** The result of a target that was not started. */
export function untouchedResult(
  plan: TargetPlan,
  kind: 'stopped' | 'skipped',
  error: ErrorDocument | null,
): TargetResult {
  return { ...plannedResult(plan), result: kind, error }
}

const none: readonly string[] = Object.freeze([])

function slugsOf({ target }: TargetPlan): readonly string[] {
  return target.tenants.map(({ slug }) => slug)
}
