import type { CodeRequest, CodeSession } from '../../model/code.ts'
import {
  type Connection,
  type ConnectOptions,
  DatabaseError,
  type DatabaseFailure,
  type PipelineOutcome,
} from '../../model/dialect.ts'
import type { ServerAddress } from '../../model/server.ts'
import { openCodeSession } from './code-session.ts'
import { type Client, type ClientInside, loadDriver, openClient } from './driver.ts'
import { readFailure } from './failure.ts'
import { dealMessages, joinStatements, type Message, safeMessageBytes } from './messages.ts'
import { quoteIdentifier } from './quote.ts'
import { versionNumber } from './versions.ts'

type Rows = Record<string, unknown>[]

/** How our own questions read values; a migration's code has the driver's defaults. */
const reading = { dateStrings: true, supportBigNumbers: true } as const

/** Opens a session. Throws {@link DatabaseError}; its message names no credential. */
export async function connect(server: ServerAddress, database: string, options: ConnectOptions): Promise<Connection> {
  const driver = await loadDriver()
  const client = openClient(driver, server, database, options)
  try {
    await new Promise<void>((resolve, reject) => {
      client.once('connect', () => resolve())
      client.on('error', reject)
    })
  } catch (error) {
    client.destroy()
    throw new DatabaseError(readFailure(error, { established: false, database }))
  }
  return new MysqlConnection(client, server, database, options)
}

export class MysqlConnection implements Connection {
  readonly server: ServerAddress
  readonly database: string
  readonly version: number
  broken = false
  readonly #client: Client
  readonly #options: ConnectOptions
  #maxMessageBytes: number | null = null

