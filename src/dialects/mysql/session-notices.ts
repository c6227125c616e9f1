import type { Finding } from '../finding.ts'
import { releasesSession, type TransactionControl } from './classify.ts'
import type { Word } from './lex.ts'
import type { Assignment } from './session-settings.ts'

/** What is to be said about a statement, apart from what it does to tables. */
export interface Judgement {
  notices: Finding[]
  problems: Finding[]
  /** It is left out of the script. */
  dropped: boolean
}

const utf8 = /^['"]?(utf8|utf8mb3|utf8mb4|default)['"]?$/i
const modes = ['NO_BACKSLASH_ESCAPES', 'ANSI_QUOTES', 'ORACLE', 'ANSI']

function judgeAssignments(settings: readonly Assignment[], line: number, judged: Judgement): void {
  const alone = settings.length === 1
  for (const { name, scope, value } of settings) {
    const text = value.map((word) => word.text).join(' ')
    if (scope === 'server') {
      judged.notices.push({
        rule: 'server-wide',
        message: `SET GLOBAL ${name} (line ${line}) changes the whole server, once for each of its targets`,
        hint: 'set it in the configuration of the server',
        line,
      })
    } else if (name === 'transaction' || name === 'transaction_isolation' || name === 'tx_isolation') {
      if (!alone) continue
      judged.dropped = true
      judged.notices.push({
        rule: 'isolation-level',
        message: `SET ${scope === 'session' ? 'SESSION ' : ''}${name.toUpperCase()} ${text} (line ${line}) is left out: it can only be set before the history is checked`,
        hint: 'lock what must not change (SELECT … FOR UPDATE) instead',
        line,
      })
    } else if (name === 'names' && !utf8.test(value[0]?.text ?? '')) {
      judged.dropped = alone
      judged.notices.push({
        rule: 'client-encoding',
        message: `SET NAMES ${text} (line ${line}) is left out: files are sent as UTF-8`,
        line,
      })
    } else if (name === 'sql_mode') {
      const found = modes.find((mode) => new RegExp(`\\b${mode}\\b`, 'i').test(text))
      if (found === undefined) continue
      judged.notices.push({
        rule: 'sql-mode',
        message: `sql_mode ${found} is switched on (line ${line}), but the file is read here as without it`,
        hint: 'check where its statements end with `tenantry plan --verbose`, or write the file so that it means the same in both',
        line,
      })
    } else if (name === 'autocommit' && !alone) {
      judged.problems.push({
        rule: 'autocommit',
        message: `autocommit is set together with other variables (line ${line}), so it cannot be left out`,
        hint: 'write SET autocommit as a statement of its own, or remove it: tenantry opens transactions itself',
        line,
      })
    }
  }
}

function judgeBegin(words: readonly Word[], line: number): Finding[] {
  if (!words.some(({ key }, i) => key === 'ONLY' && words[i - 1]?.key === 'READ')) return []
  const message = `READ ONLY (line ${line}) is left out: the migration is recorded in the same transaction`
  return [{ rule: 'read-only', message, line }]
}

function findProblem(words: readonly Word[], kind: string, text: string, line: number): Omit<Finding, 'line'> | null {
  const [first = '', second = '', third = ''] = words.map(({ key }) => key)
  if (first === 'USE') {
    return {
      rule: 'use-database',
      message: `USE ${words[1]?.text ?? '…'} (line ${line}) leaves the database of the target`,
      hint: 'remove it: tenantry connects to the database of each target itself',
    }
  }
  if ((first === 'CREATE' || first === 'DROP') && /^(CREATE|DROP) (DATABASE|SCHEMA)$/.test(kind)) {
    return {
      rule: 'database-statement',
      message: `${kind} (line ${line}) names one database, but the migration runs in every target`,
      hint: 'remove it: the database of a target is there before it is migrated',
    }
  }
  if (first === 'LOAD' && words.slice(0, 6).some(({ key }) => key === 'LOCAL')) {
    return {
      rule: 'load-data-local',
      message: `LOAD ${second} LOCAL (line ${line}) cannot run in a migration: no client is there to send the file`,
      hint: 'write the rows as INSERT statements, or load a file on the server without LOCAL',
    }
  }
  const holds =
    (first === 'FLUSH' && words.some(({ key }) => key === 'READ' || key === 'EXPORT')) ||
    (first === 'LOCK' && second === 'INSTANCE')
  if (holds) {
    return {
      rule: 'global-lock',
      message: `${first} ${second} ${third} (line ${line}) keeps the server from writing, the history of this migration as well`,
      hint: 'remove it',
    }
  }
  if (first === 'SHUTDOWN' || (first === 'RESTART' && words.length < 3)) {
    return { rule: 'ends-server', message: `${first} (line ${line}) ends the server`, hint: 'remove it' }
  }
  if ((first === 'COMMIT' || first === 'ROLLBACK') && releasesSession(words)) {
    return {
      rule: 'ends-session',
      message: `${first} … RELEASE (line ${line}) ends the session`,
      hint: 'remove RELEASE',
    }
  }
  if (/\brelease_all_locks\s*\(/i.test(text) && first !== 'CREATE') {
    return {
      rule: 'releases-locks',
      message: `RELEASE_ALL_LOCKS() (line ${line}) would let go of the lock that keeps other runs out of this target`,
      hint: 'use RELEASE_LOCK with the name of your own lock',
    }
  }
  return null
}

/** @param words of the statement: all of a SET, of others the first dozen */
export function judgeSession(
  words: readonly Word[],
  kind: string,
  text: string,
  settings: readonly Assignment[] | null,
  control: TransactionControl | null,
  line: number,
): Judgement {
  const judged: Judgement = { notices: [], problems: [], dropped: false }
  if (settings && control === null) judgeAssignments(settings, line, judged)
  if (control === 'begin') judged.notices.push(...judgeBegin(words, line))
  const first = words[0]?.key
  if ((first === 'LOCK' || first === 'UNLOCK') && words[1]?.key !== 'INSTANCE') {
    judged.dropped = true
    if (first === 'LOCK') {
      judged.notices.push({
        rule: 'lock-tables',
        message: `LOCK TABLES (line ${line}) is left out: the next transaction would let go of the locks`,
        line,
      })
    }
  }
  const problem = findProblem(words, kind, text, line)
  if (problem) judged.problems.push({ ...problem, line })
  return judged
}
