import { createHash } from 'node:crypto'
import type { PictureObject, PictureScope, SchemaPicture } from '../../model/picture.ts'
import { type Described, describe, programObjects, sequenceObject, unreadable, viewObject } from './picture-programs.ts'
import type { Catalog } from './picture-read.ts'
import { readTable, type Table } from './picture-table.ts'

/** A table and what belongs to it. */
function tableObjects(table: Table): Described[] {
  const of = table.name
  const inside = (name: string) => `${of}.${name}`
  return [
    describe({ kind: 'table', name: of, of: null, properties: table.properties }, table.comment),
    ...table.columns.map(({ name, properties, comment }) =>
      describe({ kind: 'column', name: inside(name), of, properties }, comment),
    ),
    ...table.parts.map(({ kind, name, properties, comment }) =>
      // An index may be called like a column.
      describe({ kind, name: inside(name), of, properties }, comment, `${inside(name)} (index)`),
    ),
  ]
}

export function parseTable(catalog: Catalog, text: string): Table {
  return readTable(text, catalog.own, catalog.collation, catalog.defaults)
}

function allObjects(catalog: Catalog): Described[] {
  const relations = catalog.tables.flatMap(({ name, kind, text }): Described[] => {
    if (kind === 'view') return [describe(viewObject(name, text, catalog.own))]
    if (kind === 'sequence') return [describe(sequenceObject(name, text))]
    if (text !== null) return tableObjects(parseTable(catalog, text))
    return [describe({ kind: 'table', name, of: null, properties: { definition: unreadable } })]
  })
  return [...relations, ...programObjects(catalog)]
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

/** What the scope leaves. What belongs to something that is passed over is passed over with it. */
function inScope(described: readonly Described[], scope: PictureScope): PictureObject[] {
  const kinds = new Set(scope.kinds)
  const patterns = scope.ignore.map(({ kind, name }) => ({ kind, name: new RegExp(name) }))
  const isIgnored = ({ kind, name }: PictureObject) =>
    patterns.some((pattern) => (pattern.kind === null || pattern.kind === kind) && pattern.name.test(name))
  const gone = new Set(
    described.filter(({ object }) => isRelation(object) && isIgnored(object)).map(({ object }) => object.name),
  )
  return described
    .filter(({ object }) => !isIgnored(object) && !(object.of !== null && gone.has(object.of)))
    .flatMap(({ object, comment }) => (comment === null || isIgnored(comment) ? [object] : [object, comment]))
    .filter(({ kind }) => kinds.has(kind))
}

/** Routines and events have names of their own: what belongs to a table does not go away with a procedure. */
const isRelation = ({ kind }: PictureObject) => kind === 'table' || kind === 'view' || kind === 'sequence'

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
