import type { ObjectName, StatementNames } from '../../model/named-objects.ts'
import { isReserved } from './canonical-text.ts'
import { readCreateTable } from './create-table.ts'
import { type Name, type Reader, readStatement } from './reader.ts'
import { foldName, nameOf, type Word, wordsOf } from './words.ts'

type Found = {
  makes: (ObjectName & { label: string })[]
  drops: ObjectName[]
  renames: { from: ObjectName; to: ObjectName }[]
}

const relation = (name: string): ObjectName => ({ kind: 'relation', name })
const column = (table: string, name: string): ObjectName => ({ kind: 'column', table, name: foldName(name) })

/** `main` is the file itself; what is attached is another one. */
function localName({ schema, name }: Name): string {
  const other = schema === null || foldName(schema) === 'main' ? '' : `${foldName(schema)}.`
  return `${other}${foldName(name)}`
}

/** What a statement makes, drops and names, by its words. Names are folded, as SQLite compares them. */
export function nameObjects(text: string): StatementNames {
  const found: Found = { makes: [], drops: [], renames: [] }
  collectChanges(found, readStatement(text), text)
  return { ...found, ...collectNamed(wordsOf(text)) }
}

function collectChanges(found: Found, reader: Reader, text: string): void {
  switch (reader.next()?.key) {
    case 'CREATE':
      collectCreated(found, reader, text)
      break
    case 'ALTER':
      collectAltered(found, reader)
      break
    case 'DROP': {
      const kind = reader.takeOne('TABLE', 'VIEW', 'INDEX')
      reader.take('IF', 'EXISTS')
      const name = kind === null ? null : reader.takeName()
      if (name !== null) found.drops.push(relation(localName(name)))
    }
  }
}

function collectCreated(found: Found, reader: Reader, text: string): void {
  if (reader.takeOne('TEMP', 'TEMPORARY') !== null) return
  const isVirtual = reader.take('VIRTUAL')
  reader.take('UNIQUE')
  const label = reader.takeOne('TABLE', 'VIEW', 'INDEX')
  reader.take('IF', 'NOT', 'EXISTS')
  const name = label === null ? null : reader.takeName()
  if (label === null || name === null) return
  const own = localName(name)
  found.makes.push({ kind: 'relation', name: own, label: label.toLowerCase() })
  if (label !== 'TABLE' || isVirtual) return
  for (const { name: made } of readCreateTable(text)?.columns ?? [])
    found.makes.push({ ...column(own, made), label: 'column' })
}

function collectAltered(found: Found, reader: Reader): void {
  const name = reader.take('TABLE') ? reader.takeName() : null
  if (name === null) return
  const table = localName(name)
  if (reader.take('RENAME', 'TO')) {
    const to = reader.takePart()
    if (to !== null) found.renames.push({ from: relation(table), to: relation(localName({ ...name, name: to })) })
    return
  }
  const verb = reader.takeOne('RENAME', 'ADD', 'DROP')
  if (verb === null || reader.key() === 'CONSTRAINT' || reader.key() === 'CHECK') return
  reader.take('COLUMN')
  const part = reader.takePart()
  if (part === null) return
  if (verb === 'ADD') found.makes.push({ ...column(table, part), label: 'column' })
  else if (verb === 'DROP') found.drops.push(column(table, part))
  else {
    const to = reader.take('TO') ? reader.takePart() : null
    if (to !== null && foldName(to) !== foldName(part))
      found.renames.push({ from: column(table, part), to: column(table, to) })
  }
}

/** Words before the name of a table. */
const beforeTable = new Set('FROM JOIN INTO UPDATE TABLE REFERENCES VIEW'.split(' '))
/** Words between those and the name. */
const between = new Set('IF NOT EXISTS OR ABORT FAIL IGNORE REPLACE ROLLBACK'.split(' '))
/** Words whose name is not that of a column. */
const beforeOthers = new Set('INDEX CONSTRAINT AS TRIGGER COLLATE SAVEPOINT PRAGMA'.split(' '))
/** What may stand behind a table's name and is no alias. */
const clause = new Set(
  `SET WHERE ON USING LEFT RIGHT FULL INNER CROSS NATURAL JOIN ORDER GROUP HAVING LIMIT UNION EXCEPT INTERSECT VALUES SELECT
  ADD DROP RENAME ALTER DEFAULT AS TO WITH WITHOUT STRICT BEGIN WHEN FOR INDEXED NOT RETURNING WINDOW END MATCH DEFERRABLE
  INITIALLY CHECK UNIQUE PRIMARY NULL COLLATE REFERENCES FOREIGN CONSTRAINT GENERATED`.split(/\s+/),
)

