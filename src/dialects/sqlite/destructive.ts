import type { DestructiveStep } from '../../model/script.ts'
import { isReserved } from './canonical-text.ts'
import { type Reader, readStatement, splitAtCommas } from './reader.ts'
import { foldName, nameOf, type Word } from './words.ts'

/** What a table holds while a file is read: SQLite changes tables by building them anew, and moves their rows along. */
interface Held {
  /** Name that it had before the file; null: the file has made it. */
  before: string | null
  dropped: boolean
  copies: { to: Held; columns: ReadonlySet<string> | 'all' }[]
  /** Old names of columns that were renamed, by the folded new ones. */
  renamed: Map<string, string>
}

type Drop = DestructiveStep & { held?: Held }

interface File {
  tables: Map<string, Held>
  drops: Drop[]
}

const held = (before: string | null): Held => ({ before, dropped: false, copies: [], renamed: new Map() })

function heldBy(file: File, name: string): Held {
  const known = file.tables.get(foldName(name))
  if (known !== undefined) return known
  const found = held(name)
  file.tables.set(foldName(name), found)
  return found
}

/** Words after which something is left out of a copy, or put together. */
const notWhole = new Set(['WHERE', 'JOIN', 'GROUP', 'HAVING', 'LIMIT', 'UNION', 'EXCEPT', 'INTERSECT', 'WINDOW', ','])

/** `SELECT a, b + 1 FROM t`: which table, and which of its columns, row by row; null: it is another question. */
function readCopy(reader: Reader): { from: string; columns: ReadonlySet<string> | 'all' } | null {
  if (!reader.take('SELECT')) return null
  reader.take('ALL')
  const words = reader.rest()
  const from = indexOutside(words, 'FROM')
  if (from === -1 || words[0]?.key === 'DISTINCT') return null
  const after = words.slice(from + 1)
  const name = after[0]?.key === 'MAIN' && after[1]?.key === '.' ? after[2] : after[0]
  const isName = name?.type === 'word' || name?.type === 'name'
  if (!isName || after.some(({ key }) => notWhole.has(key) || key === '(')) return null
  const items = splitAtCommas(words.slice(0, from))
  if (items.some((item) => item.at(-1)?.key === '*' && item.length <= 3)) return { from: nameOf(name), columns: 'all' }
  return { from: nameOf(name), columns: new Set(items.flatMap(namesIn)) }
}

/** Names of columns in what is selected: no functions, no labels, no types. */
function namesIn(item: readonly Word[]): string[] {
  return item.flatMap((word, at) => {
    const isName = word.type === 'name' || (word.type === 'word' && !isReserved(word.key))
    const isColumn = isName && !['(', '.'].includes(item[at + 1]?.key ?? '') && item[at - 1]?.key !== 'AS'
    return isColumn ? [foldName(nameOf(word))] : []
  })
}

function indexOutside(words: readonly Word[], wanted: string): number {
  let depth = 0
  return words.findIndex(({ key }) => {
    if (key === '(') depth++
    if (key === ')') depth--
    return depth === 0 && key === wanted
  })
}

function noteCopy(file: File, reader: Reader, to: Held): void {
  const copy = readCopy(reader)
  if (copy === null) return
  const from = heldBy(file, copy.from)
  const columns =
    copy.columns === 'all' ? 'all' : new Set([...copy.columns].map((name) => foldName(from.renamed.get(name) ?? name)))
  from.copies.push({ to, columns })
}

function readCreate(file: File, reader: Reader): void {
  reader.takeOne('TEMP', 'TEMPORARY')
  if (!reader.take('TABLE')) return
  const mayBeThere = reader.take('IF', 'NOT', 'EXISTS')
  const name = reader.takeName()
  if (name === null) return
  const made = held(mayBeThere ? name.name : null)
  if (!mayBeThere || !file.tables.has(foldName(name.name))) file.tables.set(foldName(name.name), made)
  if (reader.take('AS')) noteCopy(file, reader, made)
}

function readInsert(file: File, reader: Reader): void {
  if (reader.take('OR')) reader.next()
  const name = reader.take('INTO') ? reader.takeName() : null
  if (name === null) return
  reader.takeGroup()
  noteCopy(file, reader, heldBy(file, name.name))
}

