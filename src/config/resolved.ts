import type { FormatName } from '../model/format.ts'
import type { SharedTableRules } from '../model/health.ts'
import type { HistoryKind } from '../model/history.ts'
import type { Notice } from '../model/migration.ts'
import type { ObjectKind } from '../model/picture.ts'
import type { Policy } from '../model/rollout.ts'
import type { ServerAddress } from '../model/server.ts'
import type { Tenant } from '../model/tenant.ts'

/** One set of migrations: a folder, its history table, and whom it is for. */
export interface ResolvedSet {
  name: string
  /** Absolute. */
  dirs: readonly string[]
  format: FormatName | 'auto'
  history: { kind: HistoryKind | 'auto'; table: string | null; schema: string | null }
  /** Only tenants that carry all of these labels; null: all but those of `exceptLabels`. Ask `isForTenant`. */
  tenants: { labels: Readonly<Record<string, string>> } | null
  /** Labels of other sets with the same history table, whose tenants this one leaves to them. Absent: none. */
  exceptLabels?: readonly Readonly<Record<string, string>>[]
  /** Absolute path of the tool's own config file; null: looked for. */
  toolConfig: string | null
  /** The set says where its files are; else the tool's own config may. */
  dirGiven: boolean
  ignore: RegExp | null
  placeholders: Readonly<Record<string, string>>
  /** Statements run first, local to each transaction. */
  session: readonly string[]
  /** `target`: everything pending of a target in one transaction. */
  transaction: 'migration' | 'target'
}

/** Where tenants come from. */
export type TenantSource =
  | { from: 'list'; tenants: readonly Tenant[] }
  | { from: 'schemas'; server: string; database: string; match: { like: string } | { regex: string } }
  | { from: 'query'; server: string; database: string; sql: string }
  | { from: 'function'; iterate: () => AsyncIterable<TenantInput> | Iterable<TenantInput> }
  | { from: 'registry' }

/** A tenant as a config, a query's row or an iterable may give it. */
export interface TenantInput {
  slug: string
  id?: string
  name?: string
  topology?: 'dedicated' | 'database' | 'schema' | 'shared'
  server?: string
  database?: string
  schema?: string
  url?: string
  labels?: Record<string, string>
  state?: string
}

/** What counts when schemas are compared. */
export interface DriftRules {
  /** null: the usual ones. */
  kinds: readonly ObjectKind[] | null
  /** `object` is the source of a regular expression. */
  ignore: readonly { kind: ObjectKind | null; object: string; reason: string }[]
}

/** The config with files, variables, environments and flags worked in; nothing is looked up later. */
export interface ResolvedConfig {
  /** Folder of the config file, or the working directory. */
  root: string
  /** null: made from environment variables alone. */
  file: string | null
  environment: string | null
  /** The name asked for by `--env`, TENANTRY_ENV or NODE_ENV, whether this config has such a part or not: the config of an adopted tool may. */
  environmentAsked: string | null
  servers: ReadonlyMap<string, ServerAddress>
  scratch: { server: string } | null
  sets: readonly ResolvedSet[]
  tenants: TenantSource
  concurrency: number
  lockTimeoutMs: number
  /** How long lock timeouts are retried, in all, per migration. */
  lockRetryBudgetMs: number
  /** How long to wait for another run that holds the same target. */
  targetLockWaitMs: number
  statementTimeoutMs: number
  migrationTimeoutMs: number
  connectTimeoutMs: number
  idleInTransactionTimeoutMs: number
  requiredTables: readonly string[]
  /** Schema for extensions in schema-per-tenant databases; second on the search path. */
  sharedSchema: string
  policy: Policy
  drift: DriftRules
  /** What `verify` asks of tables that tenants share; null: nothing. */
  sharedTables: SharedTableRules | null
  /** Where a flag, a variable and the config disagree, and which won. */
  notices: readonly Notice[]
}
