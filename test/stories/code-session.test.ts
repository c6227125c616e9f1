import knex3, { type Knex } from 'knex'
import knex2 from 'knex2'
import { Query as PgQuery } from 'pg'
import { DataTypes, type QueryInterface, Sequelize } from 'sequelize'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { connect } from '../../src/dialects/postgres/connection.ts'
import type { CodeRequest, CodeSession } from '../../src/model/code.ts'
import type { Connection } from '../../src/model/dialect.ts'
import { Secret } from '../../src/model/secret.ts'
import type { ServerAddress } from '../../src/model/server.ts'
import { startProxy, type TcpProxy } from '../servers/proxy.ts'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'

let database: TestDatabase
let proxy: TcpProxy
let connection: Connection
let session: CodeSession
/** Messages that ask for an answer. */
let trips = 0

beforeAll(async () => {
  database = await freshDatabase('code session')
  const url = new URL(database.url)
  proxy = await startProxy({ host: url.hostname, port: Number(url.port) })
  proxy.cutWhen({
    direction: 'client',
    action: 'destroy-before-forward',
    match: (bytes) => {
      if (bytes[0] === 0x53 || bytes[0] === 0x51) trips++
      return false
    },
  })
  const server: ServerAddress = {
    name: 'main',
    dialect: 'postgres',
    host: proxy.host,
    port: proxy.port,
    user: decodeURIComponent(url.username),
    password: new Secret(decodeURIComponent(url.password)),
    tls: null,
    maxConcurrency: 1,
    maxConcurrencyPerDatabase: 1,
  }
  connection = await connect(server, database.name, { connectTimeoutMs: 5000, applicationName: 'code' })
})
afterAll(async () => {
  await connection.close()
  await proxy.stop()
  await database.drop()
})

beforeEach(async () => {
  await connection.run('DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE TABLE marks (name text)')
  trips = 0
})
afterEach(async () => {
  session?.close()
  await connection.run('ROLLBACK')
  await connection.reset()
})

const standard: CodeRequest = {
  schema: null,
  sharedSchema: 'public',
  transaction: true,
  resume: null,
  progress: null,
  preview: false,
}

/** Runs code as an engine does: in a transaction of ours, which is committed with what was held back. */
async function carryOut(code: (session: CodeSession) => Promise<unknown>, request: Partial<CodeRequest> = {}) {
  session = connection.openCode({ ...standard, ...request })
  const ours = request.transaction !== false
  if (ours) await connection.query('BEGIN')
  trips = 0
  try {
    await code(session)
    const held = await session.finish()
    session.close()
    const count = trips
    if (ours) {
      const outcome = await connection.pipeline([...held.map(({ text }) => text), 'COMMIT'])
      if (outcome.failure !== null) {
        return { failure: outcome.failure, statement: held[outcome.done]?.statement, kind: held[outcome.done]?.kind }
      }
    }
    return { trips: count }
  } catch (error) {
    session.close()
    await connection.run('ROLLBACK')
    return { error: error as Error & { kind?: string }, ...session.failureOf(error) }
  }
}

const knexes = { 'knex 3': knex3, 'knex 2': knex2 as unknown as typeof knex3 }

function bindKnex(makeKnex: typeof knex3, on: CodeSession): Knex {
  const made = makeKnex({ client: 'pg', version: on.serverVersion })
  Object.assign(made.client, {
    acquireConnection: async () => on.acquire(),
    releaseConnection: async () => {},
    acquireRawConnection: async () => {
      throw new Error('no connection of its own')
    },
    destroy: async () => {},
  })
  return made
}

function withKnex(up: (trx: Knex.Transaction, knex: Knex) => Promise<unknown>, makeKnex = knex3) {
  return (on: CodeSession) => {
    on.holdsOutermost = true
    const made = bindKnex(makeKnex, on)
    return made.transaction((trx) => up(trx, made))
  }
}

function withSequelize(up: (queryInterface: QueryInterface, sequelize: Sequelize) => Promise<unknown>) {
  return (on: CodeSession) => {
    const made = new Sequelize({
      dialect: 'postgres',
      databaseVersion: `${on.serverVersion}.0`,
      logging: false,
    } as object)
    const manager = (made as unknown as { connectionManager: Record<string, unknown> }).connectionManager
    Object.assign(manager, {
      getConnection: async () => on.acquire(),
      releaseConnection: () => {},
      destroyConnection: async () => {},
      close: async () => {},
      _refreshDynamicOIDs: async () => {},
    })
    return up(made.getQueryInterface(), made)
  }
}

