import { createHash } from 'node:crypto'
import type { PictureObject, PictureScope, SchemaPicture } from '../../model/picture.ts'
import { commentOn, programObjects, sequenceObject, unreadable, viewObject } from './picture-programs.ts'
import type { Catalog } from './picture-read.ts'
import { readTable, type Table } from './picture-table.ts'

/** A table and what belongs to it. */
export function tableObjects(table: Table): PictureObject[] {
  const of = table.name
  const inside = (name: string) => `${of}.${name}`
  return [
    { kind: 'table', name: of, of: null, properties: table.properties },
    ...commentOn(of, of, table.comment),
    ...table.columns.flatMap(({ name, properties, comment }): PictureObject[] => [
      { kind: 'column', name: inside(name), of, properties },
      ...commentOn(of, inside(name), comment),
    ]),
    ...table.parts.flatMap(({ kind, name, properties, comment }): PictureObject[] => [
      { kind, name: inside(name), of, properties },
      // An index may be called like a column.
      ...commentOn(of, `${inside(name)} (index)`, comment),
    ]),
  ]
}

export function parseTable(catalog: Catalog, text: string): Table {
  return readTable(text, catalog.own, catalog.collation, catalog.defaults)
}

function allObjects(catalog: Catalog): PictureObject[] {
  const relations = catalog.tables.flatMap(({ name, kind, text }): PictureObject[] => {
    if (kind === 'view') return [viewObject(name, text, catalog.own)]
    if (kind === 'sequence') return [sequenceObject(name, text)]
    if (text === null) return [{ kind: 'table', name, of: null, properties: { definition: unreadable } }]
    return tableObjects(parseTable(catalog, text))
  })
  return [...relations, ...programObjects(catalog)]
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

/** What the scope leaves. What belongs to something that is passed over is passed over with it. */
function inScope(objects: readonly PictureObject[], scope: PictureScope): PictureObject[] {
  const kinds = new Set(scope.kinds)
  const patterns = scope.ignore.map(({ kind, name }) => ({ kind, name: new RegExp(name) }))
  const isIgnored = ({ kind, name }: PictureObject) =>
    patterns.some((pattern) => (pattern.kind === null || pattern.kind === kind) && pattern.name.test(name))
  const gone = new Set(objects.filter((object) => object.of === null && isIgnored(object)).map(holder))
  return objects.filter((object) => kinds.has(object.kind) && !isIgnored(object) && !gone.has(holderOf(object)))
}

/** A routine and an event may be called like a table: what belongs to one does not go away with the other. */
const holder = ({ kind, name }: PictureObject) => (isProgram(kind) ? `${kind} ${name}` : `table ${name}`)
const isProgram = (kind: string) => kind === 'function' || kind === 'procedure' || kind === 'event'

function holderOf({ kind, name, of }: PictureObject): string {
  const isOnProgram = kind === 'comment' && /^(function|procedure|event) /.test(name) && name.endsWith(` ${of}`)
  return isOnProgram ? name : `table ${of}`
}

/** Sorted and hashed. One line per object: order of properties does not count. */
export function pictureOf(catalog: Catalog, scope: PictureScope): SchemaPicture {
  const objects = inScope(allObjects(catalog), scope).sort(
    (a, b) => compare(a.kind, b.kind) || compare(a.name, b.name) || compare(a.of ?? '', b.of ?? ''),
  )
  const hash = createHash('sha256')
  for (const { kind, name, of, properties } of objects) {
    const sorted = Object.entries(properties).sort(([a], [b]) => compare(a, b))
    hash.update(`${JSON.stringify([kind, name, of, sorted])}\n`)
  }
  return { hash: hash.digest('hex'), objects }
}
