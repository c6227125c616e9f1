import { foldName, nameOf, type Word } from './words.ts'

/** The name at a place, without its schema; null: there is none. */
function readName(words: readonly Word[], at: number): string | null {
  const word = words[at + 1]?.key === '.' ? words[at + 2] : words[at]
  return word === undefined || word.type === 'punctuation' ? null : foldName(nameOf(word))
}

/** `DROP TABLE x`. */
function droppedTable(words: readonly Word[]): string | null {
  if (words[0]?.key !== 'DROP' || words[1]?.key !== 'TABLE') return null
  return readName(words, words[2]?.key === 'IF' ? 4 : 2)
}

/** `ALTER TABLE y RENAME TO x`. */
function renamedTo(words: readonly Word[]): string | null {
  if (words[0]?.key !== 'ALTER' || words[1]?.key !== 'TABLE') return null
  const at = words.findIndex(({ key }, i) => key === 'TO' && words[i - 1]?.key === 'RENAME')
  return at === -1 ? null : readName(words, at + 1)
}

/**
 * Tables that a file takes away and puts another one in the place of, by the position of the DROP: with foreign keys
 * enforced, the DROP would delete the rows that refer to it, or be refused. Source:
 * https://sqlite.org/lang_altertable.html, 7; https://sqlite.org/foreignkeys.html, 5.
 */
export function findRebuilds(statements: readonly (readonly Word[])[]): { table: string; at: number }[] {
  const dropped = new Map<string, number>()
  const found: { table: string; at: number }[] = []
  for (const [position, words] of statements.entries()) {
    const table = droppedTable(words)
    if (table !== null) dropped.set(table, position)
    const name = renamedTo(words)
    const at = name === null ? undefined : dropped.get(name)
    if (name !== null && at !== undefined) found.push({ table: name, at })
  }
  return found
}
