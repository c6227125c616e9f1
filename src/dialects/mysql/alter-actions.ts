import type { Word } from './lex.ts'
import { type Name, type Reader, readStatement, readWords } from './probe-reader.ts'

/** One thing that an ALTER TABLE does. */
export interface AlterAction {
  words: readonly Word[]
  /** Column that it drops or changes; null: it does neither. */
  drops: string | null
  changes: string | null
}

export interface AlteredTable {
  table: Name
  actions: readonly AlterAction[]
}

/** What may follow DROP and is no column. */
const notColumns = new Set(
  'INDEX KEY PRIMARY FOREIGN CONSTRAINT CHECK PARTITION PARTITIONING PERIOD SYSTEM TABLE'.split(' '),
)

function readAction(words: readonly Word[]): AlterAction {
  const reader = readWords(words)
  const action: AlterAction = { words, drops: null, changes: null }
  const verb = reader.takeOne('DROP', 'MODIFY', 'CHANGE')
  if (verb === null || (verb === 'DROP' && notColumns.has(reader.key()))) return action
  reader.take('COLUMN')
  reader.take('IF', 'EXISTS')
  const column = reader.takePart()
  return verb === 'DROP' ? { ...action, drops: column } : { ...action, changes: column }
}

function passTableHead(reader: Reader): boolean {
  while (reader.takeOne('ONLINE', 'OFFLINE', 'IGNORE') !== null);
  if (!reader.take('TABLE')) return false
  reader.take('IF', 'EXISTS')
  return true
}

/** What an ALTER TABLE does, in order; null: the statement is none, or cannot be read. */
export function readAlterTable(text: string): AlteredTable | null {
  const reader = readStatement(text)
  if (!reader.take('ALTER') || !passTableHead(reader)) return null
  const table = reader.takeName()
  if (table === null) return null
  if (reader.take('WAIT')) reader.next()
  reader.take('NOWAIT')
  const actions: AlterAction[] = []
  while (!reader.ended) {
    const words = reader.takeItem()
    if (words.length > 0) actions.push(...splitOptions(words).map(readAction))
  }
  return { table, actions }
}

/** `ADD COLUMN a (b INT, c INT)` and options that no comma parts: `ALGORITHM=INPLACE LOCK=NONE`, `ENGINE=x COMMENT='y'`. */
function splitOptions(words: readonly Word[]): Word[][] {
  const parts: Word[][] = [[]]
  for (const [i, word] of words.entries()) {
    const isOption = (word.key === 'ALGORITHM' || word.key === 'LOCK') && i > 0 && words[i + 1]?.key === '='
    if (isOption) parts.push([])
    parts.at(-1)?.push(word)
  }
  return parts
}

/** Names of a list: `DROP TABLE a, b.c`. */
export function readNames(reader: Reader): Name[] {
  const names: Name[] = []
  do {
    const name = reader.takeName()
    if (name === null) break
    names.push(name)
  } while (reader.take(','))
  return names
}
