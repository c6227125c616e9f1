import type { ErrorDocument } from './errors.ts'
import type { Notice } from './migration.ts'
import type { ProvisionStep } from './provision.ts'
import type { AuditEntry } from './registry.ts'
import type { Tenant, TenantState, TopologyName } from './tenant.ts'

/** A tenant as every document names it. */
export interface TenantItem {
  id: string
  slug: string
  name: string | null
  state: TenantState
  topology: TopologyName
  /** `server/database` or `server/database/schema`. */
  target: string
  labels: Readonly<Record<string, string>>
}

export interface ListTenantsOptions {
  /** Default: every state. */
  states?: readonly TenantState[]
  /** `key=value`; all must match. */
  labels?: readonly string[]
  /** Most tenants. Default: all. */
  limit?: number
  /** Slug or id of a tenant: those that come after it, in the order of ids. */
  after?: string
}

/** What a new tenant is told. What is left out comes from `provision` of the config, else from what there is only one of. */
export interface AddTenantOptions {
  /** Default: a random UUID. */
  id?: string
  name?: string
  topology?: TopologyName
  server?: string
  database?: string
  schema?: string
  labels?: Readonly<Record<string, string>>
  /**
   * Default: `active` where its place exists, `provisioning` where it does not yet. `failed` and `removing` cannot be
   * asked for.
   */
  state?: TenantState
}

/** A command that could follow, and why. */
export interface NextStep {
  command: string
  why: string
}

/** What one tenant's change came to. */
export interface TenantReport {
  command: 'tenants add' | 'tenants suspend' | 'tenants activate' | 'tenants archive' | 'tenants provision'
  ok: boolean
  tenant: TenantItem
  /** The state before; null: there was no such tenant. Equal to `tenant.state` where nothing was changed. */
  from: TenantState | null
  /** Migrations applied before it became active; absent: nothing was looked at. */
  applied?: readonly string[]
  notices: readonly Notice[]
  next: readonly NextStep[]
}

/** How a tenant's credential is kept; never the credential. */
export interface CredentialSummary {
  /** `none`: what the server's address says is used. */
  kind: 'sealed' | 'cbc' | 'reference' | 'none'
  user: string | null
  /** Key that it is sealed with; null: not sealed. */
  keyId: string | null
  /** `env:NAME`, `file:/path`; of a `command:…` its first word only, since arguments may hold secrets. */
  reference: string | null
}

/** What the target's history says. */
export interface TenantStanding {
  set: string
  target: string
  applied: number
  pending: readonly string[]
  failed: readonly string[]
  /** Why it could not be read; null: it was. */
  error: ErrorDocument | null
}

export interface ShowTenantReport {
  command: 'tenants show'
  ok: boolean
  tenant: TenantItem & {
    placement: Tenant['placement']
    /** Host of its own, where its row names one. */
    address: { host: string; port: number } | null
    createdAt: string | null
    updatedAt: string | null
  }
  credential: CredentialSummary
  /** How far its making came; null: it was not made by `provision`. */
  provision: {
    /** `active`: it is made. */
    step: ProvisionStep
    attempts: number
    /** A process is at it right now. */
    isRunning: boolean
    /** What was in the way when it last stopped. */
    error: ErrorDocument | null
  } | null
  /** Per set of migrations; null: it has no place to look at (still being made, or being removed), or none was to be. */
  migrations: readonly TenantStanding[] | null
  /** Oldest first. */
  audit: readonly AuditEntry[]
  next: readonly NextStep[]
}

/** What a place holds. */
export interface PlaceSize {
  tables: number
  /** As the server's statistics have it; null: it keeps none. */
  rowsEstimate: number | null
  bytes: number | null
}

/** What `remove` with `dropData` is about to drop. */
export interface DropWarning {
  tenant: TenantItem
  /** `database main/acme`, `schema main/app/t_acme`. */
  place: string
  /** null: it is gone already. */
  size: PlaceSize | null
  /** Program that could write it to a file first; null: none is installed. */
  dumpWith: string | null
}

export interface RemoveTenantOptions {
  /** Drop its database or schema, too, and take the tenant off the registry. Absent: it is archived. */
  dropData?: boolean
  /** Its slug, typed again. */
  yes?: string
  /** Asked where `yes` is not given: what was typed. Absent: refused. */
  confirm?: (warning: DropWarning) => Promise<string>
  /** File for a dump, written before anything is dropped; must not exist. */
  dump?: string
}

export interface RemoveTenantReport {
  command: 'tenants remove'
  ok: boolean
  tenant: TenantItem
  from: TenantState
  result: 'archived' | 'dropped'
  /** What was dropped; null: nothing, since it is archived or its place was never its own. */
  dropped: { place: string; size: PlaceSize | null } | null
  /** The file, absolute, and its size; null: none was asked for. */
  dump: { file: string; bytes: number } | null
  notices: readonly Notice[]
  next: readonly NextStep[]
}

export interface ImportTenantsOptions {
  /** Check everything, write nothing. */
  dryRun?: boolean
}

export interface ImportTenantsReport {
  command: 'tenants import'
  ok: boolean
  dryRun: boolean
  /** Absolute. */
  file: string
  /** How many were added, or would be. */
  tenants: number
  /** Of these, by state. */
  states: Readonly<Partial<Record<TenantState, number>>>
  notices: readonly Notice[]
  next: readonly NextStep[]
}

/** The registry's tenants. Every method throws REGISTRY_MISSING where there is no registry. */
export interface Tenants {
  /**
   * Puts one tenant into the registry; makes nothing in any server (`provision` does). Throws TENANT_INVALID with all
   * that is wrong with it, TENANT_EXISTS.
   */
  add(slug: string, options?: AddTenantOptions): Promise<TenantReport>
  /** Read in pages as they are asked for, in the order of ids; memory stays flat. Throws TENANT_UNKNOWN for `after`. */
  list(options?: ListTenantsOptions): AsyncIterable<TenantItem>
  /** Looks into its target, too. Throws TENANT_UNKNOWN. */
  show(tenant: string): Promise<ShowTenantReport>
  /** From `active`. A tenant that is suspended already is left as it is. Throws TENANT_STATE, TENANT_UNKNOWN. */
  suspend(tenant: string): Promise<TenantReport>
  /** From `suspended` or `archived`. Says which migrations it lacks by now. Throws TENANT_STATE. */
  /**
   * Migrated first, unless `migrate` is false; it stays as it was where that fails, and the error is thrown.
   */
  activate(tenant: string, options?: { migrate?: boolean }): Promise<TenantReport>
  /** Keeps its data. Throws TENANT_STATE. */
  archive(tenant: string): Promise<TenantReport>
  /**
   * Archives; with `dropData` drops what only this tenant has. Ended in the middle, it goes on when called again.
   * Throws CONFIRMATION_MISSING, SHARED_TARGET, TENANT_STATE, BACKUP_FAILED (nothing is dropped then).
   */
  remove(tenant: string, options?: RemoveTenantOptions): Promise<RemoveTenantReport>
  /**
   * All tenants of a CSV, JSON or JSON-lines file, or none. Throws TENANT_INVALID with every line that is wrong.
   *
   * @param file relative to the working directory
   */
  import(file: string, options?: ImportTenantsOptions): Promise<ImportTenantsReport>
}
