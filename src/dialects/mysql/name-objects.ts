import type { ObjectName, StatementNames } from '../../model/named-objects.ts'
import { readAlterTable, readNames } from './alter-actions.ts'
import { nameOf, type Word, wordsOf } from './lex.ts'
import { type Name, type Reader, readStatement } from './probe-reader.ts'

type Found = {
  makes: (ObjectName & { label: string })[]
  drops: ObjectName[]
  renames: { from: ObjectName; to: ObjectName }[]
}

/** Words before the name of a table, or of several. */
const beforeTables = new Set('FROM JOIN INTO UPDATE TABLE TABLES REFERENCES VIEW TRUNCATE REPLACE LIKE'.split(' '))
/** Words between those and the name. */
const between = new Set('IF NOT EXISTS ONLY IGNORE LOW_PRIORITY QUICK DELAYED TABLE'.split(' '))
/** Words whose name is not that of a column, or only says where one stands. */
const beforeOthers = new Set('INDEX KEY CONSTRAINT AS AFTER TRIGGER EVENT CALL FUNCTION PROCEDURE'.split(' '))

/**
 * What a statement makes, drops and names, by its words. Table names are compared without their letter case: whether it
 * counts is a setting of the server's file system.
 */
export function nameObjects(text: string, database: string | null): StatementNames {
  const words = wordsOf(text)
  const local = (name: Name) => localName(name, database)
  const found: Found = { makes: [], drops: [], renames: [] }
  collectChanges(found, readStatement(text), text, local)
  const { names, columns } = collectNamed(words, local)
  return { ...found, names, columns }
}

function localName({ schema, name }: Name, database: string | null): string {
  const other = schema === null || schema === database ? '' : `${schema.toLowerCase()}.`
  return `${other}${name.toLowerCase()}`
}

function collectChanges(found: Found, reader: Reader, text: string, local: (name: Name) => string): void {
  switch (reader.next()?.key) {
    case 'CREATE':
      collectCreated(found, reader, local)
      break
    case 'ALTER':
      collectAltered(found, text, local)
      break
    case 'DROP': {
      if (reader.take('TEMPORARY')) break
      const object = reader.takeOne('TABLE', 'TABLES', 'VIEW', 'SEQUENCE', 'FUNCTION', 'PROCEDURE')
      reader.take('IF', 'EXISTS')
      const kind = object === 'FUNCTION' || object === 'PROCEDURE' ? 'function' : 'relation'
      if (object !== null) for (const name of readNames(reader)) found.drops.push({ kind, name: local(name) })
      break
    }
    case 'RENAME': {
      if (reader.takeOne('TABLE', 'TABLES') === null) break
      do {
        const from = reader.takeName()
        const to = reader.take('TO') ? reader.takeName() : null
        if (from === null || to === null) break
        found.renames.push({ from: relation(local(from)), to: relation(local(to)) })
      } while (reader.take(','))
      break
    }
  }
}

const relation = (name: string): ObjectName => ({ kind: 'relation', name })

const created: Readonly<Record<string, { kind: 'relation' | 'function'; label: string }>> = {
  TABLE: { kind: 'relation', label: 'table' },
  VIEW: { kind: 'relation', label: 'view' },
  SEQUENCE: { kind: 'relation', label: 'sequence' },
  FUNCTION: { kind: 'function', label: 'function' },
  PROCEDURE: { kind: 'function', label: 'procedure' },
}

function collectCreated(found: Found, reader: Reader, local: (name: Name) => string): void {
  // `OR REPLACE ALGORITHM = MERGE DEFINER = a@b SQL SECURITY INVOKER`
  for (let passed = 0; !(reader.key() in created); passed++) {
    if (reader.ended || passed > 16 || reader.key() === '(' || reader.key() === 'TEMPORARY') return
    reader.next()
  }
  const made = created[reader.next()?.key ?? '']
  reader.take('IF', 'NOT', 'EXISTS')
  const name = reader.takeName()
  if (made === undefined || name === null) return
  found.makes.push({ ...made, name: local(name) })
  if (made.label !== 'table') return
  for (const [first] of reader.takeList() ?? []) {
    if (first !== undefined && !notColumns.has(first.key)) addColumn(found, local(name), nameOf(first))
  }
}

