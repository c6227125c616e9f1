import knex3, { type Knex } from 'knex'
import knex2 from 'knex2'
import { DataTypes, type QueryInterface, Sequelize } from 'sequelize'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { connect } from '../../src/dialects/mysql/connection.ts'
import type { CodeRequest, CodeSession } from '../../src/model/code.ts'
import type { Connection } from '../../src/model/dialect.ts'
import { Secret } from '../../src/model/secret.ts'
import type { ServerAddress } from '../../src/model/server.ts'
import { freshMariadb, type MariadbDatabase, withMariadb } from '../servers/shared-mariadb.ts'

let database: MariadbDatabase
let connection: Connection
let session: CodeSession

const standard: CodeRequest = {
  schema: null,
  sharedSchema: 'public',
  transaction: false,
  resume: null,
  progress: (done, prefix) => [`UPDATE progress SET done = ${done}, prefix = '${prefix}'`],
  preview: false,
}

type Code = (session: CodeSession) => Promise<unknown>

async function carryOut(code: Code, request: Partial<CodeRequest> = {}) {
  session = connection.openCode({ ...standard, ...request })
  try {
    await code(session)
    expect(await session.finish()).toEqual([])
    return { ok: true }
  } catch (error) {
    return { error: error as Error, ...session.failureOf(error) }
  } finally {
    session.close()
  }
}

/** A runner that dies: nothing is said to the server any more. */
async function interrupt(code: Code) {
  const { server } = connection
  const other = await connect(server, database.name, { connectTimeoutMs: 5000, applicationName: 'dies' })
  const own = other.openCode(standard)
  await code(own).catch(() => {})
  own.close()
  await other.close()
}

async function progress() {
  const [row] = await database.query('SELECT done, prefix FROM progress')
  return row as { done: number; prefix: string }
}

function bindKnex(makeKnex: typeof knex3, on: CodeSession): Knex {
  const silent = { warn() {}, error() {}, deprecate() {}, debug() {} }
  const made = makeKnex({ client: 'mysql2', version: on.serverVersion, log: silent } as Knex.Config)
  Object.assign(made.client, {
    acquireConnection: async () => on.acquire(),
    releaseConnection: async () => {},
    destroy: async () => {},
  })
  return made
}

function withKnex(up: (trx: Knex.Transaction, knex: Knex) => Promise<unknown>, makeKnex = knex3): Code {
  return (on) => {
    const made = bindKnex(makeKnex, on)
    return made.transaction((trx) => up(trx, made))
  }
}

interface Raw {
  query(...args: unknown[]): NodeJS.EventEmitter & { stream(): AsyncIterable<unknown> }
  execute(...args: unknown[]): unknown
  promise(): { query(sql: unknown, values?: unknown): Promise<[Record<string, unknown>[] & { insertId: number }]> }
}
type Ask = (sql: unknown, values?: unknown) => Promise<Record<string, unknown>[] & { insertId: number }>

function withRaw(up: (ask: Ask, client: Raw, another: () => Ask) => Promise<unknown>): Code {
  return (on) => {
    const asking =
      (client: Raw): Ask =>
      async (sql, values) =>
        (await client.promise().query(sql, values))[0]
    const client = on.acquire() as Raw
    return up(asking(client), client, () => asking(on.acquire() as Raw))
  }
}

async function marks(): Promise<string> {
  return (await database.query('SELECT name FROM marks ORDER BY name')).map(({ name }) => name).join(' ')
}

