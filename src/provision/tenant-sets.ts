import { pictureScope } from '../checks/picture-scope.ts'
import { type Recipe, recipeOf } from '../checks/recipe.ts'
import type { TenantRecord } from '../model/registry.ts'
import type { Tenant } from '../model/tenant.ts'
import type { FleetSet } from '../rollout/fleet.ts'
import type { Making } from './making.ts'

/** The sets that make a new tenant's schema, each with the tenant as its only target. */
export interface TenantSets {
  sets: readonly FleetSet[]
  /** Everything that the folders hold. */
  recipe: Recipe
  scope: ReturnType<typeof pictureScope>
}

/** Tenants elsewhere that are looked at for the kind of history that the fleet keeps. */
const mostElsewhere = 20
const neighboursAgeMs = 30_000

const known = new WeakMap<object, Map<string, { at: number; tenants: Promise<TenantRecord[]> }>>()

/** Active tenants of the same database, and some others. A registry of many is not read for each new tenant. */
function readNeighbours({ about, tenant }: Making): Promise<TenantRecord[]> {
  const { server, database } = tenant.placement
  const places = known.get(about.fleet) ?? new Map<string, { at: number; tenants: Promise<TenantRecord[]> }>()
  known.set(about.fleet, places)
  const key = `${server}\0${database}`
  const found = places.get(key)
  if (found !== undefined && Date.now() - found.at < neighboursAgeMs) return found.tenants
  const tenants = collect()
  tenants.catch(() => places.delete(key))
  // A database of its own has no neighbours; only those that many share are worth keeping.
  if (tenant.placement.schema !== undefined) places.set(key, { at: Date.now(), tenants })
  return tenants

  async function collect(): Promise<TenantRecord[]> {
    if (tenant.placement.schema === undefined && tenant.topology !== 'shared')
      return about.registry.tenants.page({ states: ['active'] }, null, mostElsewhere)
    const near: TenantRecord[] = []
    const far: TenantRecord[] = []
    for await (const one of about.registry.tenants.list({ states: ['active'] })) {
      if (one.placement.server === server && one.placement.database === database) near.push(one)
      else if (far.length < mostElsewhere) far.push(one)
    }
    return [...near, ...far]
  }
}

/** Reads the folders, and what its neighbours tell of its sets. */
export async function readTenantSets(making: Making): Promise<TenantSets> {
  const { about, target } = making
  const [tenant] = target.tenants as [Tenant]
  const neighbours = (await readNeighbours(making)).filter(({ id }) => id !== tenant.id)
  for (const one of neighbours) about.reach(one)
  const { fleet } = about
  const selectors = { tenants: [tenant.id] }
  const view = await fleet.view(selectors, { whole: false, quiet: true, only: [...neighbours, tenant] })
  const sets = view.sets.filter(({ targets }) => targets.length > 0)
  const counts = new Map(sets.map((set) => [set, set.migrations.length]))
  const about_ = {
    dialect: fleet.pool.dialect(tenant.placement.server).name,
    sharedSchema: fleet.config.sharedSchema,
    defaultSchema: 'public',
  }
  const scope = pictureScope(fleet.config, sets)
  // Grants name the tenant's own role, which no reference has.
  const kinds = scope.kinds.filter((kind) => kind !== 'grant')
  return { sets, recipe: recipeOf(target, view.sets, counts, about_), scope: { ...scope, kinds } }
}

/** Tables that keep the books of tools and of ours: a tenant's role reads them and does not write them. */
export function booksOf({ scope }: TenantSets): readonly string[] {
  return scope.exceptTables
}
