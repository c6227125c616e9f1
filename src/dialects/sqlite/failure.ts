import { DatabaseError, type DatabaseFailure } from '../../model/dialect.ts'

/** What the phrases around a migration refuse. The word comes back in the error: see {@link refuseUnless}. */
export const refusals = {
  locked: 'tenantry:locked',
  native: 'tenantry:native',
  already: 'tenantry:already',
  left: 'tenantry:left',
  written: 'tenantry:written',
} as const

const refusalKinds: Readonly<Record<string, Pick<DatabaseFailure, 'kind' | 'message'>>> = {
  [refusals.locked]: { kind: 'locked', message: 'the target is locked by another run' },
  [refusals.native]: { kind: 'native-locked', message: "the migration tool's own lock is held" },
  [refusals.already]: { kind: 'already-applied', message: 'the history changed under the lock' },
  [refusals.written]: {
    kind: 'lock-timeout',
    message: 'somebody else wrote to the file while the migration began anew, without foreign keys, to rebuild a table',
  },
  [refusals.left]: { kind: 'left-transaction', message: 'the migration ended the transaction it ran in' },
}

/**
 * An integer expression that is `value`, or fails with the word. RAISE works in triggers only; but a path that is none
 * is refused by `json_extract` with its text in the message, since SQLite 3.9.
 */
export function refuseUnless(condition: string, refusal: string, value: number): string {
  return `json_extract('[${value}]', CASE WHEN ${condition} THEN '$[0]' ELSE '${refusal}' END)`
}

/** A failure of ours. */
export function refuse(refusal: string): DatabaseError {
  return new DatabaseError(bare(refusalKinds[refusal] as Pick<DatabaseFailure, 'kind' | 'message'>))
}

export function bare(of: Pick<DatabaseFailure, 'kind' | 'message'>): DatabaseFailure {
  return { ...of, detail: null, sqlstate: null, position: null }
}

/**
 * SQLite knows no SQLSTATE. What is decided by its class elsewhere gets the standard's: a constraint (23), and a
 * statement that cannot be read or names what is not there (42). By extended result code: https://sqlite.org/rescode.html
 */
function stateOf(code: number, message: string): string | null {
  if ((code & 0xff) === 19) return constraintStates[code] ?? '23000'
  if ((code & 0xff) !== 1) return null
  if (/(?:from within|inside) a transaction/.test(message)) return '25001'
  return /syntax error|^incomplete input|^unrecognized token/.test(message) ? '42601' : '42000'
}

const constraintStates: Readonly<Record<number, string>> = {
  275: '23514',
  787: '23503',
  1299: '23502',
  1555: '23505',
  2067: '23505',
}

const busy = new Set([5, 6])

/** `libsql` gives no message of its own where it cannot open a file. */
const openFailure = /^ConnectionFailed\("([\s\S]*): (\d+)"\)$/

interface DriverError {
  message?: string
  code?: unknown
  /** `node:sqlite`. */
  errcode?: number
  /** `libsql`. */
  rawCode?: number
}

/** The result code, extended where the driver says so; null: the error is not SQLite's. */
export function resultCode(error: unknown): number | null {
  const { errcode, rawCode, message } = (error ?? {}) as DriverError
  const code = errcode ?? rawCode ?? openFailure.exec(message ?? '')?.[2]
  return code === undefined ? null : Number(code)
}

/** Somebody else has the file locked: it may be tried again. */
export function isBusy(error: unknown): boolean {
  return busy.has((resultCode(error) ?? 0) & 0xff)
}

/** READONLY, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB: no statement is to blame, and no other file is concerned. */
const unusable = new Set([8, 10, 11, 13, 14, 26])

const alreadyExists =
  /^(?:(?:table|view|index|trigger) .* already exists|there is already (?:a table|an index) named .*|there is already another table or index with this name: .*|duplicate column name: .*)$/s

/**
 * Turns what the driver throws into one of our kinds.
 * @param established whether the file had been opened: before, nothing was sent that could have been carried out
 */
export function readFailure(error: unknown, established: boolean): DatabaseFailure {
  if (error instanceof DatabaseError) return error.failure
  const code = resultCode(error)
  const message = error instanceof Error ? error.message : String(error)
  if (code === null) {
    const kind = /not open|closed/.test(message) ? 'connection-lost' : established ? 'statement' : 'database-unusable'
    return bare({ kind, message })
  }
  const refusal = refusalKinds[/tenantry:\w+/.exec(message)?.[0] ?? '']
  if (refusal !== undefined && /path/i.test(message)) return bare(refusal)
  const failure = bare({ kind: kindOf(code, message, established), message: describe(code, message) })
  return { ...failure, sqlstate: stateOf(code, message) }
}

function kindOf(code: number, message: string, established: boolean): DatabaseFailure['kind'] {
  const primary = code & 0xff
  if (busy.has(primary)) return 'lock-timeout'
  if (primary === 9) return 'cancelled'
  if (!established || unusable.has(primary)) return 'database-unusable'
  return primary === 1 && alreadyExists.test(message) ? 'already-exists' : 'statement'
}

function describe(code: number, message: string): string {
  const primary = code & 0xff
  if (openFailure.test(message) || primary === 14) return 'the file cannot be opened'
  if (primary === 26) return 'the file is not a SQLite database'
  if (busy.has(primary)) return `${message}: somebody else is writing to it`
  if (primary === 8) return `${message}: the file or its folder is not writable`
  return message
}
