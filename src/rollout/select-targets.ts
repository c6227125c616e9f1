import { createHash } from 'node:crypto'
import { TenantryError } from '../model/errors.ts'
import type { Selectors } from '../model/report.ts'
import type { Target, Tenant } from '../model/tenant.ts'

export interface Selection {
  /** What of the target a command may look at: `tenants` holds the selected ones. */
  targets: Target[]
  /** Targets of which only some of the tenants were selected. */
  partial: Target[]
}

/** `server/database` or `server/database/schema`. */
export function targetName({ server, database, schema }: Tenant['placement']): string {
  return schema === undefined ? `${server}/${database}` : `${server}/${database}/${schema}`
}

/** A number from 0 to 2³²−1 that stays the same for a name. */
function hashOf(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0)
}

/**
 * Picks targets by their tenants. Only active tenants count; a target is whole when all its active tenants are picked.
 * `percent`, `limit` and `shard` count targets, and are stable: adding tenants does not move others between shards.
 * Throws TENANT_UNKNOWN for a name that no tenant has, USAGE for one that several have.
 */
export function selectTargets(tenants: Iterable<Tenant>, selectors: Selectors): Selection {
  const all = [...tenants]
  const active = all.filter(({ state }) => state === 'active')
  const wanted = new Set(
    selectors.tenants?.length ? selectors.tenants.flatMap((name) => find(all, active, name)) : active,
  )
  for (const name of selectors.exclude ?? []) for (const tenant of find(all, active, name)) wanted.delete(tenant)
  const labels = (selectors.labels ?? []).map(splitLabel)
  const known = new Set(active.map(({ placement }) => placement.server))
  for (const server of selectors.servers ?? []) {
    if (!known.has(server)) {
      throw new TenantryError('TENANT_UNKNOWN', `No active tenant is on a server named "${server}".`, {
        hint: `Servers with tenants: ${[...known].sort().join(', ') || 'none'}.`,
      })
    }
  }
  const picked = (tenant: Tenant) =>
    wanted.has(tenant) &&
    labels.every(([key, value]) => tenant.labels[key] === value) &&
    (selectors.servers === undefined ||
      selectors.servers.length === 0 ||
      selectors.servers.includes(tenant.placement.server))

  const groups = new Map<string, { picked: Tenant[]; all: number }>()
  for (const tenant of active) {
    const name = targetName(tenant.placement)
    const group = groups.get(name) ?? { picked: [], all: 0 }
    group.all++
    if (picked(tenant)) group.picked.push(tenant)
    groups.set(name, group)
  }
  let targets: Target[] = []
  const partial: Target[] = []
  for (const [name, group] of groups) {
    const [first] = group.picked
    if (first === undefined) continue
    const target = { name, placement: first.placement, tenants: group.picked }
    targets.push(target)
    if (group.picked.length < group.all) partial.push(target)
  }
  const { shard, percent, limit } = selectors
  if (shard !== undefined) targets = targets.filter(({ name }) => hashOf(name) % shard.of === shard.index - 1)
  if (percent !== undefined) targets = targets.filter(({ name }) => hashOf(`percent:${name}`) / 2 ** 32 < percent / 100)
  if (limit !== undefined) targets = targets.slice(0, limit)
  const left = new Set(targets)
  return { targets, partial: partial.filter((target) => left.has(target)) }
}

function find(all: readonly Tenant[], active: readonly Tenant[], name: string): Tenant[] {
  const exact = active.filter(({ id, slug }) => id === name || slug === name)
  if (exact.length === 1) return exact
  if (exact.length > 1) {
    const slugs = exact.map(({ id, slug }) => `${slug} (id ${id})`).join(', ')
    throw new TenantryError('USAGE', `"${name}" is the id of one tenant and the slug of another: ${slugs}.`, {
      hint: 'Name the one that is meant by what only it has.',
      context: { tenant: name },
    })
  }
  const placed = active.filter(({ placement }) => placement.schema === name || targetName(placement) === name)
  const found = placed.length > 0 ? placed : active.filter(({ placement }) => placement.database === name)
  const targets = new Set(found.map(({ placement }) => targetName(placement)))
  if (targets.size === 1) return found
  if (targets.size > 1) {
    throw new TenantryError('USAGE', `"${name}" is the place of ${targets.size} targets; say which.`, {
      hint: `Use a slug or a target's name: ${[...targets].slice(0, 5).join(', ')}.`,
    })
  }
  const inactive = all.find(({ id, slug }) => id === name || slug === name)
  if (inactive !== undefined) {
    throw new TenantryError(
      'TENANT_UNKNOWN',
      `Tenant "${name}" is ${inactive.state}; only active tenants are migrated.`,
    )
  }
  throw new TenantryError('TENANT_UNKNOWN', `There is no tenant "${name}".`, {
    hint: 'Tenants are named by id, slug, or a unique schema or database name; `tenantry status --all` lists them.',
    context: { tenant: name },
  })
}

function splitLabel(text: string): [string, string] {
  const at = text.indexOf('=')
  if (at < 1) throw new TenantryError('USAGE', `A label is given as key=value, not "${text}".`)
  return [text.slice(0, at), text.slice(at + 1)]
}

/** Refuses to change a target for some of its tenants only. */
export function refusePartial(partial: readonly Target[]): void {
  const [first] = partial
  if (first === undefined) return
  throw new TenantryError(
    'SHARED_TARGET',
    `${first.name} is shared by several tenants, and only ${first.tenants.map(({ slug }) => slug).join(', ')} ${first.tenants.length === 1 ? 'was' : 'were'} selected: a migration changes it for all of them.`,
    {
      hint: `Select the target itself (\`${first.name}\`) or all of its tenants.`,
      context: { target: first.name, targets: partial.map(({ name }) => name) },
    },
  )
}
