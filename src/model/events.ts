import type { DataChangeProgress } from './data-change.ts'
import type { Blocker } from './dialect.ts'
import type { Notice } from './migration.ts'
import type { ProvisionStep } from './provision.ts'
import type { Summary, TargetResult } from './rollout.ts'
import type { SeedTargetResult } from './seed.ts'

/** Progress as values. The report and every kind of output are folds over these. */
export type TenantryEvent =
  | { type: 'fleet-read'; tenants: number; targets: number; databases: number }
  | { type: 'notice'; notice: Notice }
  | { type: 'rollout-started'; rollout: string; command: 'up' | 'down'; targets: number; waves: number }
  | { type: 'set-started'; set: string; targets: number; migrations: number }
  | { type: 'wave-started'; set: string; wave: string; targets: number }
  | { type: 'wave-finished'; set: string; wave: string; targets: number; failed: number }
  | { type: 'target-started'; set: string; target: string }
  | { type: 'migration-started'; set: string; target: string; migration: string; direction: 'up' | 'down' }
  | {
      type: 'migration-finished'
      set: string
      target: string
      migration: string
      direction: 'up' | 'down'
      durationMs: number
    }
  | { type: 'statement-finished'; set: string; target: string; migration: string; statement: number; of: number }
  | {
      type: 'target-waiting'
      set: string
      target: string
      reason: 'target-lock' | 'lock-timeout' | 'connection-lost' | 'exclusive'
      attempt: number
      delayMs: number
      blockers: readonly Blocker[]
    }
  | {
      type: 'target-slow'
      set: string
      target: string
      migration: string
      runningMs: number
      blockers: readonly Blocker[]
    }
  | { type: 'target-finished'; set: string; result: TargetResult }
  | { type: 'rollout-stopping'; reason: 'max-failures' | 'interrupt' | 'set-failed'; message: string }
  | { type: 'rollout-finished'; rollout: string; summary: Summary }
  | { type: 'data-change-started'; change: string; target: string; tenant: string | null; rowsDone: number }
  /** Every few seconds. */
  | {
      type: 'data-change-progress'
      change: string
      target: string
      tenant: string | null
      rowsDone: number
      rowsTotal: number | null
      /** Rows per batch right now, and how long the last one took. */
      batchRows: number
      batchMs: number
      etaMs: number | null
    }
  | {
      type: 'data-change-waiting'
      change: string
      target: string
      tenant: string | null
      reason: 'lock-wait' | 'replica-lag' | 'health-query' | 'lock-timeout' | 'connection-lost' | 'target-lock'
      message: string
    }
  | { type: 'data-change-finished'; progress: DataChangeProgress }
  | { type: 'seed-target-finished'; result: SeedTargetResult }
  | {
      type: 'provision-step'
      tenant: string
      step: ProvisionStep
      state: 'started' | 'done'
      /** Since the step began. */
      durationMs: number
    }
  /** Another process makes the same tenant, or an `up` has newer files. */
  | { type: 'provision-waiting'; tenant: string; for: 'provisioner' | 'up' }
  /** `keys rotate`, every few seconds: credentials sealed anew. */
  | { type: 'keys-progress'; done: number; total: number }

export type Emit = (event: TenantryEvent) => void
