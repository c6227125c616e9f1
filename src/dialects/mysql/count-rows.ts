import { type Connection, DatabaseError } from '../../model/dialect.ts'
import type { DestructiveStep } from '../../model/script.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'

/** Counting stops here: more rows than this are reported as one more than a million. */
const mostRows = 1_000_001

/** SQLSTATEs: the table, the column is not there. */
const missing = new Set(['42S02', '42S22'])

type Asking = Pick<Connection, 'query'>

/** null: we may not look; 0: there is nothing. Throws what is no answer of the server to this question. */
async function ask(connection: Asking, sql: string): Promise<number | null> {
  try {
    const [row = {}] = await connection.query(sql)
    return row.n === null || row.n === undefined ? null : Number(row.n)
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    const { kind, sqlstate } = error.failure
    if (kind === 'database-missing') return 0
    if (kind !== 'statement') throw error
    return missing.has(sqlstate ?? '') ? 0 : null
  }
}

const place = ({ schema, object }: Pick<DestructiveStep, 'schema' | 'object'>) =>
  schema === null ? quoteIdentifier(object) : `${quoteIdentifier(schema)}.${quoteIdentifier(object)}`

/** Kind of the relation in the catalog; null: it is not there, or we may not see it. */
async function typeOf(connection: Asking, { schema, object }: DestructiveStep): Promise<string | null> {
  const database = schema === null ? 'DATABASE()' : quoteLiteral(schema)
  const [row] = await connection.query(
    `SELECT table_type AS type FROM information_schema.tables WHERE table_schema = ${database} AND table_name = ${quoteLiteral(object)}`,
  )
  return row === undefined ? null : String(row.type)
}

function countTable(connection: Asking, step: DestructiveStep): Promise<number | null> {
  const only = step.column === null ? '' : ` WHERE ${quoteIdentifier(step.column)} IS NOT NULL`
  const limited = `SELECT 1 FROM ${place(step)}${only} LIMIT ${mostRows}`
  return ask(connection, `SELECT COUNT(*) AS n FROM (${limited}) AS counted`)
}

async function countDatabase(connection: Asking, step: DestructiveStep): Promise<number | null> {
  const tables = await connection.query(
    `SELECT table_name AS name FROM information_schema.tables
      WHERE table_schema = ${quoteLiteral(step.object)} AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')`,
  )
  let sum = 0
  for (const { name } of tables) {
    const count = await countTable(connection, { ...step, schema: step.object, object: String(name), column: null })
    if (count === null) return null
    sum += count
    if (sum >= mostRows) return mostRows
  }
  return sum
}

async function countStep(connection: Asking, step: DestructiveStep): Promise<number | null> {
  switch (step.kind) {
    case 'drop-table':
    case 'truncate':
    case 'drop-column':
      return (await typeOf(connection, step))?.includes('VIEW') ? 0 : countTable(connection, step)
    case 'drop-schema':
      return countDatabase(connection, step)
    case 'drop-other': {
      const type = await typeOf(connection, step)
      return type?.includes('VIEW') || type === 'SEQUENCE' ? 0 : null
    }
    case 'change-type':
    case 'delete':
      return null
  }
}

/**
 * Rows that destructive steps would take away, per step: those of a table, those that hold a value in a column, those of
 * all tables of a database. Counting stops at 1,000,001. 0: none, or the object is not there. null: it cannot be told,
 * because the user may not read them or the step is of another kind.
 *
 * It reads whole tables when a column is empty everywhere, and promises nothing about rows that come later.
 *
 * @param _schema targets are whole databases: the connection's
 * @throws {@link DatabaseError} when the connection is lost or the question runs into a limit
 */
export async function countRows(
  connection: Pick<Connection, 'query'>,
  _schema: string | null,
  steps: readonly DestructiveStep[],
): Promise<(number | null)[]> {
  const counts: (number | null)[] = []
  for (const step of steps) counts.push(await countStep(connection, step))
  return counts
}
