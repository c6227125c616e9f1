/** TLS to a remote libSQL server, which is behind something that does it, as usual. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { sqlite } from '../../src/dialects/sqlite/index.ts'
import { DatabaseError } from '../../src/model/dialect.ts'
import type { ServerAddress } from '../../src/model/server.ts'
import { needs } from '../servers/need.ts'
import { startSqld, withSqld } from '../servers/sqld.ts'
import { type KeyPair, tlsFixture } from '../servers/tls.ts'

needs('openssl')('TLS to a libSQL server', () => {
  withSqld('behind a host with a certificate', () => {
    test('is checked by name and authority unless the config says otherwise', async () => {
      const certificates = tlsFixture()
      const server = await startSqld()
      await server.create('acme')
      const serve = ({ cert, key }: KeyPair) =>
        createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) }, (asked, response) => {
          const options = { port: server.port, host: '127.0.0.1', method: asked.method, path: asked.url }
          const sent = request({ ...options, headers: asked.headers }, (answer) => {
            response.writeHead(answer.statusCode ?? 500, answer.headers)
            answer.pipe(response)
          })
          asked.pipe(sent)
        }).listen(0, '127.0.0.1')
      const [right, wrong] = [serve(certificates.server), serve(certificates.otherHost)]
      for (const one of [right, wrong]) if (!one.listening) await once(one, 'listening')
      const connect = async (of: typeof right, tls: ServerAddress['tls']) => {
        const { port } = of.address() as AddressInfo
        const limits = { maxConcurrency: 8, maxConcurrencyPerDatabase: 4 }
        const address: ServerAddress = { name: 'far', dialect: 'sqlite', host: '127.0.0.1', port, tls, ...limits }
        try {
          const connection = await sqlite.connect(address, 'acme', { connectTimeoutMs: 5000, applicationName: 'test' })
          const rows = await connection.query('SELECT 1 AS one')
          await connection.close()
          return rows
        } catch (error) {
          return error instanceof DatabaseError ? error.failure.kind : error
        }
      }
      try {
        const ca = readFileSync(certificates.ca, 'utf8')
        const strangerCa = readFileSync(certificates.strangerCa, 'utf8')
        expect(await connect(right, { verify: 'full', ca })).toEqual([{ one: 1 }])
        expect(await connect(right, { verify: 'full' })).toBe('tls')
        expect(await connect(right, { verify: 'full', ca: strangerCa })).toBe('tls')
        expect(await connect(wrong, { verify: 'full', ca })).toBe('tls')
        expect(await connect(wrong, { verify: 'ca', ca })).toEqual([{ one: 1 }])
        expect(await connect(wrong, { verify: 'none' })).toEqual([{ one: 1 }])
      } finally {
        for (const one of [right, wrong]) {
          one.closeAllConnections()
          one.close()
        }
        certificates.remove()
        await server.remove()
      }
    })
  })
})
