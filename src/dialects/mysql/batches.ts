import type { Batches, KeyColumn, Pressure, TextParameter, WalkedTable } from '../../model/batches.ts'
import { type Connection, DatabaseError } from '../../model/dialect.ts'
import { tokensOf } from './lex.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import { isMariadb } from './versions.ts'

type Row = Record<string, unknown>

const integers = new Set(['tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'year'])
const binaries = new Set(['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob'])
/** Quoted constants are turned into the column's type before they are compared, so that its index serves them. */
const texts = new Set([
  'char',
  'varchar',
  'tinytext',
  'text',
  'mediumtext',
  'longtext',
  'uuid',
  'inet4',
  'inet6',
  'date',
  'datetime',
  'timestamp',
  'time',
])

function keyColumn(name: string, type: string): KeyColumn | null {
  const quoted = quoteIdentifier(name)
  const asText = `CAST(${quoted} AS CHAR CHARACTER SET utf8mb4)`
  if (integers.has(type)) return { name: quoted, asText, literal: (text) => numberLiteral(text, /^-?\d+$/) }
  if (type === 'decimal') return { name: quoted, asText, literal: (text) => numberLiteral(text, /^-?\d+(\.\d+)?$/) }
  if (binaries.has(type))
    return { name: quoted, asText: `HEX(${quoted})`, literal: (text) => `X'${text.replace(/[^0-9A-Fa-f]/g, '')}'` }
  if (texts.has(type)) return { name: quoted, asText, literal: quoteLiteral }
  return null
}

/** As a text it would be compared as a floating-point number. */
function numberLiteral(text: string, shape: RegExp): string {
  if (!shape.test(text)) throw new RangeError('a key that should be a number is not one')
  return text
}

async function table(
  connection: Connection,
  _schema: string | null,
  name: string,
  key: readonly string[],
  tenantColumn: string,
): Promise<WalkedTable | null> {
  const where = `TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ${quoteLiteral(name)}`
  const [row] = await connection.query(
    `SELECT TABLE_SCHEMA AS db, TABLE_NAME AS name, ENGINE AS engine, TABLE_ROWS AS estimate FROM information_schema.TABLES WHERE ${where}`,
  )
  if (row === undefined) return null
  const columns = await connection.query(
    `SELECT COLUMN_NAME AS name, LOWER(DATA_TYPE) AS type, IS_NULLABLE AS nullable FROM information_schema.COLUMNS WHERE ${where}`,
  )
  const indexes = await connection.query(
    `SELECT INDEX_NAME AS name, COLUMN_NAME AS part, SUB_PART AS prefix FROM information_schema.STATISTICS
     WHERE ${where} AND NON_UNIQUE = 0 ORDER BY INDEX_NAME, SEQ_IN_INDEX`,
  )
  const types = new Map(columns.map((column) => [String(column.name), String(column.type)]))
  return {
    place: `${quoteIdentifier(String(row.db))}.${quoteIdentifier(String(row.name))}`,
    schema: String(row.db),
    key: key.flatMap((one) => keyColumn(one, types.get(one) ?? '') ?? []),
    obstacle: findObstacle(row, columns, indexes, key, tenantColumn),
    hasTenantColumn: types.has(tenantColumn),
    estimatedRows: row.estimate === null ? null : Number(row.estimate),
    rowSecurity: false,
    policySettings: [],
  }
}

function findObstacle(
  { engine }: Row,
  columns: readonly Row[],
  indexes: readonly Row[],
  key: readonly string[],
  tenantColumn: string,
): string | null {
  if (engine === null) return 'it is a view'
  if (String(engine).toLowerCase() !== 'innodb')
    return `its engine ${engine} has no transactions, and a batch could be carried out without its cursor`
  const found = key.map((name) => columns.find((column) => column.name === name))
  const missing = key.find((_, i) => found[i] === undefined)
  if (missing !== undefined) return `it has no column ${missing}`
  const nullable = found.find((column) => column?.nullable === 'YES')
  if (nullable !== undefined) return `its column ${nullable.name} may be NULL, and such rows would be passed over`
  const inexact = found.find((column) => keyColumn('x', String(column?.type)) === null)
  if (inexact !== undefined)
    return `the values of its column ${inexact.name} (${inexact.type}) cannot be written exactly`
  if (key.length === 0) return null
  const unique = new Map<string, string[]>()
  for (const { name, part, prefix } of indexes) {
    const parts = unique.get(String(name)) ?? []
    parts.push(prefix === null ? String(part) : `${part}(${prefix})`)
    unique.set(String(name), parts)
  }
  const wanted = [key.join('\0'), [tenantColumn, ...key].join('\0')]
  if ([...unique.values()].some((parts) => wanted.includes(parts.join('\0')))) return null
  const others = [...unique.values()].map((parts) => `(${parts.join(', ')})`)
  return `it has no unique index on (${key.join(', ')})${others.length === 0 ? '' : `; there is one on ${others.join(', ')}`}`
}

/** Row by row: the optimizer takes no range from a comparison of two rows. */
function after(key: readonly KeyColumn[], cursor: readonly string[]): string {
  const [first, ...rest] = key
  if (first === undefined) return 'TRUE'
  const value = first.literal(cursor[0] as string)
  if (rest.length === 0) return `${first.name} > ${value}`
  const inner = after(rest, cursor.slice(1))
  return `${first.name} >= ${value} AND (${first.name} > ${value} OR (${first.name} = ${value} AND ${inner}))`
}

function parameters(text: string): TextParameter[] {
  const found: TextParameter[] = []
  let colon = -1
  for (const { type, start, end } of tokensOf(text)) {
    if (type === 'word' && colon >= 0 && colon === start - 1 && /^[A-Za-z_]\w*$/.test(text.slice(start, end)))
      found.push({ name: text.slice(start, end), start: colon, end })
    colon = type === 'punctuation' && text.slice(start, end) === ':' ? start : -1
  }
  return found
}

/** A question that an account may not be allowed to ask, or a version does not know: null. */
async function countOf(connection: Connection, sql: string): Promise<number | null> {
  try {
    const [row] = await connection.query(sql)
    return Number(row?.n ?? 0)
  } catch (error) {
    if (error instanceof DatabaseError && error.failure.kind === 'statement') return null
    throw error
  }
}

/**
 * Rows that are waited for as InnoDB has them; whole tables as the list of sessions has them, where only MySQL 8 says
 * which table it is. No server of this kind says on the primary how far its replicas are behind.
 */
async function pressure(connection: Connection, { place, schema }: WalkedTable): Promise<Pressure> {
  const older = isMariadb(connection.version) || connection.version < 80_000
  const name = quoteLiteral(place.slice(quoteIdentifier(schema).length + 2, -1).replaceAll('``', '`'))
  const rows = older
    ? `SELECT COUNT(*) AS n FROM information_schema.INNODB_LOCK_WAITS w JOIN information_schema.INNODB_LOCKS l
         ON l.lock_id = w.requested_lock_id WHERE l.lock_table = ${quoteLiteral(place)}`
    : `SELECT COUNT(*) AS n FROM performance_schema.data_lock_waits w JOIN performance_schema.data_locks l
         ON l.ENGINE_LOCK_ID = w.REQUESTING_ENGINE_LOCK_ID WHERE l.OBJECT_SCHEMA = DATABASE() AND l.OBJECT_NAME = ${name}`
  const tables = older
    ? "SELECT COUNT(*) AS n FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND STATE LIKE 'Waiting for%metadata lock'"
    : `SELECT COUNT(*) AS n FROM performance_schema.metadata_locks WHERE LOCK_STATUS = 'PENDING' AND OBJECT_TYPE = 'TABLE'
         AND OBJECT_SCHEMA = DATABASE() AND OBJECT_NAME = ${name}`
  const counts = [await countOf(connection, rows), await countOf(connection, tables)]
  const known = counts.filter((count) => count !== null)
  return { lockWaits: known.length === 0 ? null : known.reduce((sum, count) => sum + count, 0), replicaLagMs: null }
}

export const batches: Batches = {
  table,
  after,
  parameters,
  // The text is only split, and a colon means nothing to that.
  mark: (index) => `:tenantry_${index}`,
  pressure,
  actAs: () => [],
  nowMs: 'CAST(UNIX_TIMESTAMP(NOW(6)) * 1000 AS SIGNED)',
  forUpdate: 'FOR UPDATE',
  bigint: 'BIGINT',
}
