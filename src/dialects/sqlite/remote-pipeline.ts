import { setTimeout as sleep } from 'node:timers/promises'
import { DatabaseError, type DatabaseFailure, type PipelineOutcome } from '../../model/dialect.ts'
import { bare } from './failure.ts'
import { readBusyTimeout, readLockMark, resetMark, unenforcedMark } from './marks.ts'
import { isBusyThere, readServerError } from './remote-failure.ts'
import {
  beginsStep,
  checkSql,
  forgetStep,
  holdSql,
  type Lease,
  makeTable,
  releaseSql,
  rewrite,
  takeSql,
} from './remote-lease.ts'
import type { ServerError, StepDone } from './remote-wire.ts'
import { endsTransaction, explainMore, readCounts, unenforcedAhead, violationsSql } from './unenforced.ts'
import { wordsOf } from './words.ts'

/** How much goes into one message. What is larger is sent in several; a transaction stays one. */
const mostBytes = 1_000_000
const mostSteps = 1500

/** One statement as it travels, and which of the caller's it belongs to. */
export interface Planned {
  sql: string
  index: number
  wantsRows?: boolean
  /** It takes the lock of this key. */
  takes?: string
}

/** What came of a message: of each statement that was carried out what it did, and which one failed. */
export interface Carried {
  done: readonly (StepDone | null)[]
  failed: { at: number; error: ServerError } | null
}

/** What outlasts a pipeline that leaves its transaction open. */
export interface OpenTransaction {
  /** It has a row of its own, which is taken away before it commits. */
  hasStep: boolean
  /** Rows that referred to nothing before it began; null: foreign keys are enforced in it. */
  before: ReadonlyMap<string, number> | null
  /** What was sent in it so far, from its BEGIN. */
  opening: readonly string[]
}

/** What a pipeline needs of its session. */
export interface RemoteSession {
  readonly applicationName: string
  readonly inTransaction: boolean
  readonly isCancelled: boolean
  busyTimeoutMs: number
  readonly open: OpenTransaction
  /**
   * Sends statements in one message, each to be carried out if the one before it was. After a failure what is open is
   * rolled back. Where nothing is open any more, `last` follow. Throws {@link DatabaseError} where there is no answer.
   */
  carryOut(planned: readonly Planned[], last?: readonly string[]): Promise<Carried>
  /** Does what a mark stands for. */
  resetAll(): Promise<void>
  /** What must be ours in each transaction. */
  leases(): readonly Lease[]
  holds(key: string): boolean
  /** Locks that were taken for transactions of a pipeline, and not given back yet. */
  readonly passing: Lease[]
  newPassing(key: string): Lease
  forgetPassing(): void
  /** Takes a lease away whose process has ended; false: it is somebody's. */
  clearAbandoned(key: string): Promise<boolean>
}

/** Bodies' settings that such a server lets nobody change: so there is nothing to take back. */
const settled = /^PRAGMA (?:legacy_alter_table|recursive_triggers|ignore_check_constraints) = OFF$/

const isBegin = (text: string) => /^BEGIN\b/i.test(text)
const isCommit = (text: string) => /^COMMIT$/i.test(text)
const holdsNothing = (text: string) => wordsOf(text, 1).length === 0

/** Statements in order, in as few messages as can be: a transaction begins, does its work and commits within one. */
export class RemotePipeline {
  readonly #session: RemoteSession
  readonly #statements: readonly string[]
  readonly #onDone: ((index: number) => void) | undefined
  /** Statement that is next. */
  #at = 0
  #confirmed = 0
  /** A message was sent that switches them off before its BEGIN, which may have failed. */
  #isUnenforced = false

  constructor(session: RemoteSession, statements: readonly string[], onDone?: (index: number) => void) {
    this.#session = session
    this.#statements = statements
    this.#onDone = onDone
  }

  async run(): Promise<PipelineOutcome> {
    let failure: DatabaseFailure | null = null
    try {
      await this.#advance()
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error
      failure = error.failure
    }
    await this.#tidy()
    return { done: this.#at, failure }
  }

  /** What a pipeline that failed leaves in force outside of a transaction. */
  async #tidy(): Promise<void> {
    const { open, passing, inTransaction } = this.#session
    if (inTransaction) return
    const isUnenforced = this.#isUnenforced || open.before !== null
    const last = [...(isUnenforced ? ['PRAGMA foreign_keys = ON'] : []), ...passing.map(releaseSql)]
    Object.assign(open, { hasStep: false, before: null, opening: [] })
    if (last.length === 0) return
    await this.#session.carryOut([], last).catch(() => null)
    this.#session.forgetPassing()
  }

