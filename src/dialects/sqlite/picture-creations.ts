import type { Connection } from '../../model/dialect.ts'
import type { Creation, ObjectKind, PictureObject } from '../../model/picture.ts'
import type { CreatedTable } from './create-table.ts'
import { type Catalog, objectsOf, readCatalog, type SchemaRow } from './picture-objects.ts'
import { isOwnSchema, readSchemaRows } from './picture-read.ts'
import { isKeyColumn, tableParts } from './picture-table.ts'
import { quoteIdentifier } from './quote.ts'
import { foldName } from './words.ts'

/** In an order in which they can be made: triggers are made on tables and on views. */
const order: readonly ObjectKind[] = ['table', 'column', 'check', 'foreign-key', 'index', 'view', 'trigger']

/**
 * What makes these objects, as the file itself keeps it. A table comes with all of its columns, keys and constraints. A
 * column that is asked for alone is added, with the checks and references that are written behind it.
 *
 * Nothing is given for what SQLite can only make with a new table: keys and constraints of a table that is there,
 * columns that are part of a key, columns that are computed and stored.
 *
 * @throws {@link DatabaseError}
 */
export async function readCreations(
  connection: Connection,
  target: string | null,
  objects: readonly PictureObject[],
): Promise<Creation[]> {
  if (objects.length === 0 || !isOwnSchema(target)) return []
  const asked = new Set(objects.map(({ kind, name }) => `${kind} ${name}`))
  const catalog = readCatalog(await readSchemaRows(connection))
  const made = catalog.rows.flatMap((row) => creationsOf(catalog, row, asked))
  return made.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind))
}

function creationsOf(catalog: Catalog, row: SchemaRow, asked: ReadonlySet<string>): Creation[] {
  const { sql } = row
  const [first] = objectsOf(row, catalog.tables)
  if (sql === null || first === undefined) return []
  if (asked.has(`${first.kind} ${first.name}`)) return [{ kind: first.kind, name: first.name, statements: [sql] }]
  const table = row.type === 'table' ? catalog.tables.get(foldName(row.name)) : undefined
  return table === undefined ? [] : addedColumns(catalog, table, sql, asked)
}

function addedColumns(catalog: Catalog, table: CreatedTable, sql: string, asked: ReadonlySet<string>): Creation[] {
  const parts = tableParts(table, catalog.tables)
  return table.columns.flatMap((column) => {
    const name = `${table.name.name}.${column.name}`
    const canBeAdded = !column.isKey && !isKeyColumn(table, column) && column.generated?.stored !== true
    if (!asked.has(`column ${name}`) || !canBeAdded) return []
    const clause = sql.slice(column.start, column.end)
    const statement = `ALTER TABLE ${quoteIdentifier(table.name.name)} ADD COLUMN ${clause}`
    // They are made by the same statement.
    const along = parts
      .filter(({ object, inline }) => inline === column.name && asked.has(`${object.kind} ${object.name}`))
      .map(({ object: { kind, name: own } }): Creation => ({ kind, name: own, statements: [] }))
    return [{ kind: 'column', name, statements: [statement] } satisfies Creation, ...along]
  })
}
