import { DatabaseError } from '../model/dialect.ts'
import { isTenantryError } from '../model/errors.ts'
import type { CarryOut, LatePlan } from '../rollout/carry-out.ts'
import type { Fleet, FleetSet } from '../rollout/fleet.ts'
import type { HeadRun } from './head-run.ts'

/** Leaves in each set the targets that are wanted. */
export type ChooseTargets = (sets: readonly FleetSet[]) => readonly FleetSet[]

/**
 * Who came while an `up` ran: tenants that became active since it listed them, and those that wait for it. Once there
 * are none, the run is over in the same transaction; whoever comes after that sees it.
 */
export function planLate(
  fleet: Fleet,
  run: HeadRun,
  plan: (choose: ChooseTargets) => Promise<LatePlan>,
): NonNullable<CarryOut['late']> {
  return async (seen, results) => {
    try {
      for (;;) {
        await run.finishWaiting()
        const late = await plan((sets) =>
          sets.map((set) => ({ ...set, targets: set.targets.filter(({ name }) => !seen.has(name)) })),
        )
        if (late.plans.some(({ targets }) => targets.length > 0)) {
          const { sets, plans, decide } = late
          return { sets, plans, decide }
        }
        if (await run.tryEnd(results)) return null
      }
    } catch (error) {
      // What was migrated stays migrated: that the registry is away now is no failure of any target.
      if (!isTenantryError(error) && !(error instanceof DatabaseError)) throw error
      fleet.emit({
        type: 'notice',
        notice: {
          rule: 'late-not-read',
          message: `It could not be looked for tenants that were made meanwhile: ${error.message.replace(/\.$/, '')}.`,
          hint: 'run `tenantry up` once more',
        },
      })
      return null
    }
  }
}
