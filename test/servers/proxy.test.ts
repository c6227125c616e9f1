import { performance } from 'node:perf_hooks'
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ProxyOptions, startProxy, type TcpProxy } from './proxy.ts'
import { freshDatabase, sharedServer, type TestDatabase } from './shared.ts'

let database: TestDatabase
let proxy: TcpProxy
const clients: pg.Client[] = []

beforeEach(async () => {
  database = await freshDatabase('proxy')
  await database.query('create table marks (name text)')
})
afterEach(async () => {
  await proxy.stop()
  for (const client of clients.splice(0)) await client.end().catch(() => {})
  await database.drop()
})

async function connectThrough(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: proxy.url(database.url), connectionTimeoutMillis: 2000 })
  client.on('error', () => {})
  clients.push(client)
  await client.connect()
  return client
}

async function openProxy(options: ProxyOptions = {}): Promise<pg.Client> {
  proxy = await startProxy(sharedServer(), options)
  return connectThrough()
}

async function readMarks(): Promise<unknown[]> {
  return (await database.query('select name from marks order by name')).map((row) => row.name)
}

test('without rules it only passes on, large things too', async () => {
  const client = await openProxy()
  const result = await client.query(`select repeat('x', 20000000) as large`)
  expect(result.rows[0].large.length).toBe(20_000_000)
  const echoed = await client.query('select length($1::text) as n', ['é'.repeat(3_000_000)])
  expect(echoed.rows[0].n).toBe(3_000_000)
  expect([proxy.openCount, proxy.totalCount]).toEqual([1, 1])
})

test('a delay of 5 ms each way makes a round trip of 10 ms, and does not limit throughput', async () => {
  const client = await openProxy({ delayMs: 5 })
  const samples: number[] = []
  for (let i = 0; i < 15; i++) {
    const startMs = performance.now()
    await client.query('select 1')
    samples.push(performance.now() - startMs)
  }
  samples.sort((a, b) => a - b)
  expect(samples[0]).toBeGreaterThanOrEqual(9.9)
  expect(samples[7]).toBeLessThan(20)
  const startMs = performance.now()
  await client.query(`select repeat('x', 20000000)`)
  // Some 300 chunks of 64 kB: were they delayed one after another, this would take 1.5 s more.
  expect(performance.now() - startMs).toBeLessThan(1500)
})

test('destroy-before-forward: the server has all that came before, and not the statement', async () => {
  const client = await openProxy()
  const cut = proxy.cutWhen({ direction: 'client', match: "'two'", action: 'destroy-before-forward' })
  await client.query("insert into marks values ('one')")
  await expect(client.query("insert into marks values ('two')")).rejects.toThrow()
  await cut.fired
  expect(await readMarks()).toEqual(['one'])
})

test('forward-then-swallow-reply: the server has committed, and the client does not know', async () => {
  const client = await openProxy()
  for (const values of [undefined, ['three']]) {
    const other = values === undefined ? client : await connectThrough()
    const cut = proxy.cutWhen({ direction: 'client', match: 'insert into marks', action: 'forward-then-swallow-reply' })
    const sql = values ? 'insert into marks values ($1), (pg_sleep(0.1)::text)' : "insert into marks values ('two')"
    await expect(other.query(sql, values)).rejects.toThrow()
    await cut.fired
  }
  expect(await readMarks()).toEqual(['', 'three', 'two'])
})

test('a swallowed COMMIT has committed, whatever follows it', async () => {
  const client = await openProxy()
  await client.query('begin')
  await client.query("insert into marks values ('inside')")
  const cut = proxy.cutWhen({ direction: 'client', match: /^.{5}commit/is, action: 'forward-then-swallow-reply' })
  await expect(client.query('COMMIT')).rejects.toThrow()
  await cut.fired
  expect(await readMarks()).toEqual(['inside'])
})

test('a COMMIT swallowed in the middle of a pipeline: the client heard all before it and nothing after', async () => {
  const client = await openProxy()
  const cut = proxy.cutWhen({ direction: 'client', match: 'COMMIT', action: 'forward-then-swallow-reply' })
  const ended = new Promise((resolve) => client.once('end', resolve))
  const heard: string[] = []
  const statements = [
    'BEGIN',
    "insert into marks values ('one')",
    'COMMIT',
    'BEGIN',
    "insert into marks values ('two')",
    'COMMIT',
  ]
  client.query({
    submit(connection: pg.Connection) {
      for (const text of statements) {
        connection.parse({ name: '', text, types: [] }, true)
        connection.bind({}, true)
        connection.execute({}, true)
      }
      connection.sync()
    },
    handleCommandComplete: (message: { text: string }) => heard.push(message.text),
    handleReadyForQuery: () => heard.push('ready'),
    handleError: () => {},
  } as pg.Submittable)
  await Promise.all([cut.fired, ended])
  expect(heard).toEqual(['BEGIN', 'INSERT 0 1'])
  expect(await readMarks()).toContain('one')
})

test('destroy-after-forward: the statement reaches the server', async () => {
  const client = await openProxy()
  const cut = proxy.cutWhen({ direction: 'client', match: 'marks', action: 'destroy-after-forward', nth: 2 })
  await client.query("insert into marks values ('one')")
  await expect(client.query("insert into marks values ('two')")).rejects.toThrow()
  await cut.fired
  await expect.poll(readMarks).toEqual(['one', 'two'])
})

test('a cut on what the server says', async () => {
  const client = await openProxy()
  proxy.cutWhen({ direction: 'server', match: 'INSERT 0 1', action: 'destroy-before-forward' })
  await expect(client.query("insert into marks values ('one')")).rejects.toThrow()
  await expect.poll(readMarks).toEqual(['one'])
})

test('a cancelled rule does nothing', async () => {
  const client = await openProxy()
  proxy.cutWhen({ direction: 'client', match: 'select', action: 'destroy-before-forward' }).cancel()
  await client.query('select 1')
})

test('black hole, refusal and reset, and back again', async () => {
  const client = await openProxy()
  proxy.blackHole()
  let isAnswered = false
  const answer = client.query('select 1').then(() => {
    isAnswered = true
  })
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(isAnswered).toBe(false)
  await proxy.restore()
  await answer

  await proxy.refuse()
  await expect(connectThrough()).rejects.toThrow(/ECONNREFUSED/)
  await client.query('select 1')
  await proxy.restore()
  await connectThrough()

  proxy.resetAll()
  await expect(client.query('select 1')).rejects.toThrow()
  await expect.poll(() => proxy.openCount).toBe(0)
})
