import { Agent } from 'node:https'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { Secret } from '../../model/secret.ts'
import type { ServerAddress } from '../../model/server.ts'
import { headersOf, placeOf, remoteOptions } from './remote-place.ts'

const server = (change: Partial<ServerAddress> = {}): ServerAddress => ({
  name: 'far',
  dialect: 'sqlite',
  host: 'db.example.com',
  port: 443,
  tls: { verify: 'full' },
  maxConcurrency: 8,
  maxConcurrencyPerDatabase: 4,
  ...change,
})
const headers = (change: Partial<ServerAddress>, database: string) => headersOf(placeOf(server(change), database))

test('a namespace is said in both headers, and the host stays what is connected to', () => {
  const place = placeOf(server(), 'acme')
  expect(place).toMatchObject({ host: 'db.example.com', namespace: 'acme' })
  expect(headersOf(place)).toEqual({ host: 'acme.db.example.com', 'x-namespace': 'acme' })
  expect(headers({ port: 8080, tls: null, host: '127.0.0.1' }, 'acme').host).toBe('acme.127.0.0.1:8080')
  expect(headers({ port: 8080, tls: null, host: '::1' }, 'acme').host).toBe('acme.localhost:8080')
})

test('the only database of a host, and a host for each', () => {
  for (const database of ['', 'db.example.com']) expect(headers({}, database)).toEqual({ host: 'db.example.com' })
  const place = placeOf(server({ host: '{database}-team.turso.io' }), 'acme')
  expect(place).toMatchObject({ host: 'acme-team.turso.io', namespace: null })
  expect(headersOf(place)).toEqual({ host: 'acme-team.turso.io' })
  for (const name of ['', 'a.evil.example', 'a/b', 'a@b'])
    expect(() => placeOf(server({ host: '{database}.turso.io' }), name)).toThrow(/no name of a libSQL database/)
})

test('a token is a bearer, a user has a password; neither is shown', () => {
  const password = new Secret('planted')
  expect(headers({ password }, 'acme').authorization).toBe('Bearer planted')
  expect(headers({ user: 'me', password }, 'acme').authorization).toBe(
    `Basic ${Buffer.from('me:planted').toString('base64')}`,
  )
  expect(inspect(placeOf(server({ password }), 'acme'), { depth: 5 })).not.toContain('planted')
})

test('an application gets the address and the token of its database', () => {
  const password = new Secret('t')
  expect(remoteOptions(server({ password }), 'acme')).toEqual({ url: 'https://acme.db.example.com', authToken: 't' })
  expect(remoteOptions(server({ host: '127.0.0.1', port: 8080, tls: null }), '127.0.0.1')).toEqual({
    url: 'http://127.0.0.1:8080',
  })
})

test('TLS is checked unless the config says otherwise, by the name that is connected to', () => {
  const options = (change: Partial<ServerAddress>) => (placeOf(server(change), 'acme').agent as Agent).options
  expect(placeOf(server(), 'acme').agent).toBeInstanceOf(Agent)
  expect(options({}).rejectUnauthorized).toBe(true)
  expect(options({ tls: { verify: 'none' } }).rejectUnauthorized).toBe(false)
  const certificate = { subject: { CN: 'db.example.com' }, subjectaltname: 'DNS:db.example.com' } as never
  expect(options({}).checkServerIdentity?.('acme.db.example.com', certificate)).toBeUndefined()
  expect(options({ host: 'other.example.com' }).checkServerIdentity?.('db.example.com', certificate)).toBeInstanceOf(
    Error,
  )
})
