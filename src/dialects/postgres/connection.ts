import { checkServerIdentity } from 'node:tls'
import type { Client, ClientConfig } from 'pg'
import type { CodeRequest, CodeSession } from '../../model/code.ts'
import {
  type Connection,
  type ConnectOptions,
  DatabaseError,
  type DatabaseFailure,
  type PipelineOutcome,
} from '../../model/dialect.ts'
import { TenantryError } from '../../model/errors.ts'
import type { ServerAddress } from '../../model/server.ts'
import { openCodeSession } from './code-session.ts'
import { readFailure } from './failure.ts'
import { sessionReset } from './phrases.ts'
import { Pipeline } from './pipeline.ts'
import { quoteIdentifier } from './quote.ts'

type Driver = typeof import('pg')

/** What the driver keeps and does not type: needed for cancelling and for the server's version. */
interface ClientInside {
  processID: number | null
  secretKey: number | null
  connection: {
    on(event: string, listener: (message: { parameterName: string; parameterValue: string }) => void): void
    once(event: string, listener: () => void): void
    connect(port: number | string, host?: string): void
    requestSsl(): void
    cancel(processId: number, secretKey: number): void
  }
}

async function loadDriver(): Promise<Driver> {
  try {
    const loaded = await import('pg')
    return (loaded.default ?? loaded) as Driver
  } catch (cause) {
    throw new TenantryError('DRIVER_MISSING', 'The PostgreSQL driver "pg" is not installed.', {
      hint: 'Install it beside tenantry: npm install pg',
      cause,
    })
  }
}

function clientConfig(server: ServerAddress, database: string, options: ConnectOptions): ClientConfig {
  const { tls } = server
  return {
    host: server.socketPath ?? server.host,
    port: server.port,
    database,
    user: server.user ?? process.env.PGUSER ?? process.env.USER ?? 'postgres',
    ...(server.password === undefined ? {} : { password: server.password.reveal() }),
    application_name: options.applicationName,
    connectionTimeoutMillis: options.connectTimeoutMs,
    keepAlive: true,
    // Else the system asks a silent peer after two hours for the first time, and a run would wait as long for a host
    // that is gone. With it Node gives up after ten further questions, one a second.
    keepAliveInitialDelayMillis: 30_000,
    ssl: tls === null || server.socketPath !== undefined ? false : tlsConfig(tls, server.host),
  }
}

/** For `new pg.Pool(…)`. A transaction pooler refuses `options`: there the application sets its path itself. */
export function driverOptions(
  server: ServerAddress,
  database: string,
  schema: string | null,
  sharedSchema: string,
): Record<string, unknown> {
  const {
    application_name: _,
    connectionTimeoutMillis: __,
    ...options
  } = clientConfig(server, database, {
    applicationName: '',
    connectTimeoutMs: 0,
  })
  if (schema === null) return { ...options }
  const path = [...new Set([schema, sharedSchema])].map(quoteIdentifier).join(',')
  // Spaces and backslashes are escaped in this parameter of the protocol's start-up message.
  return { ...options, options: `-c search_path=${path.replace(/[\\ ]/g, '\\$&')}` }
}

function tlsConfig(
  tls: NonNullable<ServerAddress['tls']>,
  host: string,
): Exclude<ClientConfig['ssl'], boolean | undefined> {
  return {
    rejectUnauthorized: tls.verify !== 'none',
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key.reveal() }),
    ...(tls.servername === undefined ? {} : { servername: tls.servername }),
    // The driver replaces the name it is given by the host, and older ones check an IP address as "localhost".
    checkServerIdentity: (_name, cert) =>
      tls.verify === 'full' ? checkServerIdentity(tls.servername ?? host, cert) : undefined,
  }
}

/** A client of the driver that is not connected yet, for what speaks with the server by itself. */
export async function makeClient(server: ServerAddress, database: string): Promise<Client> {
  const driver = await loadDriver()
  return new driver.Client(clientConfig(server, database, { connectTimeoutMs: 10_000, applicationName: 'tenantry' }))
}

/** Opens a session. Throws {@link DatabaseError}; its message names no credential. */
export async function connect(server: ServerAddress, database: string, options: ConnectOptions): Promise<Connection> {
  const driver = await loadDriver()
  const client = new driver.Client(clientConfig(server, database, options))
  const connection = new PostgresConnection(driver, client, server, database, options)
  try {
    await client.connect()
  } catch (error) {
    client.end().catch(() => {})
    throw new DatabaseError(readFailure(error, false))
  }
  return connection
}

