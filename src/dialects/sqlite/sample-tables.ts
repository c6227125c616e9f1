import { createHash } from 'node:crypto'
import type { Connection } from '../../model/dialect.ts'
import type { SampleColumn, SampleReference, SampleTable } from '../../model/sample.ts'
import { canonicalText, unwrap } from './canonical-text.ts'
import type { CreatedTable, TableColumn } from './create-table.ts'
import { type Catalog, objectsOf, readCatalog } from './picture-objects.ts'
import { isOwnSchema, readSchemaRows } from './picture-read.ts'
import { columnsIn, isNullable, rowidColumn, scopeOf, typeOf } from './picture-table.ts'
import { quoteIdentifier } from './quote.ts'
import { sampleValue } from './sample-values.ts'
import { foldName, nameOf } from './words.ts'

/** What only this dialect asks for. */
export interface SqliteTable extends SampleTable {
  name: string
  /** Expressions that rows are told apart and sorted by; empty: there are none. */
  key: readonly string[]
  /** Per column, what stands for its default. */
  defaults: readonly string[]
}

/** Tables of a file that have rows of their own: virtual ones keep theirs in a way that only they know. */
export async function readSampleTables(
  connection: Connection,
  target: string | null,
  except: readonly string[],
): Promise<SqliteTable[]> {
  if (!isOwnSchema(target)) return []
  const catalog = readCatalog(await readSchemaRows(connection))
  const excepted = new Set(except.map(foldName))
  return [...catalog.tables]
    .filter(([name]) => !excepted.has(name))
    .map(([, table]) => readTable(catalog, table))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
}

function readTable(catalog: Catalog, table: CreatedTable): SqliteTable {
  const { name } = table.name
  const columns = table.columns
    .map((column, position) => ({ column, position }))
    .filter(({ column }) => column.generated === null)
    .sort((a, b) => (a.column.name < b.column.name ? -1 : 1))
  const isUnique = ({ kind, properties }: { kind: string; properties: Readonly<Record<string, string>> }) =>
    kind !== 'index' || properties.unique === 'yes'
  const objects = catalog.rows
    .filter((row) => row.type !== 'trigger' && foldName(row.table) === foldName(name))
    .flatMap((row) => objectsOf(row, catalog.tables))
    .filter(isUnique)
  return {
    id: name,
    name,
    place: quoteIdentifier(name),
    columns: columns.map(({ column, position }) => readColumn(table, column, position)),
    defaults: columns.map(({ column }) => defaultOf(table, column)),
    references: table.foreignKeys.map((one): SampleReference => {
      const parent = catalog.tables.get(foldName(one.parent))
      const key = parent?.primaryKey?.parts.flatMap(({ words: [word] }) => (word === undefined ? [] : [nameOf(word)]))
      const declared = (of: CreatedTable | undefined) => (column: string) =>
        of?.columns.find((other) => foldName(other.name) === foldName(column))?.name ?? column
      return {
        columns: one.columns.map(declared(table)),
        table: parent?.name.name ?? null,
        to: (one.to.length > 0 ? one.to : (key ?? [])).map(declared(parent)),
      }
    }),
    key: keyOf(table),
    shape: createHash('sha256').update(JSON.stringify(objects)).digest('base64'),
  }
}

function readColumn(table: CreatedTable, column: TableColumn, position: number): SampleColumn {
  const scope = scopeOf(table)
  const checks = table.checks
    .filter(({ words }) => columnsIn(table, words).includes(column.name))
    .map(({ words }) => canonicalText(words, scope))
  const type = { declared: typeOf(column), checks }
  return {
    name: column.name,
    nullable: isNullable(table, column),
    hasDefault: column.default !== null || column === rowidColumn(table),
    value: (n, attempt) => sampleValue(type, { n, attempt, position }),
  }
}

/** SQLite has no DEFAULT among values: the default is written out; a row's number comes by itself where NULL stands. */
function defaultOf(table: CreatedTable, column: TableColumn): string {
  return column.default === null ? 'NULL' : `(${canonicalText(unwrap(column.default), scopeOf(table))})`
}

function keyOf({ withoutRowid, primaryKey, columns }: CreatedTable): string[] {
  if (withoutRowid) {
    return (primaryKey?.parts ?? []).flatMap(({ words: [word] }) =>
      word === undefined ? [] : [quoteIdentifier(nameOf(word))],
    )
  }
  const names = new Set(columns.map(({ name }) => foldName(name)))
  const free = ['rowid', '_rowid_', 'oid'].find((name) => !names.has(name))
  return free === undefined ? [] : [free]
}
