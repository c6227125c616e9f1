import type { ErrorDocument } from './errors.ts'
import type { Notice } from './migration.ts'
import type { FleetReport, RunSignals, StatusReport } from './report.ts'

/** How our own tables stand. */
export interface RegistryTables {
  /** Where the registry is: `host:port/database` or a file. Never holds credentials. */
  place: string
  /** `missing`: none were made yet. `newer`: a later tenantry migrated them. */
  state: 'ready' | 'missing' | 'outdated' | 'newer'
  /** null: they have not been made. */
  version: number | null
  /** What this tenantry needs. */
  newest: number
  /** Versions that `registry migrate` would apply. */
  pending: readonly number[]
}

export interface RegistryMigrateReport {
  command: 'registry migrate'
  ok: boolean
  /** `applied`: versions that this call applied; another process may have been faster. */
  registry: RegistryTables & { applied: readonly number[] }
  /** The team's own migrations of the registry's database, as `up` reports them; null: none are configured. */
  migrations: FleetReport | null
  notices: readonly Notice[]
  error: ErrorDocument | null
}

export interface RegistryStatusReport {
  command: 'registry status'
  /** Nothing is pending, neither ours nor the team's. */
  ok: boolean
  registry: RegistryTables
  /** As `status` reports them; null: none are configured, or the database cannot be there yet. */
  migrations: StatusReport | null
  notices: readonly Notice[]
  error: ErrorDocument | null
}

/** The book of tenants itself: its tables, and the team's own migrations of its database. */
export interface RegistryTool {
  /**
   * Makes or migrates our tables, then runs the team's own migrations. Safe when many processes do it at once. Throws
   * REGISTRY_MISSING where the config has no registry, REGISTRY_NEWER, and what keeps it from being reached.
   */
  migrate(options?: { signal?: RunSignals }): Promise<RegistryMigrateReport>
  /** Changes nothing. */
  status(): Promise<RegistryStatusReport>
}
