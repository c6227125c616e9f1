import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Connection, DatabaseError, type Dialect } from '../../src/model/dialect.ts'
import { Secret } from '../../src/model/secret.ts'
import type { ServerAddress } from '../../src/model/server.ts'
import { describeHistories } from './dialect-histories.ts'
import { describeLocks } from './dialect-locks.ts'

/** A database of a test's own. */
export interface SampleDatabase {
  name: string
  /** What null stands for as a target's schema. */
  schema: string
  address: ServerAddress
  /** Runs SQL on a connection that is not the dialect's. */
  query(sql: string): Promise<Record<string, unknown>[]>
  drop(): Promise<void>
}

/** What a dialect has to say about itself so that the suite can be run over it. */
export interface DialectSample {
  dialect: Dialect
  /** `describe`, or what skips where there is no server. */
  describe(title: string, define: () => void): void
  fresh(): Promise<SampleDatabase>
  /** What does not hold for this dialect: title of a case → why. */
  skip?: Readonly<Record<string, string>>
  /** A statement that takes half a minute; null: none can be ended. */
  slow: string | null
  kill(sessionId: number): string
  /** What changes a session: settings and a lock; and one row `value` that differs while it is changed. */
  sessionChange: readonly string[]
  sessionState: string
  /** Takes a lock of the session's own: one row with `got`, 1 if it was free; null: there are none. */
  tryUserLock: string | null
  makeLogin(user: string, password: string): string
  /** A statement that the server refuses, with a password in it. */
  badStatementWith(password: string): string
  /** Values of a row that the driver must not change by being helpful. */
  reading: { sql: string; row: Record<string, unknown> }
  /** What the server needs to give a second value of its own to each parameter. */
  parameters: string
  /** Settings under which literals must mean the same. */
  literalModes: readonly string[]
}

const connectOptions = { connectTimeoutMs: 5000, applicationName: 'tenantry' }

/** Everything that a test opens, to be closed after it. */
export class Sessions {
  readonly #sample: DialectSample
  readonly #open: Connection[] = []
  database!: SampleDatabase

  constructor(sample: DialectSample) {
    this.#sample = sample
  }

  async begin(): Promise<void> {
    this.database = await this.#sample.fresh()
  }

  async open(change: Partial<ServerAddress> = {}, database = this.database.name): Promise<Connection> {
    const address = { ...this.database.address, ...change }
    const connection = await this.#sample.dialect.connect(address, database, connectOptions)
    this.#open.push(connection)
    return connection
  }

  async end(): Promise<void> {
    for (const connection of this.#open.splice(0)) await connection.close()
    await this.database.drop()
  }
}

/** Sessions for each test of a `describe`. */
export function useSessions(sample: DialectSample): Sessions {
  const sessions = new Sessions(sample)
  beforeEach(() => sessions.begin())
  afterEach(() => sessions.end())
  return sessions
}

/** `it`, or what skips where the dialect differs. Each difference is named in its sample, with the reason. */
export function unlessSkipped(sample: DialectSample) {
  return (title: string, run: () => Promise<void>): void => {
    const reason = sample.skip?.[title]
    if (reason === undefined) it(title, run)
    else it.skip(`${title} (${reason})`, run)
  }
}

/** What every dialect must do. To add one, call this with its sample in `dialects.test.ts`. */
export function describeDialect(sample: DialectSample): void {
  sample.describe(`dialect ${sample.dialect.name}`, () => {
    describeConnecting(sample)
    describeSending(sample)
    describeSession(sample)
    describeQuoting(sample)
    describeLocks(sample)
    describeHistories(sample)
  })
}

async function failureOf(work: Promise<unknown>) {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  )
  if (!(error instanceof DatabaseError)) throw new Error(`expected a DatabaseError, got ${inspect(error)}`)
  return error.failure
}

