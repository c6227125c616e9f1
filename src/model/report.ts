import type { FleetVersion, GuardOptions, TenantConnection, TenantVersion } from './app.ts'
import type {
  BackfillOptions,
  BackfillReport,
  DriftOptions,
  DriftReport,
  ProveOptions,
  ProveReport,
  VerifyOptions,
  VerifyReport,
} from './check-report.ts'
import type { DataChanges } from './data-change.ts'
import type { ErrorDocument } from './errors.ts'
import type { Keys } from './key-report.ts'
import type { LintOptions, LintReport } from './lint.ts'
import type { Notice } from './migration.ts'
import type { PhaseReport } from './phase-report.ts'
import type { ProvisionOptions, ProvisionReport } from './provision.ts'
import type { RegistryTool } from './registry-report.ts'
import type { Summary, TargetResult, WaveResult } from './rollout.ts'
import type { SampleDbOptions, SampleDbReport } from './sample-db.ts'
import type { SeedOptions, SeedReport } from './seed.ts'
import type { Tenants } from './tenant-report.ts'

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
    /** What the tool itself noted about a migration that failed under it. */
    logs?: { migration: string; text: string } | null
    /** The adopted tool's own lock, where it is held: who holds it and since when, in words. */
    nativeLock?: string | null
    /** What the catalog says about an interrupted statement. */
    probe: { migration: string; statement: number; kind: string; verdict: string; reason: string } | null
    /** Where `last` does not tell: the rollout that left something half-done, as the ledger has it. */
    stoppedIn?: string | null
    /** What a pending migration makes and is there already: does it equal what the migration makes? */
    inTheWay?: {
      migration: string
      statement: number
      /** `table users`. */
      object: string
      verdict: 'equal' | 'different' | 'unknown'
    } | null
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
  /** Who wrote them, where that was not tenantry; why the tool of the project did not. */
  notices: readonly Notice[]
}

export interface PlanOptions {
  selectors?: Selectors
  to?: string
  allowChanged?: boolean
  strictOrder?: boolean
}

export interface UpOptions extends PlanOptions {
  /**
   * Compare each target with what its migrations make, right after they were applied. Default: for the first wave,
   * where there are several and the config names a scratch server.
   */
  verify?: boolean
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
  /** Id of a rollout: exactly what it applied, in its targets, newest first. What others did since is left alone. */
  rollout?: string
  /** Also what migrations that stay applied name. */
  force?: boolean
  /** In several targets also what {@link Tenantry.prove} has not tried out. One target needs no proof. */
  unproven?: boolean
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
  /** Record this failed migration as rolled back, so that it is pending again; its row stays (`prisma migrate resolve --rolled-back`). */
  rolledBack?: string
}

/** What `adopt` found, before anything is believed. */
export interface AdoptReport {
  command: 'adopt'
  ok: boolean
  sets: readonly AdoptedSet[]
  /** Absolute path of the config that is there, or was written; null: there is none. */
  config: string | null
  /** This call wrote it. */
  written: boolean
  notices: readonly Notice[]
}

export interface AdoptedSet {
  set: string
  format: string
  dirs: readonly string[]
  history: { kind: string; table: string; schema: string | null }
  /** History tables of any known tool that exist, and in how many targets: more than one kind needs a person. */
  tables: readonly { table: string; targets: number }[]
  migrations: number
  targets: readonly AdoptedTarget[]
}

/** What one target's history says, seen with this set's files. */
export interface AdoptedTarget {
  target: string
  tenants: readonly string[]
  /** Its history table exists. */
  hasHistory: boolean
  applied: number
  pending: readonly string[]
  /** Rows without a file. */
  missing: readonly string[]
  failed: readonly string[]
  /** Rows that differ from a file in letter case or extension only, or that are there twice. */
  odd: readonly string[]
  /** Applied, and the file is not what it was. */
  changed: readonly string[]
  /** What the first pending migration makes and is there already, in words: no history explains it. */
  unexplained: readonly string[]
  error: ErrorDocument | null
}

/** What `unlock` did. */
export interface UnlockReport {
  command: 'unlock'
  ok: boolean
  notices: readonly Notice[]
  targets: readonly {
    target: string
    set: string
    /** `freed`; `free`: it was; `running`: a live run of ours holds the target, so it was left alone. */
    result: 'freed' | 'free' | 'running' | 'failed'
    heldBy: 'tool' | 'own' | null
    since: string | null
    error: ErrorDocument | null
  }[]
}

/** What `wait` returns. */
export interface WaitReport {
  command: 'wait'
  ok: boolean
  servers: readonly { server: string; waitedMs: number; error: ErrorDocument | null }[]
  /** The first server's that did not answer. */
  error: ErrorDocument | null
}

/** A lock that the adopted tool itself wrote, and that may be held by a run of it that lives. */
export interface HeldLock {
  target: string
  /** ISO time; null: the server cannot tell. */
  since: string | null
}

export interface UnlockOptions {
  selectors?: Selectors
  /** Free also what a living run of the tool may hold. */
  yes?: boolean
  /** Asked once, about all of these, where `yes` is not given; absent: refused. */
  confirm?: (held: readonly HeldLock[]) => Promise<boolean>
}

