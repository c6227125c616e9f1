import { createHash } from 'node:crypto'
import { DatabaseError, type DatabaseFailure } from '../../model/dialect.ts'
import { moments } from '../code-tally.ts'
import type { CodeOwner, SqliteAnswer, SqliteSend } from './code-session.ts'
import { bare } from './failure.ts'

/** A statement that keeps the rows it had changed before one was refused. */
const keepsRows = /\bor\s+fail\b/i

/** What says how many rows it changed, and which it inserted last; others repeat what was said before. */
const countsRows = /^\s*(?:insert|replace|update|delete|with)\b/i
const inserts = /^\s*(?:insert|replace|with)\b/i

interface Noted {
  text: string
  values: readonly unknown[]
  /** Of its answer; null: it was refused. */
  digest: string | null
}

/** Times are others whenever something is carried out again. */
function digestOf(text: string, { rows, changes, lastInsertRowid }: SqliteAnswer): string {
  const told = [rows, countsRows.test(text) ? changes : 0, inserts.test(text) ? String(lastInsertRowid) : '']
  return createHash('sha256').update(JSON.stringify(told).replace(moments, '')).digest('base64').slice(0, 22)
}

const otherAnswers: DatabaseFailure = bare({
  kind: 'statement',
  message:
    'to rebuild a table that others refer to, its transaction was begun anew without foreign keys, and what it had sent before had other results this time (random values?); begin it with `PRAGMA foreign_keys = OFF`',
})

/**
 * What the code has sent in a transaction of ours, to be carried out again where foreign keys turn out to be in the
 * way: `PRAGMA foreign_keys` does nothing inside a transaction, so that only a new one can go without. The code itself
 * does not run twice: so every answer that it got, and may have built on, must come again.
 */
export class CodeJournal {
  readonly #owner: CodeOwner
  readonly #send: SqliteSend
  #noted: Noted[] = []
  isUnenforced = false

  constructor(owner: CodeOwner, send: SqliteSend) {
    this.#owner = owner
    this.#send = send
  }

  /** @param answer null: it was refused */
  note({ text, values }: { text: string; values: readonly unknown[] }, answer: SqliteAnswer | null): void {
    if (this.isUnenforced) return
    this.#noted.push({ text, values, digest: answer === null ? null : digestOf(text, answer) })
  }

  /** Throws `DatabaseError`. */
  async replayUnenforced(): Promise<void> {
    await this.#owner.beginUnenforced()
    this.isUnenforced = true
    const all = this.#noted
    this.#noted = []
    for (const { text, values, digest } of all) {
      // What was refused changed nothing, and might be carried out now.
      if (digest === null && !keepsRows.test(text)) continue
      try {
        const answer = await this.#send(text, values)
        if (digest !== null && digestOf(text, answer) !== digest) throw new DatabaseError(otherAnswers)
      } catch (error) {
        if (digest !== null) throw error
      }
    }
  }
}
