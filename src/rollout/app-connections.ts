import { TenantSessions } from '../engine/tenant-sessions.ts'
import type { AppPool, TenantConnection } from '../model/app.ts'
import type { Connection } from '../model/dialect.ts'
import { TenantryError } from '../model/errors.ts'
import type { ServerAddress } from '../model/server.ts'
import type { Tenant } from '../model/tenant.ts'
import type { Fleet } from './fleet.ts'

/** How long what is known of a tenant holds: then a suspended one is refused, and a moved one is followed. */
const knownForMs = 5000

interface Known {
  tenant: Tenant
  until: number
  sessions: TenantSessions
  /** Where, and as whom. */
  address: ServerAddress
}

/** An application's connections to its tenants' databases. */
export class AppConnections {
  readonly #fleet: Fleet
  readonly #find: (idOrSlug: string) => Promise<Tenant | null>
  readonly #pool: AppPool
  readonly #known = new Map<string, Known>()
  readonly #asking = new Map<string, Promise<Known>>()

  constructor(fleet: Fleet, find: (idOrSlug: string) => Promise<Tenant | null>, pool: AppPool) {
    this.#fleet = fleet
    this.#find = find
    this.#pool = pool
  }

  /** Throws TENANT_UNKNOWN, TENANT_STATE, CREDENTIAL_UNREADABLE. Connects to nothing yet. */
  async connectionFor(idOrSlug: string): Promise<TenantConnection> {
    const { tenant } = await this.#know(idOrSlug)
    const sessions = async () => (await this.#know(idOrSlug)).sessions
    return {
      tenant,
      query: async (sql, values) => (await sessions()).query(sql, values),
      transaction: async (work) => (await sessions()).lend((connection) => this.#transact(connection, tenant, work)),
      driverOptions: async () => {
        const known = await this.#know(idOrSlug)
        const { placement } = known.tenant
        const { pool, config } = this.#fleet
        const dialect = pool.dialect(placement.server)
        return dialect.driverOptions(known.address, placement.database, placement.schema ?? null, config.sharedSchema)
      },
    }
  }

  async #know(idOrSlug: string): Promise<Known> {
    const known = this.#known.get(idOrSlug)
    if (known !== undefined && known.until > Date.now()) return known
    // Requests that come at once are one question: each would open sessions of its own.
    let asking = this.#asking.get(idOrSlug)
    if (asking === undefined) {
      asking = this.#ask(idOrSlug, known).finally(() => this.#asking.delete(idOrSlug))
      this.#asking.set(idOrSlug, asking)
    }
    return asking
  }

  async #ask(idOrSlug: string, known: Known | undefined): Promise<Known> {
    const tenant = await this.#find(idOrSlug)
    if (tenant === null) {
      throw new TenantryError('TENANT_UNKNOWN', `There is no tenant "${idOrSlug}".`, { context: { tenant: idOrSlug } })
    }
    const { slug, state } = tenant
    if (state !== 'active') {
      await this.#forget(idOrSlug)
      throw new TenantryError('TENANT_STATE', `Tenant ${slug} is ${state}; only active tenants are connected to.`, {
        context: { tenant: slug, state },
      })
    }
    const address = await this.#login(tenant)
    if (known !== undefined && isSamePlace(known, { tenant, address })) {
      const renewed = { ...known, tenant, until: Date.now() + knownForMs }
      this.#known.set(idOrSlug, renewed)
      return renewed
    }
    await this.#forget(idOrSlug)
    const sessions = new TenantSessions(() => this.#open(tenant, address), this.#pool)
    const fresh: Known = { tenant, until: Date.now() + knownForMs, sessions, address }
    this.#known.set(idOrSlug, fresh)
    return fresh
  }

  /** A tenant's own role sees its own data only; whom the server's address names is for migrations. */
  async #login(tenant: Tenant): Promise<ServerAddress> {
    const { pool, credentials } = this.#fleet
    const server = pool.server(tenant.placement.server)
    const { user, password } = (await credentials?.ofTenant(tenant)) ?? {}
    if (user == null && (password == null || server.user !== undefined)) return server
    // A password of the address is that of its own user.
    const { password: _theirs, ...nobody } = server
    return { ...nobody, ...(user == null ? {} : { user }), ...(password == null ? {} : { password }) }
  }

  async #open({ placement: { server, database, schema } }: Tenant, address: ServerAddress): Promise<Connection> {
    const { pool, config } = this.#fleet
    const dialect = pool.dialect(server)
    const connection = await pool.connectAs(address, database)
    if (schema === undefined) return connection
    if (await connection.isPooled()) {
      await connection.close()
      throw new TenantryError(
        'POOLER_UNSUPPORTED',
        `${server}/${database} is behind a transaction pooler, which keeps no search path for a tenant's session.`,
        { hint: 'Use `transaction()`, and name the schema in each statement, or connect to the server itself.' },
      )
    }
    const settings = {
      schema,
      sharedSchema: config.sharedSchema,
      lockTimeoutMs: 0,
      statementTimeoutMs: 0,
      idleInTransactionTimeoutMs: 0,
      session: [],
    }
    for (const sql of dialect.sessionSettings(settings, connection.version)) await connection.query(sql)
    return connection
  }

  async #transact<T>(
    connection: Connection,
    { placement: { server } }: Tenant,
    work: (query: TenantConnection['query']) => Promise<T>,
  ): Promise<T> {
    const { commit, rollback } = this.#fleet.pool.dialect(server).phrases
    await connection.run('BEGIN')
    try {
      const result = await work((sql, values) => connection.query(sql, values ?? []))
      await connection.run(commit)
      return result
    } catch (error) {
      if (!connection.broken) await connection.run(rollback).catch(() => {})
      throw error
    }
  }

  async #forget(idOrSlug: string): Promise<void> {
    const known = this.#known.get(idOrSlug)
    this.#known.delete(idOrSlug)
    await known?.sessions.close()
  }

  async close(): Promise<void> {
    for (const idOrSlug of [...this.#known.keys()]) await this.#forget(idOrSlug)
  }
}

function isSamePlace(one: Pick<Known, 'tenant' | 'address'>, other: Pick<Known, 'tenant' | 'address'>): boolean {
  return (
    JSON.stringify(one.tenant.placement) === JSON.stringify(other.tenant.placement) &&
    one.address.user === other.address.user &&
    one.address.password?.reveal() === other.address.password?.reveal()
  )
}
