import { TenantryError } from '../model/errors.ts'
import type { Format, FormatName } from '../model/format.ts'
import { prisma } from './prisma.ts'
import { sql } from './sql.ts'

/** Every format there is. */
export const formats: Readonly<Record<FormatName, Format>> = { sql, prisma }

/** The format a folder looks most like; null: like none of them, or there is no such folder. */
export async function detectFormat(dir: string): Promise<FormatName | null> {
  let best: { name: FormatName; certainty: number } | null = null
  for (const format of Object.values(formats)) {
    const certainty = await format.detect(dir)
    if (certainty > (best?.certainty ?? 0)) best = { name: format.name, certainty }
  }
  return best?.name ?? null
}

/**
 * The format of a set: the one that was named, or for `auto` what its folders look like. Folders that are empty or
 * missing count as `sql`. Throws `MIGRATIONS_UNREADABLE` when its folders look different.
 */
export async function chooseFormat(name: FormatName | 'auto', dirs: readonly string[]): Promise<Format> {
  if (name !== 'auto') return formats[name]
  const found = new Map<FormatName, string>()
  for (const dir of dirs) {
    const detected = await detectFormat(dir)
    if (detected !== null && !found.has(detected)) found.set(detected, dir)
  }
  if (found.size > 1) {
    const seen = [...found].map(([format, dir]) => `${dir} (${format})`).join(', ')
    throw new TenantryError('MIGRATIONS_UNREADABLE', `The folders of one set have different formats: ${seen}.`, {
      hint: 'Make a set of each, or say which one is meant with `migrations.format`.',
    })
  }
  return formats[[...found.keys()][0] ?? 'sql']
}
