import {
  readHints,
  type SampleSpot,
  sampleDay,
  sampleDecimal,
  sampleInteger,
  sampleText,
  sampleTime,
  sampleUuid,
} from '../sample-values.ts'
import { quoteLiteral } from './quote.ts'

/** A column's declared type, and what limits its values. */
export interface SampleType {
  /** Folded: `varchar(40)`; empty: none. */
  declared: string
  /** Conditions that name the column. */
  checks: readonly string[]
}

const numbersIn = (text: string) => [...text.matchAll(/\d+/g)].map(([number]) => Number(number))

/**
 * The n-th value of a type as a literal. What a type means to SQLite (sqlite.org/datatype3.html, 3.1) comes after what
 * programs mean by its name.
 */
export function sampleValue({ declared, checks }: SampleType, spot: SampleSpot): string {
  const { n } = spot
  const is = (pattern: RegExp) => pattern.test(declared)
  const hints = readHints(checks)
  const [first, second] = numbersIn(declared)
  if (is(/json/) || checks.some((check) => /\bjson_valid\b/i.test(check))) return quoteLiteral(`{"sample": ${n + 1}}`)
  if (is(/bool/)) return String(n % 2)
  if (is(/uuid|guid/)) return quoteLiteral(sampleUuid(spot))
  if (is(/datetime|timestamp/)) return quoteLiteral(`${sampleDay(spot)} ${sampleTime(spot)}`)
  if (is(/\bdate\b/)) return quoteLiteral(sampleDay(spot))
  if (is(/\btime\b/)) return quoteLiteral(sampleTime(spot))
  if (is(/int/)) return sampleInteger(spot, 32, hints)
  if (is(/char|clob|text/)) return quoteLiteral(sampleText(spot, Math.min(first ?? 1000, 1000), hints))
  if (is(/blob|binary/)) return `x'${(n + 1).toString(16).padStart(8, '0')}'`
  if (is(/real|floa|doub/)) return sampleDecimal(spot, 6, 2, hints)
  if (is(/dec|num|money/)) return sampleDecimal(spot, first ?? 10, second ?? (first === undefined ? 2 : 0), hints)
  return quoteLiteral(sampleText(spot, 1000, hints))
}
