import { setTimeout as sleep } from 'node:timers/promises'
import type { CodeRequest, CodeSession } from '../../model/code.ts'
import { type Connection, type ConnectOptions, DatabaseError, type PipelineOutcome } from '../../model/dialect.ts'
import type { ServerAddress } from '../../model/server.ts'
import { type CodeOwner, openCodeSession, type SqliteAnswer } from './code-session.ts'
import { type Driver, type Handle, loadDriver, type Row, type Value } from './driver.ts'
import { bare, isBusy, readFailure, refusals, refuse } from './failure.ts'
import { explainMissing, explainUnopened, fileOf } from './files.ts'
import { boundHandles } from './handles.ts'
import { type HeldLock, isLocked, takeLock } from './lock-file.ts'
import { readBusyTimeout, readLockMark, resetMark } from './marks.ts'
import { Pipeline } from './pipeline.ts'
import { findPosition } from './position.ts'
import { connectRemote } from './remote-connection.ts'
import { splitSql } from './split.ts'
import { Unenforced } from './unenforced.ts'
import { toValue } from './values.ts'
import { wordsOf } from './words.ts'

/** What each session begins with; the drivers do not agree on it. */
const settings = [
  'PRAGMA busy_timeout = 0',
  'PRAGMA foreign_keys = ON',
  'PRAGMA temp_store = MEMORY',
  // The transaction that is ours, and when it began. Undone with it, and emptied when it ends.
  'CREATE TEMP TABLE tenantry_step (token TEXT, began REAL)',
].join(';')

/**
 * Opens a file, or reaches a remote server; never makes a database. `database` is a name within the folder of its server
 * (`''`: a database in memory, which is nobody's), or a namespace. Throws {@link DatabaseError}, DRIVER_MISSING.
 */
export async function connect(server: ServerAddress, database: string, options: ConnectOptions): Promise<Connection> {
  if (server.host !== '') return connectRemote(server, database, options)
  const path = database === '' ? null : fileOf(server, database)
  await boundHandles()
  const connection = new SqliteConnection(loadDriver(), server, database, path, options)
  try {
    await connection.begin()
    return connection
  } catch (error) {
    await connection.close()
    throw error
  }
}

/**
 * A session with one file. SQLite works in this thread: a statement that takes long holds up the whole process, and can
 * neither be cancelled nor limited in time. Between statements both work. What somebody else has locked is waited for
 * without holding anything up, for as long as `PRAGMA busy_timeout` says.
 */
export class SqliteConnection implements Connection, CodeOwner {
  readonly server: ServerAddress
  readonly database: string
  /** Absolute; null: in memory. */
  readonly path: string | null
  readonly sessionId = process.pid
  version = 0
  broken = false
  readonly #driver: Driver
  readonly #options: ConnectOptions
  readonly #locks = new Map<string, HeldLock>()
  #handle: Handle | null = null
  #busyTimeoutMs: number
  #isCancelled = false
  /** Of the transaction that a pipeline left open: what it sent in it, and whether it does without foreign keys. */
  #opening: readonly string[] = []
  #unenforced: Unenforced | null = null

  constructor(driver: Driver, server: ServerAddress, database: string, path: string | null, options: ConnectOptions) {
    this.#driver = driver
    this.server = server
    this.database = database
    this.path = path
    this.#options = options
    this.#busyTimeoutMs = options.connectTimeoutMs
  }

  get serverVersion(): string {
    return [this.version / 1_000_000, (this.version / 1_000) % 1_000, this.version % 1_000].map(Math.floor).join('.')
  }

  get inTransaction(): boolean {
    return this.#handle?.inTransaction === true
  }

  /** Looks into the file, since SQLite itself reads nothing before it must. */
  async begin(): Promise<void> {
    const [row] = await this.query('SELECT sqlite_version() AS version, (SELECT count(*) FROM main.sqlite_master) AS n')
    const [major = 0, minor = 0, patch = 0] = String(row?.version).split('.').map(Number)
    this.version = major * 1_000_000 + minor * 1_000 + patch
  }

  async isPooled(): Promise<boolean> {
    return false
  }

