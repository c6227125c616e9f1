import { createHash } from 'node:crypto'
import { type Connection, DatabaseError } from '../../model/dialect.ts'
import { TenantryError } from '../../model/errors.ts'
import type { Dropped, Made, Places } from '../../model/places.ts'
import { placeTable } from '../../model/places.ts'
import type { Secret } from '../../model/secret.ts'
import { connect } from './connection.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import { scratch } from './scratch.ts'
import { snapshots } from './snapshot.ts'
import { isMariadb } from './versions.ts'

const noSchemas = () =>
  Promise.reject(new TenantryError('INTERNAL', 'A place of MySQL or MariaDB is a database; it holds no schemas.'))

const account = (name: string) => `${quoteLiteral(name)}@'%'`

/**
 * Accounts have no comment. A right on a database that does not exist, and whose name only this tenant's runs know, says
 * whose one is.
 */
function markDatabase(mark: string): string {
  return `tenantry_mark_${createHash('sha256').update(mark).digest('hex').slice(0, 32)}`
}

/** In GRANT a database is a pattern, in which these stand for other characters: `acme_1` would be `acmeX1`, too. */
const pattern = (name: string) => quoteIdentifier(name.replace(/[\\_%]/g, '\\$&'))

/** What MariaDB keeps of a password: given instead of it, the password itself is in no statement and in no log. */
function nativeHash(password: Secret): string {
  const sha1 = (data: Buffer) => createHash('sha1').update(data).digest()
  return `*${sha1(sha1(Buffer.from(password.reveal())))
    .toString('hex')
    .toUpperCase()}`
}

/** Only who made it knows the password. */
async function mayLogIn(connection: Connection, name: string, password: Secret): Promise<boolean> {
  try {
    const server = { ...connection.server, user: name, password }
    const own = await connect(server, 'information_schema', { connectTimeoutMs: 10_000, applicationName: 'tenantry' })
    await own.close()
    return true
  } catch (error) {
    if (error instanceof DatabaseError && error.failure.kind === 'authentication') return false
    throw error
  }
}

const markAccount = (name: string, mark: string) =>
  `GRANT SELECT ON ${pattern(markDatabase(mark))}.* TO ${account(name)}`

async function makeRole(
  connection: Connection,
  { name, password }: { name: string; password: Secret },
  mark: string,
): Promise<Made> {
  const proof = isMariadb(connection.version)
    ? `IDENTIFIED VIA mysql_native_password USING ${quoteLiteral(nativeHash(password))}`
    : `IDENTIFIED BY ${quoteLiteral(password.reveal())}`
  try {
    await connection.run(`CREATE USER ${account(name)} ${proof}`)
  } catch (error) {
    // 1396 says only that it did not work; that it was there already is one reason.
    if (!(error instanceof DatabaseError)) throw error
    if (!(await isThere(connection, name))) throw error
    if (!(await mayLogIn(connection, name, password))) return 'taken'
    await connection.run(markAccount(name, mark))
    return 'there'
  }
  await connection.run(markAccount(name, mark))
  return 'made'
}

async function isThere(connection: Connection, name: string): Promise<boolean> {
  try {
    await connection.run(`SHOW GRANTS FOR ${account(name)}`)
    return true
  } catch (error) {
    // 1141: there is no such account.
    if (error instanceof DatabaseError && /no such grant/i.test(error.failure.message)) return false
    throw error
  }
}

async function dropRole(connection: Connection, name: string, mark: string): Promise<Dropped> {
  if (!(await isThere(connection, name))) return 'gone'
  const rows = await connection.run(`SHOW GRANTS FOR ${account(name)}`)
  const text = rows.flatMap((row) => Object.values(row).map(String)).join('\n')
  if (!text.replaceAll('\\', '').includes(markDatabase(mark))) return 'taken'
  await connection.run(`DROP USER ${account(name)}`)
  return 'dropped'
}

/** Mark of a database; undefined: there is none of this name. */
async function readMark(connection: Connection, name: string): Promise<string | null | undefined> {
  const comments = isMariadb(connection.version)
  const [row] = await connection.run(
    `SELECT ${comments ? 'SCHEMA_COMMENT' : 'NULL'} AS mark FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ${quoteLiteral(name)}`,
  )
  if (row === undefined) return undefined
  if (comments) return row.mark === null ? null : String(row.mark)
  const [table] = await connection.run(
    `SELECT 1 AS one FROM information_schema.TABLES WHERE TABLE_SCHEMA = ${quoteLiteral(name)} AND TABLE_NAME = ${quoteLiteral(placeTable)}`,
  )
  if (table === undefined) return null
  const [own] = await connection.run(`SELECT mark FROM ${quoteIdentifier(name)}.${quoteIdentifier(placeTable)}`)
  return own === undefined ? null : String(own.mark)
}

/** MariaDB marks it in the same statement; MySQL has no comments for databases, and gets a table of one row. */
async function makeDatabase(connection: Connection, name: string, mark: string): Promise<Made> {
  const comments = isMariadb(connection.version)
  const comment = comments ? ` COMMENT ${quoteLiteral(mark)}` : ''
  try {
    await connection.run(`CREATE DATABASE ${quoteIdentifier(name)}${comment}`)
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.failure.kind !== 'already-exists') throw error
    return (await readMark(connection, name)) === mark ? 'there' : 'taken'
  }
  if (!comments) {
    const table = `${quoteIdentifier(name)}.${quoteIdentifier(placeTable)}`
    await connection.run(`CREATE TABLE ${table} (mark VARCHAR(255) NOT NULL)`)
    await connection.run(`INSERT INTO ${table} (mark) VALUES (${quoteLiteral(mark)})`)
  }
  return 'made'
}

export const places: Places = {
  longestNameBytes: 63,
  longestRoleBytes: 32,
  makeRole,
  makeDatabase,
  makeSchema: noSchemas,
  async grant(connection, { role, database }) {
    const rights = 'SELECT, INSERT, UPDATE, DELETE, EXECUTE, SHOW VIEW, CREATE TEMPORARY TABLES, LOCK TABLES'
    await connection.run(`GRANT ${rights} ON ${pattern(database)}.* TO ${account(role)}`)
  },
  async dropDatabase(connection, name, mark): Promise<Dropped> {
    const found = await readMark(connection, name)
    if (found === undefined) return 'gone'
    if (mark !== null && found !== mark) return 'taken'
    await scratch.dropDatabase(connection, name)
    return 'dropped'
  },
  dropSchema: noSchemas,
  dropRole,
  snapshots,
}
