import type { AddedDialect } from '../model/added-dialect.ts'
import type { Format, FormatName } from '../model/format.ts'
import type { HistoryKind } from '../model/history.ts'
import type { ObjectKind } from '../model/picture.ts'
import type { TenantState, TopologyName } from '../model/tenant.ts'
import type { FirstRowsContext, MappedField, TenantInput } from './resolved.ts'

/** How a connection is secured, where the URL's `sslmode` and the system's trust store are not enough. */
export interface TlsConfig {
  /** Certificate authority to trust instead of the system's: a path (relative to the config file) or PEM text. */
  ca?: string | undefined
  /** Client certificate: a path or PEM text. Needs `key`. */
  cert?: string | undefined
  /** Private key of the client certificate: a path or PEM text. */
  key?: string | undefined
  /** Host name to check the certificate against. Default: the host connected to. */
  servername?: string | undefined
  /**
   * Accepts any certificate: whoever can get in between reads everything, the password included. Default: false.
   * There is no other way to switch the check off; for a server with its own authority give `ca`.
   */
  unsafeSkipVerification?: boolean | undefined
}

/** One database server. */
export interface ServerConfig {
  /**
   * `postgres:` `postgresql:` `mysql:` `mariadb:` `sqlite:` `file:` `libsql:`; the dialect comes from it.
   * `sqlite:./tenants` is a folder with a file for each database, `sqlite:./app.db` one file, both relative to the config
   * file; `file:` means the same. `libsql://db.example.com` is a remote libSQL server; a `{database}` in it is put in.
   * Special characters of a password are percent-encoded. Understood: `sslmode`, `sslrootcert`, `sslcert`, `sslkey`,
   * `host` (also the directory of a socket), `port`, `socketPath`. An unset variable here is reported by name of the key.
   *
   * Remote hosts are reached over verified TLS unless the URL says `sslmode=disable`; loopback and sockets without TLS
   * unless `sslmode` or `tls` asks for it.
   */
  url: string | undefined
  /** Most connections to this server at once. Default: 8. */
  maxConcurrency?: number | undefined
  /** Most connections to one database of this server at once. Default: 4. */
  maxConcurrencyPerDatabase?: number | undefined
  tls?: TlsConfig | undefined
}

/** The table in which a target's applied migrations are recorded. */
export interface HistoryConfig {
  /** Default: `auto`, the one that goes with the format. */
  kind?: 'auto' | 'sql' | HistoryKind | (string & {}) | undefined
  /**
   * Default: what the tool's own config says, else the kind's own (`schema_migrations`, `_prisma_migrations`,
   * `knex_migrations`, `SequelizeMeta`).
   */
  table?: string | undefined
  /** Schema of the table, where it is not the target's own. */
  schema?: string | undefined
}

/** One set of migrations: a folder, its history table, and whom it is for. */
export interface MigrationsConfig {
  /** Shown in results, taken by `--set`. Default: `tenant`; required for each of several sets. */
  name?: string | undefined
  /** Folder or folders, relative to the config file. Default: `./migrations`. */
  dir?: string | readonly string[] | undefined
  /** How the files are written: a built-in format, or one of `formats`. Default: `auto`, found out from the folder. */
  format?: 'auto' | FormatName | (string & {}) | undefined
  /**
   * The tool's own config: a knexfile, a `.sequelizerc`, or the file of TypeORM's data source. Its table name, directories, extensions and mappers are
   * taken from it; its connection is not. Default: the one beside the config file or the folder, if there is one.
   */
  knexfile?: string | undefined
  sequelizerc?: string | undefined
  dataSource?: string | undefined
  kyselyConfig?: string | undefined
  /** What the names of Flyway's versioned files begin with; may be empty. Default: as flyway.conf says, else `V`. */
  prefix?: string | undefined
  history?: HistoryConfig | undefined
  /**
   * Only tenants with these labels (`kind=platform`; all of a list must match). Default: every tenant, except those
   * that another set with the same history table names by label.
   */
  tenants?: { label: string | readonly string[] } | undefined
  /** File names that match this regular expression are not migrations. */
  ignore?: string | RegExp | undefined
  /** Literal text → value, put in before the files are read. */
  placeholders?: Readonly<Record<string, string>> | undefined
  /** Statements run first in each transaction, such as `SET LOCAL work_mem = '256MB'`. */
  session?: readonly string[] | undefined
  /** `target`: everything pending of a target in one transaction. Default: `migration`, one for each. */
  transaction?: 'migration' | 'target' | undefined
}