const isName = (word: Word | undefined): word is Word => word?.type === 'word' || word?.type === 'name'

/** A dotted name that begins at `at`, and the place behind it. */
function readName(words: readonly Word[], at: number): { name: Name; next: number } {
  const first = nameOf(words[at] as Word)
  const second = words[at + 1]?.key === '.' ? words[at + 2] : undefined
  return isName(second)
    ? { name: { schema: first, name: nameOf(second) }, next: at + 3 }
    : { name: { schema: null, name: first }, next: at + 1 }
}

function collectNamed(words: readonly Word[]): Pick<StatementNames, 'names' | 'columns'> {
  const tables = new Set<string>()
  const aliases = new Map<string, string>()
  const places = new Set<number>()
  const addTable = (at: number) => {
    const { name, next } = readName(words, at)
    const table = localName(name)
    tables.add(table)
    aliases.set(foldName(name.name), table)
    for (let i = at; i < next; i++) places.add(i)
    const alias = words[next]?.key === 'AS' ? next + 1 : next
    const word = words[alias]
    if (!isName(word) || (alias === next && clause.has(word.key))) return next
    aliases.set(foldName(nameOf(word)), table)
    places.add(alias)
    return alias + 1
  }
  const kind =
    words[0]?.key === 'CREATE' ? words.slice(1, 4).find(({ key }) => /^(INDEX|TRIGGER)$/.test(key)) : undefined
  for (let at = 0; at < words.length; at++) {
    const key = words[at]?.key ?? ''
    // `CREATE INDEX … ON t`, `CREATE TRIGGER … ON t`
    const isOn = key === 'ON' && kind !== undefined && tables.size === 0
    if (!isOn && !beforeTable.has(key)) continue
    let next = at + 1
    while (between.has(words[next]?.key ?? '')) next++
    // Not a name: a subquery, `ON UPDATE CASCADE`, `AFTER UPDATE OF`, `DO UPDATE SET`.
    const isEvent = key === 'UPDATE' && /^(ON|BEFORE|AFTER|OF|DO)$/.test(words[at - 1]?.key ?? '')
    if (isEvent || !isName(words[next]) || clause.has(words[next]?.key ?? '')) continue
    next = addTable(next)
    while (key === 'FROM' && words[next]?.key === ',' && isName(words[next + 1])) next = addTable(next + 1)
  }
  return { names: [...tables].map(relation), columns: columnsOf(words, tables, aliases, places) }
}

function columnsOf(
  words: readonly Word[],
  tables: ReadonlySet<string>,
  aliases: ReadonlyMap<string, string>,
  places: ReadonlySet<number>,
): StatementNames['columns'] {
  const columns = new Map<string, { tables: string[]; name: string }>()
  if (tables.size === 0) return []
  for (const [at, word] of words.entries()) {
    if (!isName(word) || places.has(at) || isReserved(word.key) || words[at + 1]?.key === '.') continue
    const before = words[at - 1]?.key ?? ''
    if (beforeOthers.has(before) || (words[at + 1]?.key === '(' && before !== ',' && before !== '(')) continue
    const qualifier = before === '.' && isName(words[at - 2]) ? foldName(nameOf(words[at - 2] as Word)) : null
    const owner = qualifier === null ? null : aliases.get(qualifier)
    // NEW and OLD are rows of the trigger's table.
    const owners = owner != null ? [owner] : qualifier === null || /^(new|old)$/.test(qualifier) ? [...tables] : []
    const name = foldName(nameOf(word))
    if (owners.length > 0) columns.set(`${owners.join()} ${name}`, { tables: owners, name })
  }
  return [...columns.values()]
}
