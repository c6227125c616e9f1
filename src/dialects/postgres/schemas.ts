import type { Connection } from '../../model/dialect.ts'

const pageSize = 5000

/** Names of schemas that match, sorted, a page at a time. System schemas never match. */
export async function* listSchemas(
  connection: Connection,
  match: { like: string } | { regex: string },
): AsyncIterable<string> {
  const [operator, pattern] = 'like' in match ? ['LIKE', match.like] : ['~', match.regex]
  for (let after = ''; ; ) {
    // As text: the server has no `name LIKE name`, so a schema on the search path could bring one of its own.
    const rows = await connection.query(
      `SELECT nspname FROM pg_namespace WHERE nspname::text ${operator} $1 AND nspname COLLATE "C" > $2
         AND nspname::text NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
       ORDER BY nspname COLLATE "C" LIMIT ${pageSize}`,
      [pattern, after],
    )
    for (const row of rows) yield String(row.nspname)
    const last = rows.at(-1)
    if (rows.length < pageSize || last === undefined) return
    after = String(last.nspname)
  }
}
