import { judgeStatement, readControl, readPragma } from './classify.ts'
import { splitSql } from './split.ts'
import { nameStatement } from './statement-kind.ts'
import { foldName, nameOf, type Word } from './words.ts'

/** What a statement that code sends means for the transaction it runs in. */
export type CodeDeed =
  | 'begin'
  | 'commit'
  | 'rollback'
  | 'savepoint'
  | 'release'
  | 'rollback-to'
  /** Rows are what it is for, and nothing changes. */
  | 'read'
  /** Changes only the session: carried out always, also again. */
  | 'session'
  /** Switches foreign keys on or off, or asks which of both. */
  | 'foreign-keys'
  /** Changes something, and is part of a transaction. */
  | 'change'
  /** Changes something, and is refused inside a transaction. */
  | 'alone'
  /** Reaches for another file. */
  | 'refused'
  /** Nothing for a migration to decide. */
  | 'nothing'

export interface CodeStatement {
  text: string
  does: CodeDeed
  /** Of a savepoint, as SQLite compares them; of the table that is dropped. */
  name: string | null
  /** Foreign keys are switched on, or off; null: neither. */
  enforces: boolean | null
  /** First words, for people. */
  kind: string
}

/** PRAGMAs that change what is in the file, or answer for what stands in their brackets. */
const written = new Set(['user_version', 'application_id', 'schema_version', 'incremental_vacuum', 'optimize'])
const asked = new Set(
  'foreign_key_check foreign_key_list index_info index_list index_xinfo integrity_check quick_check table_info table_list table_xinfo'.split(
    ' ',
  ),
)

/** The statements of a text, one after the other. A text that holds none gives none. */
export function readCodeStatements(text: string): CodeStatement[] {
  return [...splitSql(text)].map(({ start, end, words }) => {
    const { does, name = null, enforces = null } = deedOf(words)
    return { text: text.slice(start, end), does, name, enforces, kind: nameStatement(words) }
  })
}

function deedOf(words: readonly Word[]): { does: CodeDeed; name?: string | null; enforces?: boolean | null } {
  const control = readControl(words)
  if (control !== null) return { does: control }
  const [first = '', second = ''] = words.map(({ key }) => key)
  switch (first) {
    case 'SAVEPOINT':
      return { does: 'savepoint', name: savepoint(words) }
    case 'RELEASE':
      return { does: 'release', name: savepoint(words) }
    case 'ROLLBACK':
      return { does: 'rollback-to', name: savepoint(words) }
    case 'PRAGMA':
      return readPragmaDeed(words)
    case 'SELECT':
    case 'VALUES':
    case 'EXPLAIN':
      return { does: 'read' }
    case 'WITH':
      return { does: words.some(({ key }) => /^(?:INSERT|UPDATE|DELETE|REPLACE)$/.test(key)) ? 'change' : 'read' }
    case 'DROP': {
      if (second !== 'TABLE') break
      const at = words[2]?.key === 'IF' ? 4 : 2
      const name = words[words[at + 1]?.key === '.' ? at + 2 : at]
      return { does: 'change', name: name === undefined ? null : foldName(nameOf(name)) }
    }
  }
  const { verdict } = judgeStatement(words)
  return { does: verdict === 'alone' || verdict === 'refused' ? verdict : 'change' }
}

function readPragmaDeed(words: readonly Word[]): { does: CodeDeed; enforces?: boolean | null } {
  const pragma = readPragma(words)
  if (pragma === null) return { does: 'read' }
  const judged = judgeStatement(words)
  if (pragma.name === 'foreign_keys')
    return { does: 'foreign-keys', enforces: judged.verdict === 'foreign-keys' ? judged.on : null }
  if (judged.verdict === 'alone') return { does: 'alone' }
  if (judged.verdict === 'dropped') return { does: 'nothing' }
  if (written.has(pragma.name) && (pragma.value !== null || !/_version$|_id$/.test(pragma.name)))
    return { does: 'change' }
  return { does: pragma.value === null || asked.has(pragma.name) ? 'read' : 'session' }
}

/** The last word of `SAVEPOINT x`, `RELEASE SAVEPOINT x`, `ROLLBACK TO x`. */
function savepoint(words: readonly Word[]): string {
  const word = words.at(-1)
  return word === undefined ? '' : foldName(nameOf(word))
}
