import { resolve } from 'node:path'
import type { FormatOptions } from '../../model/format.ts'
import { type FolderEntry, listFolder } from '../list-folder.ts'
import type { FolderProblem } from '../problems.ts'

/** A migration's file. */
export interface MigrationFile extends FolderEntry {
  /** The name without its ending. */
  stem: string
}

/** What sequelize-cli takes (`core/migrator.js`), and ES modules, which umzug takes. */
const pattern = /^(?!.*\.d\.[cm]?ts$).*\.[cm]?[jt]s$/
const ending = /\.[cm]?[jt]s$/

/**
 * The files of all folders in the order of their names, compared as sequelize-cli and umzug do: character by character.
 * Folders within are not looked into, as with both.
 */
export async function listMigrationFiles(options: FormatOptions, problems: FolderProblem[]): Promise<MigrationFile[]> {
  const files: MigrationFile[] = []
  for (const dir of new Set(options.dirs.map((path) => resolve(path)))) {
    for (const entry of await listFolder(options.root, dir, problems)) {
      if (entry.kind !== 'file' || !pattern.test(entry.name)) continue
      if (options.ignore !== null && entry.name.search(options.ignore) >= 0) continue
      files.push({ ...entry, stem: entry.name.replace(ending, '') })
    }
  }
  files.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  const first = new Map<string, MigrationFile>()
  for (const file of files) {
    const folded = file.stem.toLowerCase()
    const other = first.get(folded)
    if (other === undefined) first.set(folded, file)
    else problems.push(describeTwice(other, file))
  }
  return files
}

function describeTwice(one: MigrationFile, other: MigrationFile): FolderProblem {
  const compiled = one.stem === other.stem && one.name !== other.name
  return {
    code: 'MIGRATION_DUPLICATE',
    message: `Two files are the migration ${one.stem}: ${one.shown}, ${other.shown}.`,
    hint: compiled
      ? "Where one is compiled from the other, leave one out with `migrations.ignore` (for example `'\\\\.ts$'`)."
      : 'Keep one of them, or rename the other.',
    files: [one.shown, other.shown],
  }
}

/** What a history row may hold: the file's name, without its ending, and with that of the file it is compiled to or from. */
export function spellKeys({ name, stem }: MigrationFile): string[] {
  const others = ['.js', '.ts', '.cjs', '.mjs', '.cts', '.mts'].map((extension) => stem + extension)
  return [...new Set([name, stem, ...others])]
}
