import { isReserved } from './canonical-text.ts'
import { type Name, type Reader, readStatement, readWords, splitAtCommas } from './reader.ts'
import { nameOf, type Word } from './words.ts'

/** `email COLLATE NOCASE DESC` */
export interface KeyPart {
  /** The words of the column or the expression. */
  words: readonly Word[]
  collation: string | null
  descending: boolean
}

export interface Key {
  parts: readonly KeyPart[]
  /** ON CONFLICT …; null: ABORT. */
  conflict: string | null
}

export interface ForeignKey {
  columns: readonly string[]
  parent: string
  /** Empty: the parent's primary key. */
  to: readonly string[]
  onDelete: string
  onUpdate: string
  /** Looked at when the transaction ends. */
  deferred: boolean
  /** Column that it was written behind; null: it was written by itself. */
  inline: string | null
}

export interface Check {
  name: string | null
  words: readonly Word[]
  /** Column that it was written behind; null: it was written by itself. */
  inline: string | null
}

export interface TableColumn {
  name: string
  /** Words of the declared type; none: it has no type. */
  type: readonly Word[]
  notNull: boolean
  notNullConflict: string | null
  /** null: there is none. */
  default: readonly Word[] | null
  collation: string | null
  generated: { words: readonly Word[]; stored: boolean } | null
  /** It is a key by itself. */
  isKey: boolean
  /** Place in the text. */
  start: number
  end: number
}

/** What a CREATE TABLE says. Names are as they are written. */
export interface CreatedTable {
  name: Name
  isTemporary: boolean
  ifNotExists: boolean
  /** Of `CREATE TABLE … AS SELECT`, whose columns are the query's. */
  isCopy: boolean
  columns: readonly TableColumn[]
  primaryKey: (Key & { autoincrement: boolean; inline: boolean }) | null
  uniques: readonly Key[]
  checks: readonly Check[]
  foreignKeys: readonly ForeignKey[]
  strict: boolean
  withoutRowid: boolean
  /** Options that are not known here, as written. */
  further: readonly string[]
}

type Draft = {
  columns: TableColumn[]
  primaryKey: CreatedTable['primaryKey']
  uniques: Key[]
  checks: Check[]
  foreignKeys: ForeignKey[]
}

/** A grammar that is not known here: what is read would be half of the truth. */
function refuse(): never {
  throw new SyntaxError('The grammar is not known here.')
}

const must = <T>(found: T | null | undefined): T => found ?? refuse()

