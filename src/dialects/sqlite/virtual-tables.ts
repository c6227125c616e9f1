import { readStatement } from './reader.ts'
import { foldName, type Word } from './words.ts'

/** What a CREATE VIRTUAL TABLE says. */
export interface VirtualTable {
  name: string
  ifNotExists: boolean
  /** Folded. */
  module: string
  /** Each module reads them in its own way: only white space and comments are passed over. */
  arguments: string
}

const isWordy = ({ type }: Word) => type !== 'punctuation'

/** null: it is another statement. */
export function readVirtualTable(text: string): VirtualTable | null {
  // Every table of a file is asked, and hardly one is virtual.
  if (!/\bvirtual\b/i.test(text)) return null
  const reader = readStatement(text)
  if (!reader.take('CREATE', 'VIRTUAL', 'TABLE')) return null
  const ifNotExists = reader.take('IF', 'NOT', 'EXISTS')
  const name = reader.takeName()
  const module = reader.take('USING') ? reader.takePart() : null
  if (name === null || module === null) return null
  const words = reader.takeGroup() ?? []
  const written = words.map((word, at) => {
    const before = words[at - 1]
    if (before?.key === ',') return ` ${word.text}`
    return before !== undefined && isWordy(before) && isWordy(word) ? ` ${word.text}` : word.text
  })
  return { name: name.name, ifNotExists, module: foldName(module), arguments: written.join('') }
}

const fullText = ['content', 'docsize', 'segdir', 'segments', 'stat']
const tree = ['node', 'parent', 'rowid']

/** Endings of the tables that a module keeps its own things in. Source: the `xShadowName` of each. */
const endings: Readonly<Record<string, readonly string[]>> = {
  fts3: fullText,
  fts4: fullText,
  fts5: ['config', 'content', 'data', 'docsize', 'idx'],
  rtree: tree,
  rtree_i32: tree,
  geopoly: tree,
  spellfix1: ['vocab'],
}

/** sqlite-vec numbers some of its tables. Source: `vec0ShadowName` in sqlite-vec.c. */
const vectorTable = /^_(?:rowids|chunks|auxiliary|info|vector_chunks\d+|metadatachunks\d+|metadatatext\d+)$/

/**
 * Is this one of the tables that virtual tables and libSQL's vector indexes keep their own things in? By their names:
 * SQLite itself can only tell where the module is loaded.
 *
 * @param indexes folded names of the file's indexes
 */
export function isShadow(name: string, virtual: readonly VirtualTable[], indexes: ReadonlySet<string>): boolean {
  const own = foldName(name)
  if (own === 'libsql_vector_meta_shadow') return true
  if (own.endsWith('_shadow') && indexes.has(own.slice(0, -'_shadow'.length))) return true
  return virtual.some((table) => {
    const stem = foldName(table.name)
    if (!own.startsWith(`${stem}_`)) return false
    const ending = own.slice(stem.length)
    return endings[table.module]?.includes(ending.slice(1)) || (table.module === 'vec0' && vectorTable.test(ending))
  })
}
