import { CodeFault, type CodeFaultKind, type CodeSession } from '../../model/code.ts'
import type { DialectName } from '../../model/server.ts'
import type { Knexfile } from './knexfile.ts'
import { carryOutQuery, type SqliteClient, type SqliteQuery } from './sqlite-query.ts'

/** What is used of Knex; the same from 0.95 to 3. */
export interface Knex {
  client: KnexClient & { constructor: ClientClass }
  raw(sql: string): PromiseLike<unknown>
  transaction<T>(work: (trx: Transactor) => Promise<T>): Promise<T>
}

/** A transaction as code gets it. */
export interface Transactor extends Knex {
  commit(value?: unknown): unknown
  rollback(error?: unknown): unknown
}

interface KnexClient {
  config: Record<string, unknown>
  /** Of SQLite's clients: which of its drivers they are for. */
  driverName?: string
  connectionSettings: object
  schemaBuilder(): unknown
  queryBuilder(): unknown
  raw(...args: unknown[]): unknown
  transaction(...args: unknown[]): { isCompleted(): boolean }
  _query(connection: unknown, query: unknown): Promise<unknown>
}

type ClientClass = new (config: object) => KnexClient

export type MakeKnex = (config: object) => Knex

/** What is known about one run of a migration. */
export interface RunState {
  /** What it did and must not do, also if it went on as if nothing had been. */
  fault: { kind: CodeFaultKind; message: string } | null
  /** It has returned. */
  over: boolean
  /** It asked its knex for a query. */
  touched: boolean
  /** In the order in which they were begun. */
  transactions: { isCompleted(): boolean }[]
}

const clients: Partial<Record<DialectName, string>> = { postgres: 'pg', mysql: 'mysql2', sqlite: 'better-sqlite3' }

/** Knex's own warnings would come once per target, and between the lines of a report. */
const silent = { warn() {}, error() {}, deprecate() {}, debug() {} }

/**
 * Knex on a session of ours. A new instance each time, since making one takes no longer than a query and what a
 * migration still sends after it has returned must not end up in the next one. Without `connection` Knex makes no pool
 * and loads no driver.
 */
export function makeInstance(
  makeKnex: MakeKnex,
  session: CodeSession,
  knexfile: Knexfile | null,
  state: RunState,
): Knex {
  const { client: wanted, ...config } = knexfile?.config ?? {}
  const isOfDialect = typeof wanted === 'string' && dialectOfClient(wanted) === session.dialect
  const name = isOfDialect ? wanted : clients[session.dialect]
  const own = typeof wanted === 'function' ? (wanted as ClientClass) : null
  const Base = own ?? findClientClass(makeKnex, session.dialect, name)
  const knex = makeKnex({
    log: silent,
    ...config,
    // Else values of a statement become part of its error.
    compileSqlOnError: false,
    client: bindClient(Base, session, state),
    version: session.dialect === 'postgres' ? /^[\d.]+/.exec(session.serverVersion)?.[0] : session.serverVersion,
  })
  // Migrations look at these, and Knex itself asks for the database's name.
  const settings = session.dialect === 'sqlite' ? { filename: session.database } : { database: session.database }
  knex.client.config.client = name
  knex.client.config.connection = settings
  knex.client.connectionSettings = settings
  return knex
}

const classes = new WeakMap<MakeKnex, Map<string, ClientClass>>()

/**
 * Knex hands its clients' classes out only on an instance. Those of SQLite give the results of raw queries as their
 * drivers do, so that there the one that the knexfile names is taken.
 */
function findClientClass(makeKnex: MakeKnex, dialect: DialectName, named: string | undefined): ClientClass {
  const known = classes.get(makeKnex) ?? new Map<string, ClientClass>()
  classes.set(makeKnex, known)
  const client = dialect === 'sqlite' && named === 'sqlite3' ? named : (clients[dialect] ?? '')
  const found = known.get(client) ?? makeKnex({ client, log: silent }).client.constructor
  known.set(client, found)
  return found
}

/** The kind of database that a client of Knex is for; null: none that is known here. */
export function dialectOfClient(client: string): DialectName | null {
  if (/^(pg|pg-?native|postgres(ql)?)$/.test(client)) return 'postgres'
  if (/^(mysql2?|maria(db|sql)?)$/.test(client)) return 'mysql'
  return /sqlite|libsql/.test(client) ? 'sqlite' : null
}

/** A new one each time: Knex writes into what it is thrown. */
export function faultOf({ kind, message }: NonNullable<RunState['fault']>): CodeFault {
  return new CodeFault(kind, message)
}

/**
 * Knex's client with connections of ours. A class, not overrides on the instance: transactions make further clients
 * from the prototype.
 */
function bindClient(Base: ClientClass, session: CodeSession, state: RunState) {
  const refuse = async (message: string) => {
    state.fault ??= { kind: 'own-connection', message }
    throw faultOf(state.fault)
  }
  return class extends Base {
    async acquireConnection() {
      if (state.over) throw new CodeFault('late', 'it used its knex after it had returned; is an await missing?')
      return session.acquire()
    }
    async releaseConnection() {}
    acquireRawConnection() {
      return refuse('it tried to open a connection of its own')
    }
    cancelQuery() {
      return refuse('it tried to cancel a query over a connection of its own (`.timeout(ms, { cancel: true })`)')
    }
    initialize() {}
    initializePool() {}
    async destroy(done?: () => void) {
      done?.()
    }
    override _query(connection: unknown, query: unknown) {
      if (session.dialect !== 'sqlite') return super._query(connection, query)
      return carryOutQuery(connection as SqliteClient, query as SqliteQuery, this.driverName)
    }
    override schemaBuilder() {
      state.touched = true
      return super.schemaBuilder()
    }
    override queryBuilder() {
      state.touched = true
      return super.queryBuilder()
    }
    override raw(...args: unknown[]) {
      state.touched = true
      return super.raw(...args)
    }
    override transaction(...args: unknown[]) {
      state.touched = true
      const begun = super.transaction(...args)
      state.transactions.push(begun)
      return begun
    }
  }
}
