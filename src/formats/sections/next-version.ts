import { isEpoch, readNumber } from '../migration-number.ts'
import { formatStamp } from '../slug.ts'

/** A time of UTC in 14 digits that comes after the last version, where that is one of these, too. */
export function nextStamp(last: string | null, now: Date): string {
  const stamp = formatStamp(now)
  return last !== null && last.length === 14 && last >= stamp ? (BigInt(last) + 1n).toString() : stamp
}

/**
 * The next number as the folder counts: a counter goes on with the same padding, a time is now and later than the last.
 * `first`: for an empty folder.
 */
export function nextNumber(written: string | null, now: Date, first: string): string {
  if (written === null) return first
  const number = readNumber(written)
  if (number?.kind !== 'stamp') return (BigInt(written) + 1n).toString().padStart(written.length, '0')
  const seconds = Math.floor(now.getTime() / 1000)
  const current = isEpoch(written)
    ? String(written.length === 13 ? now.getTime() : seconds)
    : formatStamp(now).slice(0, Math.max(written.length, 8))
  return BigInt(current) > BigInt(written) ? current : (BigInt(written) + 1n).toString()
}
