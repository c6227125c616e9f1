import { access } from 'node:fs/promises'
import { resolve } from 'node:path'
import { databaseFile } from '../model/database-file.ts'
import { type Connection, DatabaseError, type Dialect, failureCodes } from '../model/dialect.ts'
import { TenantryError } from '../model/errors.ts'
import type { RegistryDatabase, RegistryValue } from '../model/registry.ts'
import type { RegistryWords } from '../model/registry-words.ts'
import type { ServerAddress } from '../model/server.ts'

/** Where the registry is, and how much of it may be used at once. */
export interface RegistryPlace {
  server: ServerAddress
  database: string
  /** Most sessions at once. */
  poolMax: number
  connectTimeoutMs: number
}

/** How often a transaction is run again because others were in the way; each time after a longer pause. */
const mostAttempts = 12

/** Words of the dialect for a registry. Throws CONFIG_INVALID where it has none. */
export function wordsOf(dialect: Dialect): RegistryWords {
  if (dialect.registryWords !== undefined) return dialect.registryWords
  throw new TenantryError('CONFIG_INVALID', `A registry cannot be kept in a database of ${dialect.name}.`)
}

/** Sessions with the registry's database: opened when they are needed, at most `poolMax`, kept until `close()`. */
export class RegistrySessions implements RegistryDatabase {
  readonly dialect: Dialect
  readonly #words: RegistryWords
  readonly #place: RegistryPlace
  readonly #idle: Connection[] = []
  readonly #waiting: (() => void)[] = []
  readonly #texts = new Map<string, string>()
  #open = 0

  constructor(dialect: Dialect, place: RegistryPlace) {
    this.dialect = dialect
    this.#words = wordsOf(dialect)
    this.#place = place
  }

  query(sql: string, values: readonly RegistryValue[] = []): Promise<Record<string, unknown>[]> {
    return this.session((connection) => this.#ask(connection, sql, values))
  }

  async transaction<T>(work: (query: RegistryDatabase['query']) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.session((connection) => this.#attempt(connection, work))
      } catch (error) {
        if (!isWorthAnotherTry(error)) throw error
        if (attempt >= mostAttempts) throw this.#busy(error)
        // Those that were in each other's way must not meet again at once.
        await pause(Math.random() * 20 * 2 ** Math.min(attempt, 6))
      }
    }
  }

  #busy({ failure: { message } }: DatabaseError): TenantryError {
    return new TenantryError(
      'LOCK_TIMEOUT',
      `Others were in the way in the registry (${describePlace(this.#place)}), ${mostAttempts} times in a row: ${message.replace(/\.$/, '')}.`,
      { hint: 'Nothing was changed. Try again; if it stays so, look for a session there that hangs in a transaction.' },
    )
  }

  async #attempt<T>(connection: Connection, work: (query: RegistryDatabase['query']) => Promise<T>): Promise<T> {
    const { begin, commit, rollback } = this.#words
    for (const statement of begin) await connection.run(statement)
    try {
      const result = await work((sql, values = []) => this.#ask(connection, sql, values))
      await connection.run(commit)
      return result
    } catch (error) {
      if (!connection.broken) await connection.run(rollback).catch(() => connection.close())
      throw error
    }
  }

  /** Lends a session. Throws what {@link RegistryDatabase.query} throws. */
  async session<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    while (this.#open >= this.#place.poolMax && this.#idle.length === 0)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    let connection = this.#idle.pop()
    while (connection?.broken === true) {
      this.#open--
      connection = this.#idle.pop()
    }
    try {
      connection ??= await this.#connect()
      return await work(connection)
    } catch (error) {
      throw this.#describe(error)
    } finally {
      if (connection !== undefined && !connection.broken) this.#idle.push(connection)
      else if (connection !== undefined) this.#open--
      this.#waiting.shift()?.()
    }
  }

  async #connect(): Promise<Connection> {
    this.#open++
    const { server, database, connectTimeoutMs } = this.#place
    try {
      await refuseMissingFile(server, database)
      return await this.dialect.connect(server, database, { connectTimeoutMs, applicationName: 'tenantry' })
    } catch (error) {
      this.#open--
      throw error
    }
  }

  #ask(connection: Connection, sql: string, values: readonly RegistryValue[]): Promise<Record<string, unknown>[]> {
    return connection.query(this.#numbered(sql), values)
  }

  /** Question marks as this dialect writes them. */
  #numbered(sql: string): string {
    let text = this.#texts.get(sql)
    if (text === undefined) {
      let number = 0
      text = sql.replace(/\?/g, () => this.#words.placeholder(++number))
      // Texts with lists of values are long and many.
      if (sql.length < 2000 && this.#texts.size < 500) this.#texts.set(sql, text)
    }
    return text
  }

  /** What kept the registry from being asked is told as such; what a statement was refused for stays as it is. */
  #describe(error: unknown): unknown {
    if (!(error instanceof DatabaseError)) return error
    const { kind, message, sqlstate } = error.failure
    if (!unreached.has(kind)) return error
    const { server, database } = this.#place
    return new TenantryError(
      failureCodes[kind],
      `The registry (${describePlace(this.#place)}) could not be ${kind === 'connection-lost' ? 'asked any more' : 'reached'}: ${message.replace(/\.$/, '')}.`,
      {
        hint:
          kind === 'database-missing'
            ? 'Make the database, then `tenantry registry migrate`; or mend `registry.url` (TENANT_REGISTRY_DB_URL).'
            : 'Check that it runs, and that `registry.url` (TENANT_REGISTRY_DB_URL) names it. Nothing was changed by this.',
        context: { server: server.name, database, ...(sqlstate === null ? {} : { sqlstate }) },
      },
    )
  }

  async close(): Promise<void> {
    await Promise.all(
      this.#idle.splice(0).map((connection) => {
        this.#open--
        return connection.close()
      }),
    )
  }
}

const unreached: ReadonlySet<string> = new Set([
  'connection-lost',
  'unreachable',
  'authentication',
  'tls',
  'database-missing',
  'database-unusable',
  'too-many-connections',
])

function isWorthAnotherTry(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && (error.failure.kind === 'deadlock' || error.failure.kind === 'lock-timeout')
}

/** Whoever opens a file that is not there makes it; only `registry migrate` may. */
async function refuseMissingFile(server: ServerAddress, database: string): Promise<void> {
  const file = fileOf({ server, database })
  if (file === null) return
  try {
    await access(file)
  } catch {
    throw missingRegistry(`There is no registry yet: ${file} does not exist.`)
  }
}

/** The file that a registry is in; null: it is on a server. */
export function fileOf({ server, database }: Pick<RegistryPlace, 'server' | 'database'>): string | null {
  return server.host === '' ? resolve(server.directory ?? '.', databaseFile(database)) : null
}

/** Where a registry is, for people; without credentials. */
export function describePlace(place: Pick<RegistryPlace, 'server' | 'database'> & { schema?: string | null }): string {
  const { server, database, schema } = place
  const base = fileOf(place) ?? `${server.socketPath ?? `${server.host}:${server.port}`}/${database}`
  return schema == null ? base : `${base}/${schema}`
}

export function missingRegistry(message: string): TenantryError {
  return new TenantryError('REGISTRY_MISSING', message, { hint: 'Make it: `tenantry registry migrate`.' })
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
