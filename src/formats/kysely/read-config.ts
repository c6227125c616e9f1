import { dirname, join, resolve } from 'node:path'
import { isTenantryError, TenantryError } from '../../model/errors.ts'
import type { FormatOptions } from '../../model/format.ts'
import { describeThrown } from '../../model/thrown.ts'
import { findNearest } from '../find-nearest.ts'
import { codeExtensions, importCode } from '../import-code.ts'
import { listFolder, showPath } from '../list-folder.ts'

type Settings = Readonly<Record<string, unknown>>

/** What kysely-ctl's config of the project says. Where it connects to is not kept. */
export interface KyselyConfig {
  /** For messages: relative to the project. */
  shown: string
  /** Folder that the project's kysely is looked for from. */
  dir: string
  /** Absolute; null: a `provider` or a `migrator` of its own says which migrations there are. */
  migrationFolder: string | null
  /** `migrations` of it, as written. */
  migrations: Settings
  /** Plugins of the instance that kysely-ctl would make, or that the config makes. Called when code is about to run. */
  plugins(): Promise<readonly unknown[]>
}

/**
 * The nearest `kysely.config` from the migrations up to the project's folder, or in a `.config` there (kysely-ctl looks
 * from the working directory up); null: there is none. The part of the environment is laid over it, as its reader c12 does.
 * Throws MIGRATIONS_UNREADABLE when it cannot be imported or holds no settings.
 */
export async function readKyselyConfig(options: FormatOptions): Promise<KyselyConfig | null> {
  const path = options.toolConfig ?? (await findNearest(options, findIn))
  if (path === null) return null
  const shown = showPath(options.root, path)
  const all = layer(await importSettings(path, shown), options.environment ?? 'development')
  const migrations = isSettings(all.migrations) ? all.migrations : {}
  const dir = dirname(path)
  const folder = typeof migrations.migrationFolder === 'string' ? migrations.migrationFolder : null
  const usual = dir.endsWith('.config') ? '../migrations' : 'migrations'
  const isOwn = migrations.provider !== undefined || migrations.migrator !== undefined
  return {
    shown,
    dir,
    migrationFolder: isOwn ? null : resolve(dir, folder ?? usual),
    migrations,
    plugins: () => readPlugins(all, shown),
  }
}

/** The config in this very folder. */
export async function findIn(dir: string): Promise<string | null> {
  for (const place of [dir, join(dir, '.config')]) {
    const there = new Set((await listFolder(place, place, [])).map((entry) => entry.name))
    const extension = codeExtensions.find((ending) => there.has(`kysely.config${ending}`))
    if (extension !== undefined) return join(place, `kysely.config${extension}`)
  }
  return null
}

async function importSettings(path: string, shown: string): Promise<Settings> {
  const fail = (what: string) =>
    new TenantryError('MIGRATIONS_UNREADABLE', `${shown} ${what}`, {
      hint: 'Correct it; nothing was connected to.',
      context: { file: shown },
    })
  try {
    const read = await importCode({ path, shown })
    const outer = isSettings(read) && read.default !== undefined ? read.default : read
    const exported = isSettings(outer) && isSettings(outer.default) ? outer.default : outer
    const value: unknown = await (typeof exported === 'function' ? exported({}) : exported)
    if (isSettings(value)) return value
  } catch (error) {
    if (isTenantryError(error)) throw error
    throw fail(`failed: ${describeThrown(error, process.env, path).message}`)
  }
  throw fail('exports no settings.')
}

function layer(all: Settings, environment: string): Settings {
  const parts = [all[`$${environment}`], isSettings(all.$env) ? all.$env[environment] : undefined].filter(isSettings)
  let whole = all
  for (const part of parts) {
    const migrations = isSettings(part.migrations) ? { ...(whole.migrations as Settings), ...part.migrations } : null
    whole = { ...whole, ...part, ...(migrations === null ? {} : { migrations }) }
  }
  return whole
}

/** Of the config, or of the Kysely that it makes. */
async function readPlugins(all: Settings, shown: string): Promise<readonly unknown[]> {
  try {
    const given: unknown = await (typeof all.plugins === 'function' ? all.plugins() : all.plugins)
    if (Array.isArray(given)) return given
    const made: unknown = await (typeof all.kysely === 'function' ? all.kysely() : all.kysely)
    const executor = (made as { getExecutor?(): { plugins?: unknown } } | undefined)?.getExecutor?.()
    return Array.isArray(executor?.plugins) ? executor.plugins : []
  } catch (error) {
    throw new TenantryError(
      'MIGRATIONS_UNREADABLE',
      `The plugins of ${shown} cannot be made: ${describeThrown(error, process.env, shown).message}`,
      { hint: 'Correct it, and run the command again.', context: { file: shown } },
    )
  }
}

function isSettings(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
