/** Tenants are made where the book is a team's own table, and its application goes on reading the passwords. */
import { createDecipheriv } from 'node:crypto'
import mysql2 from 'mysql2/promise'
import pg from 'pg'
import { afterEach, describe, expect, test } from 'vitest'
import { freshDatabase, sharedServer } from '../servers/shared.ts'
import { freshMariadb, sharedMariadb, withMariadb } from '../servers/shared-mariadb.ts'
import { makeProvisionProject, type ProvisionProject } from './provision-project.ts'

const cbcKey = 'your-32-character-secret-key!!??'
const migrations = {
  'migrations/001_users.sql': 'CREATE TABLE users (id int PRIMARY KEY, email varchar(80));',
  'migrations/002_first.sql': "INSERT INTO users VALUES (1, 'admin@example.com');",
}

/** The application's own code. */
function decrypt(stored: string): string {
  const [iv = '', text = ''] = stored.split(':')
  const decipher = createDecipheriv('aes-256-cbc', Buffer.from(cbcKey), Buffer.from(iv, 'hex'))
  return Buffer.concat([decipher.update(Buffer.from(text, 'hex')), decipher.final()]).toString()
}

interface Row {
  status: string
  dbHost: string
  dbPort: number
  dbName: string
  dbUser: string
  dbPassword: string
}

/** What differs between the two kinds of servers. */
interface Kind {
  fresh(): Promise<{
    url: string
    query(sql: string): Promise<Record<string, unknown>[]>
    drop(): Promise<void>
  }>
  url(): string
  quote: string
  password: string
  dropDatabase(name: string): Promise<unknown>
  /** As the application connects to a tenant. */
  ask(row: Row, password: string, sql: string, database?: string): Promise<unknown[]>
}

const postgres: Kind = {
  fresh: () => freshDatabase('central'),
  url: () => sharedServer().url(),
  quote: '"',
  password: 'text',
  dropDatabase: (name) => sharedServer().query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`),
  async ask({ dbHost: host, dbPort: port, dbName, dbUser: user }, password, sql, database = dbName) {
    const client = new pg.Client({ host, port, database, user, password })
    await client.connect()
    try {
      return (await client.query(sql)).rows
    } finally {
      await client.end()
    }
  },
}

const mariadb: Kind = {
  fresh: () => freshMariadb('central'),
  url: () => sharedMariadb().url('mysql'),
  quote: '`',
  password: 'varchar(500)',
  dropDatabase: (name) => sharedMariadb().query(`DROP DATABASE IF EXISTS \`${name}\``),
  async ask({ dbHost: host, dbPort: port, dbName, dbUser: user }, password, sql, database = dbName) {
    const client = await mysql2.createConnection({ host, port, database, user, password })
    try {
      const [rows] = await client.query(sql)
      return rows as unknown[]
    } finally {
      await client.end()
    }
  },
}

function define(kind: Kind): void {
  let project: ProvisionProject | undefined
  let central: Awaited<ReturnType<Kind['fresh']>>
  const made: string[] = []
  const slug = `t${Math.random().toString(36).slice(2, 9)}`
  afterEach(async () => {
    for (const name of made.splice(0)) await kind.dropDatabase(name)
    project?.remove()
    await central?.drop()
  })

  test('the row is theirs: place, status, and a password that their application opens and logs in with', async () => {
    central = await kind.fresh()
    const q = (name: string) => `${kind.quote}${name}${kind.quote}`
    await central.query(`CREATE TABLE tenants (id varchar(36) PRIMARY KEY, name varchar(255), slug varchar(100) NOT NULL UNIQUE, status varchar(20) NOT NULL,
      ${q('dbHost')} varchar(255), ${q('dbPort')} int, ${q('dbName')} varchar(100), ${q('dbUser')} varchar(100) NOT NULL, ${q('dbPassword')} ${kind.password} NOT NULL)`)
    const columns = {
      ...{ id: 'id', name: 'name', slug: 'slug', state: 'status', host: 'dbHost', port: 'dbPort' },
      ...{ database: 'dbName', user: 'dbUser', password: 'dbPassword' },
    }
    const values = { state: { PROVISIONING: 'provisioning', ACTIVE: 'active', FAILED: 'failed', DELETED: 'archived' } }
    const tenants = { table: 'tenants', columns, values, password: 'cbc' }
    const own = await makeProvisionProject(
      { main: { url: kind.url() } },
      central.url,
      `registry: ${JSON.stringify({ url: central.url, tenants })}, scratch: { server: 'main' }, provision: { topology: 'database', server: 'main' },`,
      migrations,
    )
    project = own
    own.env.DB_ENCRYPTION_KEY = cbcKey
    const rowOf = async (name: string) => {
      const [row] = await central.query(`SELECT * FROM tenants WHERE slug = '${name}'`)
      const found = row as unknown as Row
      if (found?.dbName != null) made.push(found.dbName)
      return found
    }

    // A step that fails leaves a row that their application does not serve.
    own.write({ 'migrations/003_wrong.sql': 'CREATE TABLE wrong (id no_such_type);' })
    await expect(own.provision({ slug, name: 'Acme' })).rejects.toMatchObject({ code: 'MIGRATION_FAILED' })
    expect(await rowOf(slug)).toMatchObject({ status: 'FAILED', name: 'Acme' })
    own.write({ 'migrations/003_wrong.sql': 'CREATE TABLE wrong (id int);' })

    expect(await own.provision({ slug })).toMatchObject({ made: true, verified: true, from: 'failed' })
    const { host, port } = place(kind.url())
    const row = await rowOf(slug)
    expect(row).toMatchObject({ status: 'ACTIVE', dbHost: host, dbPort: port })
    expect(row.dbName).toMatch(new RegExp(`^${slug}_\\d{8}$`))
    expect(row.dbPassword).toMatch(/^[\da-f]{32}:[\da-f]+$/)
    const password = decrypt(row.dbPassword)
    expect(await kind.ask(row, password, 'SELECT email FROM users')).toEqual([{ email: 'admin@example.com' }])
    await expect(kind.ask(row, password, 'CREATE TABLE own (id int)')).rejects.toThrow(/denied/i)

    // The second one is seen by neither, and `up` finds both with what the table says.
    await own.provision({ slug: `${slug}b` })
    const other = await rowOf(`${slug}b`)
    await expect(kind.ask(row, password, 'SELECT 1', other.dbName)).rejects.toThrow(/denied/i)
    expect(decrypt(other.dbPassword)).not.toBe(password)
    expect((await own.up()).summary).toMatchObject({ targets: 2, upToDate: 2, failed: 0 })
    own.write({ 'migrations/004_more.sql': 'CREATE TABLE more (id int);' })
    expect((await own.up()).summary).toMatchObject({ targets: 2, applied: 2, failed: 0 })
    expect(await kind.ask(row, password, 'SELECT * FROM more')).toEqual([])
    expect(await own.provision({ slug })).toMatchObject({ made: false, tenant: { state: 'active' } })
  })
}

function place(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port) }
}

describe('PostgreSQL', () => define(postgres))
withMariadb('MariaDB', () => define(mariadb))
