import type { ErrorDocument } from './errors.ts'
import type { Notice } from './migration.ts'
import type { Difference } from './picture.ts'
import type { RunSignals, Selectors } from './report.ts'
import type { Summary, TargetResult } from './rollout.ts'

/** What `drift` found. */
export interface DriftReport {
  command: 'drift'
  ok: boolean
  /** Largest first; the reference's own cluster is marked. */
  clusters: readonly DriftCluster[]
  /** Targets that could not be looked at, or that no reference can be built for: half-done, or applied out of order. */
  failures: readonly { target: string; error: ErrorDocument }[]
  /** Targets with pending migrations, sorted: compared with what their applied ones build. */
  behind: readonly string[]
  notices: readonly Notice[]
  durationMs: number
}

/** Targets whose schemas are equal. */
export interface DriftCluster {
  /** Set of migrations; names joined by `, ` where several serve the same targets. */
  set: string
  targets: number
  /** Its schema is what the migrations build (with `between`: what most targets have). */
  reference: boolean
  /** Some of its targets' names, sorted; at most ten. */
  sample: readonly string[]
  /** All of its targets' names. */
  names: readonly string[]
  /** Against the reference. */
  differences: readonly Difference[]
}

export interface DriftOptions {
  selectors?: Selectors
  /** Compare targets with each other, without a reference. */
  between?: boolean
  /** What is built on the scratch server is removed also when it is interrupted. */
  signal?: RunSignals
}

/** Something that `verify` found in one target. */
export interface VerifyFinding {
  rule:
    | 'missing-table'
    | 'changed'
    | 'missing-file'
    | 'out-of-order'
    | 'half-applied'
    | 'claimed-and-missing'
    | 'invalid-index'
    | 'not-valid-constraint'
    | 'sequence-behind'
    | 'tenant-column'
    | 'row-security'
    | 'numbering-gap'
  severity: 'error' | 'warning'
  /** A table, an index, `orders.id`; of a history the migration. */
  object: string
  message: string
  hint: string | null
}

export interface VerifyReport {
  command: 'verify'
  /** False where a target has an error among its findings, or could not be looked at. Warnings leave it true. */
  ok: boolean
  /** Targets without an error. */
  healthy: number
  needsAttention: number
  targets: readonly {
    target: string
    set: string
    tenants: readonly string[]
    findings: readonly VerifyFinding[]
    /** It could not be looked at. */
    error: ErrorDocument | null
  }[]
  notices: readonly Notice[]
  durationMs: number
}

export interface VerifyOptions {
  selectors?: Selectors
  /** What is built on the scratch server is removed also when it is interrupted. */
  signal?: RunSignals
}

export interface ProvedMigration {
  set: string
  migration: string
  /**
   * `reversible`: up, down and up again give the same schema, and rows that were there come back. `lossy`: the schema
   * does, and rows do not. `one-way`: there is no undo. `broken`: an undo fails, or leaves another schema.
   */
  verdict: 'reversible' | 'lossy' | 'one-way' | 'broken'
  /** The kind of scratch target it was proved on. */
  topology: 'schema' | 'database'
  /** Why, where it is not reversible. */
  detail: string | null
  differences: readonly Difference[]
  error: ErrorDocument | null
  /** Known from an earlier proof of the same files. */
  cached: boolean
}

export interface ProveReport {
  command: 'prove'
  /** False where one is broken, or could not be applied. */
  ok: boolean
  migrations: readonly ProvedMigration[]
  notices: readonly Notice[]
  durationMs: number
}

export interface ProveOptions {
  selectors?: Selectors
  /** Begin from this tenant's schema instead of an empty one. */
  like?: string
  /** Take its rows, too. */
  withData?: boolean
  /** Look at nothing that was proved before. */
  fresh?: boolean
  /** What is built on the scratch server is removed also when it is interrupted. */
  signal?: RunSignals
}

export interface BackfillReport {
  command: 'backfill'
  ok: boolean
  dryRun: boolean
  /** Under this id it is in the ledgers; null: nothing was to be changed. */
  rollout: string | null
  summary: Summary
  targets: readonly BackfillResult[]
  notices: readonly Notice[]
  /** An interrupt ended it early; what was under way is done or undone. */
  interrupted: boolean
}

/** `applied`: something was made; `pending`: it would be. */
export interface BackfillResult extends TargetResult {
  /** What was missing and was made, or would be: `index orders_client_idx`. */
  made: readonly string[]
  /** What differs from what the migrations make, and is left alone. */
  left: readonly Difference[]
  /** What was run, or would be. */
  statements: readonly string[]
}

export interface BackfillOptions {
  selectors?: Selectors
  dryRun?: boolean
  signal?: RunSignals
}
