import type { DriftReport } from '../model/check-report.ts'
import { type ErrorDocument, TenantryError } from '../model/errors.ts'
import type { Standing, TargetPlan } from '../model/plan.ts'
import type { Selectors } from '../model/report.ts'
import type { Target } from '../model/tenant.ts'
import { chooseSets, type Fleet, type FleetSet } from '../rollout/fleet.ts'
import type { FleetQuestion } from '../rollout/read-fleet.ts'
import { countApplied, keyOfRecipe, type Recipe, recipeOf } from './recipe.ts'

/** What a target has applied of every set that serves it. */
export interface TargetState {
  /** Its placement is what counts of it: one schema, where the rest of the database belongs to others. */
  target: Target
  /** Names of its sets, joined by `, `. */
  set: string
  /** What should build its schema. With `between` it may be incomplete. */
  recipe: Recipe
  /** Equal for targets whose schemas should be equal. */
  key: string
  /** Something is pending. */
  behind: boolean
}

export interface FleetStates {
  /** Every set that serves a selected target, selected or not: all of them make its schema. */
  sets: readonly FleetSet[]
  states: TargetState[]
  failures: DriftReport['failures'][number][]
}

const decisions = new WeakMap<FleetSet, FleetQuestion['decide']>()

/** Nothing is to be done. One function per set: verdicts on its histories are kept by it. */
export function decideNothing(set: FleetSet): FleetQuestion['decide'] {
  const decide = decisions.get(set) ?? (() => ({ steps: [], error: null }))
  decisions.set(set, decide)
  return decide
}

/**
 * Reads how far each selected target is. Targets whose history cannot be read, and (unless `between`) those that no
 * reference can be built for, are among the failures.
 */
export async function readStates(
  fleet: Fleet,
  selectors: Selectors,
  { between }: { between: boolean },
): Promise<FleetStates> {
  const { sets: names, ...others } = selectors
  const chosen = new Set(chooseSets(await fleet.loadSets(), names ?? []).map(({ config }) => config.name))
  const { sets } = await fleet.view(others, { whole: false })
  const plans = new Map<string, { target: Target; parts: { set: FleetSet; plan: TargetPlan }[] }>()
  for (const set of sets) {
    for (const plan of (await fleet.plan(set, decideNothing(set))).targets) {
      const entry = plans.get(plan.target.name) ?? { target: plan.target, parts: [] }
      entry.parts.push({ set, plan })
      plans.set(plan.target.name, entry)
    }
  }
  const states: TargetState[] = []
  const failures: FleetStates['failures'] = []
  for (const { target, parts } of plans.values()) {
    if (!parts.some(({ set }) => chosen.has(set.config.name))) continue
    const error = parts.map(
      ({ set, plan }) => plan.error ?? (between ? null : incomparable(target, set, plan.standing)),
    )
    const first = error.find((one) => one !== null)
    if (first != null) failures.push({ target: target.name, error: first })
    else states.push(stateOf(fleet, sets, target, parts, between))
  }
  return { sets, states, failures }
}

/** The state of one target, from the plans of all of its sets. `sets`: all of the fleet. */
export function stateOf(
  fleet: Fleet,
  sets: readonly FleetSet[],
  target: Target,
  parts: readonly { set: FleetSet; plan: TargetPlan }[],
  between = false,
): TargetState {
  const own = parts.find(({ set }) => set.historySchema === null)?.plan.historySchema
  const about = {
    dialect: fleet.pool.dialect(target.placement.server).name,
    sharedSchema: fleet.config.sharedSchema,
    defaultSchema: own ?? 'public',
  }
  const counts = new Map(
    parts.map(({ set, plan }) => [set, countApplied(plan.standing, set.migrations) ?? plan.standing.applied.length]),
  )
  const recipe = recipeOf(target, sets, counts, about)
  const done = parts.map(({ set, plan: { standing } }) => [
    set.config.name,
    standing.applied.map(({ id }) => id),
    standing.halfDone.map(({ migration }) => migration),
  ])
  const { within } = recipe
  return {
    target: within === null ? target : { ...target, placement: { ...target.placement, schema: within } },
    set: parts.map(({ set }) => set.config.name).join(', '),
    recipe,
    key: between ? JSON.stringify([about.dialect, within, done]) : keyOfRecipe(recipe),
    behind: parts.some(({ plan: { standing } }) => standing.pending.length + standing.halfDone.length > 0),
  }
}

/** Why nothing can be built that the target's schema should equal; null: it can. */
export function incomparable(target: Target, set: FleetSet, standing: Standing): ErrorDocument | null {
  const [half] = standing.halfDone
  const context = { target: target.name, set: set.config.name }
  if (half !== undefined) {
    return new TenantryError(
      'MIGRATION_HALF_APPLIED',
      `${target.name} cannot be compared: migration ${half.migration} is recorded as begun and not finished there.`,
      {
        hint: `\`tenantry explain ${target.tenants[0]?.slug ?? target.name}\` says how it is settled.`,
        context: { ...context, migration: half.migration },
      },
    ).toJSON()
  }
  if (countApplied(standing, set.migrations) !== null) return null
  const late = standing.outOfOrder.map(({ id }) => id)
  return new TenantryError(
    'OUT_OF_ORDER',
    `${target.name} cannot be compared: ${late.join(', ')} ${late.length === 1 ? 'is' : 'are'} pending, and newer migrations are applied.`,
    { hint: '`tenantry up` applies them; then compare again.', context: { ...context, migrations: late } },
  ).toJSON()
}
