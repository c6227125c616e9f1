import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { loadUserPackage } from '../user-package.ts'
import type { Driver, KyselyPackage } from './kysely-types.ts'

/** The project's kysely, and what streams need. */
export interface Tool {
  kysely: KyselyPackage
  /** The project's `pg-cursor`, without which Kysely streams nothing on PostgreSQL; null: it has none. */
  cursor: unknown
}

/** Finds the project's kysely, from each folder in turn. Throws DRIVER_MISSING. */
export async function findKysely(folders: readonly string[]): Promise<Tool> {
  const { exports } = await loadUserPackage('kysely', folders)
  const cursor = await loadUserPackage('pg-cursor', folders).then(
    ({ module }) => module,
    () => null,
  )
  return { kysely: exports as KyselyPackage, cursor }
}

/**
 * The classes of drivers, of each copy in the package: what a migration imports may be another one (ES module or CommonJS)
 * than what was loaded here.
 */
export async function findDriverClasses({ kysely }: Tool, folders: readonly string[]): Promise<Driver[]> {
  const copies = [kysely, ...(await importOtherCopies(folders))]
  return copies.flatMap(({ PostgresDriver, MysqlDriver, SqliteDriver }) =>
    [PostgresDriver, MysqlDriver, SqliteDriver].flatMap((one) => (typeof one === 'function' ? [one.prototype] : [])),
  )
}

async function importOtherCopies(folders: readonly string[]): Promise<KyselyPackage[]> {
  for (const folder of folders) {
    try {
      const path = createRequire(join(folder, 'any.js')).resolve('kysely')
      for (let dir = dirname(path); dirname(dir) !== dir; dir = dirname(dir)) {
        const manifest = join(dir, 'package.json')
        if (!existsSync(manifest)) continue
        const { name, exports } = JSON.parse(await readFile(manifest, 'utf8')) as Record<string, never>
        if (name !== 'kysely') continue
        const main = (exports as Record<string, unknown> | undefined)?.['.'] as Record<string, unknown> | undefined
        const file = main?.import
        return typeof file === 'string' ? [(await import(pathToFileURL(join(dir, file)).href)) as KyselyPackage] : []
      }
    } catch {
      // Not there; the next folder may know it.
    }
  }
  return []
}
