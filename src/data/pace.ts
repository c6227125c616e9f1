import type { ChangeRow } from './change-rows.ts'
import { slugOf, type Walk } from './walk.ts'

const sayEveryMs = 5000

/** How fast a walk is; tells it every few seconds. */
export class Pace {
  readonly #walk: Walk
  readonly #startedAt = performance.now()
  readonly #rowsBefore: number
  #rowsDone: number
  #rowsTotal: number | null
  #saidAt = performance.now()

  constructor(walk: Walk, row: ChangeRow) {
    this.#walk = walk
    this.#rowsBefore = row.rowsDone
    this.#rowsDone = row.rowsDone
    this.#rowsTotal = row.rowsTotal
  }

  /** A batch is done. */
  add(rows: number, batchRows: number, batchMs: number): void {
    this.#rowsDone += rows
    const now = performance.now()
    if (now - this.#saidAt < sayEveryMs) return
    this.#saidAt = now
    const { change, target, run } = this.#walk
    run.emit({
      type: 'data-change-progress',
      change: change.name,
      target: target.name,
      tenant: slugOf(this.#walk),
      rowsDone: this.#rowsDone,
      rowsTotal: this.#rowsTotal,
      batchRows,
      batchMs: Math.round(batchMs),
      etaMs: etaMs(this.#rowsDone, this.#rowsTotal, this.#rowsDone - this.#rowsBefore, now - this.#startedAt),
    })
  }

  /** It was counted. */
  set(rowsDone: number, rowsTotal: number | null): void {
    this.#rowsDone = rowsDone
    this.#rowsTotal = rowsTotal
  }
}

/** How long the rest takes at the pace of `rows` in `tookMs`; null while that would be a guess. */
export function etaMs(rowsDone: number, rowsTotal: number | null, rows: number, tookMs: number): number | null {
  if (rowsTotal === null || rows <= 0 || tookMs < 1000) return null
  return Math.round((Math.max(0, rowsTotal - rowsDone) * tookMs) / rows)
}
