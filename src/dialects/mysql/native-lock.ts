import { type Connection, DatabaseError } from '../../model/dialect.ts'
import { type NativeLockState, ownLockValue } from '../../model/history.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import { isMariadb } from './versions.ts'

const missingTable = '42S02'

/**
 * The adopted tool's lock row. The server keeps when a table was last written to, but not over a restart, and without
 * saying which row: with one row, that is the write that holds it.
 */
export async function readNativeLock(
  connection: Connection,
  schema: string | null,
  table: string,
  lock: { column: string },
): Promise<NativeLockState | null> {
  const home = schema ?? connection.database
  let held: number
  try {
    const [row] = await connection.query(
      `SELECT MAX(${quoteIdentifier(lock.column)}) AS held FROM ${quoteIdentifier(home)}.${quoteIdentifier(table)}`,
    )
    held = Number(row?.held ?? 0)
  } catch (error) {
    if (error instanceof DatabaseError && error.failure.sqlstate === missingTable) return null
    throw error
  }
  if (held === 0) return { held: 'free', since: null }
  // MySQL 8 answers with what it cached a day ago, unless told not to.
  if (!isMariadb(connection.version) && connection.version >= 80_000) {
    await connection.query('SET SESSION information_schema_stats_expiry = 0').catch(() => [])
  }
  const [time] = await connection
    .query(
      `SELECT UNIX_TIMESTAMP(UPDATE_TIME) AS since FROM information_schema.TABLES WHERE TABLE_SCHEMA = ${quoteLiteral(home)} AND TABLE_NAME = ${quoteLiteral(table)}`,
    )
    .catch(() => [])
  const since = time?.since == null ? null : new Date(Number(time.since) * 1000).toISOString().replace('.000Z', 'Z')
  return { held: held === ownLockValue ? 'own' : 'tool', since }
}
