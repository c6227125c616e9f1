/** A whole number that the config, a variable or a flag can set. */
export interface Limit {
  default: number
  min: number
  variable: string
  flag?: string
}

/** Every number at the top of a config: its default, its smallest value, its variable and, where it has one, its flag. */
export const limits = {
  concurrency: { default: 16, min: 1, variable: 'TENANTRY_CONCURRENCY', flag: '--concurrency' },
  lockTimeoutMs: { default: 2_000, min: 0, variable: 'TENANTRY_LOCK_TIMEOUT_MS' },
  lockRetryBudgetMs: { default: 20_000, min: 0, variable: 'TENANTRY_LOCK_RETRY_BUDGET_MS' },
  targetLockWaitMs: { default: 60_000, min: 0, variable: 'TENANTRY_TARGET_LOCK_WAIT_MS' },
  statementTimeoutMs: { default: 0, min: 0, variable: 'TENANTRY_STATEMENT_TIMEOUT_MS' },
  migrationTimeoutMs: { default: 0, min: 0, variable: 'TENANTRY_MIGRATION_TIMEOUT_MS' },
  connectTimeoutMs: { default: 10_000, min: 1, variable: 'TENANTRY_CONNECT_TIMEOUT_MS' },
  idleInTransactionTimeoutMs: {
    default: 60_000,
    min: 0,
    variable: 'TENANTRY_IDLE_IN_TRANSACTION_TIMEOUT_MS',
  },
} as const satisfies Record<string, Limit>

export type LimitName = keyof typeof limits

export const limitNames = Object.keys(limits) as LimitName[]

/** PostgreSQL and MySQL keep time limits in 32 bits. */
export const largestLimit = 2_147_483_647
