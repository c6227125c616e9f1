/** Knex migrations that misbehave: a clear error for their own target, in the right state, and the others go on. */
import { rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { FleetReport } from '../../src/model/report.ts'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { withNative } from './knex-native.ts'
import { createSchemas, makeProject, type Project, resultOf, schemaTenants } from './project.ts'

let database: TestDatabase
let project: Project

beforeAll(async () => {
  database = await freshDatabase('knex_faults')
})
afterAll(() => database?.drop())

beforeEach(async () => {
  await database.query('DROP SCHEMA IF EXISTS t_1, t_2, t_3 CASCADE')
  await database.query(createSchemas(3))
  project = makeProject()
  symlinkSync(join(process.cwd(), 'node_modules'), join(project.dir, 'node_modules'))
  project.write({
    'migrations/001_ok.js':
      'exports.up = (k) => k.schema.createTable("ok", (t) => t.increments())\nexports.down = (k) => k.schema.dropTable("ok")\n',
  })
})
afterEach(() => project?.remove())

function configure(more: Record<string, unknown> = {}): void {
  project.configure({ servers: { main: { url: database.url } }, tenants: schemaTenants(3, database.name), ...more })
}

/** A migration that makes a table everywhere, and then does something only in `t_2`. */
const inSecond = (code: string, more = '') => `${more}
exports.up = async (knex) => {
  await knex.schema.createTable('made', (t) => t.increments())
  const { rows: [{ name }] } = await knex.raw('select current_schema() as name')
  if (name !== 't_2') return
  ${code}
}
exports.down = (knex) => knex.schema.dropTable('made')
`

const tables = async (schema: string) => {
  const rows = await database.query(`SELECT tablename FROM pg_tables WHERE schemaname = '${schema}' ORDER BY 1`)
  return rows.map(({ tablename }) => tablename).filter((name) => !/^(knex_|tenantry_)/.test(String(name)))
}
const names = async (schema: string) => {
  const rows = await database.query(`SELECT name FROM ${schema}.knex_migrations ORDER BY id`)
  return rows.map(({ name }) => name)
}
const locked = async (schema: string) =>
  (await database.query(`SELECT is_locked FROM ${schema}.knex_migrations_lock`))[0]?.is_locked

/** The second tenant failed and is as it was before; the others have it all; nothing is locked. */
async function expectOnlySecond(report: FleetReport, file = '002_bad.js'): Promise<NonNullable<FleetReport['error']>> {
  const { error, result } = resultOf(report, 't2')
  expect(result).toBe('failed')
  for (const [slug, schema] of [
    ['t1', 't_1'],
    ['t3', 't_3'],
  ] as const) {
    expect(resultOf(report, slug)).toMatchObject({ result: 'applied', error: null })
    expect([await tables(schema), await names(schema)]).toEqual([
      ['made', 'ok'],
      ['001_ok.js', file],
    ])
  }
  expect([await tables('t_2'), await names('t_2'), await locked('t_2')]).toEqual([['ok'], ['001_ok.js'], 0])
  if (error === null) throw new Error('It has no error.')
  return error
}

/** Corrected, it is applied; by Knex, so that its lock is seen to be free, too. */
async function expectRecovery(): Promise<void> {
  project.write({ 'migrations/002_bad.js': inSecond('') })
  const place = { client: 'pg' as const, url: database.url, schema: 't_2' }
  const ran = await withNative(place, (knex) => knex.migrate.latest(), {
    migrations: { directory: join(project.dir, 'migrations') },
  })
  expect(ran).toEqual([expect.any(Number), ['002_bad.js']])
}

describe.each<[string, string, string, string | RegExp]>([
  ['throws', 'throw new Error("boom")', 'MIGRATION_FAILED', /at line 6.*it threw: boom/],
  ['throws something odd', 'throw "text"', 'MIGRATION_FAILED', 'text'],
  [
    'sends what the server refuses',
    'await knex("nowhere").insert({ a: "secret-value" })',
    'MIGRATION_FAILED',
    'nowhere',
  ],
  ['never comes back', 'await new Promise(() => {})', 'MIGRATION_TIMEOUT', '002_bad'],
  ['lets the server sleep', 'await knex.raw("select pg_sleep(60)")', 'MIGRATION_TIMEOUT', '002_bad'],
  ['ends the process', 'process.exit(0)', 'MIGRATION_FAILED', 'process.exit'],
  ['requires what is missing', 'require("no-such-package")', 'MIGRATION_FAILED', 'no-such-package'],
  ['commits in SQL', 'await knex.raw("COMMIT")', 'LEFT_TRANSACTION', 'it tried to end'],
  [
    'rolls back in SQL, and swallows it',
    'await knex.raw("ROLLBACK").catch(() => {})',
    'LEFT_TRANSACTION',
    'it tried to end',
  ],
  [
    'commits among other statements',
    'await knex.raw("CREATE TABLE x (); COMMIT; CREATE TABLE y ()")',
    'LEFT_TRANSACTION',
    'end',
  ],
  ['commits what it was given', 'await knex.commit()', 'LEFT_TRANSACTION', 'trx.commit()'],
  ['rolls back and returns', 'await knex.rollback()', 'LEFT_TRANSACTION', 'trx.rollback()'],
  ['rolls back with a reason', 'await knex.rollback(new Error("not today"))', 'MIGRATION_FAILED', 'not today'],
  [
    'leaves a transaction open',
    'await (await knex.transaction()).schema.createTable("x", (t) => t.increments())',
    'LEFT_TRANSACTION',
    'did not end it',
  ],
  [
    'opens a connection',
    'await knex.client.acquireRawConnection()',
    'MIGRATION_UNSUPPORTED',
    'a connection of its own',
  ],
  [
    'opens one, and hides it',
    'await knex.client.acquireRawConnection().catch(() => {})',
    'MIGRATION_UNSUPPORTED',
    'a connection of its own',
  ],
  [
    'cancels over another connection',
    'await knex.raw("select pg_sleep(1)").timeout(50, { cancel: true })',
    'MIGRATION_UNSUPPORTED',
    'cancel',
  ],
  [
    'swallows the failure of a statement',
    'await knex.raw("select 1/0").catch(() => {})',
    'MIGRATION_FAILED',
    'division by zero',
  ],
])('a migration that %s', (_, code, errorCode, message) => {
  test(`fails with ${errorCode} in its own target`, async () => {
    configure({ migrationTimeoutMs: 1500 })
    project.write({ 'migrations/002_bad.js': inSecond(code) })
    const error = await expectOnlySecond(await project.up())
    expect(error).toMatchObject({ code: errorCode, message: expect.stringMatching(message) })
    expect(error.context).toMatchObject({ migration: '002_bad', file: 'migrations/002_bad.js' })
    expect(error.hint).toBeTruthy()
    expect(JSON.stringify(error)).not.toContain('secret-value')
    await expectRecovery()
  })
})

test('one that returns no promise, and did ask for a query, is refused; Knex would record it', async () => {
  configure()
  project.write({
    'migrations/002_bad.js':
      'exports.up = (knex) => { knex.schema.createTable("made", (t) => t.increments()) }\nexports.down = async () => {}\n',
  })
  const report = await project.up()
  for (const slug of ['t1', 't2', 't3']) {
    expect(resultOf(report, slug).error).toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringContaining('returned no promise'),
      hint: expect.stringContaining('await'),
    })
  }
  expect([await names('t_1'), await locked('t_1')]).toEqual([['001_ok.js'], 0])
})

