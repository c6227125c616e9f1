import { access } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { FormatOptions } from '../../model/format.ts'
import { findNearest } from '../find-nearest.ts'
import { showPath } from '../list-folder.ts'
import type { FolderProblem } from '../problems.ts'
import { readTextFile } from '../read-file.ts'
import { readToml } from './read-toml.ts'

/** What a project's Flyway config says about its files. */
export interface FlywaySettings {
  /** Relative to the project; null: there is no config file. */
  shown: string | null
  prefix: string
  repeatablePrefix: string
  undoPrefix: string
  baselinePrefix: string
  separator: string
  suffixes: readonly string[]
  /** Names in lower case: Flyway does not tell them apart. */
  placeholders: Readonly<Record<string, string>>
  placeholderPrefix: string
  placeholderSuffix: string
  placeholderSeparator: string
  replaces: boolean
  inTransaction: boolean
  table: string | null
  schema: string | null
  /** Absolute folders of `locations` that are on this machine; empty: none is said. */
  locations: readonly string[]
}

const names = ['flyway.toml', 'flyway.conf', join('conf', 'flyway.toml'), join('conf', 'flyway.conf')]

/** The config file: the one named, else the nearest from the migrations up to the project's folder; null: none. */
async function findFile(options: FormatOptions): Promise<string | null> {
  if (options.toolConfig != null) return options.toolConfig
  return findNearest(options, async (dir) => {
    for (const name of names) {
      const path = join(dir, name)
      if (await exists(path)) return path
    }
    return null
  })
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/**
 * Reads `flyway.toml` or `flyway.conf`: how files are named, placeholders, locations, table. Where it connects to is not
 * kept. A file that cannot be read is a problem.
 */
export async function readSettings(options: FormatOptions, problems: FolderProblem[]): Promise<FlywaySettings> {
  const path = await findFile(options)
  if (path === null) return makeSettings({}, {}, null, options)
  const shown = showPath(options.root, path)
  const file = await readTextFile({ path, shown }, problems)
  if (file === null) return makeSettings({}, {}, shown, options)
  const read = path.endsWith('.toml') ? readToml(file.text) : readProperties(file.text)
  if (typeof read === 'string') {
    problems.push({
      code: 'MIGRATIONS_UNREADABLE',
      message: `${shown} cannot be read: ${read}.`,
      hint: 'See the reference of flyway.toml; only what stands under [flyway] is read.',
      files: [shown],
    })
    return makeSettings({}, {}, shown, options)
  }
  const own: Record<string, string | readonly string[]> = {}
  const placeholders: Record<string, string> = {}
  for (const [key, value] of Object.entries(read)) {
    const name = /^flyway\.(.+)$/s.exec(key)?.[1]
    if (name === undefined) continue
    const placeholder = /^placeholders\.(.+)$/is.exec(name)?.[1]
    if (placeholder === undefined) own[name] = value
    else placeholders[placeholder.toLowerCase()] = String(value)
  }
  return makeSettings(own, placeholders, shown, options)
}

function makeSettings(
  own: Readonly<Record<string, string | readonly string[]>>,
  placeholders: Readonly<Record<string, string>>,
  shown: string | null,
  options: FormatOptions,
): FlywaySettings {
  const text = (name: string, fallback: string) => {
    const value = own[name]
    return value === undefined ? fallback : String(value)
  }
  const list = (name: string) => {
    const value = own[name]
    const items = value === undefined ? [] : typeof value === 'string' ? value.split(',') : value
    return items.map((item) => item.trim()).filter((item) => item !== '')
  }
  const suffixes = list('sqlMigrationSuffixes')
  const schema = text('defaultSchema', list('schemas')[0] ?? '')
  const table = text('table', '')
  return {
    shown,
    prefix: options.prefix ?? text('sqlMigrationPrefix', 'V'),
    repeatablePrefix: text('repeatableSqlMigrationPrefix', 'R'),
    undoPrefix: text('undoSqlMigrationPrefix', 'U'),
    baselinePrefix: text('baselineMigrationPrefix', 'B'),
    separator: text('sqlMigrationSeparator', '__'),
    suffixes: suffixes.length > 0 ? suffixes : ['.sql'],
    placeholders,
    placeholderPrefix: text('placeholderPrefix', '${'),
    placeholderSuffix: text('placeholderSuffix', '}'),
    placeholderSeparator: text('placeholderSeparator', ':'),
    replaces: text('placeholderReplacement', 'true').toLowerCase() !== 'false',
    inTransaction: text('executeInTransaction', 'true').toLowerCase() !== 'false',
    table: table === '' ? null : table,
    schema: schema === '' ? null : schema,
    locations: list('locations').flatMap((location) => findLocation(location, options.root)),
  }
}

/** Paths of the command line are relative to where it is called; what is on a class path lies with the sources. */
function findLocation(location: string, root: string): string[] {
  const [, kind = 'classpath', path = location] = /^(filesystem|classpath|\w+):(.*)$/.exec(location) ?? []
  if (/[*?]/.test(path)) return []
  if (kind === 'filesystem') return [resolve(root, path)]
  return kind === 'classpath' ? [resolve(root, 'src/main/resources', path.replace(/^\/+/, ''))] : []
}

/** `key=value` lines, as Java's properties: `#` and `!` begin comments, a backslash at the end goes on. */
export function readProperties(text: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const line of text.replaceAll(/\\\r?\n\s*/g, '').split(/\r?\n/)) {
    const match = /^\s*([^#!\s=][^=]*?)\s*=\s*(.*?)\s*$/.exec(line)
    if (match?.[1] !== undefined) found[match[1]] = (match[2] ?? '').replaceAll('\\\\', '\\')
  }
  return found
}
