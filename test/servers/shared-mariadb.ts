/** A database per test on the one MariaDB (or MySQL) server of the run. */
import { randomBytes } from 'node:crypto'
import { describe, inject } from 'vitest'
import { connectMariadb } from '../../scripts/lib/mariadb-client.mjs'
import type { MariadbClient } from './mariadb.ts'
import { needs } from './need.ts'

export interface MariadbDatabase {
  name: string
  /** As the account that may do everything, with the password. */
  url: string
  /** The server it is on. */
  server: MariadbClient
  /** Runs SQL here on a connection of its own; the rows (of several statements: the last one's). */
  query(sql: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>
  /** Not a must: the server goes away with the run. */
  drop(): Promise<void>
}

/**
 * `describe` for tests on the run's server: `TENANTRY_TEST_MYSQL_URL` where that is set, else Debian's MariaDB. Without
 * either the tests are skipped under a name that says what to type; in CI they fail instead.
 */
export function withMariadb(title: string, define: () => void): void {
  if (inject('mariadb') === null) needs('mariadb-server')(title, define)
  else describe(title, define)
}

/** The server of the run. Accounts and other things that belong to the whole server need names of the test's own. */
export function sharedMariadb(): MariadbClient {
  const address = inject('mariadb')
  if (address === null) throw new Error('This run has no MariaDB: put the test inside withMariadb.')
  return connectMariadb(address)
}

/**
 * Makes an empty database.
 *
 * @param label part of its name, to recognise it by; anything may be in it. Default `test`.
 */
export async function freshMariadb(label = 'test'): Promise<MariadbDatabase> {
  const server = sharedMariadb()
  const stem = label
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .slice(0, 40)
  const name = `${stem}_${randomBytes(4).toString('hex')}`
  await server.query(`CREATE DATABASE \`${name}\` CHARACTER SET utf8mb4`)
  return {
    name,
    url: server.url(name),
    server,
    query: (sql, values) => server.query(sql, name, values),
    async drop() {
      await server.query(`DROP DATABASE IF EXISTS \`${name}\``)
    },
  }
}
