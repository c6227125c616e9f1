import type { HistoryEntry, HistoryShape, HistorySnapshot } from '../model/history.ts'
import type { Migration } from '../model/migration.ts'
import { compareVersions } from '../model/version.ts'
import { matchHistory } from './match-history.ts'

/**
 * The rows of a history as their tool reads them: without those that stand for no migration, or that a later row takes
 * back, and in the order in which the tool undoes. The snapshot itself where its tool takes rows as they are. Pure.
 */
export function settleRows(
  migrations: readonly Migration[],
  snapshot: HistorySnapshot,
  shape: HistoryShape,
): HistorySnapshot {
  let entries = snapshot.entries
  const { ignoredKeys, flag, undoOrder } = shape
  if (ignoredKeys !== undefined) entries = entries.filter(({ key }) => !ignoredKeys.includes(key))
  if (shape.kinds !== undefined) entries = settleKinds(migrations, entries)
  if (flag?.no === 'undone' || shape.kinds !== undefined) entries = dropUndone(entries)
  if (shape.kinds !== undefined) entries = spreadFloor(migrations, entries)
  if (shape.mark === true) entries = spreadMark(migrations, entries, snapshot)
  if (undoOrder === 'folder') entries = sortByFolder(migrations, entries)
  return entries === snapshot.entries ? snapshot : Object.freeze({ ...snapshot, entries })
}

/** Rows that stand for nothing go; one of what only the tool can run is like any other where its file is here. */
function settleKinds(migrations: readonly Migration[], entries: readonly HistoryEntry[]): readonly HistoryEntry[] {
  if (entries.every(({ state }) => state !== 'aside' && state !== 'foreign')) return entries
  return matchHistory(migrations, entries)
    .filter(({ entry }) => entry.state !== 'aside')
    .map(({ entry, migration }) =>
      entry.state === 'foreign' && migration !== null ? { ...entry, state: 'applied' as const } : entry,
    )
}

/** Files that a row of the history says to be applied with all up to its number, and that have no row themselves. */
export function findBelowFloor(
  migrations: readonly Migration[],
  entries: readonly HistoryEntry[],
): readonly Migration[] {
  const floors = entries.filter(({ state }) => state === 'floor').map(({ key }) => key)
  const [first] = floors
  if (first === undefined) return []
  const end = floors.reduce((most, key) => (compareVersions(key, most) > 0 ? key : most), first)
  const recorded = new Set(
    matchHistory(migrations, entries)
      .filter(({ entry }) => entry.state === 'applied' || entry.state === 'failed')
      .map(({ migration }) => migration),
  )
  return migrations.filter((one) => one.number !== null && compareVersions(one.number, end) <= 0 && !recorded.has(one))
}

function spreadFloor(migrations: readonly Migration[], entries: readonly HistoryEntry[]): readonly HistoryEntry[] {
  if (entries.every(({ state }) => state !== 'floor')) return entries
  const below = findBelowFloor(migrations, entries)
  return [
    ...below.map((one): HistoryEntry => ({ key: one.number ?? one.id, checksum: null, state: 'applied' })),
    ...entries.filter(({ state }) => state !== 'floor'),
  ]
}

/** Of several rows of one migration the last one counts; where that says "undone", none does. */
function dropUndone(entries: readonly HistoryEntry[]): readonly HistoryEntry[] {
  const takes = ({ state }: HistoryEntry) => state === 'undone' || state === 'gone'
  if (!entries.some(takes)) return entries
  const last = new Map(entries.map((entry, index) => [entry.key, index]))
  return entries.filter((entry, index) => !takes(entry) && last.get(entry.key) === index)
}

/** Rows without a file come last: an undo must not pass them over in silence. */
function sortByFolder(migrations: readonly Migration[], entries: readonly HistoryEntry[]): readonly HistoryEntry[] {
  const places = new Map(migrations.map((migration, index) => [migration, index]))
  const placed = matchHistory(migrations, entries).map(({ entry, migration }) => ({
    entry,
    place: (migration === null ? undefined : places.get(migration)) ?? migrations.length,
  }))
  return placed.sort((a, b) => a.place - b.place).map(({ entry }) => entry)
}

/**
 * A row for each migration up to the mark. A file below what is recorded as applied that has no record itself came later:
 * it gets none, since no run went past it.
 */
function spreadMark(
  migrations: readonly Migration[],
  entries: readonly HistoryEntry[],
  { ledger }: HistorySnapshot,
): readonly HistoryEntry[] {
  const mark = entries.reduce<HistoryEntry | null>(
    (most, entry) => (most === null || BigInt(entry.key) > BigInt(most.key) ? entry : most),
    null,
  )
  if (mark === null) return entries
  const end = BigInt(mark.key)
  const late = new Set(findLate(migrations, ledger))
  const below = migrations.filter((one) => one.number !== null && BigInt(one.number) < end && !late.has(one))
  return [...below.map((one): HistoryEntry => ({ key: one.number ?? one.id, checksum: null, state: 'applied' })), mark]
}

/** Files that are older than what the ledger holds as applied, and are not in it. */
export function findLate(migrations: readonly Migration[], ledger: HistorySnapshot['ledger']): readonly Migration[] {
  const known = new Set(ledger.map(({ migration }) => migration))
  const done = new Set(ledger.filter(({ state }) => state === 'applied').map(({ migration }) => migration))
  const last = migrations.findLastIndex(({ id }) => done.has(id))
  return migrations.slice(0, Math.max(last, 0)).filter(({ id }) => !known.has(id))
}
