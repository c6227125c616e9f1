import type { PictureObject } from '../../model/picture.ts'
import { canonicalText, type TextScope, unwrap, writeName } from './canonical-text.ts'
import type { CreatedTable, ForeignKey, Key, KeyPart, TableColumn } from './create-table.ts'
import { foldName, nameOf, type Word } from './words.ts'

/** Tables of a file by their folded names. */
export type Tables = ReadonlyMap<string, CreatedTable>

const scopes = new WeakMap<CreatedTable['columns'], TextScope>()

export function scopeOf({ columns }: Pick<CreatedTable, 'columns'>): TextScope {
  const known = scopes.get(columns)
  if (known !== undefined) return known
  const scope = { columns: new Map(columns.map(({ name }) => [foldName(name), name])) }
  scopes.set(columns, scope)
  return scope
}

/** Collation of a column where nothing else is said, folded. */
const collationOf = (column: TableColumn | undefined) => foldName(column?.collation ?? 'binary')

const isColumn = (words: readonly Word[], { name }: TableColumn) =>
  words.length === 1 && foldName(nameOf(words[0] as Word)) === foldName(name)

/** `email collate nocase desc`, without what goes without saying. */
export function writePart(table: CreatedTable, { words, collation, descending }: KeyPart): string {
  const column = table.columns.find((one) => isColumn(words, one))
  const own = foldName(collation ?? collationOf(column))
  const told = own === collationOf(column) ? '' : ` collate ${own}`
  return canonicalText(unwrap(words), scopeOf(table)) + told + (descending ? ' desc' : '')
}

/** The one column that a row is numbered by; null: rows have a number of their own, or none. Source: sqlite.org/lang_createtable.html, "ROWIDs and the INTEGER PRIMARY KEY". */
export function rowidColumn({ primaryKey, columns, withoutRowid }: CreatedTable): TableColumn | null {
  const [part, ...others] = primaryKey?.parts ?? []
  if (primaryKey === null || part === undefined || others.length > 0 || withoutRowid) return null
  // `INTEGER PRIMARY KEY DESC` is none, by an old mistake that is kept.
  if (primaryKey.inline && part.descending) return null
  const column = columns.find((one) => isColumn(part.words, one))
  return column !== undefined && typeOf(column) === 'integer' ? column : null
}

export function typeOf({ type }: TableColumn): string {
  return foldName(canonicalText(type, { columns: null }))
}

/** May it hold NULL? Keys of tables without rowid and of strict ones cannot, whatever is said. */
export function isNullable(table: CreatedTable, column: TableColumn): boolean {
  if (column.notNull || column === rowidColumn(table)) return false
  return !(isKeyColumn(table, column) && (table.withoutRowid || table.strict))
}

/** Is it in the primary key? */
export function isKeyColumn({ primaryKey }: CreatedTable, column: TableColumn): boolean {
  return primaryKey?.parts.some(({ words }) => isColumn(words, column)) === true
}

function columnProperties(table: CreatedTable, column: TableColumn): Record<string, string> {
  const scope = scopeOf(table)
  const properties: Record<string, string> = {
    type: typeOf(column),
    nullable: isNullable(table, column) ? 'yes' : 'no',
  }
  const value = column.default === null ? 'NULL' : canonicalText(unwrap(column.default), scope)
  if (value !== 'NULL') properties.default = value
  if (collationOf(column) !== 'binary') properties.collation = collationOf(column)
  if (column.generated !== null) {
    const formula = canonicalText(unwrap(column.generated.words), scope)
    properties.generated = `(${formula}) ${column.generated.stored ? 'stored' : 'virtual'}`
  }
  if (column.notNullConflict !== null) properties['not null on conflict'] = column.notNullConflict
  return properties
}

function keyProperties(table: CreatedTable, { parts, conflict }: Key): Record<string, string> {
  const properties: Record<string, string> = { columns: parts.map((part) => writePart(table, part)).join(', ') }
  if (conflict !== null) properties['on conflict'] = conflict
  return properties
}

