import { setTimeout as sleep } from 'node:timers/promises'
import { describeBlocker } from '../engine/describe-failure.ts'
import type { DataChangeState } from '../model/data-change.ts'
import { DatabaseError, type DatabaseFailure } from '../model/dialect.ts'
import type { ErrorDocument } from '../model/errors.ts'
import { type BatchOutcome, carryOutBatch, isPauseFor, rowKey } from './carry-out-batch.ts'
import type { ChangeRow } from './change-rows.ts'
import { fewerRows, mostRows, nextRows } from './chunk-size.ts'
import { claimWalk, readWalkRow } from './claim-walk.ts'
import { findTotal } from './count-walk.ts'
import { describeBatchFailure, takenError } from './describe-batch.ts'
import { failureOf, inTransaction } from './in-transaction.ts'
import { Pace } from './pace.ts'
import { Throttle } from './throttle.ts'
import { slugOf, type Walk } from './walk.ts'
import { WatchProgress } from './watch-progress.ts'

/** How a walk ended, and its row as far as it is known. */
export interface WalkEnd {
  state: DataChangeState
  row: ChangeRow | null
  error: ErrorDocument | null
  interrupted: boolean
}

const sayWaitingEveryMs = 15_000
const waitMs = 500
const lookAfterMs = 30

/**
 * Walks to the end, batch after batch, for as long as nothing speaks against it. What the server says comes back as the
 * end of this walk; only defects are thrown.
 */
export async function walkRows(walk: Walk): Promise<WalkEnd> {
  const started = await persist(walk, () => claimWalk(walk))
  if ('failure' in started) return failed(walk, started.failure)
  const claim = started.value
  if (claim.kind === 'refused') return { state: 'failed', row: null, error: claim.error, interrupted: false }
  if (claim.kind !== 'go') return { state: claim.kind, row: claim.row, error: null, interrupted: false }
  const { change, target } = walk
  walk.run.emit({
    type: 'data-change-started',
    change: change.name,
    target: target.name,
    tenant: slugOf(walk),
    rowsDone: claim.row.rowsDone,
  })
  return new Walking(walk, claim.row).toEnd()
}

class Walking {
  readonly #walk: Walk
  readonly #throttle: Throttle
  #progress: WatchProgress | null = null
  readonly #row: ChangeRow
  readonly #pace: Pace
  readonly #most: number
  #rows: number
  readonly #saidAt = new Map<string, number>()
  #lockTimeouts = 0

  constructor(walk: Walk, row: ChangeRow) {
    this.#walk = walk
    this.#throttle = new Throttle(walk)
    this.#row = row
    this.#pace = new Pace(walk, row)
    this.#most =
      walk.compiled?.parameters.has('keys') === true || walk.compiled === null ? mostRows.keys : mostRows.range
    this.#rows = Math.min(this.#most, Math.max(1, row.chunkRows))
  }

  async toEnd(): Promise<WalkEnd> {
    const walk = this.#walk
    for (;;) {
      if (walk.run.signal.drain.aborted) return this.#stop('pending', null, true)
      const checked = await persist(walk, () => this.#throttle.findHindrance())
      if ('failure' in checked) return this.#stop('failed', describeBatchFailure(walk, checked.failure, null, null))
      if (checked.value !== null) {
        this.#sayWaiting(checked.value.reason, checked.value.message)
        await pauseFor(walk, waitMs)
        const row = await persist(walk, () => readWalkRow(walk))
        if ('failure' in row) return this.#stop('failed', describeBatchFailure(walk, row.failure, null, null))
        if (row.value !== null && isPauseFor(walk, row.value)) return this.#stop('paused', null)
        continue
      }
      const end = this.#progress === null ? await this.#begin() : await this.#batch(this.#progress)
      if (end !== null) return end
    }
  }

  /** Finds out how many rows there are; null: there may be some. */
  async #begin(): Promise<WalkEnd | null> {
    const walk = this.#walk
    const { change, rows } = walk
    const known = this.#row.rowsTotal
    const found = await persist(walk, async () => {
      if (known !== null) return known
      const total = await findTotal(walk, false)
      await inTransaction(walk, 'change', (connection) =>
        connection.query(rows.set(change.name, rowKey(walk), { rows_total: total })),
      )
      return total
    })
    if ('failure' in found) return this.#stop('failed', describeBatchFailure(walk, found.failure, null, null))
    this.#progress = new WatchProgress(walk, this.#row, found.value)
    this.#pace.set(this.#row.rowsDone, found.value)
    return change.remaining !== null && found.value === 0 ? this.#stop('done', null) : null
  }

