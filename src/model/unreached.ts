import type { ErrorCode } from './errors.ts'

/** Codes that say: the target was not reached, so that nothing is known about it. */
export const unreachedCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'SERVER_UNREACHABLE',
  'AUTHENTICATION_FAILED',
  'TLS_FAILED',
  'DATABASE_MISSING',
  'DATABASE_UNUSABLE',
  'CONNECTION_LOST',
])
