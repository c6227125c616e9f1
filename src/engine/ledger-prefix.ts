import type { LedgerEntry } from '../model/history.ts'
import type { Script } from '../model/script.ts'

/** No hash begins with it. */
const refused = '!'
const width = 16

/** What a half-done row of the ledger says about the statements that are done. */
export function prefixOf(script: Script, done: number): string {
  return script.prefixHash(done).slice(0, width)
}

/**
 * The same, where the server has said no to the next statement, so that nothing of it was carried out: the next run
 * need not ask the catalog, which for many kinds of statement could not tell, and for others would take what was in the
 * way for its effect.
 */
export function refusedPrefixOf(script: Script, done: number): string {
  return `${refused}${prefixOf(script, done)}`.slice(0, width)
}

/** Are the statements that ran still as they were? */
export function fitsPrefix({ prefix, statementsDone }: LedgerEntry, script: Script): boolean {
  if (statementsDone > script.statementCount) return false
  const hash = prefixOf(script, statementsDone)
  return prefix === hash || prefix === `${refused}${hash}`.slice(0, width)
}

/** The server refused the statement after those that are done. */
export function wasRefused({ prefix }: Pick<LedgerEntry, 'prefix'>): boolean {
  return prefix.startsWith(refused)
}

/** What these run commits on its way: an error of theirs does not mean that nothing was carried out. */
const commitsMidway = /^(CALL|DO|EXECUTE|BEGIN|IF|CASE|LOOP|WHILE|REPEAT|FOR|XA|LOAD)\b/i

/** Does the server's error mean that the statement, sent by itself, did nothing? */
export function refusesWhole(kind: string): boolean {
  return !commitsMidway.test(kind)
}
