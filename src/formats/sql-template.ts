import { dirname, join } from 'node:path'
import { TenantryError } from '../model/errors.ts'
import type { FormatOptions, TemplateFile } from '../model/format.ts'
import { isEpoch, type MigrationNumber, readNumber } from './migration-number.ts'
import { describeName, formatStamp, makeSlug } from './slug.ts'
import { readSqlName, type SqlFiles, scanSqlFolders } from './sql-folder.ts'

/**
 * The next migration of a folder, written as its last one is: a counter goes on with the same padding, a timestamp is
 * UTC now and later than the last. An empty folder starts with `001_`. The undo file goes where the others are; by
 * default to `rollbacks/`. Throws `USAGE` for a name that gives no file name, or no place at the end of the order.
 */
export async function writeSqlTemplate(
  options: FormatOptions,
  name: string,
  details: { description: string | null; now: Date },
): Promise<TemplateFile[]> {
  const slug = makeSlug(name)
  // A folder that is broken, or not there yet, can still get a new file; `load` tells what is wrong with it.
  const { migrations, undoStyle } = await scanSqlFolders(options, { problems: [], notices: [] })
  const last = migrations.at(-1)
  const id = nameNext(last, slug, details.now)
  const dir = last === undefined ? (options.dirs[0] ?? options.root) : dirname(last.up.path)
  const up = last !== undefined && readSqlName(last.up.name)?.suffix === 'up' ? `${id}.up.sql` : `${id}.sql`
  const down = undoStyle === 'down-files' ? `${id}.down.sql` : join('rollbacks', `${id}.sql`)
  const header = [
    `-- Migration: ${id}`,
    `-- Created at: ${details.now.toISOString().slice(0, 10)}`,
    `-- Description: ${describeName(name, details.description)}`,
  ]
  return [
    { path: join(dir, up), text: `${header.join('\n')}\n\n` },
    { path: join(dir, down), text: `-- Rollback for: ${id}\n\n` },
  ]
}

function nameNext(last: SqlFiles | undefined, slug: string, now: Date): string {
  if (last === undefined) return `001_${slug}`
  if (last.number !== null) {
    const separator = /^[-_.]+/.exec(last.id.slice(last.number.text.length))?.[0] ?? '_'
    const id = `${nextNumber(last.number, now)}${separator}${slug}`
    const number = readNumber(id)
    // Equal days are ordered by name: where the new name would come first, the time of day puts it last.
    const early = number !== null && number.value === last.number.value && id < last.id
    return early ? `${formatStamp(now)}${separator}${slug}` : id
  }
  if (readNumber(slug) === null && slug > last.id) return slug
  throw new TenantryError(
    'USAGE',
    `The migrations have no numbers and are applied in the order of their names: ${slug} would not come after ${last.id}.`,
    { hint: 'Choose a name that sorts last.' },
  )
}

function nextNumber(last: MigrationNumber, now: Date): string {
  const { text, value } = last
  if (last.kind === 'counter') return (value + 1n).toString().padStart(text.length, '0')
  if (isEpoch(text)) {
    const current = BigInt(text.length === 13 ? now.getTime() : Math.floor(now.getTime() / 1000))
    return (current > value ? current : value + 1n).toString()
  }
  const stamp = formatStamp(now)
  if (/\D/.test(text)) {
    const [year, month, day] = [stamp.slice(0, 4), stamp.slice(4, 6), stamp.slice(6, 8)]
    const mark = text.charAt(4)
    const current = `${year}${mark}${month}${mark}${day}${text.length > 10 ? mark + stamp.slice(8, text.length - 3) : ''}`
    return (readNumber(current)?.value ?? 0n) >= value ? current : (value + 1n).toString()
  }
  const current = stamp.slice(0, text.length)
  if (BigInt(current) > value) return current
  // The last one is of this day, of this second, or from a clock that is ahead.
  return text.length === 8 ? text : (value + 1n).toString()
}
