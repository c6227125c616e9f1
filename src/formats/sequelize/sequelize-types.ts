/** What is used of Sequelize 6 and 7, whose own types need not be installed. */
export interface Sequelize {
  options: Record<string, unknown>
  /** Version 6. */
  connectionManager: ConnectionManager
  /** Version 7: the pool is the instance's own. */
  pool: Pool
  dialect: { connectionManager: NewerConnectionManager }
  queryInterface: QueryInterface
  query(...args: unknown[]): Promise<unknown>
  transaction(...args: unknown[]): Promise<unknown>
  define(...args: unknown[]): unknown
}

export interface SequelizeClass {
  new (options: object): Sequelize
  DataTypes: { postgres: object }
  addHook(name: 'afterInit', hook: (instance: Sequelize) => void): void
  /** Version 7. */
  hooks?: { addListener(name: 'afterInit', hook: (instance: Sequelize) => void): unknown }
}

export interface Pool {
  acquire(options?: object): Promise<unknown>
  release(connection: unknown): void
  destroy?(connection: unknown): Promise<void>
}

type Connect = (...args: unknown[]) => Promise<unknown>

export interface NewerConnectionManager {
  connect: Connect
  /** PostgreSQL: asks which types there are, over the pool. */
  refreshDynamicOids(): Promise<void>
  getTypeParser(oid: number, format?: string): TypeParser
}

export interface ConnectionManager {
  getConnection(options?: object): Promise<unknown>
  releaseConnection(connection: unknown): void
  destroyConnection(connection: unknown): Promise<void>
  close(): Promise<void>
  _connect: Connect
  /** PostgreSQL only, from here on: which parser reads which type. */
  _refreshDynamicOIDs?(): Promise<void>
  refreshTypeParser(types: object): void
  getTypeParser(oid: number, format?: string): TypeParser
  oidParserMap: Map<number, TypeParser>
  nameOidMap: Record<string, TypeOids>
  enumOids: { oids: number[]; arrayOids: number[] }
}

export interface TypeOids {
  oid: number
  arrayOid?: number
  rangeOid?: number
  arrayRangeOid?: number
}

export type TypeParser = (value: string) => unknown

export interface QueryInterface {
  sequelize: Sequelize
  queryGenerator: QueryGenerator
  dropAllSchemas(): Promise<unknown>
}

/** What is replaced where the target is a schema. */
export interface QueryGenerator {
  escape(value: string): string
  /** Version 7. */
  extractTableDetails(table: TableName): { tableName: string; schema: string }
  quoteIdentifier(name: string): string
  tableExistsQuery(table: TableName): string
  describeTableQuery(table: string, schema?: string | null): string
  showIndexesQuery(table: TableName): string
  showConstraintsQuery(table: TableName): string
  getForeignKeysQuery(table: TableName): string
  getForeignKeyReferencesQuery(table: string, catalog?: string, schema?: string): string
  getForeignKeyReferenceQuery(table: TableName, column: string): string
  pgEnumDrop(table: TableName | null, attribute: string | null, name?: string): string
}

export type TableName = string | { tableName: string; schema?: string }

type Callback = (error: unknown, result?: unknown) => void

/** A client of `pg` or a connection of `mysql2`. */
export interface RawClient {
  query(query: unknown, values: unknown, done?: Callback): unknown
  query(query: unknown, done: Callback): unknown
  execute?(query: unknown, values: unknown, done?: Callback): unknown
}
