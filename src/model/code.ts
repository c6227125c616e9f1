import type { DialectName } from './server.ts'

/**
 * A session of ours for a migration that is code, dressed up as what the driver hands out: the user's own Knex or
 * Sequelize works on it and opens no connection. A dialect makes it ({@link CodeRequest}), a format's binding uses it.
 */
export interface CodeSession {
  readonly dialect: DialectName
  /** As the server says it (`18.4`, `10.11.19-MariaDB`): tools that would open a connection to ask are told. */
  readonly serverVersion: string
  /** The target's schema; null: a whole database. */
  readonly schema: string | null
  readonly database: string
  /** The same object for every session over one connection: what is dear to make can be kept for it (a WeakMap). */
  readonly owner: object
  /** As asked for: a transaction of ours holds all of it. False also where code that wanted one is run again without. */
  readonly transaction: boolean
  /**
   * A client as the driver makes them (`pg.Client`; a connection of `mysql2` with callbacks). One for each acquire of
   * the tool's pool, so that transactions that overlap are noticed. Its `end`, `release` and `connect` do nothing.
   * Once the migration is over, every further query of it fails.
   */
  acquire(): unknown
  /**
   * Set by a binding that opens the outermost of the code's transactions itself (`knex.transaction(trx => up(trx))`):
   * its RELEASE is held back, too, so that it travels with what {@link finish} hands over. Default: false.
   */
  holdsOutermost: boolean
  /**
   * To be called when the code has returned. Waits for what it has queued, and fails if a transaction of the code's own
   * is still open, if ours is gone, or if it swallowed a failure that ended the transaction. Hands over what is still
   * held back, unsent: the caller sends it first in its next message, before its own rows. Throws {@link CodeFault},
   * `DatabaseError`.
   */
  finish(): Promise<readonly HeldStatement[]>
  /** Refuses everything from now on. Idempotent; called after `finish` and after a failure. */
  close(): void
  /** The server's own error behind what the code threw, with the statement that caused it; null: not the server's. */
  failureOf(error: unknown): CodeFailure | null
  /** Statements that change something, sent so far (held-back ones too), and the chained hash over them. */
  readonly done: number
  readonly prefix: string
  /** With `preview`: the statements that would have been sent, in order. */
  readonly collected: readonly string[]
}

/** A statement of the code that was answered and not sent yet. */
export interface HeldStatement {
  text: string
  /** 1-based number among the statements that the code sent. */
  statement: number
  /** Its first words. */
  kind: string
}

/** A statement of a code migration that the server refused. */
export interface CodeFailure {
  failure: import('./dialect.ts').DatabaseFailure
  /** 1-based number among the statements that the code sent, and its first words: never a value. */
  statement: number
  kind: string
}

/** How a dialect is asked for a {@link CodeSession}. */
export interface CodeRequest {
  schema: string | null
  sharedSchema: string
  /**
   * True: we have opened a transaction; the code's own become savepoints in it, and it cannot end ours. False: the
   * code's own transactions are real, and what it sends outside of them commits by itself.
   */
  transaction: boolean
  /**
   * Where statements commit by themselves (with `transaction: false`, in every dialect): the first `done` changing statements have been carried out by an earlier run, so they
   * are answered without being sent; when their texts and values do not hash to `prefix`, a {@link CodeFault} of
   * `diverged` is thrown before anything is sent. The changing statement after them was perhaps carried out, too:
   * `mustRun` is awaited with its text (null: it was not), and false answers it without sending it; it then counts as
   * done. What `mustRun` throws goes into the code. null: from the start.
   */
  resume: { done: number; prefix: string; mustRun: ((text: string) => Promise<boolean>) | null } | null
  /**
   * SQL that records how many changing statements are done: sent in the same transaction where the code has one open,
   * else after each statement. null: nobody counts (a transaction of ours holds everything).
   */
  progress: ((done: number, prefix: string) => readonly string[]) | null
  /**
   * What the session's lock time-out is, in ms: statements that wait for others and would leave a rest behind when they
   * are cancelled (`CONCURRENTLY`) are sent without one, unless the code sets its own. Absent: it is none of ours.
   */
  lockTimeoutMs?: number
  /** Carries out reads only; what would change something is collected and answered with nothing. */
  preview: boolean
}

/** What code did that no server would have told. */
export type CodeFaultKind =
  | 'left-open' // a transaction it began is still open
  | 'rolled-back' // it rolled back what it runs in, and returned as if all were well
  | 'ended-ours' // it ended the transaction it runs in
  | 'overlapping' // it ended a transaction while a later one was still open
  | 'late' // it went on after it had returned
  | 'diverged' // going on after an interruption, it took another way
  | 'own-connection' // it tried to open a connection of its own
  | 'exit' // it called process.exit

/** Thrown into the code, and again at the end however the code took it. */
export class CodeFault extends Error {
  override readonly name = 'CodeFault'
  readonly kind: CodeFaultKind

  constructor(kind: CodeFaultKind, message: string) {
    super(message)
    this.kind = kind
  }
}

/** What a code migration is given to work with. */
export interface CodeContext {
  session: CodeSession
  direction: 'up' | 'down'
  /** Name of the target, for messages. */
  target: string
  /** Aborted when the run is cancelled or a time limit is over. */
  signal: AbortSignal
}

/** What code made of being called without a database. */
export interface BuiltSql {
  /** null: it asks the database, or does not build the same twice: it has to be run for each target. */
  text: string | null
  /** False: it asks not to be run in a transaction. */
  transaction: boolean
}

/** One direction of a code migration whose file has been read. */
export interface LoadedCode {
  /** null: the file has no such function. */
  run: ((context: CodeContext) => Promise<void>) | null
  /** False: the file asks not to be run in a transaction. */
  transaction: boolean
  /** The function is there and does nothing. */
  empty: boolean
  /**
   * For code that only builds SQL (node-pg-migrate): calls it once for all targets, with no database to ask, so that what
   * it builds is compiled, previewed and sent like a file of SQL. Absent: the code sends what it does itself. Throws what
   * the code throws.
   */
  build?: () => Promise<BuiltSql>
  /** Session settings that the tool makes when it connects (`SET …`): in force for this code only. Absent: none. */
  session?: (dialect: DialectName) => readonly string[]
  /** What its text plainly takes away, for who reads it before it runs; never all that it may. Absent: not looked for. */
  removals?: readonly CodeRemoval[]
}

/** A call that takes something away or renames it, with the names as the code writes them. */
export type CodeRemoval = { table: string; at: { line: number; column: number } } & (
  | { action: 'drop-table' }
  | { action: 'drop-column'; column: string }
  | { action: 'rename-table'; to: string }
  | { action: 'rename-column'; column: string; to: string }
)
