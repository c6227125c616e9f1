import { nameOf, type Word, wordsOf } from './lex.ts'
import { splitFile } from './split.ts'
import { nameStatement } from './statement-kind.ts'

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
  /** LOCK TABLES: until UNLOCK TABLES no other table can be written. */
  | 'lock-tables'
  | 'unlock-tables'
  /** Changes rows of tables: part of a transaction. */
  | 'rows'
  /** Changes something, and may commit what is open before and after itself. */
  | 'change'
  /** Lets go of the lock that the run holds. */
  | 'unlocks-ours'

export interface CodeStatement {
  text: string
  does: CodeDeed
  /** Of a savepoint. */
  name: string | null
  /** First words, for people. */
  kind: string
}

const reads = new Set('SELECT SHOW DESC DESCRIBE EXPLAIN VALUES TABLE HELP'.split(' '))
const sessions = new Set('SET USE DO HANDLER PREPARE DEALLOCATE'.split(' '))
const rows = new Set('INSERT UPDATE DELETE REPLACE'.split(' '))
const opening = new Map<string, CodeDeed>([
  ['LOCK TABLES', 'lock-tables'],
  ['LOCK TABLE', 'lock-tables'],
  ['UNLOCK TABLES', 'unlock-tables'],
  ['UNLOCK TABLE', 'unlock-tables'],
  ['START TRANSACTION', 'begin'],
  ['BEGIN', 'begin'],
  ['COMMIT', 'commit'],
  ['ROLLBACK', 'rollback'],
  ['SAVEPOINT', 'savepoint'],
  ['RELEASE SAVEPOINT', 'release'],
])
const ours = /\brelease_all_locks\s*\(|\brelease_lock\s*\([^)]*tenantry:/i

/** The statements of a text, one after the other. */
export function readCodeStatements(text: string): CodeStatement[] {
  if (!text.replace(/[\s;]+$/, '').includes(';')) return [readStatement(text)]
  const { statements, problems } = splitFile(text)
  // What cannot be split is for the server to refuse.
  if (problems.length > 0 || statements.length < 2) return [readStatement(text)]
  return statements.map(({ start, end }) => readStatement(text.slice(start, end)))
}

function readStatement(text: string): CodeStatement {
  const words = wordsOf(text, 12)
  const { does, name } = deedOf(text, words)
  return { text, does, name, kind: nameStatement(words) || 'statement' }
}

function deedOf(text: string, words: readonly Word[]): { does: CodeDeed; name: string | null } {
  const of = (does: CodeDeed, name: string | null = null) => ({ does, name })
  const [first = '', second = ''] = words.map(({ key }) => key)
  if (ours.test(text)) return of('unlocks-ours')
  if (first === 'ROLLBACK') {
    const to = words.findIndex(({ key }) => key === 'TO')
    if (to === 1 || to === 2)
      return of('rollback-to', savepoint(words, words[to + 1]?.key === 'SAVEPOINT' ? to + 2 : to + 1))
  }
  const does = opening.get(`${first} ${second}`) ?? opening.get(first)
  if (does === 'savepoint') return of(does, savepoint(words, 1))
  if (does === 'release') return of(does, savepoint(words, 2))
  // `BEGIN NOT ATOMIC` is a block, not a transaction.
  if (does === 'begin' && second === 'NOT') return of('change')
  if (does !== undefined) return of(does)
  // In the brackets of `(SELECT …) UNION …`.
  const lead = words.find(({ key }) => key !== '(')?.key ?? ''
  if (lead === 'WITH') return of(/\b(insert|update|delete|replace)\b/i.test(text) ? 'rows' : 'read')
  if (lead === 'SELECT')
    return of(/\binto\s+(?:outfile|dumpfile)\b|\b(?:nextval|setval)\s*\(/i.test(text) ? 'change' : 'read')
  if (lead === 'EXPLAIN' && /\banalyze\b/i.test(text)) return of('change')
  if (reads.has(lead) || words.length === 0) return of('read')
  if (lead === 'SET' && second === 'PASSWORD') return of('change')
  if (lead === 'SET' && (second === 'STATEMENT' || second === 'GLOBAL' || second === 'PERSIST')) return of('change')
  if (sessions.has(lead)) return of('session')
  return of(rows.has(lead) ? 'rows' : 'change')
}

function savepoint(words: readonly Word[], at: number): string {
  const word = words[at]
  return word === undefined ? '' : nameOf(word).toLowerCase()
}
