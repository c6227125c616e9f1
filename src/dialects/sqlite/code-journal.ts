import type { CodeOwner, SqliteSend } from './code-session.ts'

/** A statement that keeps the rows it had changed before one was refused. */
const keepsRows = /\bor\s+fail\b/i

interface Noted {
  text: string
  values: readonly unknown[]
  failed: boolean
}

/**
 * What the code has changed in a transaction of ours, to be carried out again where foreign keys turn out to be in the
 * way: `PRAGMA foreign_keys` does nothing inside a transaction, so that only a new one can go without. The code itself
 * does not run twice.
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

  note({ text, values }: { text: string; values: readonly unknown[] }, failed: boolean): void {
    if (!this.isUnenforced) this.#noted.push({ text, values, failed })
  }

  /** Throws `DatabaseError`. */
  async replayUnenforced(): Promise<void> {
    await this.#owner.beginUnenforced()
    this.isUnenforced = true
    const all = this.#noted
    this.#noted = []
    for (const { text, values, failed } of all) {
      // What was refused changed nothing, and might be carried out now.
      if (failed && !keepsRows.test(text)) continue
      try {
        await this.#send(text, values)
      } catch (error) {
        if (!failed) throw error
      }
    }
  }
}
