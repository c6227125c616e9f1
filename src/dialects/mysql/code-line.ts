import type { CodeFailure, CodeRequest, HeldStatement } from '../../model/code.ts'
import { type Connection, DatabaseError } from '../../model/dialect.ts'
import { CodeFailures } from '../code-failures.ts'
import { CodeFaults, late } from '../code-faults.ts'
import { CodeTally, type TallyMark } from '../code-tally.ts'
import { unknownId, unknownIdUsed, usesUnknownId } from '../unknown-ids.ts'
import { type CodeStatement, readCodeStatements } from './code-statement.ts'
import { readFailure } from './failure.ts'
import { joinStatements } from './messages.ts'

/** Who sends: one client that was handed out. */
export type Sender = object

/** The driver's answer to one statement. */
export interface Answer {
  result: unknown
  fields: unknown
}

/** Sends one text as the code asked for it. */
export type Send = (text: string) => Promise<Answer>

/** A transaction of the code. */
interface Point {
  by: Sender
  /** Of a savepoint of ours, in another one's transaction; null: it is the server's own. */
  name: string | null
  mark: TallyMark
  /** The server committed it before its time: DDL does. */
  isOver: boolean
}

/**
 * What the code sends, one after the other. Its transactions are the server's; DDL commits them. How far it came is
 * written with what it counts: before the COMMIT of a transaction of its own, else in one with the statement.
 */
export class CodeLine {
  readonly tally: CodeTally
  readonly failures = new CodeFailures()
  readonly collected: string[] = []
  readonly #connection: Connection
  readonly #request: CodeRequest
  /** For what is ours; the code's own go with its options. */
  readonly #send: Send
  #tail: Promise<unknown> = Promise.resolve()
  #closed = false
  #points: Point[] = []
  /** Savepoints of the tool's own. */
  #marks = new Map<string, TallyMark>()
  #savepoints = 0
  #statement = 0
  readonly #faults = new CodeFaults()
  /** The server's word: a transaction is open. Where the tally stood when it was opened. */
  #open: TallyMark | null = null
  #hasTableLocks = false
  /** Without it each statement opens a transaction of the code's. */
  #commitsByItself = true
  #unrecorded = false