export class PostgresConnection implements Connection {
  readonly server: ServerAddress
  readonly database: string
  version = 0
  broken = false
  readonly #driver: Driver
  readonly #client: Client
  readonly #options: ConnectOptions
  #pooled: Promise<boolean> | null = null

  constructor(driver: Driver, client: Client, server: ServerAddress, database: string, options: ConnectOptions) {
    this.#driver = driver
    this.#client = client
    this.server = server
    this.database = database
    this.#options = options
    // The driver emits `error` as well as rejecting; without a listener it would end the process.
    client.on('error', () => {
      this.broken = true
    })
    client.on('end', () => {
      this.broken = true
    })
    this.#inside.connection.on('parameterStatus', ({ parameterName, parameterValue }) => {
      if (parameterName === 'server_version') this.version = versionNumber(parameterValue)
    })
  }

  get #inside(): ClientInside {
    return this.#client as unknown as ClientInside
  }

  get sessionId(): number | null {
    return this.#inside.processID
  }

  isPooled(): Promise<boolean> {
    this.#pooled ??= this.query('SELECT pg_backend_pid() AS pid').then(([row]) => row?.pid !== this.#inside.processID)
    return this.#pooled
  }

  /** An answer told which backend gave it: then {@link isPooled} need not ask. */
  answeredBy(pid: number): void {
    this.#pooled ??= Promise.resolve(pid !== this.#inside.processID)
  }

  async query(text: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> {
    try {
      const result = await this.#client.query(text, [...values])
      return result.rows as Record<string, unknown>[]
    } catch (error) {
      throw new DatabaseError(this.#read(error))
    }
  }

  async run(text: string): Promise<Record<string, unknown>[]> {
    try {
      // The driver gives one result, or an array of them, by how many statements the text holds.
      const results = [await this.#client.query(text)].flat()
      return (results.at(-1)?.rows ?? []) as Record<string, unknown>[]
    } catch (error) {
      throw new DatabaseError(this.#read(error))
    }
  }

  async pipeline(statements: readonly string[], onDone?: (index: number) => void): Promise<PipelineOutcome> {
    if (this.broken) return { done: 0, failure: readFailure(new Error('Connection terminated'), true) }
    const { done, error } = await new Promise<{ done: number; error: unknown }>((resolve) => {
      this.#client.query(new Pipeline(statements, onDone, (count, reason) => resolve({ done: count, error: reason })))
    })
    if (error === null) return { done, failure: null }
    const failure = this.#read(error)
    // The driver's idea of the transaction is stale at this point, so always roll back.
    if (!this.broken) await this.#client.query('ROLLBACK').catch((reason: unknown) => this.#read(reason))
    return { done, failure }
  }

  #read(error: unknown): DatabaseFailure {
    const failure = readFailure(error, true)
    if (failure.kind === 'connection-lost') this.broken = true
    return failure
  }

  openCode(request: CodeRequest): CodeSession {
    return openCodeSession(this, this.#client, request)
  }

  async cancel(): Promise<void> {
    const { processID, secretKey } = this.#inside
    if (processID === null || secretKey === null || this.broken) return
    const other = new this.#driver.Client(clientConfig(this.server, this.database, this.#options))
    const wire = (other as unknown as ClientInside).connection
    other.on('error', () => {})
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#options.connectTimeoutMs).unref()
      wire.on('error', () => resolve())
      wire.once('end', () => {
        clearTimeout(timer)
        resolve()
      })
      const secured = this.server.tls !== null && this.server.socketPath === undefined
      // It is the driver's client, not its connection, that asks for TLS; here there is only the connection.
      if (secured) wire.once('connect', () => wire.requestSsl())
      wire.once(secured ? 'sslconnect' : 'connect', () => wire.cancel(processID, secretKey))
      if (this.server.socketPath === undefined) wire.connect(this.server.port, this.server.host)
      else wire.connect(`${this.server.socketPath}/.s.PGSQL.${this.server.port}`)
    })
  }

  async reset(): Promise<void> {
    await this.run(sessionReset.join('; '))
  }

  async close(): Promise<void> {
    this.broken = true
    await this.#client.end().catch(() => {})
  }
}

/** `18.4 (Debian 18.4-1)` → 180004, `14beta2` → 140000. */
function versionNumber(text: string): number {
  const [major = '0', minor = '0'] = text.split(/[^0-9]+/)
  return Number(major) * 10_000 + Number(minor || '0')
}
