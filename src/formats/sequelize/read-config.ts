import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'
import { TenantryError } from '../../model/errors.ts'
import type { FormatOptions } from '../../model/format.ts'
import { describeThrown } from '../../model/thrown.ts'
import { importCode } from '../import-code.ts'
import { showPath } from '../list-folder.ts'
import { refuseExit } from '../refuse-exit.ts'

type Settings = Readonly<Record<string, unknown>>

/** What the project's config tells sequelize-cli. */
export interface ToolConfig {
  /** The config's part for the environment that is used; null: there is no config. */
  settings: Settings | null
  /** For messages: `config/config.js (production)`. */
  shown: string
  /** The config's file relative to the project; null: there is none. */
  file: string | null
}

/** Folder of the migrations by `.sequelizerc`, absolute; null: there is no such file. Throws CONFIG_INVALID. */
export function findMigrationsPath(options: FormatOptions): string | null {
  const { dir, rc } = findBase(options)
  return rc === null ? null : (pathAt(readRc(rc, options.root), 'migrations-path', dir) ?? join(dir, 'migrations'))
}

/**
 * Reads the config that `.sequelizerc` names, else `config/config.js` or `.json`, as sequelize-cli does; both are
 * looked for in the folders above the migrations, up to the project's. Throws CONFIG_INVALID, MIGRATIONS_UNREADABLE.
 */
export async function readToolConfig(options: FormatOptions): Promise<ToolConfig> {
  const base = findBase(options)
  const rc = base.rc === null ? {} : readRc(base.rc, options.root)
  const named = pathAt(rc, 'config', base.dir)
  const file = named ?? ['config.js', 'config.json'].map((name) => join(base.dir, 'config', name)).find(existsSync)
  if (file === undefined) return { settings: null, shown: '', file: null }
  const shown = showPath(options.root, file)
  if (!existsSync(file)) {
    throw new TenantryError(
      'CONFIG_INVALID',
      `${showPath(options.root, base.rc ?? '')} names ${shown}, which is not there.`,
      {
        hint: 'Correct `config` in it; relative paths count from the folder it is in.',
        context: { file: shown },
      },
    )
  }
  const whole = await readConfigFile(file, shown)
  const { name, settings } = chooseEnvironment(whole, options.environment ?? 'development', shown)
  return { settings, shown: name === null ? shown : `${shown} (${name})`, file: shown }
}

interface Base {
  dir: string
  rc: string | null
}

function findBase(options: FormatOptions): Base {
  if (options.toolConfig != null) return { dir: dirname(options.toolConfig), rc: options.toolConfig }
  const folders = foldersAbove(options)
  const withRc = folders.find((folder) => existsSync(join(folder, '.sequelizerc')))
  if (withRc !== undefined) return { dir: withRc, rc: join(withRc, '.sequelizerc') }
  const hasConfig = (folder: string) =>
    ['config.js', 'config.json'].some((name) => existsSync(join(folder, 'config', name)))
  return { dir: folders.find(hasConfig) ?? options.root, rc: null }
}

/** Those of the migrations' folders, nearest first, and the project's. */
function foldersAbove({ dirs, root }: FormatOptions): string[] {
  const found: string[] = []
  for (const dir of dirs) {
    for (let at = resolve(dir); ; at = dirname(at)) {
      if (relative(root, at).startsWith('..')) break
      found.push(at)
      if (at === root || dirname(at) === at) break
    }
  }
  return [...new Set([...found, root])]
}

/** CommonJS without an ending: `require` takes it, `import` does not. */
function readRc(path: string, root: string): Settings {
  const allowExit = refuseExit()
  try {
    const require = createRequire(path)
    // As it is now: one process may load a project more than once.
    delete require.cache[path]
    const value: unknown = require(path)
    return isSettings(value) ? value : {}
  } catch (error) {
    const shown = showPath(root, path)
    const { message, line } = describeThrown(error, process.env, path)
    const at = line === undefined ? '' : ` at line ${line}`
    throw new TenantryError('CONFIG_INVALID', `${shown} cannot be read${at}: ${message}`, {
      hint: 'It is CommonJS (`module.exports = { … }`), as for sequelize-cli.',
      context: { file: shown, ...(line === undefined ? {} : { line }) },
    })
  } finally {
    allowExit()
  }
}

