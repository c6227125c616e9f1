import { plannedResult } from '../engine/target-result.ts'
import type { SetPlan, TargetPlan } from '../model/plan.ts'
import type { FleetReport, StatusReport, TargetStatus } from '../model/report.ts'
import { summarise } from './report.ts'

/** Names made once per standing and shared. */
const appliedNames = new WeakMap<object, readonly string[]>()

function appliedOf({ standing }: TargetPlan): readonly string[] {
  let names = appliedNames.get(standing)
  if (names === undefined) {
    names = Object.freeze(standing.appliedOrder.map(({ id }) => id))
    appliedNames.set(standing, names)
  }
  return names
}

/** Healthy: nothing pending, half-done or changed, nothing that files and rows disagree about, and all required tables. */
export function isHealthy({ error, standing, missingTables }: TargetPlan): boolean {
  const { pending, halfDone, changed, missing, renamed } = standing
  return (
    error === null &&
    missingTables.length + pending.length + halfDone.length + changed.length + missing.length + renamed.length === 0
  )
}

export function describeStatus(plan: TargetPlan, requiredTables: readonly string[]): TargetStatus {
  const { target, set, standing, missingTables } = plan
  return {
    target: target.name,
    set,
    tenants: target.tenants.map(({ slug }) => slug),
    healthy: isHealthy(plan),
    applied: appliedOf(plan),
    renamed: standing.renamed,
    halfDone: standing.halfDone.map(({ migration, direction, statementsDone, statementsTotal }) => ({
      migration,
      direction,
      statementsDone,
      statementsTotal,
    })),
    missingTables,
    requiredTables,
  }
}

export function reportStatus(
  plans: readonly SetPlan[],
  requiredTables: readonly string[],
  startedAt: number,
): StatusReport {
  const all = plans.flatMap(({ targets }) => targets)
  const targets = all.map(plannedResult)
  const details = all.map((plan) => describeStatus(plan, requiredTables))
  const healthy = details.filter((detail) => detail.healthy).length
  return {
    command: 'status',
    rollout: null,
    ok: healthy === details.length,
    summary: summarise(targets, Math.round(performance.now() - startedAt)),
    targets,
    waves: [],
    notices: plans.flatMap(({ notices }) => notices),
    error: null,
    interrupted: false,
    healthy,
    needsAttention: details.length - healthy,
    details,
  }
}

/** `ok`: nothing is pending, failed, changed or missing anywhere. */
export function reportCheck(plans: readonly SetPlan[], startedAt: number): FleetReport {
  const all = plans.flatMap(({ targets }) => targets)
  const targets = all.map(plannedResult)
  return {
    command: 'check',
    rollout: null,
    ok: all.every(isHealthy),
    summary: summarise(targets, Math.round(performance.now() - startedAt)),
    targets,
    waves: [],
    notices: plans.flatMap(({ notices }) => notices),
    error: null,
    interrupted: false,
  }
}
