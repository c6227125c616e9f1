/** What goes wrong between a runner and a remote libSQL server. */
import type { ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { sqlite } from '../../src/dialects/sqlite/index.ts'
import { unenforcedMark } from '../../src/dialects/sqlite/marks.ts'
import type { RemoteConnection } from '../../src/dialects/sqlite/remote-connection.ts'
import { identifyMachine } from '../../src/dialects/sqlite/remote-lease.ts'
import type { Connection } from '../../src/model/dialect.ts'
import type { ServerAddress } from '../../src/model/server.ts'
import { type Sqld, startSqld, withSqld } from '../servers/sqld.ts'
import { countResults, makeProject, type Project, resultOf } from './project.ts'

test('machines that do not tell who they are are never taken for the same', () => {
  const told = identifyMachine('host', 'boot', 'pid:[1]')
  expect(told).toBe(identifyMachine('host', 'boot', 'pid:[1]'))
  const others = [identifyMachine('host', '', 'pid:[1]'), identifyMachine('host', 'boot', ''), told]
  // Of this process alone, and no plain hash of the host's name.
  expect(others[0]).toBe(others[1])
  const guessed = ['host', '', ''].join('\0')
  expect(others).not.toContain(createHash('sha256').update(guessed).digest('hex').slice(0, 16))
})

/** Works for a while for each of `times`, in the server. */
const slow = (times: number) =>
  Array.from(
    { length: times },
    (_, i) =>
      `INSERT INTO work SELECT ${i}, count(*) FROM (WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1500000) SELECT x FROM c);`,
  ).join('\n')

withSqld('faults of a remote libSQL server', () => {
  let server: Sqld
  let project: Project
  let made = 0
  const started: ChildProcess[] = []
  const open: Connection[] = []
  beforeAll(async () => {
    server = await startSqld()
  })
  afterAll(() => server.remove())
  beforeEach(() => {
    project = makeProject()
  })
  afterEach(async () => {
    for (const child of started.splice(0)) await end(child)
    for (const connection of open.splice(0)) await connection.close()
    project.remove()
  })

  async function end(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  async function fleet(count: number, more: Record<string, unknown> = {}, port = server.port): Promise<string[]> {
    const names = Array.from({ length: count }, () => `f${++made}`)
    await server.create(...names)
    project.configure({
      servers: { far: { url: `libsql://127.0.0.1:${port}` } },
      tenants: names.map((slug) => ({ slug, database: slug })),
      ...more,
    })
    return names
  }
  async function connect(database: string, port = server.port): Promise<Connection> {
    const address: ServerAddress = {
      name: 'far',
      dialect: 'sqlite',
      host: '127.0.0.1',
      port,
      tls: null,
      maxConcurrency: 8,
      maxConcurrencyPerDatabase: 4,
    }
    const connection = await sqlite.connect(address, database, { connectTimeoutMs: 5000, applicationName: 'test' })
    open.push(connection)
    return connection
  }
  const applied = async (name: string) =>
    (await server.query(name, 'SELECT version FROM schema_migrations ORDER BY version')).map((row) => row.version)
  const another = () => Promise.reject(new Error('not asked for'))

  test('several runners at once: each migration runs once per namespace', async () => {
    const names = await fleet(4, { targetLockWaitMs: 60_000 })
    project.write({
      'migrations/001_work.sql': 'CREATE TABLE work (a, b);\nCREATE TABLE log (a);',
      ...Object.fromEntries(
        Array.from({ length: 6 }, (_, i) => [`migrations/01${i}_log.sql`, `INSERT INTO log VALUES (${i});`]),
      ),
    })
    const ended = await Promise.all([project.run(['up']), project.run(['up']), project.run(['up'])])
    expect(
      ended.map(({ code }) => code),
      ended.map(({ stderr }) => stderr).join('\n'),
    ).toEqual([0, 0, 0])
    for (const name of names) {
      expect(await server.query(name, 'SELECT a FROM log ORDER BY a')).toEqual([0, 1, 2, 3, 4, 5].map((a) => ({ a })))
      expect(await applied(name)).toHaveLength(7)
    }
  })

  test('a runner killed within a transaction leaves nothing, and its lock is free at once on its machine', async () => {
    const [name = ''] = await fleet(1)
    project.write({ 'migrations/001_work.sql': `CREATE TABLE work (a, b);\n${slow(3)}` })
    const child = project.start(['up'])
    started.push(child)
    await expect
      .poll(() => server.query(name, 'SELECT pid FROM tenantry_lock').catch(() => []), { timeout: 30_000 })
      .toEqual([{ pid: child.pid }])
    await end(child)
    // The server carries out what it was sent, or not; the next runner finds out.
    const report = await project.up()
    expect(['applied', 'up-to-date']).toContain(resultOf(report, name).result)
    expect(await applied(name)).toEqual(['001_work'])
    expect(await server.query(name, 'SELECT a FROM work ORDER BY a')).toHaveLength(3)
    expect(await server.query(name, 'SELECT count(*) AS n FROM tenantry_lock')).toEqual([{ n: 0 }])
  })

  test('a runner that is killed at random moments loses nothing, repeats nothing, and is followed at once', async () => {
    const names = await fleet(3)
    const numbers = Array.from({ length: 12 }, (_, i) => i)
    project.write({
      'migrations/000_log.sql': 'CREATE TABLE log (a);',
      ...Object.fromEntries(
        numbers.map((i) => [
          `migrations/1${String(i).padStart(2, '0')}_step.sql`,
          i % 3 === 0
            ? `-- tenantry:no-transaction\nCREATE TABLE s${i} (a);\nCREATE INDEX s${i}_a ON s${i} (a);\nALTER TABLE s${i} ADD COLUMN b;\nALTER TABLE s${i} RENAME COLUMN a TO c;`
            : `INSERT INTO log VALUES (${i});\nCREATE TABLE t${i} (a);`,
        ]),
      ),
    })
    for (let round = 0; round < 4; round++) {
      const child = project.start(['up'])
      started.push(child)
      await Promise.race([sleep(450 + Math.random() * 500), once(child, 'exit')])
      await end(child)
    }
    const ended = await project.run(['up'])
    expect(ended.code, ended.stderr).toBe(0)
    for (const name of names) {
      expect(await server.query(name, 'SELECT a FROM log ORDER BY a')).toEqual(
        numbers.filter((i) => i % 3 !== 0).map((a) => ({ a })),
      )
      expect(await applied(name)).toHaveLength(13)
      const made = await server.query(
        name,
        "SELECT count(*) AS n FROM sqlite_master WHERE name LIKE 's%\\_a' ESCAPE '\\' AND type = 'index'",
      )
      expect(made).toEqual([{ n: 4 }])
      expect(await server.query(name, 'SELECT * FROM tenantry_lock')).toEqual([])
    }
  })

  test('a lease of another machine is respected until it ends, and its holder is named', async () => {
    const [name = ''] = await fleet(1, { targetLockWaitMs: 500 })
    project.write({ 'migrations/001_one.sql': 'CREATE TABLE one (a);' })
    const mine = await connect(name)
    const lock = await sqlite.lockTarget(mine, 'main', another)
    expect(lock).not.toBeNull()
    await server.query(name, "UPDATE tenantry_lock SET machine = 'elsewhere', host = 'runner-7', pid = 4711")
    const refused = resultOf(await project.up(), name)
    expect(refused.error).toMatchObject({ code: 'TARGET_LOCKED' })
    expect(JSON.stringify(refused.error)).toContain('pid 4711 on runner-7')
    expect(await sqlite.lockHolder(await connect(name), 'main')).toMatchObject({
      sessionId: 4711,
      user: 'pid 4711 on runner-7',
      state: expect.stringMatching(/lease ends in \d+ s/),
    })
    await server.query(name, 'UPDATE tenantry_lock SET until = 0')
    const ended = await project.run(['up'])
    expect(ended.code, ended.stderr).toBe(0)
    expect(await applied(name)).toEqual(['001_one'])
    // Whoever lost it does nothing any more in a transaction.
    const { begin, commit } = sqlite.phrases
    const settings = {
      schema: null,
      sharedSchema: '',
      lockTimeoutMs: 1000,
      statementTimeoutMs: 0,
      idleInTransactionTimeoutMs: 0,
      session: [],
    }
    const late = ['CREATE TABLE late (a)', commit]
    expect(await mine.pipeline([...begin(settings, { lockKey: null, token: 't' }, 0), ...late])).toMatchObject({
      failure: { kind: 'locked' },
    })
    await lock?.release()
    expect(await server.query(name, "SELECT name FROM sqlite_master WHERE name = 'late'")).toEqual([])
  })

  test('code without a transaction that wakes up after its lease was taken over changes nothing more', async () => {
    const [name = ''] = await fleet(1)
    const mine = await connect(name)
    const lock = await sqlite.lockTarget(mine, 'main', another)
    const session = mine.openCode({
      schema: null,
      sharedSchema: '',
      preview: false,
      transaction: false,
      resume: null,
      progress: () => [],
    })
    const client = session.acquire() as { execute(text: string): Promise<unknown> }
    await client.execute('CREATE TABLE work (a)')
    await server.query(name, "UPDATE tenantry_lock SET holder = 'somebody else'")
    for (const text of ['INSERT INTO work VALUES (1)', 'BEGIN', 'PRAGMA user_version = 7']) {
      await expect(client.execute(text), text).rejects.toThrow('locked by another run')
      expect((mine as RemoteConnection).inTransaction, text).toBe(false)
    }
    expect(await server.query(name, 'SELECT a FROM work')).toEqual([])
    expect(await server.query(name, 'PRAGMA user_version')).toEqual([{ user_version: 0 }])
    session.close()
    await lock?.release()
  })

  test('a lease that another thread or another copy of the tool has in this process is no leftover', async () => {
    const [name = ''] = await fleet(1)
    const [first, second] = [await connect(name), await connect(name)]
    const lock = await sqlite.lockTarget(first, 'main', another)
    expect(await sqlite.lockTarget(second, 'main', another)).toBeNull()
    await server.query(name, "UPDATE tenantry_lock SET holder = 'of-another-thread'")
    expect(await sqlite.lockTarget(second, 'main', another)).toBeNull()
    // What this one gave up without being able to say so is free at once.
    await server.query(name, 'DELETE FROM tenantry_lock')
    await lock?.release()
    const again = await sqlite.lockTarget(second, 'main', another)
    expect(again).not.toBeNull()
    await again?.release()
  })

  test('foreign keys that a transaction could not begin without are enforced again', async () => {
    const [name = ''] = await fleet(1)
    const connection = await connect(name)
    await connection.run('CREATE TABLE p (a); CREATE TABLE c (a REFERENCES p (a))')
    const outcome = await connection.pipeline(['BEGIN IMMEDIATE', unenforcedMark, 'DROP TABLE p', 'COMMIT'])
    expect(outcome.failure?.message).toContain('foreign key mismatch')
    expect(await connection.query('PRAGMA foreign_keys')).toEqual([{ foreign_keys: 1 }])
  })

  test('a lease is renewed between transactions of ours, and never waits for one: the server would end it', async () => {
    const [name = ''] = await fleet(1)
    const [holder, worker] = [await connect(name), await connect(name)]
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      const lock = await sqlite.lockTarget(holder, 'main', another)
      await server.query(name, 'CREATE TABLE t (a)')
      await server.query(name, 'UPDATE tenantry_lock SET until = 1')
      const until = async () => Number((await server.query(name, 'SELECT until FROM tenantry_lock'))[0]?.until)
      await worker.run('BEGIN IMMEDIATE; INSERT INTO t VALUES (1)')
      vi.advanceTimersByTime(60_000)
      await sleep(300)
      expect(await until()).toBe(1)
      expect(await worker.pipeline(['COMMIT'])).toEqual({ done: 1, failure: null })
      await expect.poll(until, { timeout: 15_000 }).toBeGreaterThan(1)
      await server.query(name, 'UPDATE tenantry_lock SET until = 1')
      vi.advanceTimersByTime(15_000)
      await expect.poll(until, { timeout: 15_000 }).toBeGreaterThan(1)
      await lock?.release()
      expect(await server.query(name, 'SELECT * FROM tenantry_lock')).toEqual([])
    } finally {
      vi.useRealTimers()
    }
  })

  test('a server that is killed within a transaction, and begins anew: it lands once', async () => {
    const [name = ''] = await fleet(1, { lockRetryBudgetMs: 30_000 })
    project.write({
      'migrations/001_table.sql': 'CREATE TABLE work (a, b);',
      'migrations/002_work.sql': slow(2),
    })
    const running = project.up()
    await expect
      .poll(() => server.query(name, 'SELECT key FROM tenantry_lock').catch(() => []), { timeout: 30_000 })
      .not.toEqual([])
    await sleep(300)
    await server.kill()
    await server.start()
    const report = await running
    expect(['applied', 'failed']).toContain(resultOf(report, name).result)
    expect(['applied', 'up-to-date']).toContain(resultOf(await project.up(), name).result)
    expect(await server.query(name, 'SELECT a FROM work ORDER BY a')).toEqual([{ a: 0 }, { a: 1 }])
    expect(await applied(name)).toEqual(['001_table', '002_work'])
  })

  test('a session that the server has ended is begun anew outside of a transaction, and told within one', async () => {
    const [name = ''] = await fleet(1)
    const [idle, busy] = [await connect(name), await connect(name)]
    await busy.run('CREATE TABLE t (a); BEGIN; INSERT INTO t VALUES (1)')
    await server.kill()
    await server.start()
    expect(await idle.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
    const outcome = await busy.pipeline(['INSERT INTO t VALUES (2)', 'COMMIT'])
    expect(outcome).toMatchObject({ done: 0, failure: { kind: 'connection-lost' } })
    expect(busy.broken).toBe(true)
    expect(await server.query(name, 'SELECT a FROM t')).toEqual([])
  })

  test('an answer that is lost is looked up: what was sent lands once, in a transaction or not', async () => {
    const cut = await startCutting(server.port)
    try {
      const [name = ''] = await fleet(1, {}, cut.port)
      project.write({
        'migrations/001_one.sql': 'CREATE TABLE one (a);\nINSERT INTO one VALUES (1);',
        'migrations/002_two.sql': '-- tenantry:no-transaction\nCREATE TABLE two (a);\nCREATE INDEX two_a ON two (a);',
      })
      for (const word of ['INSERT INTO one', 'CREATE INDEX two_a']) cut.after.push(word)
      expect(countResults(await project.up())).toEqual({ applied: 1 })
      expect(cut.after).toEqual([])
      expect(await server.query(name, 'SELECT a FROM one')).toEqual([{ a: 1 }])
      expect(await applied(name)).toEqual(['001_one', '002_two'])
    } finally {
      await cut.close()
    }
  })

  test('a namespace that the server is just closing, and says that it has not, is asked for again', async () => {
    const between = await startCutting(server.port)
    try {
      const [name = ''] = await fleet(1, {}, between.port)
      project.write({ 'migrations/001_one.sql': 'CREATE TABLE one (a);' })
      const connection = await connect(name, between.port)
      between.denials = 2
      expect(await connection.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
      await connection.run('BEGIN; CREATE TABLE t (a)')
      between.denials = 2
      expect(await connection.pipeline(['INSERT INTO t VALUES (1)', 'COMMIT'])).toEqual({ done: 2, failure: null })
      expect(between.denials).toBe(0)
      expect(await server.query(name, 'SELECT a FROM t')).toEqual([{ a: 1 }])
      between.denials = 1000
      expect(resultOf(await project.up(), name).error).toMatchObject({ code: 'DATABASE_MISSING' })
    } finally {
      await between.close()
    }
  })

  test('who waits longer than the server lets anybody write takes the turn; nothing of the other stays', async () => {
    const [name = ''] = await fleet(1)
    await server.query(name, 'CREATE TABLE t (a)')
    const [holder, waiter] = [await connect(name), await connect(name)]
    await holder.run('BEGIN IMMEDIATE; INSERT INTO t VALUES (1)')
    expect(await waiter.pipeline(['BEGIN IMMEDIATE', 'INSERT INTO t VALUES (2)', 'COMMIT'])).toMatchObject({
      failure: null,
    })
    const late = await holder.pipeline(['INSERT INTO t VALUES (3)', 'COMMIT', 'INSERT INTO t VALUES (4)'])
    expect(late).toMatchObject({ done: 0, failure: { kind: 'lock-timeout' } })
    expect(await server.query(name, 'SELECT a FROM t')).toEqual([{ a: 2 }])
    expect(await holder.query('SELECT a FROM t')).toEqual([{ a: 2 }])
  })
})

/** Hands messages on; says of the next `denials` that there is no such namespace, and lets the answer to one that holds a word of `after` get lost, once. */
async function startCutting(to: number) {
  const after: string[] = []
  const state = { denials: 0 }
  const between = createServer(async (asked, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of asked) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    if (state.denials > 0) {
      state.denials--
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"Namespace `x` doesn\'t exist"}')
      return
    }
    const cuts = after.findIndex((word) => body.includes(word))
    if (cuts !== -1) after.splice(cuts, 1)
    const sent = request({ port: to, host: '127.0.0.1', method: asked.method, path: asked.url, headers: asked.headers })
    sent.on('error', () => asked.socket.destroy())
    sent.on('response', async (answer) => {
      const parts: Buffer[] = []
      for await (const part of answer) parts.push(part)
      if (cuts !== -1) asked.socket.destroy()
      else response.writeHead(answer.statusCode ?? 500, answer.headers).end(Buffer.concat(parts))
    })
    sent.end(body)
  }).listen(0, '127.0.0.1')
  await once(between, 'listening')
  return Object.assign(state, {
    port: (between.address() as AddressInfo).port,
    after,
    close: async () => {
      between.closeAllConnections()
      between.close()
    },
  })
}
