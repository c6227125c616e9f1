import type { CompiledQuery, DatabaseConnection, Driver } from './kysely-types.ts'

/** What a session of SQLite hands out: one statement, wherever the database is. */
export interface SqliteClient {
  execute(
    text: string,
    values: readonly unknown[],
  ): Promise<{
    rows: unknown[]
    columns: readonly string[]
    changes: number
    lastInsertRowid: number | bigint
  }>
}

/**
 * A driver of Kysely's over a session of ours. Its own for SQLite wants a database that answers at once, which a remote
 * one cannot. Results are those of `SqliteDriver`.
 */
export function makeSqliteDriver(acquire: () => Promise<SqliteClient>): Driver {
  const send = (connection: DatabaseConnection, sql: string) => connection.executeQuery({ sql, parameters: [] })
  // Kysely compiles names of savepoints itself.
  const savepoint = (command: string) => (connection: DatabaseConnection, name: string) =>
    send(connection, `${command} "${name.replaceAll('"', '""')}"`)
  return {
    async init() {},
    acquireConnection: async () => new SqliteConnection(await acquire()),
    beginTransaction: (connection: DatabaseConnection) => send(connection, 'begin'),
    commitTransaction: (connection: DatabaseConnection) => send(connection, 'commit'),
    rollbackTransaction: (connection: DatabaseConnection) => send(connection, 'rollback'),
    savepoint: savepoint('savepoint'),
    rollbackToSavepoint: savepoint('rollback to'),
    releaseSavepoint: savepoint('release'),
    async releaseConnection() {},
    async destroy() {},
  } as Driver
}

class SqliteConnection implements DatabaseConnection {
  readonly #client: SqliteClient

  constructor(client: SqliteClient) {
    this.#client = client
  }

  async executeQuery({ sql, parameters }: CompiledQuery): Promise<unknown> {
    const { rows, columns, changes, lastInsertRowid } = await this.#client.execute(sql, parameters)
    if (columns.length > 0) return { rows }
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) }
  }

  async *streamQuery(query: CompiledQuery): AsyncIterableIterator<unknown> {
    const { rows } = await this.#client.execute(query.sql, query.parameters)
    for (const row of rows) yield { rows: [row] }
  }
}
