import { loadParser, type ParsedSql, type ParsedStatement, parseSql } from './parse.ts'
import { nameStatement } from './statement-kind.ts'

/** What a text that code sends means for the transaction it runs in. */
export type CodeStatement =
  | { does: 'begin'; text: string }
  | { does: 'commit' | 'rollback'; chain: boolean; text: string }
  | { does: 'savepoint' | 'release' | 'rollback-to'; name: string; text: string }
  /** Isolation and the like: cannot be had inside a transaction that has begun. */
  | { does: 'set-transaction'; text: string }
  | { does: 'prepare-transaction'; text: string }
  /** Rows are what it is for, and nothing changes. */
  | { does: 'read'; isOne: boolean; text: string }
  /** Changes only the session: carried out always, also again. `holdable` as below. */
  | { does: 'session'; holdable: boolean; text: string }
  /**
   * `holdable`: one statement whose answer holds nothing that is not known beforehand. `atomic`: it may share a
   * transaction with other statements. `isOne`: it is
   * surely not several, and none that waits for data (COPY swallows the Sync behind it).
   */
  | { does: 'change'; holdable: boolean; atomic: boolean; isOne: boolean; text: string }
  /** Statements with transaction control among them. */
  | { does: 'several'; parts: readonly CodeStatement[]; text: string }