interface RawClient {
  query(
    text: unknown,
    values?: unknown,
    callback?: unknown,
  ): Promise<{ rows: Record<string, unknown>[]; command: string }>
}
function withRaw(up: (client: RawClient, another: () => RawClient) => Promise<unknown>) {
  return (on: CodeSession) => up(on.acquire() as RawClient, () => on.acquire() as RawClient)
}

async function marks(): Promise<string> {
  return (await connection.query('SELECT name FROM marks ORDER BY name')).map(({ name }) => name).join(' ')
}
async function tables(schema = 'public'): Promise<string[]> {
  const rows = await connection.query('SELECT tablename FROM pg_tables WHERE schemaname = $1 ORDER BY 1', [schema])
  return rows.map(({ tablename }) => String(tablename))
}

describe.each(Object.entries(knexes))('%s', (_name, makeKnex) => {
  const inKnex = (up: (trx: Knex.Transaction, knex: Knex) => Promise<unknown>) => withKnex(up, makeKnex)

  test('a migration of the schema takes no round trip but the one that records it', async () => {
    const outcome = await carryOut(
      inKnex(async (trx) => {
        await trx.schema.createTable('a', (table) => {
          table.increments('id')
          table.enu('kind', ['x', 'y'], { useNative: true, enumName: 'a_kind' })
        })
        await trx.schema.alterTable('a', (table) => table.string('name').notNullable().defaultTo('it; is'))
        await trx.schema.alterTable('a', (table) => table.index(['name']))
        await trx.schema.createTable('b', (table) => table.integer('a').references('id').inTable('a'))
        await trx.schema.raw("COMMENT ON TABLE b IS 'x; y'")
      }),
    )
    expect(outcome).toEqual({ trips: 0 })
    expect(await tables()).toEqual(['a', 'b', 'marks'])
    expect(session.done).toBeGreaterThanOrEqual(6)
  })

  test('queries of all kinds', async () => {
    const outcome = await carryOut(
      inKnex(async (trx, knex) => {
        expect(await trx.schema.hasTable('marks')).toBe(true)
        expect(await trx.schema.hasColumn('marks', 'nothing')).toBe(false)
        await trx.schema.createTable('rows', (table) => {
          table.increments('id')
          table.timestamp('at').defaultTo(trx.fn.now())
          table.integer('n')
        })
        expect(await trx('rows').insert({ n: 1 }).returning('id')).toEqual([{ id: 1 }])
        expect((await trx.raw('SELECT ?::int + 1 AS n', [1])).rows).toEqual([{ n: 2 }])
        expect(await trx('rows').update({ n: 2 })).toBe(1)
        await trx.batchInsert(
          'rows',
          Array.from({ length: 50 }, (_one, n) => ({ n })),
          20,
        )
        expect(await knex('rows').count('* as n').first()).toEqual({ n: '51' })
        await Promise.all([1, 2, 3].map((n) => trx('marks').insert({ name: `p${n}` })))
        const provider = trx.transactionProvider()
        const inner = await provider()
        await inner('marks').insert({ name: 'provided' })
        await inner.commit()
        expect(await trx('rows').where('n', 49).del()).toBe(1)
      }),
    )
    expect(outcome).toEqual({ trips: expect.any(Number) })
    expect(await marks()).toBe('p1 p2 p3 provided')
  })

  test('nested transactions, two deep, and siblings at once', async () => {
    const outcome = await carryOut(
      inKnex(async (trx) => {
        await trx.transaction(async (one) => {
          await one('marks').insert({ name: 'one' })
          await one.transaction((two) => two('marks').insert({ name: 'two' }))
        })
        await Promise.all(['a', 'b', 'c'].map((name) => trx.transaction((one) => one('marks').insert({ name }))))
      }),
    )
    expect(outcome).toEqual({ trips: expect.any(Number) })
    expect(await marks()).toBe('a b c one two')
  })

  test('a failure in a nested transaction that is caught, and going on', async () => {
    const caught: string[] = []
    const outcome = await carryOut(
      inKnex(async (trx) => {
        await trx.schema.createTable('before', (table) => table.integer('n'))
        // The server is told only when the savepoint ends.
        await trx
          .transaction((inner) => inner.schema.createTable('marks', (table) => table.integer('n')))
          .catch((error: Error) => caught.push(error.message))
        await trx.transaction((inner) => inner.raw('SELECT 1/0')).catch((error: Error) => caught.push(error.message))
        await trx
          .transaction(async (inner) => {
            await inner.schema.createTable('given_up', (table) => table.integer('n'))
            throw new Error('on purpose')
          })
          .catch((error: Error) => caught.push(error.message))
        await trx.schema.createTable('after', (table) => table.integer('n'))
      }),
    )
    expect(outcome).toEqual({ trips: expect.any(Number) })
    expect(caught).toEqual([
      expect.stringContaining('relation "marks" already exists'),
      expect.stringContaining('division by zero'),
      'on purpose',
    ])
    expect(await tables()).toEqual(['after', 'before', 'marks'])
  })

  test('an error in a statement that was held back is that of its statement', async () => {
    const outcome = await carryOut(
      inKnex(async (trx) => {
        await trx.schema.createTable('a', (table) => table.integer('n'))
        await trx.schema.raw('CREATE INDEX nothing ON a (missing)')
        await trx.schema.createTable('b', (table) => table.integer('n'))
        await trx('marks').insert({ name: 'x' })
      }),
    )
    expect(outcome).toMatchObject({ statement: 2, kind: 'CREATE INDEX', failure: { sqlstate: '42703' } })
    expect(outcome).toMatchObject({ failure: { message: 'column "missing" does not exist' } })
    expect(await tables()).toEqual(['marks'])
  })

  test('one that is held back to the end is handed over with its number', async () => {
    const outcome = await carryOut(
      inKnex(async (trx) => {
        await trx('marks').insert({ name: 'x' })
        await trx.schema.createTable('marks', (table) => table.integer('n'))
      }),
    )
    expect(outcome).toMatchObject({ statement: 2, kind: 'CREATE TABLE', failure: { sqlstate: '42P07' } })
    expect(await marks()).toBe('')
  })

  test('a failure that is swallowed ends it', async () => {
    const outcome = await carryOut(
      inKnex(async (trx) => {
        await trx.raw('SELECT 1/0').catch(() => {})
        await trx('marks')
          .insert({ name: 'x' })
          .catch(() => {})
      }),
    )
    expect(outcome).toMatchObject({ statement: 1, kind: 'SELECT', failure: { message: 'division by zero' } })
    expect(await marks()).toBe('')
  })

  test('raw COMMIT', async () => {
    const outcome = await carryOut(
      inKnex(async (trx) => {
        await trx('marks').insert({ name: 'x' })
        await trx.raw('COMMIT')
        await trx('marks').insert({ name: 'y' })
      }),
    )
    expect(outcome).toMatchObject({ error: { kind: 'ended-ours' } })
    expect(await marks()).toBe('')
  })

  test('COMMIT hidden behind another statement is refused before anything of it is sent', async () => {
    const outcome = await carryOut(inKnex((trx) => trx.raw("INSERT INTO marks VALUES ('x'); COMMIT; SELECT 1")))
    expect(outcome).toMatchObject({ error: { name: 'CodeFault', kind: 'ended-ours' } })
    expect(await marks()).toBe('')
  })

  test('a transaction beside the one of the migration, which ends first', async () => {
    const outcome = await carryOut(
      inKnex(async (trx, knex) => {
        await trx('marks').insert({ name: 'x' })
        await knex.transaction((other) => other('marks').insert({ name: 'y' }))
      }),
    )
    expect(outcome).toEqual({ trips: expect.any(Number) })
    expect(await marks()).toBe('x y')
  })

  test('transactions that overlap', async () => {
    const outcome = await carryOut(async (on) => {
      const knex = bindKnex(makeKnex, on)
      const one = await knex.transaction()
      const two = await knex.transaction()
      await two('marks').insert({ name: 'two' })
      await one.commit()
      await two.commit()
    })
    expect(outcome).toMatchObject({ error: { kind: 'overlapping' } })
    expect(await marks()).toBe('')
  })

  test('a transaction that is left open', async () => {
    const outcome = await carryOut(async (on) => {
      const trx = await bindKnex(makeKnex, on).transaction()
      await trx('marks').insert({ name: 'x' })
    })
    expect(outcome).toMatchObject({ error: { kind: 'left-open' } })
  })

  test('isolation levels are no hindrance, and cancelling opens no connection', async () => {
    const outcome = await carryOut(async (on) => {
      const knex = bindKnex(makeKnex, on)
      await knex.transaction((trx) => trx('marks').insert({ name: 'x' }), { isolationLevel: 'serializable' })
      await expect(knex.raw('SELECT pg_sleep(0.3)').timeout(50, { cancel: true })).rejects.toThrow()
    })
    expect(outcome).toEqual({ trips: expect.any(Number) })
    expect(await marks()).toBe('x')
  })

  test('without a transaction of ours its own are real', async () => {
    const outcome = await carryOut(
      async (on) => {
        const knex = bindKnex(makeKnex, on)
        await knex.raw('CREATE INDEX CONCURRENTLY marks_name ON marks (name)')
        await knex.transaction((trx) => trx('marks').insert({ name: 'x' }))
        await knex
          .transaction((trx) =>
            trx('marks')
              .insert({ name: 'y' })
              .then(() => trx.rollback()),
          )
          .catch(() => {})
        await knex('marks').insert({ name: 'z' })
        const open = await knex.transaction()
        await open('marks').insert({ name: 'lost' })
      },
      { transaction: false },
    )
    expect(outcome).toMatchObject({ error: { kind: 'left-open' } })
    expect(await marks()).toBe('x z')
  })
})

