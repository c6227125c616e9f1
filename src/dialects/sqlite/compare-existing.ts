import type { Connection } from '../../model/dialect.ts'
import type { PictureObject } from '../../model/picture.ts'
import { type CreatedTable, readCreateTable } from './create-table.ts'
import { type Catalog, objectsOf, readCatalog, type SchemaRow } from './picture-objects.ts'
import { readCreateIndex, readCreateTrigger, readCreateView } from './picture-programs.ts'
import { readSchemaRows } from './picture-read.ts'
import { tableParts } from './picture-table.ts'
import { readStatement } from './reader.ts'
import { readVirtualTable } from './virtual-tables.ts'
import { foldName } from './words.ts'

export type Comparison = 'equal' | 'different' | 'unknown'

/** What a CREATE makes, as it would stand in the file. */
interface Made {
  type: SchemaRow['type']
  name: string
  table: string
}

function readMade(text: string): Made | null {
  const table = readCreateTable(text)
  if (table !== null) {
    const { name } = table.name
    return table.isTemporary || table.isCopy ? null : { type: 'table', name, table: name }
  }
  const virtual = readVirtualTable(text)
  if (virtual !== null) return { type: 'table', name: virtual.name, table: virtual.name }
  const index = readCreateIndex(text)
  if (index !== null) return { type: 'index', name: index.name, table: index.table }
  const view = readCreateView(text)
  if (view !== null) return view.isTemporary ? null : { type: 'view', name: view.name, table: view.name }
  const trigger = readCreateTrigger(text)
  return trigger === null || trigger.isTemporary ? null : { type: 'trigger', name: trigger.name, table: trigger.table }
}

/** Names of tables, views and indexes are one space, those of triggers another. */
const spaceOf = ({ type }: Pick<Made, 'type'>) => (type === 'trigger' ? 'trigger' : 'relation')

const written = (objects: readonly PictureObject[]) =>
  objects
    .map(({ kind, name, properties }) => JSON.stringify([kind, foldName(name), Object.entries(properties).sort()]))
    .sort()
    .join('\n')

/** Does what is there under this name equal what the statement makes? Pure. */
export function compareWith(rows: readonly SchemaRow[], text: string): Comparison {
  const added = readAddedColumn(text)
  if (added !== null) return compareColumn(readCatalog(rows), added)
  const made = readMade(text)
  if (made === null) return 'unknown'
  const there = rows.find((row) => spaceOf(row) === spaceOf(made) && foldName(row.name) === foldName(made.name))
  if (there === undefined || there.sql === null) return 'unknown'
  if (there.type !== made.type) return 'different'
  const { tables } = readCatalog(rows)
  const wanted = new Map(tables)
  const table = made.type === 'table' ? readCreateTable(text) : null
  if (table !== null) wanted.set(foldName(table.name.name), table)
  const should = objectsOf({ ...made, sql: text }, wanted)
  return written(should) === written(objectsOf(there, tables)) ? 'equal' : 'different'
}

/** A column that is added to a table, read as if it were the table's only one. */
function readAddedColumn(text: string): { table: string; alone: CreatedTable } | null {
  const reader = readStatement(text)
  const name = reader.take('ALTER', 'TABLE') ? reader.takeName() : null
  if (name === null || !reader.take('ADD')) return null
  reader.take('COLUMN')
  const start = reader.peek()?.start
  const alone =
    start === undefined ? null : readCreateTable(`CREATE TABLE t (${text.slice(start).replace(/[;\s]*$/, '')}\n)`)
  return alone === null || alone.columns.length !== 1 ? null : { table: name.name, alone }
}

function compareColumn({ tables }: Catalog, { table, alone }: { table: string; alone: CreatedTable }): Comparison {
  const there = tables.get(foldName(table))
  const [column] = alone.columns
  if (there === undefined || column === undefined) return 'unknown'
  const isIt = ({ name }: { name: string }) => foldName(name) === foldName(column.name)
  if (!there.columns.some(isIt)) return 'unknown'
  const altered = {
    ...there,
    columns: there.columns.map((one) => (isIt(one) ? column : one)),
    checks: alone.checks,
    foreignKeys: alone.foreignKeys,
    uniques: [],
  }
  const makes = tableParts(altered, tables).filter(
    ({ object, inline }) => inline !== null || object.name === `${there.name.name}.${column.name}`,
  )
  const lines = new Set(tableParts(there, tables).map(({ object }) => written([object])))
  return makes.every(({ object }) => lines.has(written([object]))) ? 'equal' : 'different'
}

/**
 * For "already exists" errors: does the object in the way equal what the statement makes? Both texts are read the same
 * way, so that what is cosmetic does not count. Knows CREATE TABLE, VIEW, INDEX and TRIGGER, virtual tables, and columns
 * that are added. `unknown`: another kind, or nothing is in the way.
 *
 * @throws {@link DatabaseError}
 */
export async function compareExisting(
  connection: Pick<Connection, 'query'>,
  text: string,
  _schema: string | null = null,
): Promise<Comparison> {
  return compareWith(await readSchemaRows(connection), text)
}