  /** Throws what the driver throws, or {@link DatabaseError}. */
  #open(): Handle {
    if (this.broken) throw new DatabaseError(bare({ kind: 'connection-lost', message: 'the connection was closed' }))
    if (this.#handle !== null) return this.#handle
    const gone = this.path === null ? null : explainMissing(this.path)
    if (gone !== null) throw gone
    let handle: Handle | null = null
    try {
      handle = this.#driver.open(this.path === null ? { memory: true } : { existing: this.path })
      handle.exec(settings)
    } catch (error) {
      handle?.close()
      throw (handle === null && this.path !== null ? explainUnopened(this.path) : null) ?? error
    }
    this.#handle = handle
    return handle
  }

  /**
   * Does something again for as long as somebody else has the file locked. SQLite's own waiting would hold up the whole
   * process, and with it whoever in it has the lock.
   */
  async #patiently<T>(text: string, work: (handle: Handle) => T): Promise<T> {
    const until = performance.now() + this.#busyTimeoutMs
    for (let waitMs = 1; ; waitMs = Math.min(waitMs * 2, 50)) {
      if (this.#isCancelled) {
        throw new DatabaseError(bare({ kind: 'cancelled', message: 'it was cancelled between two statements' }))
      }
      const wasInside = this.#handle?.inTransaction === true
      try {
        return work(this.#open())
      } catch (error) {
        const mayRepeat = isBusy(error) && (this.#handle?.inTransaction === true) === wasInside
        if (!mayRepeat || performance.now() + waitMs > until) throw this.#explain(error, text)
      } finally {
        if (wasInside && this.#handle?.inTransaction === false) this.#handle.exec('DELETE FROM temp.tenantry_step')
      }
      await sleep(waitMs)
    }
  }

  #explain(error: unknown, text: string): DatabaseError {
    const handle = this.#handle
    const failure = readFailure(error, handle !== null)
    if (handle === null) return new DatabaseError(failure, error)
    return new DatabaseError({ ...failure, position: findPosition(handle, text, failure) }, error)
  }

  async query(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    this.#isCancelled = false
    return this.#rows(text, values.map(toValue))
  }

  async #rows(text: string, values: readonly Value[]): Promise<Row[]> {
    if (await this.#doneByUs(text)) return []
    if (holdsNothing(text)) return []
    return this.#giveUpWhole(this.#patiently(text, (handle) => handle.all(text, values)))
  }

  /** Statements one by one: each is its own transaction where none is open, as in the tools that send them. */
  async run(text: string): Promise<Row[]> {
    this.#isCancelled = false
    let rows: Row[] = []
    for (const { start, end } of splitSql(text)) rows = await this.#rows(text.slice(start, end), [])
    return rows
  }

  /** Asks several questions as of one moment. Throws {@link DatabaseError}. */
  async readTogether<T>(
    lockTimeoutMs: number,
    ask: (all: (text: string, values?: readonly Value[]) => Row[]) => T,
  ): Promise<T> {
    this.#isCancelled = false
    this.#busyTimeoutMs = lockTimeoutMs === 0 ? Number.POSITIVE_INFINITY : lockTimeoutMs
    const asked = this.#patiently('', (handle) => {
      const isOurs = !handle.inTransaction
      if (isOurs) handle.exec('BEGIN')
      try {
        return ask((text, values = []) => handle.all(text, values))
      } finally {
        if (isOurs) handle.exec('ROLLBACK')
      }
    })
    return this.#giveUpWhole(asked)
  }

  /**
   * A question that met a lock and is not asked again stays in progress, as long as the driver keeps its statement: so
   * the file is opened anew for the next one.
   */
  async #giveUpWhole<T>(asked: Promise<T>): Promise<T> {
    try {
      return await asked
    } catch (error) {
      const isBusyStill = error instanceof DatabaseError && error.failure.kind === 'lock-timeout'
      if (isBusyStill && this.#handle?.inTransaction === false) {
        this.#handle.close()
        this.#handle = null
      }
      throw error
    }
  }

  /** What is a mark, or a setting that the connection keeps itself. */
  async #doneByUs(text: string): Promise<boolean> {
    const busyTimeoutMs = readBusyTimeout(text)
    if (busyTimeoutMs !== null) {
      this.#busyTimeoutMs = busyTimeoutMs
      return true
    }
    if (text === resetMark) {
      await this.reset()
      for (const key of [...this.#locks.keys()]) this.unlock(key)
      return true
    }
    const key = readLockMark(text)
    if (key === null) return false
    if (!this.#locks.has(key) && this.path !== null && isLocked(this.path, key)) throw refuse(refusals.locked)
    return true
  }

  async pipeline(statements: readonly string[], onDone?: (index: number) => void): Promise<PipelineOutcome> {
    this.#isCancelled = false
    const session = this
    return new Pipeline(
      {
        carryOut: (text) => this.#carryOut(text),
        patiently: (text, work) => this.#patiently(text, work),
        rollBack: () => this.#rollBack(),
        get unenforced() {
          return session.#unenforced
        },
        set unenforced(unenforced) {
          session.#unenforced = unenforced
        },
        leaveOpen: (opening) => {
          this.#opening = opening
        },
        get isCancelled() {
          return session.#isCancelled
        },
      },
      statements,
      onDone,
    ).run()
  }

  async #carryOut(text: string): Promise<void> {
    if ((await this.#doneByUs(text)) || holdsNothing(text)) return
    await this.#patiently(text, (handle) => handle.exec(text))
  }

  #rollBack(): void {
    const handle = this.#handle
    if (handle?.inTransaction === true) {
      handle.exec('ROLLBACK')
      handle.exec('DELETE FROM temp.tenantry_step')
    }
    this.#unenforced?.restore()
    this.#unenforced = null
    this.#opening = []
  }

  /** Takes a target's lock for this session; null: somebody holds it. Held once, however often it is asked for. */
  lock(key: string): boolean {
    if (this.path === null || this.#locks.has(key)) return true
    const held = takeLock(this.path, key, this.#options.applicationName)
    if (held !== null) this.#locks.set(key, held)
    return held !== null
  }

  unlock(key: string): void {
    this.#locks.get(key)?.release()
    this.#locks.delete(key)
  }

  /** Does it hold the lock itself? */
  holds(key: string): boolean {
    return this.#locks.has(key)
  }

  openCode(request: CodeRequest): CodeSession {
    this.#isCancelled = false
    return openCodeSession(this, (text, values) => this.#execute(text, values.map(toValue)), request)
  }

  async #execute(text: string, values: readonly Value[]): Promise<SqliteAnswer> {
    return this.#giveUpWhole(this.#patiently(text, (handle) => handle.execute(text, values)))
  }

  async beginUnenforced(): Promise<void> {
    const opening = this.#opening
    const before = await this.#dataVersion()
    this.#rollBack()
    const unenforced = await this.#patiently('', (handle) => new Unenforced(handle))
    this.#unenforced = unenforced
    for (const text of opening) await this.#carryOut(text)
    unenforced.began()
    this.#opening = opening
    if ((await this.#dataVersion()) !== before) throw refuse(refusals.written)
  }

  /** Changes when another connection has written to the file. */
  async #dataVersion(): Promise<unknown> {
    const [row] = await this.#rows('PRAGMA data_version', [])
    return row?.data_version
  }

  /** Takes effect before the next statement: one that runs has this thread to itself. */
  async cancel(): Promise<void> {
    this.#isCancelled = true
  }

  /** Closes the file, and opens it again when it is next needed: nothing of a session survives that. */
  async reset(): Promise<void> {
    this.#rollBack()
    this.#handle?.close()
    this.#handle = null
    this.#busyTimeoutMs = this.#options.connectTimeoutMs
  }

  async close(): Promise<void> {
    if (this.broken) return
    await this.reset()
    for (const key of [...this.#locks.keys()]) this.unlock(key)
    this.broken = true
  }
}

/** Comments alone: the drivers take that for a mistake. */
function holdsNothing(text: string): boolean {
  return wordsOf(text, 1).length === 0
}
