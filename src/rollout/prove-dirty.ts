import { TenantryError } from '../model/errors.ts'
import type { Migration } from '../model/migration.ts'
import type { TargetPlan } from '../model/plan.ts'
import type { Fleet, FleetSet } from './fleet.ts'
import { findLanded } from './prove-baseline.ts'

/** How much of a migration is looked up. */
const mostLookups = 50

/**
 * Before a dirty history is said to be at the migration before `id`: nothing that `id` makes may be there. Throws
 * BASELINE_UNPROVEN; throws `DatabaseError`.
 */
export async function refuseTraces(fleet: Fleet, set: FleetSet, plan: TargetPlan, id: string): Promise<void> {
  const half = plan.standing.halfDone.find((one) => one.migration === id)
  const migration = set.migrations.find((one) => one.id === id)
  // What failed under a tool that notes no more than that may have left anything.
  const isUnclear = half?.dirty === true || (half?.source === 'native' && half.called !== undefined)
  if (!isUnclear || migration === undefined) return
  const landed = await lookUp(fleet, set, plan, migration)
  const [first] = landed
  if (first === undefined) return
  throw new TenantryError('BASELINE_UNPROVEN', `${id} has left something in ${plan.target.name}: ${first}.`, {
    hint: `Undo by hand what is there (its undo says what), or do the rest and \`tenantry baseline --migration ${id}\`. \`--force\` does not look.`,
    context: { target: plan.target.name, set: set.config.name, migration: id, landed },
  })
}

/**
 * Before a dirty history is said to be at its mark: the migration after it may be what failed, on its way down, so nothing
 * that it makes may be left. Throws as {@link refuseTraces}.
 */
export async function refuseRemains(
  fleet: Fleet,
  set: FleetSet,
  plan: TargetPlan,
  marks: readonly Migration[],
): Promise<void> {
  const dirty = plan.standing.halfDone.find((one) => one.dirty)
  const last = marks.at(-1)
  if (dirty === undefined || last === undefined || last.id !== dirty.migration) return
  const next = set.migrations[set.migrations.indexOf(last) + 1]
  if (next === undefined) return
  const landed = await lookUp(fleet, set, plan, next)
  const [first] = landed
  if (first === undefined) return
  throw new TenantryError(
    'BASELINE_UNPROVEN',
    `Something of ${next.id} is in ${plan.target.name}, which an undo that failed may have left: ${first}.`,
    {
      hint: `Undo the rest of ${next.id} by hand (its undo says what), then run this again. \`--force\` does not look.`,
      context: { target: plan.target.name, set: set.config.name, migration: next.id, landed },
    },
  )
}

async function lookUp(fleet: Fleet, set: FleetSet, plan: TargetPlan, migration: Migration): Promise<string[]> {
  const { server, database } = plan.target.placement
  const lease = await fleet.pool.lease(server, database)
  try {
    return await findLanded(fleet, set, plan, migration, lease.connection, mostLookups)
  } finally {
    await lease.release()
  }
}
