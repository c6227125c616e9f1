/** A database per test on the one server of the run. */
import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import { connectPostgres } from '../../scripts/lib/postgres.mjs'
import type { PostgresClient } from './postgres.ts'

/** Major version of the run's server. */
export const postgresMajor = Number(process.env.TENANTRY_TEST_POSTGRES ?? 18)

export interface TestDatabase {
  name: string
  /** As the superuser, with the password. */
  url: string
  /** The server it is on: `server.query(sql)` runs in its `postgres` database. */
  server: PostgresClient
  /** Runs SQL here on a connection of its own; the rows (of several statements: the last one's). */
  query(sql: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>
  /** Ends its sessions and drops it. Not a must: the server goes away with the run. */
  drop(): Promise<void>
}

/** The server of the run. Roles and other things that belong to the whole server need names of the test's own. */
export function sharedServer(): PostgresClient {
  return connectPostgres(inject('postgres'))
}

/**
 * Makes an empty database.
 *
 * @param label part of its name, to recognise it by; anything may be in it. Default `test`.
 */
export async function freshDatabase(label = 'test'): Promise<TestDatabase> {
  const server = sharedServer()
  const stem = label
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .slice(0, 40)
  const name = `${stem}_${randomBytes(4).toString('hex')}`
  await server.query(`CREATE DATABASE "${name}"`)
  return {
    name,
    url: server.url(name),
    server,
    query: (sql, values) => server.query(sql, name, values),
    async drop() {
      await server.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`)
    },
  }
}
