import { setImmediate as yieldNow } from 'node:timers/promises'
import type { CodeFailure, CodeRequest, HeldStatement } from '../../model/code.ts'
import { DatabaseError } from '../../model/dialect.ts'
import { CodeFailures } from '../code-failures.ts'
import { CodeFaults, late } from '../code-faults.ts'
import { CodeTally, type TallyMark } from '../code-tally.ts'
import { unknownId, unknownIdUsed, usesUnknownId } from '../unknown-ids.ts'
import { bindValues } from './bind-values.ts'
import { errorForCode } from './code-error.ts'
import { CodeJournal } from './code-journal.ts'
import type { CodeOwner, CodeValues, SqliteAnswer, SqliteSend } from './code-session.ts'
import { type CodeStatement, readCodeStatements } from './code-statement.ts'
import { bare } from './failure.ts'

/** Who sends: one client that was handed out. */
export type Sender = object

/** A transaction or a savepoint of the code. */
interface Point {
  /** null: a savepoint that the code named itself. */
  by: Sender | null
  /** Of the savepoint; null: it is a transaction of SQLite's own. */
  name: string | null
  mark: TallyMark
}

/** A file answers within the turn: now and then the process may do something else. */
const breathEveryMs = 15

/**
 * What the code sends, one after the other. In a transaction of ours its own become savepoints. Without one they are
 * SQLite's own, and what stands alone is carried out in a transaction with the note of how far it came.
 */
export class CodeLine {
  readonly tally: CodeTally
  readonly failures = new CodeFailures()
  readonly collected: string[] = []
  readonly #owner: CodeOwner
  readonly #send: SqliteSend
  readonly #request: CodeRequest
  readonly #journal: CodeJournal
  readonly #faults = new CodeFaults()
  /** Senders whose transaction SQLite ended by itself: the ROLLBACK that follows has nothing to do. */
  readonly #endedBadly = new WeakSet<Sender>()
  #tail: Promise<unknown> = Promise.resolve()
  #closed = false
  #points: Point[] = []
  #savepoints = 0
  #statement = 0
  /** Why what it had sent could not be repeated in whole: nothing more is carried out, and nothing of it may commit. */
  #halfRepeated: unknown = null
  #unrecorded = false
  #breathedAt = performance.now()
  /** What code believes of foreign keys: in a transaction, PRAGMA would not switch them. */
  #enforced = true

  constructor(owner: CodeOwner, send: SqliteSend, request: CodeRequest) {
    this.#owner = owner
    this.#send = send
    this.#request = request
    this.#journal = new CodeJournal(owner, send)
    this.tally = new CodeTally(request.resume, this.failures)
  }

  run(by: Sender, text: string, values: CodeValues): Promise<SqliteAnswer> {
    if (this.#closed) return Promise.reject(late())
    const result = this.#tail.then(async () => {
      if (performance.now() - this.#breathedAt > breathEveryMs) {
        await yieldNow()
        this.#breathedAt = performance.now()
      }
      if (this.#closed) throw late()
      const statements = readCodeStatements(text)
      let answer = nothing()
      for (const statement of statements) answer = await this.#one(by, statement, values)
      return answer
    })
    this.#tail = result.catch(() => {})
    return result
  }

  close(): void {
    this.#closed = true
  }

