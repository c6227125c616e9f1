import { TenantryError } from '../model/errors.ts'
import type { Format, FormatName, FormatOptions } from '../model/format.ts'
import { dbmate } from './dbmate.ts'
import { golangMigrate } from './golang-migrate.ts'
import { goose } from './goose.ts'
import { knex } from './knex/knex.ts'
import { prisma } from './prisma.ts'
import { sequelize } from './sequelize/sequelize.ts'
import { sql } from './sql.ts'
import { sqlMigrate } from './sql-migrate.ts'

/** Every format there is. */
export const formats: Readonly<Record<FormatName, Format>> = {
  sql,
  prisma,
  knex,
  sequelize,
  dbmate,
  'sql-migrate': sqlMigrate,
  goose,
  'golang-migrate': golangMigrate,
}

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
 * The format of a set and its folders: what was named, else what the folders look like, else what the config of a tool
 * in the project says. Folders that are empty or missing count as `sql`. Throws MIGRATIONS_UNREADABLE when its folders
 * look different.
 */
export async function chooseFormat(
  name: FormatName | 'auto',
  options: FormatOptions,
  dirGiven: boolean,
): Promise<{ format: Format; dirs: readonly string[] }> {
  if (name !== 'auto') {
    const format = formats[name]
    const own = dirGiven ? null : await format.findDirs?.(options)
    return { format, dirs: own ?? options.dirs }
  }
  const found = new Map<FormatName, string>()
  for (const dir of options.dirs) {
    const detected = await detectFormat(dir)
    if (detected !== null && !found.has(detected)) found.set(detected, dir)
  }
  if (found.size > 1) {
    const seen = [...found].map(([format, dir]) => `${dir} (${format})`).join(', ')
    throw new TenantryError('MIGRATIONS_UNREADABLE', `The folders of one set have different formats: ${seen}.`, {
      hint: 'Make a set of each, or say which one is meant with `migrations.format`.',
    })
  }
  const [only] = found.keys()
  if (only !== undefined) return { format: formats[only], dirs: options.dirs }
  for (const format of dirGiven ? [] : Object.values(formats)) {
    const dirs = await format.findDirs?.(options)
    if (dirs != null) return { format, dirs }
  }
  return { format: formats.sql, dirs: options.dirs }
}
