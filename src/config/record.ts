/** A plain object whose values are not known yet. */
export type UnknownRecord = Readonly<Record<string, unknown>>

/** True for objects written as `{}`, not for lists, dates, expressions, iterables or instances. */
export function isRecord(value: unknown): value is UnknownRecord {
  if (typeof value !== 'object' || value === null || Symbol.asyncIterator in value) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  // A config file may be evaluated in another realm, whose Object is not ours: its prototype has no prototype either.
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** The text at a key; undefined where there is none or it is something else. */
export function textAt(record: UnknownRecord, key: string): string | undefined {
  const value = record[key]
  return typeof value === 'string' ? value : undefined
}

/** True for lists and for everything else that can be iterated, but not for text. */
export function isIterable(value: unknown): value is Iterable<unknown> | AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value)
}

/** A regular expression, also one of another realm. */
export function isExpression(value: unknown): value is RegExp {
  return Object.prototype.toString.call(value) === '[object RegExp]'
}
