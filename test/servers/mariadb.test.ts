import { afterAll, beforeAll, expect, test } from 'vitest'
import { type MariadbServer, startMariadb } from './mariadb.ts'
import { needs } from './need.ts'
import { freshMariadb, withMariadb } from './shared-mariadb.ts'

withMariadb('the shared MariaDB', () => {
  test('gives each test a database of its own', async () => {
    const [one, two] = await Promise.all([freshMariadb('Ünlike names!'), freshMariadb('Ünlike names!')])
    await one.query('CREATE TABLE t (a int); INSERT INTO t VALUES (1)')
    expect(await one.query('SELECT 1 AS one; SELECT a FROM t WHERE a = ?', [1])).toEqual([{ a: 1 }])
    expect(await two.query('SHOW TABLES')).toEqual([])
    await Promise.all([one.drop(), two.drop()])
    await expect(one.query('SELECT 1')).rejects.toThrow(/Unknown database/)
  })
})

needs('mariadb-server')('a MariaDB of its own', () => {
  let server: MariadbServer
  beforeAll(async () => {
    server = await startMariadb({ settings: { max_connections: '17' } })
  })
  afterAll(() => server?.stop())

  test('takes settings', async () => {
    expect(await server.query('SELECT @@max_connections AS most')).toEqual([{ most: 17 }])
  })

  test('keeps what was committed when it is killed', async () => {
    await server.query('CREATE DATABASE kept')
    await server.query('CREATE TABLE t (a int); INSERT INTO t VALUES (1)', 'kept')
    const { pid } = server
    await server.kill()
    await expect(server.query('SELECT 1')).rejects.toThrow(/ECONNREFUSED/)
    await server.restart()
    expect(server.pid).not.toBe(pid)
    expect(await server.query('SELECT a FROM t', 'kept')).toEqual([{ a: 1 }])
  })

  test('halts and comes back on the same port', async () => {
    const { port } = server
    await server.halt()
    await server.restart()
    expect(server.port).toBe(port)
    expect(await server.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
  })
})
