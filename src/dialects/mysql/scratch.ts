import type { Connection } from '../../model/dialect.ts'
import { TenantryError } from '../../model/errors.ts'
import type { Scratch } from '../../model/picture.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'

const noSchemas = () =>
  Promise.reject(new TenantryError('INTERNAL', 'A target of MySQL or MariaDB is a database; it holds no schemas.'))

/**
 * Databases for trying things out. Without anything said they get the server's default character set and collation, as a
 * CREATE DATABASE of anybody would give them.
 */
export const scratch: Scratch = {
  home: 'information_schema',
  async createDatabase(connection, name, defaults = null) {
    const collation = defaults === null ? '' : ` COLLATE ${quoteIdentifier(defaults)}`
    await connection.run(`CREATE DATABASE ${quoteIdentifier(name)}${collation}`)
  },
  /** The collation, which tells the character set, too. */
  async defaultsOf(connection) {
    const [row] = await connection.run(
      'SELECT DEFAULT_COLLATION_NAME AS collation FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = DATABASE()',
    )
    return row === undefined ? null : String(row.collation)
  },
  /** What sessions of other accounts hold locked in it is waited for. */
  async dropDatabase(connection, name) {
    await endSessions(connection, name)
    await connection.run(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)}`)
  },
  createSchema: noSchemas,
  dropSchema: noSchemas,
  async listDatabases(connection, prefix) {
    const text = quoteLiteral(prefix)
    const rows = await connection.run(
      `SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA WHERE LEFT(SCHEMA_NAME, CHAR_LENGTH(${text})) = ${text} ORDER BY SCHEMA_NAME`,
    )
    return rows.map(({ name }) => String(name))
  },
  async isInUse(connection, name) {
    return (await sessionsIn(connection, name)).length > 0
  },
}

/** An account without PROCESS sees only its own sessions: those of killed runs are among them. */
async function sessionsIn(connection: Connection, name: string): Promise<number[]> {
  const rows = await connection.run(
    `SELECT ID AS id FROM information_schema.PROCESSLIST WHERE DB = ${quoteLiteral(name)} AND ID <> CONNECTION_ID()`,
  )
  return rows.map(({ id }) => Number(id))
}

async function endSessions(connection: Connection, name: string): Promise<void> {
  // 1094: it has ended meanwhile. 1095: it is somebody else's, and the DROP waits for it.
  for (const id of await sessionsIn(connection, name)) await connection.run(`KILL ${id}`).catch(() => {})
}
