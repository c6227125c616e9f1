import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { TenantryError } from '../model/errors.ts'
import { describeThrown } from '../model/thrown.ts'

/** A package of the user's project. */
export interface UserPackage {
  /** What it exports; the default export where it has one. */
  module: unknown
  /** All that it exports by name. */
  exports: unknown
  /** As its own manifest says: `6.37.8`. */
  version: string
}

/**
 * The package that the project itself uses, so that a migration and what runs it are of one kind (`instanceof`, symbols).
 * Looked for from each folder in turn. Throws DRIVER_MISSING with the command that installs it.
 */
export async function loadUserPackage(name: string, folders: readonly string[]): Promise<UserPackage> {
  const install = `Install it in the project: npm install ${name}`
  const path = resolveFrom(name, folders)
  if (path === null) {
    throw new TenantryError('DRIVER_MISSING', `The migrations need the package "${name}", and it is not installed.`, {
      hint: install,
    })
  }
  const known = loaded.get(path)
  if (known !== undefined) return known
  const loading = read(name, path, install)
  loaded.set(path, loading)
  return loading
}

const loaded = new Map<string, Promise<UserPackage>>()

async function read(name: string, path: string, install: string): Promise<UserPackage> {
  try {
    const exported = (await import(pathToFileURL(path).href)) as { default?: unknown }
    return { module: exported.default ?? exported, exports: exported, version: await findVersion(name, path) }
  } catch (error) {
    throw new TenantryError(
      'DRIVER_MISSING',
      `The package "${name}" cannot be loaded: ${describeThrown(error, process.env).message}`,
      { hint: `${install} (or repair it: npm ci)` },
    )
  }
}

/** The file that `require(name)` means in the first folder that knows it; null: none does. */
function resolveFrom(name: string, folders: readonly string[]): string | null {
  for (const folder of folders) {
    try {
      return createRequire(join(folder, 'any.js')).resolve(name)
    } catch {
      // Not there; the next folder may know it.
    }
  }
  return null
}

/** Of the manifest above the package's main file: its `exports` may not hand the manifest out. */
async function findVersion(name: string, path: string): Promise<string> {
  for (let dir = dirname(path); dirname(dir) !== dir; dir = dirname(dir)) {
    try {
      const manifest = JSON.parse(await readFile(join(dir, 'package.json'), 'utf8')) as Record<string, unknown>
      if (typeof manifest.version === 'string' && (manifest.name === name || dir.endsWith(name)))
        return manifest.version
    } catch {
      // No manifest in this folder.
    }
  }
  return 'unknown'
}
