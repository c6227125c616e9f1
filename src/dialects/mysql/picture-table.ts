import { nameOf, type Word, wordsOf } from './lex.ts'
import { type Collations, type Column, readColumn } from './picture-column.ts'
import { charsetName, joinWords, type Own, textOf } from './picture-text.ts'

/** A key or a constraint of a table. */
export interface Part {
  kind: 'primary-key' | 'unique' | 'index' | 'foreign-key' | 'check'
  name: string
  properties: Record<string, string>
  comment: string | null
  /** What comes after ADD. */
  clause: string
  /** Its first column, where it is a key. */
  first: string | null
}

export interface Table {
  name: string
  properties: Record<string, string>
  comment: string | null
  columns: readonly Column[]
  parts: readonly Part[]
  /** PERIOD FOR …: only part of a new table. */
  periods: readonly string[]
  /** What comes behind the list in a new table: ENGINE and the like, partitions. */
  options: string
  /** A connection string with a password in it is not written down anywhere. */
  isRemote: boolean
}

const usualMethods = new Set(['InnoDB', 'MyISAM', 'Aria'])

/** @param database default collation of the database */
export function readTable(text: string, own: Own, database: string, defaults: ReadonlyMap<string, string>): Table {
  const words = wordsOf(text)
  const open = words.findIndex(({ key }) => key === '(')
  const items: Word[][] = []
  let at = open + 1
  for (let depth = 1, item: Word[] = []; at < words.length && depth > 0; at++) {
    const word = words[at] as Word
    if (word.key === '(') depth++
    if (word.key === ')') depth--
    if (depth === 0 || (depth === 1 && word.key === ',')) {
      items.push(item)
      item = []
    } else item.push(word)
  }
  const options = readOptions(text, words.slice(at), own)
  const charset = charsetName(options.found.get('charset') ?? '')
  const collation = charsetName(options.found.get('collate') ?? defaults.get(charset) ?? database)
  const collations: Collations = { table: collation, defaults }
  const engine = options.found.get('engine') ?? ''
  const isColumn = ([word]: Word[]) => word?.type === 'name'
  const isPeriod = ([word]: Word[]) => word?.key === 'PERIOD'
  const clauseOf = (item: readonly Word[]) => {
    const end = item.at(-1)?.end ?? 0
    // An index that is kept from being used, a check that is not enforced: MySQL puts those in a versioned comment.
    return text.slice(item[0]?.start ?? 0, end) + (/^\s*\*\//.test(text.slice(end)) ? ' */' : '')
  }
  const periods = items.filter(isPeriod).map((item) => joinWords(text, item, own))
  const properties: Record<string, string> = { engine }
  if (collation !== charsetName(database)) properties.collation = collation
  for (const [key, value] of options.found) {
    if (!['engine', 'charset', 'collate', 'comment', 'connection'].includes(key)) properties[key] = value
  }
  if (periods.length > 0) properties.periods = periods.join(', ')
  return {
    name: nameOf(words[open - 1] as Word),
    properties,
    comment: options.found.has('comment') ? textOf(options.found.get('comment') as string) : null,
    columns: items.filter(isColumn).map((item) => readColumn(text, item, own, collations)),
    parts: items
      .filter((item) => !isColumn(item) && !isPeriod(item))
      .map((item) => readPart(text, item, own, engine, clauseOf(item))),
    periods,
    options: [
      ...(properties.collation === undefined ? [] : [`DEFAULT CHARSET=${charset} COLLATE=${collation}`]),
      ...options.written,
    ].join(' '),
    isRemote: options.found.has('connection'),
  }
}

/** What tells nothing of the shape: how far it was counted, and where on the disk it lies. */
const passedOver = new Set(['auto_increment', 'data directory', 'index directory'])

function readOptions(
  text: string,
  words: readonly Word[],
  own: Own,
): { found: Map<string, string>; written: string[] } {
  const found = new Map<string, string>()
  const written: string[] = []
  const begin = words.findIndex(({ key }, at) => key === 'PARTITION' && words[at + 1]?.key === 'BY')
  const last = begin === -1 ? words.length : begin
  for (let at = 0; at < last; ) {
    let sign = at
    while (sign < last && words[sign]?.key !== '=') sign++
    if (words[at]?.key === 'WITH' || sign === last) {
      // WITH SYSTEM VERSIONING
      const end = words[at]?.key === 'WITH' ? Math.min(at + 3, last) : last
      const option = joinWords(text, words.slice(at, end), own)
      found.set('further', [found.get('further'), option].filter((one) => one !== undefined).join(' '))
      written.push(option)
      at = end
      continue
    }
    const names = words.slice(at, sign).map(({ key, text: raw }) => (key === '' ? raw : key))
    const key = (names[0] === 'DEFAULT' ? names.slice(1) : names).join(' ').toLowerCase()
    let end = sign + 2
    if (words[sign + 1]?.key === '(') while (end < last && words[end - 1]?.key !== ')') end++
    const value = joinWords(text, words.slice(sign + 1, end), own)
    at = end
    if (passedOver.has(key)) continue
    found.set(key === 'character set' ? 'charset' : key, value)
    if (!['charset', 'character set', 'collate', 'connection'].includes(key)) {
      written.push(`${names.join(' ')}=${value}`)
    }
  }
  if (begin !== -1) {
    const partitions = joinWords(text, words.slice(begin), own)
    found.set('partitions', partitions)
    written.push(partitions)
  }
  return { found, written }
}

/** From an opening parenthesis to behind its closing one. */
function closing(words: readonly Word[], open: number): number {
  let depth = 0
  for (let i = open; i < words.length; i++) {
    if (words[i]?.key === '(') depth++
    if (words[i]?.key === ')' && --depth === 0) return i + 1
  }
  return words.length
}

function readPart(text: string, words: readonly Word[], own: Own, engine: string, clause: string): Part {
  if (words[0]?.key === 'CONSTRAINT' || words[0]?.key === 'FOREIGN' || words[0]?.key === 'CHECK') {
    const isNamed = words[0].key === 'CONSTRAINT'
    const name = isNamed ? nameOf(words[1] as Word) : ''
    const rest = words.slice(isNamed ? 2 : 0)
    return rest[0]?.key === 'FOREIGN'
      ? readForeignKey(text, rest, own, name, clause)
      : readCheck(text, rest, own, name, clause)
  }
  const open = words.findIndex(({ key }) => key === '(')
  const close = closing(words, open)
  const before = words.slice(0, open)
  const isPrimary = before[0]?.key === 'PRIMARY'
  const named = before.find(({ type }) => type === 'name')
  const properties: Record<string, string> = { columns: joinWords(text, words.slice(open + 1, close - 1), own) }
  const [word] = before
  if (['FULLTEXT', 'SPATIAL', 'VECTOR'].includes(word?.key ?? '')) properties.method = (word as Word).key.toLowerCase()
  let comment: string | null = null
  const rest: string[] = []
  for (let at = close; at < words.length; at++) {
    const { key } = words[at] as Word
    const next = words[at + 1]
    if (key === 'USING' && next !== undefined) {
      const method = next.text.toLowerCase()
      if (!(method === 'btree' && usualMethods.has(engine))) properties.method = method
      at++
    } else if (key === 'COMMENT' && next !== undefined) {
      comment = textOf(next.text)
      at++
    } else if (key === 'INVISIBLE' || key === 'IGNORED') properties.visible = 'no'
    else rest.push((words[at] as Word).text)
  }
  if (rest.length > 0) properties.further = rest.join(' ')
  const [firstColumn] = words.slice(open + 1)
  return {
    kind: isPrimary ? 'primary-key' : word?.key === 'UNIQUE' ? 'unique' : 'index',
    name: named === undefined || isPrimary ? 'PRIMARY' : nameOf(named),
    properties,
    comment,
    clause,
    first: firstColumn?.type === 'name' ? nameOf(firstColumn) : null,
  }
}

function readForeignKey(text: string, words: readonly Word[], own: Own, name: string, clause: string): Part {
  const open = words.findIndex(({ key }) => key === '(')
  const close = closing(words, open)
  const there = words.findIndex(({ key }, at) => at >= close && key === '(')
  const end = closing(words, there)
  const properties: Record<string, string> = {
    columns: joinWords(text, words.slice(open + 1, close - 1), own),
    // After REFERENCES.
    references: joinWords(text, words.slice(close + 1, end), own),
    // The server does the same for both: nothing of it is put off.
    'on delete': 'RESTRICT',
    'on update': 'RESTRICT',
  }
  for (let at = end; at < words.length; at++) {
    if (words[at]?.key !== 'ON') continue
    const action = words.slice(at + 2, at + 4).map(({ key }) => key)
    const said = action[0] === 'SET' || action[0] === 'NO' ? action.join(' ') : (action[0] ?? '')
    properties[`on ${words[at + 1]?.key.toLowerCase()}`] = said === 'NO ACTION' ? 'RESTRICT' : said
  }
  return { kind: 'foreign-key', name, properties, comment: null, clause, first: null }
}

function readCheck(text: string, words: readonly Word[], own: Own, name: string, clause: string): Part {
  const close = closing(words, 1)
  const properties: Record<string, string> = { definition: joinWords(text, words.slice(1, close), own) }
  if (words[close]?.key === 'NOT') properties.enforced = 'no'
  return { kind: 'check', name, properties, comment: null, clause, first: null }
}
