import { matchHistory, stemOfKey } from '../engine/match-history.ts'
import type { HistoryEntry } from '../model/history.ts'
import type { Migration } from '../model/migration.ts'

/**
 * Rows that are not what they seem: a name that differs from a file's in letter case or ending only (another system, a
 * build that turned `.ts` into `.js`), and a migration that is recorded twice. Pure. The keys of the first kind are
 * rows without a file to everybody else.
 */
export function findOddRows(
  migrations: readonly Migration[],
  entries: readonly HistoryEntry[],
): { keys: ReadonlySet<string>; texts: string[] } {
  const loose = new Map(migrations.flatMap((one) => [one.id, ...one.keys].map((key) => [loosely(key), one] as const)))
  const keys = new Set<string>()
  const texts: string[] = []
  const counts = new Map<string, number>()
  for (const { entry, migration } of matchHistory(migrations, entries)) {
    const name = migration?.id ?? entry.key
    counts.set(name, (counts.get(name) ?? 0) + 1)
    const near = isSpelled(migration, entry.key) ? undefined : loose.get(loosely(entry.key))
    if (near === undefined || keys.has(entry.key)) continue
    if (migration === null) keys.add(entry.key)
    texts.push(`${entry.key} (the file is ${near.up.file.split('/').at(-1) ?? near.id})`)
  }
  for (const [name, count] of counts) if (count > 1) texts.push(`${name} is recorded ${count} times`)
  return { keys, texts }
}

/** Not in letter case only. */
function isSpelled(migration: Migration | null, key: string): boolean {
  return migration !== null && (key === migration.id || migration.keys.includes(key))
}

function loosely(key: string): string {
  return stemOfKey(key).toLowerCase()
}
