/** Knex migrations on MariaDB, where every change of the schema commits by itself: what fails is counted and resumed. */
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type MysqlProxy, startMysqlProxy } from '../servers/mysql-proxy.ts'
import { freshMariadb, type MariadbDatabase, sharedMariadb, withMariadb } from '../servers/shared-mariadb.ts'
import { type Place, withNative } from './knex-native.ts'
import { makeProject, type Project, resultOf } from './project.ts'

withMariadb('Knex on MariaDB', () => {
  const made: MariadbDatabase[] = []
  let one: MariadbDatabase
  let two: MariadbDatabase
  let project: Project

  beforeEach(async () => {
    one = await freshMariadb('knex_one')
    two = await freshMariadb('knex_two')
    made.push(one, two)
    project = makeProject()
    symlinkSync(join(process.cwd(), 'node_modules'), join(project.dir, 'node_modules'))
    project.configure({
      servers: { main: { url: sharedMariadb().url('mysql') } },
      tenants: [one, two].map(({ name }, i) => ({ slug: `t${i + 1}`, topology: 'database', database: name })),
      migrationTimeoutMs: 2000,
      targetLockWaitMs: 500,
    })
  })
  afterEach(() => project?.remove())
  afterAll(async () => {
    for (const database of made) await database.drop()
  })

  const names = async (database: MariadbDatabase) =>
    (await database.query('SELECT name FROM knex_migrations ORDER BY id').catch(() => [])).map(({ name }) => name)
  const held = async (database: MariadbDatabase) =>
    (await database.query('SELECT is_locked FROM knex_migrations_lock'))[0]?.is_locked
  const place = ({ url }: MariadbDatabase): Place => ({ client: 'mysql2', url })
  const native = (database: MariadbDatabase) =>
    withNative(place(database), (knex) => knex.migrate.latest(), {
      migrations: { directory: join(project.dir, 'migrations') },
    })

  /** Tables, rows, and something in between that only works where there is a table `open`. */
  const gated = (config = '') => `${config}
exports.up = async (knex) => {
  await knex.schema.createTable('first', (t) => { t.increments(); t.string('name') })
  await knex('first').insert({ name: 'a' })
  await knex.schema.alterTable('first', (t) => t.integer('size'))
  await knex('open').select('*')
  await knex.schema.createTable('second', (t) => t.increments())
  await knex('first').insert({ name: 'b', size: 2 })
}
exports.down = (knex) => knex.schema.dropTable('second').dropTable('first')
`

  test.each([
    ['in a transaction of Knex', ''],
    ['without one', 'exports.config = { transaction: false }'],
  ])('one that fails half-way %s goes on there, and nothing of it runs twice', async (_, config) => {
    project.write({ 'migrations/001_gated.js': gated(config) })
    await two.query('CREATE TABLE open (id int)')
    const report = await project.up()
    expect(resultOf(report, 't2')).toMatchObject({ result: 'applied', error: null })
    expect(resultOf(report, 't1').error).toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringContaining('open'),
      context: { migration: '001_gated' },
    })
    expect([await names(one), await held(one)]).toEqual([[], 0])
    expect(JSON.stringify(await project.use((tenantry) => tenantry.status()))).toContain('halfDone')
    await one.query('CREATE TABLE open (id int)')
    expect(resultOf(await project.up(), 't1')).toMatchObject({ result: 'applied', error: null })
    for (const database of [one, two]) {
      expect(await names(database)).toEqual(['001_gated.js'])
      const rows = await database.query('SELECT name, size FROM first ORDER BY id')
      expect(rows.map((row) => ({ ...row }))).toEqual([
        { name: 'a', size: null },
        { name: 'b', size: 2 },
      ])
      expect(await native(database)).toEqual([1, []])
    }
  })

  describe.each([
    ['throws', 'throw new Error("boom")', 'MIGRATION_FAILED', 'boom'],
    ['never comes back', 'await new Promise(() => {})', 'MIGRATION_TIMEOUT', '002_bad'],
    ['lets the server sleep', 'await knex.raw("select sleep(60)")', 'MIGRATION_TIMEOUT', '002_bad'],
    ['rolls back and returns', 'await knex.rollback()', 'LEFT_TRANSACTION', 'trx.rollback()'],
    ['commits what it was given', 'await knex.commit()', 'LEFT_TRANSACTION', 'trx.commit()'],
    [
      'opens a connection',
      'await knex.client.acquireRawConnection()',
      'MIGRATION_UNSUPPORTED',
      'connection of its own',
    ],
    ['sends what the server refuses', 'await knex("nowhere").del()', 'MIGRATION_FAILED', 'nowhere'],
  ])('a migration that %s', (_, code, errorCode, message) => {
    test(`fails with ${errorCode} in its own target, leaves no lock, and goes on when it is corrected`, async () => {
      project.write({
        'migrations/001_ok.js':
          'exports.up = (k) => k.schema.createTable("ok", (t) => t.increments())\nexports.down = (k) => k.schema.dropTable("ok")\n',
        'migrations/002_bad.js': `
exports.up = async (knex) => {
  await knex.schema.createTable('made', (t) => t.increments())
  if (knex.client.database() !== '${one.name}' || (await knex.schema.hasTable('open'))) return
  ${code}
}
exports.down = (knex) => knex.schema.dropTable('made')
`,
      })
      const report = await project.up()
      expect(resultOf(report, 't2')).toMatchObject({ result: 'applied', error: null })
      expect(resultOf(report, 't1').error).toMatchObject({
        code: errorCode,
        message: expect.stringContaining(message),
      })
      expect([await names(one), await held(one)]).toEqual([['001_ok.js'], 0])
      await one.query('CREATE TABLE open (id int)')
      expect(resultOf(await project.up(), 't1')).toMatchObject({ result: 'applied', error: null })
      expect(await names(one)).toEqual(['001_ok.js', '002_bad.js'])
    })
  })

  test('a stuck lock of Knex is reported, and a run of ours keeps Knex out', async () => {
    project.write({
      'migrations/001_slow.js': 'exports.up = (k) => k.raw("select sleep(1)")\nexports.down = async () => {}\n',
    })
    await withNative(place(one), (knex) => knex.migrate.list(), {
      migrations: { directory: join(project.dir, 'migrations') },
    })
    await one.query('UPDATE knex_migrations_lock SET is_locked = 1')
    expect(resultOf(await project.up(), 't1').error).toMatchObject({ code: 'NATIVE_LOCKED' })
    await one.query('UPDATE knex_migrations_lock SET is_locked = 0')
    const running = project.up()
    while ((await held(one)) !== 2) await new Promise((resolve) => setTimeout(resolve, 10))
    await expect(native(one)).rejects.toThrow('already locked')
    expect(resultOf(await running, 't1')).toMatchObject({ result: 'applied', error: null })
    expect(await native(one)).toEqual([1, []])
  })

  describe('a connection that is cut', () => {
    let proxy: MysqlProxy

    beforeEach(async () => {
      proxy = await startMysqlProxy(sharedMariadb())
      const url = new URL(sharedMariadb().url('mysql'))
      url.host = `127.0.0.1:${proxy.port}`
      project.configure({
        servers: { main: { url: url.href } },
        tenants: [{ slug: 't1', topology: 'database', database: one.name }],
      })
      project.write({
        'migrations/001_made.js': `exports.up = async (knex) => {
  await knex.schema.createTable('made', (t) => t.integer('n'))
  await knex('made').insert({ n: 1 })
}\n`,
      })
    })
    afterEach(() => proxy?.stop())

    test.each([
      ['at DDL of the code', /create table `made`/],
      ['at rows of the code', /insert into `made`/],
      ['when it is recorded', /INSERT INTO `[^`]+`\.`knex_migrations` /],
      ['when the row of the lock is freed', /SET `is_locked` = 0 WHERE/],
    ])('%s: made anew, everything once, and nothing is locked', async (_, match) => {
      const fired = proxy.cutAt(match, 'before')
      expect(resultOf(await project.up(), 't1')).toMatchObject({ error: null, applied: ['001_made'] })
      await fired
      expect([await names(one), await held(one)]).toEqual([['001_made.js'], 0])
      expect(await one.query('SELECT n FROM made')).toEqual([{ n: 1 }])
    })
  })
})