/** One tenant of a list. */
export interface TenantConfig {
  /** Up to 63 bytes; unique. */
  slug: string
  /** Default: the slug. */
  id?: string | undefined
  name?: string | undefined
  /** Default: `schema` where a schema is given, `dedicated` where a URL is, else `database`. */
  topology?: TopologyName | undefined
  /** Name of one of `servers`. Default: the only one, if there is one. */
  server?: string | undefined
  /**
   * Default for `schema` and `shared`: the one in the server's URL. SQLite: a file within the server's folder; `acme` is
   * `acme.db`, and `acme.sqlite` stays.
   */
  database?: string | undefined
  schema?: string | undefined
  /** For `dedicated`, instead of `server` and `database`. */
  url?: string | undefined
  labels?: Readonly<Record<string, string>> | undefined
  /** Default: `active`. Others are passed over where no tenant is named. */
  state?: TenantState | undefined
}

/** Every schema of a database whose name matches is a tenant. */
export interface SchemasSource {
  from: 'schemas'
  /** Default: the only server, if there is one. */
  server?: string | undefined
  /** Default: the database in the server's URL. */
  database?: string | undefined
  /** A LIKE pattern: `t\\_%`. Either this or `match`. */
  like?: string | undefined
  /** A regular expression: `^.+_[0-9]{8}$`. It is carried out by the server. */
  match?: string | RegExp | undefined
}

/** Every row of a query is a tenant; its columns are named as the keys of {@link TenantConfig}. */
export interface QuerySource {
  from: 'query'
  /** Default: the only server, if there is one. Also the default of each row's `server`. */
  server?: string | undefined
  /** Default: the database in the server's URL. Also where rows with a `schema` alone are looked for. */
  database?: string | undefined
  /** `select id, slug, db_name as database from tenants where active` */
  sql: string
}

type Tenants = AsyncIterable<TenantInput> | Iterable<TenantInput>

/** One wave of a rollout. The last one has neither `count` nor `percent` and takes the rest. */
export interface WaveConfig {
  name: string
  /** Targets in this wave. */
  count?: number | undefined
  /** Share of all targets, above 0 and up to 100. */
  percent?: number | undefined
}

export interface RolloutConfig {
  /** Default: one wave with all targets. */
  waves?: readonly WaveConfig[] | undefined
  /**
   * Failures that are tolerated, as a number or a share of all targets (`'5%'`). `0`: the first failure starts nothing
   * new. Default: no limit; with several waves, a failure in one wave keeps the next from starting.
   */
  maxFailures?: number | `${number}%` | undefined
}

/** What counts when schemas are compared. */
export interface DriftConfig {
  /** Default: every kind but `grant`. */
  kinds?: readonly ObjectKind[] | undefined
  /** Objects that may differ. Each is named in the report, with its reason. */
  ignore?:
    | readonly {
        /** Default: any kind. */
        kind?: ObjectKind | undefined
        /** A regular expression over names such as `orders_client_idx` or `users.email`, found anywhere in them: `^tmp_`. */
        object: string | RegExp
        reason: string
      }[]
    | undefined
}

/** What `lint` is told. */
export interface LintConfig {
  /** Major version of the oldest PostgreSQL server: newer syntax is an error. Default: not known. */
  pgVersion?: number | undefined
  /** A migration (id or unique number): only what comes after it is looked at. Default: everything. */
  after?: string | undefined
  /** Apply the rules of squawk, too, where `squawk-cli` is installed. Default: true. */
  squawk?: boolean | undefined
}

/** What `verify` asks of tables in a target that several tenants share (topology `shared`). */
export interface SharedTablesConfig {
  /**
   * Says whose row it is. Each table that has it must not let it be NULL, must have an index that begins with it, and a
   * foreign key that it is in. Default: `tenant_id`.
   */
  column?: string | undefined
  /**
   * Setting that row-level policies read to know whose rows may be seen (PostgreSQL). Data changes set it to the
   * tenant's id, for each of their transactions. Default: `app.tenant_id`.
   */
  setting?: string | undefined
  /** Each such table must have row-level security, and a policy (PostgreSQL). Default: false. */
  rowLevelSecurity?: boolean | undefined
  /** Tables that are left out. */
  except?: readonly string[] | undefined
}

