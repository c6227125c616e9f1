import { type Connection, DatabaseError } from '../../model/dialect.ts'
import type { EmptyingCounter, EmptyingKey, EmptyingTable } from '../../model/emptying.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import { isMariadb } from './versions.ts'

type Row = Record<string, unknown>

/** Tables of the connection's database, and tables of others whose keys point to them. */
export async function readTables(connection: Connection): Promise<EmptyingTable[]> {
  const rows = await connection.query(
    `SELECT TABLE_SCHEMA AS db, TABLE_NAME AS name, ENGINE AS engine FROM information_schema.TABLES
      WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') ORDER BY TABLE_NAME`,
  )
  const rowKeys = await readRowKeys(connection)
  const tables = new Map<string, EmptyingTable>()
  const add = (db: string, name: string, more: Pick<EmptyingTable, 'id' | 'isOutside' | 'obstacle'>) =>
    tables.set(`${db}\0${name}`, {
      ...{ ...more, name, rowKey: rowKeys.get(name) ?? [], keys: [] },
      place: `${quoteIdentifier(db)}.${quoteIdentifier(name)}`,
    })
  for (const row of rows) {
    const [name, engine] = [String(row.name), String(row.engine)]
    const isSafe = engine.toLowerCase() === 'innodb'
    const obstacle = isSafe ? null : `its engine ${engine} has no transactions, and what is removed there stays removed`
    add(String(row.db), name, { id: name, isOutside: false, obstacle })
  }
  const own = String(rows[0]?.db ?? '')
  for (const { db, table, to, ...key } of await readKeys(connection, own)) {
    if (!tables.has(`${own}\0${to}`)) continue
    if (!tables.has(`${db}\0${table}`)) add(db, table, { id: `${db}.${table}`, isOutside: true, obstacle: null })
    const child = tables.get(`${db}\0${table}`) as EmptyingTable
    tables.set(`${db}\0${table}`, { ...child, keys: [...child.keys, { ...key, to }] })
  }
  return [...tables.values()]
}

/** The primary key, else the first other unique index without NULLs; never one on the beginnings of values. */
async function readRowKeys(connection: Connection): Promise<Map<string, string[]>> {
  const rows = await connection.query(
    `SELECT s.TABLE_NAME AS name, s.INDEX_NAME AS keyname, s.COLUMN_NAME AS part, s.SUB_PART AS prefix, s.NULLABLE AS nullable
       FROM information_schema.STATISTICS s WHERE s.TABLE_SCHEMA = DATABASE() AND s.NON_UNIQUE = 0
       ORDER BY s.TABLE_NAME, s.INDEX_NAME <> 'PRIMARY', s.INDEX_NAME, s.SEQ_IN_INDEX`,
  )
  const indexes = new Map<string, { table: string; columns: string[]; isFit: boolean }>()
  for (const row of rows) {
    const name = `${row.name}\0${row.keyname}`
    const index = indexes.get(name) ?? { table: String(row.name), columns: [], isFit: true }
    index.isFit &&= row.prefix === null && row.part !== null && row.nullable !== 'YES'
    index.columns.push(quoteIdentifier(String(row.part)))
    indexes.set(name, index)
  }
  const keys = new Map<string, string[]>()
  for (const { table, columns, isFit } of indexes.values()) if (isFit && !keys.has(table)) keys.set(table, columns)
  return keys
}

const keyColumns = `CONSTRAINT_NAME AS keyname, TABLE_SCHEMA AS db, TABLE_NAME AS child, COLUMN_NAME AS part,
  REFERENCED_TABLE_NAME AS parent, REFERENCED_COLUMN_NAME AS to_part`

async function readKeys(connection: Connection, own: string) {
  const where = (await pointedTo(connection, own))
    ? 'REFERENCED_TABLE_SCHEMA = DATABASE()'
    : 'TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_SCHEMA = DATABASE()'
  const rows = await connection.query(
    `SELECT ${keyColumns} FROM information_schema.KEY_COLUMN_USAGE WHERE ${where} AND REFERENCED_TABLE_NAME IS NOT NULL
      ORDER BY TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION`,
  )
  const keys = new Map<string, EmptyingKey & { db: string; table: string }>()
  for (const row of rows) {
    const id = `${row.db}\0${row.child}\0${row.keyname}`
    const head = { name: String(row.keyname), db: String(row.db), table: String(row.child), to: String(row.parent) }
    const { columns = [], toColumns = [], operators = [] } = keys.get(id) ?? {}
    keys.set(id, {
      ...head,
      columns: [...columns, String(row.part)],
      toColumns: [...toColumns, String(row.to_part)],
      operators: [...operators, '='],
    })
  }
  return keys.values()
}

/**
 * Do keys of other databases point here? `KEY_COLUMN_USAGE` of MariaDB tells that only by opening every table of the
 * server, so InnoDB's own list is asked first; whoever may not read it is told by the server's own checks.
 */
async function pointedTo(connection: Connection, own: string): Promise<boolean> {
  // In that list other characters are written in another way.
  if (!isMariadb(connection.version) || !/^\w+$/.test(own)) return true
  const name = quoteLiteral(own.replace(/[\\_%]/g, '\\$&'))
  try {
    const [row] = await connection.query(
      `SELECT COUNT(*) AS n FROM information_schema.INNODB_SYS_FOREIGN
        WHERE REF_NAME LIKE CONCAT(${name}, '/%') AND FOR_NAME NOT LIKE CONCAT(${name}, '/%')`,
    )
    return Number(row?.n) > 0
  } catch (error) {
    if (error instanceof DatabaseError && error.failure.kind === 'statement') return false
    throw error
  }
}

export async function readCounters(
  connection: Connection,
  tables: readonly EmptyingTable[],
): Promise<EmptyingCounter[]> {
  // MySQL answers from a copy that may be a day old.
  if (!isMariadb(connection.version) && connection.version >= 80_000)
    await connection.query('SET SESSION information_schema_stats_expiry = 0')
  const rows: Row[] = await connection.query(
    `SELECT t.TABLE_NAME AS name, CAST(t.AUTO_INCREMENT AS CHAR) AS next, c.COLUMN_NAME AS part FROM information_schema.TABLES t
       JOIN information_schema.COLUMNS c ON c.TABLE_SCHEMA = t.TABLE_SCHEMA AND c.TABLE_NAME = t.TABLE_NAME AND c.EXTRA LIKE '%auto_increment%'
      WHERE t.TABLE_SCHEMA = DATABASE() ORDER BY t.TABLE_NAME`,
  )
  const own = new Map(tables.filter(({ isOutside }) => !isOutside).map((table) => [table.name, table]))
  return rows.flatMap((row) => {
    const table = own.get(String(row.name))
    if (table === undefined) return []
    return {
      name: `${row.name}.${row.part}`,
      place: table.place,
      start: '1',
      step: '1',
      next: row.next == null ? '1' : String(row.next),
      uses: [{ table: table.id, column: quoteIdentifier(String(row.part)), isNumber: true }],
    }
  })
}
