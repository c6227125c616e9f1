import type { IndexElem, IndexStmt, ReindexStmt } from 'libpg-query'
import {
  inCreationSchema,
  keyColumns,
  type Name,
  nameOfRelation,
  relationOid,
  showName,
  textArray,
} from './probe-sql.ts'
import { ask, type Check, type Question, repeat } from './probe-verdict.ts'
import { quoteLiteral } from './quote.ts'

/** SQL on aliases i (pg_index), c (its pg_class), n (its schema). */
const indexRows = `pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace`

const dropCommand = `'DROP INDEX CONCURRENTLY IF EXISTS ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname)`

/** An index that is being built right now is invalid too, and must be left alone. */
function builderOf(condition: string): string {
  return `(SELECT p.pid FROM pg_stat_progress_create_index p WHERE p.datid =
    (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) AND p.index_relid IN
    (SELECT i.indexrelid FROM ${indexRows} WHERE ${condition}) LIMIT 1)`
}

function listElements(statement: IndexStmt): IndexElem[] {
  return (statement.indexParams ?? []).flatMap((node) => ('IndexElem' in node ? [node.IndexElem] : []))
}

function listIncluded(statement: IndexStmt): string[] {
  return (statement.indexIncludingParams ?? []).flatMap((node) =>
    'IndexElem' in node ? [node.IndexElem.name ?? ''] : [],
  )
}

/** The columns alone do not say what the index is: expressions, predicates, operator classes and the like. */
function needsComparing(statement: IndexStmt): boolean {
  if (statement.whereClause || statement.options || statement.nulls_not_distinct) return true
  return listElements(statement).some(
    (element) => element.expr !== undefined || element.opclass !== undefined || element.collation !== undefined,
  )
}

/** SQL on alias i: table, uniqueness, method, columns and their order are what the statement says. */
function matchesStatement(statement: IndexStmt): string {
  const table = relationOid(nameOfRelation(statement.relation))
  const elements = listElements(statement)
  const columns = elements.map((element) => element.name ?? '')
  const conditions = [
    `i.indrelid = ${table}`,
    `i.indisunique = ${statement.unique === true}`,
    `i.indnkeyatts = ${elements.length}`,
    `(i.indpred IS NOT NULL) = ${statement.whereClause !== undefined}`,
    `(SELECT m.amname FROM pg_am m WHERE m.oid = c.relam) = ${quoteLiteral(statement.accessMethod ?? 'btree')}`,
  ]
  if (elements.every((element) => element.name !== undefined)) {
    conditions.push(`${keyColumns('i.indrelid', 'i.indkey')} = ${textArray([...columns, ...listIncluded(statement)])}`)
  } else conditions.push('i.indexprs IS NOT NULL')
  for (const [place, element] of elements.entries()) {
    // Bits of indoption: 1 descending, 2 nulls first, which is the default of descending.
    const descending = element.ordering === 'SORTBY_DESC'
    const nullsFirst =
      element.nulls_ordering === 'SORTBY_NULLS_FIRST' || (descending && element.nulls_ordering !== 'SORTBY_NULLS_LAST')
    conditions.push(`i.indoption[${place}] = ${(descending ? 1 : 0) | (nullsFirst ? 2 : 0)}`)
  }
  return conditions.join(' AND ')
}

