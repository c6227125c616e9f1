import { createHash, randomInt } from 'node:crypto'

/** Eight decimal digits, each place as likely as any other. */
export function randomDigits(): string {
  return String(randomInt(100_000_000)).padStart(8, '0')
}

/** A second try of the same pattern gives another name. */
export function isRandomName(naming: string): boolean {
  return naming.includes('{digits8}')
}

/**
 * Name of a new database or schema: letters, digits and `_` that need no quotes on any server, at most `longestBytes`
 * long. What is too long is cut off the slug, never off the digits: two tenants with the same beginning stay apart.
 *
 * @param naming `{slug}_{digits8}`, with `{slug}` in it
 */
export function namePlace(naming: string, slug: string, digits: string, longestBytes: number): string {
  const safe = plainName(slug)
  const fill = (part: string) => naming.replaceAll('{digits8}', digits).replaceAll('{slug}', part)
  const rest = Buffer.byteLength(fill(''))
  const slugs = naming.split('{slug}').length - 1
  const room = Math.floor((longestBytes - rest - 2) / Math.max(1, slugs))
  const name = plainName(fill(safe.slice(0, Math.max(1, room))))
  // A name must begin with a letter to do without quotes, and schemas of the server itself begin with `pg_`.
  return /^[a-z]/.test(name) && !name.startsWith('pg_') ? name : `t_${name}`
}

function plainName(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9_]/g, '_')
}

/** Name of the role that belongs to a place: the place's own, or what fits of it with a hash that keeps it apart. */
export function nameRole(place: string, longestBytes: number): string {
  if (Buffer.byteLength(place) <= longestBytes) return place
  const hash = createHash('sha256').update(place).digest('hex').slice(0, 8)
  return `${plainName(place).slice(0, longestBytes - 9)}_${hash}`
}
