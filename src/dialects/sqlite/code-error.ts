import type { DatabaseError } from '../../model/dialect.ts'
import { resultCode } from './failure.ts'

/** Names of result codes, as SQLite's drivers put them into `code`. Source: https://sqlite.org/rescode.html */
const names: Readonly<Record<number, string>> = {
  1: 'SQLITE_ERROR',
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  8: 'SQLITE_READONLY',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  19: 'SQLITE_CONSTRAINT',
  20: 'SQLITE_MISMATCH',
  25: 'SQLITE_RANGE',
  275: 'SQLITE_CONSTRAINT_CHECK',
  787: 'SQLITE_CONSTRAINT_FOREIGNKEY',
  1299: 'SQLITE_CONSTRAINT_NOTNULL',
  1555: 'SQLITE_CONSTRAINT_PRIMARYKEY',
  1811: 'SQLITE_CONSTRAINT_TRIGGER',
  2067: 'SQLITE_CONSTRAINT_UNIQUE',
}

/** What SQLite refused, as code knows it of its driver: a new error each time, since tools write into them. */
export function errorForCode(error: DatabaseError): Error {
  const { cause } = error as { cause?: unknown }
  const said = cause instanceof Error ? cause.message : error.failure.message
  const own = (cause as { code?: unknown } | undefined)?.code
  const number = resultCode(cause)
  const name = number === null ? undefined : (names[number] ?? names[number & 0xff] ?? 'SQLITE_ERROR')
  const code = typeof own === 'string' && own.startsWith('SQLITE_') ? own : name
  return Object.assign(new Error(said), {
    ...(code === undefined ? {} : { code }),
    ...(number === null ? {} : { errno: number & 0xff }),
  })
}
