import type { Client, QueryResult, Submittable } from 'pg'
import type { CodeFailure, CodeRequest, HeldStatement } from '../../model/code.ts'
import { type Connection, DatabaseError } from '../../model/dialect.ts'
import { CodeFaults, late } from '../code-faults.ts'
import { CodeTally, type TallyMark } from '../code-tally.ts'
import { type CodeStatement, commandOf, kindOf, readCodeStatement } from './code-statement.ts'
import { answer, type CodeQuery, CodeWire } from './code-wire.ts'
import { readFailure } from './failure.ts'

/** Who sends: one client that was handed out. */
export interface Sender {
  /** Its COMMIT failed, so that its transaction is over; a tool may still send a ROLLBACK. */
  endedBadly: boolean
}

/** A transaction of the code (a savepoint of ours, or the real one), or a savepoint of the tool's own. */
interface Point {
  /** null: a real transaction. */
  name: string | null
  /** null: a savepoint of the tool's own. */
  by: Sender | null
  /** Of the entry that opened it. */
  serial: number
  mark: TallyMark
}

type Result = QueryResult | QueryResult[]

/** What the code sends, one after the other: transactions become savepoints, and some of it is not sent at once or at all. */
export class CodeLine {
  readonly tally: CodeTally
  readonly collected: string[] = []
  holdsOutermost = false
  readonly #request: CodeRequest
  readonly #wire: CodeWire
  #closed = false
  #tail: Promise<unknown> = Promise.resolve()
  #points: Point[] = []
  #savepoints = 0
  /** A savepoint that the tool believes gone, since sending what was held before its end failed. */
  #abandoned: Point | null = null
  readonly #faults = new CodeFaults()
  /** Is there anything that `progress` has not recorded? */
  #unrecorded = false
  #setsLockTimeout = false

