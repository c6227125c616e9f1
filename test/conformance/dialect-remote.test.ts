/** The contract of dialects over namespaces of a remote libSQL server. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll } from 'vitest'
import { sqlite } from '../../src/dialects/sqlite/index.ts'
import type { ServerAddress } from '../../src/model/server.ts'
import { type Sqld, startSqld, withSqld } from '../servers/sqld.ts'
import { describeDialect } from './dialect.ts'

let server: Sqld

const address = (): ServerAddress => ({
  name: 'main',
  dialect: 'sqlite',
  host: '127.0.0.1',
  port: server.port,
  tls: null,
  maxConcurrency: 8,
  maxConcurrencyPerDatabase: 4,
})

const ownStory = 'told in test/stories/libsql-remote.test.ts'

withSqld('a remote libSQL server', () => {
  beforeAll(async () => {
    server = await startSqld()
  })
  afterAll(() => server.remove())

  describeDialect({
    dialect: sqlite,
    describe: (_title, define) => define(),
    async fresh() {
      const name = `t${randomBytes(6).toString('hex')}`
      await server.create(name)
      return {
        name,
        schema: 'main',
        address: address(),
        query: (sql) => server.query(name, sql),
        drop: async () => {},
      }
    },
    skip: {
      'says what is wrong, and never the password': `there are no logins but tokens; ${ownStory}`,
      'notices that its session was killed, in use and idle': `nobody can kill a session there; ${ownStory}`,
      'are freed when the session dies': `a lock is a lease; ${ownStory}`,
      'cancels what runs, and goes on': 'nobody can end what the server carries out',
      'that a row waits for are traced to who holds it': 'the server tells nobody who writes',
      'forgets what a body left: reset': 'the server refuses temporary tables and settings of a session',
      'forgets what a body left: phrases.reset': 'the server refuses temporary tables and settings of a session',
      'keeps to its time limits': `the server lets a writer wait for five seconds and then ends the other's transaction; ${ownStory}`,
    },
    slow: null,
    kill: () => '',
    sessionChange: [],
    sessionState: '',
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
})