test('one that returns nothing because it does nothing is applied', async () => {
  configure()
  project.write({
    'migrations/002_a.js': 'exports.up = () => {}\nexports.down = () => {}\n',
    'migrations/003_b.js': 'exports.up = () => { globalThis.seen = 1 }\nexports.down = () => null\n',
  })
  expect(resultOf(await project.up(), 't1')).toMatchObject({ result: 'applied', error: null })
  expect(await names('t_1')).toEqual(['001_ok.js', '002_a.js', '003_b.js'])
})

test.each([
  ['a missing module', 'const x = require("no-such-package")\nexports.up = async () => {}', 'no-such-package'],
  ['a syntax error', 'exports.up = async () => {\n  let let = 1\n}', 'at line 2'],
  ['a process.exit', 'process.exit(3)', 'process.exit'],
  ['no `up`', 'exports.down = async () => {}', 'no `up`'],
])(
  'a file with %s is told before anything of it runs, and what comes before it is applied',
  async (_, text, message) => {
    configure()
    project.write({ 'migrations/002_bad.js': text })
    const report = await project.up()
    expect(resultOf(report, 't1').error).toMatchObject({
      code: 'MIGRATION_UNSUPPORTED',
      message: expect.stringContaining(message),
    })
    // Where it is not needed, nobody asks for it.
    await project.use((tenantry) => tenantry.up({ to: '001_ok' }))
    expect(await names('t_3')).toEqual(['001_ok.js'])
  },
)

