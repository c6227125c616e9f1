/** What the checks of a column name: values that it may hold, or that lie beside them. */
export interface SampleHints {
  texts: readonly string[]
  numbers: readonly number[]
}

/** Literals in the definitions of checks. */
export function readHints(checks: readonly string[]): SampleHints {
  const texts = new Set<string>()
  const numbers = new Set<number>()
  for (const check of checks) {
    const rest = check.replaceAll(/'((?:[^'\\]|''|\\.)*)'/g, (_, text: string) => {
      texts.add(text.replaceAll("''", "'").replaceAll(/\\(.)/g, '$1'))
      return ' '
    })
    for (const [number] of rest.matchAll(/(?<![\w.])-?\d+(\.\d+)?(?![\w.])/g)) numbers.add(Number(number))
  }
  return { texts: [...texts], numbers: [...numbers] }
}

/** Where a column is in its table: later columns get later and larger values, as `ends_at > starts_at` wants it. */
export interface SampleSpot {
  n: number
  attempt: number
  position: number
}

/** A text of at most so many characters; different for each `n`, as far as there is room. */
export function sampleText({ n, attempt }: SampleSpot, most: number, { texts, numbers }: SampleHints): string {
  const [digits, letters] = [String(n + 1), lettersOf(n)]
  const lengths = numbers.filter((number) => Number.isInteger(number) && number > 0 && number <= 1000)
  const shapes = [
    ...texts.map((_, i) => texts[(n + i) % texts.length] as string),
    `sample ${digits}`,
    ...lengths.flatMap((length) => [letters.padStart(length, 'a'), letters.toUpperCase().padStart(length, 'A')]),
    `sample${digits}@example.com`,
    letters,
    letters.toUpperCase().padStart(2, 'A'),
    `sample-${digits}`,
    `https://example.com/${digits}`,
    digits.padStart(7, '1'),
  ]
  const chosen = shapes[attempt % shapes.length] as string
  if (chosen.length <= most) return chosen
  return most < 3 || chosen.startsWith('http') ? letters.slice(-most).padStart(most, 'a') : chosen.slice(-most).trim()
}

/** The n-th word of letters: a, b, …, z, ba, … */
function lettersOf(n: number): string {
  const letter = String.fromCharCode(97 + (n % 26))
  return n < 26 ? letter : lettersOf(Math.floor(n / 26)) + letter
}

/** An integer of so many bits. Far from where counters begin and where files put rows with numbers of their own. */
export function sampleInteger(spot: SampleSpot, bits: number, hints: SampleHints): string {
  const { n, position } = spot
  const own =
    bits >= 32
      ? 1_000_001 + (position % 100) * 10_000 + n
      : bits >= 16
        ? 20_000 + (((position % 50) * 100 + n) % 12_000)
        : 60 + ((position + n) % 60)
  return String(Math.trunc(near(own, spot, hints)))
}

/** A number with so many digits in front of the point, and behind it. */
export function sampleDecimal(spot: SampleSpot, precision: number, scale: number, hints: SampleHints): string {
  const whole = Math.max(precision - scale, 0)
  const most = 10 ** Math.min(whole, 6)
  const step = 10 ** -Math.min(Math.max(scale, 0), 2)
  const own = whole === 0 ? step * ((spot.n % 9) + 1) : ((spot.position % 50) * 100 + spot.n + 1) % most
  const value = near(own, spot, hints)
  return value.toFixed(Math.min(Math.max(scale, 0), 2))
}

/** With each further attempt another number that a check names, or one beside it. */
function near(own: number, { n, attempt }: SampleSpot, { numbers }: SampleHints): number {
  if (attempt === 0 || numbers.length === 0) return own
  const choices = numbers.flatMap((number) => [number + 1, number, number - 1, number / 2])
  return choices[(n + attempt - 1) % choices.length] as number
}

/** `2001-02-03`: a day for each column, a little later for each row. */
export function sampleDay({ n, position }: SampleSpot): string {
  return new Date(Date.UTC(2001, 0, 1 + (position % 500) * 10 + (n % 3000))).toISOString().slice(0, 10)
}

/** `04:05:06` */
export function sampleTime({ n, position }: SampleSpot): string {
  const seconds = ((position % 20) * 3600 + n * 7 + 3661) % 86_400
  return new Date(seconds * 1000).toISOString().slice(11, 19)
}

/** A UUID that no generator makes by chance. */
export function sampleUuid({ n, position }: SampleSpot): string {
  const tail = (n + 1).toString(16).padStart(12, '0')
  return `5a3b1e00-0000-4000-8${(position % 4096).toString(16).padStart(3, '0')}-${tail}`
}
