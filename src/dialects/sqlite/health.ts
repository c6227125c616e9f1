import type { VerifyFinding } from '../../model/check-report.ts'
import type { Connection } from '../../model/dialect.ts'
import type { HealthQuestion, HealthReading, HealthTarget } from '../../model/health.ts'
import type { CreatedTable, ForeignKey, KeyPart, TableColumn } from './create-table.ts'
import { type Catalog, readCatalog } from './picture-objects.ts'
import { readCreateIndex } from './picture-programs.ts'
import { isOwnSchema, readSchemaRows } from './picture-read.ts'
import { isNullable, rowidColumn } from './picture-table.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import { foldName, nameOf } from './words.ts'

/** Rows of larger files are not looked through: that would hold up the process for long. */
const mostBytes = 256 * 1024 * 1024

/**
 * What a file says of itself: foreign keys whose parent is not there or has no such key, and, in files of up to 256 MB,
 * rows that point to nothing (foreign keys are only enforced in sessions that ask for it). Indexes are never invalid,
 * counters never behind, and there are no row-level policies. Throws `DatabaseError`.
 */
export async function health(
  connection: Connection,
  targets: readonly HealthTarget[],
  question: HealthQuestion,
): Promise<HealthReading[]> {
  const readings: HealthReading[] = []
  for (const target of targets) {
    readings.push(isOwnSchema(target.schema) ? await lookAt(connection, target, question) : null)
  }
  return readings
}

async function lookAt(
  connection: Connection,
  { shared }: HealthTarget,
  { exceptTables, sharedTables }: HealthQuestion,
): Promise<VerifyFinding[]> {
  const catalog = readCatalog(await readSchemaRows(connection))
  const books = new Set(exceptTables.map(foldName))
  const tables = [...catalog.tables.values()]
    .filter(({ name }) => !books.has(foldName(name.name)))
    .sort((a, b) => (a.name.name < b.name.name ? -1 : 1))
  const keys = indexedColumns(catalog)
  const findings: VerifyFinding[] = []
  const looksAtRows = await isSmall(connection)
  for (const table of tables) {
    const faults = table.foreignKeys.flatMap((one) => badReference(catalog, keys, table, one))
    findings.push(...faults)
    // SQLite would only say once more that there is no such key.
    if (faults.length === 0 && table.foreignKeys.length > 0 && looksAtRows)
      findings.push(...(await orphans(connection, table)))
  }
  if (!shared || sharedTables === null) return findings
  const passedOver = new Set(sharedTables.except.map(foldName))
  return [
    ...findings,
    ...tables
      .filter(({ name }) => !passedOver.has(foldName(name.name)))
      .flatMap((table) => tenantColumn(table, sharedTables.column, keys)),
  ]
}

async function isSmall(connection: Connection): Promise<boolean> {
  const [row] = await connection.query(
    'SELECT (SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size) AS bytes',
  )
  return Number(row?.bytes) <= mostBytes
}

/** Columns of a key or an index of all rows, folded; whether it tells rows apart. */
interface IndexedColumns {
  columns: readonly string[]
  unique: boolean
}

type Indexed = ReadonlyMap<string, readonly IndexedColumns[]>

const namesOf = (parts: readonly KeyPart[]) =>
  parts.map(({ words: [word, ...more] }) => (word === undefined || more.length > 0 ? '' : foldName(nameOf(word))))

function indexedColumns({ rows, tables }: Catalog): Indexed {
  const found = new Map<string, IndexedColumns[]>()
  for (const [name, { primaryKey, uniques }] of tables) {
    const keys = [...(primaryKey === null ? [] : [primaryKey]), ...uniques]
    found.set(
      name,
      keys.map(({ parts }) => ({ columns: namesOf(parts), unique: true })),
    )
  }
  for (const { type, sql } of rows) {
    const index = type === 'index' && sql !== null ? readCreateIndex(sql) : null
    if (index === null || index.where !== null) continue
    found.get(foldName(index.table))?.push({ columns: namesOf(index.parts), unique: index.unique })
  }
  return found
}

const shownKey = (table: CreatedTable, columns: readonly string[]) => `${table.name.name} (${columns.join(', ')})`

function badReference(catalog: Catalog, keys: Indexed, table: CreatedTable, foreignKey: ForeignKey): VerifyFinding[] {
  const { columns, parent, to } = foreignKey
  const object = shownKey(table, columns)
  const finding = (message: string, hint: string): VerifyFinding[] => [
    { rule: 'not-valid-constraint', severity: 'error', object, message, hint },
  ]
  const other = catalog.tables.get(foldName(parent))
  if (other === undefined) {
    return finding(
      `The foreign key ${object} points to table ${parent}, which is not there: rows with a value cannot be written.`,
      'Make the table again (`tenantry backfill --dry-run` shows how), or build this one anew without the foreign key.',
    )
  }
  const wanted = to.map(foldName).sort().join()
  const isKey = (keys.get(foldName(parent)) ?? []).some(
    (key) => key.unique && [...key.columns].sort().join() === wanted,
  )
  if (to.length === 0 ? other.primaryKey !== null : isKey) return []
  return finding(
    `The foreign key ${object} points to ${parent}${to.length === 0 ? '' : ` (${to.join(', ')})`}, which is no key there: rows with a value cannot be written.`,
    `Give ${parent} a unique index over exactly these columns.`,
  )
}

async function orphans(connection: Connection, table: CreatedTable): Promise<VerifyFinding[]> {
  const name = quoteLiteral(table.name.name)
  const rows = await connection.query(
    `SELECT c.fkid AS id, c.parent AS parent, COUNT(*) AS n,
       (SELECT group_concat(f."from", ', ') FROM pragma_foreign_key_list(${name}) f WHERE f.id = c.fkid) AS columns
     FROM pragma_foreign_key_check(${name}) c GROUP BY c.fkid, c.parent ORDER BY c.fkid`,
  )
  return rows.map(({ parent, n, columns }): VerifyFinding => {
    const count = Number(n)
    const object = shownKey(table, [String(columns)])
    return {
      rule: 'not-valid-constraint',
      severity: 'error',
      object,
      message: `${count} ${count === 1 ? 'row' : 'rows'} of ${table.name.name} ${count === 1 ? 'points' : 'point'} to ${String(parent)} (${String(columns)}), and there is no such row: something wrote with foreign keys off.`,
      hint: `PRAGMA foreign_key_check(${quoteIdentifier(table.name.name)}); names the rows.`,
    }
  })
}

function tenantColumn(table: CreatedTable, wanted: string, keys: Indexed): VerifyFinding[] {
  const column = table.columns.find(({ name }) => foldName(name) === foldName(wanted))
  if (column === undefined) return []
  const own = foldName(column.name)
  const isIndexed =
    column === (rowidColumn(table) as TableColumn | null) ||
    keys.get(foldName(table.name.name))?.some(({ columns }) => columns[0] === own) === true
  const faults = [
    ...(isNullable(table, column) ? ['may be NULL'] : []),
    ...(isIndexed ? [] : ['begins no index']),
    ...(table.foreignKeys.some(({ columns }) => columns.map(foldName).includes(own)) ? [] : ['is in no foreign key']),
  ]
  if (faults.length === 0) return []
  const object = `${table.name.name}.${column.name}`
  return [
    {
      rule: 'tenant-column',
      severity: 'error',
      object,
      message: `${object} says whose row it is, and ${faults.join(', ').replace(/, ([^,]*)$/, ' and $1')}.`,
      hint: 'A migration should mend it; or leave the table out with `sharedTables.except`.',
    },
  ]
}