function describeConnecting(sample: DialectSample): void {
  describe('connecting', () => {
    const sessions = useSessions(sample)
    const check = unlessSkipped(sample)

    check('says what is wrong, and never the password', async () => {
      const password = `planted-${randomBytes(6).toString('hex')}`
      const login = `u${randomBytes(4).toString('hex')}`
      await sessions.database.query(sample.makeLogin(login, password))
      const secret = { user: login, password: new Secret(password) }
      const expected: [string, Partial<ServerAddress>, string?][] = [
        ['unreachable', { ...secret, port: 1 }],
        ['unreachable', { ...secret, host: 'no-such-host.invalid' }],
        ['unreachable', { ...secret, socketPath: '/nowhere/at/all' }],
        ['authentication', { ...secret, password: new Secret(`${password}x`) }],
        ['tls', { ...secret, tls: { verify: 'full' } }],
        ['database-missing', {}, 'no_such_database'],
      ]
      const seen: unknown[] = []
      for (const [kind, change, database] of expected) {
        const work = sessions.open(change, database)
        const failure = await failureOf(work)
        expect(failure, inspect({ kind, database })).toMatchObject({ kind })
        seen.push(failure, await work.catch((error: unknown) => inspect(error, { depth: 9, showHidden: true })))
      }
      const connection = await sessions.open()
      seen.push(await failureOf(connection.query(sample.badStatementWith(password))))
      seen.push(await connection.pipeline(['SELECT 1', sample.badStatementWith(password)]))
      expect(inspect(seen, { depth: 9 })).not.toContain('planted-')
    })

    it('knows its session and the version of the server', async () => {
      const connection = await sessions.open()
      expect(connection.version).toBeGreaterThan(50_000)
      expect(connection.sessionId).toBeGreaterThan(0)
      expect(await connection.isPooled()).toBe(false)
    })

    check('notices that its session was killed, in use and idle', async () => {
      for (const statements of [['SELECT 1', sample.slow ?? ''], []]) {
        const connection = await sessions.open()
        const work = statements.length === 0 ? null : connection.pipeline(statements)
        await new Promise((resolve) => setTimeout(resolve, 150))
        await sessions.database.query(sample.kill(connection.sessionId ?? 0)).catch(() => [])
        const outcome = await (work ?? connection.pipeline(['SELECT 1']))
        expect(outcome).toMatchObject({ done: statements.length === 0 ? 0 : 1, failure: { kind: 'connection-lost' } })
        expect(connection.broken).toBe(true)
        expect((await failureOf(connection.query('SELECT 1'))).kind).toBe('connection-lost')
      }
    })
  })
}