const blanks = /^(?:\s+|--[^\n]*(?:\n|$)|\/\*(?:[^*]|\*(?!\/))*\*\/)+/
const nameAt = /^(?:"((?:[^"]|"")+)"|([A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*))/
const control = /\b(commit|rollback|begin|abort|end|start\s+transaction|prepare\s+transaction)\b/i
const sessionWords = new Set(
  'SET RESET DECLARE CLOSE MOVE LOCK PREPARE DEALLOCATE LISTEN UNLISTEN NOTIFY DISCARD'.split(' '),
)
const reads = new Set('SELECT WITH SHOW VALUES TABLE EXPLAIN FETCH'.split(' '))
const definitions = new Set('CREATE ALTER DROP COMMENT GRANT REVOKE'.split(' '))
const rowWords = new Set('INSERT UPDATE DELETE MERGE WITH SELECT TRUNCATE'.split(' '))
/** Definitions that run by themselves, or may. */
const alone = /\bconcurrently\b|^\w+\s+(?:database|tablespace|system|subscription)\b/i
/** Rows made by a definition are counted in its answer. */
const counts =
  /^create\s+(?:(?:global|local|temp|temporary|unlogged)\s+)*(?:table|materialized\s+view)\b[\s\S]*\bas\s*(?:select|with|values|table|execute|\()/i
const changingCalls = /\b(?:setval|nextval|set_config|pg_notify|lo_(?:creat|create|unlink|put|import|from_bytea))\s*\(/i

/** Reads a text. Without transaction control in it, several statements are one `change` or `read`. */
export async function readCodeStatement(text: string): Promise<CodeStatement> {
  const bare = stripComments(text)
  if (!bare.includes(';')) return readOne(text, bare)
  await loadParser()
  let parsed: ParsedSql
  try {
    parsed = parseSql(text)
  } catch {
    // The server is going to say what is wrong with it, or knows a newer grammar than we do.
    return { does: 'change', holdable: false, atomic: false, isOne: false, text }
  }
  const [first] = parsed.statements
  if (parsed.statements.length <= 1) return readOne(text, bare, first)
  if (control.test(text) && parsed.statements.some(({ type }) => type === 'TransactionStmt')) {
    const parts = parsed.statements.map((one) => {
      const part = parsed.bytes.subarray(one.start, one.end).toString('utf8')
      return readOne(part, stripComments(part), one)
    })
    return { does: 'several', parts, text }
  }
  const parts = parsed.statements.map((one) => {
    const part = parsed.bytes.subarray(one.start, one.end).toString('utf8')
    return readOne(part, stripComments(part), one).does
  })
  if (parts.every((does) => does === 'read')) return { does: 'read', isOne: false, text }
  if (parts.every((does) => does === 'session' || does === 'read')) return { does: 'session', holdable: false, text }
  return { does: 'change', holdable: false, atomic: false, isOne: false, text }
}

/** Without leading comments and trailing semicolons. */
function stripComments(text: string): string {
  return text.replace(blanks, '').replace(/[\s;]+$/, '')
}

function readOne(text: string, bare: string, parsed?: ParsedStatement): CodeStatement {
  const [word = '', next = ''] = firstWords(bare)
  switch (word) {
    case 'BEGIN':
      return { does: 'begin', text }
    case 'START':
      if (next === 'TRANSACTION') return { does: 'begin', text }
      break
    case 'COMMIT':
    case 'END':
      if (next === 'PREPARED') break
      return { does: 'commit', chain: chains(bare), text }
    case 'ROLLBACK':
    case 'ABORT': {
      if (next === 'PREPARED') break
      const name = nameAfter(bare, /^rollback(?:\s+(?:work|transaction))?\s+to(?:\s+savepoint)?\s+/i)
      if (name !== null) return { does: 'rollback-to', name, text }
      return { does: 'rollback', chain: chains(bare), text }
    }
    case 'SAVEPOINT':
      return named('savepoint', bare, /^savepoint\s+/i, text)
    case 'RELEASE':
      return named('release', bare, /^release\s+(?:savepoint\s+)?/i, text)
    case 'SET':
      if (/^set\s+(?:local\s+)?transaction\b(?!\s+snapshot)/i.test(bare)) return { does: 'set-transaction', text }
      return { does: 'session', holdable: true, text }
    case 'PREPARE':
      if (next === 'TRANSACTION') return { does: 'prepare-transaction', text }
      break
  }
  if (sessionWords.has(word)) return { does: 'session', holdable: false, text }
  if (isRead(word, bare, parsed)) return { does: 'read', isOne: bare !== '', text }
  const defines = definitions.has(word) && !alone.test(bare)
  return {
    does: 'change',
    holdable: defines && !counts.test(bare),
    atomic: defines || rowWords.has(word),
    isOne: word !== 'COPY',
    text,
  }
}

function isRead(word: string, bare: string, parsed?: ParsedStatement): boolean {
  if (bare === '') return true
  // A bracket before SELECT.
  const lead = word === '' && bare.startsWith('(') ? 'SELECT' : word
  if (!reads.has(lead)) return false
  if (lead === 'EXPLAIN') return !/^explain\s*(?:\([^)]*\banalyze\b|.*?\banaly[sz]e\b)/i.test(bare)
  if (lead === 'WITH') return !/\b(insert|update|delete|merge)\b/i.test(bare)
  if (lead !== 'SELECT') return true
  if (changingCalls.test(bare)) return false
  if (!/\binto\b/i.test(bare)) return true
  return parsed === undefined ? false : !('intoClause' in parsed.node)
}

function firstWords(bare: string): string[] {
  return (/^([A-Za-z]+)(?:\s+([A-Za-z]+))?/.exec(bare) ?? []).slice(1).map((word) => (word ?? '').toUpperCase())
}

function chains(bare: string): boolean {
  return /\band\s+chain\s*$/i.test(bare)
}

function named(does: 'savepoint' | 'release', bare: string, before: RegExp, text: string): CodeStatement {
  const name = nameAfter(bare, before)
  // The server says what is wrong with it.
  return name === null ? { does: 'change', holdable: false, atomic: false, isOne: false, text } : { does, name, text }
}

function nameAfter(bare: string, before: RegExp): string | null {
  const rest = before.exec(bare)
  if (rest === null) return null
  const found = nameAt.exec(bare.slice(rest[0].length))
  if (found === null) return null
  return found[1] === undefined ? (found[2] as string).toLowerCase() : found[1].replaceAll('""', '"')
}

/** First words of a statement, for people; never a value. */
export function kindOf(text: string): string {
  return nameStatement({ type: 'statement', node: {} }, text)
}

/** What the server's answer would begin with. */
export function commandOf(text: string): string {
  return firstWords(stripComments(text))[0] ?? ''
}
