/** What only MariaDB and MySQL do, over the dialect's own connection. */
import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { mysql } from '../../src/dialects/mysql/index.ts'
import { historyShape } from '../../src/formats/history-shapes.ts'
import { type Connection, DatabaseError } from '../../src/model/dialect.ts'
import { Secret } from '../../src/model/secret.ts'
import type { ServerAddress, TlsSettings } from '../../src/model/server.ts'
import { type MariadbServer, startMariadb } from '../servers/mariadb.ts'
import { needs } from '../servers/need.ts'
import { startProxy, type TcpProxy } from '../servers/proxy.ts'
import { freshMariadb, type MariadbDatabase, sharedMariadb, withMariadb } from '../servers/shared-mariadb.ts'
import { type TlsFixture, tlsFixture } from '../servers/tls.ts'

const options = { connectTimeoutMs: 5000, applicationName: 'tenantry' }

function address(reach: { host: string; port: number; user: string; password: string }): ServerAddress {
  const { host, port, user, password } = reach
  const limits = { maxConcurrency: 8, maxConcurrencyPerDatabase: 4 }
  return { name: 'main', dialect: 'mysql', host, port, user, password: new Secret(password), tls: null, ...limits }
}

withMariadb('a MariaDB session', () => {
  let database: MariadbDatabase
  const open: Connection[] = []
  beforeEach(async () => {
    database = await freshMariadb('session')
  })
  afterEach(async () => {
    for (const connection of open.splice(0)) await connection.close()
    await database.drop()
  })
  async function session(change: Partial<ServerAddress> = {}): Promise<Connection> {
    const connection = await mysql.connect({ ...address(sharedMariadb()), ...change }, database.name, options)
    open.push(connection)
    return connection
  }

  test('statements with several results, and stored programs, travel in a pipeline', async () => {
    const connection = await session()
    const statements = [
      'CREATE TABLE t (a int)',
      'CREATE PROCEDURE p() BEGIN SELECT 1; INSERT INTO t VALUES (1); SELECT 2; END -- made',
      'CALL p()',
      'BEGIN NOT ATOMIC SELECT 1; SELECT 2; INSERT INTO t VALUES (2); END',
      '/*M!100000 INSERT INTO t VALUES (3) */',
      'INSERT INTO t VALUES (4) # done',
      'INSERT INTO t VALUES (1, 2)',
      'INSERT INTO t VALUES (5)',
    ]
    const done: number[] = []
    const outcome = await connection.pipeline(statements, (index) => done.push(index))
    expect(outcome).toMatchObject({ done: 6, failure: { kind: 'statement', sqlstate: '21S01' } })
    expect(done).toEqual([0, 1, 2, 3, 4, 5])
    expect(await connection.query('SELECT a FROM t ORDER BY a')).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }, { a: 4 }])
  })

  test('a failure inside a CALL is the failure of the CALL', async () => {
    const connection = await session()
    await connection.query(
      "CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'; END",
    )
    const outcome = await connection.pipeline(['DO 1', 'CALL p()', 'DO 2'])
    expect(outcome).toMatchObject({ done: 1, failure: { kind: 'statement', message: 'no' } })
    expect(await connection.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  test('a syntax error says where, and quotes its own statement only', async () => {
    const connection = await session()
    const { failure } = await connection.pipeline([
      'DO 1',
      "SELECT 'жжж',\n  brok en here",
      "SET @secret = 'of another'",
    ])
    expect(failure?.message).toMatch(/near 'here' at line 2$|near 'en here' at line 2$/)
    const text = [..."SELECT 'жжж',\n  brok en here"]
    expect(text.slice((failure?.position ?? 0) - 1).join('')).toMatch(/^(en )?here$/)
  })

  test("keeps the server's own modes", async () => {
    const connection = await session()
    const sql = 'SELECT @@sql_mode AS mode, @@time_zone AS zone, @@collation_connection AS collation'
    const [row] = await connection.query(sql)
    const [native] = await database.query('SELECT @@GLOBAL.sql_mode AS mode, @@GLOBAL.time_zone AS zone')
    expect(row).toMatchObject({ ...native, collation: 'utf8mb4_general_ci' })
  })

  test('a whole-table lock names the open transaction of the database as a candidate', async () => {
    await database.query('CREATE TABLE t (a int)')
    const [holder, waiter, side] = [await session(), await session(), await session()]
    await holder.run('BEGIN; INSERT INTO t VALUES (1)')
    const work = waiter.pipeline(['ALTER TABLE t ADD b int'])
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(await mysql.blockers(side, waiter.sessionId ?? 0)).toMatchObject([
      { sessionId: holder.sessionId, state: expect.stringContaining('perhaps') },
    ])
    await holder.run('ROLLBACK')
    expect(await work).toMatchObject({ failure: null })
  })

  test('an account that may not see other sessions still gets answers', async () => {
    const user = `${database.name.slice(-8)}_u`
    await database.query(
      `CREATE USER ${user}@'%' IDENTIFIED BY 'pw'; GRANT ALL ON \`${database.name}\`.* TO ${user}@'%'`,
    )
    const [holder, small] = [await session(), await session({ user, password: new Secret('pw') })]
    await mysql.lockTarget(holder, 'k', () => session())
    expect(await mysql.lockHolder(small, 'k')).toMatchObject({ sessionId: holder.sessionId, user: '' })
    expect(await mysql.blockers(small, holder.sessionId ?? 0)).toEqual([])
    const reading = await mysql.readHistories(small, request())
    expect([...reading.of]).toEqual([0])
    await database.query(
      `CREATE TABLE knex_migrations (id int, name text, batch int); REVOKE SELECT ON \`${database.name}\`.* FROM ${user}@'%'`,
    )
    const refused = await mysql.readHistories(await session({ user, password: new Secret('pw') }), request())
    expect(refused.failures.get(0)?.message).toMatch(/^the history cannot be read: SELECT command denied/)
  })

  test("Prisma's lock, which is one for the whole server, keeps us out and is named", async () => {
    const [prisma, own] = [await session(), await session()]
    const begin = mysql.phrases.begin(
      {
        schema: null,
        sharedSchema: '',
        lockTimeoutMs: 1000,
        statementTimeoutMs: 0,
        idleInTransactionTimeoutMs: 0,
        session: [],
      },
      { lockKey: 'k', token: 't', nativeLock: { key: 72_707_369, name: 'prisma_migrate' } },
      own.version,
    )
    await prisma.query("SELECT GET_LOCK('prisma_migrate', 0)")
    expect(await own.pipeline(begin)).toMatchObject({ done: 1, failure: { kind: 'native-locked' } })
    expect(await mysql.lockHolder(own, { advisory: { key: 72_707_369, name: 'prisma_migrate' } })).toMatchObject({
      sessionId: prisma.sessionId,
    })
    await prisma.query("SELECT RELEASE_LOCK('prisma_migrate')")
    expect(await own.pipeline(begin)).toMatchObject({ failure: null })
  })

  function request() {
    return {
      shape: historyShape('knex'),
      table: 'knex_migrations',
      schema: null,
      targets: [null],
      ledger: true,
      requiredTables: ['a'],
      lockTimeoutMs: 1000,
    }
  }

  describe('counted by a proxy', () => {
    let proxy: TcpProxy
    beforeEach(async () => {
      proxy = await startProxy(sharedMariadb(), { protocol: 'mysql' })
    })
    afterEach(() => proxy.stop())

    test('a history is one message, and so is a pipeline', async () => {
      const connection = await session({ port: proxy.port })
      let messages = 0
      const count = (bytes: Buffer) => {
        messages++
        return bytes.length === -1
      }
      const rule = proxy.cutWhen({ direction: 'client', match: count, action: 'destroy-before-forward' })
      await mysql.readHistories(connection, request())
      expect(messages).toBe(1)
      await connection.pipeline([
        'START TRANSACTION READ WRITE',
        'CREATE TABLE t (a int)',
        'INSERT INTO t VALUES (1)',
        'COMMIT',
      ])
      expect(messages).toBe(2)
      rule.cancel()
    })

    test('a server that says nothing is given up within the connect time-out', async () => {
      proxy.blackHole()
      const started = Date.now()
      const quick = { ...options, connectTimeoutMs: 300 }
      const work = mysql.connect({ ...address(sharedMariadb()), port: proxy.port }, database.name, quick)
      await expect(work).rejects.toMatchObject({
        failure: { kind: 'unreachable', message: 'no answer within the connect time-out' },
      })
      expect(Date.now() - started).toBeLessThan(3000)
    })
  })
})

needs('mariadb-server')('a MariaDB of its own', () => {
  let server: MariadbServer
  beforeAll(async () => {
    server = await startMariadb({ settings: { max_connections: '10', extra_max_connections: '1' } })
    await server.query('CREATE DATABASE app')
  })
  afterAll(() => server?.stop())

  test('connects through its socket', async () => {
    const change = { socketPath: server.socketPath, tls: { verify: 'full' } as TlsSettings }
    const connection = await mysql.connect({ ...address(server), ...change }, 'app', options)
    expect(await connection.query('SELECT DATABASE() AS home')).toEqual([{ home: 'app' }])
    await connection.close()
  })

  test('a killed server loses the session, and refuses the next', async () => {
    const connection = await mysql.connect(address(server), 'app', options)
    const work = connection.pipeline(['DO 1', 'SELECT SLEEP(20)'])
    await new Promise((resolve) => setTimeout(resolve, 100))
    await server.kill()
    expect(await work).toMatchObject({ done: 1, failure: { kind: 'connection-lost' } })
    await expect(mysql.connect(address(server), 'app', options)).rejects.toMatchObject({
      failure: { kind: 'unreachable', message: 'connection refused' },
    })
    await server.restart()
    const again = await mysql.connect(address(server), 'app', options)
    expect(await again.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
    await again.close()
  })

  test('says when all its connections are taken', async () => {
    await server.query("CREATE USER small@'%' IDENTIFIED BY 'pw'; GRANT ALL ON app.* TO small@'%'")
    const small = address({ ...server, user: 'small', password: 'pw' })
    const taken: Connection[] = []
    try {
      const error = await (async () => {
        for (let i = 0; i < 12; i++) taken.push(await mysql.connect(small, 'app', options))
        return null
      })().catch((reason: unknown) => reason)
      expect((error as DatabaseError).failure.kind).toBe('too-many-connections')
    } finally {
      for (const connection of taken) await connection.close()
    }
  })
})

needs('openssl')('certificates', () => {
  needs('mariadb-server')('a MariaDB with its own authority', () => {
    let tls: TlsFixture
    let server: MariadbServer
    let elsewhere: MariadbServer
    const read = (file: string) => readFileSync(file, 'utf8')

    beforeAll(async () => {
      tls = tlsFixture('robot')
      server = await startMariadb({ tls: { ca: tls.ca, ...tls.server } })
      elsewhere = await startMariadb({ tls: { ca: tls.ca, ...tls.otherHost } })
      await server.query(
        "CREATE USER robot@'%' IDENTIFIED BY 'pw' REQUIRE X509; CREATE DATABASE app; GRANT ALL ON app.* TO robot@'%'",
      )
    })
    afterAll(async () => {
      await server?.stop()
      await elsewhere?.stop()
      tls?.remove()
    })

    async function check(which: MariadbServer, settings: TlsSettings, change: Partial<ServerAddress> = {}) {
      try {
        const connection = await mysql.connect({ ...address(which), tls: settings, ...change }, '', options)
        const [row] = await connection.query("SHOW STATUS LIKE 'Ssl_cipher'")
        await connection.close()
        return row?.Value === '' ? 'clear' : 'encrypted'
      } catch (error) {
        if (error instanceof DatabaseError) return error.failure.kind
        throw error
      }
    }

    test('is who it says it is', async () => {
      const ca = read(tls.ca)
      expect(await check(server, { verify: 'full', ca })).toBe('encrypted')
      expect(await check(server, { verify: 'full', ca }, { host: 'localhost' })).toBe('encrypted')
      expect(await check(server, { verify: 'full' })).toBe('tls')
      expect(await check(server, { verify: 'full', ca: read(tls.strangerCa) })).toBe('tls')
      expect(await check(server, { verify: 'ca', ca: read(tls.strangerCa) })).toBe('tls')
      expect(await check(server, { verify: 'none' })).toBe('encrypted')
      expect(await check(elsewhere, { verify: 'full', ca })).toBe('tls')
      expect(await check(elsewhere, { verify: 'ca', ca })).toBe('encrypted')
      expect(await check(elsewhere, { verify: 'full', ca, servername: 'elsewhere.example' })).toBe('encrypted')
      expect(await check(server, { verify: 'full', ca, servername: 'elsewhere.example' })).toBe('tls')
    })

    test('asks for a client certificate where the account must have one', async () => {
      const ca = read(tls.ca)
      const robot = { user: 'robot', password: new Secret('pw') }
      const pair = { cert: read(tls.client.cert), key: new Secret(read(tls.client.key)) }
      expect(await check(server, { verify: 'full', ca, ...pair }, robot)).toBe('encrypted')
      expect(await check(server, { verify: 'full', ca }, robot)).toBe('authentication')
    })

    test('cancels over TLS, too', async () => {
      const connection = await mysql.connect(
        { ...address(server), tls: { verify: 'full', ca: read(tls.ca) } },
        'app',
        options,
      )
      const work = connection.pipeline(['SELECT SLEEP(20)'])
      await new Promise((resolve) => setTimeout(resolve, 100))
      await connection.cancel()
      expect(await work).toMatchObject({ failure: { kind: 'cancelled' } })
      await connection.close()
    })
  })
})
