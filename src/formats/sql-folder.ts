import { resolve } from 'node:path'
import type { FormatOptions } from '../model/format.ts'
import type { Notice } from '../model/migration.ts'
import { type FolderEntry, listFolder } from './list-folder.ts'
import { compareNumbered, findGaps, isEpoch, type Numbered, readNumber } from './migration-number.ts'
import type { Findings, FolderProblem } from './problems.ts'

/** One migration's files, not read yet. */
export interface SqlFiles extends Numbered {
  up: FolderEntry
  down: FolderEntry | null
}

/** What file names alone say about a set's folders. */
export interface SqlFolder {
  /** In the order they are applied. */
  migrations: readonly SqlFiles[]
  /** Where undo files are. */
  undoStyle: 'rollbacks' | 'down-files'
}

/** A file name taken apart; null: not SQL. */
export function readSqlName(name: string): { id: string; suffix: 'up' | 'down' | null } | null {
  const match = /^(.+?)(?:\.(up|down))?\.sql$/i.exec(name)
  if (match?.[1] === undefined) return null
  return { id: match[1], suffix: (match[2]?.toLowerCase() as 'up' | 'down' | undefined) ?? null }
}

/** Pairs, numbers and orders the files of all folders. What cannot be ordered is added to the findings. */
export async function scanSqlFolders(options: FormatOptions, findings: Findings): Promise<SqlFolder> {
  const { problems, notices } = findings
  const ups: Found[] = []
  const downs: Found[] = []
  let pairedFiles = 0
  let undoFolders = 0
  for (const dir of new Set(options.dirs.map((path) => resolve(path)))) {
    const entries = await listFolder(options.root, dir, problems)
    const files = findSqlFiles(entries, options.ignore)
    ups.push(...files.filter((file) => file.suffix !== 'down'))
    const paired = files.filter((file) => file.suffix === 'down')
    pairedFiles += paired.length + files.filter((file) => file.suffix === 'up').length
    downs.push(...paired)
    const undo = entries.find((entry) => entry.kind === 'folder' && entry.name === 'rollbacks')
    if (undo !== undefined) {
      undoFolders++
      downs.push(...findSqlFiles(await listFolder(options.root, undo.path, problems), options.ignore))
    }
    const others = entries.filter((entry) => entry.kind === 'file')
    if (files.length === 0 && others.length > 0) notices.push(describeNoSql(others))
  }
  const upsById = groupById(ups)
  const downsById = groupById(downs)
  problems.push(...findTwins(upsById, 'up'), ...findTwins(downsById, 'down'))
  const migrations: SqlFiles[] = []
  for (const [id, [up]] of upsById) {
    if (up === undefined) continue
    migrations.push({ id, number: readNumber(id), up: up.entry, down: downsById.get(id)?.[0]?.entry ?? null })
  }
  migrations.sort(compareNumbered)
  problems.push(...findUnnumbered(migrations), ...findRepeated(migrations))
  notices.push(...describeOrder(migrations), ...describeOrphans(downs, upsById))
  return { migrations, undoStyle: pairedFiles > 0 && undoFolders === 0 ? 'down-files' : 'rollbacks' }
}

interface Found {
  id: string
  suffix: 'up' | 'down' | null
  entry: FolderEntry
}

function findSqlFiles(entries: readonly FolderEntry[], ignore: RegExp | null): Found[] {
  const found: Found[] = []
  for (const entry of entries) {
    const name = entry.kind === 'file' ? readSqlName(entry.name) : null
    if (name !== null && (ignore === null || entry.name.search(ignore) < 0)) found.push({ ...name, entry })
  }
  return found
}

function groupById(files: readonly Found[]): Map<string, Found[]> {
  const groups = new Map<string, Found[]>()
  for (const file of files) {
    const group = groups.get(file.id)
    if (group === undefined) groups.set(file.id, [file])
    else group.push(file)
  }
  return groups
}

