import { isRecord, type UnknownRecord } from './record.ts'

/**
 * The base with an environment's part worked in: objects key by key, everything else replaced. A key that is there
 * but undefined replaces too: `url: process.env.STAGING_URL` without that variable must be an error, not the base's
 * server.
 */
export function mergeEnvironment(base: UnknownRecord, part: UnknownRecord): UnknownRecord {
  const merged: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(part)) {
    const below = merged[key]
    // Two kinds of source have different keys: `like` of the one means nothing to the other.
    const sameKind = isRecord(below) && isRecord(value) && (value.from === undefined || value.from === below.from)
    merged[key] = sameKind ? mergeEnvironment(below, value) : value
  }
  return merged
}

/** True if a part itself says something at this place. */
export function saysSomethingAt(part: UnknownRecord, keys: readonly (string | number)[]): boolean {
  let value: unknown = part
  for (const key of keys) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return false
    value = (value as UnknownRecord)[key]
  }
  return keys.length > 0
}
