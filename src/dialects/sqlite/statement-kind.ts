import type { Word } from './words.ts'

const passedOver = new Set(['TEMP', 'TEMPORARY', 'UNIQUE', 'VIRTUAL'])
const twoWords = new Set(['CREATE', 'DROP', 'ALTER', 'ROLLBACK'])

/** What a statement is, for people: `CREATE TABLE`, `PRAGMA journal_mode`. */
export function nameStatement(words: readonly Word[]): string {
  const [first, ...rest] = words
  if (first === undefined) return 'nothing'
  if (first.type !== 'word') return first.text
  if (first.key === 'PRAGMA') {
    const name = rest[1]?.key === '.' ? rest[2] : rest[0]
    return `PRAGMA ${name?.text.toLowerCase() ?? ''}`.trim()
  }
  if (!twoWords.has(first.key)) return first.key
  const second = rest.find(({ key }) => !passedOver.has(key))
  return second?.type === 'word' ? `${first.key} ${second.key}` : first.key
}
