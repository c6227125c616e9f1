import type { ErrorDocument } from './errors.ts'
import type { Notice } from './migration.ts'
import type { Summary, TargetResult, WaveResult } from './rollout.ts'

/** Which tenants. All given conditions must hold; nothing given: every active tenant. */
export interface Selectors {
  /** Ids, slugs, or unique schema or database names. */
  tenants?: readonly string[]
  /** `key=value`; all must match. */
  labels?: readonly string[]
  servers?: readonly string[]
  exclude?: readonly string[]
  /** Share of targets, 1–100, stable by hash. */
  percent?: number
  /** Most targets. */
  limit?: number
  sets?: readonly string[]
  shard?: { index: number; of: number }
}

/** What `up`, `down`, `plan` and `status` return; `--json` prints it as it is. */
export interface FleetReport {
  command: 'up' | 'down' | 'plan' | 'status' | 'check' | 'baseline'
  /** null where nothing is carried out. */
  rollout: string | null
  ok: boolean
  summary: Summary
  targets: readonly TargetResult[]
  waves: readonly WaveResult[]
  notices: readonly Notice[]
  error: ErrorDocument | null
  /** An interrupt ended it early. */
  interrupted: boolean
}

/** What `plan` adds for people and for `--out`. */
export interface PlanReport extends FleetReport {
  /** Per set, what each pending migration is and why it runs the way it does. */
  migrations: readonly PlannedMigrationReport[]
  /** SHA-256 over what would run where. */
  hash: string
}

export interface PlannedMigrationReport {
  set: string
  migration: string
  direction: 'up' | 'down'
  targets: number
  mode: 'transaction' | 'steps' | 'code'
  /** Why this transaction mode. */
  reason: string
  statements: number
  destructive: readonly string[]
  extensions: readonly string[]
  notices: readonly Notice[]
  problems: readonly Notice[]
  hasUndo: boolean
  /** `empty`: there is an undo, and it does nothing. */
  undo: 'present' | 'missing' | 'empty'
}

/** What `status` adds per target. */
export interface StatusReport extends FleetReport {
  healthy: number
  needsAttention: number
  details: readonly TargetStatus[]
}

export interface TargetStatus {
  target: string
  set: string
  tenants: readonly string[]
  healthy: boolean
  /** Ids in the order of application. */
  applied: readonly string[]
  renamed: readonly { from: string; to: string }[]
  halfDone: readonly { migration: string; direction: 'up' | 'down'; statementsDone: number; statementsTotal: number }[]
  /** Required tables that are missing. */
  missingTables: readonly string[]
  requiredTables: readonly string[]
}

/** What `explain` returns. */
export interface ExplainReport {
  command: 'explain'
  ok: boolean
  tenant: string
  targets: readonly (TargetStatus & {
    pending: readonly string[]
    /** Why nothing may be done there now, or nothing is known; null or absent: it can be read and goes on. */
    error?: ErrorDocument | null
    /** The last thing that a rollout recorded for this target. */
    last: { rollout: string; at: string; result: string; error: ErrorDocument | null } | null
    /** What the catalog says about an interrupted statement. */
    probe: { migration: string; statement: number; kind: string; verdict: string; reason: string } | null
    /** Commands that could follow, most likely first. */
    next: readonly { command: string; why: string }[]
  })[]
}

export interface RolloutListItem {
  id: string
  command: 'up' | 'down'
  state: 'running' | 'done' | 'failed' | 'stopped' | 'interrupted' | 'abandoned'
  startedAt: string
  finishedAt: string | null
  summary: Summary
}

export interface RolloutReport extends FleetReport {
  state: RolloutListItem['state']
  startedAt: string
  finishedAt: string | null
}

export interface MakeReport {
  command: 'make'
  ok: boolean
  /** Paths written, relative to the working directory. */
  files: readonly string[]
}

export interface PlanOptions {
  selectors?: Selectors
  to?: string
  allowChanged?: boolean
  strictOrder?: boolean
}

export interface UpOptions extends PlanOptions {
  maxFailures?: { count: number } | { percent: number }
  /** Shell command run per target before something destructive; the target is told by environment variables. */
  backup?: string
  signal?: RunSignals
}

export interface DownOptions {
  selectors?: Selectors
  /** Exactly this one. */
  migration?: string
  steps?: number
  /** Everything after it. */
  to?: string
  /** Everything of the last batch, where the history has batches. */
  batch?: boolean
  allowDataLoss?: boolean
  allowChanged?: boolean
  maxFailures?: { count: number } | { percent: number }
  backup?: string
  signal?: RunSignals
}

/** How a caller stops a run: `drain` starts nothing new, `cancel` also cancels what runs in the servers. */
export interface RunSignals {
  drain: AbortSignal
  cancel: AbortSignal
}

export interface BaselineOptions {
  selectors?: Selectors
  /** Up to and including this one. */
  to?: string
  /** Only this one. */
  migration?: string
  rename?: { from: string; to: string }
  /** Mark also where the target's schema does not have what the migration makes. */
  force?: boolean
}

/** What `adopt` found, before anything is believed. */
export interface AdoptReport {
  command: 'adopt'
  ok: boolean
  sets: readonly AdoptedSet[]
  /** The config was written or is already there; null: nothing was written. */
  config: string | null
}

export interface AdoptedSet {
  set: string
  format: string
  dirs: readonly string[]
  history: { kind: string; table: string; schema: string | null }
  migrations: number
  targets: readonly AdoptedTarget[]
}

/** What one target's history says, seen with this set's files. */
export interface AdoptedTarget {
  target: string
  applied: number
  pending: readonly string[]
  /** Rows without a file. */
  missing: readonly string[]
  failed: readonly string[]
  /** Rows that differ from a file in letter case or extension only, or that are there twice. */
  odd: readonly string[]
  error: ErrorDocument | null
}

/** What `unlock` did. */
export interface UnlockReport {
  command: 'unlock'
  ok: boolean
  targets: readonly {
    target: string
    /** `freed`; `free`: it was; `running`: a live run of ours holds the target, so it was left alone. */
    result: 'freed' | 'free' | 'running' | 'failed'
    heldBy: 'tool' | 'own' | null
    since: string | null
    error: ErrorDocument | null
  }[]
}

/** The library: one object per config, the same that the command line uses. */
export interface Tenantry {
  plan(options?: PlanOptions): Promise<PlanReport>
  up(options?: UpOptions): Promise<FleetReport>
  down(options?: DownOptions): Promise<FleetReport>
  status(options?: { selectors?: Selectors }): Promise<StatusReport>
  /** `ok` is false when anything is pending, failed, changed or missing. */
  check(options?: { selectors?: Selectors }): Promise<FleetReport>
  baseline(options: BaselineOptions): Promise<FleetReport>
  explain(tenant: string): Promise<ExplainReport>
  /** Shows what is there: formats, histories, and what does not fit. Changes nothing in any database. */
  adopt(options?: { selectors?: Selectors }): Promise<AdoptReport>
  /** Frees the adopted tool's lock row where a run died and left it. */
  unlock(options?: { selectors?: Selectors }): Promise<UnlockReport>
  /** Id of the migration that a word names (id, number or file name), in any set; null: it names none. */
  resolveMigration?(text: string): Promise<string | null>
  /** Is this the id, slug, schema or database of a tenant? */
  namesTenant?(text: string): Promise<boolean>
  make(name: string, options?: { set?: string; description?: string }): Promise<MakeReport>
  rollouts(): Promise<RolloutListItem[]>
  rollout(id: string): Promise<RolloutReport>
  /** Closes every connection. */
  close(): Promise<void>
}
