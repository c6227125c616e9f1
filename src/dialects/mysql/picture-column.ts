import { nameOf, type Word } from './lex.ts'
import { charsetName, joinWords, type Own, textOf } from './picture-text.ts'

/** One column, out of its line in SHOW CREATE TABLE. */
export interface Column {
  name: string
  properties: Record<string, string>
  comment: string | null
  hasCounter: boolean
  isGenerated: boolean
  /** The line without a character set that is the table's anyway: what comes after ADD COLUMN. */
  clause: string
}

/** What a column's collation is compared with. */
export interface Collations {
  /** Of the table. */
  table: string
  /** Per character set, the one that it has where none is named. */
  defaults: ReadonlyMap<string, string>
}

const attributes = new Set(
  'CHARACTER COLLATE GENERATED NOT NULL DEFAULT ON AUTO_INCREMENT COMMENT CHECK INVISIBLE VISIBLE STORAGE COLUMN_FORMAT SRID REF_SYSTEM_ID WITHOUT COMPRESSED AS'.split(
    ' ',
  ),
)

/** Types that later servers do not give a width, and whose width never limited anything. `tinyint(1)` says: a truth value. */
const widths = /^(tinyint|smallint|mediumint|int|bigint|year)\((\d+)\)/

function typeOf(written: string): string {
  if (written.includes('zerofill')) return written
  return written.replace(widths, (all, name: string, width: string) =>
    name === 'tinyint' && width === '1' ? all : name,
  )
}

/** MySQL quotes all literals, MariaDB only texts; the clock has several spellings. */
function defaultOf(written: string, type: string): string {
  const isNumber = /^(tinyint|smallint|mediumint|int|bigint|decimal|float|double|year)\b/.test(type)
  if (isNumber && /^'[-+.\deE]*'$/.test(written)) return written.slice(1, -1)
  return clock(written)
}

const clock = (text: string) =>
  text.replace(/^(current_timestamp|now|localtimestamp)(\(\))?(?=\(|$)/i, 'current_timestamp')

/** Where the attribute that begins at `at` ends: parentheses belong together, and the first word after it to it. */
function endOfAttribute(words: readonly Word[], at: number): number {
  const key = words[at]?.key
  if (key === 'AUTO_INCREMENT' || key === 'NULL' || key?.endsWith('VISIBLE') || key === 'COMPRESSED') return at + 1
  if (key === 'NOT' || key === 'COLLATE' || key === 'COMMENT') return at + 2
  if (key === 'CHARACTER') return at + 3
  let depth = 0
  for (let i = at + 1; i < words.length; i++) {
    const { key: own } = words[i] as Word
    // DEFAULT NULL, GENERATED ALWAYS AS (…): these words begin nothing of their own.
    const begins = attributes.has(own) && i > at + 1 && !(key === 'GENERATED' && own === 'AS')
    if (depth === 0 && begins) return i
    if (own === '(') depth++
    if (own === ')') depth--
  }
  return words.length
}

/** @param words of the line, its name first */
export function readColumn(text: string, words: readonly Word[], own: Own, collations: Collations): Column {
  const name = nameOf(words[0] as Word)
  const first = words.findIndex(({ key }, at) => at > 1 && attributes.has(key))
  const typeEnd = first === -1 ? words.length : first
  const type = typeOf(joinWords(text, words.slice(1, typeEnd), own))
  const properties: Record<string, string> = { type, nullable: 'yes' }
  let comment: string | null = null
  let charset: string | null = null
  let collation: string | null = null
  let charsetAt: [number, number] | null = null
  const rest: string[] = []
  for (let at = typeEnd; at < words.length; ) {
    const end = endOfAttribute(words, at)
    const value = joinWords(text, words.slice(at + 1, end), own)
    const key = words[at]?.key ?? ''
    if (key === 'NOT') properties.nullable = 'no'
    else if (key === 'CHARACTER') charset = charsetName((words[at + 2] as Word).text)
    else if (key === 'COLLATE') collation = charsetName((words[at + 1] as Word).text)
    else if (key === 'DEFAULT') properties.default = defaultOf(value, type)
    else if (key === 'ON') properties['on update'] = clock(value.replace(/^UPDATE /i, ''))
    else if (key === 'GENERATED' || key === 'AS') properties.generated = value.replace(/^ALWAYS (AS )?/i, '')
    else if (key === 'AUTO_INCREMENT') properties.counter = 'auto_increment'
    else if (key === 'COMMENT') comment = textOf((words[at + 1] as Word).text)
    else if (key === 'INVISIBLE') properties.visible = 'no'
    else if (key === 'CHECK') properties.check = value
    else if (key !== 'NULL' && key !== 'VISIBLE') rest.push(joinWords(text, words.slice(at, end), own))
    if (key === 'CHARACTER' || key === 'COLLATE') {
      const stop = (words[end - 1] as Word).end
      charsetAt = [charsetAt?.[0] ?? (words[at] as Word).start, stop]
    }
    at = end
  }
  if (properties.nullable === 'yes' && properties.generated === undefined) properties.default ??= 'NULL'
  if (rest.length > 0) properties.further = rest.join(' ')
  if (charset !== null || collation !== null) {
    const named = collation ?? collations.defaults.get(charset ?? '') ?? charset ?? ''
    if (named !== collations.table) {
      properties.collation = named
      charsetAt = null
    }
  }
  const { start } = words[0] as Word
  const { end } = words.at(-1) as Word
  // Closing marks of versioned comments are behind the last word.
  const line = text.slice(start, end) + (/^\s*\*\//.test(text.slice(end)) ? ' */' : '')
  const clause =
    charsetAt === null ? line : line.slice(0, charsetAt[0] - start) + line.slice(charsetAt[1] - start).trimStart()
  return {
    name,
    properties,
    comment,
    hasCounter: properties.counter !== undefined,
    isGenerated: properties.generated !== undefined,
    clause,
  }
}
