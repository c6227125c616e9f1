import { readFile } from 'node:fs/promises'
import { dirname, extname, join } from 'node:path'
import { TenantryError } from '../../model/errors.ts'
import type { FormatOptions, TemplateFile } from '../../model/format.ts'
import { describeThrown } from '../../model/thrown.ts'
import { formatStamp, makeSlug } from '../slug.ts'
import { listMigrationFiles, type MigrationFile } from './list-files.ts'
import { readKyselyConfig } from './read-config.ts'

/**
 * The next migration, written as the folder's last one is: its kind of number, its ending, its kind of module. With a
 * `getMigrationPrefix` in kysely-ctl's config that one names it. Throws `USAGE`.
 */
export async function writeKyselyTemplate(
  options: FormatOptions,
  name: string,
  { now }: { now: Date },
): Promise<TemplateFile[]> {
  const config = await readKyselyConfig(options)
  // A folder that is broken, or not there yet, can still get a new file; `load` tells what is wrong with it.
  const last = (await listMigrationFiles(options, { problems: [], notices: [] })).at(-1)
  const text = last === undefined ? '' : await readFile(last.path, 'utf8').catch(() => '')
  const extension = last === undefined ? '.ts' : extname(last.name)
  const dir = last === undefined ? (options.dirs[0] ?? options.root) : dirname(last.path)
  const slug = /^\w[\w.-]*$/.test(name) ? name : makeSlug(name)
  const given = config?.migrations.getMigrationPrefix
  const prefix =
    typeof given === 'function'
      ? await askPrefix(given, config?.shown ?? '')
      : nextPrefix(last, slug, now, config !== null)
  return [{ path: join(dir, `${prefix}${slug}${extension}`), text: writeText(text, extension) }]
}

// biome-ignore lint/complexity/noBannedTypes: whatever the config holds
async function askPrefix(given: Function, shown: string): Promise<string> {
  try {
    return String(await given())
  } catch (error) {
    const message = describeThrown(error, process.env, shown).message
    throw new TenantryError('USAGE', `getMigrationPrefix of ${shown} failed: ${message}`, {
      hint: 'Correct it, and run the command again.',
      context: { file: shown },
    })
  }
}

/** In the folder's own way, and after the last one, also when that was made in this very moment. */
function nextPrefix(last: MigrationFile | undefined, slug: string, now: Date, hasConfig: boolean): string {
  const before = last?.stem ?? ''
  const counted = /^(\d{1,8})([_-])/.exec(before)
  const isDate = /^\d{4}-\d\d-\d\d|^(?:19|20)\d{6}(?!\d)/.test(before)
  if (counted?.[1] !== undefined && !isDate)
    return `${String(Number(counted[1]) + 1).padStart(counted[1].length, '0')}${counted[2]}`
  const time = new Date(now)
  for (let tries = 0; ; tries++) {
    const prefix = stampLike(before, time, hasConfig)
    if (`${prefix}${slug}` > before || tries === 60) return prefix
    time.setUTCSeconds(time.getUTCSeconds() + 1)
  }
}

function stampLike(before: string, time: Date, hasConfig: boolean): string {
  const iso = time.toISOString()
  // kysely-ctl's own way, without and with `getKnexTimestampPrefix`; dates as in Kysely's documentation.
  if (/^\d{13}_/.test(before) || (before === '' && hasConfig)) return `${time.getTime()}_`
  const dated = /^\d{4}-\d\d-\d\d(?:([T_-])\d\d([-.:_])?\d\d[-.:_]?\d\d)?([_-])/.exec(before)
  if (dated === null) return `${formatStamp(time)}${/^\d{14}(-)/.exec(before)?.[1] ?? '_'}`
  const clock = dated[1] === undefined ? '' : `${dated[1]}${iso.slice(11, 19).replaceAll(':', dated[2] ?? '')}`
  return `${iso.slice(0, 10)}${clock}${dated[3]}`
}

function writeText(last: string, extension: string): string {
  if (/^\.[m]?ts$/.test(extension) || extension === '.cts') return typeScript
  const isCommonJs = extension === '.cjs' || (extension === '.js' && /\bexports\b/.test(last))
  return isCommonJs ? commonJs : module
}

/** Source: `templates/migration-template` of kysely-ctl 0.21. */
const typeScript = `import type { Kysely } from 'kysely'

// \`any\` is required here since migrations should be frozen in time. alternatively, keep a "snapshot" db interface.
export async function up(db: Kysely<any>): Promise<void> {
  // up migration code goes here...
}

// \`any\` is required here since migrations should be frozen in time. alternatively, keep a "snapshot" db interface.
export async function down(db: Kysely<any>): Promise<void> {
  // down migration code goes here...
}
`

const module = `/**
 * @param {import('kysely').Kysely<any>} db
 * @returns {Promise<void>}
 */
export async function up(db) {
  // up migration code goes here...
}

/**
 * @param {import('kysely').Kysely<any>} db
 * @returns {Promise<void>}
 */
export async function down(db) {
  // down migration code goes here...
}
`

const commonJs = `/**
 * @param {import('kysely').Kysely<any>} db
 * @returns {Promise<void>}
 */
exports.up = async (db) => {
  // up migration code goes here...
}

/**
 * @param {import('kysely').Kysely<any>} db
 * @returns {Promise<void>}
 */
exports.down = async (db) => {
  // down migration code goes here...
}
`
