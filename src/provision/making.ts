import type { ResolvedConfig } from '../config/resolved.ts'
import { DatabaseError, failureCodes } from '../model/dialect.ts'
import { type ErrorDocument, isTenantryError, TenantryError } from '../model/errors.ts'
import type { Notice } from '../model/migration.ts'
import type { Places } from '../model/places.ts'
import type { ProvisionSource, ProvisionStep } from '../model/provision.ts'
import type { Actor, TenantRecord } from '../model/registry.ts'
import type { Target } from '../model/tenant.ts'
import type { KeyReader, KeySurroundings } from '../registry/key-ring.ts'
import type { Registry } from '../registry/registry.ts'
import type { Fleet } from '../rollout/fleet.ts'
import { targetName } from '../rollout/select-targets.ts'
import type { ProvisionRecord } from './provision-record.ts'

/** Fills a new tenant with what every tenant begins with; run again after a crash. */
export type SeedStep = (target: Target, signal: AbortSignal) => Promise<void>

/** Everything that making tenants needs; wired from above. */
export interface Provisioning {
  fleet: Fleet
  registry: Registry
  keys: KeyReader
  surroundings: KeySurroundings
  actor: Actor
  stateDir: string
  /** Another view of the same servers, under another config; closed by who asks for it. */
  fleetFor: (config: ResolvedConfig) => Fleet
  /** Makes the server known that a tenant's row names by host and port. Throws CONFIG_INVALID. */
  reach: (tenant: Pick<TenantRecord, 'address'>) => void
  seed?: SeedStep
}

/** One tenant that is being made by this process. */
export class Making {
  readonly about: Provisioning
  readonly record: ProvisionRecord
  readonly signal: AbortSignal
  readonly notices: Notice[] = []
  tenant: TenantRecord
  step: ProvisionStep = 'reserve'
  source: ProvisionSource | null = null
  /** Hash of what its migrations make, where that is known already. */
  expected: string | null = null

  constructor(about: Provisioning, record: ProvisionRecord, tenant: TenantRecord, signal: AbortSignal) {
    this.about = about
    this.record = record
    this.tenant = tenant
    this.signal = AbortSignal.any([signal, record.lost])
    about.reach(tenant)
  }

  get places(): Places {
    const { places } = this.about.fleet.pool.dialect(this.tenant.placement.server)
    if (places !== undefined) return places
    throw new TenantryError('PROVISION_FAILED', 'Tenants cannot be made on this kind of server.')
  }

  /** As a target that is migrated: an active tenant is what migrations are for. */
  get target(): Target {
    const { placement } = this.tenant
    return { name: targetName(placement), placement, tenants: [{ ...this.tenant, state: 'active' }] }
  }

  say(notice: Notice): void {
    this.notices.push(notice)
    this.about.fleet.emit({ type: 'notice', notice })
  }

  /** Runs one step, told before and after. Throws what it throws. */
  async run<T>(step: ProvisionStep, work: () => Promise<T>): Promise<T> {
    const { emit } = this.about.fleet
    this.record.refuseLost()
    if (this.signal.aborted) throw interrupted(this.tenant.slug)
    this.step = step
    this.record.say(step)
    const startedAt = performance.now()
    const tenant = this.tenant.slug
    emit({ type: 'provision-step', tenant, step, state: 'started', durationMs: 0 })
    const result = await work()
    const durationMs = Math.round(performance.now() - startedAt)
    emit({ type: 'provision-step', tenant, step, state: 'done', durationMs })
    return result
  }

  /** A session with a database of the tenant's server. */
  async use<T>(
    database: string,
    work: (connection: Awaited<ReturnType<Fleet['pool']['another']>>) => Promise<T>,
  ): Promise<T> {
    const { pool } = this.about.fleet
    const lease = await pool.lease(this.tenant.placement.server, database)
    try {
      return await work(lease.connection)
    } finally {
      await lease.release()
    }
  }

  /** A session from which databases are made. */
  home<T>(work: Parameters<typeof this.use<T>>[1]): Promise<T> {
    const { pool } = this.about.fleet
    const { server } = this.tenant.placement
    return this.use(pool.server(server).database ?? pool.dialect(server).scratch.home, work)
  }

  /** What went wrong, with the step, and what to type next. */
  describe(error: unknown): TenantryError {
    const { slug, placement } = this.tenant
    const again = `Mend it, then go on with \`tenantry tenants provision ${slug}\`; \`tenantry tenants remove ${slug} --drop-data\` takes away what is there of it.`
    const context = { tenant: slug, target: targetName(placement), step: this.step }
    if (error instanceof DatabaseError) {
      const { kind, message, sqlstate } = error.failure
      const code = kind === 'statement' || kind === 'already-exists' ? 'PROVISION_FAILED' : failureCodes[kind]
      return new TenantryError(
        code === 'MIGRATION_FAILED' ? 'PROVISION_FAILED' : code,
        `Tenant ${slug} could not be made (step ${this.step}, ${targetName(placement)}): ${message.replace(/\.$/, '')}.`,
        { hint: again, context: { ...context, failure: kind, ...(sqlstate === null ? {} : { sqlstate }) } },
      )
    }
    if (isTenantryError(error)) {
      const { code, message, hint } = error
      return new TenantryError(code, message, { hint: hint ?? again, context: { ...context, ...error.context } })
    }
    const message = error instanceof Error ? error.message : String(error)
    return new TenantryError('PROVISION_FAILED', `Tenant ${slug} could not be made (step ${this.step}): ${message}`, {
      hint: again,
      context,
      cause: error,
    })
  }
}

export function interrupted(slug: string): TenantryError {
  return new TenantryError('INTERRUPTED', `Interrupted while tenant ${slug} was made; what is done of it stays.`, {
    hint: `Go on with \`tenantry tenants provision ${slug}\`.`,
    context: { tenant: slug },
  })
}

/** The error of one target, thrown: it is this call's. */
export function asThrown({ code, message, hint, context }: ErrorDocument): TenantryError {
  return new TenantryError(code, message, { hint: hint ?? undefined, context })
}