test('what is held back travels with the query behind it, whatever becomes of either', async () => {
  const failing = async (held: string, query: string, values?: unknown[]) => {
    const outcome = await carryOut(
      withRaw(async (client) => {
        await client.query('CREATE TABLE held (n int)')
        await client.query(held)
        await client.query(query, values)
      }),
    )
    expect(await tables()).toEqual(['marks'])
    return outcome
  }
  const drop = 'DROP TABLE held'
  expect(await failing('DROP TABLE nothing', 'SELECT 1')).toMatchObject({
    statement: 2,
    failure: { sqlstate: '42P01' },
  })
  expect(await failing('DROP TABEL x', 'SELECT $1::int', [1])).toMatchObject({
    statement: 2,
    failure: { sqlstate: '42601' },
  })
  expect(await failing('COMMENT ON TABLE held IS NULL', 'SELECT 1/0')).toMatchObject({
    statement: 3,
    kind: 'SELECT',
    failure: { sqlstate: '22012' },
  })
  expect(await failing('COMMENT ON TABLE held IS NULL', 'SELEKT 1')).toMatchObject({
    statement: 3,
    failure: { sqlstate: '42601' },
  })
  const unreadable = { toPostgres: () => JSON.parse('{') }
  expect(await failing('COMMENT ON TABLE held IS NULL', 'SELECT $1::int', [unreadable])).toMatchObject({
    error: { name: 'SyntaxError' },
  })
  await carryOut(
    withRaw(async (client) => {
      await client.query('CREATE TABLE held (n int, at date, list int[])')
      const inserted = await client.query("INSERT INTO held VALUES (1, '2026-01-02', '{1,2}') RETURNING n, list")
      expect(inserted).toMatchObject({ command: 'INSERT', rowCount: 1, rows: [{ n: 1, list: [1, 2] }] })
      await client.query("COMMENT ON TABLE held IS 'x'")
      expect((await client.query('SELECT n FROM held WHERE n = $1', [7])).rows).toEqual([])
      await client.query(drop)
      expect(await client.query("INSERT INTO marks VALUES ('a'), ('b')")).toMatchObject({ rowCount: 2 })
      await client.query('CREATE TABLE held (n int)')
      const copied = await client.query('COPY marks FROM STDIN').catch((error: Error) => error.message)
      expect(copied).toContain('COPY from stdin failed')
    }),
  )
})

