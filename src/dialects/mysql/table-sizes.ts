import type { Connection } from '../../model/dialect.ts'
import type { TableQuestion, TableSize, TargetSizes } from '../../model/table-sizes.ts'
import { quoteLiteral } from './quote.ts'

/**
 * InnoDB's statistics, as `information_schema.TABLES` shows them: rows within some ten per cent, sizes of whole pages.
 * MySQL 8 keeps what it shows for a day (`information_schema_stats_expiry`), unless ANALYZE TABLE is run. A target is a
 * database; no lock is waited for.
 */
export async function tableSizes(
  connection: Connection,
  targets: readonly (string | null)[],
  tables: readonly TableQuestion[],
): Promise<readonly TargetSizes[]> {
  if (targets.length === 0 || tables.length === 0) return targets.map(() => [])
  const places = targets.flatMap((target) => tables.map(({ schema }) => schema ?? target ?? connection.database))
  const schemas = [...new Set(places)].map(quoteLiteral).join(', ')
  const names = [...new Set(tables.map(({ name }) => name))].map(quoteLiteral).join(', ')
  const rows = await connection.query(
    `SELECT t.TABLE_SCHEMA AS db, t.TABLE_NAME AS tab, t.TABLE_ROWS AS row_count, t.DATA_LENGTH AS data_length,
       t.INDEX_LENGTH AS index_length
     FROM information_schema.TABLES t
     WHERE t.TABLE_SCHEMA IN (${schemas}) AND t.TABLE_NAME IN (${names}) AND t.TABLE_TYPE = 'BASE TABLE'`,
  )
  const sizes = new Map(rows.map((row) => [keyOf(row.db, row.tab), readSize(row)]))
  return targets.map((target) =>
    tables.map(({ schema, name }) => sizes.get(keyOf(schema ?? target ?? connection.database, name)) ?? null),
  )
}

/** Whether letter case matters is a setting of the server, which has chosen the rows. */
const keyOf = (database: unknown, table: unknown) => `${String(database)}\0${String(table)}`.toLowerCase()

function readSize({ row_count, data_length, index_length }: Record<string, unknown>): TableSize {
  return {
    rows: row_count === null ? null : Number(row_count),
    bytes: Number(data_length ?? 0),
    indexBytes: Number(index_length ?? 0),
  }
}