  /** One batch; null: there may be more. */
  async #batch(progress: WatchProgress): Promise<WalkEnd | null> {
    const walk = this.#walk
    const outcome = await this.#attempt()
    switch (outcome.kind) {
      case 'end':
        return this.#stop('done', null)
      case 'paused':
        return this.#stop('paused', null)
      case 'taken':
        return { state: 'failed', row: null, error: takenError(walk, outcome.by), interrupted: false }
      case 'failed':
        return this.#afterFailure(outcome)
      case 'done': {
        walk.retries.progressed()
        this.#lockTimeouts = 0
        this.#pace.add(outcome.range?.rows ?? 0, this.#rows, outcome.tookMs)
        const seen = await persist(walk, () => progress.see(outcome.range, outcome.tookMs))
        if ('failure' in seen) return this.#stop('failed', describeBatchFailure(walk, seen.failure, null, null))
        if (seen.value !== null) {
          if (seen.value.kind === 'stuck') return this.#stop('stuck', seen.value.error)
          this.#pace.set(seen.value.rowsDone, seen.value.rowsTotal)
          if (seen.value.kind === 'end') return this.#stop('done', null)
        }
        this.#rows = nextRows(outcome.range?.rows ?? this.#rows, outcome.tookMs, walk.change.chunkMs, this.#most)
        return null
      }
    }
  }

  async #attempt(): Promise<BatchOutcome> {
    const walk = this.#walk
    const { signal } = walk.run
    // Who holds the lock can only be seen while it is waited for.
    const look = this.#lockTimeouts === 0 ? null : setTimeout(() => void this.#lookAtBlockers(), lookAfterMs)
    const cancel = () => void walk.session.connection.cancel().catch(() => {})
    signal.cancel.addEventListener('abort', cancel, { once: true })
    try {
      return await carryOutBatch(walk, this.#rows)
    } finally {
      if (look !== null) clearTimeout(look)
      signal.cancel.removeEventListener('abort', cancel)
    }
  }

  async #afterFailure({
    failure,
    range,
    statement,
    final,
  }: Extract<BatchOutcome, { kind: 'failed' }>): Promise<WalkEnd | null> {
    const walk = this.#walk
    if (walk.run.signal.cancel.aborted) return this.#stop('pending', null, true)
    // Cut off for its length: it was undone, and fewer rows take less.
    if (failure.kind === 'statement-timeout' && this.#rows > 1) {
      this.#rows = fewerRows(this.#rows)
      return null
    }
    if (failure.kind === 'lock-timeout') this.#lockTimeouts++
    this.#throttle.askAgain()
    if (!final && (await recover(walk, failure, (reason, message) => this.#sayWaiting(reason, message)))) return null
    return this.#stop('failed', describeBatchFailure(walk, failure, range, statement))
  }

  async #lookAtBlockers(): Promise<void> {
    const { session, dialect, look } = this.#walk
    const sessionId = session.broken ? null : session.connection.sessionId
    if (sessionId === null) return
    const found = await look((side) => dialect.blockers(side, sessionId)).catch(() => [])
    if (found.length > 0)
      this.#sayWaiting('lock-timeout', `blocked by ${found.map(describeBlocker).join('; ')}`, 'blockers')
  }

  /** What is said of one thing may change all the time: `about` tells things apart. */
  #sayWaiting(reason: Parameters<typeof sayWaiting>[1], message: string, about = ''): void {
    const key = `${reason} ${about}`
    if (performance.now() - (this.#saidAt.get(key) ?? Number.NEGATIVE_INFINITY) < sayWaitingEveryMs) return
    this.#saidAt.set(key, performance.now())
    sayWaiting(this.#walk, reason, message)
  }

  /** Writes how it ended. A walk whose end cannot be written goes on at its cursor, too: only the word is missing. */
  async #stop(state: DataChangeState, error: ErrorDocument | null, interrupted = false): Promise<WalkEnd> {
    const walk = this.#walk
    const { change, rows } = walk
    const now = new Date().toISOString()
    const values = {
      state,
      updated_at: now,
      finished_at: state === 'done' ? now : null,
      error: error === null ? null : JSON.stringify({ ...error, message: error.message.slice(0, 2000) }),
    }
    const written = await persist(walk, async () => {
      await inTransaction(walk, 'change', (connection) => connection.query(rows.set(change.name, rowKey(walk), values)))
      return readWalkRow(walk)
    })
    const row = 'value' in written ? written.value : null
    if ('failure' in written && error === null) return { ...failed(walk, written.failure), interrupted }
    return { state, row, error, interrupted }
  }
}

function failed(walk: Walk, failure: DatabaseFailure): WalkEnd {
  return { state: 'failed', row: null, error: describeBatchFailure(walk, failure, null, null), interrupted: false }
}

type WaitingReason = 'lock-wait' | 'replica-lag' | 'health-query' | 'lock-timeout' | 'connection-lost' | 'target-lock'

function sayWaiting(walk: Walk, reason: WaitingReason, message: string): void {
  const { change, target, run } = walk
  run.emit({
    type: 'data-change-waiting',
    change: change.name,
    target: target.name,
    tenant: slugOf(walk),
    reason,
    message,
  })
}

/** Does something around the batches; where the connection breaks or a lock is waited for too long, again. */
async function persist<T>(walk: Walk, work: () => Promise<T>): Promise<{ value: T } | { failure: DatabaseFailure }> {
  for (;;) {
    try {
      if (walk.session.broken && !(await walk.session.open())) throw lockedError()
      return { value: await work() }
    } catch (error) {
      const failure = failureOf(error)
      if (failure === null) throw error
      if (!(await recover(walk, failure, (reason, message) => sayWaiting(walk, reason, message)))) return { failure }
    }
  }
}

/** Waits out what passes by itself, and connects anew where that is needed. False: it is final. */
async function recover(
  walk: Walk,
  failure: DatabaseFailure,
  say: (reason: WaitingReason, message: string) => void,
): Promise<boolean> {
  const { retries, session } = walk
  if (walk.run.signal.cancel.aborted) return false
  const delayMs = retries.next(failure)?.delayMs ?? retries.reconnect(failure)
  if (delayMs === null) return false
  const reason = failure.kind === 'locked' ? 'target-lock' : session.broken ? 'connection-lost' : 'lock-timeout'
  say(reason, failure.message)
  await sleep(delayMs)
  if (!session.broken) return true
  try {
    if (await session.open()) return true
    return await recover(walk, lockedError().failure, say)
  } catch (error) {
    const next = failureOf(error)
    if (next === null) throw error
    return recover(walk, next, say)
  }
}

function lockedError(): DatabaseError {
  return new DatabaseError({
    kind: 'locked',
    message: 'another run is at work on the data of this target',
    detail: null,
    sqlstate: null,
    position: null,
  })
}

/** An interrupt ends it. */
async function pauseFor(walk: Walk, ms: number): Promise<void> {
  await sleep(ms, undefined, { signal: walk.run.signal.drain }).catch(() => {})
}
