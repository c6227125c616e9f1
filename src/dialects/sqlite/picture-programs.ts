import type { PictureObject } from '../../model/picture.ts'
import { canonicalText, unwrap, writeName } from './canonical-text.ts'
import { type CreatedTable, type KeyPart, readKeyPart } from './create-table.ts'
import { scopeOf, writePart } from './picture-table.ts'
import { readStatement } from './reader.ts'
import { foldName, nameOf, type Word } from './words.ts'

const beforeTable = new Set(['FROM', 'JOIN', 'INTO', 'UPDATE', 'ON', ','])

/** What is in a file is in `main` of whoever has it open, said or not. */
function withoutMain(words: readonly Word[]): Word[] {
  const isMain = (at: number) => {
    const word = words[at]
    return (
      word !== undefined &&
      (word.type === 'word' || word.type === 'name') &&
      foldName(nameOf(word)) === 'main' &&
      words[at + 1]?.key === '.' &&
      beforeTable.has(words[at - 1]?.key ?? '')
    )
  }
  return words.filter((_, at) => !isMain(at) && !isMain(at - 1))
}

export interface CreatedIndex {
  name: string
  ifNotExists: boolean
  table: string
  unique: boolean
  parts: readonly KeyPart[]
  /** null: it holds all rows. */
  where: readonly Word[] | null
}

/** null: it is another statement. */
export function readCreateIndex(text: string): CreatedIndex | null {
  const reader = readStatement(text)
  if (!reader.take('CREATE')) return null
  const unique = reader.take('UNIQUE')
  if (!reader.take('INDEX')) return null
  const ifNotExists = reader.take('IF', 'NOT', 'EXISTS')
  const name = reader.takeName()
  const table = reader.take('ON') ? reader.takePart() : null
  const list = reader.takeList()
  if (name === null || table === null || list === null || list.some((item) => item.length === 0)) return null
  const where = reader.take('WHERE') ? reader.rest() : null
  return { name: name.name, ifNotExists, table, unique, parts: list.map(readKeyPart), where }
}

/** @param table undefined: what it is of could not be read */
export function indexObject(index: CreatedIndex, table: CreatedTable | undefined): PictureObject {
  const { name, unique, parts, where } = index
  const read = table ?? noTable(index.table)
  return {
    kind: 'index',
    name,
    of: read.name.name,
    properties: {
      table: read.name.name,
      columns: parts.map((part) => writePart(read, part)).join(', '),
      ...(unique ? { unique: 'yes' } : {}),
      ...(where === null
        ? {}
        : { where: canonicalText(unwrap(where), table === undefined ? { columns: null } : scopeOf(table)) }),
    },
  }
}

const noTable = (name: string): CreatedTable => ({
  name: { schema: null, name },
  isTemporary: false,
  ifNotExists: false,
  isCopy: false,
  columns: [],
  primaryKey: null,
  uniques: [],
  checks: [],
  foreignKeys: [],
  strict: false,
  withoutRowid: false,
  further: [],
})

export interface CreatedView {
  name: string
  isTemporary: boolean
  ifNotExists: boolean
  object: PictureObject
}

/** null: it is another statement. */
export function readCreateView(text: string): CreatedView | null {
  const reader = readStatement(text)
  if (!reader.take('CREATE')) return null
  const isTemporary = reader.takeOne('TEMP', 'TEMPORARY') !== null
  if (!reader.take('VIEW')) return null
  const ifNotExists = reader.take('IF', 'NOT', 'EXISTS')
  const name = reader.takeName()
  if (name === null) return null
  const columns = reader.takeList()
  if (!reader.take('AS')) return null
  const definition = canonicalText(withoutMain(reader.rest()), { columns: null, keepsLabels: true })
  const labels = columns?.map(([word]) => writeName(word === undefined ? '' : nameOf(word))).join(', ')
  const object: PictureObject = {
    kind: 'view',
    name: name.name,
    of: null,
    properties: { ...(labels === undefined ? {} : { columns: labels }), definition },
  }
  return { name: name.name, isTemporary, ifNotExists, object }
}

export interface CreatedTrigger {
  name: string
  isTemporary: boolean
  ifNotExists: boolean
  /** Table or view, as written. */
  table: string
  properties: Readonly<Record<string, string>>
}

/** null: it is another statement. */
export function readCreateTrigger(text: string): CreatedTrigger | null {
  const reader = readStatement(text)
  if (!reader.take('CREATE')) return null
  const isTemporary = reader.takeOne('TEMP', 'TEMPORARY') !== null
  if (!reader.take('TRIGGER')) return null
  const ifNotExists = reader.take('IF', 'NOT', 'EXISTS')
  const name = reader.takeName()
  if (name === null) return null
  const timing = reader.takeOne('BEFORE', 'AFTER', 'INSTEAD') ?? 'BEFORE'
  reader.take('OF')
  const event = reader.takeOne('INSERT', 'DELETE', 'UPDATE')
  if (event === null) return null
  const columns: string[] = []
  if (reader.take('OF')) {
    do {
      const column = reader.takePart()
      if (column === null) return null
      columns.push(writeName(foldName(column)))
    } while (reader.take(','))
  }
  const table = reader.take('ON') ? reader.takeName() : null
  if (table === null) return null
  reader.take('FOR', 'EACH', 'ROW')
  const rest = reader.rest()
  const begin = rest.findIndex(({ key }, at) => key === 'BEGIN' && isOutside(rest, at))
  if (begin === -1) return null
  const scope = { columns: null }
  const when = rest[0]?.key === 'WHEN' ? unwrap(rest.slice(1, begin)) : null
  return {
    name: name.name,
    isTemporary,
    ifNotExists,
    table: table.name,
    properties: {
      fires: `${timing === 'INSTEAD' ? 'INSTEAD OF' : timing} ${event}${columns.length === 0 ? '' : ` OF ${columns.sort().join(', ')}`}`,
      ...(when === null ? {} : { when: canonicalText(when, scope) }),
      body: canonicalText(withoutMain(rest.slice(begin)), scope),
    },
  }
}

/** In no parentheses and no CASE. */
function isOutside(words: readonly Word[], at: number): boolean {
  let depth = 0
  for (const { key } of words.slice(0, at)) {
    if (key === '(' || key === 'CASE') depth++
    if (key === ')' || key === 'END') depth--
  }
  return depth === 0
}

/** @param table its name as it was declared */
export function triggerObject({ name, properties }: CreatedTrigger, table: string): PictureObject {
  return { kind: 'trigger', name: `${table}.${name}`, of: table, properties }
}
