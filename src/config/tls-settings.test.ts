import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Findings } from './problem.ts'
import { readServer } from './server-address.ts'
import { isLoopback } from './tls-settings.ts'

const root = mkdtempSync(join(tmpdir(), 'tenantry-tls-'))
const certificate = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'
const privateKey = '-----BEGIN PRIVATE KEY-----\npl4nted\n-----END PRIVATE KEY-----\n'
writeFileSync(join(root, 'ca.pem'), certificate)
writeFileSync(join(root, 'key.pem'), privateKey)
writeFileSync(join(root, 'not.pem'), 'pl4nted')

function read(url: string, tls?: object) {
  const findings: Findings = { problems: [], notices: [] }
  const value = tls === undefined ? { url } : { url, tls }
  const reading = readServer('main', value, { path: 'servers.main', urlPath: 'servers.main.url', root }, findings)
  return { tls: reading?.address.tls, ...findings }
}

const remote = 'postgres://u:p@db.example.com/app'
const local = 'postgres://u:p@localhost/app'
const socket = 'postgres:///app?host=/run/postgresql'

describe('TLS of a server', () => {
  it.each([
    [remote, undefined, 'full', 0],
    [`${remote}?sslmode=allow`, undefined, 'full', 0],
    [`${remote}?sslmode=prefer`, undefined, 'full', 0],
    [`${remote}?sslmode=require`, undefined, 'full', 0],
    [`${remote}?sslmode=verify-full`, undefined, 'full', 0],
    [`${remote}?sslmode=verify-ca`, undefined, 'ca', 0],
    [`${remote}?sslmode=disable`, undefined, null, 1],
    [remote, { unsafeSkipVerification: true }, 'none', 1],
    [remote, { unsafeSkipVerification: false }, 'full', 0],
    [`${remote}?sslmode=no-verify`, { unsafeSkipVerification: true }, 'none', 1],
    [`${remote}?sslmode=verify-ca`, { ca: 'ca.pem' }, 'ca', 0],
    [local, undefined, null, 0],
    ['postgres://127.8.8.8/app', undefined, null, 0],
    ['postgres://[::1]/app', undefined, null, 0],
    [`${local}?sslmode=prefer`, undefined, null, 0],
    [`${local}?sslmode=disable`, undefined, null, 0],
    [`${local}?sslmode=require`, undefined, 'full', 0],
    [`${local}?sslmode=verify-ca`, undefined, 'ca', 0],
    [local, { ca: 'ca.pem' }, 'full', 0],
    [`${local}?sslrootcert=ca.pem`, undefined, 'full', 0],
    [socket, undefined, null, 0],
    [`${socket}&sslmode=require`, undefined, null, 1],
    [socket, { ca: 'ca.pem' }, null, 1],
    ['sqlite:./a.db', undefined, null, 0],
    ['libsql://x.turso.io', undefined, 'full', 0],
    ['mysql://u:p@db.example.com/app', undefined, 'full', 0],
    ['mysql://u:p@127.0.0.1/app?ssl-mode=REQUIRED', undefined, 'full', 0],
    ['mariadb://u:p@127.0.0.1/app?ssl-mode=VERIFY_CA&ssl-ca=ca.pem', undefined, 'ca', 0],
    ['mysql://u:p@db.example.com/app?sslmode=VERIFY_IDENTITY&timezone=Z', undefined, 'full', 0],
    ['mysql://u:p@127.0.0.1/app?ssl={"rejectUnauthorized":true}', undefined, 'full', 0],
    ['mysql://u:p@db.example.com/app?ssl-mode=DISABLED', undefined, null, 1],
    ['mysql://u:p@localhost/app?socketPath=/run/my.sock', undefined, null, 0],
  ] as const)('%s with %j: %s', (url, tls, verify, notices) => {
    const result = read(url, tls)
    expect(result.problems).toEqual([])
    expect(result.tls?.verify ?? null).toBe(verify)
    expect(result.notices).toHaveLength(notices)
  })

  it('refuses to skip the check because a URL says so, and names the key', () => {
    const { problems, tls } = read(`${remote}?sslmode=no-verify`)
    expect(tls).toBeUndefined()
    expect(problems[0]?.message).toMatch(/tls\.ca.*tls\.unsafeSkipVerification: true/)
  })

  it("refuses to skip the check in the driver's words, too", () => {
    const { problems } = read('mysql://u:p@db.example.com/app?ssl={"rejectUnauthorized":false}')
    expect(problems[0]?.message).toMatch(/tls\.unsafeSkipVerification: true/)
  })

  it('refuses tls together with sslmode=disable', () => {
    expect(read(`${remote}?sslmode=disable`, { ca: 'ca.pem' }).problems[0]?.path).toBe('servers.main.tls')
  })

  it('reads files and PEM text, and keeps the key secret', () => {
    const { tls } = read(remote, {
      ca: certificate.replaceAll('\n', '\\n'),
      cert: 'ca.pem',
      key: 'key.pem',
      servername: 'x.example',
    })
    expect(tls).toMatchObject({ verify: 'full', ca: certificate, cert: certificate, servername: 'x.example' })
    expect(tls?.key?.reveal()).toBe(privateKey)
    expect(JSON.stringify(tls)).not.toContain('pl4nted')
  })

  it('takes the files of the URL, and those of `tls` first', () => {
    expect(read(`${remote}?sslrootcert=ca.pem&sslcert=ca.pem&sslkey=key.pem`).tls?.cert).toBe(certificate)
    expect(read(`${remote}?sslrootcert=missing.pem`, { ca: 'ca.pem' }).tls?.ca).toBe(certificate)
    expect(read(`${remote}?sslrootcert=system`).tls).toEqual({ verify: 'full' })
  })

  it.each([
    [{ ca: 'missing.pem' }, /servers\.main\.tls\.ca.*cannot read .*missing\.pem.*ENOENT/],
    [{ ca: 'not.pem' }, /not\.pem.* holds no certificate/],
    [{ cert: 'ca.pem', key: 'not.pem' }, /tls\.key.*holds no private key/],
    [{ cert: 'ca.pem', key: 'pl4nted\npl4nted' }, /tls\.key.*neither a path nor PEM/],
    [{ cert: 'ca.pem' }, /needs both `cert` and `key`/],
  ])('%j is a problem', (tls, message) => {
    const { problems } = read(remote, tls)
    expect(problems.map((problem) => `${problem.path}: ${problem.message}`).join('\n')).toMatch(message)
    expect(JSON.stringify(problems)).not.toContain('pl4nted')
  })

  it('names the parameter of a file that cannot be read', () => {
    expect(read(`${remote}?sslrootcert=nope.pem`).problems[0]).toMatchObject({
      path: 'servers.main.url (sslrootcert)',
      message: expect.stringContaining('nope.pem'),
    })
  })
})

describe('isLoopback', () => {
  it.each([
    ['LOCALHOST', true],
    ['127.0.0.1', true],
    ['::ffff:127.0.0.1', true],
    ['127.0.0.1.example.com', false],
    ['localhost.example.com', false],
    ['10.0.0.1', false],
    ['::2', false],
  ])('%s: %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected)
  })
})
