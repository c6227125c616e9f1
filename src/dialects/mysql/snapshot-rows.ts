import type { MysqlConnection } from './connection.ts'
import { text } from './picture-read.ts'
import { quoteIdentifier } from './quote.ts'

/** Rows of a table as INSERTs, and where its counter stands. */
export interface TableRows {
  name: string
  inserts: readonly string[]
  /** Next value of its AUTO_INCREMENT column; null: it has none, or has not counted yet. */
  counter: string | null
}

/** Longest INSERT, unless a single row is longer. */
const insertBytes = 192 * 1024
/** A reference holds what migrations insert. More than this is not read into memory, nor kept in a file. */
const mostBytes = 64 * 1024 * 1024
const tablesAtOnce = 100

interface Column {
  name: string
  type: string
}

/**
 * All rows of these tables, every value as a literal that means the same in every session. Read under UTC.
 * `why`: a table's rows cannot be written down so.
 *
 * @throws {@link DatabaseError}
 */
export async function readRows(
  connection: MysqlConnection,
  tables: readonly string[],
): Promise<TableRows[] | { why: string }> {
  const [columns = [], keys = [], versioned = []] = await connection.results([
    "SELECT TABLE_NAME AS holder, COLUMN_NAME AS name, DATA_TYPE AS type FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND EXTRA NOT REGEXP '(VIRTUAL|STORED|PERSISTENT)' ORDER BY TABLE_NAME, ORDINAL_POSITION",
    "SELECT TABLE_NAME AS holder, COLUMN_NAME AS name FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() AND INDEX_NAME = 'PRIMARY' ORDER BY TABLE_NAME, SEQ_IN_INDEX",
    "SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'SYSTEM VERSIONED'",
  ])
  const columnsOf = byTable(columns)
  const keysOf = byTable(keys)
  const timed = new Set(versioned.map((row) => text(row.name)))
  const read: TableRows[] = []
  let bytes = 0
  for (let from = 0; from < tables.length; from += tablesAtOnce) {
    const some = tables.slice(from, from + tablesAtOnce)
    const answers = await connection.results(
      some.flatMap((name) => [
        rowsQuestion(name, columnsOf.get(name) ?? [], keysOf.get(name) ?? [], timed.has(name)),
        `SHOW CREATE TABLE ${quoteIdentifier(name)}`,
      ]),
    )
    for (const [at, name] of some.entries()) {
      const rows = answers[at * 2] ?? []
      if (timed.has(name) && rows.length > 0)
        return { why: `table ${name} keeps versions of its rows, which only its own statements can write` }
      if (rows.some(({ v }) => v === null))
        return { why: `a row of table ${name} is longer than the server's messages` }
      const values = rows.map(({ v }) => text(v))
      bytes += values.reduce((sum, one) => sum + one.length, 0)
      if (bytes > mostBytes) return { why: `its rows take more than ${mostBytes / 1024 / 1024} MB as statements` }
      const head = `INSERT INTO ${quoteIdentifier(name)} (${(columnsOf.get(name) ?? []).map((column) => quoteIdentifier(column.name)).join(', ')}) VALUES\n`
      read.push({ name, inserts: dealInserts(head, values), counter: counterOf(answers[at * 2 + 1]?.[0]) })
    }
  }
  return read
}

function byTable(rows: readonly Record<string, unknown>[]): Map<string, Column[]> {
  const found = new Map<string, Column[]>()
  for (const row of rows) {
    const of = text(row.holder)
    const own = found.get(of) ?? []
    found.set(of, own)
    own.push({ name: text(row.name), type: text(row.type).toLowerCase() })
  }
  return found
}

function rowsQuestion(table: string, columns: readonly Column[], key: readonly Column[], isTimed: boolean): string {
  const name = quoteIdentifier(table)
  if (isTimed) return `SELECT 1 AS v FROM ${name} FOR SYSTEM_TIME ALL LIMIT 1`
  // Null where the row is too long for the server: CONCAT says so.
  const values = columns.length === 0 ? "'()'" : `CONCAT('(', ${columns.map(literalOf).join(", ',', ")}, ')')`
  const order = key.length === 0 ? '' : ` ORDER BY ${key.map((column) => quoteIdentifier(column.name)).join(', ')}`
  return `SELECT ${values} AS v FROM ${name}${order}`
}

/** An expression whose value is the column's value as a literal of SQL. */
function literalOf({ name, type }: Column): string {
  const column = quoteIdentifier(name)
  return `CASE WHEN ${column} IS NULL THEN 'NULL' ELSE ${literal(column, type)} END`
}

function literal(column: string, type: string): string {
  switch (type) {
    case 'tinyint':
    case 'smallint':
    case 'mediumint':
    case 'int':
    case 'bigint':
    case 'decimal':
      return `CAST(${column} AS CHAR)`
    // As a double it is written with all of its digits.
    case 'float':
    case 'double':
      return `CAST(${column} * 1e0 AS CHAR)`
    case 'bit':
      return `CAST(CAST(${column} AS UNSIGNED) AS CHAR)`
    // By number: an error value has no text of its own.
    case 'enum':
    case 'set':
      return `CAST(CAST(${column} + 0 AS UNSIGNED) AS CHAR)`
    case 'binary':
    case 'varbinary':
    case 'tinyblob':
    case 'blob':
    case 'mediumblob':
    case 'longblob':
    case 'geometry':
    case 'point':
    case 'linestring':
    case 'polygon':
    case 'multipoint':
    case 'multilinestring':
    case 'multipolygon':
    case 'geometrycollection':
    case 'geomcollection':
    case 'vector':
      return `CONCAT('X''', HEX(${column}), '''')`
    default:
      return `CONCAT('_utf8mb4 X''', HEX(CONVERT(CAST(${column} AS CHAR) USING utf8mb4)), '''')`
  }
}

function dealInserts(head: string, values: readonly string[]): string[] {
  const inserts: string[] = []
  let current: string[] = []
  let bytes = 0
  for (const value of values) {
    if (current.length > 0 && bytes + value.length > insertBytes) {
      inserts.push(head + current.join(',\n'))
      current = []
      bytes = 0
    }
    current.push(value)
    bytes += value.length + 2
  }
  if (current.length > 0) inserts.push(head + current.join(',\n'))
  return inserts
}

/** The list of tables keeps counters for a day on MySQL; the definition tells them as they are. */
function counterOf(row: Record<string, unknown> | undefined): string | null {
  return text(row?.['Create Table']).match(/\n\) [^'"\n]*?\bAUTO_INCREMENT=(\d+)/)?.[1] ?? null
}

/** Where sequences stand: the next value that none of them has given away, cached ones counted as given. */
export async function readSequences(connection: MysqlConnection, names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return []
  const answers = await connection.results(
    names.map(
      (name) =>
        `SELECT CAST(next_not_cached_value AS CHAR) AS next, CAST(cycle_count AS CHAR) AS round FROM ${quoteIdentifier(name)}`,
    ),
  )
  return names.map((name, at) => {
    const row = answers[at]?.[0]
    return `SELECT SETVAL(${quoteIdentifier(name)}, ${text(row?.next)}, 0, ${text(row?.round)})`
  })
}

/** A `timestamp` is told in the session's zone. */
export const underUtc = "SET SESSION time_zone = '+00:00'"
