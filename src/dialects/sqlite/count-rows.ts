import { type Connection, DatabaseError } from '../../model/dialect.ts'
import type { DestructiveStep } from '../../model/script.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import { foldName } from './words.ts'

/** Counting stops here: more rows than this are reported as one more than a million. */
const mostRows = 1_000_001

type Asking = Pick<Connection, 'query'>

/** Is it a table, with rows of its own? null: it is not there. */
async function typeOf(connection: Asking, name: string): Promise<string | null> {
  const [row] = await connection.query(
    `SELECT type FROM main.sqlite_master WHERE type IN ('table', 'view') AND name = ${quoteLiteral(name)} COLLATE NOCASE`,
  )
  return row === undefined ? null : String(row.type)
}

/** Columns whose values are stored, as they are declared. */
async function columnsOf(connection: Asking, table: string): Promise<string[]> {
  const rows = await connection.query(`SELECT name, hidden FROM pragma_table_xinfo(${quoteLiteral(table)}, 'main')`)
  return rows.filter(({ hidden }) => Number(hidden) === 0).map(({ name }) => String(name))
}

/** @param columns rows that hold a value in one of these; null: all rows */
async function countTable(
  connection: Asking,
  table: string,
  columns: readonly string[] | null,
): Promise<number | null> {
  const holds = columns?.map((column) => `${quoteIdentifier(column)} IS NOT NULL`).join(' OR ')
  const limited = `SELECT 1 FROM main.${quoteIdentifier(table)}${holds === undefined ? '' : ` WHERE ${holds}`} LIMIT ${mostRows}`
  try {
    const [row] = await connection.query(`SELECT COUNT(*) AS n FROM (${limited})`)
    return Number(row?.n)
  } catch (error) {
    // A virtual table whose module is not there.
    if (error instanceof DatabaseError && error.failure.kind === 'statement') return null
    throw error
  }
}

async function countStep(connection: Asking, step: DestructiveStep): Promise<number | null> {
  // A file that is attached while the migration runs.
  if (step.schema !== null) return null
  switch (step.kind) {
    case 'drop-table':
    case 'truncate':
    case 'drop-column': {
      if ((await typeOf(connection, step.object)) !== 'table') return 0
      if (step.keeps === undefined && step.column === null) return countTable(connection, step.object, null)
      const kept = new Set(step.keeps?.map(foldName))
      const isLost = (name: string) =>
        step.column === null ? !kept.has(foldName(name)) : foldName(name) === foldName(step.column)
      const lost = (await columnsOf(connection, step.object)).filter(isLost)
      return lost.length === 0 ? 0 : countTable(connection, step.object, lost)
    }
    case 'drop-other':
      return 0
    case 'drop-schema':
    case 'change-type':
    case 'delete':
      return null
  }
}

/**
 * Rows that destructive steps would take away, per step: those of a table, those that hold a value in a column. Of a
 * table that is built anew: those that hold a value in a column that is not copied. Counting stops at 1,000,001. 0:
 * none, or the object is not there. null: it cannot be told.
 *
 * It reads whole tables when a column is empty everywhere, and promises nothing about rows that come later.
 *
 * @param _schema targets are whole files
 * @throws {@link DatabaseError} when the file is gone, or locked for too long
 */
export async function countRows(
  connection: Asking,
  _schema: string | null,
  steps: readonly DestructiveStep[],
): Promise<(number | null)[]> {
  const counts: (number | null)[] = []
  for (const step of steps) counts.push(await countStep(connection, step))
  return counts
}
