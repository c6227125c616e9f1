import type { CodeRequest, CodeSession } from '../../model/code.ts'
import {
  type Connection,
  type ConnectOptions,
  DatabaseError,
  type PipelineOutcome,
  type TargetLock,
} from '../../model/dialect.ts'
import type { ServerAddress } from '../../model/server.ts'
import { type CodeOwner, openCodeSession, type SqliteAnswer } from './code-session.ts'
import type { Row, Value } from './driver.ts'
import { bare, refusals, refuse } from './failure.ts'
import { readBusyTimeout, readLockMark, resetMark, unenforcedMark } from './marks.ts'
import { isBusyThere, readServerError } from './remote-failure.ts'
import { checkSql, rewrite } from './remote-lease.ts'
import { LeaseBook } from './remote-lock.ts'
import { type OpenTransaction, RemotePipeline, type RemoteSession } from './remote-pipeline.ts'
import { placeOf, type RemotePlace, refuseMaking } from './remote-place.ts'
import { keepsNamespaces } from './remote-server.ts'
import { RemoteStream } from './remote-stream.ts'
import type { StepDone } from './remote-wire.ts'
import { splitSql } from './split.ts'
import { endsTransaction } from './unenforced.ts'
import { toValue } from './values.ts'
import { wordsOf } from './words.ts'

/** Reaches a database of a remote server; never makes one. Throws {@link DatabaseError}. */
export async function connectRemote(
  server: ServerAddress,
  database: string,
  options: ConnectOptions,
): Promise<RemoteConnection> {
  // No database of its own to give commands from: whoever asks for one wants to make or drop others.
  if (database === '') refuseMaking(server)
  const place = placeOf(server, database)
  const connection = new RemoteConnection(server, database, place, options)
  try {
    await Promise.all([connection.begin(), keepsNamespaces(place, options.connectTimeoutMs)])
    return connection
  } catch (error) {
    await connection.close()
    throw error
  }
}

/**
 * A session with one database of a libSQL server, over HTTP. Statements travel together, each under the condition that
 * the one before it was carried out.
 */
export class RemoteConnection implements Connection, CodeOwner {
  readonly server: ServerAddress
  readonly database: string
  readonly sessionId = process.pid
  version = 0
  serverVersion = ''
  readonly locks: LeaseBook
  readonly #stream: RemoteStream
  readonly #options: ConnectOptions
  #busyTimeoutMs: number
  #isCancelled = false
  #isClosed = false
  readonly #open: OpenTransaction = { hasStep: false, before: null, opening: [] }

  constructor(server: ServerAddress, database: string, place: RemotePlace, options: ConnectOptions) {
    this.server = server
    this.database = database
    this.#options = options
    this.#busyTimeoutMs = options.connectTimeoutMs
    const label =
      place.namespace === null
        ? `the host ${place.host} is no database by itself (a namespace is named as \`database\`, and made with the server's own tools)`
        : `namespace "${place.namespace}" of ${place.host}`
    this.#stream = new RemoteStream(place, label, options.connectTimeoutMs)
    this.locks = new LeaseBook(place, options, () => this.#stream.inTransaction)
  }

  async begin(): Promise<void> {
    const [row] = await this.query('SELECT sqlite_version() AS version')
    this.serverVersion = String(row?.version)
    const [major = 0, minor = 0, patch = 0] = this.serverVersion.split('.').map(Number)
    this.version = major * 1_000_000 + minor * 1_000 + patch
  }

  get broken(): boolean {
    return this.#isClosed || this.#stream.broken
  }

  get inTransaction(): boolean {
    return this.#stream.inTransaction
  }

  async isPooled(): Promise<boolean> {
    return false
  }

  async query(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    this.#isCancelled = false
    return (await this.#execute(text, values.map(toValue))).rows
  }

  async run(text: string): Promise<Row[]> {
    this.#isCancelled = false
    let rows: Row[] = []
    for (const { start, end } of splitSql(text)) rows = (await this.#execute(text.slice(start, end), [])).rows
    return rows
  }

  /** @param isHeld outside of a transaction it is not carried out once a lock of this process is somebody else's */
  async #execute(text: string, values: readonly Value[], isHeld = false): Promise<StepDone> {
    const nothing: StepDone = { rows: [], columns: [], changes: 0, lastInsertRowid: 0 }
    if (this.#isCancelled) {
      throw new DatabaseError(bare({ kind: 'cancelled', message: 'it was cancelled between two messages' }))
    }
    const isOurs = text === resetMark || readLockMark(text) !== null || readBusyTimeout(text) !== null
    // A pipeline sees to what belongs to the end of a transaction.
    if (isOurs || text === unenforcedMark || (endsTransaction(text) && this.inTransaction)) {
      const { failure } = await this.pipeline([text])
      if (failure !== null) throw new DatabaseError(failure)
      return nothing
    }
    if (wordsOf(text, 1).length === 0) return nothing
    return this.locks.busyWith(() =>
      this.#patiently(async () => {
        const checks = isHeld && !this.inTransaction ? this.locks.inForce().map(checkSql) : []
        return this.#stream.ask({ sql: rewrite(text), values, wantsRows: true }, checks)
      }, text),
    )
  }