/** null: it is another statement, or one whose grammar is not known here. */
export function readCreateTable(text: string): CreatedTable | null {
  const reader = readStatement(text)
  if (!reader.take('CREATE')) return null
  const isTemporary = reader.takeOne('TEMP', 'TEMPORARY') !== null
  if (!reader.take('TABLE')) return null
  const ifNotExists = reader.take('IF', 'NOT', 'EXISTS')
  const name = reader.takeName()
  if (name === null) return null
  const head = { name, isTemporary, ifNotExists }
  const draft: Draft = { columns: [], primaryKey: null, uniques: [], checks: [], foreignKeys: [] }
  if (reader.key() === 'AS') {
    return { ...head, ...draft, isCopy: true, strict: false, withoutRowid: false, further: [] }
  }
  try {
    readItems(readWords(must(reader.takeGroup())), draft)
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
  return { ...head, ...draft, isCopy: false, ...readOptions(reader.rest()) }
}

function readOptions(words: readonly Word[]): Pick<CreatedTable, 'strict' | 'withoutRowid' | 'further'> {
  const options = splitAtCommas(words).map((option) => option.map((word) => nameOf(word).toUpperCase()).join(' '))
  return {
    strict: options.includes('STRICT'),
    withoutRowid: options.includes('WITHOUT ROWID'),
    further: options.filter((option) => option !== 'STRICT' && option !== 'WITHOUT ROWID'),
  }
}

const constraintStarts = new Set(['CONSTRAINT', 'PRIMARY', 'UNIQUE', 'CHECK', 'FOREIGN'])

/** Columns, then constraints; commas between constraints may be left out. */
function readItems(reader: Reader, draft: Draft): void {
  while (!reader.ended) {
    if (constraintStarts.has(reader.key())) readTableConstraint(reader, draft)
    else readColumn(reader, draft)
    reader.take(',')
  }
}

function readTableConstraint(reader: Reader, draft: Draft): void {
  const name = reader.take('CONSTRAINT') ? must(reader.takePart()) : null
  if (reader.take('PRIMARY', 'KEY')) {
    const list = must(reader.takeList())
    // `PRIMARY KEY (id AUTOINCREMENT)`
    const autoincrement = list.some((item) => item.at(-1)?.key === 'AUTOINCREMENT')
    const parts = list.map((item) => readKeyPart(item.filter(({ key }) => key !== 'AUTOINCREMENT')))
    draft.primaryKey = { parts, conflict: readConflict(reader), autoincrement, inline: false }
  } else if (reader.take('UNIQUE')) {
    draft.uniques.push({ parts: must(reader.takeList()).map(readKeyPart), conflict: readConflict(reader) })
  } else if (reader.take('CHECK')) {
    draft.checks.push({ name, words: must(reader.takeGroup()), inline: null })
    readConflict(reader)
  } else if (reader.take('FOREIGN', 'KEY')) {
    const columns = must(reader.takeList()).map((item) => nameOf(must(item[0])))
    if (!reader.take('REFERENCES')) refuse()
    draft.foreignKeys.push(readReference(reader, columns, null))
  } else if (name === null || !(reader.ended || reader.key() === ',' || constraintStarts.has(reader.key()))) {
    // A name that nothing follows means nothing.
    refuse()
  }
}

export function readKeyPart(item: readonly Word[]): KeyPart {
  let words = item
  // `NULLS FIRST` is only taken where it is so anyway.
  if (words.at(-2)?.key === 'NULLS') words = words.slice(0, -2)
  const direction = words.at(-1)?.key
  if (words.length > 1 && (direction === 'ASC' || direction === 'DESC')) words = words.slice(0, -1)
  const hasCollation = words.length > 2 && words.at(-2)?.key === 'COLLATE'
  const collation = hasCollation ? nameOf(must(words.at(-1))) : null
  return { words: hasCollation ? words.slice(0, -2) : words, collation, descending: direction === 'DESC' }
}

function readConflict(reader: Reader): string | null {
  if (!reader.take('ON', 'CONFLICT')) return null
  const way = must(reader.next()).key
  return way === 'ABORT' ? null : way
}

function readReference(reader: Reader, columns: readonly string[], inline: string | null): ForeignKey {
  const parent = must(reader.takePart())
  const to = (reader.takeList() ?? []).map((item) => nameOf(must(item[0])))
  const foreignKey = { columns, parent, to, onDelete: 'NO ACTION', onUpdate: 'NO ACTION', deferred: false, inline }
  for (;;) {
    if (reader.take('ON', 'DELETE')) foreignKey.onDelete = readAction(reader)
    else if (reader.take('ON', 'UPDATE')) foreignKey.onUpdate = readAction(reader)
    // Read, and not heeded, by SQLite.
    else if (reader.take('MATCH')) reader.next()
    else if (reader.take('ON', 'INSERT')) readAction(reader)
    else if (!readDeferral(reader, foreignKey)) return foreignKey
  }
}

/** Only `DEFERRABLE INITIALLY DEFERRED` puts anything off. Source: sqlite.org/foreignkeys.html, 4.2. */
function readDeferral(reader: Reader, foreignKey: { deferred: boolean }): boolean {
  const isNot = reader.key() === 'NOT' && reader.key(1) === 'DEFERRABLE' && reader.take('NOT')
  if (!reader.take('DEFERRABLE')) return false
  const when = reader.take('INITIALLY') ? must(reader.next()).key : 'IMMEDIATE'
  foreignKey.deferred = when === 'DEFERRED' && !isNot
  return true
}

function readAction(reader: Reader): string {
  const first = must(reader.next()).key
  return first === 'SET' || first === 'NO' ? `${first} ${must(reader.next()).key}` : first
}

/** Where a column's type ends. */
function beginsConstraint(reader: Reader): boolean {
  const key = reader.key()
  if (key === 'GENERATED') return reader.key(1) === 'ALWAYS'
  return isReserved(key)
}

function readColumn(reader: Reader, draft: Draft): void {
  const first = must(reader.peek())
  const name = must(reader.takePart())
  const type: Word[] = []
  while (!reader.ended && reader.key() !== ',' && !beginsConstraint(reader)) {
    const word = must(reader.next())
    if (!['word', 'name', 'string', 'number'].includes(word.type) && !'()+-'.includes(word.key)) refuse()
    type.push(word)
    // `decimal(10, 2)`
    if (word.key === '(') while (!reader.ended && type.at(-1)?.key !== ')') type.push(must(reader.next()))
  }
  const column: TableColumn = {
    name,
    type,
    notNull: false,
    notNullConflict: null,
    default: null,
    collation: null,
    generated: null,
    isKey: false,
    start: first.start,
    end: first.end,
  }
  let end = type.at(-1) ?? first
  while (!reader.ended && reader.key() !== ',') {
    readColumnConstraint(reader, column, draft)
    end = reader.peek(-1) ?? end
  }
  column.end = end.end
  draft.columns.push(column)
}

function readColumnConstraint(reader: Reader, column: TableColumn, draft: Draft): void {
  const name = reader.take('CONSTRAINT') ? must(reader.takePart()) : null
  if (reader.ended || reader.key() === ',') return
  const own = (): KeyPart => ({ words: [nameWord(column.name)], collation: null, descending: false })
  if (reader.take('NOT', 'NULL')) {
    column.notNull = true
    column.notNullConflict = readConflict(reader)
  } else if (reader.take('NULL')) readConflict(reader)
  else if (reader.take('DEFAULT')) column.default = readDefault(reader)
  else if (reader.take('PRIMARY', 'KEY')) {
    const descending = reader.takeOne('ASC', 'DESC') === 'DESC'
    const conflict = readConflict(reader)
    const autoincrement = reader.take('AUTOINCREMENT')
    column.isKey = true
    draft.primaryKey = { parts: [{ ...own(), descending }], conflict, autoincrement, inline: true }
  } else if (reader.take('UNIQUE')) {
    column.isKey = true
    draft.uniques.push({ parts: [own()], conflict: readConflict(reader) })
  } else if (reader.take('CHECK')) {
    draft.checks.push({ name, words: must(reader.takeGroup()), inline: column.name })
    readConflict(reader)
  } else if (reader.take('REFERENCES')) {
    draft.foreignKeys.push(readReference(reader, [column.name], column.name))
  } else if (reader.key() === 'DEFERRABLE' || reader.key(1) === 'DEFERRABLE') {
    readDeferral(reader, must(draft.foreignKeys.at(-1)))
  } else if (reader.take('COLLATE')) column.collation = must(reader.takePart())
  else if (reader.take('GENERATED', 'ALWAYS', 'AS') || reader.take('AS')) {
    const words = must(reader.takeGroup())
    column.generated = { words, stored: reader.takeOne('STORED', 'VIRTUAL') === 'STORED' }
  } else if (name === null) refuse()
}

function readDefault(reader: Reader): readonly Word[] {
  const group = reader.takeGroup()
  if (group !== null) return group
  const sign = reader.key() === '-' || reader.key() === '+' ? [must(reader.next())] : []
  const value = must(reader.next())
  // A bare name is a text, in whatever quotes.
  const isConstant = value.type === 'word' && constants.has(value.key)
  if ((value.type === 'word' || value.type === 'name') && !isConstant) {
    const text = `'${nameOf(value).replaceAll("'", "''")}'`
    return [{ ...value, type: 'string', text, key: '' }]
  }
  return sign[0]?.key === '-' ? [...sign, value] : [value]
}

const constants = new Set(['NULL', 'TRUE', 'FALSE', 'CURRENT_TIMESTAMP', 'CURRENT_DATE', 'CURRENT_TIME'])

function nameWord(name: string): Word {
  return { type: 'name', start: 0, end: 0, text: `"${name.replaceAll('"', '""')}"`, key: '' }
}