/**
 * A path of `.sequelizerc`. They are mostly made with `path.resolve('config', …)`, which counts from the working
 * directory: sequelize-cli is run beside the file, and we perhaps somewhere else.
 */
function pathAt(rc: Settings, key: string, base: string): string | null {
  const camel = key.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
  const value = rc[key] ?? rc[camel]
  if (typeof value !== 'string' || value === '') return null
  const path = resolve(base, value)
  if (existsSync(path)) return path
  const meant = join(base, relative(process.cwd(), path))
  return existsSync(meant) ? meant : path
}

async function readConfigFile(path: string, shown: string): Promise<Settings> {
  if (path.endsWith('.json')) {
    try {
      return asSettings(JSON.parse((await readFile(path, 'utf8')).replace(/^\uFEFF/, '')), shown)
    } catch (error) {
      if (error instanceof SyntaxError) throw invalid(shown, 'it is not valid JSON')
      throw error
    }
  }
  const module = await importCode({ path, shown })
  const exported = unwrap(module)
  const allowExit = refuseExit()
  try {
    const value = typeof exported === 'function' ? callConfig(exported as ConfigFunction) : exported
    return asSettings(await value, shown)
  } catch (error) {
    if (error instanceof TenantryError) throw error
    throw invalid(shown, describeThrown(error, process.env, path).message)
  } finally {
    allowExit()
  }
}

type ConfigFunction = (...args: unknown[]) => unknown

/** One parameter: it is given a callback, else it returns the config. Source: `config-helper.js` of sequelize-cli. */
function callConfig(config: ConfigFunction): unknown {
  return config.length === 1
    ? promisify(config as (done: (error: unknown, value: unknown) => void) => void)()
    : config()
}

/** The default export of a module, and of one that was compiled. */
function unwrap(module: unknown): unknown {
  if (!isSettings(module) || !('default' in module)) return module
  const value = module.default
  return isSettings(value) && value.__esModule === true && 'default' in value ? value.default : value
}

function asSettings(value: unknown, shown: string): Settings {
  if (!isSettings(value)) throw invalid(shown, 'it holds no object')
  return value
}

function invalid(shown: string, what: string): TenantryError {
  return new TenantryError('CONFIG_INVALID', `${shown} cannot be used: ${what}.`, {
    hint: 'sequelize-cli reads it, too: `npx sequelize-cli db:migrate:status` tells more.',
    context: { file: shown },
  })
}

/** Keys of a config that is not divided into environments. */
const flatKeys = ['dialect', 'database', 'url', 'use_env_variable', 'host', 'username', 'storage']

/**
 * The part for an environment. Where there is none of that name, any will do as long as all of them say the same about
 * the history, and CONFIG_INVALID is thrown where they do not.
 */
function chooseEnvironment(
  config: Settings,
  wanted: string,
  shown: string,
): { name: string | null; settings: Settings } {
  const own = config[wanted]
  if (isSettings(own)) return { name: wanted, settings: own }
  const parts = Object.entries(config).filter((entry): entry is [string, Settings] => isSettings(entry[1]))
  if (parts.length === 0 || flatKeys.some((key) => typeof config[key] === 'string'))
    return { name: null, settings: config }
  const histories = new Set(parts.map(([, part]) => JSON.stringify(historyKeys.map((key) => part[key] ?? null))))
  const [first] = parts
  if (histories.size > 1 || first === undefined) {
    throw new TenantryError(
      'CONFIG_INVALID',
      `${shown} has no environment "${wanted}", and those it has (${parts.map(([name]) => name).join(', ')}) keep different history tables.`,
      { hint: 'Choose one of them with --env, or TENANTRY_ENV or NODE_ENV.', context: { file: shown } },
    )
  }
  return { name: null, settings: Object.fromEntries(historyKeys.map((key) => [key, first[1][key]])) }
}

const historyKeys = ['migrationStorage', 'migrationStorageTableName', 'migrationStorageTableSchema']

export function isSettings(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