/** What begins a part of a table's definition that is no column. */
const notColumns = new Set(
  'PRIMARY UNIQUE INDEX KEY FULLTEXT SPATIAL CONSTRAINT FOREIGN CHECK PERIOD LIKE PARTITION'.split(' '),
)

function addColumn(found: Found, table: string, name: string): void {
  found.makes.push({ kind: 'column', table, name: name.toLowerCase(), label: 'column' })
}

function collectAltered(found: Found, text: string, local: (name: Name) => string): void {
  const altered = readAlterTable(text)
  if (altered === null) return
  const table = local(altered.table)
  for (const { words, drops, changes } of altered.actions) {
    if (drops !== null) found.drops.push({ kind: 'column', table, name: drops.toLowerCase() })
    const rest = words.slice(1).filter(({ key }) => !['COLUMN', 'IF', 'NOT', 'EXISTS'].includes(key))
    const [first, second] = rest
    switch (words[0]?.key) {
      case 'ADD':
        if (first?.key === '(') addColumns(found, table, rest.slice(1))
        else if (first !== undefined && !notColumns.has(first.key)) addColumn(found, table, nameOf(first))
        break
      case 'CHANGE':
        if (changes !== null && second !== undefined) renameColumn(found, table, changes, nameOf(second))
        break
      case 'RENAME': {
        const isColumn = words[1]?.key === 'COLUMN'
        const to = rest.findIndex(({ key }) => key === 'TO')
        const target = rest[to + 1]
        if (isColumn && first !== undefined && target !== undefined)
          renameColumn(found, table, nameOf(first), nameOf(target))
        else if (!['INDEX', 'KEY'].includes(first?.key ?? '')) {
          const last = rest.at(-1)
          if (last !== undefined)
            found.renames.push({ from: relation(table), to: relation(nameOf(last).toLowerCase()) })
        }
      }
    }
  }
}

/** `ADD (a INT, b INT)` */
function addColumns(found: Found, table: string, words: readonly Word[]): void {
  let depth = 0
  let isFirst = true
  for (const word of words) {
    if (isFirst && depth === 0 && !notColumns.has(word.key)) addColumn(found, table, nameOf(word))
    if (word.key === '(') depth++
    if (word.key === ')') depth--
    isFirst = word.key === ',' && depth === 0
  }
}

function renameColumn(found: Found, table: string, from: string, to: string): void {
  if (from.toLowerCase() === to.toLowerCase()) return
  found.renames.push({
    from: { kind: 'column', table, name: from.toLowerCase() },
    to: { kind: 'column', table, name: to.toLowerCase() },
  })
}

const isName = (word: Word | undefined): word is Word => word?.type === 'word' || word?.type === 'name'

/** A dotted name that begins at `at`, and the place behind it. */
function readName(words: readonly Word[], at: number): { parts: string[]; next: number } {
  const parts: string[] = []
  let next = at
  while (isName(words[next])) {
    parts.push(nameOf(words[next] as Word))
    if (words[next + 1]?.key !== '.') return { parts, next: next + 1 }
    next += 2
  }
  return { parts, next }
}

