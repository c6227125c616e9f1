import type { ErrorDocument } from './errors.ts'
import type { Notice } from './migration.ts'
import type { RunSignals, Selectors } from './report.ts'

/** A key as text, a part for each of its columns, as the server itself writes it. Numbers lose no digit. */
export type DataKey = readonly string[]

/** What one batch of a data change that is a function is given. */
export interface DataBatch {
  /**
   * One statement on our connection, in the batch's own transaction: what it changes is committed together with the
   * cursor, or not at all. Placeholders are the server's own (`$1`, `?`). Throws what the server says; a batch that
   * fails is undone as a whole. COMMIT and ROLLBACK are refused.
   */
  query(text: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>
  /** First and last key of the batch, both inclusive. A key of several columns is a list. */
  from: string | DataKey
  to: string | DataKey
  /** Every key of the batch, in order. */
  keys: readonly (string | DataKey)[]
  /** Whose rows: set where a change goes tenant by tenant, or where a target has one tenant. */
  tenant: { id: string; slug: string } | null
  /** `server/database` or `server/database/schema`. */
  target: string
  /** Aborted when the run is cancelled. */
  signal: AbortSignal
}

/** A data change that is a module: `export default defineDataChange({ … })`. */
export interface DataChangeDefinition {
  /** Whose rows are walked; without a schema. */
  table: string
  /** Column or columns of a unique key without NULLs, in the order of its index. */
  key: string | readonly string[]
  /** How long one batch should take. Default: `dataChanges.chunkMs` of the config, else 100. */
  chunkMs?: number
  /** A migration that must have been applied in a target before the change begins there: its id or number. */
  after?: string
  /** SQL that gives the number of rows there are; `:tenant` in it is the tenant's id. Default: the table is counted. */
  count?: string
  /** Only targets of this set of migrations. Default: all. */
  set?: string
  /**
   * `tenant`: in tables that tenants share, each tenant's rows by themselves, with a cursor of their own. `target`: all
   * rows of a target in one walk. Default: `tenant`.
   */
  scope?: 'tenant' | 'target'
  batch(batch: DataBatch): Promise<unknown>
}

/**
 * `pending`: not begun, or begun and waiting for the next run. `running`: a run is at work right now. `stuck`: its
 * batches get nowhere, and it was stopped for that.
 */
export type DataChangeState = 'pending' | 'running' | 'paused' | 'done' | 'failed' | 'stuck'

/** How far one change is in one target; in tables that tenants share, for one tenant. */
export interface DataChangeProgress {
  change: string
  target: string
  /** Slug, where the change goes tenant by tenant; null: all rows of the target. */
  tenant: string | null
  state: DataChangeState
  /** Rows walked so far, all runs together. */
  rowsDone: number
  /** How many there are; an estimate of the server for large tables. null: not known yet. */
  rowsTotal: number | null
  /** With `dryRun`: rows that a run would walk. */
  rowsLeft: number | null
  batches: number
  /** At the pace of this run; null: not known. */
  etaMs: number | null
  /** The last run that worked on it. */
  run: string | null
  startedAt: string | null
  updatedAt: string | null
  finishedAt: string | null
  /** `user@host` of that run. */
  by: string | null
  /** The file is not what it was when the walk began. */
  changed: boolean
  error: ErrorDocument | null
}

export interface DataChangeReport {
  command: 'backfill-data run' | 'backfill-data status' | 'backfill-data pause'
  ok: boolean
  dryRun: boolean
  /** Under this id it is in the targets; null: nothing was to be changed. */
  run: string | null
  summary: {
    done: number
    pending: number
    running: number
    paused: number
    failed: number
    stuck: number
    rows: number
  }
  targets: readonly DataChangeProgress[]
  notices: readonly Notice[]
  durationMs: number
  /** An interrupt ended it early; the batches under way were finished, and the next run goes on from there. */
  interrupted: boolean
}

/** One file of the folder. */
export interface DataChangeInfo {
  change: string
  file: string
  kind: 'sql' | 'code'
  table: string | null
  /** Empty: it has no key, and is repeated while rows remain. */
  key: readonly string[]
  chunkMs: number
  after: string | null
  set: string | null
  scope: 'tenant' | 'target'
}

export interface DataChangeList {
  command: 'backfill-data list'
  ok: boolean
  /** In the order in which they are run. */
  changes: readonly DataChangeInfo[]
  notices: readonly Notice[]
}

export interface DataChangeRunOptions {
  /** Name of a change (file stem, or a unique number or beginning of it). Default: all, in order. */
  change?: string
  selectors?: Selectors
  /** Counts only; changes nothing. */
  dryRun?: boolean
  /** Walk again from the first row, also where it is done. */
  restart?: boolean
  /** Go on where a walk was begun with another text of the file. */
  allowChanged?: boolean
  signal?: RunSignals
}

/** Batched changes of rows, target by target. A part of a target's tenants may be selected. */
export interface DataChanges {
  /** What is in the folder. Connects to nothing. Throws MIGRATIONS_UNREADABLE. */
  list(): Promise<DataChangeList>
  /**
   * Carries out a change, or all of them, from where each target is. A failed target stops no other; in it, later
   * changes are not begun. Throws for what is wrong with files and selectors.
   */
  run(options?: DataChangeRunOptions): Promise<DataChangeReport>
  /** A run that is at work stops after its batch and begins nothing more of it; the next `run` goes on. */
  pause(options?: { change?: string; selectors?: Selectors }): Promise<DataChangeReport>
  /** How far each is. Read-only. */
  status(options?: { change?: string; selectors?: Selectors }): Promise<DataChangeReport>
}
