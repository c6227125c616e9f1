import type { Connection } from '../../model/dialect.ts'
import { type NativeLockState, ownLockValue } from '../../model/history.ts'
import { quoteIdentifier } from './quote.ts'

/** The adopted tool's lock row. When it was written is kept nowhere. */
export async function readNativeLock(
  connection: Connection,
  _schema: string | null,
  table: string,
  lock: { column: string },
): Promise<NativeLockState | null> {
  const found = await connection.query(
    "SELECT 1 FROM main.sqlite_master WHERE type = 'table' AND name = ? COLLATE NOCASE",
    [table],
  )
  if (found.length === 0) return null
  const [row] = await connection.query(
    `SELECT max(${quoteIdentifier(lock.column)}) AS held FROM main.${quoteIdentifier(table)}`,
  )
  const held = Number(row?.held ?? 0)
  return { held: held === 0 ? 'free' : held === ownLockValue ? 'own' : 'tool', since: null }
}
