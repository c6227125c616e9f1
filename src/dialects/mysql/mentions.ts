import type { Word } from './lex.ts'
import { nameOf } from './lex.ts'

/** What of its session a statement makes, takes away and mentions, apart from settings. */
export interface SessionUse {
  /** User variables (`@a`), prepared statements (`prepare x`), temporary tables (`table x`). Lower case. */
  mentions: Set<string>
  makes: string | null
  drops: string | null
}

const keyAt = (words: readonly Word[], at: number) => words[at]?.key ?? ''

/** Name of the table in `CREATE TEMPORARY TABLE x`; null: it is another statement. */
export function temporaryTable(words: readonly Word[]): string | null {
  const at = words.findIndex(({ key }) => key === 'TEMPORARY')
  if (keyAt(words, 0) !== 'CREATE' || at === -1 || at > 3 || keyAt(words, at + 1) !== 'TABLE') return null
  const name = keyAt(words, at + 2) === 'IF' ? words[at + 5] : words[at + 2]
  return name === undefined ? null : nameOf(name).toLowerCase()
}

/** @param temporary names of the file's temporary tables, lower case */
export function readSessionUse(words: readonly Word[], temporary: ReadonlySet<string>): SessionUse {
  const use: SessionUse = { mentions: new Set(), makes: null, drops: null }
  for (const word of words) {
    if (word.type === 'variable' && !word.text.startsWith('@@')) use.mentions.add(word.text.toLowerCase())
    if (temporary.size > 0 && (word.type === 'word' || word.type === 'name')) {
      const name = nameOf(word).toLowerCase()
      if (temporary.has(name)) use.mentions.add(`table ${name}`)
    }
  }
  const first = keyAt(words, 0)
  const prepared = (at: number) => (words[at] === undefined ? null : `prepare ${nameOf(words[at]).toLowerCase()}`)
  if (first === 'PREPARE') use.makes = prepared(1)
  else if (first === 'EXECUTE' && keyAt(words, 1) !== 'IMMEDIATE') use.mentions.add(prepared(1) ?? '')
  else if ((first === 'DEALLOCATE' || first === 'DROP') && keyAt(words, 1) === 'PREPARE') {
    use.drops = prepared(2)
    use.mentions.add(use.drops ?? '')
  } else if (first === 'DROP' && words.slice(1, 3).some(({ key }) => key === 'TABLE' || key === 'TABLES')) {
    use.drops = [...use.mentions].find((name) => name.startsWith('table ')) ?? null
  }
  const made = temporaryTable(words)
  if (made !== null) use.makes = `table ${made}`
  return use
}
