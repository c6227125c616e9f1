/** What a session of ours on SQLite hands out. */
export interface SqliteClient {
  execute(
    text: string,
    values: readonly unknown[],
  ): Promise<{
    rows: Record<string, unknown>[]
    columns: string[]
    changes: number
    lastInsertRowid: number | bigint
  }>
}

/** A query of Knex that is compiled, and what becomes of it. */
export interface SqliteQuery {
  sql: string
  bindings?: readonly unknown[]
  response?: unknown
  context?: { lastID: number | bigint; changes: number }
}

/**
 * What the clients of Knex for SQLite do with their drivers: rows, or how many were changed. The drivers of
 * `better-sqlite3` and `sqlite3` differ in what a statement without rows gives. Source: `dialects/better-sqlite3` and
 * `dialects/sqlite3` of Knex.
 */
export async function carryOutQuery(
  client: SqliteClient,
  query: SqliteQuery,
  driverName: string | undefined,
): Promise<SqliteQuery> {
  if (!query.sql) throw new Error('The query is empty')
  const values = (query.bindings ?? []).map((value) => (value instanceof Date ? value.valueOf() : value))
  const { rows, columns, changes, lastInsertRowid } = await client.execute(query.sql, values)
  query.context = { lastID: lastInsertRowid, changes }
  query.response = columns.length > 0 || driverName === 'sqlite3' ? rows : { changes, lastInsertRowid }
  return query
}
