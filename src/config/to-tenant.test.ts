import { describe, expect, it } from 'vitest'
import type { ServerAddress } from '../model/server.ts'
import { toTenant } from './to-tenant.ts'

const main: ServerAddress = {
  name: 'main',
  dialect: 'postgres',
  host: 'localhost',
  port: 5432,
  database: 'app',
  tls: null,
  maxConcurrency: 8,
  maxConcurrencyPerDatabase: 4,
}
const servers = new Map([['main', main]])
const origin = { path: 'row 3', server: 'main', database: 'catalog' }

describe('toTenant', () => {
  it.each([
    [
      { slug: 'a', database: 'a_db' },
      { topology: 'database', placement: { server: 'main', database: 'a_db' } },
    ],
    [
      { slug: 'a', schema: 't_a' },
      { topology: 'schema', placement: { server: 'main', database: 'catalog', schema: 't_a' } },
    ],
    [
      { slug: 'a', schema: 's', database: 'd' },
      { topology: 'schema', placement: { server: 'main', database: 'd', schema: 's' } },
    ],
    [
      { id: 17, slug: 'a', database: 'd', schema: null, state: null, labels: null },
      { id: '17', state: 'active', labels: {} },
    ],
    [
      { id: 17n, slug: 'a', database: 'd', state: 'suspended' },
      { id: '17', state: 'suspended' },
    ],
    [
      { slug: 'a', database: 'd', created_at: new Date(), labels: { n: 1, b: true, s: 's' } },
      { labels: { n: '1', b: 'true', s: 's' } },
    ],
    [
      { slug: 'a', topology: 'shared' },
      { topology: 'shared', placement: { database: 'catalog' } },
    ],
    [{ slug: 'x'.repeat(63), database: '😀'.repeat(15) }, { placement: { database: '😀'.repeat(15) } }],
  ])('reads a row (%#)', (row, expected) => {
    expect(toTenant(row, servers, origin)).toMatchObject(expected)
  })

  const files: ServerAddress = { ...main, dialect: 'sqlite', host: '', port: 0, directory: '/srv/tenants' }
  const inFiles = (database: string) =>
    toTenant({ slug: 'a', database }, new Map([['main', files]]), { path: 'row 3', server: 'main' })

  it.each([
    ['acme', 'acme.db'],
    ['acme.co', 'acme.co.db'],
    ['acme.sqlite3', 'acme.sqlite3'],
    ['./eu/acme.db', 'eu/acme.db'],
    ['/srv/tenants/acme.db', 'acme.db'],
    ['x'.repeat(200), `${'x'.repeat(200)}.db`],
  ])('calls the file of %s by one name', (database, expected) => {
    expect(inFiles(database).placement).toEqual({ server: 'main', database: expected })
  })

  it.each(['../acme', 'a/../../acme.db', '/srv/other/acme.db', '/srv/tenants-old/acme.db'])(
    'refuses the file %s outside of the folder',
    (database) => {
      expect(() => inFiles(database)).toThrow(/row 3\.database: is a file outside of its server's folder/)
    },
  )

  it('refuses a schema in a file, and a name that no file has', () => {
    const read = (row: object) => toTenant(row, new Map([['main', files]]), { path: 'row 3', server: 'main' })
    expect(() => read({ slug: 'a', database: 'a', schema: 's' })).toThrow(/hold no schemas/)
    expect(() => read({ slug: 'a', database: 'a\0b' })).toThrow(/control character/)
  })

  it.each([
    [null, /row 3: must be an object/],
    [{ database: 'd' }, /row 3\.slug: is missing/],
    [{ slug: '', database: 'd' }, /row 3\.slug: is empty/],
    [{ slug: 5, database: 'd' }, /row 3\.slug: must be a string/],
    [{ slug: 'a' }, /row 3\.database: is missing/],
    [{ slug: 'a', database: 'a\0b' }, /row 3\.database: holds a control character/],
    [{ slug: 'a', database: '😀'.repeat(16) }, /row 3\.database: is 64 bytes long/],
    [{ slug: 'a', database: '\ud800' }, /half a character/],
    [{ slug: 'a', schema: 'pg_catalog' }, /row 3\.schema: is a schema of the server itself/],
    [{ slug: 'a', database: 'd', server: 'x' }, /row 3\.server: there is no server "x"/],
    [{ slug: 'a', url: 'postgres://u:pl4nted@h/d' }, /row 3\.url: cannot be used here/],
  ])('refuses %j', (row, message) => {
    expect(() => toTenant(row, servers, origin)).toThrow(message)
    expect(() => toTenant(row, servers, origin)).not.toThrow(/pl4nted/)
  })

  it('gives the server of a URL to who wants it', () => {
    const added: ServerAddress[] = []
    const tenant = toTenant({ slug: 'solo', url: 'postgres://u:p@localhost/d' }, servers, {
      ...origin,
      addServer: (server) => added.push(server),
    })
    expect(tenant).toMatchObject({ topology: 'dedicated', placement: { server: 'solo', database: 'd' } })
    expect(added).toMatchObject([{ name: 'solo', database: 'd', user: 'u' }])
  })
})
