import { foldName, nameOf, type Word } from './words.ts'

/** Words that are never a name unless they are quoted. Source: parse.y of SQLite, what has no fallback to ID. */
const reserved = new Set(
  `ADD ALL ALTER AND AS AUTOINCREMENT BETWEEN CASE CHECK COLLATE COMMIT CONSTRAINT CREATE CURRENT_DATE CURRENT_TIME
  CURRENT_TIMESTAMP DEFAULT DEFERRABLE DELETE DISTINCT DROP ELSE ESCAPE EXCEPT EXISTS FALSE FOREIGN FROM GROUP HAVING IN
  INDEX INSERT INTERSECT INTO IS ISNULL JOIN LIMIT NOT NOTHING NOTNULL NULL ON OR ORDER PRIMARY REFERENCES RETURNING
  SELECT SET TABLE THEN TO TRANSACTION TRUE UNION UNIQUE UPDATE USING VALUES WHEN WHERE`.split(/\s+/),
)

export const isReserved = (key: string) => reserved.has(key)

/** How names are to be read. */
export interface TextScope {
  /**
   * The columns of the one table that a text speaks of, by their folded names: a name in double quotes that is none of
   * them is a text, as SQLite takes it. null: whatever a view or a trigger may name.
   */
  columns: ReadonlyMap<string, string> | null
  /** Names behind AS are seen by whoever reads the rows: their case counts. */
  keepsLabels?: boolean
}

const plainName = /^[a-z_\u0080-\uffff][\w$\u0080-\uffff]*$/i

/** A name in the shortest way that means it. */
export function writeName(name: string): string {
  return plainName.test(name) && !reserved.has(name.toUpperCase()) ? name : `"${name.replaceAll('"', '""')}"`
}

function writeWord(words: readonly Word[], at: number, { columns, keepsLabels }: TextScope, inCast: boolean): string {
  const word = words[at] as Word
  const { type, text, key } = word
  switch (type) {
    case 'punctuation':
      return key === '==' ? '=' : key === '<>' ? '!=' : text
    case 'number':
    case 'blob':
      return text.toLowerCase()
    case 'string':
    case 'variable':
      return text
  }
  if (type === 'word' && reserved.has(key)) return key
  const name = nameOf(word)
  const declared = columns?.get(foldName(name))
  if (declared !== undefined) return writeName(declared)
  if (type === 'name' && columns !== null && text.startsWith('"') && words[at + 1]?.key !== '.')
    return `'${name.replaceAll("'", "''")}'`
  const isLabel = keepsLabels === true && !inCast && words[at - 1]?.key === 'AS' && words[at + 1]?.key !== '('
  return writeName(isLabel ? name : foldName(name))
}

const operators = new Set('( , = != < <= > >= + - * / % || & | << >> ~ -> ->>'.split(' '))

/** No space between these two? `before` is what stands before `left`. */
function joins(before: Word | undefined, left: Word, right: Word): boolean {
  if (left.key === '(' || right.key === ')' || right.key === ',' || left.key === '.' || right.key === '.') return true
  if (right.key === '(') return left.type === 'name' || (left.type === 'word' && !reserved.has(left.key))
  if (left.key !== '-' && left.key !== '+') return false
  return before === undefined || operators.has(before.key) || (before.type === 'word' && reserved.has(before.key))
}

/**
 * A text as it is compared: comments, white space, quotes that are not needed and the case of keywords and names do not
 * count, nor which of two spellings an operator has. Strings stay as they are.
 */
export function canonicalText(words: readonly Word[], scope: TextScope): string {
  const casts: boolean[] = []
  let written = ''
  for (const [at, word] of words.entries()) {
    if (word.key === '(') casts.push(words[at - 1]?.key === 'CAST')
    if (word.key === ')') casts.pop()
    const left = words[at - 1]
    if (left !== undefined && !joins(words[at - 2], left, word)) written += ' '
    written += writeWord(words, at, scope, casts.at(-1) === true)
  }
  return written
}

/** Without parentheses around the whole of it. */
export function unwrap(words: readonly Word[]): readonly Word[] {
  if (words[0]?.key !== '(' || words.at(-1)?.key !== ')') return words
  let depth = 0
  for (const [at, { key }] of words.entries()) {
    if (key === '(') depth++
    if (key === ')' && --depth === 0 && at < words.length - 1) return words
  }
  return depth === 0 ? unwrap(words.slice(1, -1)) : words
}