describe('Sequelize', () => {
  test('managed, unmanaged and nested transactions, and queries outside of them', async () => {
    const outcome = await carryOut(
      withSequelize(async (queryInterface, sequelize) => {
        await queryInterface.createTable('users', {
          id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
          role: { type: DataTypes.ENUM('a', 'b') },
        })
        await queryInterface.bulkInsert('users', [{ role: 'a' }, { role: 'b' }])
        await sequelize.transaction(async (transaction) => {
          await queryInterface.addColumn('users', 'name', DataTypes.STRING, { transaction })
          await sequelize.transaction({ transaction }, (inner) =>
            sequelize.query('INSERT INTO marks VALUES (:name)', { replacements: { name: 'in' }, transaction: inner }),
          )
        })
        const unmanaged = await sequelize.transaction()
        await sequelize.query("INSERT INTO marks VALUES ('gone')", { transaction: unmanaged })
        await unmanaged.rollback()
        await sequelize.query('INSERT INTO marks VALUES ($1)', { bind: ['bound'] })
        expect(await queryInterface.describeTable('users')).toHaveProperty('role')
        const [rows] = await sequelize.query('SELECT role FROM users ORDER BY id')
        expect(rows).toEqual([{ role: 'a' }, { role: 'b' }])
      }),
    )
    expect(outcome).toEqual({ trips: expect.any(Number) })
    expect(await marks()).toBe('bound in')
  })

  test('two transactions at once overlap: nothing is lost silently', async () => {
    const outcome = await carryOut(
      withSequelize((_queryInterface, sequelize) =>
        Promise.all(
          ['a', 'b'].map((name) =>
            sequelize.transaction(async (transaction) => {
              await sequelize.query(`INSERT INTO marks VALUES ('${name}')`, { transaction })
              if (name === 'b') await sequelize.query('SELECT pg_sleep(0.05)', { transaction })
            }),
          ),
        ),
      ),
    )
    expect(outcome).toHaveProperty('error')
    expect(await session.finish().catch((error: unknown) => error)).toMatchObject({ kind: 'overlapping' })
    expect(await marks()).toBe('')
  })

  test('an error of the server is found behind its wrapping', async () => {
    const outcome = await carryOut(
      withSequelize(async (queryInterface, sequelize) => {
        await queryInterface.createTable('a', { n: DataTypes.INTEGER })
        await queryInterface.createTable('marks_', { n: DataTypes.INTEGER })
        await sequelize.query('ALTER TABLE nothing ADD COLUMN n int')
        await queryInterface.bulkInsert('a', [{ n: 1 }])
      }),
    )
    expect(outcome).toMatchObject({ statement: 3, kind: 'ALTER TABLE', failure: { sqlstate: '42P01' } })
    expect(outcome).toMatchObject({ failure: { message: 'relation "nothing" does not exist' } })
    expect(await tables()).toEqual(['marks'])
  })
})