function describeSending(sample: DialectSample): void {
  describe('sending', () => {
    const sessions = useSessions(sample)
    const insert = (value: number) => `INSERT INTO t VALUES (${value})`
    const rows = async () => (await sessions.database.query('SELECT a FROM t ORDER BY a')).map((row) => Number(row.a))

    it('gives rows as they are', async () => {
      const connection = await sessions.open()
      expect(await connection.query(sample.reading.sql)).toEqual([sample.reading.row])
      expect(await connection.query(sample.parameters, ["it's a \\ 'test'", 7])).toMatchObject([
        { one: "it's a \\ 'test'" },
      ])
      expect(await connection.run('SELECT 1 AS a; SELECT 2 AS a')).toMatchObject([{ a: 2 }])
    })

    it('refuses a statement with what the server said', async () => {
      const connection = await sessions.open()
      const failure = await failureOf(connection.query('SELECT 1,\n  broken broken broken'))
      expect(failure).toMatchObject({ kind: 'statement', sqlstate: expect.stringMatching(/^42/) })
      expect(failure.position).toBeGreaterThan(12)
      await sessions.database.query('CREATE TABLE t (a int)')
      expect(await failureOf(connection.query('CREATE TABLE t (a int)'))).toMatchObject({ kind: 'already-exists' })
    })

    it('sends a pipeline in order, and tells of each statement', async () => {
      const connection = await sessions.open()
      const done: number[] = []
      const statements = [
        'CREATE TABLE t (a int) -- one',
        insert(1),
        'SELECT a FROM t',
        insert(2),
        '/* last */ SELECT 1',
      ]
      const outcome = await connection.pipeline(statements, (index) => done.push(index))
      expect(outcome).toEqual({ done: 5, failure: null })
      expect(done).toEqual([0, 1, 2, 3, 4])
      expect(await rows()).toEqual([1, 2])
    })

    it.each([0, 1, 2, 3, 4])('stops at the first failure: statement %i', async (bad) => {
      await sessions.database.query('CREATE TABLE t (a int NOT NULL)')
      const connection = await sessions.open()
      const statements = [insert(1), 'SELECT a FROM t', 'SELECT a FROM t WHERE a = 9', insert(2), insert(3)]
      statements[bad] = 'SELECT nothing FROM nowhere'
      const done: number[] = []
      const outcome = await connection.pipeline(['BEGIN', insert(0), 'COMMIT', ...statements], (index) =>
        done.push(index),
      )
      expect(outcome).toMatchObject({ done: bad + 3, failure: { kind: 'statement' } })
      expect(done).toEqual([...Array(bad + 3).keys()])
      expect(await rows()).not.toContain(3)
      expect(await rows()).toContain(0)
      expect(await connection.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
    })

    it('rolls back what was open when a statement failed', async () => {
      await sessions.database.query('CREATE TABLE t (a int NOT NULL)')
      const connection = await sessions.open()
      const outcome = await connection.pipeline(['BEGIN', insert(1), 'INSERT INTO t VALUES (NULL)', 'COMMIT'])
      expect(outcome).toMatchObject({ done: 2, failure: { kind: 'statement' } })
      await connection.query(insert(2))
      expect(await rows()).toEqual([2])
    })

    it('carries pipelines larger than one message', async () => {
      await sessions.database.query('CREATE TABLE t (a int, b text)')
      const connection = await sessions.open()
      const filler = 'ж'.repeat(9000)
      const statements = Array.from({ length: 1500 }, (_, i) => `INSERT INTO t VALUES (${i}, '${filler}')`)
      const bad = ['BEGIN', ...statements.slice(0, 1400), 'SELECT nothing FROM nowhere', ...statements.slice(1400)]
      expect(await connection.pipeline(['BEGIN', ...statements, 'COMMIT'])).toEqual({ done: 1502, failure: null })
      expect(await connection.pipeline(bad)).toMatchObject({ done: 1401, failure: { kind: 'statement' } })
    })

    unlessSkipped(sample)('cancels what runs, and goes on', async () => {
      const connection = await sessions.open()
      const work = connection.pipeline(['SELECT 1', sample.slow ?? '', 'SELECT 2'])
      await new Promise((resolve) => setTimeout(resolve, 150))
      await connection.cancel()
      expect(await work).toMatchObject({ done: 1, failure: { kind: 'cancelled' } })
      expect(await connection.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
    })
  })
}

function describeSession(sample: DialectSample): void {
  describe('a session', () => {
    const sessions = useSessions(sample)
    const check = unlessSkipped(sample)
    const { dialect } = sample

    for (const way of ['reset', 'phrases.reset']) check(`forgets what a body left: ${way}`, () => forgets(way))

    async function forgets(way: string) {
      const [connection, other] = [await sessions.open(), await sessions.open()]
      const before = await connection.query(sample.sessionState)
      await connection.query('CREATE TEMPORARY TABLE left_behind (a int)')
      for (const sql of sample.sessionChange) await connection.query(sql)
      expect(await connection.query(sample.sessionState)).not.toEqual(before)
      const { tryUserLock } = sample
      if (tryUserLock !== null) {
        expect(await connection.query(tryUserLock)).toEqual([{ got: 1 }])
        expect(await other.query(tryUserLock)).toEqual([{ got: 0 }])
      }
      if (way === 'reset') await connection.reset()
      // Locks are part of what the phrase takes back; the method leaves them to it.
      const { length } = dialect.phrases.reset
      expect(await connection.pipeline(dialect.phrases.reset)).toEqual({ done: length, failure: null })
      expect(await connection.query(sample.sessionState)).toEqual(before)
      if (tryUserLock !== null) expect(await other.query(tryUserLock)).toEqual([{ got: 1 }])
      expect((await failureOf(connection.query('SELECT a FROM left_behind'))).kind).toBe('statement')
    }

    check('keeps to its time limits', async () => {
      const settings = {
        schema: null,
        sharedSchema: 'public',
        lockTimeoutMs: 300,
        statementTimeoutMs: 0,
        idleInTransactionTimeoutMs: 60_000,
        session: [],
      }
      await sessions.database.query('CREATE TABLE t (a int)')
      const [holder, waiter] = [await sessions.open(), await sessions.open()]
      await holder.run('BEGIN; INSERT INTO t VALUES (1)')
      for (const sql of dialect.sessionSettings(settings, waiter.version)) await waiter.query(sql)
      expect((await failureOf(waiter.query('ALTER TABLE t ADD b int'))).kind).toBe('lock-timeout')
      await holder.run('ROLLBACK')
      if (sample.slow === null) return
      const limited = { ...settings, statementTimeoutMs: 200 }
      for (const sql of dialect.sessionSettings(limited, waiter.version)) await waiter.query(sql)
      expect((await failureOf(waiter.query(sample.slow))).kind).toBe('statement-timeout')
    })
  })
}

function describeQuoting(sample: DialectSample): void {
  describe('quoting', () => {
    const sessions = useSessions(sample)
    const { dialect } = sample
    const names = [
      'plain',
      'Mixed Case',
      'select',
      'with`tick',
      'with"quote',
      "with'quote",
      'back\\slash',
      'naïve',
      'a.b',
      '%',
    ]

    it.each(names)('identifiers: %s', async (name) => {
      const quoted = dialect.quoteIdentifier(name)
      const connection = await sessions.open()
      await connection.query(`CREATE TABLE ${quoted} (${quoted} int)`)
      await connection.query(`INSERT INTO ${quoted} VALUES (1)`)
      expect(await connection.query(`SELECT ${quoted} FROM ${quoted}`)).toEqual([{ [name]: 1 }])
    })

    const values = [...names, '', '\\', "\\'", "';--", '\n\t', '😀', '\\😀', '% _', "''", 'Ω≈ç√', '/* */', '#', '?']

    it.each(['as it is', ...sample.literalModes])('literals, %s', async (mode) => {
      const connection = await sessions.open()
      if (mode !== 'as it is') await connection.query(mode)
      for (const value of values) {
        const [row] = await connection.query(`SELECT ${dialect.quoteLiteral(value)} AS v`)
        expect(row).toEqual({ v: value })
      }
    })

    it('refuses a NUL, which ends a text for the server', () => {
      expect(() => dialect.quoteIdentifier('a\0b')).toThrow(RangeError)
      expect(() => dialect.quoteLiteral('a\0b')).toThrow(RangeError)
    })
  })
}
