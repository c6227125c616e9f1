import { TenantryError } from '../model/errors.ts'

/** Longest slug: with a timestamp and a file ending it stays far below what tables and file systems take. */
const maxSlugLength = 100

/** A name as part of a file name: `Add users!` → `add_users`. Throws `USAGE` when nothing is left of it. */
export function makeSlug(name: string): string {
  const slug = name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .slice(0, maxSlugLength)
    .replaceAll(/^_+|_+$/g, '')
  if (slug !== '') return slug
  throw new TenantryError(
    'USAGE',
    name.trim() === ''
      ? 'A migration needs a name.'
      : `The name ${JSON.stringify(name)} holds no letter or digit that a file name can keep.`,
    { hint: 'Use letters a–z and digits, for example `tenantry make add_users`.' },
  )
}

/** One line for a header: what was given, or else the name in words. */
export function describeName(name: string, description: string | null): string {
  const given = description?.replaceAll(/\s+/g, ' ').trim() ?? ''
  if (given !== '') return given
  const words = name.replaceAll(/[\s_]+/g, ' ').trim()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** `20250131120000`, in UTC. */
export function formatStamp(time: Date): string {
  return time.toISOString().slice(0, 19).replaceAll(/\D/g, '')
}
