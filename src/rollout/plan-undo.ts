import { planDown } from '../engine/plan-down.ts'
import { type ErrorDocument, TenantryError } from '../model/errors.ts'
import type { Migration } from '../model/migration.ts'
import type { SetPlan } from '../model/plan.ts'
import type { DownOptions, FleetReport } from '../model/report.ts'
import { dataLossError, findDataLoss, targetLossError } from './data-loss.ts'
import { dependedOnByTarget, dependedOnError } from './depended-on.ts'
import { findDependencies } from './dependencies.ts'
import { type Fleet, type FleetSet, resolveInSets } from './fleet.ts'
import type { FleetQuestion } from './read-fleet.ts'
import { refusedReport, refuseWithoutBatches } from './refuse-down.ts'
import type { RolloutStore } from './store.ts'
import { planRolloutUndo } from './undo-rollout.ts'

/** What is to be undone, looked at from all sides. */
export interface UndoPlan {
  /** In the order they are undone: the opposite of the one they are applied in. */
  sets: readonly FleetSet[]
  plans: readonly SetPlan[]
  decide: (set: FleetSet) => FleetQuestion['decide']
}

/**
 * Plans an undo. What is refused is refused before anything is touched anywhere: an undo that is missing, something that
 * others need, what was never tried out (`findUnproven`), rows that would be lost. Throws what concerns no target: MIGRATION_UNKNOWN, ROLLOUT_UNKNOWN, USAGE.
 */
export async function planUndo(
  fleet: Fleet,
  store: RolloutStore,
  options: DownOptions,
  startedAt: number,
  findUnproven: (sets: readonly FleetSet[], plans: readonly SetPlan[]) => TenantryError | null = () => null,
): Promise<UndoPlan | { refused: FleetReport }> {
  const { sets: inOrder } = await fleet.view(options.selectors ?? {}, { whole: true })
  const sets = [...inOrder].reverse()
  const decide = decideUndo(inOrder, options)
  let plans = await planSets(fleet, store, sets, decide, options)
  const refuse = (error: TenantryError, errorOf: (target: string) => ErrorDocument | null) => ({
    refused: refusedReport('down', plans, startedAt, error, errorOf),
  })
  const missing = await findMissing(fleet, sets, plans)
  if (missing !== null) return refuse(missing, () => missing.toJSON())
  if (options.force !== true) {
    const { dependencies, notices } = await findDependencies(fleet, sets, plans)
    if (dependencies.length > 0) return refuse(dependedOnError(dependencies), dependedOnByTarget(dependencies))
    for (const notice of notices) fleet.emit({ type: 'notice', notice })
    const [first, ...rest] = plans
    if (first !== undefined) plans = [{ ...first, notices: [...first.notices, ...notices] }, ...rest]
  }
  const unproven = options.unproven === true ? null : findUnproven(sets, plans)
  if (unproven !== null) return refuse(unproven, () => unproven.toJSON())
  if (options.allowDataLoss !== true) {
    const losses = await findDataLoss(fleet, sets, plans)
    if (losses.length > 0) return refuse(dataLossError(losses), (target) => targetLossError(losses, target))
  }
  return { sets, plans, decide }
}

function decideUndo(sets: readonly FleetSet[], options: DownOptions): UndoPlan['decide'] {
  if (options.batch === true) refuseWithoutBatches(sets)
  const named = nameIn(sets, options.migration)
  const stop = nameIn(sets, options.to)
  return (set) => (standing) => {
    const elsewhere = (named !== null && !named.has(set)) || (stop !== null && !stop.has(set))
    if (elsewhere) return { steps: [], error: null }
    return planDown(standing, set.migrations, {
      migration: named?.get(set) ?? null,
      to: stop?.get(set) ?? null,
      steps: options.steps ?? null,
      batch: options.batch ?? false,
      allowChanged: options.allowChanged ?? false,
    })
  }
}

function nameIn(sets: readonly FleetSet[], name: string | undefined): ReadonlyMap<FleetSet, Migration> | null {
  return name === undefined ? null : resolveInSets(sets, name)
}

async function planSets(
  fleet: Fleet,
  store: RolloutStore,
  sets: readonly FleetSet[],
  decide: UndoPlan['decide'],
  options: DownOptions,
): Promise<readonly SetPlan[]> {
  if (options.rollout !== undefined)
    return planRolloutUndo(fleet, store, sets, options.rollout, options.allowChanged ?? false)
  const { requiredTables } = fleet.config
  const plans: SetPlan[] = []
  for (const set of sets) plans.push(await fleet.plan(set, decide(set), { requiredTables }))
  return plans
}

/** An undo that is not there: no file, or a file of code without one. */
async function findMissing(
  fleet: Fleet,
  sets: readonly FleetSet[],
  plans: readonly SetPlan[],
): Promise<TenantryError | null> {
  const planned = plans.flatMap(({ targets }) => targets).find(({ error }) => error?.code === 'UNDO_MISSING')?.error
  if (planned != null) {
    const { message, hint, context } = planned
    return new TenantryError('UNDO_MISSING', message, { hint: hint ?? undefined, context })
  }
  const without = new Map<string, string>()
  for (const plan of plans) {
    const set = sets.find(({ config }) => config.name === plan.set) as FleetSet
    for (const { target, steps } of plan.targets) {
      for (const { migration } of steps) {
        if (migration.down?.kind !== 'code' || without.has(migration.id)) continue
        if ((await fleet.book(set, target).down(migration)) === null) without.set(migration.id, migration.down.file)
      }
    }
  }
  const [first] = without
  if (first === undefined) return null
  return new TenantryError('UNDO_MISSING', `Nothing was undone: ${[...without.values()].join(', ')} has no \`down\`.`, {
    hint: 'Write the undo, then run `tenantry down` again.',
    context: { migration: first[0], migrations: [...without.keys()] },
  })
}
