import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseServerUrl, type ServerUrl } from './server-url.ts'

function parse(url: string): ServerUrl {
  const parsed = parseServerUrl(url, '/srv/app')
  if (typeof parsed === 'string') throw new Error(parsed)
  return parsed
}

describe('parseServerUrl', () => {
  it.each([
    [
      'postgres://u:p@db.example.com:5433/app',
      { dialect: 'postgres', host: 'db.example.com', port: 5433, user: 'u', password: 'p', database: 'app' },
    ],
    ['postgresql://u@db/app', { dialect: 'postgres', host: 'db', port: 5432, user: 'u', password: null }],
    ['  postgres://u:p@db/app\n', { host: 'db', database: 'app' }],
    ['POSTGRES://u:p@db/app', { dialect: 'postgres', host: 'db' }],
    ['postgres://db', { user: null, password: null, database: null, port: 5432 }],
    ['postgres:///app', { host: 'localhost', database: 'app' }],
    ['postgres://u:@db/app', { user: 'u', password: null }],
    ['postgres://:p@db/app', { user: null, password: 'p' }],
    ['mysql://u:p@db/app', { dialect: 'mysql', port: 3306 }],
    ['mariadb://u:p@db:3307/app', { dialect: 'mysql', port: 3307 }],
    ['mysql://u:p@localhost/app?socketPath=/run/mysqld/mysqld.sock', { socketPath: '/run/mysqld/mysqld.sock' }],
    ['mariadb://u@localhost/app?unix_socket=/run/my.sock', { socketPath: '/run/my.sock', dialect: 'mysql' }],
    ['mysql://u@%2Frun%2Fmy.sock/app', { socketPath: '/run/my.sock', host: 'localhost' }],
    ['postgres://u:p@[::1]:5433/app', { host: '::1', port: 5433 }],
    ['postgres://u:p@[fe80::1%25eth0]/app', { host: 'fe80::1%eth0' }],
    ['postgres:///app?host=/var/run/postgresql', { socketPath: '/var/run/postgresql', host: 'localhost', port: 5432 }],
    [
      'postgres://u:p@/app?host=/var/run/postgresql&port=6000',
      { socketPath: '/var/run/postgresql', port: 6000, user: 'u' },
    ],
    ['postgres://u@%2Fvar%2Frun%2Fpostgresql/app', { socketPath: '/var/run/postgresql' }],
    ['postgres:///app?socketPath=/run/pg/.s.PGSQL.5444', { socketPath: '/run/pg', port: 5444 }],
    [
      'postgres://ignored/app?host=other&user=x&password=y%2Bz+1&dbname=app2',
      { host: 'other', user: 'x', password: 'y+z+1', database: 'app2' },
    ],
    ['postgres://db/my%2Fdb%22x', { database: 'my/db"x' }],
    ['sqlite:./data/app.db', { dialect: 'sqlite', directory: '/srv/app/data', database: 'app.db', host: '', port: 0 }],
    ['sqlite:///var/app.db', { directory: '/var', database: 'app.db' }],
    ['sqlite:./tenants', { dialect: 'sqlite', directory: '/srv/app/tenants', database: null }],
    ['sqlite:./tenants.db/', { directory: '/srv/app/tenants.db', database: null }],
    ['file:a%20b', { directory: '/srv/app/a b', database: null }],
    ['file:dev.SQLite3', { dialect: 'sqlite', directory: '/srv/app', database: 'dev.SQLite3' }],
    [
      'libsql://x.turso.io?authToken=tok',
      { dialect: 'sqlite', host: 'x.turso.io', port: 443, password: 'tok', database: 'x.turso.io' },
    ],
    [
      'libsql://{database}-acme.turso.io?authToken=tok',
      { host: '{database}-acme.turso.io', port: 443, database: null },
    ],
    ['libsql://127.0.0.1:8080/acme?tls=0', { host: '127.0.0.1', port: 8080, database: 'acme' }],
  ])('reads %s', (url, expected) => {
    expect(parse(url)).toMatchObject(expected)
  })

  const passwords = [
    'p@ss:w/rd',
    '100%',
    `it's "quoted"`,
    'back\\slash',
    'two\nlines',
    'a?b#c',
    'ü😀',
    '[x]',
    'a b',
    '&=+',
  ]
  it.each(passwords)('gives back the percent-encoded password %j', (password) => {
    expect(parse(`postgres://u:${encodeURIComponent(password)}@db/app`).password).toBe(password)
  })

  it.each(['p@ss', 'a:b:c', `it's "q"`, 'back\\slash', 'two\nlines', 'a b', '[x]', '{p}^|`<>'])(
    'reads the raw password %j, which has one reading',
    (password) => {
      expect(parse(`postgres://u:${password}@db.example.com:5433/app?sslmode=require`)).toMatchObject({
        user: 'u',
        password,
        host: 'db.example.com',
        port: 5433,
        database: 'app',
      })
    },
  )

  it.each([
    'pl4nted/x',
    'pl4nted?x',
    'pl4nted#x',
    'pl4nted%x',
    'pl4nted%zz',
    'pl4@nted/x',
    'pl4/nt@ed',
    'pl4@nted?x',
    'pl4@nted#x',
    '1/pl4nted',
    '5432/pl4nted',
  ])('refuses the raw password %j without showing any of it', (password) => {
    const parsed = parseServerUrl(`postgres://u:${password}@secret.host/db`, '/')
    expect(parsed).toBeTypeOf('string')
    expect(parsed).toMatch(/percent-encoded/)
    expect(parsed).not.toMatch(/pl4|nted|secret\.host/)
  })

  it.each([
    ['', /is empty/],
    ['hunter2', /must start with/],
    ['hunter2:secret', /must start with postgres:/],
    ['jdbc:postgresql://h/db', /JDBC/],
    ['mongodb://h/db', /starts with mongodb:/],
    ['prisma+postgres://x', /Prisma's proxy/],
    ['postgres:db', /must start with `postgres:\/\/`/],
    ['postgres://u:p@h:99999/db', /port/],
    ['postgres://u:p@h:0/db', /port/],
    ['postgres://u:p@a:1,b:2/db', /several hosts/],
    ['postgres://u:p@/db?host=a,b', /several hosts/],
    ['postgres://u:p@::1/db', /more than one `:`/],
    ['postgres://u:p@[nope]/db', /IPv6/],
    ['postgres://u:p@h o s t/db', /host/],
    ['postgres://u:p@h/a/b', /more than one part/],
    ['postgres://u:p@h/%zz', /database name/],
    ['postgres://u:p%00x@h/db', /NUL/],
    ['postgres://h/db?sslmode=maybe', /`sslmode` that is none of/],
    ['postgres://h/db?user=%zz', /parameter `user`/],
    ['sqlite:', /names no file/],
    ['sqlite::memory:', /in memory/],
  ])('says what is wrong with %j', (url, message) => {
    const parsed = parseServerUrl(url, '/')
    expect(parsed).toMatch(message)
    expect(parsed).not.toMatch(/hunter2|secret|99999/)
  })

  it('notes parameters that it does not know, and passes over harmless ones', () => {
    const { parameters } = parse('postgres://h/db?application_name=x&pgbouncer=true&options=-c%20a%3Db&foo=1')
    expect(parameters.unknown).toEqual(['options', 'foo'])
  })

  it.each([
    ['sslmode=verify-full', 'verify-full'],
    ['ssl=true', 'require'],
    ['ssl=false', 'disable'],
    ['ssl-mode=VERIFY_IDENTITY', 'verify-full'],
    ['sslmode=require&sslaccept=accept_invalid_certs', 'no-verify'],
    ['sslmode=verify-ca&sslaccept=strict', 'verify-ca'],
  ])('reads %s as %s', (query, mode) => {
    expect(parse(`postgres://h/db?${query}`).parameters.sslMode).toBe(mode)
  })

  it('gives back any password that is percent-encoded', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (password) => {
        if (password.includes('\0')) return
        expect(parse(`postgres://u:${encodeURIComponent(password)}@db/app`).password).toBe(password)
      }),
    )
  })

  it('reads a raw password rightly or not at all', () => {
    const unit = fc.constantFrom(...'aé😀@:/?#%&=+[] \\\'"\n,;')
    fc.assert(
      fc.property(fc.string({ unit, minLength: 1, maxLength: 12 }), (password) => {
        const parsed = parseServerUrl(`postgres://usr:${password}@db.example:5433/app?sslmode=require`, '/')
        if (typeof parsed === 'string') return
        expect(parsed).toMatchObject({ user: 'usr', password, host: 'db.example', port: 5433, database: 'app' })
      }),
      { numRuns: 2_000 },
    )
  })
})
