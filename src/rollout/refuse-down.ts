import { plannedResult, untouchedResult } from '../engine/target-result.ts'
import { TenantryError } from '../model/errors.ts'
import type { SetPlan } from '../model/plan.ts'
import type { FleetReport } from '../model/report.ts'
import type { FleetSet } from './fleet.ts'
import { summarise } from './report.ts'

/** "The last batch" must not quietly become "the last one" where nobody counts batches. Throws USAGE. */
export function refuseWithoutBatches(sets: readonly FleetSet[]): void {
  const set = sets.find(({ shape }) => shape.batch === null)
  if (set === undefined) return
  const others = sets.filter(({ shape }) => shape.batch !== null).map(({ config }) => `--set ${config.name}`)
  throw new TenantryError('USAGE', `The history table ${set.table} of set ${set.config.name} does not count batches.`, {
    hint: `Use \`--steps <n>\` or \`--to <migration>\`${others.length === 0 ? '; only Knex counts batches' : `, or choose the sets that have them: ${others.join(' ')}`}.`,
  })
}

/** A command that is refused as a whole: nothing was touched, and each target says why or that it was stopped. */
export function refusedReport(
  command: 'down',
  plans: readonly SetPlan[],
  startedAt: number,
  error: TenantryError,
  errorOf: (target: string) => FleetReport['error'],
): FleetReport {
  const targets = plans.flatMap(({ targets: own }) =>
    own.map((plan) => {
      if (plan.steps.length === 0 && plan.error === null) return plannedResult(plan)
      const mine = plan.error ?? errorOf(plan.target.name)
      return mine === null
        ? untouchedResult(plan, 'stopped', null)
        : { ...plannedResult(plan), result: 'failed' as const, error: mine }
    }),
  )
  return {
    command,
    rollout: null,
    ok: false,
    summary: summarise(targets, Math.round(performance.now() - startedAt)),
    targets,
    waves: [],
    notices: [],
    error: error.toJSON(),
    interrupted: false,
  }
}
