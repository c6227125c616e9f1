import { DatabaseError } from '../../model/dialect.ts'
import { bare } from './failure.ts'
import { isStreamGone, readWireError, unreadable } from './remote-failure.ts'
import type { Carried, Planned } from './remote-pipeline.ts'
import { hasOwnHost, type RemotePlace } from './remote-place.ts'
import { type Answer, type BatchResult, type Condition, exchange, type Step, type StepResult } from './remote-wire.ts'

/** Drivers and servers do not agree on it. */
const beginning = 'PRAGMA foreign_keys = ON'

const never: Condition = { type: 'or', conds: [] }
const isFree: Condition = { type: 'is_autocommit' }
const isOpen: Condition = { type: 'not', cond: isFree }

const both = (...conds: Condition[]): Condition => ({ type: 'and', conds })

/**
 * A session in the server, which ends it when nothing was sent for some seconds. Outside of a transaction another one is
 * begun unseen; a transaction ends with it.
 */
export class RemoteStream {
  inTransaction = false
  broken = false
  readonly #place: RemotePlace
  readonly #label: string
  readonly #connectTimeoutMs: number
  #baton: string | null = null
  #isEstablished = false
  /** What was set outside of transactions, and has to be set again in another session. */
  #setting: string | null = null

  constructor(place: RemotePlace, label: string, connectTimeoutMs: number) {
    this.#place = place
    this.#label = label
    this.#connectTimeoutMs = connectTimeoutMs
  }

  /** Throws {@link DatabaseError} where there is no answer. */
  async send(batches: readonly (readonly Step[])[], closes = false): Promise<readonly BatchResult[]> {
    if (this.broken) throw new DatabaseError(bare({ kind: 'connection-lost', message: 'the connection was closed' }))
    for (;;) {
      const isNew = this.#baton === null
      const first = isNew
        ? [[beginning, ...(this.#setting === null ? [] : [this.#setting])].map((sql) => ({ sql }))]
        : []
      try {
        const options = { closes, connectTimeoutMs: this.#connectTimeoutMs }
        const answer: Answer = await exchange(this.#place, this.#baton, [...first, ...batches], options)
        this.#baton = answer.baton
        this.inTransaction = !closes && !answer.isAutocommit
        this.#isEstablished = true
        return answer.batches.slice(first.length)
      } catch (error) {
        const mayBeginAnew = isStreamGone(error) && !isNew && !this.inTransaction
        this.#baton = null
        if (mayBeginAnew) continue
        this.inTransaction = false
        const failure = readWireError(error, this.#isEstablished, this.#label, hasOwnHost(this.#place))
        if (failure.failure.kind !== 'statement') this.broken = this.#isEstablished
        throw failure
      }
    }
  }

  /**
   * One statement, whatever is open; it is not carried out where one of `checks` fails, which stand before it, or right
   * behind a BEGIN. Throws {@link DatabaseError} where there is no answer.
   */
  async ask(step: Step, checks: readonly string[] = []): Promise<StepResult> {
    const checked = checks.map((sql): Step => ({ sql }))
    const begins = checks.length > 0 && /^\s*BEGIN\b/i.test(step.sql)
    const steps = (begins ? [step, ...checked] : [...checked, step]).map(
      (one, i): Step => (i === 0 ? one : { ...one, condition: { type: 'ok', step: i - 1 } }),
    )
    const [result] = await this.send([[...steps, ...(begins ? ending(steps.length, []) : [])]])
    if (result !== undefined && 'steps' in result) {
      const results = result.steps.slice(0, steps.length)
      const setting = /^\s*PRAGMA\s+(?:main\s*\.\s*)?foreign_keys\s*[=(]/i.test(step.sql)
      if (setting && !this.inTransaction) this.#setting = step.sql
      return results.find(({ error }) => error !== null) ?? (results[begins ? 0 : checks.length] as StepResult)
    }
    return { done: null, error: result?.error ?? { message: 'no answer', code: '' } }
  }

  /** See `RemoteSession.carryOut`. */
  async carryOut(planned: readonly Planned[], last: readonly string[] = []): Promise<Carried> {
    const wasOpen = this.inTransaction
    const steps = planned.map(({ sql, wantsRows = false }, i): Step => {
      // A transaction that was open may have been ended by the server meanwhile: nothing of it must commit by itself.
      const condition = i > 0 ? ({ type: 'ok', step: i - 1 } as const) : wasOpen ? isOpen : null
      return { sql, wantsRows, condition }
    })
    const [result] = await this.send([[...steps, ...ending(steps.length, last)]])
    if (result !== undefined && 'steps' in result) return readCarried(result.steps.slice(0, steps.length), wasOpen)
    const error = result?.error ?? { message: 'no answer', code: '' }
    if (!unreadable.has(error.code)) throw new DatabaseError(bare({ kind: 'statement', message: error.message }))
    // The server reads all of a message before it does any of it. What stands before the statement is done all the same.
    const at = await this.#findUnreadable(steps)
    const before = steps.slice(0, at)
    const [again] = await this.send([[...before, ...ending(null, last)]])
    const carried =
      again !== undefined && 'steps' in again
        ? readCarried(again.steps.slice(0, at), wasOpen)
        : { done: [], failed: null }
    return carried.failed !== null
      ? carried
      : { done: carried.done, failed: { at, error: await this.#errorOf(steps[at]) } }
  }

  /** Each by itself, under a condition that never holds: it is read, and not carried out. */
  async #findUnreadable(steps: readonly Step[]): Promise<number> {
    const results = await this.send(steps.map((step) => [{ ...step, condition: never }]))
    const at = results.findIndex((one) => 'error' in one)
    return at === -1 ? 0 : at
  }

  async #errorOf(step: Step | undefined) {
    const [result] = await this.send([[{ sql: step?.sql ?? '', condition: never }]])
    return result !== undefined && 'error' in result
      ? result.error
      : { message: 'it cannot be read', code: 'SQL_PARSE_ERROR' }
  }

  /** Ends the session in the server; what is open is rolled back. */
  async end(): Promise<void> {
    this.#setting = null
    if (this.#baton === null || this.broken) return
    await this.send([], true).catch(() => null)
    this.#baton = null
    this.inTransaction = false
  }
}

/**
 * What follows the statements: a rollback unless all of them were carried out, and the rest where nothing is open.
 * @param count how many statements there are; null: they do not suffice in any case
 */
function ending(count: number | null, last: readonly string[]): Step[] {
  const failed: Condition | null =
    count === null || count === 0 ? null : { type: 'not', cond: { type: 'ok', step: count - 1 } }
  const rollback: Step[] =
    count === 0 ? [] : [{ sql: 'ROLLBACK', condition: failed === null ? isOpen : both(failed, isOpen) }]
  return [...rollback, ...last.map((sql): Step => ({ sql, condition: isFree }))]
}

function readCarried(steps: readonly StepResult[], wasOpen: boolean): Carried {
  const at = steps.findIndex(({ done }) => done === null)
  const done = steps.map((one) => one.done)
  if (at === -1) return { done, failed: null }
  const message = wasOpen ? 'Transaction timed out' : 'the server did not carry it out'
  return { done, failed: { at, error: steps[at]?.error ?? { message, code: 'TRANSACTION_TIMEOUT' } } }
}
