import type { Notice } from './migration.ts'

/** How many targets have all steps of a phase. */
export interface PhaseCount {
  phase: 'expand' | 'migrate' | 'contract'
  /** Ids of its migrations, in the folder's order. */
  migrations: readonly string[]
  /** Active targets that these migrations are for. */
  targets: number
  done: number
}

/** How far one change is. */
export interface ChangePhases {
  change: string
  /**
   * `under-way`: some active target lacks an earlier step. `migrated`: none does, and there is no contract step yet.
   * `ready`: none does, and the contract step may run. `contracted`: it has, everywhere.
   */
  state: 'under-way' | 'migrated' | 'ready' | 'contracted'
  phases: readonly PhaseCount[]
  /** Up to 20 of the targets that lack an earlier step, and what they lack. */
  behind: readonly { target: string; missing: readonly string[] }[]
  behindCount: number
}

/** What `phase status` returns. */
export interface PhaseReport {
  command: 'phase status'
  /** True: no contract step waits for a tenant. */
  ok: boolean
  changes: readonly ChangePhases[]
  notices: readonly Notice[]
}
