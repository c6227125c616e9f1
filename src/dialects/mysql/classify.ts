import type { Word } from './lex.ts'

/** What a statement does to the transaction that it runs in. */
export interface CommitRule {
  /** `commits`: always. `may-commit`: what it runs decides; `because` says what that is. */
  verdict: 'stays' | 'commits' | 'may-commit'
  /** `depending on what the procedure does`; null where the statement alone decides. */
  because: string | null
}

const stays: CommitRule = { verdict: 'stays', because: null }
const commits: CommitRule = { verdict: 'commits', because: null }
const mayCommit = (because: string): CommitRule => ({ verdict: 'may-commit', because })

const plain = new Set(
  `SELECT INSERT UPDATE DELETE REPLACE WITH VALUES TABLE DO SHOW DESCRIBE DESC EXPLAIN HELP HANDLER SAVEPOINT RELEASE
  ROLLBACK PREPARE DEALLOCATE SIGNAL RESIGNAL GET CHECKSUM KILL USE BINLOG`.split(/\s+/),
)

/**
 * Statements that commit whatever they are followed by. MySQL 8.4 manual, 15.3.3 "Statements That Cause an Implicit
 * Commit"; MariaDB, "SQL statements that cause an implicit commit"; flags CF_AUTO_COMMIT_TRANS of both servers' sources.
 */
const committing = new Set(
  `ALTER CREATE DROP RENAME TRUNCATE GRANT REVOKE ANALYZE OPTIMIZE REPAIR CHECK CACHE FLUSH RESET LOCK UNLOCK BEGIN START
  COMMIT STOP CHANGE INSTALL UNINSTALL IMPORT BACKUP CLONE PURGE SHUTDOWN RESTART`.split(/\s+/),
)

/** Blocks that MariaDB takes outside of stored programs. */
const blocks = new Set(['IF', 'CASE', 'LOOP', 'WHILE', 'REPEAT', 'FOR'])

const keyAt = (words: readonly Word[], at: number) => words[at]?.key ?? ''

/** MariaDB's `SET STATEMENT a = 1 FOR …`: the statement that it is for; undefined: it is none. */
export function afterSetStatement(words: readonly Word[]): readonly Word[] | undefined {
  if (keyAt(words, 0) !== 'SET' || keyAt(words, 1) !== 'STATEMENT') return undefined
  let depth = 0
  for (const [i, { key }] of words.entries()) {
    if (key === '(') depth++
    if (key === ')') depth--
    if (key === 'FOR' && depth === 0) return words.slice(i + 1)
  }
  return undefined
}

function judgeSet(words: readonly Word[]): CommitRule {
  const inner = afterSetStatement(words)
  if (inner) return judgeStatement(inner)
  // `SET PASSWORD`, `SET DEFAULT ROLE` write to the tables of the mysql database.
  if (keyAt(words, 1) === 'PASSWORD') return commits
  return keyAt(words, 1) === 'DEFAULT' && keyAt(words, 2) === 'ROLE' ? commits : stays
}

/** @param words of the statement: the first dozen is enough, but for `SET STATEMENT` */
export function judgeStatement(words: readonly Word[]): CommitRule {
  const first = keyAt(words, 0)
  const second = keyAt(words, 1)
  if (first === '(' || plain.has(first)) return stays
  switch (first) {
    case '':
      return stays
    case 'SET':
      return judgeSet(words)
    case 'CALL':
      return mayCommit('depending on what the procedure does')
    case 'EXECUTE':
      return mayCommit('depending on the text that is executed')
    case 'BEGIN':
      return second === 'NOT' ? mayCommit('depending on what the block does') : commits
    case 'LOAD':
      // Only tables of NDB commit for LOAD DATA.
      return second === 'INDEX' ? commits : stays
    case 'CREATE':
    case 'DROP': {
      // Indexes of temporary tables commit all the same, and so does ALTER TABLE.
      const next = second === 'OR' ? keyAt(words, 3) : second
      return next === 'TEMPORARY' ? stays : commits
    }
    case 'ANALYZE':
      // MariaDB: ANALYZE SELECT …, ANALYZE FORMAT=JSON …
      return ['TABLE', 'TABLES', 'LOCAL', 'NO_WRITE_TO_BINLOG'].includes(second) ? commits : stays
    case 'RESET':
      return second === 'PERSIST' ? stays : commits
    case 'XA':
      return second === 'RECOVER' ? stays : commits
  }
  if (committing.has(first)) return commits
  if (blocks.has(first)) return mayCommit('depending on what the block does')
  return mayCommit('since it is not known here')
}

/** Ends or begins a transaction; null: it does neither (savepoints stay inside theirs). */
export type TransactionControl = 'begin' | 'commit' | 'rollback' | 'xa' | 'autocommit-off' | 'autocommit-on'

const autocommitName = /^@@(?:session\.|local\.)?autocommit$/i

/** Values of a `SET autocommit` that stands by itself; null: it does not. */
function readAutocommit(words: readonly Word[]): TransactionControl | null {
  const at = ['SESSION', 'LOCAL'].includes(keyAt(words, 1)) ? 2 : 1
  const name = words[at]
  if (name === undefined || !(name.key === 'AUTOCOMMIT' || autocommitName.test(name.text))) return null
  if (!['=', ':='].includes(keyAt(words, at + 1)) || words.slice(at).some(({ key }) => key === ',')) return null
  const value = (words[at + 2]?.text ?? '').replace(/^['"]|['"]$/g, '')
  return /^(0|off|false)$/i.test(value) ? 'autocommit-off' : 'autocommit-on'
}

export function readControl(words: readonly Word[]): TransactionControl | null {
  switch (keyAt(words, 0)) {
    case 'BEGIN':
      return ['', 'WORK', ';'].includes(keyAt(words, 1)) ? 'begin' : null
    case 'START':
      return keyAt(words, 1) === 'TRANSACTION' ? 'begin' : null
    case 'COMMIT':
      return 'commit'
    case 'ROLLBACK':
      return words.some(({ key }) => key === 'TO') ? null : 'rollback'
    case 'XA':
      return keyAt(words, 1) === 'RECOVER' ? null : 'xa'
    case 'SET':
      return readAutocommit(words)
    default:
      return null
  }
}

/** `COMMIT AND CHAIN`: it begins a new transaction as it ends one. */
export function chains(words: readonly Word[]): boolean {
  return words.some(({ key }, i) => key === 'CHAIN' && keyAt(words, i - 1) === 'AND')
}

/** `COMMIT RELEASE`: it ends the session. */
export function releasesSession(words: readonly Word[]): boolean {
  return words.some(({ key }, i) => key === 'RELEASE' && keyAt(words, i - 1) !== 'NO' && i > 0)
}
