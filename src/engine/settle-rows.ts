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
