/** A server with its own authority. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { ServerConfig } from '../../src/config/define.ts'
import { needs } from '../servers/need.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { sharedServer } from '../servers/shared.ts'
import { type TlsFixture, tlsFixture } from '../servers/tls.ts'
import { makeProject, type Project } from './project.ts'

needs('openssl')('a server with its own authority', () => {
  let fixture: TlsFixture
  let server: PostgresServer
  let elsewhere: PostgresServer
  let project: Project

  beforeAll(async () => {
    fixture = tlsFixture('robot')
    const hba = 'hostssl all robot 127.0.0.1/32 cert\nhostssl all all 127.0.0.1/32 scram-sha-256'
    server = await startPostgres({ hba, tls: { ca: fixture.ca, ...fixture.server } })
    elsewhere = await startPostgres({ hba, tls: { ca: fixture.ca, ...fixture.otherHost } })
    await server.query('CREATE ROLE robot LOGIN SUPERUSER')
  })

  afterAll(async () => {
    await server?.stop()
    await elsewhere?.stop()
    fixture?.remove()
  })

  beforeEach(() => {
    project = makeProject()
    project.write({ 'migrations/001_a.sql': 'CREATE TABLE IF NOT EXISTS a ();\n' })
  })

  afterEach(() => project.remove())

  async function up(config: Partial<ServerConfig>, limits: Record<string, unknown> = {}) {
    project.configure({
      servers: { main: config },
      tenants: [{ slug: 'one', topology: 'dedicated', server: 'main', database: 'postgres' }],
      ...limits,
    })
    const [target] = (await project.up()).targets
    return target
  }

  /** The URL with a host and parameters. */
  function at(which: PostgresServer, host: string, parameters: Record<string, string>, user?: string): string {
    const url = new URL(which.url('postgres', user === undefined ? undefined : { user }))
    url.hostname = host
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
    return url.href
  }

  const good = { error: null }
  const failed = (text: RegExp) => ({
    result: 'failed',
    error: {
      code: 'TLS_FAILED',
      message: expect.stringMatching(text),
      hint: expect.stringMatching(/tls\.ca.*sslrootcert.*host name/),
    },
  })

  test.each(['localhost', '127.0.0.1'])('the right authority passes, by %s', async (host) => {
    expect(await up({ url: at(server, host, { sslmode: 'verify-full', sslrootcert: fixture.ca }) })).toMatchObject(good)
    expect(await up({ url: at(server, host, {}), tls: { ca: fixture.ca } })).toMatchObject(good)
    expect(await server.query('SELECT version FROM schema_migrations')).toEqual([{ version: '001_a' }])
  })

  test('another authority, and one that nobody told us of, are refused', async () => {
    for (const sslmode of ['require', 'verify-ca', 'verify-full']) {
      const stranger = at(server, 'localhost', { sslmode, sslrootcert: fixture.strangerCa })
      expect(await up({ url: stranger }), sslmode).toMatchObject(failed(/certificate/))
      expect(await up({ url: at(server, 'localhost', { sslmode }) }), sslmode).toMatchObject(failed(/certificate/))
    }
  })

  test.each(['localhost', '127.0.0.1'])('a certificate for another host is refused, by %s', async (host) => {
    const url = at(elsewhere, host, { sslmode: 'verify-full', sslrootcert: fixture.ca })
    expect(await up({ url })).toMatchObject(failed(/altnames/))
    expect(await up({ url: at(elsewhere, host, {}), tls: { ca: fixture.ca } })).toMatchObject(failed(/altnames/))
    const named = { ca: fixture.ca, servername: 'elsewhere.example' }
    expect(await up({ url: at(elsewhere, host, {}), tls: named })).toMatchObject(good)
    expect(await up({ url: at(elsewhere, host, { sslmode: 'verify-ca', sslrootcert: fixture.ca }) })).toMatchObject(
      good,
    )
  })

  test('a client certificate logs in, and without one the server refuses', async () => {
    const { ca, client } = fixture
    const url = at(server, 'localhost', {}, 'robot')
    expect(await up({ url, tls: { ca, ...client } })).toMatchObject(good)
    const parameters = { sslmode: 'verify-full', sslrootcert: ca, sslcert: client.cert, sslkey: client.key }
    expect(await up({ url: at(server, 'localhost', parameters, 'robot') })).toMatchObject(good)
    expect(await up({ url, tls: { ca } })).toMatchObject({ error: { code: 'AUTHENTICATION_FAILED' } })
  })

  test('the check is switched off by a key that says it is unsafe, and by nothing else', async () => {
    const url = at(elsewhere, 'localhost', {})
    expect(await up({ url, tls: { unsafeSkipVerification: true } })).toMatchObject(good)
    for (const tls of [{ rejectUnauthorized: false }, { verify: 'none' }]) {
      await expect(up({ url, tls: tls as ServerConfig['tls'] })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    }
    for (const parameters of [
      { sslmode: 'no-verify' },
      { sslmode: 'allow' },
      { ssl: 'no-verify' },
      { rejectUnauthorized: 'false' },
    ]) {
      const outcome = await up({ url: at(elsewhere, 'localhost', parameters as Record<string, string>) }).catch(
        (error: { code: string }) => ({ error }),
      )
      expect(outcome?.error?.code, JSON.stringify(parameters)).toMatch(/^(CONFIG_INVALID|TLS_FAILED)$/)
    }
  })

  test('a server that wants TLS, and one that has none, are told apart from a wrong password', async () => {
    expect(await up({ url: at(server, 'localhost', { sslmode: 'disable' }) })).toMatchObject(failed(/no encryption/))
    const plain = new URL(sharedServer().url())
    plain.searchParams.set('sslmode', 'require')
    expect(await up({ url: plain.href })).toMatchObject(failed(/does not support SSL/))
    const wrong = new URL(at(server, 'localhost', { sslrootcert: fixture.ca, sslmode: 'verify-full' }))
    wrong.password = 'swordfish-9'
    const outcome = await up({ url: wrong.href })
    expect(outcome).toMatchObject({ error: { code: 'AUTHENTICATION_FAILED' } })
    expect(JSON.stringify(outcome)).not.toContain('swordfish-9')
  })

  test('a cancel request goes over TLS, too', async () => {
    project.write({ 'migrations/002_slow.sql': 'SELECT pg_sleep(30);\n' })
    const startedAt = performance.now()
    const target = await up({ url: at(server, 'localhost', {}), tls: { ca: fixture.ca } }, { migrationTimeoutMs: 400 })
    expect(target).toMatchObject({ error: { code: 'MIGRATION_TIMEOUT' } })
    expect(performance.now() - startedAt).toBeLessThan(15_000)
    expect(
      await server.query(
        "SELECT count(*)::int AS n FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%' AND state = 'active' AND pid <> pg_backend_pid()",
      ),
    ).toEqual([{ n: 0 }])
  })
})
