import { type CodeContext, CodeFault, type CodeSession } from '../../model/code.ts'
import { TenantryError } from '../../model/errors.ts'
import type { DialectName } from '../../model/server.ts'
import { loadUserPackage } from '../user-package.ts'
import type { Knexfile } from './knexfile.ts'

/** Runs functions of migrations on Knex instances that live on our sessions. */
export interface Bind {
  /** What the knexfile says for migrations that say nothing: in a transaction, or not. */
  transactions: boolean
  /** Finds the project's own knex. Throws DRIVER_MISSING. */
  prepare(): Promise<void>
  run(context: CodeContext, task: Task): Promise<void>
}

/** One direction of one migration. */
export interface Task {
  call(...args: readonly unknown[]): unknown
  transaction: boolean
  /** What Knex's hooks get to know a migration by. */
  info: unknown
  /** It does nothing, so that it need not return a promise. */
  empty: boolean
  shown: string
}

/** What is used of Knex; the same from 0.95 to 3. */
interface Knex {
  client: KnexClient & { constructor: new (config: object) => KnexClient }
  raw(sql: string): PromiseLike<unknown>
  transaction<T>(work: (trx: Transaction) => Promise<T>): Promise<T>
}

interface Transaction extends Knex {
  commit(value?: unknown): unknown
  rollback(error?: unknown): unknown
}

interface KnexClient {
  config: Record<string, unknown>
  connectionSettings: object
  schemaBuilder(): unknown
  queryBuilder(): unknown
  raw(...args: unknown[]): unknown
  /** MySQL, from 3.2 on: notes from `version` whether it is MariaDB. Connects to nothing when it is given a connection. */
  checkVersion?(connection: unknown): Promise<unknown>
}

type MakeKnex = (config: object) => Knex

const clients: Partial<Record<DialectName, string>> = { postgres: 'pg', mysql: 'mysql2' }

/** Knex's own warnings would come once per target, and between the lines of a report. */
const silent = { warn() {}, error() {}, deprecate() {}, debug() {} }

/** Binds migrations to the project's own knex, looked for from each of these folders in turn. */
export function bindKnex(knexfile: Knexfile | null, folders: readonly string[]): Bind {
  const find = async () => (await loadUserPackage('knex', folders)).module as MakeKnex
  const hooks = knexfile?.migrations ?? {}
  return {
    transactions: hooks.disableTransactions !== true,
    async prepare() {
      await find()
    },
    async run({ session, direction, target }, task) {
      const state: State = { fault: null, over: false, touched: false }
      const knex = makeOn(await find(), session, knexfile, state)
      const searchPath = session.schema === null && session.dialect === 'postgres' ? (knexfile?.searchPath ?? []) : []
      const work = async (given: Knex) => {
        if (searchPath.length > 0) await setSearchPath(given, searchPath, task.transaction)
        await callHook(hooks.beforeEach, given, task.info)
        state.touched = false
        const result = task.call(given)
        if (!isThenable(result) && state.touched && !task.empty) throw notAwaited(task, direction, target)
        await result
        await callHook(hooks.afterEach, given, task.info)
      }
      try {
        session.holdsOutermost = task.transaction
        if (task.transaction) await inTransaction(knex, work)
        else await work(knex)
      } finally {
        state.over = true
      }
      if (state.fault !== null) throw state.fault
    },
  }
}

/** What is known about one run. */
interface State {
  /** What it did and must not do, also if it went on as if nothing had been. */
  fault: CodeFault | null
  /** It has returned. */
  over: boolean
  /** It asked its knex for a query. */
  touched: boolean
}

/**
 * A new instance each time, since making one takes no longer than a query and what a migration still sends after it has
 * returned must not end up in the next one. Without `connection` Knex makes no pool and loads no driver.
 */
