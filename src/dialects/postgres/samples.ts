import type { Samples, SampleTable } from '../../model/sample.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import { type PostgresTable, readSampleTables } from './sample-tables.ts'

/** Tables per question. */
const tablesAtOnce = 60

/** Up to so many rows each is told apart. */
const mostEach = 1000

const rowsAtOnce = 500

const namesOf = (table: SampleTable) => table.columns.map(({ name }) => quoteIdentifier(name))

export const samples: Samples = {
  tables: readSampleTables,

  insert(table, rows) {
    const values = rows.map((row) => `(${row.map((value) => value ?? 'DEFAULT').join(', ')})`)
    // A column that only the server fills may be told what to hold.
    return table.columns.length === 0
      ? `INSERT INTO ${table.place} DEFAULT VALUES`
      : `INSERT INTO ${table.place} (${namesOf(table).join(', ')}) OVERRIDING SYSTEM VALUE VALUES ${values.join(', ')}`
  },

  keyOf({ place }, key, column, nth) {
    const names = key.map(quoteIdentifier)
    const there = names.map((name) => `${name} IS NOT NULL`).join(' AND ')
    const order = names.map((name) => `${name} DESC`).join(', ')
    return `(SELECT ${quoteIdentifier(column)} FROM ${place} WHERE ${there} ORDER BY ${order} LIMIT 1 OFFSET ${nth})`
  },

  async contents(connection, tables) {
    const found: Awaited<ReturnType<Samples['contents']>> = []
    for (let start = 0; start < tables.length; start += tablesAtOnce) {
      const chunk = tables.slice(start, start + tablesAtOnce)
      const rows = await connection.query(chunk.map(questionFor).join(' UNION ALL '))
      const byIndex = new Map(rows.map((row) => [Number(row.i), row]))
      chunk.forEach((_, i) => {
        const row = byIndex.get(i)
        const count = Number(row?.n ?? 0)
        const each = count > mostEach ? null : String(row?.each ?? '').split(',')
        found.push({ rows: count, hash: `${count}:${String(row?.sum ?? '')}`, each: count === 0 ? [] : each })
      })
    }
    return found
  },

  beforeCopy: [
    "SET session_replication_role = 'replica'",
    "SELECT set_config('statement_timeout', '0', false), set_config('row_security', 'off', false)",
  ],

  async *copy(connection, table, into) {
    const { schema, name } = table as PostgresTable
    const place = `${quoteIdentifier(into ?? schema)}.${quoteIdentifier(name)}`
    const texts = table.columns.map((column) => `pg_catalog.quote_nullable(${quoteIdentifier(column.name)}::text)`)
    const row = texts.length === 0 ? "''" : `'(' || ${texts.join(` || ', ' || `)} || ')'`
    await connection.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    try {
      // What is not of a fixed form is written so that the other session reads the same.
      await connection.query(
        "SELECT set_config('datestyle', 'ISO, YMD', true), set_config('intervalstyle', 'postgres', true), set_config('extra_float_digits', '3', true), set_config('bytea_output', 'hex', true), set_config('row_security', 'off', true), set_config('lc_monetary', 'C', true)",
      )
      await connection.query(`DECLARE tenantry_copy NO SCROLL CURSOR FOR SELECT ${row} AS row FROM ${table.place}`)
      for (;;) {
        const rows = await connection.query(`FETCH ${rowsAtOnce} FROM tenantry_copy`)
        if (rows.length === 0) break
        if (texts.length === 0) for (const _ of rows) yield `INSERT INTO ${place} DEFAULT VALUES`
        else {
          const values = rows.map((one) => String(one.row)).join(', ')
          yield `INSERT INTO ${place} (${namesOf(table).join(', ')}) OVERRIDING SYSTEM VALUE VALUES ${values}`
        }
      }
    } finally {
      if (!connection.broken) await connection.query('ROLLBACK')
    }
  },

  async counters(connection, target, into) {
    const own = target === null ? "n.nspname::text !~ '^pg_'" : `n.nspname = ${quoteLiteral(target)}`
    const sequences = await connection.query(
      `SELECT n.nspname::text AS schema, c.relname::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'S' AND ${own} ORDER BY 1, 2`,
    )
    const statements: string[] = []
    for (const { schema, name } of sequences) {
      const place = (at: unknown) => `${quoteIdentifier(String(at))}.${quoteIdentifier(String(name))}`
      const [state] = await connection.query(`SELECT last_value::text AS value, is_called FROM ${place(schema)}`)
      if (state === undefined) continue
      const where = quoteLiteral(place(into ?? schema))
      statements.push(`SELECT setval(${where}::regclass, ${String(state.value)}, ${String(state.is_called)})`)
    }
    return statements
  },
}

function questionFor(table: SampleTable, i: number): string {
  const texts = namesOf(table).map((name) => `quote_nullable(${name}::text)`)
  const row = texts.length === 0 ? "''" : `concat_ws(',', ${texts.join(', ')})`
  return `SELECT ${i} AS i, count(*) AS n, sum(('x' || left(h, 15))::bit(60)::int8)::text AS sum,
    string_agg(left(h, 12), ',' ORDER BY h) FILTER (WHERE at <= ${mostEach}) AS each
    FROM (SELECT md5(${row}) AS h, row_number() OVER () AS at FROM ${table.place}) r`
}