function readAlter(file: File, reader: Reader, statement: number): void {
  const name = reader.take('TABLE') ? reader.takeName() : null
  if (name === null) return
  const table = heldBy(file, name.name)
  if (reader.take('RENAME', 'TO')) {
    const to = reader.takePart()
    if (to === null) return
    file.tables.delete(foldName(name.name))
    file.tables.set(foldName(to), table)
    return
  }
  if (reader.take('RENAME')) {
    reader.take('COLUMN')
    const from = reader.takePart()
    const to = reader.take('TO') ? reader.takePart() : null
    if (from === null || to === null) return
    table.renamed.set(foldName(to), table.renamed.get(foldName(from)) ?? from)
    return
  }
  if (!reader.take('DROP') || reader.key() === 'CONSTRAINT') return
  reader.take('COLUMN')
  const column = reader.takePart()
  if (column === null || table.before === null) return
  const before = table.renamed.get(foldName(column)) ?? column
  file.drops.push({ kind: 'drop-column', schema: null, object: table.before, column: before, statement })
}

function readDrop(file: File, reader: Reader, statement: number): void {
  const kind = reader.takeOne('TABLE', 'VIEW')
  if (kind === null) return
  reader.take('IF', 'EXISTS')
  const name = reader.takeName()
  if (name === null) return
  const { schema } = name
  const own = { schema: schema?.toLowerCase() === 'main' ? null : schema, column: null, statement }
  if (kind === 'VIEW') {
    file.drops.push({ kind: 'drop-other', object: name.name, ...own })
    return
  }
  const table = heldBy(file, name.name)
  table.dropped = true
  file.tables.delete(foldName(name.name))
  if (table.before !== null) file.drops.push({ kind: 'drop-table', object: table.before, ...own, held: table })
}

function readDelete(file: File, reader: Reader, statement: number): void {
  const name = reader.take('FROM') ? reader.takeName() : null
  if (name === null) return
  const { before } = heldBy(file, name.name)
  if (before === null) return
  // SQLite has no TRUNCATE; this is how it is said, and how it is carried out.
  const kind = reader.ended ? 'truncate' : 'delete'
  file.drops.push({ kind, schema: null, object: before, column: null, statement })
}

function readStep(file: File, text: string, statement: number): void {
  const reader = readStatement(text)
  switch (reader.next()?.key) {
    case 'CREATE':
      readCreate(file, reader)
      break
    case 'INSERT':
    case 'REPLACE':
      readInsert(file, reader)
      break
    case 'ALTER':
      readAlter(file, reader, statement)
      break
    case 'DROP':
      readDrop(file, reader, statement)
      break
    case 'DELETE':
      readDelete(file, reader, statement)
      break
    case 'WITH': {
      const words = reader.rest()
      const at = indexOutside(words, 'DELETE')
      const name = words[at + 1]?.key === 'FROM' ? words[at + 2] : undefined
      const before = at === -1 || name === undefined ? null : heldBy(file, nameOf(name)).before
      if (before !== null) file.drops.push({ kind: 'delete', schema: null, object: before, column: null, statement })
    }
  }
}

/** Does what was copied there stay, there or where it is copied to from there? */
function stays(table: Held, seen: ReadonlySet<Held> = new Set()): boolean {
  return !table.dropped || table.copies.some(({ to }) => !seen.has(to) && stays(to, new Set([...seen, to])))
}

/** Rows in an INSERT are many, and say nothing. */
const rowsOnly = /^\s*(?:insert|replace)\b[^;]{0,2000}?\bvalues\s*\(/i

/**
 * What the statements of a file take away for good, of what was there before it. A table that is built anew (another one
 * is made, the rows are copied, the first one is dropped, the new one gets its name) is dropped but for the columns that
 * were copied; where all are, nothing is taken away.
 */
export function findDestructive(statements: readonly { index: number; text: string }[]): DestructiveStep[] {
  const file: File = { tables: new Map(), drops: [] }
  for (const { index, text } of statements) if (!rowsOnly.test(text)) readStep(file, text, index)
  return file.drops.flatMap(({ held: table, ...step }): DestructiveStep[] => {
    const copies = table?.copies.filter(({ to }) => stays(to)) ?? []
    if (copies.some(({ columns }) => columns === 'all')) return []
    const keeps = copies.flatMap(({ columns }) => [...(columns as ReadonlySet<string>)])
    return [keeps.length === 0 ? step : { ...step, keeps }]
  })
}
