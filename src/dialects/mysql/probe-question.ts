import { askCreateAccounts, askDropAccounts, askRevoke } from './probe-accounts.ts'
import { askAlterTable } from './probe-alter.ts'
import { askAlterEvent, askCreateProgram, askDropProgram, type ProgramKind } from './probe-programs.ts'
import { type Name, type Reader, readStatement, showName } from './probe-reader.ts'
import { gained, lost, noun, tableExists } from './probe-sql.ts'
import { askCreateIndex, askCreateTable, askDropIndex, askDropTables, askRenameTables } from './probe-tables.ts'
import { ask, type Question, repeat, unknown } from './probe-verdict.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'

/** Statements that do the same when they run a second time, and why. */
const repeatable: Record<string, string> = {
  ANALYZE: 'analyzing again is harmless',
  OPTIMIZE: 'optimizing again is harmless',
  CHECK: 'checking again is harmless',
  CHECKSUM: 'it only reads',
  REPAIR: 'repairing again is harmless',
  FLUSH: 'flushing again is harmless',
  CACHE: 'caching again is harmless',
  GRANT: 'granting again is harmless',
  SET: 'setting it again changes nothing more',
  USE: 'what it chooses ended with its session',
  LOCK: 'the lock ended with its session',
  UNLOCK: 'the lock ended with its session',
  SHOW: 'it only reads',
  DESCRIBE: 'it only reads',
  DESC: 'it only reads',
  EXPLAIN: 'it only reads',
  RESET: 'resetting again is harmless',
  PURGE: 'purging again is harmless',
  KILL: 'the session it ends is gone',
}

const changesRows = new Set(
  'INSERT UPDATE DELETE REPLACE CALL DO LOAD SELECT WITH EXECUTE HANDLER VALUES BEGIN XA'.split(' '),
)

/** What to ask the server about a statement. Pure. */
export function questionFor(text: string): Question {
  const reader = readStatement(text)
  const first = reader.key()
  if (first === '') return reader.ended ? repeat('it is empty') : unknown('its grammar is not known here')
  const reason = repeatable[first]
  if (reason !== undefined) return repeat(reason)
  if (changesRows.has(first)) return unknown('it may change rows; whether it ran cannot be looked up')
  reader.next()
  switch (first) {
    case 'CREATE':
      return questionForCreate(reader, text)
    case 'DROP':
      return questionForDrop(reader)
    case 'ALTER':
      return questionForAlter(reader)
    case 'RENAME':
      if (reader.takeOne('TABLE', 'TABLES') !== null) return askRenameTables(reader)
      return unknown('accounts that are renamed are not looked up')
    case 'TRUNCATE':
      return askTruncate(reader)
    case 'REVOKE':
      return askRevoke(reader)
    default:
      return unknown('a kind of statement whose effect is not looked up')
  }
}

/** What may stand between CREATE and the kind of what is made. */
function skipManners(reader: Reader): void {
  for (;;) {
    if (reader.takeOne('AGGREGATE', 'ONLINE', 'OFFLINE') !== null) continue
    if (reader.take('ALGORITHM', '=')) reader.next()
    else if (reader.take('DEFINER', '=')) skipDefiner(reader)
    else if (reader.take('SQL', 'SECURITY')) reader.next()
    else return
  }
}

/** `user@host`, `'user'@'host'`, CURRENT_USER(). */
function skipDefiner(reader: Reader): void {
  reader.next()
  reader.takeList()
  const [word] = reader.rest()
  if (word?.type !== 'variable') return
  reader.next()
  if (word.text === '@') reader.next()
}

