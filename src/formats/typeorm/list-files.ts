import { basename, dirname, extname, resolve } from 'node:path'
import type { FormatOptions } from '../../model/format.ts'
import { codeExtensions } from '../import-code.ts'
import { type FolderEntry, listFolder, showPath } from '../list-folder.ts'
import type { FolderProblem } from '../problems.ts'
import type { ProjectSource } from './data-source.ts'
import { listGlob, readGlob } from './glob.ts'

export function isMigrationFile(name: string): boolean {
  return (codeExtensions as readonly string[]).includes(extname(name)) && !/\.d\.[cm]?ts$/.test(name)
}

/**
 * Files that may hold migrations, by their paths: what the data source's patterns match where they lead into these
 * folders, else the folders' own files.
 */
export async function listMigrationFiles(
  options: FormatOptions,
  source: ProjectSource | null,
  problems: FolderProblem[],
): Promise<FolderEntry[]> {
  const { root, ignore } = options
  const globs = source === null ? [] : source.migrationPatterns.map((pattern) => readGlob(pattern, source.base))
  const files: FolderEntry[] = []
  for (const dir of new Set(options.dirs.map((path) => resolve(path)))) {
    const found = (await listFolder(root, dir, problems)).filter(({ kind }) => kind === 'file')
    const matched = (await Promise.all(globs.filter(({ base }) => resolve(base) === dir).map(listGlob))).flat()
    const chosen =
      matched.length === 0
        ? found
        : matched.map((path) => ({ name: basename(path), path, shown: showPath(root, path), kind: 'file' as const }))
    for (const file of chosen) {
      const ignored = ignore !== null && file.name.search(ignore) >= 0
      const known = files.some(({ path }) => path === file.path)
      if (isMigrationFile(file.name) && !ignored && !known) files.push(file)
    }
  }
  return files
}

/** The folder that a new file belongs in: that of the last one. */
export function folderOf(files: readonly FolderEntry[], options: FormatOptions): string {
  const last = [...files].sort((a, b) => (basename(a.path) < basename(b.path) ? -1 : 1)).at(-1)
  return last === undefined ? (options.dirs.at(-1) ?? options.root) : dirname(last.path)
}