test('what a migration still does after it has returned reaches nobody else, and the runner lives', async () => {
  configure()
  const later = `
exports.up = async (knex) => {
  await knex.schema.createTable('made', (t) => t.increments())
  setTimeout(() => knex.schema.createTable('late', (t) => t.increments()).then(() => {}), 5)
}
exports.down = async () => {}
`
  project.write({
    'migrations/002_bad.js': later,
    'migrations/003_c.js': 'exports.up = (k) => k.raw("select pg_sleep(0.1)")\nexports.down = async () => {}\n',
  })
  // In a process of its own: the test's has listeners for what nobody catches.
  const ended = await project.run(['up'])
  expect([ended.code, ended.stdout + ended.stderr]).toEqual([0, expect.stringContaining('did not wait for')])
  for (const schema of ['t_1', 't_2', 't_3']) expect(await tables(schema)).toEqual(['made', 'ok'])
})

test('one that ends the process does not end the command line', async () => {
  configure()
  project.write({
    'migrations/002_bad.js': inSecond(
      'setImmediate(() => process.exit(0))\n  await new Promise((done) => setTimeout(done, 50))',
    ),
  })
  const ended = await project.run(['up', '--json'])
  expect(ended.code).toBe(1)
  const error = await expectOnlySecond(JSON.parse(ended.stdout) as FleetReport)
  expect(error).toMatchObject({ code: 'MIGRATION_FAILED', message: expect.stringContaining('process.exit') })
})

test('one without a transaction goes on where it failed, and nothing of it runs twice', async () => {
  configure()
  project.write({
    'migrations/002_bad.js': `
exports.config = { transaction: false }
exports.up = async (knex) => {
  await knex.schema.createTable('made', (t) => t.increments())
  await knex('made').insert({ id: 7 })
  await knex.raw('CREATE INDEX CONCURRENTLY by_id ON nowhere (id)')
  await knex('made').insert({ id: 8 })
}
exports.down = (knex) => knex.schema.dropTable('made')
`,
  })
  const report = await project.up()
  expect(resultOf(report, 't1').error).toMatchObject({ code: 'MIGRATION_FAILED', context: { statement: 3 } })
  expect([await tables('t_1'), await names('t_1'), await locked('t_1')]).toEqual([['made', 'ok'], ['001_ok.js'], 0])
  await database.query('CREATE TABLE t_1.nowhere (id int)')
  const again = await project.up()
  expect(resultOf(again, 't1')).toMatchObject({ result: 'applied', error: null })
  expect(resultOf(again, 't2').error).toMatchObject({ code: 'MIGRATION_FAILED' })
  expect(await database.query('SELECT id FROM t_1.made ORDER BY id')).toEqual([{ id: 7 }, { id: 8 }])
  expect(await names('t_1')).toEqual(['001_ok.js', '002_bad.js'])
})

test('rows without a file stop Knex ("the migration directory is corrupt"); here they are told, and the rest goes on', async () => {
  configure()
  await project.up()
  await database.query(`INSERT INTO t_2.knex_migrations (name, batch) VALUES ('000_gone.js', 1)`)
  project.write({
    'migrations/002_more.js':
      'exports.up = (k) => k.schema.createTable("made", (t) => t.increments())\nexports.down = (k) => k.schema.dropTable("made")\n',
  })
  const status = await project.use((tenantry) => tenantry.status())
  expect(JSON.stringify(status)).toContain('000_gone.js')
  const report = await project.up()
  expect(resultOf(report, 't2')).toMatchObject({ result: 'applied', applied: ['002_more'] })
  const native = withNative({ client: 'pg', url: database.url, schema: 't_2' }, (knex) => knex.migrate.latest(), {
    migrations: { directory: join(project.dir, 'migrations') },
  })
  await expect(native).rejects.toThrow(
    'The migration directory is corrupt, the following files are missing: 000_gone.js',
  )
})

test('a project without knex is told what to install', async () => {
  configure()
  rmSync(join(project.dir, 'node_modules'))
  project.write({
    'node_modules/knex/package.json': '{ "name": "knex", "version": "9.9.9", "main": "x.js" }',
    'node_modules/knex/x.js': 'throw new Error("broken")',
  })
  const report = await project.up()
  expect(resultOf(report, 't1').error).toMatchObject({
    message: expect.stringContaining('knex'),
    hint: expect.stringContaining('npm install knex'),
  })
})