describe('code by hand', () => {
  test('BEGIN and COMMIT, also in one text', async () => {
    const outcome = await carryOut(
      withRaw(async (client) => {
        await client.query('begin transaction isolation level serializable')
        await client.query("INSERT INTO marks VALUES ('a')")
        await client.query('commit;')
        await client.query("BEGIN; INSERT INTO marks VALUES ('b;'); COMMIT;")
        await client.query("BEGIN; INSERT INTO marks VALUES ('c'); ROLLBACK")
        await client.query('SAVEPOINT s')
        await client.query("INSERT INTO marks VALUES ('d')")
        await client.query('ROLLBACK TO SAVEPOINT s')
        await client.query('RELEASE s')
        await client.query('START TRANSACTION')
        await client.query("INSERT INTO marks VALUES ('e')")
        await client.query('COMMIT AND CHAIN')
        await client.query("INSERT INTO marks VALUES ('f')")
        await client.query('ABORT')
      }),
    )
    expect(outcome).toEqual({ trips: expect.any(Number) })
    expect(await marks()).toBe('a b; e')
  })

  test('bodies of functions hold words like COMMIT and END', async () => {
    const outcome = await carryOut(
      withRaw(async (client) => {
        await client.query(
          'CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN; RETURN 1; END; $$'.replace('BEGIN;', 'BEGIN'),
        )
        await client.query(
          'CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END; $$; SELECT CASE WHEN true THEN 1 END',
        )
        expect((await client.query('SELECT f() AS n')).rows).toEqual([{ n: 1 }])
      }),
    )
    expect(outcome).toEqual({ trips: expect.any(Number) })
  })

  test('going back to a savepoint after what was held behind it failed', async () => {
    const outcome = await carryOut(
      withRaw(async (client) => {
        await client.query('SAVEPOINT s')
        try {
          await client.query('CREATE TABLE marks (n int)')
          await client.query('RELEASE SAVEPOINT s')
        } catch {
          await client.query('ROLLBACK TO SAVEPOINT s')
        }
        await client.query("INSERT INTO marks VALUES ('on')")
      }),
    )
    expect(outcome).toEqual({ trips: expect.any(Number) })
    expect(await marks()).toBe('on')
  })

  test('everything after a failure is refused with it', async () => {
    const errors: Error[] = []
    const outcome = await carryOut(
      withRaw(async (client) => {
        const keep = (error: Error) => errors.push(error)
        await client.query('CREATE TABLE marks (n int)')
        await client.query('SELECT 1').catch(keep)
        await client.query("INSERT INTO marks VALUES ('x')").catch(keep)
        await client.query('ALTER TABLE marks ADD n int').catch(keep)
      }),
    )
    expect(errors.map(({ message }) => message)).toEqual(Array(3).fill('relation "marks" already exists'))
    expect(outcome).toMatchObject({ error: { name: 'DatabaseError' }, statement: 1, kind: 'CREATE TABLE' })
  })

  test('COMMIT and ROLLBACK with nothing open, and PREPARE TRANSACTION', async () => {
    for (const text of ['COMMIT', 'ROLLBACK', '/* x */ end', "PREPARE TRANSACTION 'x'", 'SELECT 1; ROLLBACK']) {
      const outcome = await carryOut(
        withRaw(async (client) => {
          await client.query("INSERT INTO marks VALUES ('x')")
          await client.query(text).catch(() => {})
        }),
      )
      expect(outcome).toMatchObject({ error: { kind: 'ended-ours' } })
    }
    expect(await marks()).toBe('')
  })

  test('callbacks, query objects, prepared statements, arrays of rows, parsers of its own', async () => {
    const outcome = await carryOut(
      withRaw(async (client) => {
        const called = await new Promise((resolve) =>
          client.query('SELECT $1::int AS n', [1], (_error: unknown, result: { rows: unknown }) =>
            resolve(result.rows),
          ),
        )
        expect(called).toEqual([{ n: 1 }])
        expect((await client.query({ name: 'n', text: 'SELECT $1::int AS n', values: [2] })).rows).toEqual([{ n: 2 }])
        expect((await client.query({ text: 'SELECT 1, 2', rowMode: 'array' })).rows).toEqual([[1, 2]])
        const types = { getTypeParser: () => () => 'parsed' }
        expect((await client.query({ text: 'SELECT 1 AS n', types })).rows).toEqual([{ n: 'parsed' }])
        await client.query('CREATE TABLE made (n int)')
        const rows: unknown[] = []
        await new Promise((resolve, reject) => {
          const query = new PgQuery('SELECT n FROM made, generate_series(1, 3) UNION ALL SELECT 7')
          query.on('row', (row: unknown) => rows.push(row))
          query.on('end', resolve)
          query.on('error', reject)
          client.query(query)
        })
        expect(rows).toEqual([{ n: 7 }])
        expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
      }),
    )
    expect(outcome).toEqual({ trips: expect.any(Number) })
  })

  test('no connection is opened, and our session stays clean', async () => {
    const before = proxy.totalCount
    await carryOut(
      withSequelize(async (queryInterface) => {
        await queryInterface.createTable('a', { n: DataTypes.ENUM('x') })
        const [row] = await database.query(
          'SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
        )
        expect(row).toEqual({ n: 1 })
      }),
    )
    expect(proxy.totalCount).toBe(before)
    expect(await connection.query('SELECT 1 AS n, now() AS at')).toEqual([{ n: 1, at: expect.any(Date) }])
  })

  test('what is not awaited is waited for; what comes after the end is refused', async () => {
    let client: RawClient | null = null
    const outcome = await carryOut(
      withRaw(async (given) => {
        client = given
        void given
          .query("SELECT pg_sleep(0.05); INSERT INTO marks VALUES ('late')")
          .then(() => given.query("INSERT INTO marks VALUES ('later')"))
      }),
    )
    expect(outcome).toEqual({ trips: expect.any(Number) })
    expect(await marks()).toBe('late later')
    await expect((client as unknown as RawClient).query('SELECT 1')).rejects.toMatchObject({ kind: 'late' })
  })

  test('a session that is lost', async () => {
    const other = await connect(connection.server, database.name, { connectTimeoutMs: 5000, applicationName: 'other' })
    const own = other.openCode({ ...standard })
    await other.query('BEGIN')
    const client = own.acquire() as RawClient
    await database.query('SELECT pg_terminate_backend($1)', [other.sessionId])
    await vi.waitUntil(() => other.broken)
    const error = await client.query('SELECT 1').catch((reason: unknown) => reason)
    expect(own.failureOf(error)).toMatchObject({ failure: { kind: 'connection-lost' } })
    await expect(own.finish()).rejects.toMatchObject({ failure: { kind: 'connection-lost' } })
    await other.close()
  })

  test('two schemas, one after the other', async () => {
    for (const schema of ['t1', 't2']) {
      await connection.run(`CREATE SCHEMA ${schema}`)
      const outcome = await carryOut(
        withRaw(async (client) => {
          await client.query(`SET LOCAL search_path = ${schema}`)
          await client.query('CREATE TABLE own (n int)')
          await client.query('INSERT INTO own VALUES (1)')
        }),
        { schema },
      )
      // What was held back travels with the statement that had to be sent.
      expect(outcome).toEqual({ trips: 1 })
    }
    expect([await tables('t1'), await tables('t2'), await tables()]).toEqual([['own'], ['own'], ['marks']])
    await connection.run('DROP SCHEMA t1 CASCADE; DROP SCHEMA t2 CASCADE')
  })

  test('a preview reads, and collects what it would send', async () => {
    const outcome = await carryOut(
      withKnex(async (trx) => {
        expect(await trx.schema.hasTable('marks')).toBe(true)
        await trx.schema.createTable('a', (table) => table.integer('n'))
        await trx('marks').insert({ name: 'secret' })
      }),
      { preview: true },
    )
    expect(outcome).toEqual({ trips: 1 })
    expect(session.collected).toEqual(['create table "a" ("n" integer)', 'insert into "marks" ("name") values ($1)'])
    expect(await tables()).toEqual(['marks'])
  })
})