/** The library: one object per config, the same that the command line uses. */
export interface Tenantry {
  plan(options?: PlanOptions): Promise<PlanReport>
  up(options?: UpOptions): Promise<FleetReport>
  down(options?: DownOptions): Promise<FleetReport>
  status(options?: { selectors?: Selectors }): Promise<StatusReport>
  /** `ok` is false when anything is pending, failed, changed or missing. */
  check(options?: { selectors?: Selectors }): Promise<FleetReport>
  /** How far each change that is made in phases is, over all active tenants. Changes nothing. */
  phaseStatus(): Promise<PhaseReport>
  /** Compares the real schemas with what the migrations make, or with each other. Changes nothing. */
  drift(options?: DriftOptions): Promise<DriftReport>
  /**
   * Looks each target over: history against files, what the history claims against the schema, invalid indexes and
   * constraints, sequences, shared tables. Changes nothing in any tenant. `ok` is false where something needs a person.
   */
  verify(options?: VerifyOptions): Promise<VerifyReport>
  /**
   * Makes what targets lack of what their applied migrations make; never drops or changes what is there. Throws
   * SCRATCH_MISSING.
   */
  backfill(options?: BackfillOptions): Promise<BackfillReport>
  /**
   * Tries each migration out on the scratch server: up, down, and up again, with rows in the tables. Writes to no tenant.
   * `ok` is false where an undo is broken, or a migration cannot be applied. Throws SCRATCH_MISSING.
   */
  prove(options?: ProveOptions): Promise<ProveReport>
  /**
   * Looks at the files of migrations for what is unsafe, unclear or cannot run. Asks no server. `ok` is false where
   * there is an error, or more warnings than `maxWarnings`.
   */
  lint(options?: LintOptions): Promise<LintReport>
  baseline(options: BaselineOptions): Promise<FleetReport>
  explain(tenant: string): Promise<ExplainReport>
  /**
   * Shows what is there: formats, histories, and what does not fit. Changes nothing in any database. `write`: writes
   * `tenantry.config.ts` where there is no config.
   */
  adopt(options?: { selectors?: Selectors; write?: boolean }): Promise<AdoptReport>
  /** What seals credentials. */
  readonly keys: Keys
  /** The registry's tenants. */
  readonly tenants: Tenants
  /** The registry's own tables, and the team's migrations of its database. */
  readonly registry: RegistryTool
  /** Frees the adopted tool's lock row where a run died and left it. Throws CONFIRMATION_MISSING. */
  unlock(options?: UnlockOptions): Promise<UnlockReport>
  /** Waits until every server of the config, and the registry, answers. */
  wait(options: { timeoutMs: number; signal?: AbortSignal }): Promise<WaitReport>
  /** Id of the migration that a word names (id, number or file name), in any set; null: it names none. */
  resolveMigration?(text: string): Promise<string | null>
  /** Is this the id, slug, schema or database of a tenant? */
  namesTenant?(text: string): Promise<boolean>
  /** Batched changes of rows, as migrations of their own. */
  readonly dataChanges: DataChanges
  /**
   * Carries out the seeds of the folder, in every selected target; a second run finds nothing to do. What somebody changed
   * stays as it is. A failed target stops no other. Throws SEEDS_UNREADABLE, SEED_UNKNOWN.
   */
  seed(options?: SeedOptions): Promise<SeedReport>
  /**
   * Makes one database a clean sample: what `sampleDb.keep` lists stays, every other row goes, in one transaction. Throws
   * CONFIG_INVALID, USAGE, TENANT_UNKNOWN, SHARED_TARGET, SAMPLE_REFUSED; what else is wrong is the report's `error`.
   */
  sampleDb(options?: SampleDbOptions): Promise<SampleDbReport>
  make(name: string, options?: { set?: string; description?: string }): Promise<MakeReport>
  rollouts(): Promise<RolloutListItem[]>
  rollout(id: string): Promise<RolloutReport>
  /**
   * Makes a tenant: its role, its database or schema, everything that the migrations make, first rows; active only when
   * it equals what the migrations make. May be called from a server, by many at once: calls for one slug make one
   * tenant, and one that was cut off is gone on with. Throws PROVISION_FAILED, TENANT_BEHIND, TENANT_INVALID,
   * TENANT_STATE, KEY_INVALID, REGISTRY_MISSING, and what migrations throw.
   */
  provision(options: ProvisionOptions): Promise<ProvisionReport>
  /**
   * An active tenant's database, for the application: opened credential, checked TLS, sessions sized by DB_POOL_MAX and
   * DB_POOL_MIN. Never migrates. Throws TENANT_UNKNOWN, TENANT_STATE, CREDENTIAL_UNREADABLE.
   */
  connectionFor(idOrSlug: string): Promise<TenantConnection>
  /** How far a tenant is, whatever its state. */
  tenantVersion(idOrSlug: string): Promise<TenantVersion>
  /** What every active tenant has at least: code that needs more must wait. */
  minimumFleetVersion(): Promise<FleetVersion>
  /** Is a tenant far enough to be served? Throws TENANT_BEHIND, or gives false with `behind: 'tell'`. */
  guardTenant(idOrSlug: string, options?: GuardOptions): Promise<boolean>
  /** Closes every connection. */
  close(): Promise<void>
}
