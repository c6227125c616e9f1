import { randomBytes } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'vitest'
import { mysql } from '../../src/dialects/mysql/index.ts'
import { postgres } from '../../src/dialects/postgres/index.ts'
import { loadDriver } from '../../src/dialects/sqlite/driver.ts'
import { createFile, removeFile } from '../../src/dialects/sqlite/files.ts'
import { sqlite } from '../../src/dialects/sqlite/index.ts'
import { freshMariadb, sharedMariadb, withMariadb } from '../servers/shared-mariadb.ts'
import { describeDialect } from './dialect.ts'
import { addressOf, postgresSample } from './postgres-sample.ts'

describeDialect({ ...postgresSample, dialect: postgres })

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

const folder = mkdtempSync(join(tmpdir(), 'tenantry-conformance-'))
const noServer = 'a file has no server, and nobody to log in as'
const sameThread = 'statements run in the thread that would have to cancel them'

describeDialect({
  dialect: sqlite,
  describe,
  async fresh() {
    const name = `t${randomBytes(6).toString('hex')}`
    const path = join(folder, `${name}.db`)
    createFile(path)
    const address = { ...addressOf('sqlite', { host: '', port: 0, user: '', password: '' }), directory: folder }
    return {
      name,
      schema: 'main',
      address,
      async query(sql) {
        const handle = loadDriver().open({ existing: path })
        try {
          return handle.all(sql, [])
        } finally {
          handle.close()
        }
      },
      async drop() {
        removeFile(path)
      },
    }
  },
  skip: {
    'says what is wrong, and never the password': noServer,
    'notices that its session was killed, in use and idle': noServer,
    'are freed when the session dies': `${noServer}; a process that dies is in test/stories/sqlite-fleet.test.ts`,
    'cancels what runs, and goes on': sameThread,
    'that a row waits for are traced to who holds it':
      'the kernel tells of other processes only; that is in test/stories/sqlite-fleet.test.ts',
  },
  slow: null,
  kill: () => '',
  sessionChange: ['PRAGMA recursive_triggers = ON', 'PRAGMA foreign_keys = OFF', 'PRAGMA cache_size = 17'],
  sessionState:
    'SELECT (SELECT recursive_triggers FROM pragma_recursive_triggers) AS recursive, (SELECT foreign_keys FROM pragma_foreign_keys) AS enforced, (SELECT cache_size FROM pragma_cache_size) AS cache',
  tryUserLock: null,
  makeLogin: () => '',
  badStatementWith: () => '',
  reading: {
    sql: "SELECT 1 AS a, NULL AS b, 1.5 AS c, 9223372036854775807 AS d, x'00ff' AS e, 'ж' AS f",
    row: { a: 1, b: null, c: 1.5, d: '9223372036854775807', e: Buffer.from([0, 255]), f: 'ж' },
  },
  parameters: 'SELECT ? AS one, ? AS two',
  literalModes: [],
})