withMariadb('code sessions', () => {
  beforeAll(async () => {
    database = await freshMariadb('code session')
    const url = new URL(database.url)
    const server: ServerAddress = {
      name: 'main',
      dialect: 'mysql',
      host: url.hostname,
      port: Number(url.port),
      user: decodeURIComponent(url.username),
      password: new Secret(decodeURIComponent(url.password)),
      tls: null,
      maxConcurrency: 1,
      maxConcurrencyPerDatabase: 1,
    }
    connection = await connect(server, database.name, { connectTimeoutMs: 5000, applicationName: 'code' })
  })
  afterAll(async () => {
    await connection?.close()
    await database?.drop()
  })
  beforeEach(async () => {
    await database.query(
      `CREATE TABLE marks (id int AUTO_INCREMENT PRIMARY KEY, name varchar(50));
      CREATE TABLE progress (done int, prefix varchar(16)); INSERT INTO progress VALUES (0, '')`,
    )
  })
  afterEach(async () => {
    session?.close()
    await connection.reset()
    for (const { name } of await database.query(
      'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()',
    )) {
      await database.query(`SET foreign_key_checks = 0; DROP TABLE \`${name}\``)
    }
  })

  describe.each(Object.entries({ 'knex 3': knex3, 'knex 2': knex2 as unknown as typeof knex3 }))(
    '%s',
    (_name, make) => {
      test('schema, rows, raw, and what is counted', async () => {
        const outcome = await carryOut(
          withKnex(async (trx, knex) => {
            await trx('marks').insert({ name: 'before' })
            await trx.schema.createTable('a', (table) => {
              table.increments('id')
              table.enu('kind', ['x', 'y'])
              table.timestamp('at').defaultTo(trx.fn.now())
            })
            expect(await trx('a').insert({ kind: 'x' })).toEqual([1])
            expect(await trx('a').where({ id: 1 }).update({ kind: 'y' })).toBe(1)
            expect(await knex('a').first('kind')).toEqual({ kind: 'y' })
            expect(await trx.schema.hasColumn('a', 'kind')).toBe(true)
            expect((await trx.raw('SELECT ? AS n', [3]))[0]).toEqual([{ n: 3 }])
            await trx.transaction((inner) => inner('marks').insert({ name: 'inner' }))
          }, make),
        )
        expect(outcome).toEqual({ ok: true })
        expect(await marks()).toBe('before inner')
        expect(await progress()).toEqual({ done: 5, prefix: session.prefix })
      })

      test('an error is that of its statement, and what DDL committed stays counted', async () => {
        const outcome = await carryOut(
          withKnex(async (trx) => {
            await trx('marks').insert({ name: 'kept' })
            await trx.schema.createTable('a', (table) => table.increments('id'))
            await trx('marks').insert({ name: 'kept too' })
            await trx.raw('ALTER TABLE missing ADD COLUMN n int')
          }, make),
        )
        expect(outcome).toMatchObject({ statement: 4, kind: 'ALTER TABLE', failure: { kind: 'statement' } })
        expect(await marks()).toBe('kept kept too')
        expect(await progress()).toMatchObject({ done: 3 })
        expect(session.done).toBe(3)
      })

      test('a transaction that fails is not counted', async () => {
        const outcome = await carryOut(
          withKnex(async (trx) => {
            await trx('marks').insert({ name: 'a' })
            await trx('marks').insert({ name: 'b', missing: 1 })
          }, make),
        )
        expect(outcome).toMatchObject({ statement: 2, kind: 'INSERT' })
        expect([await marks(), await progress(), session.done]).toEqual(['', { done: 0, prefix: '' }, 0])
      })

      test('rows as a stream', async () => {
        const names: string[] = []
        const outcome = await carryOut(
          withKnex(async (trx) => {
            await trx('marks').insert([{ name: 'a' }, { name: 'b' }])
            await trx('marks')
              .select('name')
              .orderBy('name')
              .stream(async (stream) => {
                for await (const { name } of stream) names.push(name)
              })
            await trx('marks').insert({ name: 'c' })
          }, make),
        )
        expect(outcome).toEqual({ ok: true })
        expect(names).toEqual(['a', 'b'])
      })
    },
  )

  test('Sequelize', async () => {
    const up = async (queryInterface: QueryInterface, sequelize: Sequelize) => {
      await queryInterface.createTable('users', {
        id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
        role: { type: DataTypes.ENUM('a', 'b') },
      })
      await queryInterface.bulkInsert('users', [{ role: 'a' }, { role: 'b' }])
      await queryInterface.addColumn('users', 'name', DataTypes.STRING)
      await sequelize.transaction(async (transaction) => {
        await sequelize.query('INSERT INTO marks (name) VALUES ($1)', { bind: ['in'], transaction })
        await sequelize.transaction({ transaction }, (inner) =>
          queryInterface.bulkInsert('marks', [{ name: 'inner' }], { transaction: inner }),
        )
      })
      const open = await sequelize.transaction()
      await queryInterface.bulkInsert('marks', [{ name: 'gone' }], { transaction: open })
      await open.rollback()
      expect(await queryInterface.describeTable('users')).toHaveProperty('name')
      expect((await sequelize.query('SELECT role FROM users ORDER BY id'))[0]).toEqual([{ role: 'a' }, { role: 'b' }])
    }
    const outcome = await carryOut((on) => {
      const made = new Sequelize({ dialect: 'mysql', databaseVersion: '10.11.0', logging: false } as object)
      Object.assign((made as unknown as { connectionManager: object }).connectionManager, {
        getConnection: async () => on.acquire(),
        releaseConnection: () => {},
      })
      return up(made.getQueryInterface(), made)
    })
    expect(outcome).toEqual({ ok: true })
    expect(await marks()).toBe('in inner')
    expect(await progress()).toMatchObject({ done: 5 })
  })

  test('going on after an interruption: DDL, rows by themselves, and a transaction', async () => {
    let stopAt = 0
    const code = withRaw(async (ask) => {
      let sent = 0
      const say = async (sql: string) => {
        if (++sent === stopAt) throw new Error('dies')
        await ask(sql)
      }
      await say('CREATE TABLE a (n int)')
      await say("INSERT INTO marks (name) VALUES ('1')")
      await say('ALTER TABLE a ADD COLUMN m int')
      await say('START TRANSACTION')
      await say("INSERT INTO marks (name) VALUES ('2')")
      await say("INSERT INTO marks (name) VALUES ('3')")
      await say('COMMIT')
      await say("INSERT INTO marks (name) VALUES ('4'); DROP TABLE a")
    })
    const reached: number[] = []
    for (stopAt = 1; stopAt <= 9; stopAt++) {
      await database.query("DROP TABLE IF EXISTS a; TRUNCATE marks; UPDATE progress SET done = 0, prefix = ''")
      await interrupt(code)
      const at = await progress()
      reached.push(at.done)
      const interruptedAt = stopAt
      stopAt = 0
      expect(await carryOut(code, { resume: { ...at, mustRun: null } })).toEqual({ ok: true })
      stopAt = interruptedAt
      expect([await marks(), await progress()]).toEqual(['1 2 3 4', { done: 7, prefix: session.prefix }])
    }
    expect(reached).toEqual([0, 1, 2, 3, 3, 3, 3, 5, 7])
  })

  test('the statement that was under way is asked for, unless it is recorded with what it does', async () => {
    const code = withRaw(async (ask) => {
      await ask('CREATE TABLE a (n int)')
      await ask('CREATE TABLE b (n int)')
      await ask("INSERT INTO marks (name) VALUES ('1')")
    })
    await carryOut(code)
    await database.query("UPDATE progress SET done = 0, prefix = ''; DROP TABLE b; TRUNCATE marks")
    const asked: string[] = []
    const mustRun = async (text: string) => {
      asked.push(text)
      return false
    }
    expect(await carryOut(code, { resume: { done: 0, prefix: '', mustRun } })).toEqual({ ok: true })
    expect([asked, await marks(), (await progress()).done]).toEqual([['CREATE TABLE a (n int)'], '1', 3])
    const rows = withRaw((ask) => ask("INSERT INTO marks (name) VALUES ('2')"))
    await carryOut(rows, { resume: { done: 0, prefix: '', mustRun } })
    expect([asked.length, await marks()]).toEqual([1, '1 2'])
  })

  test('another way than before, an end too early, and ids that are not known any more', async () => {
    const make = (name: string, use = false) =>
      withRaw(async (ask) => {
        await ask('CREATE TABLE IF NOT EXISTS a (id int)')
        const { insertId } = await ask('INSERT INTO marks (name) VALUES (?)', [name])
        if (use) await ask('INSERT INTO a VALUES (?)', [insertId])
      })
    await carryOut(make('x'))
    const resume = { ...(await progress()), mustRun: null }
    expect(resume.done).toBe(2)
    expect(await carryOut(make('y'), { resume })).toMatchObject({ error: { kind: 'diverged' } })
    expect(await carryOut(make('x', true), { resume })).toMatchObject({
      error: { kind: 'diverged', message: expect.stringContaining('id of a row') },
    })
    expect(
      await carryOut(
        withRaw((ask) => ask('CREATE TABLE IF NOT EXISTS a (id int)')),
        { resume },
      ),
    ).toMatchObject({ error: { kind: 'diverged' } })
    expect(await marks()).toBe('x')
    expect(await database.query('SELECT * FROM a')).toEqual([])
  })

  test('moments that are written anew are no other way', async () => {
    const make = (at: Date) =>
      withRaw(async (ask) => {
        await ask('INSERT INTO marks (name) VALUES (?)', [at])
        await ask("INSERT INTO marks (name) VALUES ('2')")
      })
    await carryOut(make(new Date(0)))
    const at = await progress()
    expect(await carryOut(make(new Date()), { resume: { ...at, mustRun: null } })).toEqual({ ok: true })
  })

  test('a transaction that is left open is rolled back', async () => {
    for (const open of ['BEGIN', 'SET autocommit = 0']) {
      const outcome = await carryOut(
        withRaw(async (ask) => {
          await ask(open)
          await ask("INSERT INTO marks (name) VALUES ('lost')")
        }),
      )
      expect(outcome).toMatchObject({ error: { kind: 'left-open' } })
      await connection.reset()
    }
    expect([await marks(), (await progress()).done]).toEqual(['', 0])
  })

  test('transactions of two clients: one inside the other, and overlapping', async () => {
    const nested = withRaw(async (ask, _client, another) => {
      const other = another()
      await ask('BEGIN')
      await ask("INSERT INTO marks (name) VALUES ('a')")
      await other('BEGIN')
      await other("INSERT INTO marks (name) VALUES ('b')")
      await other('ROLLBACK')
      await ask('COMMIT')
    })
    expect(await carryOut(nested)).toEqual({ ok: true })
    expect([await marks(), (await progress()).done]).toEqual(['a', 1])
    const overlapping = withRaw(async (ask, _client, another) => {
      const other = another()
      await ask('BEGIN')
      await other('BEGIN')
      await other("INSERT INTO marks (name) VALUES ('b')")
      await ask('COMMIT')
    })
    expect(await carryOut(overlapping)).toMatchObject({ error: { kind: 'overlapping' } })
    expect(await marks()).toBe('a')
  })

  test('the lock of the run stays', async () => {
    await connection.query("SELECT GET_LOCK('tenantry:test', 0)")
    const outcome = await carryOut(
      withRaw(async (ask) => {
        await ask('SELECT RELEASE_ALL_LOCKS()').catch(() => {})
      }),
    )
    expect(outcome).toMatchObject({ error: { kind: 'ended-ours' } })
    const [row] = await database.query("SELECT IS_FREE_LOCK('tenantry:test') AS free")
    expect(row).toEqual({ free: 0 })
  })

  test('LOCK TABLES, procedures, callbacks and events', async () => {
    const outcome = await carryOut(
      withRaw(async (ask, client) => {
        await ask('LOCK TABLES marks WRITE')
        await ask("INSERT INTO marks (name) VALUES ('locked')")
        await ask('UNLOCK TABLES')
        await ask("CREATE PROCEDURE p() BEGIN INSERT INTO marks (name) VALUES ('called'); SELECT 1 AS n; END")
        expect((await ask('CALL p()'))[0]).toEqual([{ n: 1 }])
        await ask('DROP PROCEDURE p')
        const rows: unknown[] = []
        await new Promise((resolve) =>
          client
            .query('SELECT 1 AS n')
            .on('result', (row) => rows.push(row))
            .on('end', resolve),
        )
        expect(rows).toEqual([{ n: 1 }])
        const executed = await new Promise((resolve) =>
          client.execute('SELECT ? AS n', [2], (_error: unknown, found: unknown) => resolve(found)),
        )
        expect(executed).toEqual([{ n: 2 }])
        expect(await ask({ sql: 'SELECT 1, 2', rowsAsArray: true })).toEqual([[1, 2]])
      }),
    )
    expect(outcome).toEqual({ ok: true })
    expect([await marks(), (await progress()).done]).toEqual(['called locked', 4])
  })

  test('a preview reads, and collects what it would send', async () => {
    const outcome = await carryOut(
      withKnex(async (trx) => {
        expect(await trx.schema.hasTable('marks')).toBe(true)
        await trx.schema.createTable('a', (table) => table.integer('n'))
        await trx('marks').insert({ name: 'x' })
      }),
      { preview: true, progress: null },
    )
    expect(outcome).toEqual({ ok: true })
    expect(session.collected).toEqual(['create table `a` (`n` int)', expect.stringContaining('insert into `marks`')])
    expect(await marks()).toBe('')
    expect(session.serverVersion).toMatch(/^\d+\.\d+\.\d+/)
    expect(session.serverVersion).not.toMatch(/^5\.5\.5-/)
  })

  test('nothing after the end', async () => {
    let late: Ask = async () => [] as never
    await carryOut(
      withRaw(async (ask) => {
        late = ask
      }),
    )
    await expect(late('SELECT 1')).rejects.toMatchObject({ kind: 'late' })
  })
})
