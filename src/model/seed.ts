import type { ErrorDocument } from './errors.ts'
import type { Notice } from './migration.ts'
import type { RunSignals, Selectors } from './report.ts'

/** What a seed that is a module is given. */
export interface SeedContext {
  /**
   * One statement on our connection, in the transaction of this seed: committed when `run` returns, undone when it
   * throws or a statement fails. Placeholders are the server's own (`$1`, `?`). COMMIT and ROLLBACK are refused.
   */
  query(text: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>
  /** Whose rows: in tables that tenants share, each of them in turn; null: a target of several, with `scope: 'target'`. */
  tenant: { id: string; slug: string; name: string | null } | null
  /** The name asked for by `--env`, TENANTRY_ENV or NODE_ENV; null: none was. */
  environment: string | null
  /** `server/database` or `server/database/schema`. */
  target: string
  /** Aborted when the run is cancelled. */
  signal: AbortSignal
}

/** A seed that is a module: `export default defineSeed({ … })`. It must be possible to run it again. */
export interface SeedDefinition {
  run(context: SeedContext): Promise<unknown>
  /** Run every time, not only where the file is new or changed. Default: false. */
  always?: boolean
  /** Only targets of this set of migrations. Default: all. */
  set?: string
  /** Where tenants share tables: `tenant` runs once for each of them, `target` once for all. Default: `tenant`. */
  scope?: 'tenant' | 'target'
}

/**
 * `kept`: somebody changed or deleted it since it was seeded, or it was there before, so it was left as it is. `removed`:
 * it is no longer in the file, and was left as it is. `deleted`: it was taken away, as the file says.
 */
export type SeedRowState = 'inserted' | 'updated' | 'kept' | 'removed' | 'deleted'

/** A row that is worth a line. */
export interface SeedRowNote {
  /** Its natural key: `name=Admin`. */
  row: string
  state: SeedRowState
  /** `edited: label`, `deleted since`, `there before, and different: label`. null: nothing to add. */
  why: string | null
}

/** One file in one target; in tables that tenants share, for one of them. */
export interface SeedOutcome {
  /** Path in the folder of seeds: `010_roles.json`, `production/020_plans.csv`. */
  seed: string
  kind: 'sql' | 'code' | 'rows'
  /** Slug, where it was done tenant by tenant; null: the target's. */
  tenant: string | null
  /** `pending`: a dry run found something to do. `skipped`: not begun, after a failure or an interrupt. */
  result: 'applied' | 'up-to-date' | 'pending' | 'failed' | 'skipped'
  /** Rows of data files; 0 for SQL and code, whose rows are not counted. */
  inserted: number
  updated: number
  unchanged: number
  kept: number
  removed: number
  deleted: number
  /** Rows that changed, or did not although the file says so; the first 100. */
  rows: readonly SeedRowNote[]
}

export interface SeedTargetResult {
  target: string
  /** Slugs of those selected. */
  tenants: readonly string[]
  result: 'applied' | 'up-to-date' | 'pending' | 'failed' | 'stopped'
  seeds: readonly SeedOutcome[]
  durationMs: number
  error: ErrorDocument | null
}

export interface SeedReport {
  command: 'seed'
  ok: boolean
  dryRun: boolean
  environment: string | null
  summary: {
    targets: number
    applied: number
    upToDate: number
    pending: number
    failed: number
    stopped: number
    inserted: number
    updated: number
    unchanged: number
    kept: number
    removed: number
    deleted: number
  }
  targets: readonly SeedTargetResult[]
  notices: readonly Notice[]
  durationMs: number
  /** An interrupt ended it early; files under way were finished. */
  interrupted: boolean
}

export interface SeedOptions {
  /** Some of the tenants of a target may be selected. */
  selectors?: Selectors
  /** Names of seeds (path, stem, unique number or beginning). Default: all, in order. */
  only?: readonly string[]
  /** Carries data files and SQL out in a transaction that is rolled back; code is not run. */
  dryRun?: boolean
  signal?: RunSignals
}
