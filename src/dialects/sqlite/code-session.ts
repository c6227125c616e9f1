import type { CodeFailure, CodeRequest, CodeSession, HeldStatement } from '../../model/code.ts'
import { CodeClient } from './code-client.ts'
import { CodeLine } from './code-line.ts'

/** What a value of a statement may be; dates and booleans are made fit for SQLite, as elsewhere in this dialect. */
export type CodeValues = readonly unknown[] | Readonly<Record<string, unknown>>

/** What became of one statement. */
export interface SqliteAnswer {
  rows: Record<string, unknown>[]
  /** Names of the rows' columns, in order; none where the statement gives no rows. */
  columns: string[]
  /** Rows that it changed; 0 where it only read. */
  changes: number
  /** Of the last row that the connection inserted. */
  lastInsertRowid: number | bigint
}

/** Carries out exactly one statement. Throws `DatabaseError`. */
export type SqliteSend = (text: string, values: readonly unknown[]) => Promise<SqliteAnswer>

/** The connection that a session of code works on. */
export interface CodeOwner {
  readonly database: string
  /** `3.45.1`. */
  readonly serverVersion: string
  readonly broken: boolean
  /** A transaction is open; null: nobody can tell. */
  readonly inTransaction: boolean | null
  /**
   * Begins the transaction that is open anew, with what was sent in it before the code, and foreign keys not enforced
   * in it: the PRAGMA does nothing inside of one. What they would have refused is refused at the COMMIT. Throws
   * `DatabaseError`.
   */
  beginUnenforced(): Promise<void>
}

/** What `acquire()` gives: one for each acquire, so that transactions that overlap are noticed. */
export interface SqliteCodeClient {
  /**
   * Carries out a statement, or several one after the other, of which the last answers. An object gives values by name
   * (`:a`, `@a`, `$a`), with or without the mark in front. Throws what SQLite said as an `Error` with `code`
   * (`SQLITE_CONSTRAINT_UNIQUE`) and `errno`, or `CodeFault`.
   */
  execute(text: string, values?: CodeValues): Promise<SqliteAnswer>
}

/**
 * A session of ours for migrations that are code. What it sends goes through `send`, which a file and a remote server
 * offer alike.
 */
export function openCodeSession(owner: CodeOwner, send: SqliteSend, request: CodeRequest): CodeSession {
  return new SqliteCodeSession(owner, send, request)
}

class SqliteCodeSession implements CodeSession {
  readonly dialect = 'sqlite'
  readonly serverVersion: string
  readonly schema = null
  readonly database: string
  readonly owner: object
  readonly transaction: boolean
  /** Nothing is held back here: a file answers at once. */
  holdsOutermost = false
  readonly #line: CodeLine

  constructor(owner: CodeOwner, send: SqliteSend, request: CodeRequest) {
    this.serverVersion = owner.serverVersion
    this.database = owner.database
    this.owner = owner
    this.transaction = request.transaction
    this.#line = new CodeLine(owner, send, request)
  }

  get done(): number {
    return this.#line.tally.done
  }

  get prefix(): string {
    return this.#line.tally.prefix
  }

  get collected(): readonly string[] {
    return this.#line.collected
  }

  acquire(): SqliteCodeClient {
    return new CodeClient(this.#line)
  }

  finish(): Promise<readonly HeldStatement[]> {
    return this.#line.finish()
  }

  close(): void {
    this.#line.close()
  }

  failureOf(error: unknown): CodeFailure | null {
    return this.#line.failures.find(error)
  }
}
