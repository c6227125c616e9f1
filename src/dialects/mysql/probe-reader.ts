import { nameOf, type Word, wordsOf } from './lex.ts'

/** A name as a statement writes it. */
export interface Name {
  /** null: in the session's database. */
  schema: string | null
  name: string
}

/** Reads the words of one statement from left to right. */
export interface Reader {
  readonly ended: boolean
  /** Upper case of the next unquoted word or punctuation, or of a later one; '' for what is quoted and at the end. */
  key(ahead?: number): string
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
  /** A `(…)`, as lists of words between its commas; null: there is none. */
  takeList(): Word[][] | null
  /** The words up to the next comma outside of parentheses; the comma is passed over. */
  takeItem(): Word[]
  /** What is left; passed over. */
  takeAll(): Word[]
  /** What is left. */
  rest(): readonly Word[]
}

const nameTypes = new Set(['word', 'name', 'string'])

export function readStatement(text: string): Reader {
  return readWords(wordsOf(text).filter(({ key }) => key !== ';'))
}

export function readWords(words: readonly Word[]): Reader {
  let at = 0
  const key = (ahead = 0) => words[at + ahead]?.key ?? ''
  const takePart = (): string | null => {
    const word = words[at]
    if (word === undefined || !nameTypes.has(word.type)) return null
    at++
    return nameOf(word)
  }
  const take = (...keys: string[]) => {
    if (!keys.every((each, ahead) => key(ahead) === each)) return false
    at += keys.length
    return true
  }
  /** From `at` to a comma or, inside a list, the parenthesis that closes it. */
  const takeUntil = (inList: boolean): Word[] => {
    const item: Word[] = []
    let depth = 0
    for (; at < words.length; at++) {
      const word = words[at] as Word
      if (depth === 0 && (word.key === ',' || (inList && word.key === ')'))) break
      if (word.key === '(') depth++
      if (word.key === ')') depth--
      item.push(word)
    }
    return item
  }
  return {
    get ended() {
      return at >= words.length
    },
    key,
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
    takeList() {
      if (!take('(')) return null
      const items: Word[][] = []
      for (;;) {
        items.push(takeUntil(true))
        if (take(',')) continue
        take(')')
        return items
      }
    },
    takeItem() {
      const item = takeUntil(false)
      take(',')
      return item
    },
    takeAll() {
      const rest = words.slice(at)
      at = words.length
      return rest
    },
    rest: () => words.slice(at),
  }
}

/** The columns of an index; null: one of its parts is an expression. */
export function columnsOf(list: readonly Word[][] | null): string[] | null {
  const columns = (list ?? []).map(([word]) => (word === undefined || word.key === '(' ? null : nameOf(word)))
  return columns.some((column) => column === null) || columns.length === 0 ? null : (columns as string[])
}

export function showName({ schema, name }: Name): string {
  return schema === null ? name : `${schema}.${name}`
}
