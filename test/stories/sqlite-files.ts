/** SQLite files of the tests, in a folder of their own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqlite } from '../../src/dialects/sqlite/index.ts'
import type { Connection } from '../../src/model/dialect.ts'
import type { ServerAddress } from '../../src/model/server.ts'

export interface SqliteFolder {
  path: string
  server: ServerAddress
  /** Makes an empty file and runs these in it, in one transaction. */
  make(name: string, statements?: readonly string[]): Promise<void>
  /** Runs statements in a file that is there; rows of the last. */
  run(name: string, ...statements: string[]): Promise<Record<string, unknown>[]>
  /** Opens a file, does something, closes it. */
  within<T>(name: string, work: (connection: Connection) => Promise<T>): Promise<T>
  remove(): void
}

export function makeFolder(): SqliteFolder {
  const path = mkdtempSync(join(tmpdir(), 'tenantry-sqlite-'))
  const server: ServerAddress = {
    name: 'main',
    dialect: 'sqlite',
    host: '',
    port: 0,
    directory: path,
    tls: null,
    maxConcurrency: 10,
    maxConcurrencyPerDatabase: 10,
  }
  const within: SqliteFolder['within'] = async (name, work) => {
    const connection = await sqlite.connect(server, name, { connectTimeoutMs: 5000, applicationName: 'test' })
    try {
      return await work(connection)
    } finally {
      await connection.close()
    }
  }
  const run: SqliteFolder['run'] = (name, ...statements) =>
    within(name, async (connection) => {
      let rows: Record<string, unknown>[] = []
      for (const statement of statements) rows = await connection.run(statement)
      return rows
    })
  return {
    path,
    server,
    within,
    run,
    async make(name, statements = []) {
      writeFileSync(join(path, `${name}.db`), '')
      await run(name, 'BEGIN', ...statements, 'COMMIT')
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  }
}
