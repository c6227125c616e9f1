import type { Connection } from '../../model/dialect.ts'
import type { TableQuestion, TargetSizes } from '../../model/table-sizes.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import { foldName } from './words.ts'

/** Terms of one compound SELECT that every build of SQLite takes. */
const mostTerms = 400

/**
 * Rows as the highest rowid tells them, which is one step in each table's tree: too many where rows were deleted. Of
 * tables WITHOUT ROWID nothing is known. The bytes are those of the file, shared out by the rows; indexes are in them.
 */
export async function tableSizes(
  connection: Connection,
  targets: readonly (string | null)[],
  tables: readonly TableQuestion[],
): Promise<readonly TargetSizes[]> {
  const named = await connection.query(
    "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
  )
  const names = named.filter(({ wr }) => Number(wr) === 0).map(({ name }) => String(name))
  const rows = new Map<string, number | null>(named.map(({ name }) => [foldName(String(name)), null]))
  let fileBytes = 0
  for (let from = 0; from === 0 || from < names.length; from += mostTerms) {
    const terms = names
      .slice(from, from + mostTerms)
      .map((name) => `SELECT ${quoteLiteral(name)} AS name, (SELECT max(rowid) FROM ${quoteIdentifier(name)}) AS n`)
    const size =
      'SELECT NULL AS name, (SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size) AS n'
    for (const { name, n } of await connection.query([size, ...terms].join(' UNION ALL '))) {
      if (name === null) fileBytes = Number(n)
      // A column of the table's own may be called rowid, and hold anything.
      else rows.set(foldName(String(name)), Math.max(0, Number(n ?? 0) || 0))
    }
  }
  const all = [...rows.values()].reduce<number>((sum, count) => sum + (count ?? 0), 0)
  return targets.map(() =>
    tables.map(({ name }) => {
      const count = rows.get(foldName(name))
      if (count === undefined) return null
      const share = count === null ? 1 : all === 0 ? 0 : count / all
      return { rows: count, bytes: Math.round(fileBytes * share), indexBytes: 0 }
    }),
  )
}
