import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { extname, join, resolve } from 'node:path'
import type { FormatOptions, TemplateFile } from '../../model/format.ts'
import { nextNumber } from '../sections/next-version.ts'
import { describeName, makeSlug } from '../slug.ts'
import { readPrefix } from './file-order.ts'
import { listMigrationFiles, type MigrationFile } from './list-files.ts'
import { readSettings, type Settings } from './settings.ts'

/**
 * What `node-pg-migrate create` writes: its own file name and its own text, or the template that the project names. The
 * language and the kind of number are those of the settings, else of the last migration. Throws `USAGE`.
 */
export async function writeTemplate(
  options: FormatOptions,
  name: string,
  { description, now }: { description: string | null; now: Date },
): Promise<TemplateFile[]> {
  const settings = await readSettings(options)
  const files = await listMigrationFiles(options, settings, { problems: [], notices: [] })
  const dir =
    files.length === 0 ? (options.dirs[0] ?? options.root) : resolve((files.at(-1) as MigrationFile).path, '..')
  // As the tool: words are joined by hyphens. What it would keep and a file system might not is left out.
  const words = /^[\w .-]+$/.test(name) && /[a-z\d]/i.test(name) ? name.trim() : makeSlug(name)
  const stem = `${nextPrefix(files, settings, now)}_${words.replaceAll(/[ _]+/g, '-')}`
  if (settings.templateFile !== null && existsSync(settings.templateFile)) {
    const text = await readFile(settings.templateFile, 'utf8')
    return [{ path: join(dir, `${stem}${extname(settings.templateFile)}`), text }]
  }
  const language = settings.language ?? files.at(-1)?.extension.slice(1) ?? 'js'
  return [{ path: join(dir, `${stem}.${language}`), text: textIn(language, name, description) }]
}

/** Source: `getFilePrefix` in node-pg-migrate's `migration`; but always after the last one. */
function nextPrefix(files: readonly MigrationFile[], { filenameFormat }: Settings, now: Date): string {
  const last = files.at(-1)
  const digits = last === undefined ? null : (/^\d+/.exec(last.name)?.[0] ?? null)
  const kind = filenameFormat ?? kindOf(digits)
  const highest = last === undefined ? 0 : (readPrefix(last.name) ?? 0)
  if (kind === 'index') {
    const width = Math.max(0, ...files.map(({ name }) => /^\d*/.exec(name)?.[0].length ?? 0))
    return `${highest + 1}`.padStart(width === 0 ? 4 : width, '0')
  }
  if (kind === 'other') return nextNumber(digits, now, '1')
  const time = Math.max(now.getTime(), highest + 1)
  return kind === 'utc' ? new Date(time).toISOString().replaceAll(/\D/g, '') : String(time)
}

function kindOf(digits: string | null): string {
  if (digits === null || digits.length === 13) return 'timestamp'
  if (digits.length === 17) return 'utc'
  return digits.length < 8 ? 'index' : 'other'
}

/** Texts of the tool's own templates. */
function textIn(language: string, name: string, description: string | null): string {
  if (language === 'sql') {
    return `-- Description: ${describeName(name, description)}\n-- Up Migration\n\n-- Down Migration\n`
  }
  if (/^[cm]?ts$/.test(language)) {
    return `import type { ColumnDefinitions, MigrationBuilder } from 'node-pg-migrate';

export const shorthands: ColumnDefinitions | undefined = undefined;

export async function up(pgm: MigrationBuilder): Promise<void> {}

export async function down(pgm: MigrationBuilder): Promise<void> {}
`
  }
  const [shorthands, up, down] =
    language === 'cjs'
      ? ['exports.shorthands', 'exports.up', 'exports.down']
      : ['export const shorthands', 'export const up', 'export const down']
  const given = `/**
 * @param pgm {import('node-pg-migrate').MigrationBuilder}
 * @param run {() => void | undefined}
 * @returns {Promise<void> | void}
 */`
  return `/**
 * @type {import('node-pg-migrate').ColumnDefinitions | undefined}
 */
${shorthands} = undefined;

${given}
${up} = (pgm) => {};

${given}
${down} = (pgm) => {};
`
}
