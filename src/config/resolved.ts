import type { AddedDialect } from '../model/added-dialect.ts'
import type { AppPool } from '../model/app.ts'
import type { Format } from '../model/format.ts'
import type { SharedTableRules } from '../model/health.ts'
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
  /** `auto`, or the name of a format, built in or added by the config. */
  format: string
  /** `auto`, or a kind of history table, of a built-in format or of an added one. */
  history: { kind: string; table: string | null; schema: string | null }
  /** Only tenants that carry all of these labels; null: all but those of `exceptLabels`. Ask `isForTenant`. */
  tenants: { labels: Readonly<Record<string, string>> } | null
  /** Labels of other sets with the same history table, whose tenants this one leaves to them. Absent: none. */
  exceptLabels?: readonly Readonly<Record<string, string>>[]
  /** Absolute path of the tool's own config file; null: looked for. */
  toolConfig: string | null
  /** Of Flyway's versioned files; null: not said. */
  prefix: string | null
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

/** Where the book of tenants is. */
export interface ResolvedRegistry {
  /** Named `registry`; for the embedded one a SQLite file. */
  server: ServerAddress
  database: string
  /** A file of its own in the state folder, made by `registry migrate`: neither the config nor a variable names one. */
  isEmbedded: boolean
  /** PostgreSQL: schema of our tables; null: the connection's default. */
  schema: string | null
  /** Most sessions at once (REGISTRY_DB_POOL_MAX). */
  poolMax: number
  /** The team's own migrations of the registry's database, run by `registry migrate`. */
  sets: readonly ResolvedSet[]
  /** The team's own table of tenants; null: ours. */
  mapped: MappedTenants | null
}

/** Fields of a tenant that a column of a team's own table may hold. */
export const mappedFields = [
  'id',
  'slug',
  'name',
  'topology',
  'state',
  'server',
  'host',
  'port',
  'database',
  'schema',
  'user',
  'password',
  'createdAt',
  'updatedAt',
] as const

export type MappedField = (typeof mappedFields)[number]

/** How a team's own table of tenants is read and written; it is never altered. */
export interface MappedTenants {
  table: string
  schema: string | null
  /** Names of its columns, in their own letter case. */
  columns: Readonly<Partial<Record<MappedField, string>>>
  /** Label → column. */
  labels: Readonly<Record<string, string>>
  /** Their word → ours; null: rows with it are none of ours. */
  values: {
    topology: Readonly<Record<string, Tenant['topology'] | null>>
    state: Readonly<Record<string, Tenant['state'] | null>>
  }
  /** For rows whose table has no such column, or nothing in it. */
  defaults: { topology: Tenant['topology']; server: string | null; dialect: ServerAddress['dialect'] | null }
  /** How passwords are written back. `auto`: as the value that was there, else as most others are. */
  password: 'auto' | 'sealed' | 'cbc'
}

/** Where a key comes from. */
export type KeySource =
  | { from: 'env'; name: string }
  | { from: 'file'; path: string }
  /** Its standard output, without the line's end. */
  | { from: 'command'; command: string }

export interface ResolvedKeys {
  /** Default: MASTER_ENCRYPTION_KEY. */
  master: KeySource
  /** Default: MASTER_ENCRYPTION_KEY_PREVIOUS. */
  previous: readonly KeySource[]
  /** Default: DB_ENCRYPTION_KEY. */
  cbc: KeySource
}

/** How new tenants are made. */
export interface ResolvedProvisioning {
  topology: Tenant['topology'] | null
  server: string | null
  /** For schemas: the database they are made in. */
  database: string | null
  /** `{slug}`, `{digits8}`: the name of a new database or schema. */
  naming: string
  /** Make a role for each tenant that can reach only its own place. */
  role: boolean
  extensions: readonly string[]
  /** `auto`: from a template or a snapshot that equals the reference; `replay`: every migration. */
  from: 'auto' | 'replay'
  /** Run with the new tenant's connection, before it becomes active; more than once after a crash. */
  firstRows: ((context: FirstRowsContext) => Promise<void> | void) | null
}

/** What the hook for first rows is given. */
export interface FirstRowsContext {
  tenant: Tenant
  /** One statement; values as the driver binds them (`$1`, `?`). */
  query(sql: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>
}

/** What counts when schemas are compared. */
export interface DriftRules {
  /** null: the usual ones. */
  kinds: readonly ObjectKind[] | null
  /** `object` is the source of a regular expression. */
  ignore: readonly { kind: ObjectKind | null; object: string; reason: string }[]
}

/** How data changes are carried out. */
export interface DataChangeRules {
  /** Absolute. */
  dir: string
  /** The config names it: then it must be there. */
  dirGiven: boolean
  chunkMs: number
  maxReplicaLagMs: number
  healthQuery: string | null
}

/** What `lint` is told. */
export interface LintConfigResolved {
  /** Major version of the oldest PostgreSQL server; null: not known. */
  pgVersion: number | null
  /** Only what comes after this migration is looked at; null: everything. */
  after: string | null
  /** Apply the rules of squawk, too, where it is installed. */
  squawk: boolean
}

/** Rows of a table that stay when a database is made a sample. */
export interface SampleKeepRule {
  table: string
  /** SQL condition; null: every row. */
  where: string | null
  limit: number | null
  /** Which rows are the first; null: by their key. */
  orderBy: string | null
}

/** How a database is made a sample. */
export interface SampleDbRules {
  /** null: the config does not say what stays. */
  keep: readonly SampleKeepRule[] | null
  maxRows: number
  /** Label → values that mean production. */
  productionLabels: Readonly<Record<string, readonly string[]>>
  /** Name of the environment that is production; null: it is none. */
  production: string | null
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
  /** What the config adds to what is built in. */
  added: { formats: readonly Format[]; dialects: readonly AddedDialect[] }
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
  lint: LintConfigResolved
  dataChanges: DataChangeRules
  /** null: none is configured. */
  registry: ResolvedRegistry | null
  keys: ResolvedKeys
  provision: ResolvedProvisioning
  /** Sessions that an application keeps per tenant; migrations never ask for it. */
  appPool: AppPool
  /** Absolute folder of seeds. */
  seedsDir: string
  /** What `verify` asks of tables that tenants share; null: nothing. */
  sharedTables: SharedTableRules | null
  sampleDb: SampleDbRules
  /** Where a flag, a variable and the config disagree, and which won. */
  notices: readonly Notice[]
}
