import type { SeedColumn, SeedLiteral, SeedWords } from '../../model/seed-words.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'

const numbers = new Set(['tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'year', 'decimal', 'float', 'double'])
const binaries =
  /^(?:bit|binary|varbinary|tinyblob|blob|mediumblob|longblob|geometry|point|linestring|polygon|multi\w+|geometrycollection|geomcollection)$/
const numberShape = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/
const zoned = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)(?:Z|([+-]\d\d:?\d\d))$/

function column(name: string, type: string): SeedColumn {
  const quoted = quoteIdentifier(name)
  const text = (expression: string) => `CAST(${expression} AS CHAR CHARACTER SET utf8mb4)`
  const isBinary = binaries.test(type)
  return {
    name,
    quoted,
    asText: isBinary
      ? `HEX(${quoted})`
      : type === 'timestamp'
        ? text(`UNIX_TIMESTAMP(${quoted})`) // what it shows depends on the session's time zone
        : type === 'float'
          ? text(`CAST(${quoted} AS DOUBLE)`) // shown, it loses digits
          : text(quoted),
    copyText: isBinary ? `HEX(${quoted})` : text(quoted),
    copied: (value) => (isBinary ? `X'${value.replace(/[^0-9A-Fa-f]/g, '')}'` : textLiteral(value, type)),
    literal: (value) => literal(value, type),
  }
}

function literal(value: SeedLiteral, type: string): string {
  switch (value.kind) {
    case 'null':
      return 'NULL'
    case 'boolean':
      return value.value ? '1' : '0'
    case 'bytes':
      return `X'${value.hex}'`
    case 'json':
      return quoteLiteral(value.text)
    default:
      return textLiteral(value.text, type)
  }
}

/** A number in quotes would be compared as one of floating point; words and zones are none of its own. */
function textLiteral(text: string, type: string): string {
  if (numbers.has(type)) {
    if (numberShape.test(text)) return text
    if (/^(?:true|false)$/i.test(text)) return text.toLowerCase() === 'true' ? '1' : '0'
  }
  if (type === 'datetime' || type === 'timestamp') {
    const [, day, time, offset] = zoned.exec(text) ?? []
    if (day !== undefined && time !== undefined) {
      const zone =
        offset === undefined ? '+00:00' : offset.includes(':') ? offset : `${offset.slice(0, 3)}:${offset.slice(3)}`
      const into = type === 'timestamp' ? '@@session.time_zone' : "'+00:00'"
      return `CONVERT_TZ('${day} ${time}', '${zone}', ${into})`
    }
  }
  return quoteLiteral(text)
}

export const seedWords: SeedWords = {
  async table(connection, _schema, table) {
    const where = `TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ${quoteLiteral(table)}`
    const [row] = await connection.query(
      `SELECT TABLE_SCHEMA AS db, TABLE_NAME AS name, ENGINE AS engine FROM information_schema.TABLES WHERE ${where}`,
    )
    if (row === undefined) return null
    const columns = await connection.query(
      `SELECT COLUMN_NAME AS name, LOWER(DATA_TYPE) AS type FROM information_schema.COLUMNS WHERE ${where} ORDER BY ORDINAL_POSITION`,
    )
    const parts = await connection.query(
      `SELECT INDEX_NAME AS k, COLUMN_NAME AS part, SUB_PART AS prefix FROM information_schema.STATISTICS
       WHERE ${where} AND NON_UNIQUE = 0 ORDER BY INDEX_NAME, SEQ_IN_INDEX`,
    )
    const unique = new Map<string, string[]>()
    for (const { k, part, prefix } of parts) {
      const names = unique.get(String(k)) ?? []
      names.push(part === null || prefix !== null ? '' : String(part))
      unique.set(String(k), names)
    }
    const engine = row.engine === null ? null : String(row.engine)
    return {
      place: `${quoteIdentifier(String(row.db))}.${quoteIdentifier(String(row.name))}`,
      columns: columns.map(({ name, type }) => column(String(name), String(type))),
      unique: [...unique.values()],
      obstacle:
        engine === null
          ? 'it is no ordinary table'
          : engine.toLowerCase() === 'innodb'
            ? null
            : `its engine ${engine} has no transactions, and half of a file could stay`,
    }
  },
  home: 'DATABASE()',
  key: 'VARCHAR(190) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
  text: 'LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
}
