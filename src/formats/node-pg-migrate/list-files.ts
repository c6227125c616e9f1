import { extname, resolve } from 'node:path'
import type { FormatOptions } from '../../model/format.ts'
import { codeExtensions } from '../import-code.ts'
import { type FolderEntry, listFolder } from '../list-folder.ts'
import type { Findings, FolderProblem } from '../problems.ts'
import { compareNames, readPrefix } from './file-order.ts'
import type { Settings } from './settings.ts'

/** A file that is a migration. */
export interface MigrationFile extends FolderEntry {
  /** What the history holds: its name without the ending. */
  stem: string
  /** Lower case, with the dot. */
  extension: string
  /** `1_x.down.sql` beside `1_x.up.sql`; null: the undo is in the file itself, or there is none. */
  undo: FolderEntry | null
}

/**
 * The migrations of all folders in the tool's order. Two files of one name are a problem, and so is a name without a
 * number, which the tool refuses, too.
 */
export async function listMigrationFiles(
  options: FormatOptions,
  settings: Pick<Settings, 'ignorePattern'>,
  findings: Findings,
): Promise<MigrationFile[]> {
  const ignored = settings.ignorePattern === null ? null : new RegExp(`^${settings.ignorePattern}$`)
  const entries: FolderEntry[] = []
  const others: string[] = []
  for (const dir of new Set(options.dirs.map((path) => resolve(path)))) {
    for (const entry of await listFolder(options.root, dir, findings.problems)) {
      if (entry.kind !== 'file' || /\.d\.[cm]?ts$/.test(entry.name) || ignored?.test(entry.name) === true) continue
      if (options.ignore !== null && entry.name.search(options.ignore) >= 0) continue
      if (isMigration(entry.name)) entries.push(entry)
      else others.push(entry.shown)
    }
  }
  if (others.length > 0) {
    findings.notices.push({
      rule: 'file-passed-over',
      message: `${others.slice(0, 3).join(', ')}${others.length > 3 ? ', …' : ''}: left out, being neither code nor SQL.`,
      hint: 'node-pg-migrate itself would try to load it: move it, or name it in `ignore-pattern`.',
    })
  }
  const files = pairUp(entries).sort((a, b) => compareNames(a.name, b.name))
  findings.problems.push(...findUnnumbered(files), ...findTwins(files))
  return files
}

function isMigration(name: string): boolean {
  const extension = extname(name).toLowerCase()
  return extension === '.sql' || (codeExtensions as readonly string[]).includes(extension)
}

/** A migration and its undo in two files, as the tool's `sql` loader takes them. */
function pairUp(entries: readonly FolderEntry[]): MigrationFile[] {
  const undos = new Map(
    entries.filter(({ name }) => /\.down\.sql$/i.test(name)).map((entry) => [withoutEnding(entry.path), entry]),
  )
  const taken = new Set<FolderEntry>()
  const files: MigrationFile[] = []
  for (const entry of entries) {
    const undo = /\.up\.sql$/i.test(entry.name) ? (undos.get(withoutEnding(entry.path)) ?? null) : null
    if (undo !== null) taken.add(undo)
    const extension = extname(entry.name)
    const stem = undo === null ? entry.name.slice(0, -extension.length) : withoutEnding(entry.name)
    files.push({ ...entry, stem, extension: extension.toLowerCase(), undo })
  }
  return files.filter((file) => ![...taken].some(({ path }) => path === file.path))
}

function withoutEnding(name: string): string {
  return name.replace(/\.(?:up|down)\.sql$/i, '')
}

function findUnnumbered(files: readonly MigrationFile[]): FolderProblem[] {
  const without = files.filter(({ name }) => readPrefix(name) === null).map(({ shown }) => shown)
  if (without.length === 0) return []
  return [
    {
      code: 'MIGRATIONS_UNREADABLE',
      message: `${without.join(', ')}: no number in front that node-pg-migrate could order it by.`,
      hint: "Give each a number; or, if it is no migration, leave it out with the config's key `ignore`.",
      files: without,
    },
  ]
}

function findTwins(files: readonly MigrationFile[]): FolderProblem[] {
  const groups = new Map<string, MigrationFile[]>()
  for (const file of files) groups.set(file.stem, [...(groups.get(file.stem) ?? []), file])
  return [...groups]
    .filter(([, group]) => group.length > 1)
    .map(([stem, group]) => {
      const shown = group.map((file) => file.shown)
      return {
        code: 'MIGRATION_DUPLICATE',
        message: `${group.length} files are the migration ${stem}: ${shown.join(', ')}. One history row could not tell them apart.`,
        hint: 'Keep one of them, or rename the others; one that is compiled from another can be left out with the key `ignore`.',
        files: shown,
      }
    })
}
