import type { Connection } from '../../model/dialect.ts'
import type { Emptying, EmptyingCounter, EmptyingKey, EmptyingTable } from '../../model/emptying.ts'
import { TenantryError } from '../../model/errors.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import { foldName } from './words.ts'

async function readTables(connection: Connection): Promise<EmptyingTable[]> {
  const rows = await connection.query(
    "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
  )
  const columns = new Map<string, Record<string, unknown>[]>()
  for (const row of rows) {
    const name = String(row.name)
    const found = await connection.query(`SELECT name, pk FROM pragma_table_xinfo(${quoteLiteral(name)}, 'main')`)
    columns.set(foldName(name), found)
  }
  const names = new Map(rows.map((row) => [foldName(String(row.name)), String(row.name)]))
  const tables: EmptyingTable[] = []
  for (const row of rows) {
    const name = String(row.name)
    const own = columns.get(foldName(name)) ?? []
    tables.push({
      ...{ id: name, name, place: `main.${quoteIdentifier(name)}`, isOutside: false, obstacle: null },
      rowKey: Number(row.wr) === 1 ? primaryKey(own).map(quoteIdentifier) : rowId(own),
      keys: await readKeys(connection, name, (parent) => {
        const found = names.get(foldName(parent))
        return found === undefined ? null : { id: found, key: primaryKey(columns.get(foldName(parent)) ?? []) }
      }),
    })
  }
  return tables
}

function primaryKey(columns: readonly Record<string, unknown>[]): string[] {
  const parts = columns.filter(({ pk }) => Number(pk) > 0).sort((a, b) => Number(a.pk) - Number(b.pk))
  return parts.map(({ name }) => String(name))
}

/** A column may have taken one of its names. */
function rowId(columns: readonly Record<string, unknown>[]): string[] {
  const taken = new Set(columns.map(({ name }) => foldName(String(name))))
  return ['rowid', '_rowid_', 'oid'].filter((name) => !taken.has(foldName(name))).slice(0, 1)
}

async function readKeys(
  connection: Connection,
  table: string,
  find: (parent: string) => { id: string; key: readonly string[] } | null,
): Promise<EmptyingKey[]> {
  const rows = await connection.query(
    `SELECT id, seq, "table" AS parent, "from" AS part, "to" AS to_part FROM pragma_foreign_key_list(${quoteLiteral(table)}) ORDER BY id, seq`,
  )
  const keys = new Map<number, EmptyingKey>()
  for (const row of rows) {
    const parent = find(String(row.parent))
    if (parent === null) continue
    const { columns = [], toColumns = [], operators = [] } = keys.get(Number(row.id)) ?? {}
    keys.set(Number(row.id), {
      name: '',
      to: parent.id,
      columns: [...columns, String(row.part)],
      toColumns: [...toColumns, row.to_part == null ? (parent.key[Number(row.seq)] ?? 'rowid') : String(row.to_part)],
      operators: [...operators, '='],
    })
  }
  // They have no names that could be asked for.
  return [...keys.values()].map((key) => ({ ...key, name: `${table}(${key.columns.join(', ')})` }))
}

async function readCounters(connection: Connection, tables: readonly EmptyingTable[]): Promise<EmptyingCounter[]> {
  const [book] = await connection.query("SELECT 1 AS there FROM main.sqlite_master WHERE name = 'sqlite_sequence'")
  if (book === undefined) return []
  const rows = await connection.query('SELECT name, CAST(seq AS TEXT) AS seq FROM main.sqlite_sequence ORDER BY name')
  return rows.flatMap((row) => {
    const table = tables.find(({ name }) => name === String(row.name))
    const [column] = table?.rowKey ?? []
    if (table === undefined || column === undefined) return []
    return {
      ...{ name: table.name, place: quoteLiteral(table.name), start: '1', step: '1' },
      next: String(BigInt(String(row.seq ?? '0')) + 1n),
      uses: [{ table: table.id, column, isNumber: true }],
    }
  })
}

function removal({ place }: EmptyingTable, condition: string | null): string {
  return condition === null ? `DELETE FROM ${place}` : `DELETE FROM ${place} AS x WHERE ${condition}`
}

/** What stays is noted in temporary tables, and such a server makes none. */
function refuseRemote(server: string): never {
  throw new TenantryError(
    'SAMPLE_REFUSED',
    `Server "${server}" is a remote libSQL server, where rows that stay cannot be noted. Nothing was changed.`,
    {
      hint: 'Make the sample of a copy in a file: `turso db shell NAME .dump | sqlite3 sample.db`, then a tenant whose `url` is `sqlite:./sample.db`.',
    },
  )
}

export const emptying: Emptying = {
  async whereAmI({ server, database }) {
    if (server.host !== '') refuseRemote(server.name)
    return { database, schema: 'main' }
  },
  tables: (connection) => readTables(connection),
  counters: (connection, _schema, tables) => readCounters(connection, tables),
  before: () => [],
  // Keys count at the commit; those that say RESTRICT, at once.
  opening: ['PRAGMA defer_foreign_keys = ON'],
  // Who has begun to write has the file.
  lock: () => [],
  keepKeys: (index, columns, query) => [
    `CREATE TEMP TABLE tenantry_kept_${index} AS ${query}`,
    `CREATE UNIQUE INDEX temp.tenantry_kept_key_${index} ON tenantry_kept_${index} (${Array.from({ length: columns }, (_, i) => `k${i}`).join(', ')})`,
  ],
  kept: (index) => `temp.tenantry_kept_${index}`,
  equals: '=',
  remove: removal,
  removeTogether: (parts) => parts.map(({ table, condition }) => removal(table, condition)),
  setCounter: ({ place }, next) =>
    next === '1'
      ? `DELETE FROM main.sqlite_sequence WHERE name = ${place}`
      : `UPDATE main.sqlite_sequence SET seq = ${BigInt(next) - 1n} WHERE name = ${place}`,
  countersAre: 'in-transaction',
}
