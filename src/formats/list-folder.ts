import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import type { FolderProblem } from './problems.ts'

/** A file or folder of a migrations folder. */
export interface FolderEntry {
  name: string
  /** Absolute. */
  path: string
  /** Relative to the project, with forward slashes: for messages. */
  shown: string
  kind: 'file' | 'folder'
}

/** A path as people see it: relative to the project, forward slashes on every system. */
export function showPath(root: string, path: string): string {
  return relative(root, path).split(sep).join('/') || '.'
}

/**
 * Entries of one folder by name. Links are followed (mounted Kubernetes volumes hold nothing else). Names that begin
 * with a dot are left out: `.DS_Store`, `._001_init.sql`, `..data`. A folder that can't be read is a problem and gives
 * no entries.
 */
export async function listFolder(root: string, dir: string, problems: FolderProblem[]): Promise<FolderEntry[]> {
  let found: Dirent[]
  try {
    found = await readdir(dir, { withFileTypes: true })
  } catch (error) {
    problems.push(describeFolder(showPath(root, dir), error))
    return []
  }
  const entries: FolderEntry[] = []
  for (const item of found) {
    if (item.name.startsWith('.')) continue
    const path = join(dir, item.name)
    // A broken link counts as a file: reading it names it in an error.
    const folder = item.isSymbolicLink()
      ? await stat(path).then(
          (target) => target.isDirectory(),
          () => false,
        )
      : item.isDirectory()
    entries.push({ name: item.name, path, shown: showPath(root, path), kind: folder ? 'folder' : 'file' })
  }
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
}

function describeFolder(shown: string, error: unknown): FolderProblem {
  const code = (error as NodeJS.ErrnoException).code ?? String(error)
  const what =
    code === 'ENOENT' ? 'does not exist' : code === 'ENOTDIR' ? 'is not a folder' : `cannot be read (${code})`
  return {
    code: 'MIGRATIONS_UNREADABLE',
    message: `The migrations folder ${shown} ${what}.`,
    hint: 'Correct `migrations.dir` in the config, or make the folder; `tenantry make <name>` writes a first migration.',
    files: [shown],
  }
}
