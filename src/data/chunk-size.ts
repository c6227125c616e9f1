/** Rows of the first batch: small enough for wide rows with triggers, and doubled from there. */
export const firstRows = 200

/** Texts with every key in them must not outgrow what a server takes as one message. */
export const mostRows = { range: 50_000, keys: 5_000 }

/**
 * How many rows the next batch has, from how long the last one took. Aims below the limit, since batches are not equal;
 * grows at most to the double and shrinks at most to a quarter.
 */
export function nextRows(rows: number, tookMs: number, chunkMs: number, most: number): number {
  const factor = Math.min(2, Math.max(0.25, (chunkMs * 0.8) / Math.max(tookMs, 0.1)))
  return Math.max(1, Math.min(most, Math.round(rows * factor)))
}

/** After a batch that was cut off for taking too long: its time is only known to be more. */
export function fewerRows(rows: number): number {
  return Math.max(1, Math.floor(rows / 4))
}
