import { resolve } from 'node:path'
import type { ResolvedConfig } from './config/resolved.ts'
import { isTenantryError, TenantryError } from './model/errors.ts'
import type { Actor, CredentialBook, TenantRecord } from './model/registry.ts'
import type { StatusReport } from './model/report.ts'
import type { Tenant } from './model/tenant.ts'
import type {
  AddTenantOptions,
  ImportTenantsOptions,
  ListTenantsOptions,
  RemoveTenantOptions,
  TenantItem,
  TenantReport,
  TenantStanding,
  Tenants,
} from './model/tenant-report.ts'
import { addTenant } from './provision/add-tenant.ts'
import { removeTenant } from './provision/remove-tenant.ts'
import { showTenant } from './provision/show-tenant.ts'
import { describeBehind, toStandings } from './provision/tenant-standing.ts'
import { importTenants } from './registry/import-tenants.ts'
import { type AskedState, findTenant, moveTenant } from './registry/lifecycle.ts'
import { pageTenants } from './registry/page-tenants.ts'
import type { Registry } from './registry/registry.ts'
import { toItem } from './registry/tenant-item.ts'
import type { Fleet } from './rollout/fleet.ts'

/** What the registry's tenants are wired to. */
export interface TenantWiring {
  config: ResolvedConfig
  fleet: Fleet
  registry: Registry | null
  credentials: CredentialBook | null
  actor: Actor
  cwd: string
  /** Makes the server known that a tenant's row names by its host. Throws CONFIG_INVALID. */
  reach(tenant: Pick<TenantRecord, 'address'>): void
  /** Migrates a tenant that is not active; gives what was applied. */
  bringUp(tenant: Tenant): Promise<readonly string[]>
  /** `status` of a fleet that consists of these tenants. */
  statusOf(tenants: readonly Tenant[]): Promise<StatusReport>
}

/** The commands for the registry's tenants: each finds or changes one in the book, and looks into its target. */
export class OpenTenants implements Tenants {
  readonly #wiring: TenantWiring

  constructor(wiring: TenantWiring) {
    this.#wiring = wiring
  }

  get #registry(): Registry {
    const { registry, config } = this.#wiring
    if (registry !== null) return registry
    const where = config.file === null ? 'No variable names one' : `${config.file} names none`
    throw new TenantryError('REGISTRY_MISSING', `There is no registry of tenants here: ${where}.`, {
      hint: "Write `tenants: { from: 'registry' }` into the config (or set TENANT_REGISTRY_DB_URL), then `tenantry registry migrate`.",
    })
  }

  async add(slug: string, options: AddTenantOptions = {}): Promise<TenantReport> {
    const { fleet, actor } = this.#wiring
    return addTenant({ store: this.#registry.tenants, fleet, actor, look: (one) => this.#look(one) }, slug, options)
  }

  async *list(options: ListTenantsOptions = {}): AsyncIterable<TenantItem> {
    for await (const tenant of pageTenants(this.#registry.tenants, options)) yield toItem(tenant)
  }

  async show(tenant: string) {
    return showTenant({ registry: this.#registry, look: (one) => this.#look(one) }, tenant)
  }

  suspend(tenant: string): Promise<TenantReport> {
    return this.#move('tenants suspend', tenant, 'suspended')
  }

  archive(tenant: string): Promise<TenantReport> {
    return this.#move('tenants archive', tenant, 'archived')
  }

  async activate(name: string, options: { migrate?: boolean } = {}): Promise<TenantReport> {
    const tenant = await findTenant(this.#registry.tenants, name)
    if (options.migrate === false || (tenant.state !== 'suspended' && tenant.state !== 'archived'))
      return this.#move('tenants activate', name, 'active')
    this.#wiring.reach(tenant)
    const applied = await this.#wiring.bringUp(tenant)
    return { ...(await this.#move('tenants activate', name, 'active')), applied }
  }

  async remove(tenant: string, options: RemoveTenantOptions = {}) {
    const { config, fleet, actor, cwd, credentials } = this.#wiring
    const registry = this.#registry
    const { pool } = fleet
    const record = await registry.tenants.find(tenant)
    if (record !== null) this.#wiring.reach(record)
    return removeTenant(
      {
        config,
        registry,
        actor,
        cwd,
        server: (name) => pool.server(name),
        connect: (server, database) => pool.another(server, database),
        dialect: (server) => pool.dialect(server),
        login: async (name, database) => {
          const server = pool.server(name)
          const credential = server.user === undefined ? await credentials?.of(server, database) : null
          const { user, password } = credential ?? {}
          return { ...server, ...(user == null ? {} : { user }), ...(password == null ? {} : { password }) }
        },
      },
      tenant,
      options,
    )
  }

  async import(file: string, options: ImportTenantsOptions = {}) {
    const { config, actor, cwd } = this.#wiring
    return importTenants(this.#registry.tenants, resolve(cwd, file), config, actor, options)
  }

  async #move(command: TenantReport['command'], name: string, to: AskedState): Promise<TenantReport> {
    const { tenants } = this.#registry
    const { slug } = await findTenant(tenants, name)
    const { tenant, from } = await moveTenant(tenants, name, to, this.#wiring.actor)
    const comesBack = to === 'active' && from !== to
    const { notices, next } = comesBack ? describeBehind({ slug }, await this.#look(tenant)) : { notices: [], next: [] }
    return { command, ok: true, tenant: toItem(tenant), from, notices, next }
  }

  /** What keeps it from being looked at is the answer. */
  async #look(tenant: Tenant & Partial<Pick<TenantRecord, 'address'>>): Promise<readonly TenantStanding[]> {
    try {
      this.#wiring.reach({ address: tenant.address ?? null })
      return toStandings(await this.#wiring.statusOf([{ ...tenant, state: 'active' }]))
    } catch (error) {
      if (!isTenantryError(error)) throw error
      const { server, database, schema } = tenant.placement
      const target = [server, database, ...(schema === undefined ? [] : [schema])].join('/')
      const set = this.#wiring.config.sets[0]?.name ?? 'tenant'
      return [{ set, target, applied: 0, pending: [], failed: [], error: error.toJSON() }]
    }
  }
}