  constructor(connection: Connection, send: Send, request: CodeRequest) {
    this.#connection = connection
    this.#send = send
    this.#request = request
    this.tally = new CodeTally(request.resume, this.failures)
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** @param values for the hash, where they travel beside the text */
  run(by: Sender, text: string, values: unknown, send: Send): Promise<Answer> {
    if (this.#closed) return Promise.reject(late())
    const result = this.#tail.then(async () => {
      if (this.#closed) throw late()
      const statements = readCodeStatements(text)
      const [only] = statements
      if (only !== undefined && statements.length === 1) return this.#one(by, only, values, send)
      const answers: Answer[] = []
      for (const statement of statements) answers.push(await this.#one(by, statement, values, send))
      // As the driver gives the results of several statements.
      return { result: answers.map(({ result }) => result), fields: answers.map(({ fields }) => fields) }
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
    if (this.#connection.broken)
      throw new DatabaseError(readFailure({ code: 'PROTOCOL_CONNECTION_LOST' }, this.#origin()))
    const isOpen = this.#open !== null || this.#points.some(({ isOver }) => !isOver)
    if (isOpen && !this.#request.preview) await this.#rollbackAll()
    if (this.#hasTableLocks) await this.#plain('UNLOCK TABLES')
    this.#faults.throwIfSet()
    if (isOpen) throw this.#faults.leftOpen()
    await this.#record()
    this.tally.finish()
    return []
  }

  async #one(by: Sender, statement: CodeStatement, values: unknown, send: Send): Promise<Answer> {
    if (statement.does !== 'rollback') this.#faults.throwIfSet()
    switch (statement.does) {
      case 'begin':
        return this.#begin(by, statement)
      case 'commit':
        return this.#commit(by, statement)
      case 'rollback':
        return this.#rollback(by, statement)
      case 'savepoint':
      case 'release':
      case 'rollback-to':
        return this.#savepoint(statement)
      case 'unlocks-ours':
        throw this.#faults.set('ended-ours', 'it tried to release the lock of the run')
      case 'lock-tables':
      case 'unlock-tables':
        // The first commits what is open; the second, what is done under the locks.
        await this.#recordInside()
        return this.#lockTables(statement)
      case 'read':
      case 'session':
        this.#statement++
        return this.#carryOut(statement, send)
      default:
        return this.#change(statement, values, send)
    }
  }

  async #lockTables(statement: CodeStatement): Promise<Answer> {
    if (this.#request.preview) return nothing()
    const answer = await this.#carryOut(statement, this.#send)
    this.#hasTableLocks = statement.does === 'lock-tables'
    await this.#record()
    return answer
  }

  async #change(statement: CodeStatement, values: unknown, send: Send): Promise<Answer> {
    const { text, does } = statement
    this.#statement++
    if (this.#request.preview) {
      this.collected.push(text)
      this.tally.count(text, values)
      return nothing()
    }
    if (this.#faults.keep(() => this.tally.wasDone(text, values))) return nothing(unknownId(this.tally.done))
    this.#refuseUnknownIds(text, values)
    const { progress } = this.#request
    if (!(await this.tally.mustRun(text, does === 'rows' && !this.#hasTableLocks))) {
      this.tally.count(text, values)
      this.#unrecorded = true
      await this.#record()
      return nothing()
    }
    const isAlone = this.#open === null && this.#commitsByItself && !this.#hasTableLocks
    if (does === 'rows' && progress !== null && isAlone) {
      return this.#rowsWithProgress(statement, values, send)
    }
    // It commits what is open before it begins.
    if (does === 'change') await this.#recordInside()
    const before = this.tally.mark()
    const answer = await this.#carryOut(statement, send, before)
    this.tally.count(text, values)
    this.#unrecorded = true
    await this.#record()
    return answer
  }

  /** Rows and how far it came, or neither. */
  async #rowsWithProgress(statement: CodeStatement, values: unknown, send: Send): Promise<Answer> {
    const mark = this.tally.mark()
    await this.#plain('START TRANSACTION')
    try {
      const answer = await this.#carryOut(statement, send)
      this.tally.count(statement.text, values)
      await this.#progressThen('COMMIT')
      this.#ended()
      return answer
    } catch (error) {
      this.tally.restore(mark)
      if (!this.#connection.broken) await this.#plain('ROLLBACK').catch(() => {})
      this.#ended()
      throw error
    }
  }

  #refuseUnknownIds(text: string, values: unknown): void {
    if (this.#request.resume === null || !usesUnknownId(text, values)) return
    throw this.#faults.set('diverged', unknownIdUsed)
  }

  async #begin(by: Sender, statement: CodeStatement): Promise<Answer> {
    this.#points = this.#points.filter((point) => point.by !== by || !point.isOver)
    const mark = this.tally.mark()
    const isInside = this.#points.some((point) => point.by !== by && !point.isOver)
    if (!isInside) {
      // One that is open is committed by it.
      await this.#recordInside()
      this.#points = []
      this.#hasTableLocks = false
    }
    const name = isInside ? `tenantry_${++this.#savepoints}` : null
    if (!this.#request.preview) {
      await this.#carryOut(name === null ? statement : { ...statement, text: `SAVEPOINT ${name}` }, this.#send)
    }
    this.#points.push({ by, name, mark, isOver: false })
    return nothing()
  }

  /** The transaction that this sender ends; null: it has none. */
  #take(by: Sender): Point | null {
    const index = this.#points.findLastIndex((point) => point.by === by)
    const point = this.#points[index]
    if (point === undefined) return null
    if (!point.isOver && this.#points.slice(index + 1).some(({ isOver }) => !isOver)) throw this.#faults.overlapping()
    this.#points.splice(index, 1)
    return point
  }

  async #commit(by: Sender, statement: CodeStatement): Promise<Answer> {
    const point = this.#take(by)
    if (this.#request.preview) return nothing()
    if (point?.isOver === true && this.#points.length > 0) return nothing()
    if (point?.name != null)
      return this.#carryOut({ ...statement, text: `RELEASE SAVEPOINT ${point.name}` }, this.#send)
    if (point === null && this.#points.some(({ isOver }) => !isOver)) throw this.#faults.overlapping()
    const mark = point?.mark ?? this.#open
    try {
      if (this.#open !== null && this.#unrecorded && this.#request.progress !== null)
        await this.#progressThen(statement.text)
      else await this.#carryOut(statement, this.#send)
    } catch (error) {
      if (mark !== null) this.tally.restore(mark)
      if (!this.#connection.broken) await this.#rollbackAll().catch(() => {})
      throw error
    }
    this.#ended()
    return nothing()
  }

  async #rollback(by: Sender, statement: CodeStatement): Promise<Answer> {
    const point = this.#take(by)
    if (this.#request.preview) return nothing()
    if (point?.isOver === true && this.#points.length > 0) return nothing()
    if (point?.name != null) {
      if (point.isOver) return nothing()
      const answer = await this.#carryOut({ ...statement, text: `ROLLBACK TO SAVEPOINT ${point.name}` }, this.#send)
      this.tally.restore(point.mark)
      return answer
    }
    if (point === null && this.#points.some(({ isOver }) => !isOver)) throw this.#faults.overlapping()
    await this.#rollbackAll(statement)
    return nothing()
  }

  async #rollbackAll(statement: CodeStatement = rollback): Promise<void> {
    const mark = this.#open
    await this.#carryOut(statement, this.#send)
    if (mark !== null) this.tally.restore(mark)
    this.#ended()
  }

  /** No transaction is open any more. */
  #ended(): void {
    this.#open = null
    this.#marks.clear()
    for (const point of this.#points) point.isOver = true
  }

  /** The tool's own. Where DDL has committed, the server says that there is none, and the tool knows what to make of it. */
  async #savepoint(statement: CodeStatement): Promise<Answer> {
    if (this.#request.preview) return nothing()
    const name = statement.name ?? ''
    const before = this.tally.mark()
    const answer = await this.#carryOut(statement, this.#send)
    const mark = this.#marks.get(name)
    if (statement.does === 'savepoint') this.#marks.set(name, before)
    else if (statement.does === 'rollback-to' && mark !== undefined) this.tally.restore(mark)
    return answer
  }

  /** In the transaction that is open, before something that commits it. */
  async #recordInside(): Promise<void> {
    const { progress } = this.#request
    if (progress === null || !this.#unrecorded || this.#open === null || this.#hasTableLocks) return
    await this.#ours(progress(this.tally.done, this.tally.prefix))
    this.#unrecorded = false
  }

  /** By itself, where nothing is open. */
  async #record(): Promise<void> {
    const { progress } = this.#request
    if (progress === null || !this.#unrecorded || this.#open !== null || this.#hasTableLocks) return
    await this.#ours(progress(this.tally.done, this.tally.prefix))
    this.#unrecorded = false
  }

  async #progressThen(text: string): Promise<void> {
    await this.#ours([...(this.#request.progress?.(this.tally.done, this.tally.prefix) ?? []), text])
    this.#unrecorded = false
  }

  async #ours(texts: readonly string[]): Promise<void> {
    if (texts.length === 0) return
    try {
      await this.#send(joinStatements(texts))
    } catch (error) {
      throw this.#fail(error, 'progress', texts.join(';'))
    }
  }

  async #plain(text: string): Promise<void> {
    await this.#ours([text])
    if (text === 'UNLOCK TABLES') this.#hasTableLocks = false
  }

  async #carryOut({ text, kind, does }: CodeStatement, send: Send, before = this.tally.mark()): Promise<Answer> {
    let answer: Answer
    try {
      answer = await send(text)
    } catch (error) {
      const told = this.#fail(error, kind, text)
      // A deadlock takes the whole transaction back.
      if ((error as { errno?: number }).errno === 1213) {
        if (this.#open !== null) this.tally.restore(this.#open)
        this.#ended()
      } else if (does === 'change' && this.#open !== null && !this.#connection.broken) {
        // DDL commits what is open even if it fails, unless it could not be read.
        await this.#send('DO 0').then(
          (told) => this.#look(told, before),
          () => {},
        )
      }
      throw told
    }
    this.#look(answer, before)
    return answer
  }

  /** Every answer without rows tells whether a transaction is open; reading ends none. */
  #look({ result }: Answer, before: TallyMark): void {
    const last = Array.isArray(result) ? result.at(-1) : result
    const { serverStatus } = (last ?? {}) as { serverStatus?: unknown }
    if (typeof serverStatus !== 'number') return
    this.#commitsByItself = (serverStatus & 2) !== 0
    if ((serverStatus & 1) === 0) this.#ended()
    else this.#open ??= before
  }

  #origin() {
    return { established: true, database: this.#connection.database }
  }

  /** Notes an error as it comes: a tool writes into what it is thrown. */
  #fail(error: unknown, kind: string, statement: string): unknown {
    const { errno, sqlMessage, code, fatal } = (error ?? {}) as Record<string, unknown>
    const fromServer = typeof sqlMessage === 'string' && typeof errno === 'number'
    const lost = this.#connection.broken || fatal === true || /LOST|ECONNRESET|EPIPE/.test(String(code))
    // What the driver cannot write has not reached the server.
    if (!fromServer && !lost) return error
    const failure: CodeFailure = {
      failure: readFailure(error, { ...this.#origin(), statement }),
      statement: Math.max(this.#statement, 1),
      kind,
    }
    this.failures.record(error, failure)
    return error
  }
}

const rollback: CodeStatement = { text: 'ROLLBACK', does: 'rollback', name: null, kind: 'ROLLBACK' }

/** As the driver gives it for a statement without rows. */
function nothing(insertId = 0): Answer {
  const result = {
    fieldCount: 0,
    affectedRows: 0,
    insertId,
    info: '',
    serverStatus: 2,
    warningStatus: 0,
    changedRows: 0,
  }
  return { result, fields: undefined }
}
