import { DatabaseError, type DatabaseFailure } from '../../model/dialect.ts'

/**
 * What the phrases around a migration refuse. Plain SQL cannot raise a code of its own, and a `DO` block costs ten
 * times a `SELECT`; so they cast one of these words to a number, and the word comes back in the error (22P02).
 */
export const refusals = {
  locked: 'tenantry:locked',
  native: 'tenantry:native',
  already: 'tenantry:already',
  left: 'tenantry:left',
} as const

const refusalKinds: Record<string, { kind: DatabaseFailure['kind']; message: string }> = {
  [refusals.locked]: { kind: 'locked', message: 'the target is locked by another run' },
  [refusals.native]: { kind: 'native-locked', message: "the migration tool's own lock is held" },
  [refusals.already]: { kind: 'already-applied', message: 'the history changed under the lock' },
  [refusals.left]: { kind: 'left-transaction', message: 'the migration ended the transaction it ran in' },
}

const byState: Record<string, DatabaseFailure['kind']> = {
  '55P03': 'lock-timeout',
  '40P01': 'deadlock',
  '57P01': 'connection-lost',
  '57P02': 'connection-lost',
  '57P05': 'connection-lost',
  '25P03': 'connection-lost',
  '25P04': 'connection-lost',
  '57P03': 'unreachable',
  '53300': 'too-many-connections',
  '3D000': 'database-missing',
  '28000': 'authentication',
  '28P01': 'authentication',
  // "already exists": duplicate table, column, object, function, schema, database, prepared statement, alias
  '42P07': 'already-exists',
  '42701': 'already-exists',
  '42710': 'already-exists',
  '42723': 'already-exists',
  '42P06': 'already-exists',
  '42P04': 'already-exists',
}

const tlsCodes = /^(ERR_TLS_|ERR_SSL_|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|HOSTNAME_MISMATCH|EPROTO$)/

interface ServerMessage {
  message?: string
  code?: string
  severity?: string
  position?: string
  detail?: string
  hint?: string
  where?: string
  routine?: string
}

/**
 * Turns what the driver throws into one of our kinds.
 * @param established whether the connection had been made: before, nothing was sent that could have been carried out.
 */
export function readFailure(error: unknown, established: boolean): DatabaseFailure {
  if (error instanceof DatabaseError) return error.failure
  const { message, code, severity, position, detail, hint, where, routine } = (error ?? {}) as ServerMessage
  const fromServer = severity !== undefined && code !== undefined
  if (fromServer) {
    const refusal = code === '22P02' ? refusalKinds[/tenantry:\w+/.exec(message ?? '')?.[0] ?? ''] : undefined
    if (refusal !== undefined) return { ...refusal, detail: null, sqlstate: null, position: null }
    const lines = [detail && `DETAIL: ${detail}`, hint && `HINT: ${hint}`, where && `CONTEXT: ${where}`]
    return {
      kind: serverKind(code, message ?? '', routine),
      message: message ?? 'the server gave no message',
      detail: redactDetail(lines.filter(Boolean).join('\n')) || null,
      sqlstate: code,
      position: position ? Number(position) : null,
    }
  }
  return {
    kind: clientKind(code, message ?? '', established),
    message: describeClientError(code, message ?? String(error)),
    detail: null,
    sqlstate: null,
    position: null,
  }
}

function serverKind(state: string, message: string, routine?: string): DatabaseFailure['kind'] {
  // "tuple concurrently updated": two transactions changed the same catalog row; the loser may simply try again.
  if (state === '40001' || (state === 'XX000' && /^simple_heap_(update|delete)$/.test(routine ?? ''))) return 'deadlock'
  // 57014 is both: a statement_timeout and a cancel request; only the text tells them apart.
  if (state === '57014')
    return /statement timeout|transaction timeout/.test(message) ? 'statement-timeout' : 'cancelled'
  if (state === '28000' && /no encryption|SSL/i.test(message)) return 'tls'
  return byState[state] ?? (state.startsWith('08') ? 'connection-lost' : 'statement')
}

function clientKind(code: string | undefined, message: string, established: boolean): DatabaseFailure['kind'] {
  if (code && tlsCodes.test(code)) return 'tls'
  if (/SSL connection|does not support SSL/.test(message)) return 'tls'
  if (/SASL|password must be a string|no password/i.test(message)) return 'authentication'
  return established ? 'connection-lost' : 'unreachable'
}

function describeClientError(code: string | undefined, message: string): string {
  if (code === 'ECONNREFUSED') return 'connection refused'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `host name ${/(?:ENOTFOUND|EAI_AGAIN) (\S+)/.exec(message)?.[1] ?? ''} not found`.replace('  ', ' ')
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'connection reset by the other side'
  if (code === 'ENOENT') return 'the socket does not exist'
  if (/timeout/i.test(message)) return 'no answer within the connect time-out'
  if (/Connection terminated|connection ended/i.test(message)) return 'the connection was closed by the other side'
  return code && !message.includes(code) ? `${message} (${code})` : message
}

/** DETAIL and CONTEXT may quote the SQL that ran; passwords in it stay out. */
function redactDetail(text: string): string {
  return text
    .replace(/\bSQL statement "[\s\S]*?"(?=\n|$)/g, 'SQL statement')
    .replace(/\b(PASSWORD\s+)E?'(?:[^']|'')*'/gi, "$1'[secret]'")
    .replace(/\b(password\s*=\s*)[^\s'"]+/gi, '$1[secret]')
}
