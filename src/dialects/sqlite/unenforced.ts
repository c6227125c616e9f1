import { DatabaseError } from '../../model/dialect.ts'
import type { Handle, Row } from './driver.ts'
import { bare, readFailure } from './failure.ts'
import { unenforcedMark } from './marks.ts'

const begins = /^BEGIN\b/i
const ends = /^(?:COMMIT|ROLLBACK)$/i

export function endsTransaction(text: string): boolean {
  return ends.test(text)
}

/** Does a transaction begin here that asks for its foreign keys not to be enforced? */
export function unenforcedAhead(statements: readonly string[], from: number): boolean {
  if (!begins.test(statements[from] ?? '')) return false
  for (let i = from + 1; i < statements.length; i++) {
    const text = statements[i] as string
    if (text === unenforcedMark) return true
    if (endsTransaction(text)) return false
  }
  return false
}

/**
 * A transaction without foreign keys, as a table is rebuilt in: `PRAGMA foreign_keys` does nothing inside of one, so it
 * is switched before it begins and after it ends. Rows that refer to nothing are counted before and after; where there
 * are more of them, the COMMIT is refused. Source: https://sqlite.org/lang_altertable.html, 7.
 */
export class Unenforced {
  readonly #handle: Handle
  #before: ReadonlyMap<string, number> | null = null

  constructor(handle: Handle) {
    this.#handle = handle
    handle.exec('PRAGMA foreign_keys = OFF')
  }

  /** Called as statements are done: the first is its BEGIN. */
  began(): void {
    this.#before ??= countViolations(this.#handle)
  }

  /** Throws {@link DatabaseError}. */
  check(): void {
    const broken = explainMore(this.#before ?? new Map(), countViolations(this.#handle))
    if (broken !== null) throw broken
  }

  restore(): void {
    if (!this.#handle.inTransaction) this.#handle.exec('PRAGMA foreign_keys = ON')
  }
}

/** Rows that refer to nothing, by table and parent. */
export const violationsSql = `SELECT "table" || ' (to ' || parent || ')' AS pair, count(*) AS n FROM pragma_foreign_key_check GROUP BY 1`

/** Why a transaction must not commit; null: no more rows refer to nothing than before. */
export function explainMore(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): DatabaseError | null {
  for (const [pair, count] of after) {
    const more = count - (before.get(pair) ?? 0)
    if (more <= 0) continue
    const message = `FOREIGN KEY constraint failed: ${more} ${more === 1 ? 'row' : 'rows'} of ${pair} would refer to nothing`
    return new DatabaseError({ ...bare({ kind: 'statement', message }), sqlstate: '23503' })
  }
  return null
}

export function readCounts(rows: readonly Row[]): ReadonlyMap<string, number> {
  return new Map(rows.map(({ pair, n }) => [String(pair), Number(n)]))
}

function countViolations(handle: Handle): ReadonlyMap<string, number> {
  // A table that is not there (the parent) makes every row a violation, and a mismatched key is an error: both are told.
  try {
    return readCounts(handle.all(violationsSql, []))
  } catch (error) {
    throw new DatabaseError(readFailure(error, true), error)
  }
}
