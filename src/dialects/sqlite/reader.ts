import { nameOf, type Word, wordsOf } from './words.ts'

/** A name as a statement writes it. */
export interface Name {
  /** `main`, `temp` or the name of an attached file; null: it is not said. */
  schema: string | null
  name: string
}

/** Reads the words of one statement from left to right. */
export interface Reader {
  readonly ended: boolean
  /** Upper case of the next unquoted word or punctuation, or of a later one; '' for what is quoted and at the end. */
  key(ahead?: number): string
  /** The next word, or a later one, without passing over it; -1: the last one passed over. */
  peek(ahead?: number): Word | undefined
  /** Passes over these words if they come next, all of them. */
  take(...keys: string[]): boolean
  /** Passes over whichever of these comes next; null: none does. */
  takeOne(...keys: string[]): string | null
  /** The next word, whatever it is. */
  next(): Word | undefined
  /** A dotted name; null: there is none. */
  takeName(): Name | null
  /** One part of a name; null: there is none. */
  takePart(): string | null
  /** The words inside a `(…)`; null: there is none. */
  takeGroup(): Word[] | null
  /** A `(…)`, as lists of words between its commas; null: there is none. */
  takeList(): Word[][] | null
  /** What is left. */
  rest(): readonly Word[]
}

const nameTypes: ReadonlySet<Word['type']> = new Set(['word', 'name', 'string'])

/** Without a semicolon at the end. */
export function readStatement(text: string): Reader {
  const words = wordsOf(text)
  while (words.at(-1)?.key === ';') words.pop()
  return readWords(words)
}

export function readWords(words: readonly Word[]): Reader {
  let at = 0
  const key = (ahead = 0) => words[at + ahead]?.key ?? ''
  const take = (...keys: string[]) => {
    if (!keys.every((each, ahead) => key(ahead) === each)) return false
    at += keys.length
    return true
  }
  const takePart = (): string | null => {
    const word = words[at]
    if (word === undefined || !nameTypes.has(word.type)) return null
    at++
    return nameOf(word)
  }
  const takeGroup = (): Word[] | null => {
    if (!take('(')) return null
    const from = at
    for (let depth = 1; at < words.length; at++) {
      if (key() === '(') depth++
      if (key() === ')' && --depth === 0) break
    }
    const group = words.slice(from, at)
    take(')')
    return group
  }
  return {
    get ended() {
      return at >= words.length
    },
    key,
    peek: (ahead = 0) => words[at + ahead],
    take,
    takeOne(...keys) {
      const found = keys.find((each) => key() === each)
      if (found === undefined) return null
      at++
      return found
    },
    next: () => words[at++],
    takePart,
    takeName() {
      const first = takePart()
      if (first === null) return null
      if (!take('.')) return { schema: null, name: first }
      const second = takePart()
      return second === null ? null : { schema: first, name: second }
    },
    takeGroup,
    takeList() {
      const group = takeGroup()
      return group === null ? null : splitAtCommas(group)
    },
    rest: () => words.slice(at),
  }
}

/** Lists of words between the commas that are in no parentheses. */
export function splitAtCommas(words: readonly Word[]): Word[][] {
  if (words.length === 0) return []
  const items: Word[][] = [[]]
  let depth = 0
  for (const word of words) {
    if (word.key === '(') depth++
    if (word.key === ')') depth--
    if (word.key === ',' && depth === 0) items.push([])
    else items.at(-1)?.push(word)
  }
  return items
}
