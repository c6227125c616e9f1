import type { HistoryEntry, HistoryShape, HistorySnapshot } from '../model/history.ts'
import type { Migration } from '../model/migration.ts'
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
  if (flag?.no === 'undone') entries = dropUndone(entries)
  if (shape.mark === true) entries = spreadMark(migrations, entries, snapshot)
  if (undoOrder === 'folder') entries = sortByFolder(migrations, entries)
  return entries === snapshot.entries ? snapshot : Object.freeze({ ...snapshot, entries })
}

/** Of several rows of one migration the last one counts; where that says "undone", none does. */
function dropUndone(entries: readonly HistoryEntry[]): readonly HistoryEntry[] {
  if (entries.every(({ state }) => state !== 'undone')) return entries
  const last = new Map(entries.map((entry, index) => [entry.key, index]))
  return entries.filter((entry, index) => entry.state !== 'undone' && last.get(entry.key) === index)
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
