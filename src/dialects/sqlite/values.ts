import type { Value } from './driver.ts'

/** As a parameter: SQLite knows no dates and no booleans. */
export function toValue(value: unknown): Value {
  if (value === undefined || value === null) return null
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value instanceof Date) return value.toISOString()
  return value as Value
}
