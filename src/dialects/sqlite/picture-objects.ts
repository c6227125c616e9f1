import { createHash } from 'node:crypto'
import type { PictureObject, PictureScope, SchemaPicture } from '../../model/picture.ts'
import { canonicalText } from './canonical-text.ts'
import { type CreatedTable, readCreateTable } from './create-table.ts'
import { indexObject, readCreateIndex, readCreateTrigger, readCreateView, triggerObject } from './picture-programs.ts'
import { type Tables, tableObjects } from './picture-table.ts'
import { isShadow, readVirtualTable } from './virtual-tables.ts'
import { foldName, wordsOf } from './words.ts'

/** A row of `sqlite_schema`. */
export interface SchemaRow {
  type: 'table' | 'index' | 'view' | 'trigger'
  name: string
  /** Table or view that it belongs to; of a table, itself. */
  table: string
  /** null: an index that comes with a constraint. */
  sql: string | null
}

/** What a file holds, read and not yet described. Without SQLite's own tables and those that virtual tables keep. */
export interface Catalog {
  rows: readonly SchemaRow[]
  tables: Tables
}

export function readCatalog(all: readonly SchemaRow[]): Catalog {
  const virtual = all.flatMap(({ type, sql }) => {
    const table = type === 'table' && sql !== null ? readVirtualTable(sql) : null
    return table === null ? [] : [table]
  })
  const indexes = new Set(all.filter(({ type }) => type === 'index').map(({ name }) => foldName(name)))
  const isOwn = (name: string) =>
    /^(sqlite|libsql)_/i.test(name)
      ? !isBuiltIn(name) && !isShadow(name, virtual, indexes)
      : !isShadow(name, virtual, indexes)
  const rows = all.filter(({ type, name, table, sql }) => sql !== null && isOwn(type === 'table' ? name : table))
  const tables = new Map<string, CreatedTable>()
  for (const { type, sql } of rows) {
    const table = type === 'table' && sql !== null ? readCreateTable(sql) : null
    if (table !== null) tables.set(foldName(table.name.name), table)
  }
  return { rows, tables }
}

const isBuiltIn = (name: string) => /^(sqlite_|libsql_wasm_func_table$)/i.test(name)

/** The definition as a whole, where its grammar is not known here. */
const wholeText = (sql: string) => canonicalText(wordsOf(sql), { columns: null, keepsLabels: true })

/** What one row stands for: a table with its parts, or something that belongs to one. */
export function objectsOf({ type, name, table, sql }: SchemaRow, tables: Tables): PictureObject[] {
  if (sql === null) return []
  const unread = (of: string | null = null): PictureObject => ({
    kind: type,
    name,
    of,
    properties: { definition: wholeText(sql) },
  })
  const declared = tables.get(foldName(table))?.name.name ?? table
  switch (type) {
    case 'table': {
      const read = tables.get(foldName(name))
      if (read !== undefined) return tableObjects(read, tables)
      const virtual = readVirtualTable(sql)
      if (virtual === null) return [unread()]
      const properties = {
        virtual: virtual.module,
        ...(virtual.arguments === '' ? {} : { arguments: virtual.arguments }),
      }
      return [{ kind: 'table', name, of: null, properties }]
    }
    case 'view':
      return [readCreateView(sql)?.object ?? unread()]
    case 'index': {
      const index = readCreateIndex(sql)
      return [index === null ? unread(declared) : indexObject(index, tables.get(foldName(table)))]
    }
    case 'trigger': {
      const trigger = readCreateTrigger(sql)
      return [trigger === null ? unread(declared) : triggerObject(trigger, declared)]
    }
  }
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

/** What the scope leaves. What belongs to something that is passed over is passed over with it. */
function inScope(objects: readonly PictureObject[], scope: PictureScope): PictureObject[] {
  const kinds = new Set(scope.kinds)
  const excepted = new Set(scope.exceptTables.map(foldName))
  const patterns = scope.ignore.map(({ kind, name }) => ({ kind, name: new RegExp(name) }))
  const isIgnored = ({ kind, name }: PictureObject) =>
    patterns.some((pattern) => (pattern.kind === null || pattern.kind === kind) && pattern.name.test(name))
  const isRelation = ({ of }: PictureObject) => of === null
  const isGone = (object: PictureObject) =>
    isIgnored(object) || (object.kind === 'table' && excepted.has(foldName(object.name)))
  const gone = new Set(objects.filter((one) => isRelation(one) && isGone(one)).map(({ name }) => name))
  return objects.filter((one) => kinds.has(one.kind) && !isGone(one) && !(one.of !== null && gone.has(one.of)))
}

/** Sorted and hashed. One line per object: order of properties does not count. */
export function pictureOf({ rows, tables }: Catalog, scope: PictureScope): SchemaPicture {
  const all = rows.flatMap((row) => objectsOf(row, tables))
  const objects = inScope(all, scope).sort((a, b) => compare(a.kind, b.kind) || compare(a.name, b.name))
  const hash = createHash('sha256')
  for (const { kind, name, of, properties } of objects) {
    const sorted = Object.entries(properties).sort(([a], [b]) => compare(a, b))
    hash.update(`${JSON.stringify([kind, name, of, sorted])}\n`)
  }
  return { hash: hash.digest('hex'), objects }
}
