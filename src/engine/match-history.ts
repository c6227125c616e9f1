import type { HistoryEntry, HistoryShape, LedgerEntry } from '../model/history.ts'
import type { Migration } from '../model/migration.ts'
import type { Standing } from '../model/plan.ts'

/** A history row and the file that accounts for it, if there is one. */
export interface MatchedEntry {
  entry: HistoryEntry
  migration: Migration | null
}

/**
 * Finds the file of each row. Ids win over other spellings; a spelling that two migrations share names neither. Other
 * letter case counts only where no spelling fits, and the migration allows it.
 */
export function matchHistory(migrations: readonly Migration[], entries: readonly HistoryEntry[]): MatchedEntry[] {
  let index = indexes.get(migrations)
  if (index === undefined) {
    index = indexKeys(migrations)
    indexes.set(migrations, index)
  }
  const { exact, folded, seconds } = index
  return entries.map((entry) => {
    const found = exact.get(entry.key)
    if (found !== undefined) return { entry, migration: found }
    const near = seconds.get(secondOf(entry.key) ?? '') ?? []
    const same = near.length < 2 ? near : near.filter((one) => matchesChecksum(one, entry.checksum ?? ''))
    return { entry, migration: folded.get(entry.key.toLowerCase()) ?? same[0] ?? null }
  })
}

/**
 * Spellings of a migration that a row to be taken away may have: its own, and those in other letter case that are there.
 */
export function spellingsOf(migration: Migration, entries: readonly HistoryEntry[]): readonly string[] {
  if (migration.ignoresMillis === true) {
    const own = matchEntries(migration, entries)
    return [...new Set([...migration.keys, ...own])]
  }
  if (migration.ignoresCase !== true) return migration.keys
  const folded = new Set(migration.keys.map((key) => key.toLowerCase()))
  const others = entries.filter(({ key }) => folded.has(key.toLowerCase())).map(({ key }) => key)
  return [...new Set([...migration.keys, ...others])]
}

/** Keys of rows that stand for a migration within its second. */
function matchEntries(migration: Migration, entries: readonly HistoryEntry[]): string[] {
  const second = secondOf(String(migration.row?.up.created_at ?? ''))
  const near = entries.filter(({ key }) => second !== null && secondOf(key) === second)
  const same = near.filter(({ checksum }) => matchesChecksum(migration, checksum ?? ''))
  return (near.length < 2 ? near : same).map(({ key }) => key)
}

/** The second of a time in milliseconds; null: it is none. */
function secondOf(key: string): string | null {
  return /^\d{10,}$/.test(key) ? key.slice(0, -3) : null
}

interface KeyIndex {
  exact: ReadonlyMap<string, Migration | null>
  folded: ReadonlyMap<string, Migration | null>
  /** Migrations that a row may mean whose number differs within its second only. */
  seconds: ReadonlyMap<string, readonly Migration[]>
}

/** One per folder: fleets match thousands of histories with the same files. */
const indexes = new WeakMap<readonly Migration[], KeyIndex>()

function indexKeys(migrations: readonly Migration[]): KeyIndex {
  const loose = migrations.filter(({ ignoresCase }) => ignoresCase === true)
  const seconds = new Map<string, Migration[]>()
  for (const migration of migrations) {
    const second = migration.ignoresMillis === true ? secondOf(String(migration.row?.up.created_at)) : null
    if (second !== null) seconds.set(second, [...(seconds.get(second) ?? []), migration])
  }
  return { exact: index(migrations, (key) => key), folded: index(loose, (key) => key.toLowerCase()), seconds }
}

function index(migrations: readonly Migration[], fold: (key: string) => string): Map<string, Migration | null> {
  const index = new Map<string, Migration | null>()
  for (const migration of migrations) {
    for (const key of migration.keys.map(fold)) {
      const taken = index.get(key)
      index.set(key, taken === undefined || taken === migration ? migration : null)
    }
  }
  for (const migration of migrations) index.set(fold(migration.id), migration)
  return index
}

/** A history key without the endings that a file name may have. */
export function stemOfKey(key: string): string {
  return key.replace(/(\.up)?\.(sql|[cm]?[jt]s)$/i, '')
}

/** The ledger's row for a history row without a file, whose id can only be guessed from its key. */
export function findLedgerOfKey(ledger: readonly LedgerEntry[], key: string): LedgerEntry | null {
  const stem = stemOfKey(key)
  const exact = ledger.find((row) => row.migration === key) ?? ledger.find((row) => row.migration === stem)
  if (exact !== undefined || !/^\d+$/.test(key)) return exact ?? null
  const numbered = ledger.filter((row) => /^0*(\d+)/.exec(row.migration)?.[1] === key.replace(/^0+(?=\d)/, ''))
  return numbered.length === 1 ? (numbered[0] ?? null) : null
}

/** Does a stored checksum belong to this content, by any recipe that is known? */
export function matchesChecksum(migration: Migration, checksum: string): boolean {
  const stored = checksum.trim().toLowerCase()
  return migration.checksum === stored || migration.otherChecksums.includes(stored)
}

/** How new rows are spelled: as the tool does, else as most rows are; ids where there are none, or it is a draw. */
export function findKeyStyle(matched: readonly MatchedEntry[], shape: HistoryShape): Standing['keyStyle'] {
  if (shape.spelling !== 'as-rows') return shape.spelling
  const counts = { id: 0, file: 0, number: 0 }
  for (const { entry, migration } of matched) {
    if (migration === null) continue
    if (entry.key === migration.id) counts.id++
    else if (/^\d+$/.test(entry.key)) counts.number++
    else if (/\.sql$/i.test(entry.key)) counts.file++
  }
  if (counts.file > counts.id && counts.file >= counts.number) return 'file'
  return counts.number > counts.id ? 'number' : 'id'
}

/** Where rows have another ending than their files: the tool looks at compiled files there. Or at none. */
export interface Ending {
  file: string
  row: string
}

/** How the newest row of a file of code is spelled; null: by the name of its file, or there is none. */
export function findEnding({ appliedOrder, snapshot }: Standing): Ending | null {
  const newest = appliedOrder.at(-1)
  if (newest?.up.kind !== 'code') return null
  const row = snapshot.entries.findLast(({ key }) => newest.keys.includes(key))?.key
  const name = fileName(newest)
  if (row === undefined || row === name || !row.startsWith(newest.id)) return null
  return { file: name.slice(newest.id.length), row: row.slice(newest.id.length) }
}

/**
 * The key of a new row, spelled as a target's other rows are. Falls back to the id where a number is not unique.
 * `ending`: for files of the one kind.
 */
export function spellKey(migration: Migration, style: Standing['keyStyle'], ending: Ending | null = null): string {
  if (style === 'number' && migration.number !== null && migration.keys.includes(migration.number)) {
    return migration.number
  }
  if (style === 'file') {
    const file = fileName(migration)
    if (ending !== null && file === migration.id + ending.file) return migration.id + ending.row
    if (migration.keys.includes(file)) return file
  }
  return migration.id
}

function fileName({ up, id }: Migration): string {
  return up.file.split('/').at(-1) ?? id
}
