import { TenantryError } from '../model/errors.ts'
import type { RegistryDatabase } from '../model/registry.ts'
import { type FleetHead, isRunning, readHeads } from '../registry/heads.ts'
import type { FleetSet } from '../rollout/fleet.ts'
import { migrateOne } from '../rollout/migrate-one.ts'
import { asThrown, type Making } from './making.ts'

/** What the fleet has and this process has no files of. */
export interface MissingFiles {
  set: string
  migrations: readonly string[]
  /** An `up` is bringing the fleet there right now. */
  running: boolean
}

/** Every file of this process, in the place: what is there already is left as it is. */
export async function applyAll(making: Making, sets: readonly FleetSet[]): Promise<void> {
  const { about, target } = making
  for (const set of sets) {
    const signals = { drain: making.signal, cancel: making.signal }
    const { error } = await migrateOne(about.fleet, set, target, { direction: 'up', to: null }, signals)
    if (error !== null) throw asThrown(error)
  }
}

/** What the fleet's head holds and these sets do not. */
export function missingFiles(heads: ReadonlyMap<string, FleetHead>, sets: readonly FleetSet[]): MissingFiles[] {
  return sets.flatMap((set) => {
    const head = heads.get(set.config.name)
    if (head === undefined) return []
    const own = new Set(set.migrations.map(({ id }) => id))
    const missing = head.migrations.filter((id) => !own.has(id))
    return missing.length === 0 ? [] : [{ set: head.set, migrations: missing, running: isRunning(head) }]
  })
}

export async function findMissing(
  { about: { registry } }: Making,
  sets: readonly FleetSet[],
  query: RegistryDatabase['query'] = (sql, values) => registry.database.query(sql, values),
): Promise<MissingFiles[]> {
  return missingFiles(await readHeads(registry, query), sets)
}

/** Thrown inside, where the fleet has moved on beyond this process. */
export class FleetMovedOn extends Error {
  readonly missing: readonly MissingFiles[]

  constructor(missing: readonly MissingFiles[]) {
    super('the fleet has newer migrations')
    this.missing = missing
  }
}

export function behindError(slug: string, missing: readonly MissingFiles[]): TenantryError {
  const [first] = missing
  const ids = missing.flatMap(({ migrations }) => migrations)
  const named = ids.slice(0, 3).join(', ') + (ids.length > 3 ? ` and ${ids.length - 3} more` : '')
  return new TenantryError(
    'TENANT_BEHIND',
    `Tenant ${slug} is not active yet: the fleet was migrated to ${named}, and the migrations folder of this process (set ${first?.set}) is older and does not have ${ids.length === 1 ? 'it' : 'them'}.`,
    {
      hint: `The next \`tenantry up\` with the newer folder finishes the tenant; or \`tenantry tenants provision ${slug}\` where that folder is.`,
      context: { tenant: slug, set: first?.set ?? '', migrations: ids },
    },
  )
}
