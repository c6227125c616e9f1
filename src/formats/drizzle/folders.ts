import { join, resolve } from 'node:path'
import type { FormatOptions } from '../../model/format.ts'
import type { Migration } from '../../model/migration.ts'
import { checksumBytes } from '../checksums.ts'
import { compareNames } from '../compare-names.ts'
import { readHeaders } from '../headers.ts'
import { type FolderEntry, listFolder } from '../list-folder.ts'
import { readPhase } from '../phase.ts'
import { replacePlaceholders } from '../placeholders.ts'
import type { Findings } from '../problems.ts'
import { readTextFile } from '../read-file.ts'
import { readInBatches } from '../read-in-batches.ts'
import { readUndo } from '../read-undo.ts'
import { endAtBreakpoints } from './breakpoints.ts'

/** A folder that is a migration of Drizzle 1. */
export interface MigrationFolder {
  entry: FolderEntry
  inside: readonly FolderEntry[]
  /** The 14 digits in front as milliseconds, as Drizzle reckons them; NaN: there are none. */
  millis: number
}

/** The folders of Drizzle 1 in its own order (`readMigrationFiles` of 1.0.0-rc.5). Others are told of and left out. */
export async function findMigrationFolders(options: FormatOptions, findings: Findings): Promise<MigrationFolder[]> {
  const folders: MigrationFolder[] = []
  for (const dir of new Set(options.dirs.map((path) => resolve(path)))) {
    for (const entry of await listFolder(options.root, dir, findings.problems)) {
      if (entry.kind !== 'folder' || (options.ignore !== null && entry.name.search(options.ignore) >= 0)) continue
      const inside = await listFolder(options.root, entry.path, findings.problems)
      if (inside.some(({ name }) => name === 'migration.sql')) {
        folders.push({ entry, inside, millis: toMillis(entry.name) })
      } else if (inside.some(({ name }) => name === 'rollback.sql')) {
        findings.notices.push({
          rule: 'undo-without-migration',
          message: `${entry.shown} has a rollback.sql and no migration.sql: left out, as Drizzle does.`,
          hint: 'Bring the file back, or delete the folder.',
        })
      }
    }
  }
  folders.sort((a, b) => compareNames(a.entry.name, b.entry.name))
  folders.forEach(({ entry, millis }, index) => {
    const before = folders[index - 1]?.entry
    if (before?.name === entry.name) {
      findings.problems.push({
        code: 'MIGRATION_DUPLICATE',
        message: `Two folders are the migration ${entry.name}: ${before.shown}, ${entry.shown}.`,
        hint: 'Keep one of them, or rename the other.',
        files: [before.shown, entry.shown],
      })
    }
    if (!Number.isNaN(millis)) return
    findings.problems.push({
      code: 'MIGRATIONS_UNREADABLE',
      message: `${entry.shown} has no time of 14 digits in front of its name, which Drizzle writes into its row.`,
      hint: "Name it <yyyymmddhhmmss>_<name>; or, if it is no migration, leave it out with the config's key `ignore`.",
      files: [entry.shown],
    })
  })
  return folders
}

/** `formatToMillis` of drizzle-orm 1. */
function toMillis(name: string): number {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(name) ?? []
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second))
}

/** The migrations of these folders. */
export function readFolders(
  folders: readonly MigrationFolder[],
  options: FormatOptions,
  findings: Findings,
): Promise<Migration[]> {
  const times = folders.map(({ millis }) => millis)
  return readInBatches(folders, findings, (folder, own) => {
    const alone = times.filter((time) => time === folder.millis).length === 1
    return readFolder(folder, alone, options, own)
  })
}

async function readFolder(
  { entry, inside, millis }: MigrationFolder,
  alone: boolean,
  options: FormatOptions,
  findings: Findings,
): Promise<Migration | null> {
  const up = inside.find(({ name }) => name === 'migration.sql') as FolderEntry
  const undo = inside.find(({ name }) => name === 'rollback.sql')
  const down = undo === undefined ? null : await readUndo(undo, entry.name, options, findings)
  const file = await readTextFile(up, findings.problems)
  if (file === null) return null
  const text = replacePlaceholders(file.text, options.placeholders)
  const headers = readHeaders(text)
  const number = entry.name.slice(0, 14)
  return {
    id: entry.name,
    number,
    ...checksumBytes(file),
    description: headers.description,
    // Without a name there are only seconds, in which another one may have been made.
    keys: [entry.name, ...(alone ? [number, String(millis)] : [])],
    ignoresMillis: true,
    row: { up: { created_at: millis, name: entry.name } },
    up: { kind: 'sql', text: endAtBreakpoints(text), file: up.shown },
    down: down?.kind === 'sql' ? { ...down, text: endAtBreakpoints(down.text) } : down,
    transaction: headers.noTransaction ? 'never' : 'auto',
    ...readPhase(text, up.shown, findings.problems),
  }
}

/** Path of a file of a migration's folder. */
export function fileIn({ entry }: MigrationFolder, name: string): string {
  return join(entry.path, name)
}
