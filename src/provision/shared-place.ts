import { TenantryError } from '../model/errors.ts'
import type { FleetSet } from '../rollout/fleet.ts'
import { targetName } from '../rollout/select-targets.ts'
import { asThrown, type Making } from './making.ts'

const mostNamed = 3

/** Others live in the same tables: what is pending there is for `up`, not for who comes last. */
export async function isSomebodyElses({ tenant, target, about }: Making): Promise<boolean> {
  if (tenant.topology !== 'shared') return false
  for await (const one of about.registry.tenants.list({ states: ['active'] })) {
    if (one.id !== tenant.id && targetName(one.placement) === target.name) return true
  }
  return false
}

/**
 * Looks whether tables that others use already have all that this process's folders hold. Nothing is written. Throws
 * TENANT_BEHIND, and what reading their history throws.
 */
export async function requireAtHead(
  { about: { fleet }, tenant: { slug }, target }: Making,
  sets: readonly FleetSet[],
): Promise<void> {
  for (const set of sets) {
    const plan = await fleet.plan(set, () => ({ steps: [], error: null }), { requiredTables: [] })
    for (const { error, standing } of plan.targets) {
      if (error !== null) throw asThrown(error)
      const lacking = [...standing.halfDone.map(({ migration }) => migration), ...standing.pending.map(({ id }) => id)]
      if (lacking.length === 0) continue
      const ids = [...new Set(lacking)]
      const more = ids.length > mostNamed ? ` and ${ids.length - mostNamed} more` : ''
      throw new TenantryError(
        'TENANT_BEHIND',
        `Tenant ${slug} is not active yet: the shared tables of ${target.name} lack ${ids.slice(0, mostNamed).join(', ')}${more}, and other tenants use them.`,
        {
          hint: `\`tenantry up\` migrates them for all of their tenants; then \`tenantry tenants provision ${slug}\`.`,
          context: { tenant: slug, target: target.name, set: set.config.name, migrations: ids },
        },
      )
    }
  }
}
