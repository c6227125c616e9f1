import { describe, expect, it } from 'vitest'
import { Secret } from '../model/secret.ts'
import type { ServerAddress } from '../model/server.ts'
import { type Derivation, deriveServer, nameOfPlace } from './derived-server.ts'
import type { Findings } from './problem.ts'

const base = { dialect: 'postgres' as const, tls: null, maxConcurrency: 3, maxConcurrencyPerDatabase: 2 }
const main: ServerAddress = {
  ...base,
  name: 'main',
  host: 'db.test',
  port: 5432,
  user: 'app',
  password: new Secret('x'),
}

function derive(host: string, port: number, more: Partial<Derivation> = {}) {
  const findings: Findings = { problems: [], notices: [] }
  const rules = { dialect: 'postgres' as const, root: '/', servers: [main], registry: null, ...more }
  return { server: deriveServer({ host, port }, rules, findings), findings }
}

describe('a server that only a row names', () => {
  it('is named by its place', () => {
    expect(nameOfPlace({ host: 'db.test', port: 5432 })).toBe('db.test:5432')
    expect(nameOfPlace({ host: '::1', port: 5432 })).toBe('[::1]:5432')
  })

  it('is checked in full where it is remote, and not encrypted on this machine', () => {
    expect(derive('elsewhere.test', 5432).server).toMatchObject({
      name: 'elsewhere.test:5432',
      tls: { verify: 'full' },
    })
    expect(derive('127.0.0.1', 5432).server?.tls).toBeNull()
    expect(derive('elsewhere.test', 5432).server?.user).toBeUndefined()
  })

  it('takes settings and role of a server of the config at the same place, and nothing of one elsewhere', () => {
    expect(derive('db.test', 5432).server).toEqual({ ...main, name: 'db.test:5432' })
    expect(derive('db.test', 5433).server?.user).toBeUndefined()
    expect(derive('db.test', 5432, { dialect: 'mysql' }).server?.user).toBeUndefined()
  })

  it("takes the registry's TLS at the same place, never its role", () => {
    const tls = { verify: 'ca' as const, ca: 'pem' }
    const registry = { ...main, name: 'registry', tls }
    const { server } = derive('db.test', 5432, { servers: [], registry })
    expect(server?.tls).toEqual(tls)
    expect(server?.user).toBeUndefined()
    expect(server?.password).toBeUndefined()
  })
})
