/** The number at the front of a migration's id. */
export interface MigrationNumber {
  /** As written: `001`, `20250101`, `2025_01_01_120000`. */
  text: string
  value: bigint
  /** `counter`: 1, 2, 3, each once. `stamp`: a date, a time, or seconds since 1970; gaps mean nothing. */
  kind: 'counter' | 'stamp'
  /** Dates and times may be equal in two names; counters may not. */
  mayRepeat: boolean
}

const dashed = /^(\d{4})[-_.](\d{2})[-_.](\d{2})(?:[-_.T](\d{6}|\d{4}))?(?!\d)/

/** Leading number of an id; null if it has none. */
export function readNumber(id: string): MigrationNumber | null {
  const date = dashed.exec(id)
  if (date !== null) {
    const [text, year = '', month = '', day = '', time = ''] = date
    // All of them as 14 digits, so that days and times in one folder come in the order of the calendar.
    if (isDate(year + month + day)) {
      return { text, value: BigInt(`${year}${month}${day}${time}`.padEnd(14, '0')), kind: 'stamp', mayRepeat: true }
    }
  }
  const text = /^\d+/.exec(id)?.[0]
  if (text === undefined) return null
  const stamp = isDate(text.slice(0, 8)) || isEpoch(text)
  return {
    text,
    value: BigInt(text),
    kind: stamp ? 'stamp' : 'counter',
    mayRepeat: stamp && !isEpoch(text) && [8, 12, 14].includes(text.length),
  }
}

function isDate(digits: string): boolean {
  return /^(19|2\d)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$/.test(digits)
}

/** Seconds or milliseconds since 1970, from 2001 on. */
export function isEpoch(digits: string): boolean {
  return /^1(\d{9}|\d{12})$/.test(digits) && !isDate(digits.slice(0, 8))
}

/** Something that has a place in the order. */
export interface Numbered {
  id: string
  number: MigrationNumber | null
}

/** By number as a number (2 before 10), then by name. A total order over different ids. */
export function compareNumbered(a: Numbered, b: Numbered): number {
  const left = a.number?.value ?? -1n
  const right = b.number?.value ?? -1n
  if (left !== right) return left < right ? -1 : 1
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}

/**
 * Counters that are missing between the first and the last, as `3` or `5–7`, padded like their neighbours. Folders
 * that count in steps (10, 20, 30) have no gaps.
 */
export function findGaps(numbers: readonly MigrationNumber[]): string[] {
  const counters = numbers
    .filter((number) => number.kind === 'counter')
    .sort((a, b) => (a.value < b.value ? -1 : a.value > b.value ? 1 : 0))
  if (counters.reduce((divisor, counter) => commonDivisor(divisor, counter.value), 0n) >= 5n) return []
  const gaps: string[] = []
  counters.forEach((next, index) => {
    const previous = counters[index - 1]
    if (previous === undefined || next.value - previous.value < 2n) return
    const pad = (value: bigint) => value.toString().padStart(previous.text.length, '0')
    const [from, to] = [previous.value + 1n, next.value - 1n]
    gaps.push(from === to ? pad(from) : `${pad(from)}–${pad(to)}`)
  })
  return gaps
}

function commonDivisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : commonDivisor(b, a % b)
}
