/** Namespaces of a remote libSQL server as targets, on a real server. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { sqlite } from '../../src/dialects/sqlite/index.ts'
import { Secret } from '../../src/model/secret.ts'
import type { ServerAddress } from '../../src/model/server.ts'
import { type Sqld, startSqld, withSqld } from '../servers/sqld.ts'
import { countResults, makeProject, type Project, resultOf } from './project.ts'

withSqld('a remote libSQL server', () => {
  let server: Sqld
  let project: Project
  let made = 0
  beforeAll(async () => {
    server = await startSqld()
  })
  afterAll(() => server.remove())
  beforeEach(() => {
    project = makeProject()
  })
  afterEach(() => project.remove())

  /** Tenants with an empty namespace each. */
  async function fleet(count: number, more: Record<string, unknown> = {}): Promise<string[]> {
    const names = Array.from({ length: count }, () => `n${++made}`)
    await server.create(...names)
    configure(names, more)
    return names
  }
  function configure(names: readonly string[], more: Record<string, unknown> = {}): void {
    project.configure({
      servers: { far: { url: server.url } },
      tenants: names.map((slug) => ({ slug, database: slug })),
      ...more,
    })
  }
  const address = (change: Partial<ServerAddress> = {}): ServerAddress => ({
    name: 'far',
    dialect: 'sqlite',
    host: '127.0.0.1',
    port: server.port,
    tls: null,
    maxConcurrency: 8,
    maxConcurrencyPerDatabase: 4,
    ...change,
  })
  const options = { connectTimeoutMs: 5000, applicationName: 'test' }
  const applied = async (name: string) =>
    (await server.query(name, 'SELECT version FROM schema_migrations ORDER BY version')).map((row) => row.version)
  const tables = async (name: string) =>
    (
      await server.query(
        name,
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'tenantry%' ORDER BY 1",
      )
    ).map((row) => row.name)

  test('up, status and down; what fails takes its migration back, and no other target', async () => {
    const [first = '', second = ''] = await fleet(3)
    await server.query(second, 'CREATE TABLE log (a)')
    project.write({
      'migrations/001_users.sql': 'CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);',
      'migrations/002_log.sql': `INSERT INTO users (email) VALUES ('early@x.org');
CREATE TABLE log (what TEXT);
CREATE TRIGGER users_log AFTER INSERT ON users BEGIN
  INSERT INTO log VALUES ('new; ' || NEW.email);
END;
INSERT INTO users (email) VALUES ('a@x.org');`,
      'migrations/rollbacks/002_log.sql': 'DROP TRIGGER users_log;\nDROP TABLE log;\nDELETE FROM users;',
    })
    const before = await project.use((tenantry) => tenantry.status())
    expect(before.targets.map(({ pending }) => pending.length)).toEqual([2, 2, 2])
    expect(await tables(first)).toEqual([])
    const report = await project.up()
    expect(countResults(report)).toEqual({ applied: 2, 'failed ALREADY_EXISTS': 1 })
    expect(resultOf(report, second).error).toMatchObject({
      message: expect.stringContaining('table log already exists'),
      context: { migration: '002_log', statement: 2, line: 2 },
    })
    expect(await applied(first)).toEqual(['001_users', '002_log'])
    expect(await applied(second)).toEqual(['001_users'])
    expect(await server.query(second, 'SELECT * FROM users')).toEqual([])
    expect(await server.query(first, 'SELECT what FROM log')).toEqual([{ what: 'new; a@x.org' }])
    // Nothing of a transaction's own is left, nor any lock.
    expect(await server.query(first, 'SELECT count(*) AS n FROM tenantry_lock')).toEqual([{ n: 0 }])
    await server.query(second, 'DROP TABLE log')
    expect(countResults(await project.up())).toEqual({ applied: 1, 'up-to-date': 2 })
    const asked = await project.use((tenantry) => tenantry.down({ unproven: true })).catch((error: unknown) => error)
    expect(asked).toMatchObject({ error: { code: 'DATA_LOSS', message: expect.stringContaining('users (2 rows)') } })
    const down = await project.use((tenantry) => tenantry.down({ unproven: true, allowDataLoss: true }))
    expect(countResults(down)).toEqual({ undone: 3 })
    expect(await tables(first)).toEqual(['schema_migrations', 'users'])
  })

  test('a namespace that is missing is told, and not made; names that are none are refused', async () => {
    const names = await fleet(1)
    configure([...names, 'nobodys'])
    project.write({ 'migrations/001_one.sql': 'CREATE TABLE one (a);' })
    for (let round = 0; round < 2; round++) {
      const report = await project.up()
      expect(resultOf(report, 'nobodys').error).toMatchObject({
        code: 'DATABASE_MISSING',
        message: expect.stringContaining('nobodys'),
      })
    }
    expect(await applied(names[0] ?? '')).toEqual(['001_one'])
    for (const name of ['a.b', 'a\r\nx: y', '-a', 'a b', 'ж', 'x'.repeat(64)]) {
      await expect(sqlite.connect(address(), name, options)).rejects.toMatchObject({
        failure: { kind: 'database-missing', message: expect.stringContaining('no name of a libSQL database') },
      })
    }
  })

  test('a server without namespaces is refused, since all tenants would be one; its one database can be named', async () => {
    const plain = await startSqld({ plain: true })
    try {
      project.write({ 'migrations/001_one.sql': 'CREATE TABLE one (a);' })
      project.configure({
        servers: { far: { url: plain.url } },
        tenants: ['acme', 'globex'].map((slug) => ({ slug, database: slug })),
      })
      const report = await project.up()
      expect(countResults(report)).toEqual({ 'failed DATABASE_MISSING': 2 })
      expect(resultOf(report, 'acme').error?.message).toContain('keeps one database and no namespaces')
      expect(await plain.query('acme', 'SELECT name FROM sqlite_master')).toEqual([])
      project.configure({ servers: { far: { url: plain.url } }, tenants: [{ slug: 'acme', database: 'default' }] })
      expect(countResults(await project.up())).toEqual({ applied: 1 })
      project.configure({ tenants: [{ slug: 'acme', url: plain.url }] })
      expect(countResults(await project.up())).toEqual({ 'up-to-date': 1 })
    } finally {
      await plain.remove()
    }
  })

  test('a wrong token is told and shown nowhere; a server that is not there, and one that speaks something else', async () => {
    const closed = await startSqld({ args: ['--http-auth', `basic:${Buffer.from('me:right').toString('base64')}`] })
    const other = createServer((_request, response) => response.end('<html>hello</html>')).listen(0, '127.0.0.1')
    try {
      await closed.create('acme')
      const right = address({ port: closed.port, user: 'me', password: new Secret('right') })
      const open = await sqlite.connect(right, 'acme', options)
      expect(await open.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
      await open.close()
      project.write({ 'migrations/001_one.sql': 'CREATE TABLE one (a);' })
      project.configure({
        servers: { far: { url: `${closed.url}?authToken=planted-token` } },
        tenants: [{ slug: 'acme', database: 'acme' }],
      })
      const report = await project.up()
      expect(resultOf(report, 'acme').error).toMatchObject({ code: 'AUTHENTICATION_FAILED' })
      expect(JSON.stringify(report)).not.toContain('planted-token')
      const kindOf = (change: Partial<ServerAddress>) =>
        sqlite.connect(address(change), 'acme', { ...options, connectTimeoutMs: 2000 }).then(
          () => null,
          (error) => error.failure.kind,
        )
      expect(await kindOf({ port: 1 })).toBe('unreachable')
      expect(await kindOf({ host: 'no-such-host.invalid' })).toBe('unreachable')
      expect(await kindOf({ port: (other.address() as AddressInfo).port })).toBe('unreachable')
      expect(await kindOf({ port: closed.port, tls: { verify: 'full' } })).toBe('tls')
    } finally {
      other.close()
      await closed.remove()
    }
  })

  test('what the server cannot read, and what it refuses, are told at their places, and nothing stays', async () => {
    const [name = ''] = await fleet(1)
    const fails = async (text: string) => {
      project.write({ 'migrations/001_one.sql': text })
      const { error } = resultOf(await project.up(), name)
      expect(await tables(name)).not.toContain('one')
      return error
    }
    expect(await fails('CREATE TABLE one (a);\nSELECT 1;\nINSERT INTO\n  one VALUSE (1);')).toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringContaining('near "VALUSE": syntax error'),
      context: { statement: 3, line: 4 },
    })
    expect(await fails('CREATE TABLE one (a);\nINSERT INTO one SELECT b FROM nowhere;')).toMatchObject({
      message: expect.stringContaining('no such table: nowhere'),
      context: { statement: 2, line: 2 },
    })
    expect(await fails('CREATE TABLE one (a);\nCREATE TEMP TABLE two (a);')).toMatchObject({
      message: expect.stringContaining('carries out no statement of this kind: CREATE TEMP'),
      context: { statement: 2, line: 2 },
    })
    project.write({ 'migrations/001_one.sql': 'VACUUM;' })
    expect(resultOf(await project.up(), name).error?.message).toContain('carries out no statement of this kind: VACUUM')
  })

  test('a table is rebuilt without losing the rows that refer to it, and not where rows would refer to nothing', async () => {
    const [name = ''] = await fleet(1)
    project.write({
      'migrations/001_tables.sql': `CREATE TABLE parents (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE children (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents (id) ON DELETE CASCADE);
INSERT INTO parents VALUES (1, 'a'), (2, 'b');
INSERT INTO children VALUES (1, 1), (2, 2);`,
    })
    expect(countResults(await project.up())).toEqual({ applied: 1 })
    const rebuild = (where: string) => `PRAGMA foreign_keys = OFF;
CREATE TABLE parents_new (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO parents_new SELECT id, name FROM parents ${where};
DROP TABLE parents;
ALTER TABLE parents_new RENAME TO parents;
PRAGMA foreign_keys = ON;`
    project.write({ 'migrations/002_rebuild.sql': rebuild('WHERE id = 1') })
    const refused = resultOf(await project.up(), name)
    expect(refused.error?.message).toContain('1 row of children (to parents) would refer to nothing')
    expect(await server.query(name, 'SELECT count(*) AS n FROM parents')).toEqual([{ n: 2 }])
    project.write({ 'migrations/002_rebuild.sql': rebuild('') })
    expect(countResults(await project.up())).toEqual({ applied: 1 })
    expect(await server.query(name, 'SELECT id FROM children ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }])
    // The session is as it was: the next one cascades again.
    project.write({ 'migrations/003_delete.sql': 'DELETE FROM parents WHERE id = 2;' })
    expect(countResults(await project.up())).toEqual({ applied: 1 })
    expect(await server.query(name, 'SELECT id FROM children')).toEqual([{ id: 1 }])
  })

  test('no sample is made there, and it is said before anything is looked at', async () => {
    const [first = ''] = await fleet(1)
    project.configure({
      servers: { far: { url: server.url } },
      tenants: [{ slug: first, database: first }],
      sampleDb: { keep: ['roles'] },
    })
    project.write({ 'migrations/001_roles.sql': 'CREATE TABLE roles (a);' })
    await expect(project.use((tenantry) => tenantry.sampleDb({ tenant: first, dryRun: true }))).rejects.toMatchObject({
      code: 'SAMPLE_REFUSED',
      message: expect.stringContaining('remote libSQL server'),
      hint: expect.stringContaining('copy in a file'),
    })
  })

  test('a script of many messages is one transaction', async () => {
    const [name = ''] = await fleet(1)
    const filler = 'ж'.repeat(2000)
    const rows = Array.from({ length: 1500 }, (_, i) => `INSERT INTO big VALUES (${i}, '${filler}');`)
    const text = (end: string) => ['CREATE TABLE big (a INTEGER PRIMARY KEY, b TEXT);', ...rows, end].join('\n')
    project.write({ 'migrations/001_big.sql': text('INSERT INTO big VALUES (0, NULL);') })
    const { error } = resultOf(await project.up(), name)
    expect(error).toMatchObject({ context: { statement: 1502 }, message: expect.stringContaining('UNIQUE constraint') })
    expect(await tables(name)).not.toContain('big')
    project.write({ 'migrations/001_big.sql': text('') })
    expect(countResults(await project.up())).toEqual({ applied: 1 })
    expect(await server.query(name, 'SELECT count(*) AS n FROM big')).toEqual([{ n: 1500 }])
  })

  test('dbmate and Knex folders, whose code works over a session of ours', async () => {
    const [first = ''] = await fleet(2, { migrations: { dir: './migrations', format: 'dbmate' } })
    project.write({
      'migrations/20240101000000_one.sql': '-- migrate:up\nCREATE TABLE one (a);\n\n-- migrate:down\nDROP TABLE one;\n',
      'migrations/20240102000000_two.sql':
        '-- migrate:up transaction:false\nCREATE TABLE two (a);\nCREATE INDEX two_a ON two (a);\n\n-- migrate:down\nDROP TABLE two;\n',
    })
    expect(countResults(await project.up())).toEqual({ applied: 2 })
    expect(await applied(first)).toEqual(['20240101000000', '20240102000000'])
    const down = await project.use((tenantry) => tenantry.down({ unproven: true, allowDataLoss: true }))
    expect(countResults(down)).toEqual({ undone: 2 })
    expect(await tables(first)).toEqual(['one', 'schema_migrations'])

    const [second = '', third = ''] = await fleet(2, { migrations: { dir: './knex', format: 'knex' } })
    const code = (up: string, down: string) => `exports.up = async (knex) => {\n${up}\n}
exports.down = async (knex) => {\n${down}\n}\n`
    project.write({
      'knex/20240101_users.js': code(
        `await knex.schema.createTable('users', (t) => { t.increments('id'); t.string('email').notNullable() })
  await knex.schema.createTable('posts', (t) => { t.increments('id'); t.integer('user').references('users.id').onDelete('CASCADE') })
  const [id] = await knex('users').insert({ email: 'a@x.org' })
  await knex('posts').insert({ user: id })`,
        "await knex.schema.dropTable('posts')\n  await knex.schema.dropTable('users')",
      ),
      'knex/20240102_change.js': code(
        `await knex.schema.alterTable('users', (t) => { t.string('email', 100).nullable().alter() })
  if ((await knex('users').where({ email: 'a@x.org' })).length !== 1) throw new Error('the row is gone')`,
        "await knex.schema.alterTable('users', (t) => { t.string('email').notNullable().alter() })",
      ),
    })
    await server.query(third, 'CREATE TABLE users (id INTEGER)')
    const report = await project.up()
    expect(resultOf(report, second)).toMatchObject({ result: 'applied', error: null })
    expect(resultOf(report, third).error).toMatchObject({ message: expect.stringContaining('already exists') })
    expect(await server.query(second, 'SELECT user FROM posts')).toEqual([{ user: 1 }])
    expect(await tables(third)).not.toContain('posts')
    const undone = await project.use((tenantry) => tenantry.down({ unproven: true, allowDataLoss: true }))
    expect(resultOf(undone, second).result).toBe('undone')
    expect(await server.query(second, 'SELECT user FROM posts')).toEqual([{ user: 1 }])
  })

  test('Kysely and Drizzle folders; a registry in a namespace, backfill and baseline', async () => {
    const [kysely = ''] = await fleet(1, { migrations: { dir: './kysely', format: 'kysely' } })
    project.write({
      'kysely/001_a.js': `export async function up(db) {
  await db.schema.createTable('k').addColumn('id', 'integer', (column) => column.primaryKey()).execute()
  await db.insertInto('k').values({ id: 7 }).execute()
}
export async function down(db) {
  await db.schema.dropTable('k').execute()
}
`,
      'package.json': '{ "type": "module" }',
    })
    expect(countResults(await project.up())).toEqual({ applied: 1 })
    expect(await server.query(kysely, 'SELECT id FROM k')).toEqual([{ id: 7 }])
    const down = await project.use((tenantry) => tenantry.down({ unproven: true, allowDataLoss: true }))
    expect(countResults(down)).toEqual({ undone: 1 })

    const [drizzle = ''] = await fleet(1, { migrations: { dir: './drizzle', format: 'drizzle' } })
    const entry = { idx: 0, version: '6', when: 1_700_000_000_000, tag: '0000_a', breakpoints: true }
    project.write({
      'drizzle/0000_a.sql':
        'CREATE TABLE `x` (`id` integer);\n--> statement-breakpoint\nCREATE TABLE `y` (`id` integer);',
      'drizzle/meta/_journal.json': JSON.stringify({ version: '7', dialect: 'sqlite', entries: [entry] }),
    })
    expect(countResults(await project.up())).toEqual({ applied: 1 })
    expect(await tables(drizzle)).toEqual(expect.arrayContaining(['x', 'y']))

    await server.create('book', 'shop')
    project.configure({
      servers: { far: { url: server.url }, local: { url: 'sqlite:./scratch' } },
      scratch: { server: 'local' },
      registry: { url: `${server.url}/book` },
      tenants: { from: 'registry' },
      provision: { server: 'far', role: false },
    })
    project.write({ 'migrations/001_users.sql': 'CREATE TABLE users (id INTEGER PRIMARY KEY);' })
    await server.query('shop', 'CREATE TABLE users (id INTEGER PRIMARY KEY)')
    for (const argv of [
      ['registry', 'migrate'],
      ['tenants', 'add', 'shop', '--server', 'far', '--database', 'shop'],
      ['baseline', '--to', '001_users'],
    ]) {
      const { code, stderr } = await project.run(argv)
      expect(code, `${argv.join(' ')}: ${stderr}`).toBe(0)
    }
    expect(countResults(await project.up())).toEqual({ 'up-to-date': 1 })
    expect(await applied('shop')).toEqual(['001_users'])
    await server.query('shop', 'DROP TABLE users')
    expect(await project.use((tenantry) => tenantry.backfill())).toMatchObject({ ok: true })
    expect(await tables('shop')).toContain('users')
    // None is made on the server.
    const refused = await project.run(['tenants', 'add', 'new', '--provision'])
    expect(refused.code).not.toBe(0)
    expect(refused.stderr).toContain('is no database by itself')
  })

  test('drift, verify and prove build their references in a local folder', async () => {
    const [first = '', second = ''] = await fleet(2)
    project.configure({
      servers: { far: { url: server.url }, local: { url: 'sqlite:./scratch' } },
      scratch: { server: 'local' },
      tenants: [first, second].map((slug) => ({ slug, server: 'far', database: slug })),
    })
    project.write({
      'migrations/001_users.sql': 'CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);',
      'migrations/rollbacks/001_users.sql': 'DROP TABLE users;',
    })
    expect(countResults(await project.up())).toEqual({ applied: 2 })
    await server.query(second, 'CREATE INDEX by_hand ON users (email)')
    const drift = await project.use((tenantry) => tenantry.drift())
    expect(JSON.stringify(drift)).toContain('by_hand')
    expect(JSON.stringify(drift)).not.toContain('tenantry_lock')
    const verify = await project.use((tenantry) => tenantry.verify())
    expect(verify).toMatchObject({ ok: true, healthy: 2 })
    const prove = await project.use((tenantry) => tenantry.prove())
    expect(prove.migrations.map(({ verdict }) => verdict)).toEqual(['reversible'])
    // Without it there is nowhere to build, and nothing is made on the server.
    configure([first, second], { scratch: { server: 'far' } })
    const nowhere = await project.use((tenantry) => tenantry.drift()).catch((error: unknown) => error)
    expect(JSON.stringify([nowhere, String(nowhere)])).toContain('gave no place')
  })
})
