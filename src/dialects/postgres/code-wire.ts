import type { Client, QueryResult, Submittable } from 'pg'
import type { CodeFailure, HeldStatement } from '../../model/code.ts'
import { type Connection, DatabaseError } from '../../model/dialect.ts'
import { CodeFailures, copyError } from '../code-failures.ts'
import { kindOf } from './code-statement.ts'
import { readFailure } from './failure.ts'
import { sendLed } from './led-query.ts'
import { Pipeline } from './pipeline.ts'

/** A query as the driver takes it, with whatever else its configuration holds. */
export interface CodeQuery {
  text: string
  values: readonly unknown[] | null
  config: Readonly<Record<string, unknown>>
}

/** A statement with its place among all that were held or sent, ours too. */
interface Entry extends HeldStatement {
  serial: number
}

interface Failed {
  error: unknown
  known: CodeFailure
  serial: number
}

/** Holds back, sends, and knows whether what it sends into is still alive. */
export class CodeWire {
  readonly failures = new CodeFailures()
  readonly #connection: Connection
  readonly #client: Client
  /** Is there a transaction that an error of the server ends? */
  readonly #inTransaction: () => boolean
  #held: Entry[] = []
  /** The transaction is lost from here on, unless the code goes back to before it. */
  #failed: Failed | null = null
  #serial = 0
  #statement = 0

  constructor(connection: Connection, client: Client, inTransaction: () => boolean) {
    this.#connection = connection
    this.#client = client
    this.#inTransaction = inTransaction
  }

  /** Number of the next entry. */
  get serial(): number {
    return this.#serial
  }

  get isFailed(): boolean {
    return this.#failed !== null
  }

  get isBroken(): boolean {
    return this.#connection.broken
  }

  /** Does the driver know that no transaction is open? Older ones never do. */
  get isIdle(): boolean {
    return (this.#client as { getTransactionStatus?(): string | null }).getTransactionStatus?.() === 'I'
  }

  /** The next of the code's own statements begins; transaction control is not counted. */
  countStatement(): void {
    this.#statement++
  }

  hold(text: string): void {
    this.#held.push(this.#entry(text))
  }

  /** Has this entry not been sent yet? */
  isHeld(serial: number): boolean {
    return this.#held.some((entry) => entry.serial === serial)
  }

  /** Never sends this entry (and those behind it). */
  drop(serial: number, andLater: boolean): void {
    this.#held = this.#held.filter((entry) => entry.serial < serial || (!andLater && entry.serial !== serial))
  }

  takeHeld(): HeldStatement[] {
    return this.#held.splice(0).map(({ text, statement, kind }) => ({ text, statement, kind }))
  }

  /** Throws the error that ended the transaction, if there is one. */
  refuseIfFailed(): void {
    if (this.#failed !== null) throw this.refusal()
  }

  /** The error that ended the transaction, once more. */
  refusal(): unknown {
    const { error, known } = this.#failed as Failed
    const copy = copyError(error)
    this.failures.attach(copy, known)
    return copy
  }

  /** The same for those who know {@link DatabaseError}. */
  databaseRefusal(): DatabaseError {
    const { error, known } = this.#failed as Failed
    const thrown = new DatabaseError(known.failure, error)
    this.failures.attach(thrown, known)
    return thrown
  }

  /** Did what failed come after this entry, so that going back to it mends it? */
  reaches(serial: number): boolean {
    return this.#failed === null || this.#failed.serial > serial
  }

  mend(): void {
    this.#failed = null
  }

  /** What is held, and these, in one round trip. `anyway`: also after a failure, which they are to mend. */
  async send(texts: readonly string[], anyway = false): Promise<void> {
    if (!anyway) this.refuseIfFailed()
    const entries = [...this.#held.splice(0), ...texts.map((text) => this.#entry(text))]
    if (entries.length === 0) return
    const { done, error } = await new Promise<{ done: number; error: unknown }>((resolve) => {
      this.#client.query(
        new Pipeline(
          entries.map(({ text }) => text),
          undefined,
          (count, reason) => resolve({ done: count, error: reason }),
        ),
      )
    })
    if (error !== null) throw this.#fail(entries[done] ?? (entries.at(-1) as Entry), error, true)
  }

  /**
   * A statement whose answer matters, after what is held.
   * @param isOne it is known to be one statement, so that it can travel with what is held
   */
  async query({ text, values, config }: CodeQuery, isOne = false): Promise<QueryResult> {
    this.refuseIfFailed()
    const given = { ...config, text, ...(values === null ? {} : { values: [...values] }) }
    const held = this.#held
    const led = isOne && held.length > 0 ? this.#lead(held, given) : null
    if (led === null) await this.send([])
    else this.#held = []
    const entry = this.#entry(text)
    if (led !== null) {
      const outcome = await led
      if ('result' in outcome) return outcome.result
      throw this.#fail(held[outcome.at] ?? entry, outcome.error, outcome.at < held.length)
    }
    try {
      return await this.#client.query(given)
    } catch (error) {
      throw this.#fail(entry, error, false)
    }
  }

  #lead(held: readonly Entry[], given: Record<string, unknown>) {
    return sendLed(
      this.#client,
      held.map(({ text }) => text),
      given,
    )
  }

  /** A query object that speaks to the server itself. */
  async pass(query: Submittable, text: string): Promise<void> {
    // When this fails, the server refuses the query itself: its transaction is aborted.
    await this.send([], true).catch(() => {})
    const entry = this.#entry(text)
    const object = query as unknown as { handleError(error: unknown, wire: unknown): void }
    const own = object.handleError
    object.handleError = (error, wire) => {
      this.#fail(entry, error, false)
      own.call(object, error, wire)
    }
    this.#client.query(query)
  }

  /** Tells a query object, before it was sent, that it is not going to be. */
  refuse(query: Submittable, error: unknown): void {
    const { connection } = this.#client as unknown as { connection: unknown }
    ;(query as unknown as { handleError(error: unknown, wire: unknown): void }).handleError(error, connection)
  }

  #entry(text: string): Entry {
    return { text, statement: this.#statement, kind: kindOf(text), serial: this.#serial++ }
  }

  /** Notes an error as it comes: a tool writes into what it is thrown. */
  #fail({ statement, kind, serial }: Entry, error: unknown, ours: boolean): unknown {
    const { severity, code } = (error ?? {}) as { severity?: string; code?: string }
    const fromServer = severity !== undefined && code !== undefined
    const lost = this.#connection.broken || /terminated|not queryable|ECONNRESET|EPIPE/.test(String(error))
    // What the driver cannot write (a value of a strange kind) has not reached the server.
    if (!fromServer && !lost && !ours) return error
    // The transaction was aborted earlier, by what is to be told.
    if (code === '25P02' && this.#failed !== null) {
      this.failures.attach(error, this.#failed.known)
      return error
    }
    const known = { failure: readFailure(error, true), statement: Math.max(statement, 1), kind }
    this.failures.record(error, known)
    if (this.#inTransaction() && this.#failed === null) this.#failed = { error: copyError(error), known, serial }
    return error
  }
}

/** As the driver gives it where there are no rows and no count. */
export function answer(command: string): QueryResult {
  return { command, rowCount: null, oid: null, rows: [], fields: [] } as unknown as QueryResult
}
