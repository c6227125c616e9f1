/** What is used of TypeORM 0.3 and 1, whose own types need not be installed. */
export interface DataSource {
  options: Record<string, unknown>
  driver: Driver
  isInitialized: boolean
  initialize(): Promise<DataSource>
  createQueryRunner(mode?: string): QueryRunner
}

export interface DataSourceClass {
  new (options: object): DataSource
}

export interface Driver {
  options: Record<string, unknown>
  database?: string
  schema?: string
  searchSchema?: string
  version?: string
  createQueryRunner(mode: string): QueryRunner
  createSchemaBuilder(): { createMetadataTableIfNecessary?(queryRunner: QueryRunner): Promise<void> }
}

export interface QueryRunner {
  isReleased: boolean
  isTransactionActive: boolean
  query(...args: unknown[]): Promise<unknown>
  startTransaction(isolation?: string): Promise<void>
  commitTransaction(): Promise<void>
  rollbackTransaction(): Promise<void>
  release(): Promise<void>
  beforeMigration(): Promise<void>
  afterMigration(): Promise<void>
  getCurrentDatabase(): Promise<string>
  /** PostgreSQL's only. */
  hasSupportForPartitionedTables?(): Promise<boolean>
}

/** An instance of a migration's class. */
export interface MigrationInstance {
  name?: unknown
  transaction?: unknown
  up?: unknown
  down?: unknown
}

type Callback = (error: unknown, ...rest: unknown[]) => void

/** A client of `pg` or a connection of `mysql2`. */
export interface RawClient {
  query(query: unknown, values?: unknown, done?: Callback): unknown
  promise?(): { query(query: unknown, values?: unknown): Promise<unknown> }
  release?(): void
}
