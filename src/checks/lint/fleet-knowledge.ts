import { type ErrorDocument, isTenantryError } from '../../model/errors.ts'
import type { Notice } from '../../model/migration.ts'
import type { TargetPlan } from '../../model/plan.ts'
import type { Target } from '../../model/tenant.ts'
import { unreachedCodes } from '../../model/unreached.ts'
import type { Fleet, FleetSet } from '../../rollout/fleet.ts'
import { decideNothing } from '../target-states.ts'
import type { LintKnowledge } from './lint.ts'
import { describeTenants } from './read-set.ts'

/** What the histories of a fleet tell about its migrations. */
export interface FleetKnowledge extends LintKnowledge {
  /** Targets that were read. */
  targets: number
  failures: { target: string | null; error: ErrorDocument }[]
  notices: Notice[]
  /** Read targets of a set that have not applied a migration. */
  lacking(set: string, migration: string): readonly Target[]
}

/** Reads every active target's history. What cannot be reached is among the failures; all else is thrown. */
export async function readFleetKnowledge(fleet: Fleet, sets: readonly string[] | undefined): Promise<FleetKnowledge> {
  const failures: FleetKnowledge['failures'] = []
  const nothing = { targets: 0, failures, notices: [], lacking: () => [] }
  let names: ReadonlyMap<string, boolean>
  let own: readonly FleetSet[]
  try {
    own = (await fleet.view({ ...(sets !== undefined && { sets }) }, { whole: false, quiet: true })).sets
    names = await fleet.targetNames()
  } catch (error) {
    if (!isTenantryError(error) || !unreachedCodes.has(error.code)) throw error
    failures.push({ target: null, error: error.toJSON() })
    return nothing
  }
  const read = new Map<string, TargetPlan[]>()
  const unread = new Map<string, ErrorDocument>()
  for (const set of own) {
    const { targets } = await fleet.plan(set, decideNothing(set))
    read.set(
      set.config.name,
      targets.filter((plan) => isRead(plan)),
    )
    for (const plan of targets) {
      if (!isRead(plan) && plan.error !== null) unread.set(plan.target.name, asRead(plan.error))
    }
  }
  failures.push(...[...unread].map(([target, error]) => ({ target, error })))
  const { sharedSchema } = fleet.config
  const serving = own.filter(({ targets }) => targets.length > 0)
  return {
    targets: new Set([...read.values()].flat().map(({ target }) => target.name)).size,
    failures,
    notices: noteIdle([...names.values()].filter((isActive) => !isActive).length),
    tenants: new Map(
      serving.map((set) => [
        set.config.name,
        describeTenants(
          set.targets.flatMap(({ tenants }) => tenants),
          sharedSchema,
        ),
      ]),
    ),
    changed: own.flatMap((set) => findChanged(set.config.name, read.get(set.config.name) ?? [])),
    applied: new Map(own.map((set) => [set.config.name, findApplied(set, read.get(set.config.name) ?? [])])),
    lacking: (set, migration) =>
      (read.get(set) ?? []).filter((plan) => !hasApplied(plan, migration)).map(({ target }) => target),
  }
}

/** Reading histories is the beginning of `up`, whose words its errors use. */
function asRead(error: ErrorDocument): ErrorDocument {
  const hint = error.hint?.replace('`tenantry up`', '`tenantry lint --fleet`')
  return {
    ...error,
    message: error.message.replace('could not be migrated', 'could not be read'),
    ...(hint !== undefined && { hint }),
  }
}

/** Of a target that could not be read nothing is known: neither what it has nor what it lacks. */
function isRead({ standing, error }: TargetPlan): boolean {
  return error === null || standing.applied.length + standing.pending.length > 0
}

const known = new WeakMap<TargetPlan['standing'], ReadonlySet<string>>()

/** Targets with equal histories share one standing, of which there are few. */
function hasApplied({ standing }: TargetPlan, migration: string): boolean {
  let ids = known.get(standing)
  if (ids === undefined) {
    const half = new Set(standing.halfDone.map((one) => one.migration))
    ids = new Set(standing.applied.flatMap(({ id }) => (half.has(id) ? [] : [id])))
    known.set(standing, ids)
  }
  return ids.has(migration)
}

function findApplied({ migrations }: FleetSet, plans: readonly TargetPlan[]): ReadonlySet<string> {
  if (plans.length === 0) return new Set()
  const distinct = [...new Map(plans.map((plan) => [plan.standing, plan])).values()]
  return new Set(migrations.flatMap(({ id }) => (distinct.every((plan) => hasApplied(plan, id)) ? [id] : [])))
}

function findChanged(
  set: string,
  plans: readonly TargetPlan[],
): { set: string; migration: string; targets: string[] }[] {
  const changed = new Map<string, string[]>()
  for (const { standing, target } of plans) {
    for (const { id } of standing.changed) changed.set(id, [...(changed.get(id) ?? []), target.name])
  }
  return [...changed].map(([migration, targets]) => ({ set, migration, targets: targets.sort() }))
}

function noteIdle(count: number): Notice[] {
  if (count === 0) return []
  return [
    {
      rule: 'idle-targets-not-read',
      message: `${count} ${count === 1 ? 'target has' : 'targets have'} only suspended or archived tenants and ${count === 1 ? 'was' : 'were'} not read: what they lack runs there when they come back.`,
      hint: '`--all` lints what only they may lack, too',
    },
  ]
}
