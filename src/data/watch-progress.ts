import type { ErrorDocument } from '../model/errors.ts'
import { rowKey } from './carry-out-batch.ts'
import type { ChangeRow } from './change-rows.ts'
import { askNumber, countFrom } from './count-walk.ts'
import { stuckError } from './describe-batch.ts'
import type { BatchRange } from './find-batch.ts'
import { inTransaction } from './in-transaction.ts'
import type { Walk } from './walk.ts'

/** Counts in a row that may bring nothing new: others write to the table, too. */
const mostMisses = 3
/** Rows beyond twice the table that a walk may have done before it is counted anew. */
const slack = 1000

export type Seen =
  | { kind: 'counted' | 'end'; rowsDone: number; rowsTotal: number | null }
  | { kind: 'stuck'; error: ErrorDocument }

/**
 * Notices a walk that gets nowhere: a cursor that does not move, keys that the change itself moves ahead of the cursor
 * for ever, and, without a key, a number of remaining rows that does not fall.
 */
export class WatchProgress {
  readonly #walk: Walk
  #cursor: string | null
  #rowsDone: number
  #total: number
  /** Rows that it may have walked before it is looked at more closely. */
  #allowed: number
  #sawAhead = false
  #best: number
  #misses = 0
  #sinceCount = 0
  #countEvery = 1

  /** @param total how many rows there are */
  constructor(walk: Walk, row: ChangeRow, total: number) {
    this.#walk = walk
    this.#cursor = row.cursor === null ? null : JSON.stringify(row.cursor)
    this.#rowsDone = row.rowsDone
    this.#total = total
    this.#allowed = 2 * total + slack
    this.#best = Number.POSITIVE_INFINITY
  }

  /** After a batch; null: nothing new is known. Throws `DatabaseError`. */
  async see(range: BatchRange | null, tookMs: number): Promise<Seen | null> {
    return range === null ? this.#count(tookMs) : this.#move(range)
  }

  async #move(range: BatchRange): Promise<Seen | null> {
    const walk = this.#walk
    const cursor = JSON.stringify(range.to)
    if (cursor === this.#cursor) {
      const hint = 'Walk by another unique key whose values the server orders by what they are.'
      return {
        kind: 'stuck',
        error: stuckError(walk, `the batch after ${range.to.join(', ')} ends where it began`, hint),
      }
    }
    this.#cursor = cursor
    this.#rowsDone += range.rows
    if (this.#rowsDone <= this.#allowed) return null
    this.#total = await countFrom(walk, null)
    this.#allowed = Math.max(this.#allowed, 2 * this.#total + slack)
    if (!this.#sawAhead && this.#rowsDone > this.#allowed) {
      // The total was an estimate, or rows went away behind the cursor: it may go twice over what is ahead of it now.
      this.#sawAhead = true
      this.#allowed = this.#rowsDone + 2 * (await countFrom(walk, range.to)) + slack
    }
    if (this.#rowsDone <= this.#allowed) return null
    const message = `it has walked ${this.#rowsDone} rows, and there are ${this.#total}, so its batches put rows in front of the cursor`
    return {
      kind: 'stuck',
      error: stuckError(
        walk,
        message,
        'A change must not change the key that it walks by, nor insert into the table that it walks.',
      ),
    }
  }

  /** Counting costs a look at the whole table: it may take a fifth of the time, not more. */
  async #count(tookMs: number): Promise<Seen | null> {
    if (++this.#sinceCount < this.#countEvery) return null
    const walk = this.#walk
    const { change, rows } = walk
    const before = performance.now()
    const left = await askNumber(walk, change.remaining as string)
    const countMs = performance.now() - before
    this.#sinceCount = 0
    this.#countEvery = Math.min(1000, Math.max(1, Math.ceil((4 * countMs) / Math.max(tookMs, 1))))
    this.#total = Math.max(this.#total, left)
    const rowsDone = this.#total - left
    await inTransaction(walk, 'change', (connection) =>
      connection.query(rows.set(change.name, rowKey(walk), { rows_done: rowsDone, rows_total: this.#total })),
    )
    if (left === 0) return { kind: 'end', rowsDone, rowsTotal: this.#total }
    this.#misses = left < this.#best ? 0 : this.#misses + 1
    this.#best = Math.min(this.#best, left)
    if (this.#misses < mostMisses) return { kind: 'counted', rowsDone, rowsTotal: this.#total }
    const hint =
      'Its statement must change the rows that `remaining` counts; run that count by hand to see which are left.'
    return { kind: 'stuck', error: stuckError(walk, `${left} rows remain, and no batch makes them fewer`, hint) }
  }
}
