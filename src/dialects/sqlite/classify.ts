import { foldName, nameOf, type Word } from './words.ts'

/** Ends or begins a transaction; null: it does neither (savepoints stay inside theirs). */
export type TransactionControl = 'begin' | 'commit' | 'rollback'

export function readControl(words: readonly Word[]): TransactionControl | null {
  switch (words[0]?.key) {
    case 'BEGIN':
      return 'begin'
    case 'COMMIT':
    case 'END':
      return 'commit'
    case 'ROLLBACK':
      return words.some(({ key }) => key === 'TO') ? null : 'rollback'
    default:
      return null
  }
}

/** `PRAGMA name`, `PRAGMA name = value`, `PRAGMA name(value)`. */
export interface Pragma {
  /** Lower case. */
  name: string
  /** As written, without quotes; null: it only asks. */
  value: string | null
}

export function readPragma(words: readonly Word[]): Pragma | null {
  if (words[0]?.key !== 'PRAGMA') return null
  const at = words[2]?.key === '.' ? 3 : 1
  const name = words[at]
  if (name === undefined) return null
  const isAssigned = words[at + 1]?.key === '=' || words[at + 1]?.key === '('
  const given = words.slice(at + 2).filter(({ key }) => key !== ')')
  const value = isAssigned ? given.map((word) => (word.type === 'number' ? word.text : nameOf(word))).join('') : null
  return { name: foldName(nameOf(name)), value }
}

/** What becomes of a statement. */
export type Verdict =
  | { verdict: 'stays' }
  /** SQLite refuses it inside a transaction. */
  | { verdict: 'alone' }
  /** It means nothing to a migration, and would be refused or do harm. */
  | { verdict: 'dropped' }
  /** Foreign keys are switched off, or on again. */
  | { verdict: 'foreign-keys'; on: boolean }
  | { verdict: 'refused'; rule: string; because: string; hint: string }

const stays: Verdict = { verdict: 'stays' }

/** Of the session, and refused inside a transaction or the concern of whoever opens the file. */
const sessionOnly = new Set(['synchronous', 'temp_store', 'locking_mode', 'busy_timeout'])

const isOn = (value: string) => /^(?:1|on|yes|true)$/i.test(value)

export function judgeStatement(words: readonly Word[]): Verdict {
  const pragma = readPragma(words)
  if (pragma !== null) return judgePragma(pragma)
  switch (words[0]?.key) {
    case 'VACUUM':
      return words.some(({ key }) => key === 'INTO')
        ? {
            verdict: 'refused',
            rule: 'vacuum-into',
            because: 'VACUUM INTO makes another file, once for every target',
            hint: 'copy files outside of migrations',
          }
        : { verdict: 'alone' }
    case 'ATTACH':
    case 'DETACH':
      return {
        verdict: 'refused',
        rule: 'attach',
        because: `${words[0].key} reaches for a file that is not the target's own, and SQLite makes it where it is missing`,
        hint: 'move rows between files by a program of your own',
      }
    default:
      return stays
  }
}

function judgePragma({ name, value }: Pragma): Verdict {
  if (name === 'wal_checkpoint') return { verdict: 'alone' }
  if (value === null) return stays
  if (name === 'journal_mode') return { verdict: 'alone' }
  if (name === 'foreign_keys') return { verdict: 'foreign-keys', on: isOn(value) }
  return sessionOnly.has(name) ? { verdict: 'dropped' } : stays
}

/** Kept in the file, or ended with the transaction: not of the session. */
const notOfSession = new Set([
  'user_version',
  'application_id',
  'schema_version',
  'encoding',
  'defer_foreign_keys',
  'foreign_key_check',
  'foreign_key_list',
  'index_info',
  'index_list',
  'index_xinfo',
  'integrity_check',
  'incremental_vacuum',
  'optimize',
  'quick_check',
  'table_info',
  'table_list',
  'table_xinfo',
])

/** The setting that a statement leaves in its session; null: none. */
export function sessionSetting(words: readonly Word[]): string | null {
  const pragma = readPragma(words)
  return pragma === null || pragma.value === null || notOfSession.has(pragma.name) ? null : pragma.name
}

export function makesTemporary(words: readonly Word[]): boolean {
  if (words[0]?.key !== 'CREATE') return false
  if (words[1]?.key === 'TEMP' || words[1]?.key === 'TEMPORARY') return true
  const dot = words.slice(0, 8).findIndex(({ key }) => key === '.')
  return dot > 0 && ['temp', 'temporary'].includes(foldName(nameOf(words[dot - 1] as Word)))
}