function foreignKeyProperties(table: CreatedTable, foreignKey: ForeignKey, tables: Tables): Record<string, string> {
  const { columns, parent, to, onDelete, onUpdate, deferred } = foreignKey
  const other = foldName(parent) === foldName(table.name.name) ? table : tables.get(foldName(parent))
  const names = (list: readonly string[], of: CreatedTable | undefined) =>
    list.map((name) => writeName(of === undefined ? foldName(name) : declaredName(of, name))).join(', ')
  const key = other?.primaryKey?.parts.map(({ words }) => nameOf(words[0] as Word)) ?? []
  const reached = to.length > 0 ? to : key
  const there = writeName(other?.name.name ?? foldName(parent))
  return {
    columns: names(columns, table),
    references: reached.length === 0 ? there : `${there} (${names(reached, other)})`,
    'on delete': onDelete,
    'on update': onUpdate,
    ...(deferred ? { deferred: 'yes' } : {}),
  }
}

const declaredName = ({ columns }: CreatedTable, name: string) =>
  columns.find((column) => foldName(column.name) === foldName(name))?.name ?? foldName(name)

/** Columns that an expression names, in the order of the table. */
export function columnsIn(table: CreatedTable, words: readonly Word[]): string[] {
  const named = new Set(
    words.flatMap((word, at) =>
      (word.type === 'word' || word.type === 'name') && words[at + 1]?.key !== '(' ? [foldName(nameOf(word))] : [],
    ),
  )
  return table.columns.filter(({ name }) => named.has(foldName(name))).map(({ name }) => name)
}

/** An object of a table, and the column that it was written behind. */
export interface TablePart {
  object: PictureObject
  inline: string | null
}

export function tableObjects(table: CreatedTable, tables: Tables): PictureObject[] {
  return tableParts(table, tables).map(({ object }) => object)
}

/**
 * A table and what belongs to it, as its CREATE TABLE says it. Keys and foreign keys are named by their columns: names
 * of such constraints are never seen again. A check has the name that it was given, for it is in the error that it
 * raises; one without is named by its columns, too.
 */
export function tableParts(table: CreatedTable, tables: Tables): TablePart[] {
  const of = table.name.name
  const taken = new Map<string, number>()
  const part = (
    kind: PictureObject['kind'],
    label: string,
    properties: Record<string, string>,
    inline: string | null = null,
  ): TablePart => {
    const name = `${of}${label}`
    const count = (taken.get(`${kind} ${name}`) ?? 0) + 1
    taken.set(`${kind} ${name}`, count)
    return { object: { kind, name: count === 1 ? name : `${name} ${count}`, of, properties }, inline }
  }
  const listed = (columns: readonly string[]) => ` (${columns.join(', ')})`
  const options = {
    ...(table.strict ? { strict: 'yes' } : {}),
    ...(table.withoutRowid ? { 'without rowid': 'yes' } : {}),
    ...(table.further.length > 0 ? { further: table.further.join(', ') } : {}),
  }
  const own: TablePart = { object: { kind: 'table', name: of, of: null, properties: options }, inline: null }
  const { primaryKey } = table
  const columns = table.columns.map((column) => part('column', `.${column.name}`, columnProperties(table, column)))
  const primary =
    primaryKey === null
      ? []
      : [
          part('primary-key', '.PRIMARY', {
            ...keyProperties(table, primaryKey),
            ...(rowidColumn(table) === null ? {} : { rowid: 'yes' }),
            ...(primaryKey.autoincrement ? { autoincrement: 'yes' } : {}),
          }),
        ]
  // A second constraint over the same columns adds nothing, and SQLite makes no second index for it.
  const seen = new Set<string>()
  const uniques = table.uniques.flatMap((key) => {
    const properties = keyProperties(table, key)
    const written = JSON.stringify(properties)
    if (seen.has(written)) return []
    seen.add(written)
    return [
      part(
        'unique',
        listed(key.parts.map((one) => writePart(table, { ...one, collation: null, descending: false }))),
        properties,
      ),
    ]
  })
  const scope = scopeOf(table)
  const checks = table.checks
    .map((check) => ({ ...check, definition: canonicalText(unwrap(check.words), scope) }))
    .sort((a, b) => compare(a.definition, b.definition))
    .map(({ name, words, definition, inline }) =>
      part('check', name === null ? listed(columnsIn(table, words)) : `.${name}`, { definition }, inline),
    )
  const foreign = table.foreignKeys
    .map((one) => ({ properties: foreignKeyProperties(table, one, tables), inline: one.inline }))
    .sort((a, b) => compare(JSON.stringify(a.properties), JSON.stringify(b.properties)))
    .map(({ properties, inline }) => part('foreign-key', ` (${properties.columns})`, properties, inline))
  return [own, ...columns, ...primary, ...uniques, ...checks, ...foreign]
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
