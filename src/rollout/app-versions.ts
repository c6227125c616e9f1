import type { FleetVersion, GuardOptions, TenantVersion } from '../model/app.ts'
import { TenantryError } from '../model/errors.ts'
import type { SetPlan } from '../model/plan.ts'
import type { Tenant } from '../model/tenant.ts'
import { type Fleet, resolveInSets } from './fleet.ts'
import { describeFleetVersion, describeTenantVersion, hasMigration, isBehind } from './tenant-version.ts'

const defaultAgeMs = 5000

/** What an application asks about versions: of one tenant, of the fleet, and whether a tenant is far enough to be served. */
export class AppVersions {
  readonly #fleet: Fleet
  readonly #find: (idOrSlug: string) => Promise<Tenant | null>
  readonly #answers = new Map<string, { until: number; isFarEnough: Promise<boolean> }>()

  constructor(fleet: Fleet, find: (idOrSlug: string) => Promise<Tenant | null>) {
    this.#fleet = fleet
    this.#find = find
  }

  /** Throws TENANT_UNKNOWN, and what kept its history from being read. */
  async tenantVersion(idOrSlug: string): Promise<TenantVersion> {
    const { tenant, plans } = await this.#read(idOrSlug)
    return describeTenantVersion(tenant.slug, plans)
  }

  async minimumFleetVersion(): Promise<FleetVersion> {
    const { sets } = await this.#fleet.view({}, { whole: false, quiet: true })
    const plans: SetPlan[] = []
    for (const set of sets) plans.push(await this.#fleet.plan(set, nothing))
    return describeFleetVersion(plans)
  }

  /** Throws TENANT_BEHIND, unless it was only to be told. */
  async guardTenant(idOrSlug: string, options: GuardOptions = {}): Promise<boolean> {
    const key = JSON.stringify([idOrSlug, options.migration ?? null])
    const known = this.#answers.get(key)
    let isFarEnough = known !== undefined && known.until > Date.now() ? known.isFarEnough : undefined
    if (isFarEnough === undefined) {
      isFarEnough = this.#isFarEnough(idOrSlug, options.migration)
      this.#answers.set(key, { until: Date.now() + (options.maxAgeMs ?? defaultAgeMs), isFarEnough })
      // A failure is nobody's answer.
      isFarEnough.catch(() => this.#answers.delete(key))
    }
    if (await isFarEnough) return true
    if (options.behind === 'tell') return false
    const wanted = options.migration === undefined ? 'the migrations of this process' : options.migration
    throw new TenantryError('TENANT_BEHIND', `Tenant ${idOrSlug} does not have ${wanted} yet.`, {
      hint: 'Run `tenantry up` for it; until then serve it with older code, or tell it to come back later.',
      context: { tenant: idOrSlug, ...(options.migration === undefined ? {} : { migration: options.migration }) },
    })
  }

  async #isFarEnough(idOrSlug: string, migration: string | undefined): Promise<boolean> {
    const { plans, sets } = await this.#read(idOrSlug)
    if (migration === undefined) return plans.every(({ targets }) => !targets.some(isBehind))
    const wanted = resolveInSets(sets, migration)
    return [...wanted].every(([set, one]) => {
      const plan = plans.find((candidate) => candidate.set === set.config.name)
      return plan?.targets.every((target) => hasMigration(target, one)) === true
    })
  }

  async #read(idOrSlug: string) {
    const tenant = await this.#find(idOrSlug)
    if (tenant === null) {
      throw new TenantryError('TENANT_UNKNOWN', `There is no tenant "${idOrSlug}".`, { context: { tenant: idOrSlug } })
    }
    const fleet = this.#fleet
    // Where each tenant is a role of its own, a session that was opened for another one cannot read this one's history.
    const isItself = fleet.credentials !== null && fleet.pool.server(tenant.placement.server).user === undefined
    const { plans, sets } = isItself ? await readAlone(fleet.alone(), tenant) : await readPlans(fleet, tenant)
    for (const { targets } of plans) {
      const [failed] = targets.filter(({ error, standing }) => error !== null && standing.snapshot.columns === null)
      if (failed?.error == null) continue
      const { code, message, hint, context } = failed.error
      throw new TenantryError(code, message, { hint: hint ?? undefined, context })
    }
    return { tenant, plans, sets }
  }
}

async function readPlans(fleet: Fleet, tenant: Tenant) {
  // It may be asked about whatever its state is.
  const only: Tenant[] = [{ ...tenant, state: 'active' }]
  const { sets } = await fleet.view({}, { whole: false, quiet: true, only })
  const plans: SetPlan[] = []
  for (const set of sets) plans.push(await fleet.plan(set, nothing))
  return { plans, sets }
}

async function readAlone(fleet: Fleet, tenant: Tenant) {
  try {
    return await readPlans(fleet, tenant)
  } finally {
    await fleet.close()
  }
}

const nothing = () => ({ steps: [], error: null })
