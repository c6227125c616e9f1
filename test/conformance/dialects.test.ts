import { describe } from 'vitest'
import { mysql } from '../../src/dialects/mysql/index.ts'
import { postgres } from '../../src/dialects/postgres/index.ts'
import { Secret } from '../../src/model/secret.ts'
import type { DialectName, ServerAddress } from '../../src/model/server.ts'
import { freshDatabase, sharedServer } from '../servers/shared.ts'
import { freshMariadb, sharedMariadb, withMariadb } from '../servers/shared-mariadb.ts'
import { describeDialect } from './dialect.ts'

interface Reach {
  host: string
  port: number
  user: string
  password: string
}

function addressOf(dialect: DialectName, { host, port, user, password }: Reach): ServerAddress {
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

describeDialect({
  dialect: postgres,
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
})

describeDialect({
  dialect: mysql,
  describe: withMariadb,
  async fresh() {
    const database = await freshMariadb('conformance')
    return { ...database, schema: database.name, address: addressOf('mysql', sharedMariadb()) }
  },
  slow: 'SELECT SLEEP(30)',
  kill: (id) => `KILL ${id}`,
  sessionChange: [
    "SET sql_mode = 'ANSI_QUOTES'",
    'SET @mine = 1',
    'SET NAMES latin1',
    'USE information_schema',
    'SET autocommit = 0',
  ],
  sessionState:
    'SELECT @@sql_mode AS mode, @mine AS mine, @@character_set_client AS charset, DATABASE() AS home, @@autocommit AS auto',
  tryUserLock: "SELECT GET_LOCK('conformance', 0) AS got",
  makeLogin: (user, password) => `CREATE USER ${user}@'%' IDENTIFIED BY '${password}'`,
  badStatementWith: (password) => `CREATE USER somebody\nIDENTIFIED BY '${password}' nonsense`,
  reading: {
    sql: "SELECT 1 AS a, NULL AS b, CAST('2025-01-02 03:04:05' AS DATETIME) AS c, 9223372036854775807 AS d",
    row: { a: 1, b: null, c: '2025-01-02 03:04:05', d: '9223372036854775807' },
  },
  parameters: 'SELECT ? AS one, ? AS two',
  literalModes: [
    "SET sql_mode = 'NO_BACKSLASH_ESCAPES'",
    "SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT'",
    'SET character_set_client = latin1',
  ],
})
