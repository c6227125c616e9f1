import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { isTenantryError, TenantryError } from '../../model/errors.ts'
import type { FormatOptions } from '../../model/format.ts'
import { describeThrown } from '../../model/thrown.ts'
import { findNearest } from '../find-nearest.ts'
import { importCode } from '../import-code.ts'
import { listFolder, showPath } from '../list-folder.ts'

type Settings = Readonly<Record<string, unknown>>

/** What the project's knexfile says, for the environment asked for. Where it connects to is not kept. */
export interface Knexfile {
  path: string
  /** For messages: relative to the project. */
  shown: string
  /** Paths in it are relative to this, as with Knex's command line. */
  dir: string
  /** Options of a Knex instance, without `connection`, `pool` and what belongs to them. */
  config: Settings
  /** `migrations` of it, as written. */
  migrations: Settings
  /** Name of the client it is written for (`pg`, `mysql2`); null: none, or a class. */
  client: string | null
  /** Schemas that Knex would put on the search path when it connects; empty: none. */
  searchPath: readonly string[]
}

/** As Knex's command line looks for them, and the endings that only newer versions know. */
const names = ['js', 'mjs', 'cjs', 'ts', 'mts', 'cts', 'json'].map((ending) => `knexfile.${ending}`)

/** Belongs to a connection of its own, or is said by the session: never taken over. */
const dropped = new Set([
  'acquireConnectionTimeout',
  'connection',
  'connectionPool',
  'debug',
  'environments',
  'ext',
  'pool',
  'searchPath',
  'version',
])

/** Path of the knexfile: the one named, else the nearest from the migrations up to the project's folder; null: none. */
export async function findKnexfile(options: FormatOptions): Promise<string | null> {
  if (options.toolConfig != null) return options.toolConfig
  return findNearest(options, findIn)
}

/** The knexfile in this very folder. */
export async function findIn(dir: string): Promise<string | null> {
  const there = new Set((await listFolder(dir, dir, [])).map((entry) => entry.name))
  const name = names.find((one) => there.has(one))
  return name === undefined ? null : join(dir, name)
}

/**
 * Reads the knexfile: an object, a function or a promise of one, flat or with a part per environment. null: there is
 * none. Throws MIGRATIONS_UNREADABLE when it cannot be imported or holds no settings, CONFIG_INVALID when it has no part
 * for the environment.
 */
export async function readKnexfile(options: FormatOptions): Promise<Knexfile | null> {
  const path = await findKnexfile(options)
  if (path === null) return null
  const shown = showPath(options.root, path)
  const chosen = chooseEnvironment(await importSettings(path, shown), options.environment ?? null, shown)
  const dir = dirname(path)
  const seeds = isSettings(chosen.seeds) ? chosen.seeds : {}
  const migrations = isSettings(chosen.migrations) ? chosen.migrations : {}
  const kept = Object.entries(chosen).filter(([key, value]) => !dropped.has(key) && value !== undefined)
  return {
    path,
    shown,
    dir,
    config: {
      ...Object.fromEntries(kept),
      migrations: { ...migrations, ...absolute(migrations, dir) },
      // Knex looks from the working directory, which its command line moves to the knexfile's.
      seeds: { directory: join(dir, 'seeds'), ...seeds, ...absolute(seeds, dir) },
    },
    migrations,
    client: typeof chosen.client === 'string' ? chosen.client : null,
    searchPath: readSearchPath(chosen.searchPath),
  }
}

/** Folders of the migrations, absolute. Empty: its `migrationSource` gives them instead. */
export function migrationDirs({ migrations, dir }: Knexfile): string[] {
  // As Knex: what is said about files makes it forget the source.
  const files = migrations.directory || migrations.sortDirsSeparately !== undefined || migrations.loadExtensions
  if (!files && isSettings(migrations.migrationSource)) return []
  return toList(migrations.directory ?? './migrations').map((path) => resolve(dir, path))
}

export function isSettings(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A text or a list of texts, as Knex takes both in many places. */
export function toList(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).filter((one): one is string => typeof one === 'string' && one !== '')
}

async function importSettings(path: string, shown: string): Promise<Settings> {
  const fail = (what: string) =>
    new TenantryError('MIGRATIONS_UNREADABLE', `${shown} ${what}`, {
      hint: 'Correct it, or name another one with the key `migrations.knexfile`; nothing was connected to.',
      context: { file: shown },
    })
  try {
    const read = path.endsWith('.json') ? JSON.parse(await readFile(path, 'utf8')) : await importCode({ path, shown })
    const outer = isSettings(read) && read.default !== undefined ? read.default : read
    // A compiler's export of a default, imported as CommonJS.
    const exported = isSettings(outer) && '__esModule' in outer ? (outer.default ?? outer) : outer
    const value: unknown = await (typeof exported === 'function' ? exported() : exported)
    if (isSettings(value)) return value
  } catch (error) {
    if (isTenantryError(error)) throw error
    throw fail(`failed: ${describeThrown(error, process.env, path).message}`)
  }
  throw fail('exports no settings.')
}

/** Knex takes the part of the environment where there is one, else the whole. */
function chooseEnvironment(all: Settings, asked: string | null, shown: string): Settings {
  const name = asked ?? 'development'
  const part = all[name]
  if (isSettings(part)) return part
  const parts = Object.entries(all).filter(([key, value]) => key !== 'ext' && looksWhole(value))
  if (looksWhole(all) || parts.length === 0) return all
  const [first, ...others] = parts.map(([, value]) => value as Settings)
  const alike = JSON.stringify(first?.migrations ?? {})
  if (first !== undefined && others.every((other) => JSON.stringify(other.migrations ?? {}) === alike)) return first
  throw new TenantryError('CONFIG_INVALID', `${shown} has no part for the environment ${JSON.stringify(name)}.`, {
    hint: `It has ${parts.map(([key]) => key).join(', ')}, and they keep their migrations differently: choose one with NODE_ENV, or with --env and a part of that name in \`environments\` of tenantry.config, which may be empty.`,
    context: { file: shown },
  })
}

function looksWhole(value: unknown): boolean {
  return isSettings(value) && ['client', 'connection', 'migrations'].some((key) => key in value)
}

/** The keys that are paths. */
function absolute(settings: Settings, dir: string): Settings {
  const { directory, stub } = settings
  const dirs = toList(directory).map((path) => resolve(dir, path))
  return {
    ...(dirs.length === 0 ? {} : { directory: Array.isArray(directory) ? dirs : dirs[0] }),
    ...(typeof stub === 'string' ? { stub: resolve(dir, stub) } : {}),
  }
}

function readSearchPath(value: unknown): string[] {
  return toList(value).filter((schema) => !schema.startsWith('$'))
}
