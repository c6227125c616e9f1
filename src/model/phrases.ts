import type { AdvisoryLock, ColumnType, HistoryShape } from './history.ts'

/** Settings local to one transaction (or, for autocommit steps, to one session until reset). */
export interface TransactionSettings {
  /** The target's schema; null: the connection's default. */
  schema: string | null
  /** Where shared extension objects are: second on the search path. */
  sharedSchema: string
  lockTimeoutMs: number
  statementTimeoutMs: number
  idleInTransactionTimeoutMs: number
  /** `session` statements of the set, already checked. */
  session: readonly string[]
  /**
   * False: its commit need not wait for the disk, since a later one on this connection does, and takes it along: what a
   * crash of the server then loses, it loses with its history row. Absent: it waits.
   */
  durable?: false
  /** Something before it in this session may have left settings behind: they are forgotten first. Absent: nothing. */
  forgetFirst?: true
}

/** Refuses to go on when the history is not as the plan found it. */
export interface TransactionGuard {
  /** Absent rows are expected (`up`), or present ones (`down`). */
  expect: 'absent' | 'present'
  history: { schema: string; table: string; shape: HistoryShape; keys: readonly string[] }
  /** Of a migration that repeats: only a last row with one of these checksums is one too many. Absent: it does not repeat. */
  checksums?: readonly string[]
  /** A history that is one mark: the key at which it must stand (null: nowhere), or that may be begun. Absent: it is none. */
  mark?: { at: string | null; begun: string | null }
  /** Ids of which the ledger must not hold a half-done row (`up` in one transaction); empty: not asked. */
  notHalfDone: readonly string[]
}

/** What marks a transaction as ours. */
export interface TransactionMark {
  /** Key of the target's lock, tried at once; null: it is held already, by a {@link TargetLock}. */
  lockKey: string | null
  /** Unique per transaction: proves at the end that it is still the one we opened. */
  token: string
  /** The adopted tool's advisory lock, taken shared for this transaction; absent: it has none. */
  nativeLock?: AdvisoryLock
}

/** The SQL that engine wraps around bodies, in this dialect's words. */
export interface Phrases {
  /** Opens a transaction with its settings; fails with `locked` where another run holds the target. */
  begin(settings: TransactionSettings, mark: TransactionMark, version: number): string[]
  /** Fails with `already-applied` where the history changed. After the lock, in a statement (and snapshot) of its own. */
  guard(guard: TransactionGuard): string
  /** The settings alone, again: between bodies that share a transaction. */
  settings(settings: TransactionSettings, version: number): string[]
  /** Undoes a role change of the body, so that rows are written as ourselves. */
  resetRole(settings: TransactionSettings): string[]
  /** An integer expression that is `value`, and fails with `left-transaction` unless the transaction is still ours. */
  checked(mark: TransactionMark, value: number): string
  /** Makes a target's half-done state visible to a bulk read; null: takes that mark away, unless another row of the ledger is half-done. Part of a transaction, after the rows. */
  markHalfDone(schema: string, text: string | null): string[]
  /** Forgets all that a body may have left in its session, session locks too; outside a transaction. */
  reset: readonly string[]
  /**
   * Takes the adopted tool's lock row, making table and row where they are missing; fails with `native-locked`. In a
   * transaction of its own, committed: the tool must see it. What an earlier run of ours left is taken over.
   */
  takeNativeLock(schema: string, table: string, lock: { key: string; column: string }): string[]
  /** Gives it back. */
  releaseNativeLock(schema: string, table: string, lock: { key: string; column: string }): string[]
  /** What makes commits durable that did not wait for the disk, where nothing else follows them. */
  flush: readonly string[]
  commit: string
  rollback: string
  columnType(type: ColumnType): string
  /** The expression as text, to compare a key of any type with. */
  asText(expression: string): string
  /** Expression for the server's clock, for a random UUID. */
  now: string
  /** The server's clock, as {@link HistoryShape.values} asks for with `stored`. */
  nowStored: string
  uuid: string
  /** The time as `Date.toISOString` writes it, or `after` (an SQL text of that kind, or NULL) where that is later. */
  nowText(after: string): string
  /** Expression for the name of the session's user; an empty text where there are none. */
  user: string
  /** An index of a history table: a piece of its CREATE TABLE, or a statement that follows it. Repeatable. */
  tableIndex(schema: string, table: string, name: string, column: string): { inside: string } | { after: string }
  /** Milliseconds since this transaction began, as an integer expression. */
  elapsedMs: string
}
