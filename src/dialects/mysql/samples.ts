import type { Connection } from '../../model/dialect.ts'
import type { Samples, SampleTable } from '../../model/sample.ts'
import { quoteIdentifier } from './quote.ts'
import { type MysqlTable, readSampleTables } from './sample-tables.ts'
import type { SampleType } from './sample-values.ts'

/** Tables per question. */
const tablesAtOnce = 40

/** Up to so many rows each is told apart. */
const mostEach = 1000

const rowsAtOnce = 500

export const samples: Samples = {
  tables: readSampleTables,

  insert(table, rows) {
    const names = table.columns.map(({ name }) => quoteIdentifier(name)).join(', ')
    const values = rows.map((row) => `(${row.map((value) => value ?? 'DEFAULT').join(', ')})`)
    return `INSERT INTO ${table.place} (${names}) VALUES ${values.join(', ')}`
  },

  keyOf({ place }, key, column, nth) {
    const names = key.map(quoteIdentifier)
    const there = names.map((name) => `${name} IS NOT NULL`).join(' AND ')
    const order = names.map((name) => `${name} DESC`).join(', ')
    return `(SELECT ${quoteIdentifier(column)} FROM ${place} WHERE ${there} ORDER BY ${order} LIMIT 1 OFFSET ${nth})`
  },

  async contents(connection, tables) {
    const found: Awaited<ReturnType<Samples['contents']>> = []
    if (tables.length > 0) await connection.query('SET SESSION group_concat_max_len = 1048576')
    for (let start = 0; start < tables.length; start += tablesAtOnce) {
      const chunk = tables.slice(start, start + tablesAtOnce)
      const rows = await connection.query(chunk.map(questionFor).join(' UNION ALL '))
      const byIndex = new Map(rows.map((row) => [Number(row.i), row]))
      chunk.forEach((_, i) => {
        const row = byIndex.get(i)
        const count = Number(row?.n ?? 0)
        const each = count > mostEach ? null : String(row?.hashes ?? '').split(',')
        found.push({ rows: count, hash: `${count}:${String(row?.folded ?? '')}`, each: count === 0 ? [] : each })
      })
    }
    return found
  },

  beforeCopy: [
    'SET SESSION foreign_key_checks = 0, unique_checks = 0',
    // Values are written as they are: zero dates, a counter at 0, and whatever an older mode let in.
    "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'",
    "SET SESSION time_zone = '+00:00'",
    'SET NAMES utf8mb4',
  ],

  async *copy(connection, table, into) {
    const { columns, types, key, name, place } = table as MysqlTable
    const where = into === null ? quoteIdentifier(name) : `${quoteIdentifier(into)}.${quoteIdentifier(name)}`
    const names = columns.map((column) => quoteIdentifier(column.name)).join(', ')
    const texts = columns.map((column, i) => literalOf(quoteIdentifier(column.name), types[i] as SampleType))
    const typeOf = new Map(columns.map((column, i) => [column.name, types[i] as SampleType]))
    const keys = key.filter((column) => typeOf.has(column))
    const keyTexts = keys.map(
      (column, i) => `${literalOf(quoteIdentifier(column), typeOf.get(column) as SampleType)} AS k${i}`,
    )
    const sorted = keys.map((column) => quoteIdentifier(column)).join(', ')
    const select = `SELECT CONCAT('(', ${texts.join(", ', ', ")}, ')') AS line${keyTexts.map((text) => `, ${text}`).join('')} FROM ${place}`
    await connection.query("SET SESSION time_zone = '+00:00'")
    await connection.query('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY')
    try {
      let after = ''
      for (let done = 0; ; done += rowsAtOnce) {
        const rows = await connection.query(
          keys.length > 0
            ? `${select}${after} ORDER BY ${sorted} LIMIT ${rowsAtOnce}`
            : `${select} LIMIT ${rowsAtOnce} OFFSET ${done}`,
        )
        if (rows.length === 0) break
        yield `INSERT INTO ${where} (${names}) VALUES ${rows.map(({ line }) => String(line)).join(', ')}`
        const last = rows.at(-1) ?? {}
        after = ` WHERE (${sorted}) > (${keys.map((_, i) => String(last[`k${i}`])).join(', ')})`
      }
    } finally {
      if (!connection.broken) await connection.query('ROLLBACK')
    }
  },

  /** Counters follow their rows. */
  async counters(_connection: Connection) {
    return []
  },
}

/** An expression that writes a column's value as a literal. Bytes are written as such: no character set changes them. */
function literalOf(name: string, { base }: SampleType): string {
  const written = () => {
    switch (base) {
      case 'tinyint':
      case 'smallint':
      case 'mediumint':
      case 'int':
      case 'integer':
      case 'bigint':
      case 'decimal':
      case 'numeric':
      case 'year':
        return `CAST(${name} AS CHAR)`
      case 'float':
        return `CAST(CAST(${name} AS DOUBLE) AS CHAR)`
      case 'double':
        return `CAST(${name} AS CHAR)`
      case 'bit':
        return `CONCAT('b''', BIN(${name} + 0), '''')`
      case 'date':
      case 'datetime':
      case 'timestamp':
      case 'time':
      case 'uuid':
      case 'inet4':
      case 'inet6':
        return `CONCAT('''', CAST(${name} AS CHAR), '''')`
      case 'enum':
      case 'set':
      case 'json':
        return `CONCAT('CONVERT(X''', HEX(CONVERT(${name} USING utf8mb4)), ''' USING utf8mb4)')`
      case 'geometry':
      case 'point':
      case 'linestring':
      case 'polygon':
      case 'multipoint':
      case 'multilinestring':
      case 'multipolygon':
      case 'geometrycollection':
        return `CONCAT('ST_GeomFromWKB(X''', HEX(ST_AsWKB(${name})), ''', ', ST_SRID(${name}), ')')`
      default:
        return `CONCAT('X''', HEX(${name}), '''')`
    }
  }
  return `IFNULL(${written()}, 'NULL')`
}

function questionFor(table: SampleTable, i: number): string {
  const texts = table.columns.map(({ name }) => `IFNULL(HEX(CONCAT(${quoteIdentifier(name)}, '')), '-')`)
  const row = texts.length === 0 ? "''" : `CONCAT_WS(',', ${texts.join(', ')})`
  return `SELECT ${i} AS i, COUNT(*) AS n, CAST(BIT_XOR(CAST(CONV(LEFT(h, 16), 16, 10) AS UNSIGNED)) AS CHAR) AS folded,
    IF(COUNT(*) > ${mostEach}, NULL, GROUP_CONCAT(LEFT(h, 12) ORDER BY h)) AS hashes
    FROM (SELECT MD5(${row}) AS h FROM ${table.place}) r`
}
