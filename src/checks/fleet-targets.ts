import type { TargetPlan } from '../model/plan.ts'
import type { Selectors } from '../model/report.ts'
import type { Target } from '../model/tenant.ts'
import { chooseSets, type Fleet, type FleetSet } from '../rollout/fleet.ts'
import { decideNothing } from './target-states.ts'

/** One target, and what each set that serves it says of it. */
export interface FleetTarget {
  target: Target
  parts: readonly { set: FleetSet; plan: TargetPlan }[]
}

/**
 * The targets that are selected and served by a chosen set, with their histories in every set of the fleet: all of them
 * make its schema. `whole`: refuses to take only some tenants of a target.
 */
export async function readFleetTargets(
  fleet: Fleet,
  selectors: Selectors,
  options: { whole: boolean; requiredTables?: readonly string[] },
): Promise<{ sets: readonly FleetSet[]; chosen: ReadonlySet<string>; targets: FleetTarget[] }> {
  const { sets: names, ...others } = selectors
  const chosen = new Set(chooseSets(await fleet.loadSets(), names ?? []).map(({ config }) => config.name))
  const { sets } = await fleet.view(others, { whole: options.whole })
  const targets = new Map<string, { target: Target; parts: FleetTarget['parts'][number][] }>()
  for (const set of sets) {
    const { requiredTables = [] } = options
    for (const plan of (await fleet.plan(set, decideNothing(set), { requiredTables })).targets) {
      const entry = targets.get(plan.target.name) ?? { target: plan.target, parts: [] }
      entry.parts.push({ set, plan })
      targets.set(plan.target.name, entry)
    }
  }
  const isChosen = ({ parts }: FleetTarget) => parts.some(({ set }) => chosen.has(set.config.name))
  return { sets, chosen, targets: [...targets.values()].filter(isChosen) }
}
