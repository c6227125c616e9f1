import { quoteLiteral } from './quote.ts'

/*
 * What SQL has no words for, and the connection does itself where a statement is one of these texts. Each is harmless
 * SQL, too, so that it can be counted and shown like any other statement.
 */

/** Forgets all that a body may have left: the file is closed, and opened again when it is needed. */
export const resetMark = "SELECT 'tenantry: reset'"

/** Foreign keys are not enforced in the transaction that this stands in; what it broke is refused at its COMMIT. */
export const unenforcedMark = "SELECT 'tenantry: foreign keys off'"

/** Begins a transaction whose commit need not be waited for, since another one follows: see pipeline.ts. */
export const waitingBegin = 'BEGIN IMMEDIATE -- committed with the next one'

const lockPrefix = 'SELECT /* tenantry: lock */ '

/** Fails where somebody else holds the target's lock; stands after the BEGIN of a transaction. */
export function lockMark(key: string): string {
  return `${lockPrefix}${quoteLiteral(key)}`
}

/** The key of a {@link lockMark}; null: the text is none. */
export function readLockMark(text: string): string | null {
  return text.startsWith(lockPrefix) ? text.slice(lockPrefix.length + 1, -1).replaceAll("''", "'") : null
}

/** `PRAGMA busy_timeout = 2000`: the connection waits by itself, so that the process can do other work meanwhile. */
export function readBusyTimeout(text: string): number | null {
  if (!/^\s*pragma\b/i.test(text)) return null
  const ms = /^\s*pragma\s+(?:\w+\s*\.\s*)?busy_timeout\s*[=(]\s*(\d+)\s*\)?\s*;?\s*$/i.exec(text)?.[1]
  return ms === undefined ? null : Number(ms)
}
