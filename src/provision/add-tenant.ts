import { isTenantryError, TenantryError } from '../model/errors.ts'
import type { Actor, NewTenantRecord, TenantStore } from '../model/registry.ts'
import type { Tenant, TenantState } from '../model/tenant.ts'
import type { AddTenantOptions, TenantReport, TenantStanding } from '../model/tenant-report.ts'
import { checkNewTenant } from '../registry/check-new-tenant.ts'
import { toItem } from '../registry/tenant-item.ts'
import type { Fleet } from '../rollout/fleet.ts'
import { randomDigits } from '../topologies/name-place.ts'
import { mayRename, placeTenant } from '../topologies/place-tenant.ts'
import { wishOf } from './reserve.ts'
import { describeBehind, isPlaceMissing } from './tenant-standing.ts'

const mostNames = 8

/** What adding works with. */
export interface AddTools {
  store: TenantStore
  fleet: Fleet
  actor: Actor
  /** Looks into the tenant's target as if it were active. Never throws. */
  look(tenant: Tenant): Promise<readonly TenantStanding[]>
}

/**
 * Puts a tenant into the registry. Where its place is there it is active, and what it lacks is told; where not, it waits
 * in `provisioning` for being made. Nothing is made in any server. Throws TENANT_INVALID, TENANT_EXISTS.
 */
export async function addTenant(
  { store, fleet, actor, look }: AddTools,
  slug: string,
  options: AddTenantOptions = {},
): Promise<TenantReport> {
  const wish = wishOf({ fleet }, { ...options, slug })
  for (let tries = 1; ; tries++) {
    const named = placeTenant(wish, randomDigits())
    const { id, name, labels, state } = options
    const given = {
      ...{ slug, id, name, labels, state },
      topology: wish.topology,
      server: wish.server === '' ? undefined : wish.server,
      database: named.database === '' ? undefined : named.database,
      schema: options.schema ?? named.schema,
    }
    const checked = checkNewTenant(given, fleet.config, 'active')
    if ('problems' in checked) throw refuse(slug, checked.problems)
    // A name that was just made is nobody's place yet.
    const standings = mayRename(wish) ? null : await look(asActive(checked.tenant))
    const missing = standings === null || isPlaceMissing(standings)
    const first: TenantState = state ?? (missing ? 'provisioning' : 'active')
    try {
      const [added] = await store.add([{ ...checked.tenant, state: first }], actor)
      if (added === undefined) throw new TenantryError('INTERNAL', 'The registry added nothing and said nothing.')
      return report(added, standings)
    } catch (error) {
      const taken = isTenantryError(error) && error.code === 'TENANT_EXISTS'
      if (!taken || !mayRename(wish) || tries === mostNames || (await store.find(slug)) !== null) throw error
    }
  }
}

function asActive(tenant: NewTenantRecord): Tenant {
  const { slug, topology, placement, labels } = tenant
  return { id: tenant.id ?? slug, slug, topology, placement, labels: labels ?? {}, state: 'active' }
}

function report(tenant: Tenant, standings: readonly TenantStanding[] | null): TenantReport {
  const behind =
    tenant.state === 'active' && standings !== null ? describeBehind(tenant, standings) : { notices: [], next: [] }
  const { slug } = tenant
  const next =
    tenant.state === 'provisioning'
      ? [{ command: `tenantry tenants provision ${slug}`, why: 'makes its place, and takes it into service' }]
      : behind.next
  return { command: 'tenants add', ok: true, tenant: toItem(tenant), from: null, notices: behind.notices, next }
}

function refuse(slug: string, problems: readonly { field: string; message: string }[]): TenantryError {
  const lines = problems.map(({ field, message }) => (field === '' ? message : `${field} ${message}`))
  // A slug that cannot be one is shown by its own line, escaped.
  const title =
    lines.length === 1 ? 'The tenant cannot be added:' : `The tenant cannot be added, for ${lines.length} reasons:`
  return new TenantryError('TENANT_INVALID', [title, ...lines.map((line) => `  ${line}`)].join('\n'), {
    hint: '`provision` in the config says where new tenants go; --topology, --server, --database and --schema say it for one.',
    context: { tenant: slug, problems: problems.map(({ field, message }) => ({ field, message })) },
  })
}
