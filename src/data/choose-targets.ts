import { isForTenant } from '../config/sets.ts'
import { TenantryError } from '../model/errors.ts'
import type { Selectors } from '../model/report.ts'
import type { Target, Tenant } from '../model/tenant.ts'
import { type Fleet, type FleetSet, resolveInSets } from '../rollout/fleet.ts'
import { refusePartial, targetName } from '../rollout/select-targets.ts'
import type { DataChange } from './data-change.ts'

/** A target with the changes that are for it. */
export interface TargetChanges {
  target: Target
  /** Those of its sets; the first one's migrations tell which names are its own. */
  sets: readonly FleetSet[]
  changes: readonly DataChange[]
}

/** Are its tables shared by tenants that are told apart by a column? */
export function isShared(target: Target): boolean {
  return target.tenants.some(({ topology }) => topology === 'shared')
}

/** Does this change go tenant by tenant there? */
export function goesByTenant(target: Target, change: DataChange): boolean {
  return change.scope === 'tenant' && isShared(target)
}

/**
 * The selected targets, each once, with the changes for their sets. Some of the tenants of a target may be selected where
 * every change goes tenant by tenant, and where nothing is changed (`look`). Throws SHARED_TARGET, TENANT_UNKNOWN, MIGRATION_UNKNOWN, USAGE.
 */
export async function chooseTargets(
  fleet: Fleet,
  changes: readonly DataChange[],
  selectors: Selectors,
  options: { look: boolean },
): Promise<TargetChanges[]> {
  const { sets } = await fleet.view(selectors, { whole: false })
  const known = new Set((await fleet.loadSets()).map(({ config }) => config.name))
  for (const { name, set } of changes) {
    if (set === null || known.has(set)) continue
    const hint = `Sets: ${[...known].join(', ')}.`
    throw new TenantryError(
      'USAGE',
      `Data change ${name} is for a set of migrations named "${set}", which there is not.`,
      { hint },
    )
  }
  const entries = new Map<string, { target: Target; sets: FleetSet[] }>()
  for (const set of sets) {
    for (const target of set.targets) {
      const entry = entries.get(target.name)
      if (entry === undefined) entries.set(target.name, { target, sets: [set] })
      else {
        entry.sets.push(set)
        entry.target = { ...entry.target, tenants: union(entry.target.tenants, target.tenants) }
      }
    }
  }
  const chosen = [...entries.values()].map((entry) => ({
    ...entry,
    changes: changes.filter(({ set }) => set === null || entry.sets.some(({ config }) => config.name === set)),
  }))
  if (!options.look) await refuseParts(fleet, chosen)
  return withInactive(fleet, chosen, selectors.tenants ?? [])
}

/**
 * Tables that tenants share are migrated for all who have rows in them, so those who are not active are walked, too: a
 * contract step would take from their rows what was not brought over. Where only some were selected, only those are.
 */
async function withInactive(
  fleet: Fleet,
  chosen: readonly TargetChanges[],
  named: readonly string[],
): Promise<TargetChanges[]> {
  const shared = chosen.filter(({ target, changes }) => changes.some((change) => goesByTenant(target, change)))
  if (shared.length === 0) return [...chosen]
  const present = new Map<string, Tenant[]>()
  for (const tenant of await fleet.tenantsIn(new Set(shared.map(({ target }) => target.name)))) {
    const name = targetName(tenant.placement)
    present.set(name, [...(present.get(name) ?? []), tenant])
  }
  return chosen.map((entry) => {
    const { target, sets } = entry
    const ids = new Set(target.tenants.map(({ id }) => id))
    const own = (present.get(target.name) ?? []).filter(
      (tenant) => tenant.topology === 'shared' && sets.some(({ config }) => isForTenant(config, tenant)),
    )
    const isPart = own.some(({ id, state }) => state === 'active' && !ids.has(id))
    if (isPart || target.tenants.some(({ id, slug }) => named.includes(id) || named.includes(slug))) return entry
    const others = own.filter(({ id, state }) => state !== 'removing' && !ids.has(id))
    return others.length === 0 ? entry : { ...entry, target: { ...target, tenants: [...target.tenants, ...others] } }
  })
}

function union(some: readonly Tenant[], others: readonly Tenant[]): Tenant[] {
  return [...new Map([...some, ...others].map((tenant) => [tenant.id, tenant])).values()]
}

/** A change that goes over all rows of a target is one for all of its tenants. */
async function refuseParts(fleet: Fleet, chosen: readonly TargetChanges[]): Promise<void> {
  const whole = chosen.filter(({ target, changes }) => changes.some((change) => !goesByTenant(target, change)))
  if (whole.length === 0) return
  const all = await fleet.view({}, { whole: false, quiet: true })
  const counts = new Map<string, Set<string>>()
  for (const { targets } of all.sets) {
    for (const { name, tenants } of targets) {
      const ids = counts.get(name) ?? new Set()
      for (const { id } of tenants) ids.add(id)
      counts.set(name, ids)
    }
  }
  refusePartial(
    whole.map(({ target }) => target).filter(({ name, tenants }) => tenants.length < (counts.get(name)?.size ?? 0)),
  )
}

/** For each change, the migration that must have been applied, by set; none: nothing is asked of a target. */
export function findRequired(
  sets: readonly FleetSet[],
  changes: readonly DataChange[],
): Map<DataChange, ReadonlyMap<FleetSet, string>> {
  const required = new Map<DataChange, ReadonlyMap<FleetSet, string>>()
  for (const change of changes) {
    if (change.after === null) continue
    const own = change.set === null ? sets : sets.filter(({ config }) => config.name === change.set)
    const found = [...resolveInSets(own, change.after)].map(([set, { id }]) => [set, id] as const)
    required.set(change, new Map(found))
  }
  return required
}