  async #advance(): Promise<void> {
    const session = this.#session
    let since: number | null = null
    for (let waitMs = 5; this.#at < this.#statements.length; ) {
      if (session.isCancelled) {
        await this.#rollBack()
        throw new DatabaseError(bare({ kind: 'cancelled', message: 'it was cancelled between two messages' }))
      }
      const busy = await this.#sendNext()
      if (busy === null) {
        since = null
        waitMs = 5
        continue
      }
      since ??= performance.now()
      if (performance.now() - since + waitMs > session.busyTimeoutMs) throw new DatabaseError(busy)
      await sleep(waitMs)
      waitMs = Math.min(waitMs * 2, 200)
    }
  }

  async #rollBack(): Promise<void> {
    if (this.#session.inTransaction) await this.#session.carryOut([{ sql: 'ROLLBACK', index: this.#at }])
  }

  /** One message, or what stands for none. Gives its failure where nothing was done and it may be tried again. */
  async #sendNext(): Promise<DatabaseFailure | null> {
    const session = this.#session
    const text = this.#statements[this.#at] as string
    if (text === resetMark) {
      await session.resetAll()
      this.#confirm(this.#at + 1)
      return null
    }
    if (session.open.before !== null && isCommit(text)) await this.#checkReferences()
    const { planned, next, open } = this.#plan()
    const isLast = next === this.#statements.length
    const { done, failed } = await session.carryOut(planned, isLast ? session.passing.map(releaseSql) : [])
    if (failed !== null) return this.#explain(planned[failed.at] as Planned, failed.error)
    Object.assign(session.open, session.inTransaction ? open : { hasStep: false, before: null, opening: [] })
    if (planned.at(-1)?.sql === violationsSql) session.open.before = readCounts(done.at(-1)?.rows ?? [])
    if (isLast && !session.inTransaction) session.forgetPassing()
    this.#confirm(next)
    return null
  }

  /** Gives the failure of a statement that may be tried again, else throws it. */
  async #explain({ index, sql, takes }: Planned, error: ServerError): Promise<DatabaseFailure> {
    this.#confirm(index)
    const failure = readServerError(error, sql)
    if (failure.kind === 'locked' && takes !== undefined) {
      this.#session.forgetPassing()
      if (await this.#session.clearAbandoned(takes)) return failure
      throw new DatabaseError(failure)
    }
    const isAlone = isBegin(sql) || takes !== undefined || !this.#isInside(index)
    if (isBusyThere(error) && isAlone) return failure
    throw new DatabaseError(failure)
  }

  /** Does this statement stand within a transaction? */
  #isInside(index: number): boolean {
    for (let i = index - 1; i >= 0; i--) {
      const text = this.#statements[i] as string
      if (endsTransaction(text)) return false
      if (isBegin(text)) return true
    }
    return this.#session.open.opening.length > 0
  }

  /** What goes into the next message, where the one after it begins, and what then is open. */
  #plan(): { planned: Planned[]; next: number; open: OpenTransaction } {
    const session = this.#session
    const planned: Planned[] = []
    const open = { ...session.open }
    let bytes = 0
    let index = this.#at
    const add = (...texts: string[]) => {
      for (const sql of texts) {
        bytes += sql.length
        planned.push({ sql, index })
      }
    }
    for (; index < this.#statements.length; index++) {
      const text = this.#statements[index] as string
      const isUnenforced = unenforcedAhead(this.#statements, index)
      const isApart = isUnenforced || text === resetMark || (open.before !== null && isCommit(text))
      const isFull = bytes + text.length > mostBytes || planned.length > mostSteps
      if (index > this.#at && (isApart || isFull)) break
      const busyTimeoutMs = readBusyTimeout(text)
      if (busyTimeoutMs !== null) {
        session.busyTimeoutMs = busyTimeoutMs
        continue
      }
      if (isBegin(text)) {
        planned.push(...this.#takeAhead(index))
        open.opening = [text]
        if (isUnenforced) add('PRAGMA foreign_keys = OFF')
        add(text)
        if (!isUnenforced) continue
        this.#isUnenforced = true
        planned.push({ sql: violationsSql, index, wantsRows: true })
        return { planned, next: index + 1, open }
      }
      if (endsTransaction(text)) {
        if (open.hasStep && isCommit(text)) add(forgetStep)
        add(text)
        if (open.before !== null) add('PRAGMA foreign_keys = ON')
        Object.assign(open, { hasStep: false, before: null, opening: [] })
        continue
      }
      if (open.opening.length > 0) open.opening = [...open.opening, text]
      if (text === unenforcedMark || settled.test(text) || readLockMark(text) !== null || holdsNothing(text)) continue
      if (!beginsStep(text)) {
        // A server goes on with a message whose sender has ended: not once somebody else has taken the lock over.
        if (open.opening.length === 0) add(...session.leases().map(checkSql))
        add(rewrite(text))
      } else {
        add(makeTable, forgetStep, rewrite(text))
        open.hasStep = true
        for (const lease of session.leases()) add(...holdSql(lease))
      }
    }
    return { planned, next: index, open }
  }

  /** The lock that a transaction asks for is taken right before it begins, so that others see who has it. */
  #takeAhead(index: number): Planned[] {
    const session = this.#session
    for (let i = index + 1; i < this.#statements.length; i++) {
      const text = this.#statements[i] as string
      if (endsTransaction(text)) return []
      const key = readLockMark(text)
      if (key === null) continue
      if (session.holds(key) || session.passing.some((lease) => lease.key === key)) return []
      return takeSql(session.newPassing(key), session.applicationName).map((sql) => ({ sql, index, takes: key }))
    }
    return []
  }

  /** Before the COMMIT of a transaction without foreign keys: no more rows may refer to nothing than before it. */
  async #checkReferences(): Promise<void> {
    const { done, failed } = await this.#session.carryOut([{ sql: violationsSql, index: this.#at, wantsRows: true }])
    const refusal =
      failed === null
        ? explainMore(this.#session.open.before ?? new Map(), readCounts(done[0]?.rows ?? []))
        : new DatabaseError(readServerError(failed.error, violationsSql))
    if (refusal === null) return
    await this.#rollBack()
    throw refusal
  }

  #confirm(until: number): void {
    for (; this.#confirmed < until; this.#confirmed++) this.#onDone?.(this.#confirmed)
    this.#at = until
  }
}
