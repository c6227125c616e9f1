/**
 * The number in front of a file's name; null: there is none, and the tool refuses the folder. Source: `getNumericPrefix` in
 * node-pg-migrate's `fileNameUtils`: 17 digits are a time of UTC down to the millisecond, and count as one.
 */
export function readPrefix(name: string): number | null {
  const digits = /^\d+/.exec(name)?.[0]
  if (digits === undefined) return null
  if (digits.length !== 17) return Number(digits)
  const [year, month, day] = [digits.slice(0, 4), digits.slice(4, 6), digits.slice(6, 8)]
  const [hours, minutes, seconds] = [digits.slice(8, 10), digits.slice(10, 12), digits.slice(12, 14)]
  const time = Date.parse(`${year}-${month}-${day}T${hours}:${minutes}:${seconds}.${digits.slice(14)}Z`)
  return Number.isNaN(time) ? null : time
}

/** The order of the tool: by number, then by name as people sort. Source: `compareMigrationFileNames`. */
export function compareNames(a: string, b: string): number {
  return (readPrefix(a) ?? 0) - (readPrefix(b) ?? 0) || words.compare(a, b)
}

const words = new Intl.Collator(undefined, {
  usage: 'sort',
  numeric: true,
  sensitivity: 'variant',
  ignorePunctuation: true,
})
