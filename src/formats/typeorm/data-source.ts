import { existsSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { isTenantryError, TenantryError } from '../../model/errors.ts'
import type { FormatOptions } from '../../model/format.ts'
import { describeThrown } from '../../model/thrown.ts'
import { importCode } from '../import-code.ts'
import { showPath } from '../list-folder.ts'
import { loadUserPackage } from '../user-package.ts'
import { readQuietly } from './watch-sources.ts'

export type Settings = Readonly<Record<string, unknown>>

/** What the project's data source says. Where it connects to is not kept. */
export interface ProjectSource {
  path: string
  /** For messages: relative to the project. */
  shown: string
  /** Relative patterns count from here, as from where TypeORM's command line is run. */
  base: string
  /** Its options without address and credentials. */
  options: Settings
  /** Patterns of files in `migrations`; classes that stand there themselves are not in it. */
  migrationPatterns: readonly string[]
  /** Number of classes in `migrations`. */
  migrationClasses: number
}

const endings = ['ts', 'js', 'mts', 'mjs', 'cts', 'cjs']
const stems = ['data-source', 'dataSource', 'datasource', 'app-data-source', 'typeorm.config', 'ormconfig']
const names = [...stems.flatMap((stem) => endings.map((ending) => `${stem}.${ending}`)), 'ormconfig.json']
/** Where the usual project has it, below its own folder. */
const usual = ['.', 'src', 'src/db', 'src/database', 'src/config', 'db', 'database', 'config']

/** Belongs to a connection of its own, or is said by the session: never taken over. */
const dropped = new Set([
  'applicationName',
  'cache',
  'connectString',
  'connectTimeout',
  'connectTimeoutMS',
  'database',
  'driver',
  'dropSchema',
  'extra',
  'host',
  'logging',
  'logger',
  'logNotifications',
  'maxQueryExecutionTime',
  'migrationsRun',
  'nativeDriver',
  'password',
  'poolErrorHandler',
  'poolSize',
  'port',
  'replication',
  'socketPath',
  'ssl',
  'synchronize',
  'url',
  'username',
])

/** Path of the data source: the one named, else the nearest from the migrations up, else where it is usual; null: none. */
export function findDataSource(options: FormatOptions): string | null {
  if (options.toolConfig != null) return options.toolConfig
  const root = resolve(options.root)
  const folders = options.dirs.flatMap((start) => foldersUpTo(resolve(start), root))
  for (const dir of new Set([...folders, ...usual.map((folder) => join(root, folder))])) {
    const found = names.map((name) => join(dir, name)).find((path) => existsSync(path) && isOfTypeorm(path))
    if (found !== undefined) return found
  }
  return null
}

/** A file of that name may be about anything; it is run only where its text speaks of TypeORM. */
function isOfTypeorm(path: string): boolean {
  return basename(path).startsWith('ormconfig.') || /typeorm/i.test(readFileSync(path, 'utf8'))
}

function foldersUpTo(start: string, root: string): string[] {
  const found: string[] = []
  for (let dir = start; ; dir = dirname(dir)) {
    if (relative(root, dir).startsWith('..')) return found
    found.push(dir)
    if (dir === root || dirname(dir) === dir) return found
  }
}

const known = new Map<string, Promise<Settings>>()

/** Reads the data source. null: there is none. Throws MIGRATIONS_UNREADABLE where it cannot be read. */
export async function readDataSource(options: FormatOptions): Promise<ProjectSource | null> {
  const path = findDataSource(options)
  if (path === null) return null
  const shown = showPath(options.root, path)
  const reading = known.get(path) ?? importOptions(path, shown, options)
  known.set(path, reading)
  // Edited, it is read again by who asks next.
  reading.catch(() => known.delete(path))
  const all = await reading
  const kept = Object.entries(all).filter(([key, value]) => !dropped.has(key) && value !== undefined)
  const migrations = listValues(all.migrations)
  return {
    path,
    shown,
    base: await findBase(path, options.root),
    options: Object.fromEntries(kept),
    migrationPatterns: migrations.filter((one) => typeof one === 'string'),
    migrationClasses: migrations.filter((one) => typeof one === 'function').length,
  }
}

/** TypeORM takes lists, and objects of any names. */
export function listValues(value: unknown): unknown[] {
  if (Array.isArray(value)) return value.flatMap((one) => (Array.isArray(one) ? one : [one]))
  return typeof value === 'object' && value !== null ? Object.values(value) : []
}

/** The nearest folder with a package.json, at most the project's. */
async function findBase(path: string, root: string): Promise<string> {
  for (const dir of foldersUpTo(dirname(path), resolve(root))) if (existsSync(join(dir, 'package.json'))) return dir
  return root
}

async function importOptions(path: string, shown: string, options: FormatOptions): Promise<Settings> {
  const fail = (what: string) =>
    new TenantryError('MIGRATIONS_UNREADABLE', `${shown} ${what}`, {
      hint: 'Correct it, or name another one with the key `migrations.dataSource`; nothing was connected to.',
      context: { file: shown },
    })
  try {
    const value = path.endsWith('.json')
      ? JSON.parse((await readFile(path, 'utf8')).replace(/^\uFEFF/, ''))
      : await readModule(path, shown, options)
    const found = findOptions(value)
    if (found !== null) return found
  } catch (error) {
    if (isTenantryError(error)) throw error
    throw fail(`failed: ${describeThrown(error, process.env, path).message}`)
  }
  throw fail('exports no data source and no options of one.')
}

/** A module that connects while it is imported, as applications' do, connects to nothing. */
async function readModule(path: string, shown: string, { dirs, root }: FormatOptions): Promise<unknown> {
  // Without it the file itself cannot be imported, or needs none.
  const found = await loadUserPackage('typeorm', [dirname(path), ...dirs, root]).catch(() => null)
  return readQuietly(found?.exports ?? {}, async () => {
    const module = await importCode({ path, shown, decorated: true })
    const value: unknown = isSettings(module) && typeof module.default === 'function' ? module.default : module
    if (typeof value === 'function' && !isSource(value)) return (value as () => unknown)()
    if (!isSettings(value)) return value
    // Exports may be promises, as of factories.
    const entries = Object.entries(value).map(async ([name, one]) => [name, await one] as const)
    return Object.fromEntries(await Promise.all(entries))
  })
}

/** The first data source among what a module exports, else the first plain options. */
function findOptions(value: unknown): Settings | null {
  if (isSource(value)) return value.options
  const exported = Array.isArray(value)
    ? value
    : isSettings(value)
      ? [value.default, value, ...Object.values(value)]
      : []
  const inner = exported.flatMap((one) => (Array.isArray(one) ? one : [one]))
  for (const one of inner) if (isSource(one)) return one.options
  for (const one of inner) if (isSettings(one) && typeof one.type === 'string') return one
  return null
}

function isSource(value: unknown): value is { options: Settings } {
  const holds = typeof value === 'object' && value !== null
  return holds && 'initialize' in value && isSettings((value as { options?: unknown }).options)
}

export function isSettings(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Is this file another tool's config? One key names them all in what a set of migrations says. */
export function isOtherTool(path: string): boolean {
  return /^(?:knexfile\.|\.sequelizerc)/.test(basename(path))
}
