import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isAlive } from '../../scripts/lib/lock.mjs'
import { connectPostgres } from '../../scripts/lib/postgres.mjs'
import { endKeptServer } from '../../scripts/lib/postgres-sweep.mjs'
import { type PostgresServer, startPostgres } from './postgres.ts'
import { freshDatabase } from './shared.ts'

let server: PostgresServer

beforeAll(async () => {
  server = await startPostgres({ settings: { work_mem: '7MB', fsync: 'on' } })
})
afterAll(() => server.stop())

test('the server runs with the settings asked for, as somebody who is not root', async () => {
  const rows = await server.query(`select current_setting('work_mem') as work_mem, current_setting('fsync') as fsync,
    current_setting('full_page_writes') as full_page_writes`)
  expect(rows).toEqual([{ work_mem: '7MB', fsync: 'on', full_page_writes: 'off' }])
  expect(server.pid).toBeGreaterThan(0)
})

test('a restart, a crash and a halt keep the data and the address', async () => {
  await server.query('create table kept (n int); insert into kept values (1)')
  const { port, pid } = server
  await server.restart()
  expect(server.pid).not.toBe(pid)
  await server.query('insert into kept values (2)')
  await server.kill()
  await server.restart()
  await server.halt()
  await expect(server.query('select 1')).rejects.toThrow()
  await server.restart()
  expect(server.port).toBe(port)
  expect(await server.query('select n from kept order by n')).toEqual([{ n: 1 }, { n: 2 }])
})

test('TCP asks for the password', async () => {
  const { default: pg } = await import('pg')
  const wrong = new pg.Client({ connectionString: server.url('postgres', { user: server.user, password: 'wrong' }) })
  await expect(wrong.connect()).rejects.toThrow(/password authentication failed/)
  const right = new pg.Client({ connectionString: server.url() })
  await right.connect()
  await right.end()
})

test('a server that cannot start says why, and leaves nothing behind', async () => {
  await expect(startPostgres({ settings: { shared_buffers: 'nonsense' } })).rejects.toThrow(/shared_buffers/)
})

test('stop removes everything, and may be called twice', async () => {
  const other = await startPostgres()
  await other.stop()
  await other.stop()
  expect(existsSync(other.dir)).toBe(false)
  expect(() => process.kill(other.pid, 0)).toThrow()
})

test('a kept server outlives the process that started it, and its directory can be started again', async () => {
  const starter = fileURLToPath(new URL('../../scripts/lib/postgres.mjs', import.meta.url))
  const program = `
    const { startPostgres } = await import(${JSON.stringify(starter)})
    const server = await startPostgres({ keep: true, password: "it's kept" })
    await server.query('create table kept (n int)')
    console.log(JSON.stringify({ ...server, pid: server.pid }))
    server.unref()`
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
  const kept = JSON.parse(output)
  expect(await connectPostgres(kept).query('select * from kept')).toEqual([])
  expect(await endKeptServer(kept.dir)).toBe(true)
  expect(await endKeptServer(kept.dir)).toBe(false)

  const again = await startPostgres({ dir: kept.dir, port: kept.port, password: kept.password })
  expect(await again.query('select * from kept')).toEqual([])
  await again.stop()
  expect(existsSync(kept.dir)).toBe(false)
})

test('a server whose process was killed is cleared away by the next start', async () => {
  const starter = fileURLToPath(new URL('../../scripts/lib/postgres.mjs', import.meta.url))
  const program = `
    const { startPostgres } = await import(${JSON.stringify(starter)})
    const server = await startPostgres()
    process.stdout.write(JSON.stringify({ pid: server.pid, dir: server.dir }), () => process.kill(process.pid, 'SIGKILL'))`
  const result = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
  const left = JSON.parse(result.stdout)
  expect(result.signal).toBe('SIGKILL')
  await (await startPostgres()).stop()
  expect(existsSync(left.dir)).toBe(false)
  await expect.poll(() => isAlive(left.pid), { timeout: 20_000 }).toBe(false)
})

test('each test gets a database of its own', async () => {
  const [a, b] = await Promise.all([freshDatabase('Same: "name"'), freshDatabase('Same: "name"')])
  expect(a.name).toMatch(/^same_name__[0-9a-f]{8}$/)
  expect(a.name).not.toBe(b.name)
  await a.query('create table only_in_a (n int)')
  expect(await b.query(`select to_regclass('only_in_a') as found`)).toEqual([{ found: null }])
  expect(await a.query('select $1::int + 1 as n', [1])).toEqual([{ n: 2 }])
  await a.drop()
  expect(
    await b.server.query('select count(*)::int as n from pg_database where datname = $1', 'postgres', [a.name]),
  ).toEqual([{ n: 0 }])
})
