import type { Connection } from '../../model/dialect.ts'
import type { Scratch } from '../../model/picture.ts'
import { quoteIdentifier } from './quote.ts'

export const scratch: Scratch = {
  home: 'postgres',
  /** From `template0`: nothing that somebody put into `template1` gets between, nor does a session that is in it. */
  async createDatabase(connection: Connection, name: string) {
    await connection.query(`CREATE DATABASE ${quoteIdentifier(name)} TEMPLATE template0`)
    // What is lost with it in a crash of the server is of no use to anybody.
    await connection.query(`ALTER DATABASE ${quoteIdentifier(name)} SET synchronous_commit TO off`)
  },
  /** A collation is told by its name, or as the database's own. */
  async defaultsOf() {
    return null
  },
  async dropDatabase(connection: Connection, name: string) {
    await connection.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)} WITH (FORCE)`)
  },
  async createSchema(connection: Connection, name: string) {
    await connection.query(`CREATE SCHEMA ${quoteIdentifier(name)}`)
  },
  async dropSchema(connection: Connection, name: string) {
    await connection.query(`DROP SCHEMA IF EXISTS ${quoteIdentifier(name)} CASCADE`)
  },
  async listDatabases(connection: Connection, prefix: string) {
    const rows = await connection.query(
      `SELECT d.datname::text AS name FROM pg_catalog.pg_database d
        WHERE pg_catalog.starts_with(d.datname::text, $1::text) ORDER BY d.datname`,
      [prefix],
    )
    return rows.map(({ name }) => String(name))
  },
  async isInUse(connection: Connection, name: string) {
    const rows = await connection.query(
      'SELECT 1 AS one FROM pg_catalog.pg_stat_activity a WHERE a.datname OPERATOR(pg_catalog.=) $1::name LIMIT 1',
      [name],
    )
    return rows.length > 0
  },
}
