import { readWordsOf, type Word } from './words.ts'

/** One statement of a text. Offsets are those of the string; `end` is behind its last word, without the semicolon. */
export interface Piece {
  start: number
  end: number
  words: readonly Word[]
}

function beginsTrigger(words: readonly Word[]): boolean {
  const keys = words.slice(0, 6).map(({ key }) => key)
  if (keys[0] === 'EXPLAIN') keys.splice(0, keys[1] === 'QUERY' ? 3 : 1)
  if (keys[0] !== 'CREATE') return false
  return keys[keys[1] === 'TEMP' || keys[1] === 'TEMPORARY' ? 2 : 1] === 'TRIGGER'
}

/**
 * Statements of a text, in order. A trigger holds statements of its own, and ends with the `END` that follows on one of
 * their semicolons. Source: `sqlite3_complete`.
 */
export function* splitSql(text: string): Generator<Piece> {
  let words: Word[] = []
  let isTrigger = false
  const piece = (): Piece => ({ start: (words[0] as Word).start, end: (words.at(-1) as Word).end, words })
  for (const word of readWordsOf(text)) {
    if (word.key === ';') {
      const isInside = isTrigger && !(words.at(-1)?.key === 'END' && words.at(-2)?.key === ';')
      if (!isInside) {
        if (words.length > 0) yield piece()
        words = []
        isTrigger = false
        continue
      }
    }
    words.push(word)
    if (words.length <= 6) isTrigger = beginsTrigger(words)
  }
  if (words.length > 0) yield piece()
}
