import { DatabaseError, type DatabaseFailure } from '../../model/dialect.ts'
import { refusalOf } from './refuse.ts'

const byNumber: Readonly<Record<number, DatabaseFailure['kind']>> = {
  // Rows and metadata alike; 3572: NOWAIT.
  1205: 'lock-timeout',
  3572: 'lock-timeout',
  1213: 'deadlock',
  // "Table definition has changed, please retry transaction", "Record has changed since last read".
  1412: 'deadlock',
  1020: 'deadlock',
  1317: 'cancelled',
  3024: 'statement-timeout',
  1969: 'statement-timeout',
  // "already exists": database, table, column, index, routine, trigger, account, event, foreign key, check
  1007: 'already-exists',
  1050: 'already-exists',
  1060: 'already-exists',
  1061: 'already-exists',
  1304: 'already-exists',
  1359: 'already-exists',
  1537: 'already-exists',
  1826: 'already-exists',
  3822: 'already-exists',
  1040: 'too-many-connections',
  1203: 'too-many-connections',
  1226: 'too-many-connections',
  3159: 'tls',
  // Shutdown, killed, closed for being idle, network trouble.
  1053: 'connection-lost',
  1152: 'connection-lost',
  1158: 'connection-lost',
  1159: 'connection-lost',
  1160: 'connection-lost',
  1161: 'connection-lost',
  1927: 'connection-lost',
  4031: 'connection-lost',
}

/** Refused while the session is opened: account, password, plug-in, expired password, locked account. */
const loginErrors = new Set([1044, 1045, 1130, 1251, 1275, 1524, 1698, 1820, 1862, 3118, 3955, 4151])

const tlsCodes = /^(ERR_TLS_|ERR_SSL_|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|HOSTNAME_MISMATCH|EPROTO$|HANDSHAKE_)/

interface DriverError {
  message?: string
  code?: string
  errno?: number
  sqlState?: string
  /** Only what the server said has it. */
  sqlMessage?: string
}

/** What is known about where an error came from. */
export interface FailureOrigin {
  /** The session had been opened: before, nothing was sent that could have been carried out. */
  established: boolean
  database: string
  /** The statement that failed, where it is known. */
  statement?: string
}

/** Turns what the driver throws into one of our kinds. */
export function readFailure(error: unknown, origin: FailureOrigin): DatabaseFailure {
  if (error instanceof DatabaseError) return error.failure
  const { message, code, errno, sqlState, sqlMessage } = (error ?? {}) as DriverError
  if (sqlMessage === undefined || errno === undefined || errno <= 0) {
    return {
      kind: clientKind(code, message ?? '', origin.established),
      message: describeClientError(code, message ?? String(error)),
      detail: null,
      sqlstate: null,
      position: null,
    }
  }
  const refusal = errno === 1690 ? refusalOf(sqlMessage, origin.statement) : undefined
  if (refusal !== undefined) return { ...refusal, detail: null, sqlstate: null, position: null }
  const place = errno === 1064 ? locate(sqlMessage, origin.statement) : null
  return {
    kind: serverKind(errno, sqlMessage, origin),
    message: redact(place?.message ?? sqlMessage, origin.statement),
    detail: null,
    sqlstate: sqlState || null,
    position: place?.position ?? null,
  }
}

function serverKind(errno: number, message: string, { established, database }: FailureOrigin): DatabaseFailure['kind'] {
  if (errno === 1049) return !established || message.includes(`'${database}'`) ? 'database-missing' : 'statement'
  if (!established && loginErrors.has(errno)) return 'authentication'
  const kind = byNumber[errno] ?? 'statement'
  if (!established && (kind === 'connection-lost' || kind === 'statement')) return 'unreachable'
  return kind
}

function clientKind(code: string | undefined, message: string, established: boolean): DatabaseFailure['kind'] {
  if (code !== undefined && tlsCodes.test(code)) return 'tls'
  if (/does not support secure connection|certificate/i.test(message) && !established) return 'tls'
  if (/auth.*plugin|AUTH_SWITCH|caching_sha2|mysql_clear_password/i.test(`${code} ${message}`) && !established) {
    return 'authentication'
  }
  return established ? 'connection-lost' : 'unreachable'
}

function describeClientError(code: string | undefined, message: string): string {
  if (code === 'ECONNREFUSED') return 'connection refused'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `host name ${/(?:ENOTFOUND|EAI_AGAIN) (\S+)/.exec(message)?.[1] ?? ''} not found`.replace('  ', ' ')
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'connection reset by the other side'
  if (code === 'ENOENT') return 'the socket does not exist'
  if (code === 'ETIMEDOUT') return 'no answer within the connect time-out'
  if (code === 'PROTOCOL_CONNECTION_LOST' || /in closed state/.test(message)) {
    return 'the connection was closed by the other side'
  }
  // A code of the handshake only says where the driver was.
  return code && !message.includes(code) && !code.startsWith('HANDSHAKE_') ? `${message} (${code})` : message
}

/**
 * "… near 'text' at line 3": the text runs on into the statements behind it in the same message, and tells the exact
 * place. Lines are counted from the statement's own first character.
 */
function locate(message: string, statement: string | undefined): { message: string; position: number } | null {
  const [, head = '', near = '', line = ''] = /^([\s\S]* near ')([\s\S]*)' at line (\d+)$/.exec(message) ?? []
  if (statement === undefined || line === '') return null
  let lineStart = 0
  for (let number = 1; number < Number(line); number++) {
    const end = statement.indexOf('\n', lineStart)
    if (end === -1) return null
    lineStart = end + 1
  }
  // As much of the excerpt as is the statement's own.
  let own = near
  while (own !== '' && !statement.includes(own, lineStart)) own = own.slice(0, -1)
  const at = own === '' ? statement.length : statement.indexOf(own, lineStart)
  const position = [...statement.slice(0, at)].length + (own === '' ? 0 : 1)
  return { message: `${head}${own.trimEnd()}' at line ${line}`, position: Math.max(1, position) }
}

/**
 * Syntax errors quote the statement from where it went wrong. In one that deals with passwords every text in it is
 * taken for one: which is, cannot be known of a statement that does not parse.
 */
function redact(message: string, statement: string | undefined): string {
  const [, head, near = '', tail] = /^([\s\S]* near ')([\s\S]*)(' at line \d+)$/.exec(message) ?? []
  if (head === undefined || !/\bIDENTIFIED\b|PASSWORD/i.test(`${near}\n${statement ?? ''}`)) return message
  return `${head}${near.replace(/(['"])[\s\S]*?(?:\1|$)/g, "'[secret]'")}${tail}`
}
