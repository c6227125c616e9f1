import type { Connection } from '../../model/dialect.ts'
import type { DestructiveStep } from '../../model/script.ts'
import { relationOid } from './probe-sql.ts'
import { quoteLiteral } from './quote.ts'
import { searchPathValue } from './search-path.ts'

/** Counting stops here: more rows than this are reported as one more than a million. */
const mostRows = 1_000_001

/** SQL: rows of the relation in alias c (its schema: n). A table may be missing, so the counting query is made there. */
function countIn(condition: string): string {
  // query_to_xml is the one function that runs a text made at run time inside an ordinary SELECT. format() is VARIADIC:
  // unqualified, one with the very types in a schema on the search path would be taken for it.
  return `substring(query_to_xml(pg_catalog.format('SELECT count(*) AS n FROM (SELECT FROM %I.%I ${condition} LIMIT ${mostRows}) t',
    n.nspname, c.relname%ARGUMENTS%), false, true, '')::text FROM '<n>([0-9]+)</n>')::bigint`
}

function rowsOf(column: string | null): string {
  if (column === null) return countIn('').replace('%ARGUMENTS%', '')
  // IS DISTINCT FROM, because a row value with one null field is neither null nor not null.
  return countIn('WHERE %I IS DISTINCT FROM NULL').replace('%ARGUMENTS%', `, ${quoteLiteral(column)}`)
}

/** SQL: it can be counted, all of it: no policy hides rows from us, and we may read. */
const countable = `NOT row_security_active(c.oid) AND has_schema_privilege(n.oid, 'USAGE')
  AND has_table_privilege(c.oid, 'SELECT')`

const relationFrom = 'pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace'

function countRelation(step: DestructiveStep): string {
  const relation = relationOid({ schema: step.schema, name: step.object })
  const missingColumn =
    step.column === null
      ? ''
      : `WHEN NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          AND a.attname = ${quoteLiteral(step.column)}) THEN 0`
  return `coalesce((SELECT coalesce(CASE WHEN c.relkind NOT IN ('r', 'p', 'f') THEN 0 ${missingColumn}
      WHEN c.relkind <> 'f' AND ${countable} THEN ${rowsOf(step.column)} END, -1)
    FROM ${relationFrom} WHERE c.oid = ${relation}), 0)`
}

function countSchema(step: DestructiveStep): string {
  return `(SELECT CASE WHEN bool_or(t.rows IS NULL) THEN -1 ELSE least(coalesce(sum(t.rows), 0), ${mostRows}) END
    FROM (SELECT CASE WHEN ${countable} AND c.relkind <> 'f' THEN ${rowsOf(null)} END AS rows FROM ${relationFrom}
      WHERE n.nspname = ${quoteLiteral(step.object)} AND c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition) t)`
}

/** Materialized views, views and sequences hold nothing that cannot be made again; of other things nothing is known. */
function countOther(step: DestructiveStep): string {
  const relation = relationOid({ schema: step.schema, name: step.object })
  return `coalesce((SELECT CASE WHEN c.relkind IN ('m', 'v', 'S') THEN 0 ELSE -1 END
    FROM pg_class c WHERE c.oid = ${relation}), -1)`
}

function countStep(step: DestructiveStep): string {
  switch (step.kind) {
    case 'drop-table':
    case 'truncate':
    case 'drop-column':
      return countRelation(step)
    case 'drop-schema':
      return countSchema(step)
    case 'drop-other':
      return countOther(step)
    case 'change-type':
    case 'delete':
      return '-1'
  }
}

/**
 * Rows that destructive steps would take away, per step, in one query: those of a table, those that hold a value in a
 * column, those of all tables of a schema. Counting stops at 1,000,001. 0: none, or the object is not there. null: it
 * cannot be told, because a policy may hide rows, the role may not read them, or the step is of another kind.
 *
 * It reads whole tables when a column is empty everywhere, and promises nothing about rows that come later.
 *
 * @param schema the target's schema; null: the connection's default search path
 * @throws {@link DatabaseError}
 */
export async function countRows(
  connection: Pick<Connection, 'query'>,
  schema: string | null,
  steps: readonly DestructiveStep[],
): Promise<(number | null)[]> {
  if (steps.length === 0) return []
  const columns = steps.map((step, index) => `(${countStep(step)})::text AS c${index}`)
  const [row = {}] = await connection.query(
    `WITH path AS MATERIALIZED (SELECT set_config('search_path', ${searchPathValue(schema)}, true) AS value)
    SELECT ${columns.join(', ')} FROM path WHERE value IS NOT NULL`,
  )
  return steps.map((_, index) => {
    const count = Number(row[`c${index}`])
    return count < 0 ? null : count
  })
}