  async finish(): Promise<readonly HeldStatement[]> {
    for (let tail: unknown = null; tail !== this.#tail; ) {
      tail = this.#tail
      await tail
    }
    const { transaction, preview } = this.#request
    if (this.#owner.broken)
      throw new DatabaseError(bare({ kind: 'connection-lost', message: 'the connection was closed' }))
    // In ours, a savepoint that the code named itself ends with it; on its own it is a transaction.
    const isOpen = this.#points.some(({ by }) => by !== null || !transaction)
    if (!transaction && !preview && this.#points.length > 0) await this.#rollbackAll()
    this.#faults.throwIfSet()
    if (this.#halfRepeated !== null) throw this.#halfRepeated
    if (isOpen) throw this.#faults.leftOpen()
    if (transaction && !preview && this.#owner.inTransaction === false) throw this.#faults.endedOurs()
    await this.#record()
    this.tally.finish()
    return []
  }

  async #one(by: Sender, statement: CodeStatement, values: CodeValues): Promise<SqliteAnswer> {
    const isBack = statement.does === 'rollback' || statement.does === 'rollback-to'
    if (!isBack) this.#faults.throwIfSet()
    if (this.#halfRepeated !== null) {
      if (isBack || statement.does === 'release') return nothing()
      throw this.#halfRepeated
    }
    switch (statement.does) {
      case 'begin':
        return this.#begin(by, statement)
      case 'commit':
        return this.#commit(by)
      case 'rollback':
        return this.#rollback(by)
      case 'savepoint':
      case 'release':
      case 'rollback-to':
        return this.#savepoint(statement)
      case 'foreign-keys':
        return this.#foreignKeys(statement)
      case 'nothing':
        return nothing()
      case 'refused':
        throw new Error(
          `${statement.kind} is not offered to migrations: it reaches for a file that is not the target's own`,
        )
      case 'read':
      case 'session':
        this.#statement++
        if (statement.does === 'session' && this.#request.preview) return nothing()
        return this.#carryOut(statement, values, statement.does === 'session')
      default:
        return this.#change(statement, values)
    }
  }

  async #change(statement: CodeStatement, values: CodeValues): Promise<SqliteAnswer> {
    const { text, does, name } = statement
    const { preview, transaction, progress } = this.#request
    this.#statement++
    const hashed = Array.isArray(values) ? values : Object.entries(values).flat()
    if (preview) {
      this.collected.push(text)
      this.tally.count(text, hashed)
      return nothing()
    }
    if (this.#faults.keep(() => this.tally.wasDone(text, hashed))) return nothing(unknownId(this.tally.done))
    if (this.#request.resume !== null && usesUnknownId(text, hashed)) throw this.#faults.set('diverged', unknownIdUsed)
    const isAtomic = does !== 'alone' || this.#points.length > 0
    if (!(await this.tally.mustRun(text, isAtomic))) {
      this.tally.count(text, hashed)
      this.#unrecorded = true
      await this.#record()
      return nothing()
    }
    if (transaction && name !== null && !this.#journal.isUnenforced && (await this.#isReferenced(name)))
      await this.#goUnenforced()
    const isAlone = !transaction && this.#points.length === 0
    if (isAlone && isAtomic && progress !== null) return this.#withProgress(statement, values, hashed)
    const answer = await this.#carryOut(statement, values, true)
    this.tally.count(text, hashed)
    this.#unrecorded = true
    await this.#record()
    return answer
  }

  /** A statement and how far it came, or neither. */
  async #withProgress(statement: CodeStatement, values: CodeValues, hashed: unknown[]): Promise<SqliteAnswer> {
    const mark = this.tally.mark()
    await this.#ours(['BEGIN IMMEDIATE'])
    try {
      const answer = await this.#carryOut(statement, values, true)
      this.tally.count(statement.text, hashed)
      await this.#ours([...this.#progress(), 'COMMIT'])
      this.#unrecorded = false
      return answer
    } catch (error) {
      this.tally.restore(mark)
      if (this.#mayBeInside()) await this.#send('ROLLBACK', []).catch(() => {})
      throw error
    }
  }

  /**
   * With foreign keys enforced, DROP TABLE deletes what refers to the table, or is refused: also where the table is only
   * rebuilt. Source: https://sqlite.org/foreignkeys.html, 5.
   */
  async #isReferenced(table: string): Promise<boolean> {
    const { rows } = await this.#send(
      `SELECT 1 AS n FROM main.sqlite_master AS child, pragma_foreign_key_list(child.name) AS key
        WHERE child.type = 'table' AND key."table" = ? COLLATE NOCASE AND child.name <> ? COLLATE NOCASE LIMIT 1`,
      [table, table],
    )
    return rows.length > 0
  }

  async #goUnenforced(): Promise<void> {
    try {
      await this.#journal.replayUnenforced()
    } catch (error) {
      this.#halfRepeated = this.#fail(error, 'PRAGMA foreign_keys')
      throw this.#halfRepeated
    }
  }

  async #foreignKeys({ enforces, text, kind }: CodeStatement): Promise<SqliteAnswer> {
    this.#statement++
    if (enforces === null)
      return { ...nothing(), rows: [{ foreign_keys: this.#enforced ? 1 : 0 }], columns: ['foreign_keys'] }
    const { transaction, preview } = this.#request
    // Inside a transaction of its own the code gets what SQLite does: nothing.
    if (!transaction && this.#points.length > 0) return nothing()
    this.#enforced = enforces
    if (preview) return nothing()
    if (!transaction) return this.#carryOut({ ...noted, text, kind }, [], false)
    if (!enforces && !this.#journal.isUnenforced) await this.#goUnenforced()
    return nothing()
  }

  async #begin(by: Sender, { text, kind }: CodeStatement): Promise<SqliteAnswer> {
    if (this.#points.some((point) => point.by === by))
      throw new Error('cannot start a transaction within a transaction')
    const isReal = !this.#request.transaction && this.#points.length === 0
    const name = isReal ? null : `tenantry_${++this.#savepoints}`
    const mark = this.tally.mark()
    await this.#control(name === null ? text : `SAVEPOINT ${name}`, kind)
    this.#endedBadly.delete(by)
    this.#points.push({ by, name, mark })
    return nothing()
  }

  /** Takes out the transaction that this sender ends, with the savepoints in it; null: it has none. */
  #take(by: Sender): Point | null {
    const index = this.#points.findLastIndex((point) => point.by === by)
    const point = this.#points[index]
    if (point === undefined) return null
    if (this.#points.slice(index + 1).some((later) => later.by !== null)) throw this.#faults.overlapping()
    this.#points.length = index
    return point
  }

  async #commit(by: Sender): Promise<SqliteAnswer> {
    const point = this.#take(by)
    if (point === null) return this.#endNothing(by, 'COMMIT')
    try {
      if (point.name !== null) await this.#control(`RELEASE ${point.name}`, 'COMMIT')
      else {
        if (this.#unrecorded) await this.#ours(this.#progress())
        await this.#control('COMMIT', 'COMMIT')
        this.#unrecorded = false
      }
    } catch (error) {
      this.#endedBadly.add(by)
      await this.#undo(point).catch(() => {})
      throw error
    }
    return nothing()
  }

  async #rollback(by: Sender): Promise<SqliteAnswer> {
    const point = this.#take(by)
    if (point === null) return this.#endNothing(by, 'ROLLBACK')
    await this.#undo(point)
    return nothing()
  }

  async #undo(point: Point): Promise<void> {
    this.tally.restore(point.mark)
    if (!this.#mayBeInside()) return
    if (point.name === null) await this.#control('ROLLBACK', 'ROLLBACK')
    else
      for (const text of [`ROLLBACK TO ${point.name}`, `RELEASE ${point.name}`]) await this.#control(text, 'ROLLBACK')
  }

  async #rollbackAll(): Promise<void> {
    const [first] = this.#points
    this.#points = []
    if (first !== undefined) this.tally.restore(first.mark)
    if (this.#mayBeInside()) await this.#send('ROLLBACK', []).catch(() => {})
  }

  #endNothing(by: Sender, text: 'COMMIT' | 'ROLLBACK'): SqliteAnswer {
    if (text === 'ROLLBACK' && (this.#faults.isSet || this.#endedBadly.delete(by))) return nothing()
    if (this.#request.transaction) throw this.#faults.endedOurs()
    if (this.#points.length > 0) throw this.#faults.overlapping()
    throw new Error(`cannot ${text.toLowerCase()} - no transaction is active`)
  }

  /** The code's own. Outside of a transaction a savepoint begins one. */
  async #savepoint({ does, name, text, kind }: CodeStatement): Promise<SqliteAnswer> {
    if (does === 'savepoint') {
      const mark = this.tally.mark()
      await this.#control(text, kind)
      this.#points.push({ by: null, name, mark })
      return nothing()
    }
    const index = this.#points.findLastIndex((point) => point.by === null && point.name === name)
    const point = this.#points[index]
    if (point !== undefined && this.#points.slice(index + 1).some(({ by }) => by !== null))
      throw this.#faults.overlapping()
    if (does === 'release' && index === 0 && !this.#request.transaction && this.#unrecorded)
      await this.#ours(this.#progress())
    if (!(this.#faults.isSet && !this.#mayBeInside())) await this.#control(text, kind)
    if (point === undefined) return nothing()
    this.#points.length = does === 'release' ? index : index + 1
    if (does === 'release') this.#unrecorded &&= this.#points.length > 0 || this.#request.transaction
    else this.tally.restore(point.mark)
    return nothing()
  }

  #mayBeInside(): boolean {
    return !this.#owner.broken && !this.#request.preview && this.#owner.inTransaction !== false
  }

  #progress(): readonly string[] {
    return this.#request.progress?.(this.tally.done, this.tally.prefix) ?? []
  }

  /** Outside a transaction of the code's, by itself. */
  async #record(): Promise<void> {
    if (this.#request.progress === null || !this.#unrecorded || this.#points.length > 0) return
    await this.#ours(['BEGIN IMMEDIATE', ...this.#progress(), 'COMMIT'])
    this.#unrecorded = false
  }

  async #ours(texts: readonly string[]): Promise<void> {
    for (const text of texts)
      for (const one of readCodeStatements(text)) await this.#carryOut({ ...one, kind: 'progress' }, [], false)
  }

  async #control(text: string, kind: string): Promise<void> {
    if (this.#request.preview) return
    await this.#carryOut({ ...noted, text, kind }, [], this.#request.transaction)
  }

  /** @param changes it belongs to what a transaction that begins anew must repeat */
  async #carryOut({ text, kind }: CodeStatement, values: CodeValues, changes: boolean): Promise<SqliteAnswer> {
    const bound = bindValues(text, values)
    const { transaction } = this.#request
    try {
      const answer = await this.#send(bound.text, bound.values)
      if (transaction) this.#journal.note(bound, answer)
      return answer
    } catch (error) {
      if (transaction && changes) this.#journal.note(bound, null)
      throw this.#fail(error, kind)
    }
  }

  /** Notes an error as it comes, and whether SQLite has ended the transaction with it. */
  #fail(error: unknown, kind: string): unknown {
    const told = error instanceof DatabaseError ? errorForCode(error) : error
    if (error instanceof DatabaseError) {
      const failure: CodeFailure = { failure: error.failure, statement: Math.max(this.#statement, 1), kind }
      this.failures.record(told, failure)
    }
    if (this.#owner.inTransaction === false && !this.#request.preview) this.#noteEnd()
    return told
  }

  #noteEnd(): void {
    const [first] = this.#points
    if (first !== undefined) this.tally.restore(first.mark)
    for (const { by } of this.#points) if (by !== null) this.#endedBadly.add(by)
    this.#points = []
    if (this.#request.transaction)
      this.#faults.set('rolled-back', 'a statement of it rolled back all of the transaction')
  }
}

const noted: CodeStatement = { text: '', does: 'session', name: null, enforces: null, kind: '' }

function nothing(lastInsertRowid = 0): SqliteAnswer {
  return { rows: [], columns: [], changes: 0, lastInsertRowid }
}
