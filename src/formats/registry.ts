import { TenantryError } from '../model/errors.ts'
import type { Format, FormatName, FormatOptions } from '../model/format.ts'
import { dbmate } from './dbmate.ts'
import { drizzle } from './drizzle/drizzle.ts'
import { flyway } from './flyway/flyway.ts'
import { golangMigrate } from './golang-migrate.ts'
import { goose } from './goose.ts'
import { knex } from './knex/knex.ts'
import { kysely } from './kysely/kysely.ts'
import { nodePgMigrate } from './node-pg-migrate/node-pg-migrate.ts'
import { prisma } from './prisma.ts'
import { sequelize } from './sequelize/sequelize.ts'
import { sql } from './sql.ts'
import { sqlMigrate } from './sql-migrate.ts'
import { typeorm } from './typeorm/typeorm.ts'

/** Every format that is built in. */
export const formats: Readonly<Record<FormatName, Format>> = {
  sql,
  prisma,
  knex,
  sequelize,
  dbmate,
  'sql-migrate': sqlMigrate,
  goose,
  'golang-migrate': golangMigrate,
  drizzle,
  'node-pg-migrate': nodePgMigrate,
  typeorm,
  kysely,
  flyway,
}

/**
 * The format a folder looks most like; null: like none of them, or there is no such folder. Of two that are as certain
 * one that the config adds is taken: somebody asked for it.
 */
export async function detectFormat(dir: string, added: readonly Format[] = []): Promise<Format | null> {
  let best: { format: Format; certainty: number } | null = null
  for (const format of [...added, ...Object.values(formats)]) {
    const certainty = await format.detect(dir)
    if (certainty > (best?.certainty ?? 0)) best = { format, certainty }
  }
  return best?.format ?? null
}

/**
 * The format of a set and its folders: what was named, else what the folders look like, else what the config of a tool
 * in the project says. Folders that are empty or missing count as `sql`. Throws MIGRATIONS_UNREADABLE when its folders
 * look different. `added`: the formats of the config, by their names, too.
 */
export async function chooseFormat(
  name: string,
  options: FormatOptions,
  dirGiven: boolean,
  added: readonly Format[] = [],
): Promise<{ format: Format; dirs: readonly string[] }> {
  if (name !== 'auto') {
    const format = [...added, ...Object.values(formats)].find((one) => one.name === name)
    if (format === undefined) throw new TenantryError('INTERNAL', `There is no format ${name}.`)
    const own = dirGiven ? null : await format.findDirs?.(options)
    return { format, dirs: own ?? options.dirs }
  }
  const found = new Map<Format, string>()
  for (const dir of options.dirs) {
    const detected = await detectFormat(dir, added)
    if (detected !== null && !found.has(detected)) found.set(detected, dir)
  }
  if (found.size > 1) {
    const seen = [...found].map(([format, dir]) => `${dir} (${format.name})`).join(', ')
    throw new TenantryError('MIGRATIONS_UNREADABLE', `The folders of one set have different formats: ${seen}.`, {
      hint: 'Make a set of each, or say which one is meant with `migrations.format`.',
    })
  }
  const [only] = found.keys()
  if (only !== undefined) return { format: only, dirs: options.dirs }
  for (const format of dirGiven ? [] : [...added, ...Object.values(formats)]) {
    const dirs = await format.findDirs?.(options)
    if (dirs != null) return { format, dirs }
  }
  return { format: formats.sql, dirs: options.dirs }
}
