export type TopologyName = 'dedicated' | 'database' | 'schema' | 'shared'

export type TenantState = 'provisioning' | 'active' | 'suspended' | 'failed' | 'archived' | 'removing'

/** Where a tenant's tables are. Two tenants with equal placements share one target. */
export interface Placement {
  /** Name of a server of the config. */
  server: string
  database: string
  /** Absent: the default schema of the connection (PostgreSQL: `public`). */
  schema?: string
}

/** One customer. */
export interface Tenant {
  id: string
  slug: string
  name?: string
  topology: TopologyName
  labels: Readonly<Record<string, string>>
  state: TenantState
  placement: Placement
}

/** One place that gets migrated, and the tenants it serves. */
export interface Target {
  /** `server/database` or `server/database/schema`. */
  name: string
  placement: Placement
  tenants: readonly Tenant[]
}
