import { inTransaction } from './in-transaction.ts'
import { conditionOf, type Walk } from './walk.ts'

/** Tables that the server takes for larger than this are not counted for a total. */
const mostCounted = 200_000

/** A statement of a file that counts something, with the tenant put in. Throws DATA_CHANGE_REFUSED by way of its caller. */
export function withTenant({ batches, dialect, tenant }: Walk, sql: string): string {
  let text = ''
  let at = 0
  for (const { name, start, end } of batches.parameters(sql)) {
    if (name !== 'tenant' || tenant === null) continue
    text += sql.slice(at, start) + dialect.quoteLiteral(tenant.id)
    at = end
  }
  return (text + sql.slice(at)).replace(/;\s*$/, '')
}

/** What a counting statement says: the first column of its first row. Throws `DatabaseError`. */
export async function askNumber(walk: Walk, sql: string): Promise<number> {
  const rows = await inTransaction(walk, 'look', (connection) => connection.query(withTenant(walk, sql)))
  return Number(Object.values(rows[0] ?? {})[0] ?? 0)
}

/** Rows of the walk from a key on, counted. Throws `DatabaseError`. */
export function countFrom(walk: Walk, cursor: readonly string[] | null): Promise<number> {
  return askNumber(walk, `SELECT count(*) AS n FROM ${walk.table.place}${conditionOf(walk, cursor)}`)
}

/** How many rows there are to walk: by the file's own count, as counted, or as the server estimates. */
export async function findTotal(walk: Walk, exact: boolean): Promise<number> {
  const { change, table, tenantColumn } = walk
  const own = change.remaining ?? change.count
  if (own !== null) return askNumber(walk, own)
  const { estimatedRows } = table
  if (!exact && tenantColumn === null && estimatedRows !== null && estimatedRows > mostCounted) return estimatedRows
  return countFrom(walk, null)
}