/** Batched changes of rows: `tenantry backfill-data`. */
export interface DataChangesConfig {
  /** Folder of the changes, relative to the config file; carried out by name. Default: `./data-changes`. */
  dir?: string | undefined
  /** How long one batch should take: its size follows from that. Default: 100. */
  chunkMs?: number | undefined
  /** Replicas further behind than this make a change wait (PostgreSQL). Default: 10000. */
  maxReplicaLagMs?: number | undefined
  /** Asked between batches, in the target's database: anything but true, or a number above 0, makes a change wait. */
  healthQuery?: string | undefined
}

/** `tenantry sample-db`: what stays when a database is made a clean sample. */
export interface SampleDbConfig {
  /**
   * Tables whose rows stay, all or some; every other table is emptied. A `where` names columns and tables without a
   * schema. Tables in which tools keep their own books stay always.
   */
  keep: readonly (
    | string
    | {
        table: string
        /** Rows that stay: `role = 'SuperAdmin'`. Default: every row. */
        where?: string | undefined
        /** At most so many of them. */
        limit?: number | undefined
        /** Which are the first. Default: by their key. */
        orderBy?: string | undefined
      }
  )[]
  /** Databases with more rows are refused, unless they are named by `--database`. Default: 100000. */
  maxRows?: number | undefined
  /** Tenants with one of these labels are refused in the same way. Default: `env` or `environment` is `production` or `prod`. */
  productionLabels?: Readonly<Record<string, string | readonly string[]>> | undefined
}

/** Everything but the environments. */
export interface BaseConfig {
  servers?: Readonly<Record<string, ServerConfig>> | undefined
  /** Where references and proofs are built; never a tenant's database. */
  scratch?: { server: string } | undefined
  /** Default: `{ dir: './migrations' }`. A list is run in its order. */
  migrations?: MigrationsConfig | readonly MigrationsConfig[] | undefined
  /** Ways of writing migrations that are not built in. Detection knows them, and `migrations.format` takes their names. */
  formats?: readonly Format[] | undefined
  /** Kinds of databases that are not built in; URLs ask for them by their schemes. */
  dialects?: readonly AddedDialect[] | undefined
  /** A list, a source, an async iterable, or a function that gives one. */
  tenants:
    | readonly TenantConfig[]
    | SchemasSource
    | QuerySource
    | { from: 'registry' }
    | Tenants
    | (() => Tenants | Promise<Tenants>)
  /** The book of tenants. Default: none, unless `tenants` comes from it. */
  registry?: RegistryConfig | undefined
  /** Where keys come from; never the keys themselves. */
  keys?: KeysConfig | undefined
  /** How new tenants are made. */
  provision?: ProvisionConfig | undefined
  /** `dir`: folder of seeds. Default: `./seeds`. */
  seeds?: { dir?: string | undefined } | undefined
  /** Most targets worked on at once, over all servers. Default: 16. */
  concurrency?: number | undefined
  /** How long one attempt waits for a lock that a statement needs. 0: for ever. Default: 2000. */
  lockTimeoutMs?: number | undefined
  /** How long lock timeouts are retried, in all, per migration. Default: 20000. */
  lockRetryBudgetMs?: number | undefined
  /** How long to wait for another run that holds the same target. Default: 60000. */
  targetLockWaitMs?: number | undefined
  /** Most time one statement may take. Default: 0, no limit. */
  statementTimeoutMs?: number | undefined
  /** Most time one migration may take. Default: 0, no limit. */
  migrationTimeoutMs?: number | undefined
  /** Default: 10000. */
  connectTimeoutMs?: number | undefined
  /** How long the server keeps a transaction of ours in which nothing happens. 0: for ever. Default: 60000. */
  idleInTransactionTimeoutMs?: number | undefined
  /** Tables that `status` and `verify` expect in every target. Default: none. */
  requiredTables?: readonly string[] | undefined
  /** Where extensions of schema-per-tenant databases live; second on the search path. Default: `public`. */
  sharedSchema?: string | undefined
  rollout?: RolloutConfig | undefined
  drift?: DriftConfig | undefined
  lint?: LintConfig | undefined
  dataChanges?: DataChangesConfig | undefined
  /** Default: `true`, which is `{ column: 'tenant_id' }`. `false`: nothing is asked. */
  sharedTables?: SharedTablesConfig | boolean | undefined
  sampleDb?: SampleDbConfig | undefined
}

