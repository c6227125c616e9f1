import { isTenantryError, TenantryError } from '../model/errors.ts'
import { type Actor, type TenantRecord, type TenantStore, tenantTransitions } from '../model/registry.ts'
import type { Tenant, TenantState } from '../model/tenant.ts'
import type { NextStep } from '../model/tenant-report.ts'

/** States that a command of its own leads to. */
export type AskedState = 'active' | 'suspended' | 'archived' | 'removing'

/** How often a change is tried again where somebody else changed the tenant in between. */
const mostTries = 10

/** Past participles, for messages. */
const words: Readonly<Record<AskedState, string>> = {
  active: 'activated',
  suspended: 'suspended',
  archived: 'archived',
  removing: 'removed',
}

/** What can be done with a tenant in this state, likeliest first. */
export function listCommands(slug: string, state: TenantState): NextStep[] {
  const step = (command: string, why: string): NextStep => ({ command: `tenantry tenants ${command}`, why })
  const [provision, suspend, activate, archive, drop] = [
    step(`provision ${slug}`, 'makes it, from where it stopped'),
    step(`suspend ${slug}`, 'migrations leave it out; its data stays'),
    step(`activate ${slug}`, 'migrations take it along again'),
    step(`archive ${slug}`, 'off duty for good; its data stays'),
    step(`remove ${slug} --drop-data`, 'drops its data; asks first'),
  ] as const
  const commands: Readonly<Record<TenantState, readonly NextStep[]>> = {
    provisioning: [provision, drop],
    active: [suspend, archive, drop],
    suspended: [activate, archive, drop],
    failed: [provision, archive, drop],
    archived: [activate, drop],
    removing: [
      { ...drop, why: 'finishes what was begun' },
      { ...archive, why: 'keeps what is left of its data' },
    ],
  }
  return [...commands[state]]
}

/**
 * Can a person take a tenant from this state to that one? As {@link tenantTransitions}, but a tenant that is being made
 * becomes active only by being made: nobody has compared its schema yet.
 */
export function mayMove(from: TenantState, to: AskedState): boolean {
  return tenantTransitions[from].includes(to) && !(from === 'provisioning' && to === 'active')
}

/** The tenant with this id or slug. Throws TENANT_UNKNOWN. */
export async function findTenant(store: Pick<TenantStore, 'find'>, idOrSlug: string): Promise<TenantRecord> {
  const tenant = await store.find(idOrSlug)
  if (tenant !== null) return tenant
  throw new TenantryError('TENANT_UNKNOWN', `The registry has no tenant ${JSON.stringify(idOrSlug.slice(0, 100))}.`, {
    hint: 'Tenants are named by slug or id here; `tenantry tenants list` shows them.',
    context: { tenant: idOrSlug.slice(0, 100) },
  })
}

/**
 * Takes a tenant to a state, from whichever it is in when the change is written: others may be at it as well. A tenant
 * that is there already stays as it is, and no line is added to its audit. Throws TENANT_STATE, TENANT_UNKNOWN.
 */
export async function moveTenant(
  store: Pick<TenantStore, 'find' | 'change'>,
  idOrSlug: string,
  to: AskedState,
  actor: Actor,
): Promise<{ tenant: TenantRecord; from: TenantState }> {
  for (let tries = 1; ; tries++) {
    const tenant = await findTenant(store, idOrSlug)
    if (tenant.state === to) return { tenant, from: to }
    if (!mayMove(tenant.state, to)) throw refuseMove(tenant, to)
    try {
      return { tenant: await store.change(tenant.id, tenant.state, { state: to }, actor), from: tenant.state }
    } catch (error) {
      const overtaken = isTenantryError(error) && error.code === 'TENANT_STATE'
      if (!overtaken || tries === mostTries) throw error
    }
  }
}

function refuseMove({ slug, state }: Tenant, to: AskedState): TenantryError {
  const next = listCommands(slug, state)
  return new TenantryError('TENANT_STATE', `Tenant ${slug} is ${describeState(state)}, and cannot be ${words[to]}.`, {
    hint: `What can be done with it: ${next.map(({ command, why }) => `\`${command}\` (${why})`).join(', ')}.`,
    context: { tenant: slug, state, asked: to, possible: next.map(({ command }) => command) },
  })
}

/** The state in words that fit behind "is". */
export function describeState(state: TenantState): string {
  const inWords: Partial<Record<TenantState, string>> = {
    provisioning: 'still being made (provisioning)',
    failed: 'failed: it could not be made',
    removing: 'being removed',
  }
  return inWords[state] ?? state
}