function findTwins(groups: ReadonlyMap<string, Found[]>, direction: 'up' | 'down'): FolderProblem[] {
  return [...groups]
    .filter(([, group]) => group.length > 1)
    .map(([id, group]) => {
      const files = group.map((file) => file.entry.shown)
      return {
        code: 'MIGRATION_DUPLICATE',
        message: `${group.length} files are the ${direction === 'up' ? 'migration' : 'undo of'} ${id}: ${files.join(', ')}.`,
        hint: 'Keep one of them, or rename the others.',
        files,
      }
    })
}

/** Without a number a file has no place among numbered ones. */
function findUnnumbered(migrations: readonly SqlFiles[]): FolderProblem[] {
  const without = migrations.filter((migration) => migration.number === null)
  if (without.length === 0 || without.length === migrations.length) return []
  const files = without.map((migration) => migration.up.shown)
  const pattern = without.map((migration) => migration.up.name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')
  return [
    {
      code: 'MIGRATIONS_UNREADABLE',
      message: `${files.join(', ')}: no number in front, though the other migrations have one.`,
      hint: `Give each a number; or, if they are not migrations, leave them out with the config's key \`ignore\`: '^(${pattern})$'.`,
      files,
    },
  ]
}

function findRepeated(migrations: readonly SqlFiles[]): FolderProblem[] {
  const groups = new Map<bigint, SqlFiles[]>()
  for (const migration of migrations) {
    const { number } = migration
    if (number === null || number.mayRepeat) continue
    const group = groups.get(number.value)
    if (group === undefined) groups.set(number.value, [migration])
    else group.push(migration)
  }
  return [...groups]
    .filter(([, group]) => group.length > 1)
    .map(([value, group]) => {
      const files = group.map((migration) => migration.up.shown)
      return {
        code: 'MIGRATION_DUPLICATE',
        message: `${group.length} migrations have the number ${value}: ${files.join(', ')}.`,
        hint: 'Give each its own number; one that has been applied anywhere should keep its name.',
        files,
      }
    })
}

function describeOrder(migrations: readonly SqlFiles[]): Notice[] {
  const notices: Notice[] = []
  const numbers = migrations.flatMap(({ number }) => (number === null ? [] : [number]))
  const gaps = findGaps(numbers)
  if (gaps.length > 0) {
    notices.push({
      rule: 'numbering-gap',
      message: `No migration has the number ${gaps.slice(0, 20).join(', ')}${gaps.length > 20 ? ', …' : ''}.`,
      hint: 'Nothing is wrong if they were never merged; otherwise a file is missing from this checkout.',
    })
  }
  const stamps = numbers.filter((number) => number.kind === 'stamp' && !isEpoch(number.text))
  const early = stamps.findIndex((stamp, index) => {
    const before = stamps[index - 1]
    return (
      before !== undefined && before.text.slice(0, 8) > stamp.text.slice(0, 8) && !/\D/.test(before.text + stamp.text)
    )
  })
  if (early > 0) {
    notices.push({
      rule: 'mixed-stamps',
      message: `${stamps[early - 1]?.text} comes before ${stamps[early]?.text}: numbers are compared as numbers, not as dates.`,
      hint: 'Write all dates with the same number of digits.',
    })
  }
  return notices
}

function describeOrphans(downs: readonly Found[], ups: ReadonlyMap<string, Found[]>): Notice[] {
  return downs
    .filter((file) => !ups.has(file.id))
    .map((file) => ({
      rule: 'undo-without-migration',
      message: `${file.entry.shown} undoes ${file.id}, and there is no such migration.`,
      hint: 'It has to be named like the migration it undoes.',
      file: file.entry.shown,
    }))
}

function describeNoSql(files: readonly FolderEntry[]): Notice {
  const names = files.slice(0, 3).map((file) => file.shown)
  return {
    rule: 'no-sql-files',
    message: `No .sql file lies beside ${names.join(', ')}${files.length > 3 ? ', …' : ''}, so there is nothing to apply from this folder.`,
    hint: 'Check `migrations.dir` and `migrations.format` in the config.',
  }
}