function collectNamed(
  words: readonly Word[],
  local: (name: Name) => string,
): Pick<StatementNames, 'names' | 'columns'> {
  const tables = new Set<string>()
  const aliases = new Map<string, string>()
  const places = new Set<number>()
  const addTable = (at: number) => {
    const { parts, next } = readName(words, at)
    const name = parts.at(-1)
    if (name === undefined) return at
    const table = local({ schema: parts.at(-2) ?? null, name })
    tables.add(table)
    aliases.set(name.toLowerCase(), table)
    for (let i = at; i < next; i++) places.add(i)
    const alias = words[next]?.key === 'AS' ? next + 1 : next
    const word = words[alias]
    if (isName(word) && (alias > next || !clause.has(word.key))) {
      aliases.set(nameOf(word).toLowerCase(), table)
      places.add(alias)
      return alias + 1
    }
    return next
  }
  const onTable = isName(words[1]) && /^(CREATE)$/.test(words[0]?.key ?? '')
  for (let at = 0; at < words.length; at++) {
    const key = words[at]?.key ?? ''
    const isOn =
      key === 'ON' && onTable && words.slice(0, at).some((one) => one.key === 'INDEX' || one.key === 'TRIGGER')
    const isLike = key !== 'LIKE' || words[1]?.key === 'TABLE'
    if (!(isOn && tables.size === 0) && !(beforeTables.has(key) && isLike)) continue
    let next = at + 1
    while (between.has(words[next]?.key ?? '')) next++
    // Not a name: `DROP TABLE IF`, a subquery, `ON DELETE`, `FOR UPDATE`, `ON DUPLICATE KEY UPDATE`.
    if (!isName(words[next]) || (key === 'UPDATE' && at > 0 && !/^(;|WITH|\))?$/.test(words[at - 1]?.key ?? '')))
      continue
    next = addTable(next)
    while (words[next]?.key === ',' && /^(FROM|TABLE|TABLES|VIEW|UPDATE)$/.test(key) && isName(words[next + 1])) {
      if (words[0]?.key === 'ALTER') break
      next = addTable(next + 1)
    }
  }
  return {
    names: [...[...tables].map(relation), ...collectCalls(words, local)],
    ...columnsOf(words, tables, aliases, places),
  }
}

/** What may stand behind a table's name and is no alias. */
const clause = new Set(
  `SET WHERE ON USING LEFT RIGHT INNER CROSS NATURAL STRAIGHT_JOIN JOIN ORDER GROUP HAVING LIMIT UNION VALUES VALUE
  SELECT ADD DROP MODIFY CHANGE RENAME ALTER CONVERT ENGINE DEFAULT CHARACTER CHARSET COMMENT FOR AS TO LIKE READ WRITE
  ALGORITHM LOCK FORCE USE IGNORE PARTITION PARTITIONS ORDER DISABLE ENABLE FROM INTO WITH CASCADE RESTRICT COLLATE
  AUTO_INCREMENT ROW_FORMAT OR END THEN BEGIN DO WINDOW EXCEPT INTERSECT RETURNING PROCEDURE BEFORE AFTER EACH`.split(
    /\s+/,
  ),
)

/** Names before a parenthesis, and behind CALL. Which of them are functions of the server's own does not matter. */
function collectCalls(words: readonly Word[], local: (name: Name) => string): ObjectName[] {
  const calls = words.flatMap((word, at) => {
    const called = words[at + 1]?.key === '(' || words[at - 1]?.key === 'CALL'
    if (!isName(word) || !called) return []
    const schema = words[at - 1]?.key === '.' && isName(words[at - 2]) ? nameOf(words[at - 2] as Word) : null
    return [local({ schema, name: nameOf(word) })]
  })
  return [...new Set(calls)].map((name) => ({ kind: 'function', name }))
}

function columnsOf(
  words: readonly Word[],
  tables: ReadonlySet<string>,
  aliases: ReadonlyMap<string, string>,
  places: ReadonlySet<number>,
): { columns: { tables: string[]; name: string }[] } {
  const columns = new Map<string, { tables: string[]; name: string }>()
  if (tables.size === 0) return { columns: [] }
  for (const [at, word] of words.entries()) {
    if (!isName(word) || places.has(at) || words[at + 1]?.key === '.') continue
    const before = words[at - 1]?.key ?? ''
    if (beforeOthers.has(before) || (words[at + 1]?.key === '(' && before !== ',' && before !== '(')) continue
    const qualifier = before === '.' && isName(words[at - 2]) ? nameOf(words[at - 2] as Word).toLowerCase() : null
    const owner = qualifier === null ? null : aliases.get(qualifier)
    // NEW and OLD are rows of the trigger's table.
    const owners = owner != null ? [owner] : qualifier === null || /^(new|old)$/.test(qualifier) ? [...tables] : []
    const name = nameOf(word).toLowerCase()
    if (owners.length > 0) columns.set(`${owners.join()} ${name}`, { tables: owners, name })
  }
  return { columns: [...columns.values()] }
}