/** CREATE INDEX. A named one must have the statement's shape; an unnamed one is looked for by its shape. */
export function askCreateIndex(statement: IndexStmt): Question {
  const table = nameOfRelation(statement.relation)
  const named = statement.idxname !== undefined
  const label = named ? `index ${statement.idxname}` : `an index like this on ${showName(table)}`
  // An index is made in the schema of its table.
  const here = named
    ? `c.relname = ${quoteLiteral(statement.idxname ?? '')} AND c.relnamespace =
       (SELECT t.relnamespace FROM pg_class t WHERE t.oid = ${relationOid(table)})`
    : matchesStatement(statement)
  const shape = matchesStatement(statement)
  const sameTable = `${here} AND i.indrelid = ${relationOid(table)}`
  // ON ONLY a partitioned table gives an index that stays invalid until its parts are attached.
  const valid = statement.relation?.inh ? 'i.indisvalid' : 'true'
  const check: Check = {
    landed: `EXISTS (SELECT FROM ${indexRows} WHERE ${here} AND ${shape} AND ${valid})`,
    absent: named
      ? `${relationOid(table)} IS NOT NULL AND NOT EXISTS (SELECT FROM pg_class c WHERE ${here})`
      : `${relationOid(table)} IS NOT NULL AND NOT EXISTS (SELECT FROM ${indexRows} WHERE ${here})`,
    there: `${label} is there and valid`,
    missing: `${label} is not there`,
    otherwise: `${label} is not what the statement makes: it is invalid, or has another shape, or its table is missing`,
    leftovers: `ARRAY(SELECT ${dropCommand} FROM ${indexRows}
      WHERE ${sameTable} AND NOT (${valid}) AND c.relkind = 'i' ORDER BY 1)`,
    busy: builderOf(sameTable),
  }
  if (statement.if_not_exists && named) {
    // Any valid relation of that name satisfies the statement, whatever its shape.
    const taken = `EXISTS (SELECT FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
      WHERE ${here} AND coalesce(${valid}, true))`
    return ask({ ...check, landed: taken, weak: true, there: `${label} is there` })
  }
  const question: Question = { kind: 'checks', checks: [check] }
  return needsComparing(statement) ? { ...question, compare: named ? 'unknown' : 'absent' } : question
}

function isConcurrent(statement: ReindexStmt): boolean {
  return (statement.params ?? []).some((node) => {
    if (!('DefElem' in node) || node.DefElem.defname !== 'concurrently') return false
    const value = node.DefElem.arg
    if (!value) return true
    if ('Boolean' in value) return value.Boolean.boolval === true
    if ('Integer' in value) return (value.Integer.ival ?? 0) !== 0
    return 'String' in value && ['true', 'on'].includes((value.String.sval ?? '').toLowerCase())
  })
}

/** Which indexes a REINDEX works on: SQL on aliases i, c, n. */
function reindexScope(statement: ReindexStmt): string {
  const name: Name = nameOfRelation(statement.relation)
  if (statement.kind === 'REINDEX_OBJECT_INDEX') {
    // A name that would become too long is cut before the suffix is added, so only its beginning is compared.
    return `i.indrelid = (SELECT x.indrelid FROM pg_index x WHERE x.indexrelid = ${relationOid(name)})
      AND starts_with(c.relname::text, left(${quoteLiteral(name.name)}, 15))`
  }
  if (statement.kind === 'REINDEX_OBJECT_TABLE') return `i.indrelid = ${relationOid(name)}`
  if (statement.kind === 'REINDEX_OBJECT_SCHEMA') {
    return inCreationSchema('c.relnamespace', { schema: statement.name ?? '', name: '' })
  }
  return 'true'
}

/** REINDEX can always be repeated; a concurrent one that broke leaves `_ccnew` or `_ccold` indexes behind. */
export function askReindex(statement: ReindexStmt): Question {
  const reason = 'rebuilding an index again is harmless'
  if (!isConcurrent(statement)) return repeat(reason)
  const scope = `${reindexScope(statement)} AND NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$'
    AND n.nspname NOT LIKE 'pg\\_%'`
  return {
    kind: 'checks',
    rest: 'repeat',
    checks: [
      {
        landed: 'true',
        absent: 'false',
        weak: true,
        there: reason,
        missing: reason,
        otherwise: 'an interrupted rebuild left invalid indexes behind',
        leftovers: `ARRAY(SELECT ${dropCommand} FROM ${indexRows} WHERE ${scope} ORDER BY 1)`,
        busy: builderOf(scope),
      },
    ],
  }
}
