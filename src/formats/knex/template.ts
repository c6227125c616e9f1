import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, extname, join } from 'node:path'
import { TenantryError } from '../../model/errors.ts'
import type { FormatOptions, TemplateFile } from '../../model/format.ts'
import { formatStamp, makeSlug } from '../slug.ts'
import { loadUserPackage } from '../user-package.ts'
import { findPackageFolders } from './find-folders.ts'
import { isSettings, type Knexfile, readKnexfile } from './knexfile.ts'
import { listMigrationFiles, type MigrationFile } from './list-files.ts'

type Make = (name: string, config: object) => Promise<string>

/**
 * What `knex migrate:make` writes: its own file name and its own stub, or the one that the knexfile names. The project's
 * knex writes it, to a folder that is taken away again. Throws `USAGE`, DRIVER_MISSING.
 */
export async function writeKnexTemplate(
  options: FormatOptions,
  name: string,
  { now }: { now: Date },
): Promise<TemplateFile[]> {
  const knexfile = await readKnexfile(options)
  if (knexfile !== null && options.dirs.length === 0) {
    throw new TenantryError(
      'USAGE',
      `The migrations come from the migrationSource of ${knexfile.shown}, not from a folder.`,
      {
        hint: 'Write the migration where that source takes them from.',
      },
    )
  }
  const slug = /^[\w.-]+$/.test(name) ? name.replace(/^-/, '') : makeSlug(name)
  const files = await listMigrationFiles(options, knexfile, { problems: [], notices: [] })
  const dir = options.dirs.at(-1) ?? options.root
  const extension = chooseExtension(knexfile, files)
  const text = await makeText(options, knexfile, extension, await chooseStub(extension, files, dir))
  const stem = nameAfter(files, slug, now)
  return [{ path: join(dir, `${stem}.${extension.split('-')[0]}`), text }]
}

/** As the knexfile says, else as the last migration has it, else as the knexfile itself. */
function chooseExtension(knexfile: Knexfile | null, files: readonly MigrationFile[]): string {
  const told = knexfile?.migrations.extension
  if (typeof told === 'string' && told !== '') return told.toLowerCase()
  const own = knexfile === null ? '' : extname(knexfile.path).slice(1)
  return files.at(-1)?.extension.slice(1) ?? (own === '' || own === 'json' ? 'js' : own)
}

/** Knex's stub for `js` is CommonJS: it could not be loaded where the others are ES modules. */
async function chooseStub(extension: string, files: readonly MigrationFile[], dir: string): Promise<string> {
  if (extension === 'mts' || extension === 'cts') return 'ts'
  if (extension !== 'js') return extension
  const last = files.at(-1)
  const isModule = last === undefined ? await hasModules(dir) : /^export\s/m.test(await readFile(last.path, 'utf8'))
  return isModule ? 'mjs' : 'js'
}

/** Does the nearest manifest make `.js` files ES modules? */
async function hasModules(from: string): Promise<boolean> {
  for (let dir = from; ; dir = dirname(dir)) {
    const text = await readFile(join(dir, 'package.json'), 'utf8').catch(() => null)
    if (text !== null) return /"type"\s*:\s*"module"/.test(text)
    if (dirname(dir) === dir) return false
  }
}

async function makeText(
  options: FormatOptions,
  knexfile: Knexfile | null,
  extension: string,
  stub: string,
): Promise<string> {
  const { module } = await loadUserPackage('knex', findPackageFolders(options, knexfile))
  const knex = (module as (config: object) => { migrate: { make: Make } })({ client: 'pg' })
  const settings = isSettings(knexfile?.config.migrations) ? knexfile.config.migrations : {}
  const directory = await mkdtemp(join(tmpdir(), 'tenantry-make-'))
  try {
    const written = await knex.migrate.make('x', {
      directory,
      extension: stub,
      ...(typeof settings.stub === 'string' ? { stub: settings.stub, extension } : {}),
      ...(isSettings(settings.variables) ? { variables: settings.variables } : {}),
    })
    return await readFile(join(directory, basename(written)), 'utf8')
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new TenantryError('USAGE', `Knex could not write a migration with the ending ${extension}: ${message}`, {
      hint: 'Look at `migrations.extension` and `migrations.stub` in the knexfile.',
    })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** The time in UTC, and after the last one, also when that was made in this very second. */
function nameAfter(files: readonly MigrationFile[], slug: string, now: Date): string {
  const last = files.at(-1)?.stem ?? ''
  const time = new Date(now)
  for (let tries = 0; tries < 60; tries++) {
    const stem = `${formatStamp(time)}_${slug}`
    if (stem > last) return stem
    time.setUTCSeconds(time.getUTCSeconds() + 1)
  }
  return `${formatStamp(now)}_${slug}`
}
