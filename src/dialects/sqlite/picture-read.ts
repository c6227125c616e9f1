import type { Connection } from '../../model/dialect.ts'
import type { SchemaRow } from './picture-objects.ts'

/** A target is a file, which is `main` of its connection; there are no others in it. */
export const isOwnSchema = (schema: string | null) => schema === null || schema.toLowerCase() === 'main'

/** All definitions of a file, in one question, in the order in which they were made. Throws `DatabaseError`. */
export async function readSchemaRows(connection: Pick<Connection, 'query'>): Promise<SchemaRow[]> {
  // Its old name is known to every version.
  const rows = await connection.query('SELECT type, name, tbl_name, sql FROM main.sqlite_master ORDER BY rowid')
  return rows.map(({ type, name, tbl_name, sql }) => ({
    type: type as SchemaRow['type'],
    name: String(name),
    table: String(tbl_name),
    sql: sql === null ? null : String(sql),
  }))
}
