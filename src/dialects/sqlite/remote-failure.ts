import { DatabaseError, type DatabaseFailure } from '../../model/dialect.ts'
import { bare, readFailure } from './failure.ts'
import { findPosition } from './position.ts'
import { type ServerError, WireError } from './remote-wire.ts'

/** What the server puts before SQLite's own message. */
const wrapping = /^(?:SQLite error|SQL input error|SQL string could not be parsed): /

/** SQLite's result codes by the names that the server gives them. Others are SQLITE_ERROR. */
const codes: Readonly<Record<string, number>> = {
  SQLITE_BUSY: 5,
  SQLITE_LOCKED: 6,
  SQLITE_NOMEM: 7,
  SQLITE_READONLY: 8,
  SQLITE_INTERRUPT: 9,
  SQLITE_IOERR: 10,
  SQLITE_CORRUPT: 11,
  SQLITE_FULL: 13,
  SQLITE_CANTOPEN: 14,
  SQLITE_TOOBIG: 18,
  SQLITE_CONSTRAINT: 19,
  SQLITE_MISMATCH: 20,
  SQLITE_NOTADB: 26,
}

/** The server passes no extended code on; the message says the same. */
const constraints: readonly [RegExp, number][] = [
  [/^CHECK/, 275],
  [/^FOREIGN KEY/, 787],
  [/^NOT NULL/, 1299],
  [/^UNIQUE/, 2067],
]

/** Errors of reading: the server's own parser looks at every statement before SQLite does, and refuses some kinds. */
export const unreadable = new Set(['SQL_PARSE_ERROR', 'SQL_NO_STATEMENT', 'SQL_MANY_STATEMENTS'])

/** Somebody else writes; nothing was done. */
export function isBusyThere({ code }: ServerError): boolean {
  return code === 'SQLITE_BUSY' || code === 'TRANSACTION_BUSY'
}

/** What the server said against a statement, as one of our kinds. */
export function readServerError({ message, code }: ServerError, text: string): DatabaseFailure {
  const said = message.replace(wrapping, '')
  const refused = /^unsupported statement: /.test(said)
  if (refused) {
    const what = firstWords(text)
    return {
      ...bare({ kind: 'statement', message: `a remote libSQL server carries out no statement of this kind: ${what}` }),
      sqlstate: '42000',
      position: 1,
    }
  }
  if (code === 'TRANSACTION_TIMEOUT') {
    const message = 'the server ended the transaction: it had run for some seconds, and somebody else waited to write'
    return bare({ kind: 'lock-timeout', message })
  }
  const syntax = /^syntax error around L(\d+):(\d+): `([\s\S]*)`$/.exec(said)
  if (syntax !== null) {
    const [, line, column, word = ''] = syntax
    return {
      ...bare({ kind: 'statement', message: `near "${word}": syntax error` }),
      sqlstate: '42601',
      position: findWord(text, word, Number(line), Number(column)),
    }
  }
  if (unreadable.has(code)) return { ...bare({ kind: 'statement', message: said }), sqlstate: '42601' }
  const offset = / \(at offset (\d+)\)$/.exec(said)
  const plain = said.replace(/ \(at offset -?\d+\)$/, '')
  const failure = readFailure(Object.assign(new Error(plain), { errcode: extend(codes[code] ?? 1, plain) }), true)
  if (offset !== null) return { ...failure, position: codePointAt(text, Number(offset[1])) }
  return { ...failure, position: findPosition(null, text, failure) }
}

function extend(code: number, message: string): number {
  return code === 19 ? (constraints.find(([words]) => words.test(message))?.[1] ?? 19) : code
}

function firstWords(text: string): string {
  return text.trim().split(/\s+/).slice(0, 2).join(' ').slice(0, 60)
}

/** 1-based code point of a byte. */
function codePointAt(text: string, byte: number): number {
  return [...Buffer.from(text).subarray(0, byte).toString()].length + 1
}

/** The server tells the place after the word. */
function findWord(text: string, word: string, line: number, column: number): number | null {
  const before = text.split('\n').slice(0, line - 1)
  const start = before.reduce((sum, one) => sum + one.length + 1, 0)
  const end = start + column
  const at = word === '' ? -1 : text.lastIndexOf(word, end)
  return at === -1 ? null : [...text.slice(0, at)].length + 1
}

/**
 * Why there was no answer.
 * @param established whether this session had an answer before: else nothing was sent that could have been carried out
 * @param ownHost the host is this database's alone: that it is not known says nothing of the others of its server
 */
export function readWireError(error: unknown, established: boolean, label: string, ownHost = false): DatabaseError {
  if (!(error instanceof WireError)) throw error
  const { reason, code } = error
  const fail = (kind: DatabaseFailure['kind'], message: string) => new DatabaseError(bare({ kind, message }), error)
  if (reason === 'tls') return fail('tls', error.message)
  if (reason === 401 || reason === 403 || code?.startsWith('AUTH_') === true) {
    return fail('authentication', `the server does not take the token: ${error.message}`)
  }
  if (isStreamGone(error)) return fail('connection-lost', `the server has ended the session: ${error.message}`)
  if (ownHost && code === 'ENOTFOUND') return fail('database-missing', `there is no host for ${label}`)
  if (reason === 404) return fail('database-missing', `${label}: ${error.message}`)
  if (reason === 429) return fail('too-many-connections', error.message)
  if (reason === 413) return fail('statement', 'the message is larger than the server takes')
  const message = typeof reason === 'number' ? `HTTP status ${reason}: ${error.message}` : error.message
  return fail(established ? 'connection-lost' : 'unreachable', message)
}

/** The stream is unknown to the server: it was idle for too long, or the server has begun anew. Nothing was carried out. */
export function isStreamGone(error: unknown): boolean {
  if (!(error instanceof WireError)) return false
  const isUnknown = error.reason === 400 ? /\bbaton\b/i : /^stream not found\b/i
  return error.code === 'STREAM_EXPIRED' || (typeof error.reason === 'number' && isUnknown.test(error.message))
}
