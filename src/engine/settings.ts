/** Limits of a run. All in milliseconds; 0 means no limit where not said otherwise. */
export interface EngineSettings {
  lockTimeoutMs: number
  /** How long lock time-outs and deadlocks are tried again, per target. */
  lockRetryBudgetMs: number
  /** How long to wait for another run that holds the target. */
  targetLockWaitMs: number
  statementTimeoutMs: number
  migrationTimeoutMs: number
  idleInTransactionTimeoutMs: number
  sharedSchema: string
  /** `user@host`, for the ledger. */
  appliedBy: string
}
