import type { ErrorDocument } from './errors.ts'
import type { HistoryShape, HistorySnapshot } from './history.ts'
import type { Migration, Notice } from './migration.ts'
import type { Target } from './tenant.ts'

/** A history row that no file accounts for, or that accounts for another file. */
export interface RenamedMigration {
  from: string
  to: string
}

/** A migration that is recorded as begun and not finished. */
export interface HalfDone {
  migration: string
  direction: 'up' | 'down'
  statementsDone: number
  statementsTotal: number
  /** `native`: the tool's own table says so (Prisma's failed row); `ledger`: ours does. */
  source: 'ledger' | 'native'
  /** The ledger says half-done, and the tool's own table that it was rolled back: only a person can tell. */
  disputed?: true
  /** With a mark: it cannot be told whether an up to it or a down from the next one has failed. */
  dirty?: true
  /** What its tool says of such a row and how it clears it up, where `source` is `native`. Absent: see {@link logs}. */
  called?: NonNullable<HistoryShape['failed']>
  /** What the tool itself noted about the failure, where `source` is `native`. */
  logs?: string
}

/**
 * What one history means for a folder of migrations. Pure: the same snapshot gives the same object, and targets
 * with equal histories share it.
 */
export interface Standing {
  snapshot: HistorySnapshot
  /** Applied, in the order of the folder. */
  applied: readonly Migration[]
  /** Applied, latest application last. */
  appliedOrder: readonly Migration[]
  pending: readonly Migration[]
  halfDone: readonly HalfDone[]
  /** Applied, and the file is not what it was. */
  changed: readonly Migration[]
  /** Rows without a file. */
  missing: readonly string[]
  /** Pending, but older than something applied. */
  outOfOrder: readonly Migration[]
  /** Applied, and nothing proves that the file is what it was. */
  unverified: readonly Migration[]
  /** Pending by name, but its content is recorded under a name that has no file: never run again. */
  renamed: readonly RenamedMigration[]
  /** The history is one mark, which can be moved at its end only. Absent: each migration has a row. */
  marked?: true
  /** With a mark: pending, and below what is recorded as applied, so that it has no place any more. Absent: none. */
  late?: readonly Migration[]
  /** Counts as applied because a row says so of everything up to a number: no undo can tell it otherwise. Absent: none. */
  floor?: readonly Migration[]
  /** Rows of what only the tool itself can run, without a file here. Absent: none. */
  foreign?: readonly string[]
  /** The history holds rows by which the tool itself has undone something. Absent: it holds none. */
  undoes?: true
  /** How new rows spell their key, following the rows that are there. */
  keyStyle: 'id' | 'number' | 'file'
}

/** What would happen to one target. */
export interface TargetPlan {
  target: Target
  set: string
  standing: Standing
  /** What would run, in this order; empty: nothing to do, or `error` says why nothing may be done. */
  steps: readonly PlannedStep[]
  /** Stops this target before it is touched. */
  error: ErrorDocument | null
  missingTables: readonly string[]
  /** Its history has not been read: that happens when its turn comes, over the connection that then migrates it. */
  unread?: true
  /** Schema that holds the history table; the ledger is beside it. */
  historySchema: string
  historyTable: string
}

export interface PlannedStep {
  migration: Migration
  direction: 'up' | 'down'
}

/** Everything that would happen, set by set. */
export interface Plan {
  sets: readonly SetPlan[]
}

export interface SetPlan {
  set: string
  migrations: readonly Migration[]
  targets: readonly TargetPlan[]
  notices: readonly Notice[]
}
