import { readFileSync } from 'node:fs'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { needs } from './need.ts'
import { type PostgresServer, startPostgres } from './postgres.ts'
import { type TlsFixture, tlsFixture } from './tls.ts'

needs('openssl')('a server with its own authority', () => {
  let tls: TlsFixture
  let server: PostgresServer

  beforeAll(async () => {
    tls = tlsFixture()
    server = await startPostgres({ tls: { ca: tls.ca, ...tls.server }, hba: 'hostssl all all 127.0.0.1/32 cert' })
  })
  afterAll(async () => {
    await server?.stop()
    tls?.remove()
  })

  async function connect(ssl: pg.ClientConfig['ssl']): Promise<void> {
    const client = new pg.Client({ connectionString: server.url(), ...(ssl === undefined ? {} : { ssl }) })
    client.on('error', () => {})
    try {
      await client.connect()
    } finally {
      await client.end().catch(() => {})
    }
  }
  const read = (file: string) => readFileSync(file, 'utf8')

  test('takes the client certificate over TLS, and nothing less', async () => {
    const pair = { cert: read(tls.client.cert), key: read(tls.client.key) }
    await connect({ ca: read(tls.ca), ...pair })
    await expect(connect(undefined)).rejects.toThrow(/pg_hba/)
    await expect(connect({ ca: read(tls.ca) })).rejects.toThrow(/certificate/)
    await expect(connect({ ca: read(tls.strangerCa), ...pair })).rejects.toThrow(/self-signed certificate/)
    expect(await server.query('select 1 as n')).toEqual([{ n: 1 }])
  })
})