describe('going on where an earlier run ended', () => {
  const texts = ["INSERT INTO marks VALUES ('1')", "INSERT INTO marks VALUES ('2')", "INSERT INTO marks VALUES ('3')"]
  const recorded: [number, string][] = []
  const request: Partial<CodeRequest> = {
    transaction: false,
    progress: (done, prefix) => {
      recorded.push([done, prefix])
      return [`INSERT INTO marks VALUES ('p${done}')`]
    },
  }
  beforeEach(() => {
    recorded.length = 0
  })

  test('progress is written after each statement, and with the COMMIT of a transaction of its own', async () => {
    await carryOut(
      withRaw(async (client) => {
        await client.query(texts[0])
        await client.query('BEGIN')
        await client.query(texts[1])
        await client.query(texts[2])
        await client.query('COMMIT')
      }),
      request,
    )
    expect(recorded.map(([done]) => done)).toEqual([1, 3])
    expect(await marks()).toBe('1 2 3 p1 p3')
  })

  test('what is done is not sent again', async () => {
    const code = withRaw(async (client) => {
      for (const text of texts) await client.query(text)
    })
    await carryOut(code, request)
    const [done, prefix] = recorded[1] as [number, string]
    await connection.run('TRUNCATE marks')
    expect(await carryOut(code, { ...request, resume: { done, prefix, mustRun: null } })).toEqual({
      trips: expect.any(Number),
    })
    expect(await marks()).toBe('3 p3')
    const other = withRaw(async (client) => {
      for (const text of [...texts].reverse()) await client.query(text)
    })
    expect(await carryOut(other, { ...request, resume: { done, prefix, mustRun: null } })).toMatchObject({
      error: { kind: 'diverged' },
    })
    const shorter = withRaw((client) => client.query(texts[0]))
    expect(await carryOut(shorter, { ...request, resume: { done, prefix, mustRun: null } })).toMatchObject({
      error: { kind: 'diverged' },
    })
    expect(await marks()).toBe('3 p3')
  })
})
