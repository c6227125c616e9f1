import { afterEach, beforeEach, expect, test } from 'vitest'
import { connect } from '../../src/dialects/mysql/connection.ts'
import type { Connection } from '../../src/model/dialect.ts'
import { Secret } from '../../src/model/secret.ts'
import { startProxy, type TcpProxy } from './proxy.ts'
import { freshMariadb, type MariadbDatabase, withMariadb } from './shared-mariadb.ts'

withMariadb('a proxy in front of MariaDB', () => {
  let database: MariadbDatabase
  let proxy: TcpProxy
  let connection: Connection

  beforeEach(async () => {
    database = await freshMariadb('proxy')
    await database.query('CREATE TABLE marks (name text)')
    proxy = await startProxy(database.server, { protocol: 'mysql' })
    const { user, password } = database.server
    connection = await connect(
      {
        name: 'main',
        dialect: 'mysql',
        host: proxy.host,
        port: proxy.port,
        user,
        password: new Secret(password),
        tls: null,
        maxConcurrency: 8,
        maxConcurrencyPerDatabase: 4,
      },
      database.name,
      { connectTimeoutMs: 2000, applicationName: 'tenantry-test' },
    )
  })
  afterEach(async () => {
    await connection.close()
    await proxy.stop()
    await database.drop()
  })

  const mark = (name: string) => `INSERT INTO marks VALUES ('${name}')`
  const lost = { kind: 'connection-lost' }
  async function readMarks(): Promise<unknown[]> {
    // What the server was sent, it may still be carrying out.
    await new Promise((resolve) => setTimeout(resolve, 200))
    return (await database.query('SELECT name FROM marks ORDER BY name')).map((row) => row.name)
  }

  test('without rules it only passes on, large things too', async () => {
    const [row] = await connection.query("SELECT REPEAT('x', 5000000) AS large")
    expect(String(row?.large).length).toBe(5_000_000)
    expect(await connection.query('SELECT ? AS one', ['é'])).toEqual([{ one: 'é' }])
  })

  test('destroy-before-forward: the server never sees the text', async () => {
    const cut = proxy.cutWhen({ direction: 'client', match: "'two'", action: 'destroy-before-forward' })
    await connection.query(mark('one'))
    expect(await connection.pipeline([mark('x'), mark('two')])).toMatchObject({ done: 0, failure: lost })
    await cut.fired
    expect(await readMarks()).toEqual(['one'])
  })

  test('destroy-after-forward: it carries it out, and nobody hears of it', async () => {
    const cut = proxy.cutWhen({ direction: 'client', match: "'two'", action: 'destroy-after-forward' })
    expect(await connection.pipeline([mark('one'), mark('two')])).toMatchObject({ done: 0, failure: lost })
    await cut.fired
    expect(await readMarks()).toContain('one')
  })

  test('forward-then-swallow-reply: what came before in the same text is heard', async () => {
    const cut = proxy.cutWhen({ direction: 'client', match: "'three'", action: 'forward-then-swallow-reply' })
    const done: number[] = []
    const statements = [mark('one'), 'SELECT name FROM marks', mark('three'), mark('four')]
    const outcome = await connection.pipeline(statements, (index) => done.push(index))
    expect(outcome).toMatchObject({ done: 2, failure: lost })
    await cut.fired
    expect(done).toEqual([0, 1])
    expect(await readMarks()).toEqual(['four', 'one', 'three'])
  })

  test('a cut at what the server says', async () => {
    const cut = proxy.cutWhen({ direction: 'server', match: 'needle', action: 'destroy-before-forward' })
    const statements = [mark('one'), "SELECT CONCAT('nee', 'dle')", mark('two')]
    expect(await connection.pipeline(statements)).toMatchObject({ done: 1, failure: lost })
    await cut.fired
  })
})