function makeOn(makeKnex: MakeKnex, session: CodeSession, knexfile: Knexfile | null, state: State): Knex {
  const { client: wanted, ...config } = knexfile?.config ?? {}
  const name = clients[session.dialect]
  const Base = typeof wanted === 'function' ? wanted : makeKnex({ client: name, log: silent }).client.constructor
  const knex = makeKnex({
    log: silent,
    ...config,
    // Else values of a statement become part of its error.
    compileSqlOnError: false,
    client: boundClient(Base as typeof Base & (new (config: object) => KnexClient), session, state),
    version: session.dialect === 'postgres' ? /^[\d.]+/.exec(session.serverVersion)?.[0] : session.serverVersion,
  })
  // Migrations look at these, and Knex itself asks for the database's name.
  const settings = { database: session.database }
  knex.client.config.client = typeof wanted === 'string' && sameKind(wanted, session.dialect) ? wanted : name
  knex.client.config.connection = settings
  knex.client.connectionSettings = settings
  return knex
}

function sameKind(client: string, dialect: DialectName): boolean {
  return dialectOfClient(client) === dialect
}

/** The kind of database that a client of Knex is for; null: none that is known here. */
export function dialectOfClient(client: string): DialectName | null {
  if (/^(pg|pg-?native|postgres(ql)?)$/.test(client)) return 'postgres'
  if (/^(mysql2?|maria(db|sql)?)$/.test(client)) return 'mysql'
  return /sqlite/.test(client) ? 'sqlite' : null
}

/**
 * Knex's client with connections of ours. A class, not overrides on the instance: transactions make further clients
 * from the prototype.
 */
function boundClient(Base: new (config: object) => KnexClient, session: CodeSession, state: State) {
  const refuse = async (what: string) => {
    state.fault ??= new CodeFault('own-connection', what)
    throw state.fault
  }
  return class extends Base {
    async acquireConnection() {
      if (state.over) throw new CodeFault('late', 'it used its knex after it had returned')
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
  }
}

/** In ours this is a savepoint. What the code itself does to it is noticed: Knex would take both for success. */
async function inTransaction(knex: Knex, work: (given: Knex) => Promise<void>): Promise<void> {
  const own: { ended: 'rolled-back' | 'ended-ours' | null } = { ended: null }
  await knex.transaction(async (trx) => {
    let returned = false
    const { commit, rollback } = trx
    trx.commit = (value) => {
      if (!returned) own.ended ??= 'ended-ours'
      return commit(value)
    }
    trx.rollback = (error) => {
      if (!returned) own.ended ??= 'rolled-back'
      return rollback(error)
    }
    try {
      await work(trx)
    } finally {
      returned = true
    }
  })
  if (own.ended === 'rolled-back')
    throw new CodeFault(
      'rolled-back',
      'it rolled back its transaction (`trx.rollback()`) and returned as if all were well',
    )
  if (own.ended === 'ended-ours')
    throw new CodeFault('ended-ours', 'it committed the transaction that it was given (`trx.commit()`)')
}

async function setSearchPath(knex: Knex, schemas: readonly string[], local: boolean): Promise<void> {
  const path = schemas.map((schema) => `"${schema.replaceAll('"', '""')}"`).join(', ')
  await knex.raw(`SET ${local ? 'LOCAL ' : ''}search_path TO ${path}`)
}

async function callHook(hook: unknown, knex: Knex, info: unknown): Promise<void> {
  if (typeof hook === 'function') await hook(knex, [info])
}

function notAwaited({ shown }: Task, direction: 'up' | 'down', target: string): TenantryError {
  return new TenantryError(
    'MIGRATION_FAILED',
    `${shown} failed in ${target}: \`${direction}\` made a query and returned no promise, so nobody can wait for it.`,
    {
      hint: `Make \`${direction}\` an async function and await its queries, or return them. Knex itself only warns, and records a migration of which nothing, or only a part, was carried out.`,
      context: { target, file: shown },
    },
  )
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  const holder = (typeof value === 'object' && value !== null) || typeof value === 'function'
  return holder && typeof (value as { then?: unknown }).then === 'function'
}

export function isBoolean(value: unknown): value is boolean {
  return value === true || value === false
}