/** Where a key comes from: exactly one of these. A command's standard output is the key (Vault, cloud KMS). */
export interface KeySourceConfig {
  env?: string | undefined
  file?: string | undefined
  command?: string | undefined
}

export interface KeysConfig {
  /** Seals. Default: `{ env: 'MASTER_ENCRYPTION_KEY' }`. */
  master?: KeySourceConfig | undefined
  /** Opens, too, while keys are rotated. Default: `{ env: 'MASTER_ENCRYPTION_KEY_PREVIOUS' }`. */
  previous?: KeySourceConfig | undefined
  /** Opens and writes AES-256-CBC values. Default: `{ env: 'DB_ENCRYPTION_KEY' }`. */
  cbc?: KeySourceConfig | undefined
}

/** The book of tenants: tables of ours in this database, or a table of the team's own with ours beside it. */
export interface RegistryConfig {
  /** Default: TENANT_REGISTRY_DB_URL, else a SQLite file in the state folder. */
  url?: string | undefined
  tls?: TlsConfig | undefined
  /** PostgreSQL: schema of our tables. Default: the connection's. */
  schema?: string | undefined
  /** The team's own migrations of this database, run by `registry migrate`. */
  migrations?: MigrationsConfig | readonly MigrationsConfig[] | undefined
  /** The team's own table of tenants; it is never altered. */
  tenants?: MappedTenantsConfig | undefined
}

export interface MappedTenantsConfig {
  /** Default: `tenants`. */
  table?: string | undefined
  schema?: string | undefined
  /** Field → column, in the column's own letter case. `id` and `database` (or `schema`) must be there. */
  columns: Readonly<Partial<Record<MappedField, string>>>
  /** Label → column. */
  labels?: Readonly<Record<string, string>> | undefined
  /** Their words → ours; `null`: rows with that word are not tenants of this fleet. */
  values?:
    | {
        topology?: Readonly<Record<string, TopologyName | null>> | undefined
        state?: Readonly<Record<string, TenantState | null>> | undefined
      }
    | undefined
  /** For rows without such a column. Default topology: `database`. */
  defaults?:
    | {
        topology?: TopologyName | undefined
        server?: string | undefined
        dialect?: 'postgres' | 'mysql' | 'sqlite' | undefined
      }
    | undefined
  /** How passwords are written. Default: `auto`, in the shape of those that are there. */
  password?: 'auto' | 'sealed' | 'cbc' | undefined
}

export interface ProvisionConfig {
  /** Default: `database`. */
  topology?: TopologyName | undefined
  server?: string | undefined
  /** For schemas: the database they are made in. */
  database?: string | undefined
  /** `{slug}` and `{digits8}` (eight random decimal digits). Default: `{slug}_{digits8}`. */
  naming?: string | undefined
  /** A role for each tenant that can reach only its own place. Default: true. */
  role?: boolean | undefined
  /** Extensions that every new database gets. */
  extensions?: readonly string[] | undefined
  /** Default: `auto`, from a verified template; `replay`: every migration. */
  from?: 'auto' | 'replay' | undefined
  /** First rows, with the new tenant's connection. May run again after a crash. */
  firstRows?: ((context: FirstRowsContext) => Promise<void> | void) | undefined
}

/** What an environment changes. Objects are merged into the base, key by key; lists and sources replace it. */
export type EnvironmentConfig = Partial<Omit<BaseConfig, 'servers'>> & {
  servers?: Readonly<Record<string, Partial<ServerConfig>>> | undefined
}

/** The config of a project. */
export interface Config extends BaseConfig {
  /** Parts for `--env <name>`, `TENANTRY_ENV`, or else `NODE_ENV`. */
  environments?: Readonly<Record<string, EnvironmentConfig>> | undefined
}

/** What a config that is a function is told. */
export interface ConfigContext {
  /** The name asked for by `--env`, `TENANTRY_ENV` or `NODE_ENV`; null: none. */
  environment: string | null
  /** The variables of the process. `.env` files are not read. */
  env: Readonly<Record<string, string | undefined>>
}

/** A config, or a function that makes one, possibly later. */
export type ConfigExport = Config | ((context: ConfigContext) => Config | Promise<Config>)

/**
 * Gives types to a config file: `export default defineConfig({ … })`. Returns what it is given; everything is checked
 * when a command loads it. `.env` files are not read: set the variables before, for instance with
 * `node --env-file=.env`.
 */
export function defineConfig(config: ConfigExport): ConfigExport {
  return config
}