  constructor(connection: Connection, client: Client, request: CodeRequest) {
    this.#request = request
    this.#wire = new CodeWire(connection, client, () => request.transaction || this.#points.length > 0)
    this.tally = new CodeTally(request.resume, this.#wire.failures)
  }

  run(by: Sender, query: CodeQuery): Promise<Result> {
    return this.#queue(() => this.#carryOut(by, query))
  }

  /** A query object that speaks to the server itself (a cursor, a stream): after all that came before it. */
  pass(query: Submittable, text: string, values: unknown): void {
    if (this.#closed) throw late()
    this.#queue(async () => {
      this.#faults.throwIfSet()
      const { does } = await readCodeStatement(text)
      if (does !== 'read' && does !== 'change' && does !== 'session') {
        throw this.#faults.set('ended-ours', 'it opened or ended a transaction with a query object')
      }
      this.#wire.countStatement()
      if (does === 'change') {
        if (this.#request.preview) {
          this.collected.push(text)
          throw new Error('a query object that changes something is not carried out in a preview')
        }
        this.#count(text, values)
      }
      await this.#wire.pass(query, text)
    }).catch((error: unknown) => this.#wire.refuse(query, error))
  }

  close(): void {
    this.#closed = true
  }

  failureOf(error: unknown): CodeFailure | null {
    return this.#wire.failures.find(error)
  }

  /** Waits for all that is queued, and for what that queues, and hands over what is held. */
  async finish(): Promise<readonly HeldStatement[]> {
    for (let tail: unknown = null; tail !== this.#tail; ) {
      tail = this.#tail
      await tail
    }
    if (this.#wire.isBroken) throw new DatabaseError(readFailure(new Error('Connection terminated'), true))
    if (this.#abandoned !== null) await this.#undo(this.#abandoned)
    const isOpen = this.#points.some(({ by }) => by !== null)
    if (isOpen && !this.#request.transaction) await this.#plain('ROLLBACK')
    this.#faults.throwIfSet()
    if (this.#wire.isFailed) throw this.#wire.databaseRefusal()
    if (this.#request.transaction && !this.#request.preview && this.#wire.isIdle) throw this.#faults.endedOurs()
    if (isOpen) throw this.#faults.leftOpen()
    this.tally.finish()
    return this.#wire.takeHeld()
  }

  #queue<T>(task: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(late())
    const result = this.#tail.then(() => {
      if (this.#closed) throw late()
      return task()
    })
    this.#tail = result.catch(() => {})
    return result
  }

  async #carryOut(by: Sender, query: CodeQuery): Promise<Result> {
    const statement = await readCodeStatement(query.text)
    // With values it can only be refused: the extended protocol takes one statement.
    if (statement.does !== 'several' || (query.values?.length ?? 0) > 0) return this.#one(by, statement, query)
    this.#refuseHiddenEnd(statement.parts)
    const results: QueryResult[] = []
    for (const part of statement.parts) results.push(await this.#one(by, part, { ...query, text: part.text }))
    return results
  }

  /** In a text of several statements, COMMIT may end only what the text itself began. */
  #refuseHiddenEnd(parts: readonly CodeStatement[]): void {
    let isOpen = false
    for (const { does } of parts) {
      if (does === 'begin') isOpen = true
      else if (does === 'commit' || does === 'rollback') {
        if (!isOpen && (this.#request.transaction || this.#points.length > 0)) throw this.#faults.endedOurs()
        isOpen = false
      }
    }
  }

  async #one(by: Sender, statement: CodeStatement, query: CodeQuery): Promise<QueryResult> {
    if (statement.does !== 'rollback') this.#faults.throwIfSet()
    if (this.#abandoned !== null && !(statement.does === 'rollback-to' && statement.name === this.#abandoned.name)) {
      await this.#undo(this.#abandoned)
    }
    this.#abandoned = null
    switch (statement.does) {
      case 'begin':
        return this.#begin(by, statement.text)
      case 'commit':
      case 'rollback': {
        const result = await (statement.does === 'commit' ? this.#commit(by) : this.#rollback(by))
        if (statement.chain) await this.#begin(by, 'BEGIN')
        return result
      }
      case 'savepoint':
        return this.#savepoint(statement.name, statement.text)
      case 'release':
        return this.#release(statement.name, statement.text)
      case 'rollback-to':
        return this.#rollbackTo(statement.name, statement.text)
      case 'set-transaction':
        // Statements have run in it already, and then the server would refuse to set it.
        return this.#request.transaction ? answer('SET') : this.#plain(statement.text)
      case 'prepare-transaction':
        throw this.#faults.endedOurs()
      default:
        return this.#ordinary(statement, query)
    }
  }

  async #ordinary(statement: CodeStatement, query: CodeQuery): Promise<QueryResult> {
    const { text, values, config } = query
    const changes = statement.does === 'change' || statement.does === 'several'
    this.#wire.countStatement()
    if (changes && this.#request.preview) {
      this.collected.push(text)
      this.#count(text, values)
      return answer(commandOf(text))
    }
    this.#wire.refuseIfFailed()
    this.#setsLockTimeout ||= /\block_timeout\b/i.test(text)
    if (changes && this.#faults.keep(() => this.tally.wasDone(text, values)))
      return { ...answer(commandOf(text)), rowCount: 0 }
    const isPlain = (values?.length ?? 0) === 0 && config.name === undefined
    if (this.#request.transaction && isPlain && 'holdable' in statement && statement.holdable) {
      this.#wire.hold(text)
      if (changes) this.#count(text, values)
      return answer(commandOf(text))
    }
    const isOne = 'isOne' in statement && statement.isOne
    if (!changes) return this.#wire.query(query, isOne)
    const isAtomic = this.#points.length > 0 || (statement.does === 'change' && statement.atomic)
    if (!(await this.tally.mustRun(text, isAtomic))) {
      this.#count(text, values)
      await this.#record()
      return { ...answer(commandOf(text)), rowCount: 0 }
    }
    if (isAtomic && this.#points.length === 0 && this.#request.progress !== null) return this.#withProgress(query)
    const result = await this.#unhurried(text, () => this.#wire.query(query, isOne))
    this.#count(text, values)
    await this.#record()
    return result
  }

  /** A concurrent build that is cancelled while it waits for others leaves an invalid index behind. */
  async #unhurried<T>(text: string, send: () => Promise<T>): Promise<T> {
    const { lockTimeoutMs } = this.#request
    if (lockTimeoutMs === undefined || this.#setsLockTimeout || this.#points.length > 0) return send()
    if (!/\bconcurrently\b/i.test(kindOf(text))) return send()
    await this.#wire.send(['SET lock_timeout = 0'])
    try {
      return await send()
    } finally {
      if (!this.#wire.isBroken) await this.#wire.send([`SET lock_timeout = ${lockTimeoutMs}`]).catch(() => {})
    }
  }

  /** A statement and how far it came, or neither. */
  async #withProgress(query: CodeQuery): Promise<QueryResult> {
    const mark = this.tally.mark()
    try {
      await this.#wire.send(['BEGIN'])
      const result = await this.#wire.query(query)
      this.#count(query.text, query.values)
      await this.#wire.send([...(this.#request.progress?.(this.tally.done, this.tally.prefix) ?? []), 'COMMIT'])
      this.#unrecorded = false
      return result
    } catch (error) {
      this.tally.restore(mark)
      if (!this.#wire.isBroken) await this.#wire.send(['ROLLBACK']).catch(() => {})
      throw error
    }
  }

  #count(text: string, values: unknown): void {
    this.tally.count(text, values)
    this.#unrecorded = true
  }

  /** Outside a transaction of the code's, progress is written after each statement. */
  async #record(): Promise<void> {
    const { progress } = this.#request
    if (progress === null || !this.#unrecorded || this.#points.length > 0) return
    await this.#wire.send(progress(this.tally.done, this.tally.prefix))
    this.#unrecorded = false
  }

  async #begin(by: Sender, text: string): Promise<QueryResult> {
    by.endedBadly = false
    // The server, too, only warns that there is a transaction in progress.
    if (this.#points.some((point) => point.by === by)) return answer('BEGIN')
    this.#wire.refuseIfFailed()
    const isReal = !this.#request.transaction && this.#points.length === 0
    const name = isReal ? null : `tenantry_${++this.#savepoints}`
    const point = { name, by, serial: this.#wire.serial, mark: this.tally.mark() }
    await this.#control(name === null ? text : `SAVEPOINT ${name}`)
    this.#points.push(point)
    return answer('BEGIN')
  }

  /** Index of the transaction that this sender ends; -1: it has none open. */
  #ending(by: Sender): number {
    const index = this.#points.findLastIndex((point) => point.by === by)
    if (index !== -1 && this.#points.slice(index + 1).some((point) => point.by !== null))
      throw this.#faults.overlapping()
    return index
  }

  async #commit(by: Sender): Promise<QueryResult> {
    const index = this.#ending(by)
    const point = this.#points[index]
    if (point === undefined) return this.#endNothing(by, 'COMMIT')
    this.#points.length = index
    if (this.#request.preview) return answer('COMMIT')
    if (point.name === null) return this.#commitReal(point)
    try {
      await this.#endSavepoint(point, `RELEASE SAVEPOINT ${point.name}`, index === 0 && this.holdsOutermost)
    } catch (error) {
      by.endedBadly = true
      await this.#undo(point)
      throw error
    }
    return answer('COMMIT')
  }

  async #commitReal(point: Point): Promise<QueryResult> {
    if (this.#wire.isFailed) {
      // The server rolls back then, and says so without an error.
      await this.#undo(point)
      return answer('ROLLBACK')
    }
    const { progress } = this.#request
    const recording = progress !== null && this.#unrecorded ? progress(this.tally.done, this.tally.prefix) : []
    try {
      await this.#wire.send([...recording, 'COMMIT'])
    } catch (error) {
      await this.#undo(point).catch(() => {})
      throw error
    }
    this.#unrecorded = false
    return answer('COMMIT')
  }

  async #rollback(by: Sender): Promise<QueryResult> {
    const index = this.#ending(by)
    const point = this.#points[index]
    if (point === undefined) return this.#endNothing(by, 'ROLLBACK')
    await this.#undo(point)
    return answer('ROLLBACK')
  }

  #endNothing(by: Sender, text: 'COMMIT' | 'ROLLBACK'): Promise<QueryResult> | QueryResult {
    if (by.endedBadly || (this.#faults.isSet && text === 'ROLLBACK')) {
      by.endedBadly = false
      return answer('ROLLBACK')
    }
    if (this.#request.transaction) throw this.#faults.endedOurs()
    if (this.#points.length > 0) throw this.#faults.overlapping()
    return this.#plain(text)
  }

  async #savepoint(name: string, text: string): Promise<QueryResult> {
    this.#wire.refuseIfFailed()
    const point = { name, by: null, serial: this.#wire.serial, mark: this.tally.mark() }
    await this.#control(text)
    this.#points.push(point)
    return answer('SAVEPOINT')
  }

  async #release(name: string, text: string): Promise<QueryResult> {
    this.#wire.refuseIfFailed()
    const index = this.#find(name)
    const point = this.#points[index]
    if (point === undefined) return this.#plain(text)
    try {
      if (!this.#request.preview) await this.#endSavepoint(point, text, false)
    } catch (error) {
      // Knex sends nothing more then, others go back to the savepoint: the next statement tells.
      if (this.#wire.reaches(point.serial)) this.#abandoned = point
      throw error
    }
    this.#points.length = index
    return answer('RELEASE')
  }

  async #rollbackTo(name: string, text: string): Promise<QueryResult> {
    const index = this.#find(name)
    const point = this.#points[index]
    if (point === undefined) return this.#plain(text)
    if (!this.#wire.reaches(point.serial)) throw this.#wire.refusal()
    this.#points.length = index + 1
    this.#wire.drop(point.serial + 1, true)
    this.tally.restore(point.mark)
    if (this.#request.preview || this.#wire.isHeld(point.serial)) return answer('ROLLBACK')
    await this.#wire.send([text], true)
    this.#wire.mend()
    return answer('ROLLBACK')
  }

  #find(name: string): number {
    const index = this.#points.findLastIndex((point) => point.by === null && point.name === name)
    if (index !== -1 && this.#points.slice(index + 1).some(({ by }) => by !== null)) throw this.#faults.overlapping()
    return index
  }

  async #endSavepoint(point: Point, text: string, hold: boolean): Promise<void> {
    if (!hold) return this.#wire.send([text])
    this.#wire.refuseIfFailed()
    // With nothing sent since it was opened, it comes to nothing: one failure undoes all that is held.
    if (this.#wire.isHeld(point.serial)) this.#wire.drop(point.serial, false)
    else this.#wire.hold(text)
  }

  /** Goes back to before it, and forgets it. What was held since is not sent at all. */
  async #undo(point: Point): Promise<void> {
    const index = this.#points.indexOf(point)
    if (index !== -1) this.#points.length = index
    if (this.#abandoned === point) this.#abandoned = null
    const unsent = this.#wire.isHeld(point.serial)
    this.#wire.drop(point.serial, true)
    this.tally.restore(point.mark)
    // A failure before it kept it from being opened, and stays.
    if (this.#request.preview || unsent || !this.#wire.reaches(point.serial) || this.#wire.isBroken) return
    const name = `"${point.name?.replaceAll('"', '""')}"`
    await this.#wire.send(
      point.name === null ? ['ROLLBACK'] : [`ROLLBACK TO SAVEPOINT ${name}`, `RELEASE SAVEPOINT ${name}`],
      true,
    )
    this.#wire.mend()
  }

  /** Opens something: at once, or with the first statement that is sent in it. */
  async #control(text: string): Promise<void> {
    if (this.#request.preview) return
    if (this.#request.transaction) this.#wire.hold(text)
    else await this.#wire.send([text])
  }

  async #plain(text: string): Promise<QueryResult> {
    if (!this.#request.preview) await this.#wire.send([text], true)
    return answer(commandOf(text))
  }
}
