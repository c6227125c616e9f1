import { createHash } from 'node:crypto'
import type { Connection } from '../../model/dialect.ts'
import type { Samples, SampleTable, TableContents } from '../../model/sample.ts'
import { readCatalog } from './picture-objects.ts'
import { readSchemaRows } from './picture-read.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import { readSampleTables, type SqliteTable } from './sample-tables.ts'
import { foldName } from './words.ts'

/** Up to so many rows each is told apart. */
const mostEach = 1000

const rowsAtOnce = 200

/** Statements of copied rows grow to about this many characters. */
const longestStatement = 1_000_000

/**
 * An expression that writes a value as a literal. `quote` ends a text at its first NUL, and calls an infinite number by a
 * name that is none.
 */
function literalOf(expression: string): string {
  return `CASE WHEN typeof(${expression}) = 'text' AND instr(CAST(${expression} AS BLOB), x'00')
    THEN 'CAST(x''' || hex(${expression}) || ''' AS TEXT)'
    WHEN typeof(${expression}) = 'real' AND abs(${expression}) = 9e999 THEN CASE WHEN ${expression} > 0 THEN '9e999' ELSE '-9e999' END
    ELSE quote(${expression}) END`
}

/** Reads a table's rows as literals, some at a time; `c0`, `c1`, … in the order of its columns. */
async function* readRows(connection: Connection, table: SqliteTable): AsyncGenerator<string[][]> {
  const { columns, key, place } = table
  const texts = columns.map(({ name }, i) => `${literalOf(quoteIdentifier(name))} AS c${i}`)
  const keys = key.map((expression, i) => `${literalOf(expression)} AS k${i}`)
  const select = `SELECT ${[...texts, ...keys].join(', ') || 'NULL'} FROM ${place}`
  const sorted = key.join(', ')
  let after = ''
  for (let done = 0; ; done += rowsAtOnce) {
    const rows = await connection.query(
      key.length > 0
        ? `${select}${after} ORDER BY ${sorted} LIMIT ${rowsAtOnce}`
        : `${select} LIMIT ${rowsAtOnce} OFFSET ${done}`,
    )
    if (rows.length > 0) yield rows.map((row) => columns.map((_, i) => String(row[`c${i}`])))
    if (rows.length < rowsAtOnce) return
    const last = rows.at(-1) ?? {}
    after = ` WHERE (${sorted}) > (${key.map((_, i) => String(last[`k${i}`])).join(', ')})`
  }
}

/** Rows are hashed here: SQLite has no function for it. */
async function contentsOf(connection: Connection, table: SqliteTable): Promise<TableContents> {
  const each: string[] = []
  let rows = 0
  // Added up, so that the order does not count and equal rows do.
  let [high, low] = [0, 0]
  for await (const page of readRows(connection, table)) {
    rows += page.length
    for (const row of page) {
      const hash = createHash('sha256').update(JSON.stringify(row)).digest()
      high = (high + hash.readUInt32LE(0)) % 0x1_0000_0000
      low = (low + hash.readUInt32LE(4)) % 0x1_0000_0000
      if (rows <= mostEach) each.push(hash.toString('hex', 0, 6))
    }
  }
  return { rows, hash: `${rows}:${high}:${low}`, each: rows > mostEach ? null : each.sort() }
}

export const samples: Samples = {
  tables: readSampleTables,

  insert(table, rows) {
    const { columns, defaults } = table as SqliteTable
    const names = columns.map(({ name }) => quoteIdentifier(name)).join(', ')
    const values = rows.map((row) => `(${row.map((value, i) => value ?? defaults[i]).join(', ')})`)
    return `INSERT INTO ${table.place} (${names}) VALUES ${values.join(', ')}`
  },

  keyOf({ place }, key, column, nth) {
    const names = key.map(quoteIdentifier)
    const there = names.map((name) => `${name} IS NOT NULL`).join(' AND ')
    const order = names.map((name) => `${name} DESC`).join(', ')
    return `(SELECT ${quoteIdentifier(column)} FROM ${place} WHERE ${there} ORDER BY ${order} LIMIT 1 OFFSET ${nth})`
  },

  async contents(connection, tables) {
    const found: TableContents[] = []
    for (const table of tables) found.push(await contentsOf(connection, table as SqliteTable))
    return found
  },

  beforeCopy: ['PRAGMA foreign_keys = OFF', 'PRAGMA ignore_check_constraints = ON'],

  async *copy(connection, table, _into) {
    const names = table.columns.map(({ name }) => quoteIdentifier(name)).join(', ')
    const head = `INSERT INTO ${quoteIdentifier((table as SqliteTable).name)} (${names}) VALUES `
    await connection.query('BEGIN')
    try {
      for await (const page of readRows(connection, table as SqliteTable)) yield* joinRows(head, page)
    } finally {
      if (!connection.broken) await connection.query('ROLLBACK')
    }
  },

  async counters(connection) {
    const rows = await readSchemaRows(connection)
    if (!rows.some(({ name }) => name === 'sqlite_sequence')) return []
    const { tables } = readCatalog(rows)
    const counters = await connection.query('SELECT name, CAST(seq AS TEXT) AS seq FROM main.sqlite_sequence')
    return counters.flatMap(({ name, seq }): string[] => {
      const table: SampleTable['id'] | undefined = tables.get(foldName(String(name)))?.name.name
      if (table === undefined) return []
      return [
        `DELETE FROM sqlite_sequence WHERE name = ${quoteLiteral(table)}`,
        `INSERT INTO sqlite_sequence (name, seq) VALUES (${quoteLiteral(table)}, ${String(seq)})`,
      ]
    })
  },
}

function* joinRows(head: string, rows: readonly string[][]): Generator<string> {
  let some: string[] = []
  let length = 0
  for (const row of rows) {
    const text = `(${row.join(', ')})`
    some.push(text)
    length += text.length
    if (length < longestStatement) continue
    yield head + some.join(', ')
    some = []
    length = 0
  }
  if (some.length > 0) yield head + some.join(', ')
}
