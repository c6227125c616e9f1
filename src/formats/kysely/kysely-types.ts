/** What is used of Kysely; the same from 0.24 to 0.29. */
export interface Kysely {
  executeQuery(query: unknown): Promise<{ rows: Record<string, unknown>[] }>
}

export interface DatabaseConnection {
  executeQuery(query: CompiledQuery): Promise<unknown>
  streamQuery(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<unknown>
}

export interface CompiledQuery {
  sql: string
  parameters: readonly unknown[]
}

export interface Driver {
  init(): Promise<void>
  acquireConnection(): Promise<DatabaseConnection>
  releaseConnection(connection: DatabaseConnection): Promise<void>
  destroy(): Promise<void>
}

export interface TableMetadata {
  name: string
  schema?: string
}

export interface Introspector {
  getSchemas(): Promise<unknown>
  getTables(options?: unknown): Promise<TableMetadata[]>
  getMetadata(options?: unknown): Promise<{ tables: TableMetadata[] }>
}

/** How an instance speaks to one kind of database. */
export interface KyselyDialect {
  createDriver(): Driver
  createQueryCompiler(): unknown
  createAdapter(): unknown
  createIntrospector(db: Kysely): Introspector
}

// biome-ignore lint/suspicious/noExplicitAny: arguments of other people's constructors
type Constructor<T> = new (...args: any[]) => T

/** What the package exports. */
export interface KyselyPackage {
  Kysely: Constructor<Kysely>
  CompiledQuery: { raw(sql: string, parameters?: unknown[]): unknown }
  PostgresDialect: Constructor<KyselyDialect>
  MysqlDialect: Constructor<KyselyDialect>
  SqliteDialect: Constructor<KyselyDialect>
  PostgresDriver: Constructor<Driver>
  MysqlDriver: Constructor<Driver>
  SqliteDriver: Constructor<Driver>
}