  constructor(client: Client, server: ServerAddress, database: string, options: ConnectOptions) {
    this.#client = client
    this.server = server
    this.database = database
    this.#options = options
    this.version = versionNumber(this.#inside._handshakePacket?.serverVersion ?? '')
    // Without a listener an error between two questions would end the process.
    client.on('error', () => {
      this.broken = true
    })
    client.on('end', () => {
      this.broken = true
    })
    // The driver tells the command that is under way, and only that one: code may have sent it.
    this.#inside.stream.on('error', () => {
      this.broken = true
    })
    this.#inside.stream.on('close', () => {
      this.broken = true
    })
  }

  get #inside(): ClientInside {
    return this.#client as unknown as ClientInside
  }

  get sessionId(): number | null {
    return this.#client.threadId
  }

  /** Nothing in the protocol tells a proxy from a server, and those that share sessions keep a user's locks apart. */
  async isPooled(): Promise<boolean> {
    return false
  }

  /**
   * Values are sent apart from the text (a prepared statement): put into it by the driver they would be escaped with
   * backslashes, which mean nothing under NO_BACKSLASH_ESCAPES.
   */
  async query(text: string, values: readonly unknown[] = []): Promise<Rows> {
    if (values.length === 0) return this.run(text)
    return new Promise((resolve, reject) => {
      this.#client.execute(
        { ...reading, sql: text, values: [...values] as (string | number | null)[] },
        (error, result) => {
          if (error) reject(new DatabaseError(this.#read(error, text)))
          else resolve(lastRows(result))
        },
      )
    })
  }

  async run(text: string): Promise<Rows> {
    const { error, results } = await this.#send(text)
    if (error !== null) throw new DatabaseError(this.#read(error, text))
    return results.at(-1) ?? []
  }

  /** A text of several statements in one message; the rows of each. Throws {@link DatabaseError}. */
  async results(statements: readonly string[]): Promise<Rows[]> {
    const { error, results, done } = await this.#send(joinStatements(statements))
    if (error !== null) throw new DatabaseError(this.#read(error, statements[done]))
    return results
  }

  async pipeline(statements: readonly string[], onDone?: (index: number) => void): Promise<PipelineOutcome> {
    let done = 0
    const confirm = (until: number) => {
      for (; done < until; done++) onDone?.(done)
    }
    try {
      for (const message of dealMessages(statements, await this.#messageBytes(statements))) {
        const { from, statements: own } = message
        const count = (within: number) => confirm(from + Math.min(within, own.length))
        // A statement alone may have several results, which say nothing before the last.
        const sent = await this.#sendMessage(message, own.length === 1 ? () => {} : count)
        if (sent.error === null) {
          count(own.length)
          continue
        }
        count(Math.min(sent.done, own.length - 1))
        throw new DatabaseError(this.#read(sent.error, statements[done]))
      }
      return { done, failure: null }
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error
      if (!this.broken) await this.run('ROLLBACK').catch(() => [])
      return { done, failure: error.failure }
    }
  }

  /** Only a long pipeline is worth the question. */
  async #messageBytes(statements: readonly string[]): Promise<number> {
    if (statements.reduce((sum, text) => sum + Buffer.byteLength(text) + 3, 0) <= safeMessageBytes)
      return safeMessageBytes
    this.#maxMessageBytes ??= Number((await this.run('SELECT @@max_allowed_packet AS most'))[0]?.most)
    return Math.max(safeMessageBytes, Math.floor(this.#maxMessageBytes * 0.9))
  }

  async #sendMessage(message: Message, onDone: (done: number) => void): Promise<{ done: number; error: unknown }> {
    if (!message.isReset) return this.#send(joinStatements(message.statements), onDone)
    try {
      await this.reset()
      return { done: 1, error: null }
    } catch (error) {
      return { done: 0, error }
    }
  }

  /**
   * Sends a text of one or more statements. `done`: how many the server has confirmed.
   * @param onDone called with that number as results come in; for a statement with rows only when the next one answers
   */
  #send(text: string, onDone?: (done: number) => void): Promise<{ done: number; error: unknown; results: Rows[] }> {
    return new Promise((resolve) => {
      if (this.broken) {
        resolve({ done: 0, error: Object.assign(new Error('lost'), { code: 'PROTOCOL_CONNECTION_LOST' }), results: [] })
        return
      }
      let command: ReturnType<Client['query']> | null = null
      command = this.#client.query({ ...reading, sql: text }, (error, result) => {
        // The driver's own count of complete results; its events do not tell which of two a late error belongs to.
        // Where it knows that the session is closed it answers before it gives the command out.
        const done = (command as unknown as { _resultIndex: number } | null)?._resultIndex ?? 0
        if (error) resolve({ done, error, results: [] })
        else {
          const results = done === 0 ? [result] : (result as unknown[])
          resolve({ done: done + 1, error: null, results: results.map(lastRows) })
        }
      })
      if (onDone === undefined) return
      let begun = 0
      command.on('fields', (fields: unknown) => {
        begun++
        // Without fields it is complete; with fields its rows are still to come.
        onDone(fields === undefined ? begun : begun - 1)
      })
    })
  }

  #read(error: unknown, statement?: string): DatabaseFailure {
    const failure = readFailure(error, {
      established: true,
      database: this.database,
      ...(statement === undefined ? {} : { statement }),
    })
    if (failure.kind === 'connection-lost') this.broken = true
    return failure
  }

  openCode(request: CodeRequest): CodeSession {
    return openCodeSession(this, this.#client, request)
  }

  async cancel(): Promise<void> {
    const id = this.sessionId
    if (id === null || this.broken) return
    // Without a database: it may be the very one that is being dropped.
    const other = await connect(this.server, '', this.#options).catch(() => null)
    if (other === null) return
    // 1094: it has ended meanwhile.
    await other.query(`KILL QUERY ${id}`).catch(() => [])
    await other.close()
  }

  /** Takes back variables, user variables, temporary tables, prepared statements, locks and the transaction. */
  async reset(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      if (this.broken) {
        reject(new DatabaseError(this.#read(Object.assign(new Error('lost'), { code: 'PROTOCOL_CONNECTION_LOST' }))))
        return
      }
      const settle = (error: unknown) => (error ? reject(new DatabaseError(this.#read(error))) : resolve())
      // Older drivers know only the costlier way, which asks for the password again.
      if (this.#inside.reset !== undefined) this.#inside.reset(settle)
      else this.#client.changeUser({}, settle)
    })
    // The database stays what a USE made it, and character sets go back to the server's.
    const use = this.database === '' ? [] : [`USE ${quoteIdentifier(this.database)}`]
    await this.results(['SET NAMES utf8mb4 COLLATE utf8mb4_general_ci', ...use])
  }

  async close(): Promise<void> {
    const wasBroken = this.broken
    this.broken = true
    if (wasBroken) {
      this.#client.destroy()
      return
    }
    // A server that does not answer any more must not keep us.
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, 1000)
      this.#client.end(() => {
        clearTimeout(timer)
        resolve()
      })
    })
    this.#client.destroy()
  }
}

/** Of one result: its rows, or none where it is only a header. Of a CALL's several: the last rows. */
function lastRows(result: unknown): Rows {
  if (!Array.isArray(result)) return []
  if (result.some(Array.isArray)) return (result.findLast(Array.isArray) ?? []) as Rows
  return result as Rows
}
