import type { Connection } from '../../model/dialect.ts'
import { type NativeLockState, ownLockValue } from '../../model/history.ts'
import { quoteIdentifier } from './quote.ts'

/**
 * The adopted tool's lock row. The server keeps the time of a write only where `track_commit_timestamp` is on; else it
 * cannot be told.
 */
export async function readNativeLock(
  connection: Connection,
  schema: string | null,
  table: string,
  lock: { column: string },
): Promise<NativeLockState | null> {
  const home = schema ?? (await connection.query('SELECT current_schema()::text AS name'))[0]?.name
  if (typeof home !== 'string') return null
  const name = `${quoteIdentifier(home)}.${quoteIdentifier(table)}`
  const [there] = await connection.query('SELECT to_regclass($1) IS NOT NULL AS there', [name])
  if (there?.there !== true) return null
  const [row] = await connection.query(`SELECT max(${quoteIdentifier(lock.column)})::int AS held FROM ${name}`)
  const held = Number(row?.held ?? 0)
  if (held === 0) return { held: 'free', since: null }
  const [time] = await connection
    .query(
      `SELECT to_char(pg_xact_commit_timestamp(xmin) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS since FROM ${name}`,
    )
    .catch(() => [])
  return { held: held === ownLockValue ? 'own' : 'tool', since: time?.since == null ? null : String(time.since) }
}
