import { describe } from 'vitest'
import { Secret } from '../../src/model/secret.ts'
import type { DialectName, ServerAddress } from '../../src/model/server.ts'
import { freshDatabase, sharedServer } from '../servers/shared.ts'
import type { DialectSample } from './dialect.ts'

interface Reach {
  host: string
  port: number
  user: string
  password: string
}

export function addressOf(dialect: DialectName, { host, port, user, password }: Reach): ServerAddress {
  return {
    name: 'main',
    dialect,
    host,
    port,
    user,
    password: new Secret(password),
    tls: null,
    maxConcurrency: 8,
    maxConcurrencyPerDatabase: 4,
  }
}

/** What holds for PostgreSQL, and for whatever else speaks its SQL to its servers. */
export const postgresSample: Omit<DialectSample, 'dialect'> = {
  describe,
  async fresh() {
    const database = await freshDatabase('conformance')
    return { ...database, schema: 'public', address: addressOf('postgres', sharedServer()) }
  },
  slow: 'SELECT pg_sleep(30)',
  kill: (id) => `SELECT pg_terminate_backend(${id})`,
  sessionChange: ["SET work_mem = '7MB'", 'PREPARE p AS SELECT 1'],
  sessionState:
    "SELECT current_setting('work_mem') AS value, (SELECT count(*) FROM pg_prepared_statements) AS prepared",
  tryUserLock: 'SELECT pg_try_advisory_lock(4711)::int AS got',
  makeLogin: (user, password) => `CREATE ROLE ${user} LOGIN PASSWORD '${password}'`,
  badStatementWith: (password) => `CREATE ROLE somebody PASSWORD '${password}' nonsense`,
  reading: { sql: 'SELECT 1 AS a, NULL AS b, true AS c', row: { a: 1, b: null, c: true } },
  parameters: 'SELECT $1::text AS one, $2::int AS two',
  literalModes: ['SET standard_conforming_strings = off'],
}
