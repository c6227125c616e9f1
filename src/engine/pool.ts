import type { Connection, ConnectOptions, Dialect } from '../model/dialect.ts'
import { TenantryError } from '../model/errors.ts'
import type { CredentialBook } from '../model/registry.ts'
import type { ServerAddress } from '../model/server.ts'
import { Gate } from './gate.ts'

/** A backend's catalog cache grows with every schema it touches: end it after this many. */
const recycleAfterTargets = 500

interface Pooled {
  connection: Connection
  uses: number
}

interface DatabaseState {
  server: ServerAddress
  database: string
  idle: Pooled[]
  gate: Gate
  /** Behind a pooler: whoever holds a lock over a second connection. */
  holders: Gate
  /** Side connection for looking at sessions that run long; opened on first need. */
  side: Promise<Connection> | null
  /** Settles when the last look asked for is over. */
  looked: Promise<unknown>
  extensions: Map<string, Promise<void>>
}

export interface Lease {
  connection: Connection
  /** Gives it back; `discard` closes it. */
  release(discard?: boolean): Promise<void>
}

/**
 * Sessions, kept per database while there is work for it. It does not limit how much runs at once (the caller's
 * schedule does); it keeps idle sessions from counting against a server's limit by closing them first.
 */
export class ConnectionPool {
  readonly #servers: ReadonlyMap<string, ServerAddress>
  readonly #dialectOf: (server: ServerAddress) => Dialect
  readonly #options: ConnectOptions
  readonly #credentials: CredentialBook | null
  readonly #databases = new Map<string, DatabaseState>()
  readonly #open = new Map<string, number>()

  constructor(
    servers: ReadonlyMap<string, ServerAddress>,
    dialectOf: (server: ServerAddress) => Dialect,
    options: ConnectOptions,
    credentials: CredentialBook | null = null,
  ) {
    this.#servers = servers
    this.#credentials = credentials
    this.#dialectOf = dialectOf
    this.#options = options
  }

  server(name: string): ServerAddress {
    const server = this.#servers.get(name)
    if (server === undefined) throw new TenantryError('INTERNAL', `There is no server "${name}".`)
    return server
  }

  dialect(server: string): Dialect {
    return this.#dialectOf(this.server(server))
  }

  #state(serverName: string, database: string): DatabaseState {
    const key = `${serverName}\0${database}`
    let state = this.#databases.get(key)
    if (state === undefined) {
      state = {
        server: this.server(serverName),
        database,
        idle: [],
        gate: new Gate(),
        holders: new Gate(),
        side: null,
        looked: Promise.resolve(),
        extensions: new Map(),
      }
      this.#databases.set(key, state)
    }
    return state
  }

  /** Throws `DatabaseError`. */
  async lease(serverName: string, database: string): Promise<Lease> {
    const state = this.#state(serverName, database)
    let pooled = state.idle.pop()
    while (pooled?.connection.broken === true) pooled = state.idle.pop()
    if (pooled === undefined) {
      await this.#makeRoom(state.server)
      pooled = { connection: await this.#connect(state.server, database), uses: 0 }
    }
    const held = pooled
    held.uses++
    return {
      connection: held.connection,
      release: async (discard = false) => {
        if (discard || held.connection.broken || held.uses >= recycleAfterTargets) await this.#close(held.connection)
        else state.idle.push(held)
      },
    }
  }

  async #connect(server: ServerAddress, database: string): Promise<Connection> {
    this.#open.set(server.name, (this.#open.get(server.name) ?? 0) + 1)
    try {
      return await this.#login(server, database)
    } catch (error) {
      this.#count(server)
      throw error
    }
  }

  async #login(server: ServerAddress, database: string): Promise<Connection> {
    return this.#dialectOf(server).connect(await this.#address(server, database), database, this.#options)
  }

  /** A server's own role owns what is in it; a tenant's credential serves where the address names nobody. */
  async #address(server: ServerAddress, database: string): Promise<ServerAddress> {
    const credential = server.user === undefined ? await this.#credentials?.of(server, database) : null
    const { user, password } = credential ?? {}
    return { ...server, ...(user == null ? {} : { user }), ...(password == null ? {} : { password }) }
  }

  /** Where a database is reached, and as whom. */
  address(serverName: string, database: string): Promise<ServerAddress> {
    return this.#address(this.server(serverName), database)
  }

  #count(server: ServerAddress): void {
    this.#open.set(server.name, (this.#open.get(server.name) ?? 1) - 1)
  }

  async #close(connection: Connection): Promise<void> {
    this.#count(connection.server)
    await connection.close()
  }

  /** Closes idle sessions of other databases while the server is at its limit. */
  async #makeRoom(server: ServerAddress): Promise<void> {
    for (const state of this.#databases.values()) {
      if ((this.#open.get(server.name) ?? 0) < server.maxConcurrency) return
      if (state.server.name !== server.name) continue
      const spare = state.idle.shift()
      if (spare !== undefined) await this.#close(spare.connection)
    }
  }

  gate(serverName: string, database: string): Gate {
    return this.#state(serverName, database).gate
  }

  /**
   * Entered exclusively by what keeps two connections of a pooler at once. Two of those could each hold one and wait
   * for ever for their second.
   */
  holders(serverName: string, database: string): Gate {
    return this.#state(serverName, database).holders
  }

  /**
   * Looks at a database from beside the sessions at work. All who look share one session, which is not counted against
   * the limits, and take turns: a session is not for concurrent use. Throws `DatabaseError`.
   */
  look<T>(serverName: string, database: string, ask: (side: Connection) => Promise<T>): Promise<T> {
    const state = this.#state(serverName, database)
    const answer = state.looked.then(async () => ask(await this.#side(state)))
    state.looked = answer.catch(() => {})
    return answer
  }

  async #side(state: DatabaseState): Promise<Connection> {
    const current = await state.side?.catch(() => null)
    if (current !== undefined && current !== null && !current.broken) return current
    const fresh = this.another(state.server.name, state.database)
    state.side = fresh
    return fresh
  }

  /** A fresh session as somebody of the caller's choice, who closes it. */
  connectAs(address: ServerAddress, database: string): Promise<Connection> {
    return this.#dialectOf(address).connect(address, database, this.#options)
  }

  /** A fresh session that the caller closes. */
  another(serverName: string, database: string): Promise<Connection> {
    return this.#login(this.server(serverName), database)
  }

  /** Does something once per database, however many ask for it; a failure is not kept. */
  async once(serverName: string, database: string, key: string, work: () => Promise<void>): Promise<void> {
    const { extensions } = this.#state(serverName, database)
    let running = extensions.get(key)
    if (running === undefined) {
      running = work()
      extensions.set(key, running)
      running.catch(() => extensions.delete(key))
    }
    await running
  }

  /** Nothing more is to be done in this database for now. */
  async closeDatabase(serverName: string, database: string): Promise<void> {
    const state = this.#databases.get(`${serverName}\0${database}`)
    if (state === undefined) return
    // A look that is under way would open the session again.
    await state.looked
    const { side } = state
    state.side = null
    await Promise.all([
      ...state.idle.splice(0).map(({ connection }) => this.#close(connection)),
      side?.then((connection) => connection.close()).catch(() => {}),
    ])
  }

  async close(): Promise<void> {
    await Promise.all(
      [...this.#databases.values()].map(({ server, database }) => this.closeDatabase(server.name, database)),
    )
    this.#databases.clear()
  }
}
