import { setImmediate as yieldNow } from 'node:timers/promises'
import { DatabaseError, type PipelineOutcome } from '../../model/dialect.ts'
import type { Handle } from './driver.ts'
import { readBusyTimeout, waitingBegin } from './marks.ts'
import { endsTransaction, Unenforced, unenforcedAhead } from './unenforced.ts'

/** How long a pipeline works before it lets the process do something else. */
const breathEveryMs = 15

/** How long transactions are gathered: whoever else writes to the file waits meanwhile. */
const gatherForMs = 100

/** What a pipeline needs of its session. All of it throws {@link DatabaseError}. */
export interface PipelineSession {
  /** Carries one statement out, or does what it is a mark for. */
  carryOut(text: string): Promise<void>
  patiently<T>(text: string, work: (handle: Handle) => T): Promise<T>
  /** Ends a transaction that is open, whatever it holds. */
  rollBack(): void
  /** Of the transaction that is open, or about to begin; null: foreign keys are enforced. */
  unenforced: Unenforced | null
  /** Told at the end: what was sent in a transaction that is still open, from its BEGIN. */
  leaveOpen(opening: readonly string[]): void
  readonly isCancelled: boolean
}

/**
 * Statements in order, on their way. Transactions whose commit may wait are gathered into one of SQLite's, so that the
 * disk is waited for once; none of their statements counts as done before. When one of them fails, all of them are
 * undone, and carried out again one by one.
 */
export class Pipeline {
  readonly #session: PipelineSession
  readonly #statements: readonly string[]
  readonly #onDone: ((index: number) => void) | undefined
  /** Statement that is next. */
  #at = 0
  /** Statements that the caller has been told of. */
  #confirmed = 0
  /** First statement of what is gathered and not committed; null: nothing is. */
  #gatheredFrom: number | null = null
  #gatheredSince = 0
  #mayGather = true
  /** First statement of the transaction that it is in. */
  #begunAt: number | null = null

  constructor(session: PipelineSession, statements: readonly string[], onDone?: (index: number) => void) {
    this.#session = session
    this.#statements = statements
    this.#onDone = onDone
  }

  async run(): Promise<PipelineOutcome> {
    for (;;) {
      try {
        await this.#advance()
        if (this.#begunAt !== null) this.#session.leaveOpen(this.#statements.slice(this.#begunAt))
        return { done: this.#at, failure: null }
      } catch (error) {
        const again = this.#gatheredFrom
        this.#session.rollBack()
        if (!(error instanceof DatabaseError)) throw error
        if (again === null || this.#session.isCancelled) return { done: again ?? this.#at, failure: error.failure }
        this.#at = again
        this.#mayGather = false
        this.#gatheredFrom = null
        this.#begunAt = null
      }
    }
  }

  async #advance(): Promise<void> {
    let breathedAt = performance.now()
    for (; this.#at < this.#statements.length; this.#at++) {
      if (performance.now() - breathedAt > breathEveryMs) {
        await yieldNow()
        breathedAt = performance.now()
      }
      const text = this.#statements[this.#at] as string
      if (/^BEGIN\b/i.test(text)) await this.#begin(text)
      else if (endsTransaction(text)) await this.#end(text)
      else {
        // Between two transactions: only what concerns no transaction may pass one that is still open.
        if (this.#begunAt === null && readBusyTimeout(text) === null) await this.#flush()
        await this.#session.carryOut(text)
      }
      this.#confirm(this.#at + 1)
    }
    await this.#flush()
  }

  async #begin(text: string): Promise<void> {
    if (unenforcedAhead(this.#statements, this.#at)) {
      await this.#flush()
      this.#session.unenforced = await this.#session.patiently(text, (handle) => new Unenforced(handle))
    }
    if (this.#gatheredFrom === null) {
      await this.#session.carryOut(text)
      this.#gatheredSince = performance.now()
    }
    this.#begunAt ??= this.#at
    this.#session.unenforced?.began()
  }

  async #end(text: string): Promise<void> {
    const begunAt = this.#begunAt
    const isWaiting = begunAt !== null && this.#statements[begunAt] === waitingBegin && text === 'COMMIT'
    const isShort = performance.now() - this.#gatheredSince < gatherForMs
    if (this.#mayGather && isWaiting && isShort && this.#session.unenforced === null) {
      await this.#session.carryOut('DELETE FROM temp.tenantry_step')
      this.#gatheredFrom ??= begunAt
    } else {
      if (text !== 'ROLLBACK') this.#session.unenforced?.check()
      await this.#session.carryOut(text)
      this.#session.unenforced?.restore()
      this.#session.unenforced = null
      this.#gatheredFrom = null
    }
    this.#begunAt = null
  }

  /** Commits what is gathered. */
  async #flush(): Promise<void> {
    if (this.#gatheredFrom === null) return
    await this.#session.carryOut('COMMIT')
    this.#gatheredFrom = null
    this.#confirm(this.#at)
  }

  #confirm(until: number): void {
    if (this.#gatheredFrom !== null) return
    for (; this.#confirmed < until; this.#confirmed++) this.#onDone?.(this.#confirmed)
  }
}
