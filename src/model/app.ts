import type { Tenant } from './tenant.ts'

/** A tenant's database, for the application that serves it. */
export interface TenantConnection {
  readonly tenant: Tenant
  /**
   * One statement on one of this tenant's sessions, with its schema on the search path; values as the driver binds them
   * (`$1`, `?`). Throws `DatabaseError`, TENANT_STATE.
   */
  query(sql: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>
  /** All on one session and in one transaction: committed when `work` returns, rolled back when it throws. */
  transaction<T>(work: (query: TenantConnection['query']) => Promise<T>): Promise<T>
  /**
   * What the driver's own constructors take (`new pg.Pool(…)`, `mysql2.createPool(…)`, Knex's `connection`): opened
   * credential, TLS, search path. Holds the password in clear: hand it on, never log it.
   */
  driverOptions(): Promise<Record<string, unknown>>
}

/** How many sessions a tenant's connection keeps. */
export interface AppPool {
  /** DB_POOL_MAX. Default: 5. */
  max: number
  /** DB_POOL_MIN: kept although idle. Default: 0. */
  min: number
  /** Idle sessions beyond `min` are closed after this. Default: 30000. */
  idleMs: number
}

/** How far a tenant is. */
export interface TenantVersion {
  tenant: string
  target: string
  /** Some migration of this process's folder is not applied there, half-done or changed. */
  behind: boolean
  sets: readonly {
    set: string
    /** The last one applied, in the folder's order; null: none. */
    version: string | null
    applied: number
    pending: readonly string[]
    /** Half-done. */
    failed: readonly string[]
  }[]
}

/** What every active tenant has at least. */
export interface FleetVersion {
  targets: number
  sets: readonly {
    set: string
    /** The last migration that, with all before it, is applied in every target; null: not even the first. */
    version: string | null
    /** Targets that lack something of the folder. */
    behind: number
  }[]
}

export interface GuardOptions {
  /** This migration, by id or number, is enough. Default: every one of the folder. */
  migration?: string
  /** `refuse` throws TENANT_BEHIND; `tell` gives false. Default: `refuse`. */
  behind?: 'refuse' | 'tell'
  /** How long an answer holds. Default: 5000. */
  maxAgeMs?: number
}