  /** Does it again for as long as somebody else writes. */
  async #patiently(ask: () => ReturnType<RemoteStream['ask']>, text: string): Promise<StepDone> {
    const until = performance.now() + this.#busyTimeoutMs
    for (let waitMs = 5; ; waitMs = Math.min(waitMs * 2, 200)) {
      const wasInside = this.inTransaction
      const { done, error } = await ask()
      if (done !== null) return done
      const failure = readServerError(error ?? { message: 'it was not carried out', code: '' }, text)
      const mayRepeat = error !== null && isBusyThere(error) && !wasInside && !this.inTransaction
      if (!mayRepeat || performance.now() + waitMs > until) throw new DatabaseError(failure)
      await new Promise((resolve) => setTimeout(resolve, waitMs))
    }
  }

  /** Several questions as of one moment, in one message: rows, or why there are none. Throws {@link DatabaseError}. */
  async readTogether(
    questions: readonly { sql: string; values?: readonly Value[] }[],
  ): Promise<(Row[] | DatabaseError)[]> {
    const begin = this.inTransaction ? [] : [{ sql: 'BEGIN' }]
    const condition = begin.length === 0 ? {} : { condition: { type: 'ok', step: 0 } as const }
    const steps = [
      ...begin,
      ...questions.map((one) => ({ ...one, wantsRows: true, ...condition })),
      ...(begin.length === 0 ? [] : [{ sql: 'ROLLBACK', ...condition }]),
    ]
    const [result] = await this.locks.busyWith(() => this.#stream.send([steps]))
    return questions.map(({ sql }, i) => {
      if (result === undefined || 'error' in result)
        return new DatabaseError(readServerError(result?.error ?? { message: 'no answer', code: '' }, sql))
      const step = result.steps[i + begin.length]
      const error = step?.error ?? result.steps[0]?.error ?? { message: 'it was not carried out', code: '' }
      return step?.done?.rows ?? new DatabaseError(readServerError(error, sql))
    })
  }

  async pipeline(statements: readonly string[], onDone?: (index: number) => void): Promise<PipelineOutcome> {
    this.#isCancelled = false
    return this.locks.busyWith(() => new RemotePipeline(this.#session(), statements, onDone).run())
  }

  #session(): RemoteSession {
    const [session, stream, locks] = [this, this.#stream, this.locks]
    return {
      applicationName: this.#options.applicationName,
      get inTransaction() {
        return stream.inTransaction
      },
      get isCancelled() {
        return session.#isCancelled
      },
      get busyTimeoutMs() {
        return session.#busyTimeoutMs
      },
      set busyTimeoutMs(ms) {
        session.#busyTimeoutMs = ms
      },
      open: this.#open,
      carryOut: (planned, last) => stream.carryOut(planned, last),
      async resetAll() {
        await session.reset()
        await locks.releaseAll()
      },
      leases: () => [...locks.inForce(), ...locks.passing],
      holds: (key) => locks.holds(key),
      passing: locks.passing,
      newPassing: (key) => locks.newPassing(key),
      forgetPassing: () => locks.forgetPassing(),
      clearAbandoned: (key) => locks.clearAbandoned(key),
    }
  }

  /** Comes back when whatever was being written has been, and rolled back or committed. Throws {@link DatabaseError}. */
  async waitForWriters(): Promise<void> {
    if (this.inTransaction) return
    const { failure } = await this.pipeline(['BEGIN IMMEDIATE', 'ROLLBACK'])
    if (failure !== null) throw new DatabaseError(failure)
  }

  /** One try for a target's lock; null: somebody has it. Transactions that were under way before are waited for. */
  async takeLock(key: string): Promise<TargetLock | null> {
    if (!(await this.locks.take(key))) return null
    try {
      await this.waitForWriters()
    } catch (error) {
      await this.locks.release(key)
      throw error
    }
    return { freedByReset: true, release: () => this.locks.release(key) }
  }

  openCode(request: CodeRequest): CodeSession {
    this.#isCancelled = false
    const send = async (text: string, values: readonly unknown[]): Promise<SqliteAnswer> => {
      const { rows, columns, changes, lastInsertRowid } = await this.#execute(text, values.map(toValue), true)
      return { rows, columns, changes, lastInsertRowid }
    }
    return openCodeSession(this, send, request)
  }

  async beginUnenforced(): Promise<void> {
    const { opening } = this.#open
    const before = await this.#dataVersion()
    const { failure: notEnded } = await this.pipeline(['ROLLBACK'])
    const { failure } = notEnded === null ? await this.pipeline([...opening, unenforcedMark]) : { failure: notEnded }
    if (failure !== null) throw new DatabaseError(failure)
    if ((await this.#dataVersion()) !== before) throw refuse(refusals.written)
  }

  /** Changes when another session has written. */
  async #dataVersion(): Promise<unknown> {
    const [row] = await this.query('PRAGMA data_version')
    return row?.data_version
  }

  /** Takes effect before the next message: nobody can end what the server carries out. */
  async cancel(): Promise<void> {
    this.#isCancelled = true
  }

  /** Ends the session in the server; the next statement begins another. */
  async reset(): Promise<void> {
    await this.#stream.end()
    Object.assign(this.#open, { hasStep: false, before: null, opening: [] })
    this.#busyTimeoutMs = this.#options.connectTimeoutMs
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    await this.reset()
    await this.locks.releaseAll()
    this.#isClosed = true
  }
}
