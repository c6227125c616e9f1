import { setTimeout as sleep } from 'node:timers/promises'
import { checkSlug, showSlug } from '../config/check-slug.ts'
import { isTenantryError, TenantryError } from '../model/errors.ts'
import type { ProvisionOptions, ProvisionReport } from '../model/provision.ts'
import type { TenantRecord } from '../model/registry.ts'
import type { TenantState } from '../model/tenant.ts'
import { listCommands } from '../registry/lifecycle.ts'
import { targetName } from '../rollout/select-targets.ts'
import { FleetAhead, waitForFleet } from './await-head.ts'
import { makeTenant } from './make-tenant.ts'
import { interrupted, Making, type Provisioning } from './making.ts'
import { ProvisionRecord } from './provision-record.ts'
import { FleetMovedOn } from './reach-head.ts'
import { chooseNames, reserveTenant } from './reserve.ts'
import { chooseKey } from './tenant-credential.ts'

const defaultWaitMs = 300_000
const pollMs = 200

/**
 * Makes one tenant, or goes on with one that was begun. Two calls for one slug, in one process or in many, make one
 * tenant: the second waits for the first. Throws TENANT_INVALID, TENANT_STATE, KEY_INVALID before anything is made;
 * PROVISION_FAILED, TENANT_BEHIND and what migrations throw leave it to be gone on with.
 */
export async function provisionTenant(about: Provisioning, options: ProvisionOptions): Promise<ProvisionReport> {
  const startedAt = performance.now()
  const { slug } = options
  const complaint = checkSlug(slug)
  if (complaint !== null) {
    throw new TenantryError('TENANT_INVALID', `The slug ${showSlug(slug)} ${complaint}.`, {
      hint: 'A slug becomes part of the names of databases, roles and files.',
    })
  }
  // Read while the registry is asked; what is wrong with them is said where they are needed.
  about.fleet.loadSets().catch(() => {})
  await about.registry.assertReady()
  const signal = options.signal ?? new AbortController().signal
  const deadline = performance.now() + (options.waitMs ?? defaultWaitMs)
  let first: TenantState | null | undefined
  for (let told = false; ; ) {
    if (signal.aborted) throw interrupted(slug)
    const tenant = (await about.registry.tenants.find(slug)) ?? null
    first ??= tenant === null ? null : tenant.state
    const reserved = tenant ?? (await reserveTenant(about, options))
    if (reserved.state === 'active') return report(reserved, first, null, startedAt)
    refuseState(reserved)
    const record = await claim(about, reserved)
    if (record !== null) {
      const current = await about.registry.tenants.find(reserved.id)
      if (current === null || current.state === 'active') {
        await record.release('active', null)
        continue
      }
      const making = new Making(about, record, await restart(about, current), signal)
      try {
        return await carryOn(making, first, startedAt)
      } catch (error) {
        if (!(error instanceof FleetAhead)) throw error
        const arrived = await waitForFleet(making, error.missing, deadline)
        if (arrived !== null) return report(arrived, first, null, startedAt)
        continue
      }
    }
    if (performance.now() > deadline) throw stillMaking(slug)
    if (!told) about.fleet.emit({ type: 'provision-waiting', tenant: slug, for: 'provisioner' })
    told = true
    await sleep(pollMs, undefined, { signal }).catch(() => {})
  }
}

/** Throws REGISTRY_MISSING. */
export function requireRegistry(about: Provisioning | null): Provisioning {
  if (about !== null) return about
  throw new TenantryError('REGISTRY_MISSING', 'New tenants are written down in a registry, and the config has none.', {
    hint: "Say `tenants: { from: 'registry' }` in the config, then `tenantry registry migrate`.",
  })
}

/** Takes it on, unless another process that lives has it. */
async function claim(about: Provisioning, tenant: TenantRecord): Promise<ProvisionRecord | null> {
  about.reach(tenant)
  if (about.fleet.config.provision.role) await requireKeyFor(about, tenant)
  return ProvisionRecord.claim(about.registry, tenant.id)
}

/** A key is needed where a password is still to be sealed. */
async function requireKeyFor(about: Provisioning, tenant: TenantRecord): Promise<void> {
  const places = about.fleet.pool.dialect(tenant.placement.server).places
  if (tenant.topology === 'shared' || places?.longestRoleBytes == null) return
  const stored = (await about.registry.tenants.readCredentials([tenant.id])).get(tenant.id)
  if (stored?.sealed == null && stored?.reference == null) await chooseKey(about, tenant.id)
}

async function restart(about: Provisioning, tenant: TenantRecord): Promise<TenantRecord> {
  if (tenant.state !== 'failed') return tenant
  return about.registry.tenants.change(tenant.id, 'failed', { state: 'provisioning' }, about.actor)
}

/** All steps; what goes wrong is written down, and the tenant left to be gone on with. */
export async function carryOn(making: Making, first: TenantState | null, startedAt: number): Promise<ProvisionReport> {
  const { record } = making
  try {
    await making.run('reserve', () => chooseNames(making))
    const { tenant, verified } = await makeTenant(making)
    record.close()
    return { ...report(tenant, first, making, startedAt), verified }
  } catch (error) {
    if (error instanceof FleetMovedOn) {
      await record.release('await-head', null)
      throw new FleetAhead(error.missing)
    }
    const described = making.describe(error)
    await record.release(null, described.toJSON())
    if (described.code !== 'INTERRUPTED' && !record.lost.aborted) await markFailed(making)
    throw described
  }
}

async function markFailed({ about, tenant }: Making): Promise<void> {
  try {
    await about.registry.tenants.change(tenant.id, 'provisioning', { state: 'failed' }, about.actor)
  } catch (error) {
    // The error that led here says more.
    if (!isTenantryError(error)) return
  }
}

function report(
  tenant: TenantRecord,
  from: TenantState | null,
  making: Making | null,
  startedAt: number,
): ProvisionReport {
  const { id, slug, name = null, state, topology, placement, labels } = tenant
  return {
    command: 'tenants provision',
    ok: true,
    tenant: { id, slug, name, state, topology, target: targetName(placement), labels },
    from,
    notices: making?.notices ?? [],
    next: [],
    made: making !== null,
    source: making?.source ?? null,
    verified: false,
    durationMs: Math.round(performance.now() - startedAt),
  }
}

function refuseState({ slug, state }: TenantRecord): void {
  if (state === 'provisioning' || state === 'failed') return
  const next = listCommands(slug, state).map(({ command, why }) => `\`${command}\` (${why})`)
  throw new TenantryError('TENANT_STATE', `Tenant ${slug} is ${state}: it was made already.`, {
    hint: `What can be done with it: ${next.join(', ')}.`,
    context: { tenant: slug, state },
  })
}

function stillMaking(slug: string): TenantryError {
  return new TenantryError('PROVISION_FAILED', `Another process is still making tenant ${slug}.`, {
    hint: `It goes on there. Call it again, or look with \`tenantry tenants show ${slug}\`.`,
    context: { tenant: slug },
  })
}
