import { extname, resolve } from 'node:path'
import type { FormatOptions } from '../../model/format.ts'
import { codeExtensions } from '../import-code.ts'
import { type FolderEntry, listFolder } from '../list-folder.ts'
import type { Findings } from '../problems.ts'
import { type Knexfile, toList } from './knexfile.ts'

/** Source: `DEFAULT_LOAD_EXTENSIONS` in Knex's `MigrationsLoader.js`. */
const defaultExtensions = ['.co', '.coffee', '.eg', '.iced', '.js', '.cjs', '.litcoffee', '.ls', '.ts']

/** Files of which a team that keeps only such ones told Knex with an option that cannot be seen in the folder. */
const newerExtensions = ['.mjs', '.mts', '.cts']

/** A file that is a migration. */
export interface MigrationFile extends FolderEntry {
  /** Its name without the ending. */
  stem: string
  extension: string
}

/**
 * The migrations of all folders in Knex's order: by file name over all of them, or with `sortDirsSeparately` folder by
 * folder (`fs-migrations.js`). Two files with one stem are a problem.
 */
export async function listMigrationFiles(
  options: FormatOptions,
  knexfile: Knexfile | null,
  findings: Findings,
): Promise<MigrationFile[]> {
  const { problems, notices } = findings
  const entries: FolderEntry[] = []
  for (const dir of new Set(options.dirs.map((path) => resolve(path)))) {
    for (const entry of await listFolder(options.root, dir, problems)) {
      const ignored = options.ignore !== null && entry.name.search(options.ignore) >= 0
      // What a compiler writes for types is no migration; Knex itself would stumble over it.
      if (entry.kind === 'file' && !ignored && !/\.d\.[cm]?ts$/.test(entry.name)) entries.push(entry)
    }
  }
  const told = toList(knexfile?.migrations.loadExtensions)
  const named = entries.map((entry) => ({ ...entry, extension: extname(entry.name) }))
  const usual = named.filter(({ extension }) => (told.length > 0 ? told : defaultExtensions).includes(extension))
  const newer = told.length > 0 ? [] : named.filter(({ extension }) => newerExtensions.includes(extension))
  if (usual.length > 0) {
    for (const { shown } of newer) {
      notices.push({
        rule: 'knex-extension',
        message: `${shown} is left out, as Knex does: its ending is not among those it loads.`,
        hint: 'If it is a migration, set `migrations.loadExtensions` in the knexfile.',
        file: shown,
      })
    }
  }
  const files = (usual.length > 0 ? usual : newer).map((entry) => ({
    ...entry,
    stem: entry.name.slice(0, -entry.extension.length),
  }))
  if (knexfile?.migrations.sortDirsSeparately !== true) files.sort((a, b) => (a.name < b.name ? -1 : 1))
  reportDuplicates(files, findings)
  return files
}

function reportDuplicates(files: readonly MigrationFile[], { problems }: Findings): void {
  const seen = new Map<string, MigrationFile>()
  for (const file of files) {
    const before = seen.get(file.stem)
    seen.set(file.stem, file)
    if (before === undefined) continue
    const compiled = before.extension !== file.extension
    problems.push({
      code: 'MIGRATION_DUPLICATE',
      message: `Two files are the migration ${file.stem}: ${before.shown}, ${file.shown}.`,
      hint: compiled
        ? 'If one is compiled from the other, say which ones count with `migrations.loadExtensions` in the knexfile.'
        : 'Keep one of them, or rename the other.',
      files: [before.shown, file.shown],
    })
  }
}

/**
 * Every name a row may have: the file's own first, since that is what Knex writes, then those of the same migration
 * before or after a compiler: teams run `.ts` here and the `.js` made of it there.
 */
export function spellKeys({ name, stem }: MigrationFile): string[] {
  return [...new Set([name, stem, ...codeExtensions.map((extension) => stem + extension)])]
}