function questionForCreate(reader: Reader, text: string): Question {
  if (reader.take('OR', 'REPLACE')) return repeat('it replaces what is there')
  skipManners(reader)
  if (reader.take('TEMPORARY')) return repeat('what it makes ended with its session')
  const kind = reader.next()?.key ?? ''
  switch (kind) {
    case 'TABLE':
      return askCreateTable(reader)
    case 'UNIQUE':
    case 'FULLTEXT':
    case 'SPATIAL':
      return reader.take('INDEX') ? askCreateIndex(reader, kind) : unknown('its grammar is not known here')
    case 'INDEX':
      return askCreateIndex(reader, 'PLAIN')
    case 'VIEW':
    case 'SEQUENCE':
      return askCreateNamed(reader, kind.toLowerCase())
    case 'PROCEDURE':
    case 'FUNCTION':
    case 'TRIGGER':
    case 'EVENT':
    case 'PACKAGE':
      return askCreateProgram(reader, kind satisfies ProgramKind, text)
    case 'DATABASE':
    case 'SCHEMA':
      return askDatabase(reader, 'create')
    case 'USER':
    case 'ROLE':
      return askCreateAccounts(reader, kind === 'USER' ? 'user' : 'role')
    default:
      return unknown('a kind of object that is not looked up')
  }
}

function askCreateNamed(reader: Reader, kind: string): Question {
  if (reader.take('IF', 'NOT', 'EXISTS')) return repeat(`where the ${kind} is there it does nothing`)
  const name = reader.takeName()
  if (name === null) return unknown('its grammar is not known here')
  const question = ask(gained(noun(kind, name), tableExists(name)))
  return kind === 'view' ? ({ ...question, compare: true } as Question) : question
}

function questionForDrop(reader: Reader): Question {
  if (reader.take('TEMPORARY')) return repeat('what it drops ended with its session')
  const kind = reader.next()?.key ?? ''
  switch (kind) {
    case 'TABLE':
    case 'TABLES':
      return askDropTables(reader, 'table')
    case 'VIEW':
      return askDropTables(reader, 'view')
    case 'SEQUENCE':
      return askDropTables(reader, 'sequence')
    case 'INDEX':
      return askDropIndex(reader)
    case 'PROCEDURE':
    case 'FUNCTION':
    case 'TRIGGER':
    case 'EVENT':
    case 'PACKAGE':
      return askDropProgram(reader, kind satisfies ProgramKind)
    case 'DATABASE':
    case 'SCHEMA':
      return askDatabase(reader, 'drop')
    case 'USER':
    case 'ROLE':
      return askDropAccounts(reader, kind === 'USER' ? 'user' : 'role')
    default:
      return unknown('a kind of object that is not looked up')
  }
}

function askDatabase(reader: Reader, what: 'create' | 'drop'): Question {
  if (reader.take('IF')) return repeat('where it has nothing to do it does nothing')
  const name = reader.takePart()
  if (name === null) return unknown('its grammar is not known here')
  const exists = `EXISTS (SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ${quoteLiteral(name)})`
  return ask(what === 'create' ? gained(noun('database', name), exists) : lost(noun('database', name), exists))
}

function questionForAlter(reader: Reader): Question {
  while (reader.takeOne('ONLINE', 'OFFLINE', 'IGNORE') !== null);
  skipManners(reader)
  const again = repeat('setting it again changes nothing more')
  switch (reader.next()?.key ?? '') {
    case 'TABLE':
      return askAlterTable(reader)
    case 'EVENT':
      return askAlterEvent(reader)
    case 'SEQUENCE':
      return reader.rest().some(({ key }) => key === 'RESTART')
        ? unknown('it restarts a sequence; whether it ran cannot be looked up')
        : again
    case 'VIEW':
    case 'PROCEDURE':
    case 'FUNCTION':
    case 'DATABASE':
    case 'SCHEMA':
    case 'USER':
    case 'ROLE':
      return again
    default:
      return unknown('a kind of object that is not looked up')
  }
}

/** Empty is empty, whoever emptied it; rows that are there may have come since. */
function askTruncate(reader: Reader): Question {
  reader.take('TABLE')
  const table = reader.takeName()
  if (table === null) return unknown('its grammar is not known here')
  const rows = `EXISTS (SELECT 1 FROM ${qualified(table)})`
  return ask({
    landed: `NOT ${rows}`,
    absent: 'FALSE',
    there: `table ${showName(table)} is empty`,
    missing: '',
    otherwise: `table ${showName(table)} has rows, and whether they were there before cannot be told`,
  })
}

function qualified({ schema, name }: Name): string {
  return [...(schema === null ? [] : [schema]), name].map(quoteIdentifier).join('.')
}
