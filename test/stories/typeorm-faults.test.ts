/** TypeORM migrations that misbehave: a clear error for their own target, in the right state, and the others go on. */
import { rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { FleetReport } from '../../src/model/report.ts'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { freshMariadb, sharedMariadb, withMariadb } from '../servers/shared-mariadb.ts'
import type { NativePlace } from './native-places.ts'
import { createSchemas, makeProject, type Project, resultOf, schemaTenants } from './project.ts'
import { withNative } from './typeorm-native.ts'

let database: TestDatabase
let project: Project

beforeAll(async () => {
  database = await freshDatabase('typeorm_faults')
})
afterAll(() => database?.drop())

beforeEach(async () => {
  await database.query('DROP SCHEMA IF EXISTS t_1, t_2, t_3 CASCADE')
  await database.query(createSchemas(3))
  project = makeProject()
  symlinkSync(join(process.cwd(), 'node_modules'), join(project.dir, 'node_modules'))
  project.write({
    'migrations/1700000000001-Ok.js': `module.exports = class Ok1700000000001 {
  async up(q) { await q.query('CREATE TABLE ok (id int)') }
  async down(q) { await q.query('DROP TABLE ok') }
}
`,
  })
})
afterEach(() => project?.remove())

const bad = 'migrations/1700000000002-Bad.js'

function configure(more: Record<string, unknown> = {}): void {
  project.configure({ servers: { main: { url: database.url } }, tenants: schemaTenants(3, database.name), ...more })
}

/** A migration that makes a table everywhere, and then does something only in `t_2`. */
const inSecond = (code: string, more = '') => `const typeorm = require('typeorm')
exports.Bad1700000000002 = class Bad1700000000002 {
  ${more}
  async up(q) {
    await q.query('CREATE TABLE made (id int)')
    const [{ name }] = await q.query('select current_schema() as name')
    if (name !== 't_2') return
    ${code}
  }
  async down(q) { await q.query('DROP TABLE made') }
}
`

const tables = async (schema: string) => {
  const rows = await database.query(`SELECT tablename FROM pg_tables WHERE schemaname = '${schema}' ORDER BY 1`)
  return rows.map(({ tablename }) => tablename).filter((name) => !/^(migrations|tenantry_)/.test(String(name)))
}
const names = async (schema: string) => {
  const rows = await database.query(`SELECT name FROM ${schema}.migrations ORDER BY id`)
  return rows.map(({ name }) => name)
}

/** The second tenant failed and is as it was before; the others have it all. */
async function expectOnlySecond(report: FleetReport): Promise<NonNullable<FleetReport['error']>> {
  const { error, result } = resultOf(report, 't2')
  for (const [slug, schema] of [
    ['t1', 't_1'],
    ['t3', 't_3'],
  ] as const) {
    expect(resultOf(report, slug)).toMatchObject({ result: 'applied', error: null })
    expect([await tables(schema), await names(schema)]).toEqual([
      ['made', 'ok'],
      ['Ok1700000000001', 'Bad1700000000002'],
    ])
  }
  expect(result).toBe('failed')
  expect([await tables('t_2'), await names('t_2')]).toEqual([['ok'], ['Ok1700000000001']])
  if (error === null) throw new Error('It has no error.')
  return error
}

/** Corrected, it is applied by TypeORM, which finds what it expects. */
async function expectRecovery(): Promise<void> {
  project.write({ 'fixed/1700000000002-Bad.js': inSecond('') })
  const place = { kind: 'schema', url: database.url, schema: 't_2' } as NativePlace
  const migrations = [join(project.dir, 'migrations/1700000000001-Ok.js'), join(project.dir, 'fixed/*.js')]
  const ran = await withNative(place, (source) => source.runMigrations(), { migrations })
  expect(ran.map(({ name }) => name)).toEqual(['Bad1700000000002'])
}

describe.each<[string, string, string, string | RegExp]>([
  ['throws', 'throw new Error("boom")', 'MIGRATION_FAILED', /at line 8.*it threw: boom/],
  ['throws something odd', 'throw "text"', 'MIGRATION_FAILED', 'text'],
  [
    'sends what the server refuses',
    `await q.query('insert into nowhere values ($1)', ['secret-value'])`,
    'MIGRATION_FAILED',
    'nowhere',
  ],
  ['never comes back', 'await new Promise(() => {})', 'MIGRATION_TIMEOUT', 'Bad1700000000002'],
  ['ends the process', 'process.exit(0)', 'MIGRATION_FAILED', 'process.exit'],
  ['commits in SQL', `await q.query('COMMIT')`, 'LEFT_TRANSACTION', 'it tried to end'],
  ['commits what it was given', 'await q.commitTransaction()', 'LEFT_TRANSACTION', 'queryRunner.commitTransaction()'],
  [
    'commits it, and hides that',
    'await q.commitTransaction().catch(() => {})',
    'LEFT_TRANSACTION',
    'commitTransaction',
  ],
  ['rolls back what it was given', 'await q.rollbackTransaction()', 'LEFT_TRANSACTION', 'rollbackTransaction()'],
  [
    'leaves a transaction open',
    `await q.startTransaction(); await q.query('CREATE TABLE x ()')`,
    'LEFT_TRANSACTION',
    'did not end it',
  ],
  [
    'opens a connection',
    `await new typeorm.DataSource({ type: 'postgres', url: 'postgres://u:secret-value@127.0.0.1:1/x' }).initialize()`,
    'MIGRATION_UNSUPPORTED',
    'another DataSource',
  ],
  [
    'opens one, and hides it',
    `await new typeorm.DataSource({ type: 'postgres', url: 'postgres://u:secret-value@127.0.0.1:1/x' }).initialize().catch(() => {})`,
    'MIGRATION_UNSUPPORTED',
    'another DataSource',
  ],
  [
    'swallows the failure of a statement',
    `await q.query('select 1/0').catch(() => {})`,
    'MIGRATION_FAILED',
    'division by zero',
  ],
  [
    'does not wait for a statement that fails',
    `q.query('select 1/0').catch(() => {})`,
    'MIGRATION_FAILED',
    'division by zero',
  ],
])('a migration that %s', (_, code, errorCode, message) => {
  test(`fails with ${errorCode} in its own target`, async () => {
    configure({ migrationTimeoutMs: 1500 })
    project.write({ [bad]: inSecond(code) })
    const error = await expectOnlySecond(await project.up())
    expect(error).toMatchObject({ code: errorCode, message: expect.stringMatching(message) })
    expect(error.context).toMatchObject({ migration: 'Bad1700000000002', file: bad })
    expect(error.hint).toBeTruthy()
    expect(JSON.stringify(error)).not.toContain('secret-value')
    await expectRecovery()
  })
})

test('one that returns no promise is refused, as by TypeORM', async () => {
  configure()
  project.write({
    [bad]: `module.exports = class Bad1700000000002 { up(q) { q.query('CREATE TABLE made ()') } down() {} }\n`,
  })
  const report = await project.up()
  expect(resultOf(report, 't1').error).toMatchObject({
    code: 'MIGRATION_FAILED',
    message: expect.stringContaining('returned no promise'),
    hint: expect.stringContaining('await'),
  })
  expect([await tables('t_1'), await names('t_1')]).toEqual([['ok'], ['Ok1700000000001']])
})

test.each([
  [
    'a missing module',
    `require('no-such-package')\nexports.Bad1700000000002 = class Bad1700000000002 {}`,
    'no-such-package',
  ],
  ['a syntax error', 'exports.Bad1700000000002 = class Bad1700000000002 {\n  let let = 1\n}', 'at line 2'],
  ['no `up`', 'exports.Bad1700000000002 = class Bad1700000000002 { async down() {} }', 'no `up`'],
  [
    'a constructor that throws',
    'exports.Bad1700000000002 = class Bad1700000000002 { constructor() { throw new Error("odd") } }',
    'odd',
  ],
  [
    'another name than its text says',
    `exports.Bad1700000000002 = class Bad1700000000002 {
  constructor() { Object.assign(this, { name: 'Else1700000000002' }) }
}`,
    'exports Else1700000000002',
  ],
])(
  'a file with %s is told before anything of it runs, and nobody asks for it where it is not needed',
  async (_, text, message) => {
    configure()
    project.write({ [bad]: text })
    expect(resultOf(await project.up(), 't1').error).toMatchObject({
      code: 'MIGRATION_UNSUPPORTED',
      message: expect.stringContaining(message),
      hint: expect.stringMatching(/\S/),
    })
    await project.use((tenantry) => tenantry.up({ to: 'Ok1700000000001' }))
    expect(await names('t_3')).toEqual(['Ok1700000000001'])
  },
)

test('one that turns out not to work in a transaction is run again without one; TypeORM itself fails', async () => {
  configure()
  project.write({ [bad]: inSecond(`await q.query('CREATE INDEX CONCURRENTLY by_id ON made (id)')`) })
  const report = await project.up()
  expect(report.targets.map(({ error }) => error)).toEqual([null, null, null])
  expect(
    await database.query(`SELECT indexname FROM pg_indexes WHERE schemaname = 't_2' AND tablename = 'made'`),
  ).toEqual([{ indexname: 'by_id' }])
  expect(await names('t_2')).toEqual(['Ok1700000000001', 'Bad1700000000002'])
})

test('one without a transaction goes on where it failed, and nothing of it runs twice', async () => {
  configure()
  project.write({
    [bad]: `exports.Bad1700000000002 = class Bad1700000000002 {
  transaction = false
  async up(q) {
    await q.query('CREATE TABLE made (id int)')
    await q.startTransaction()
    await q.query('INSERT INTO made VALUES (7)')
    await q.commitTransaction()
    await q.query('CREATE INDEX CONCURRENTLY by_id ON nowhere (id)')
    await q.query('INSERT INTO made VALUES (8)')
  }
  async down(q) { await q.query('DROP TABLE made') }
}
`,
  })
  expect(resultOf(await project.up(), 't1').error).toMatchObject({ code: 'MIGRATION_FAILED' })
  expect([await tables('t_1'), await names('t_1')]).toEqual([['made', 'ok'], ['Ok1700000000001']])
  await database.query('CREATE TABLE t_1.nowhere (id int)')
  expect(resultOf(await project.up(), 't1')).toMatchObject({ result: 'applied', error: null })
  expect(await database.query('SELECT id FROM t_1.made ORDER BY id')).toEqual([{ id: 7 }, { id: 8 }])
  expect(await names('t_1')).toEqual(['Ok1700000000001', 'Bad1700000000002'])
})

test('edited, late and missing files are told; adopt, drift, verify and prove know the format', async () => {
  configure({ scratch: { server: 'main' } })
  project.write({
    'migrations/1700000000005-Five.js': `exports.Five1700000000005 = class Five1700000000005 {
  async up(q) { await q.query('CREATE TABLE five (id int)') }
  async down(q) { await q.query('DROP TABLE five') }
}
`,
  })
  await project.up()
  const adopted = await project.use((tenantry) => tenantry.adopt())
  expect(JSON.stringify(adopted)).toContain('typeorm')
  await database.query('ALTER TABLE t_2.five ADD COLUMN odd int')
  const drift = await project.use((tenantry) => tenantry.drift())
  expect(JSON.stringify(drift)).toContain('odd')
  await database.query('DROP TABLE t_3.five')
  const verified = await project.use((tenantry) => tenantry.verify())
  expect(JSON.stringify(verified)).toMatch(/"t3"[\s\S]*five/)
  await database.query('CREATE TABLE t_3.five (id int)')
  const proof = await project.use((tenantry) => tenantry.prove())
  expect(proof).toMatchObject({ ok: true })
  // Late, and another that is edited.
  project.write({
    [bad]: inSecond(''),
    'migrations/1700000000001-Ok.js':
      '// edited\nmodule.exports = class Ok1700000000001 { async up() {} async down() {} }\n',
  })
  await database.query(`INSERT INTO t_3.migrations (timestamp, name) VALUES (1600000000000, 'Gone1600000000000')`)
  const status = JSON.stringify(await project.use((tenantry) => tenantry.status()))
  expect(status).toContain('Gone1600000000000')
  expect(status).toMatch(/changed/)
  expect(resultOf(await project.up(), 't1').error).toMatchObject({
    message: expect.stringContaining('Ok1700000000001'),
  })
})

test('a project without typeorm is told what to install', async () => {
  configure()
  rmSync(join(project.dir, 'node_modules'))
  project.write({
    'node_modules/typeorm/package.json': '{ "name": "typeorm", "version": "9.9.9", "main": "x.js" }',
    'node_modules/typeorm/x.js': 'throw new Error("broken")',
  })
  expect(resultOf(await project.up(), 't1').error).toMatchObject({
    message: expect.stringContaining('typeorm'),
    hint: expect.stringContaining('npm install typeorm'),
  })
})

test('what a migration still does after it has returned reaches nobody else, and the runner lives', async () => {
  configure()
  project.write({
    [bad]: `exports.Bad1700000000002 = class Bad1700000000002 {
  async up(q) {
    await q.query('CREATE TABLE made (id int)')
    const source = q.connection
    setTimeout(() => q.query('CREATE TABLE late (id int)'), 5)
    setTimeout(() => source.query('CREATE TABLE later (id int)'), 20)
  }
  async down(q) { await q.query('DROP TABLE made') }
}
`,
    'migrations/1700000000003-C.js': `module.exports = class C1700000000003 {
  async up(q) { await q.query('select pg_sleep(0.2)') }
  async down() {}
}
`,
  })
  // In a process of its own: the test's has listeners for what nobody catches.
  const ended = await project.run(['up'])
  expect([ended.code, ended.stdout + ended.stderr]).toEqual([0, expect.stringContaining('did not wait for')])
  for (const schema of ['t_1', 't_2', 't_3']) expect(await tables(schema)).toEqual(['made', 'ok'])
})

test('a killed runner leaves nothing of a migration behind, and the next one carries it out', async () => {
  configure()
  project.write({ [bad]: inSecond(`await q.query('select pg_sleep(60)')`) })
  const asleep = async () =>
    (
      await database.query(
        `SELECT pid FROM pg_stat_activity WHERE datname = '${database.name}' AND query LIKE 'select pg_sleep%'`,
      )
    ).length
  const runner = project.start(['up'])
  const ended = new Promise((resolve) => runner.once('exit', resolve))
  await expect.poll(asleep, { timeout: 30_000 }).toBe(1)
  runner.kill('SIGKILL')
  await ended
  await database.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database.name}' AND pid <> pg_backend_pid()`,
  )
  await expect.poll(asleep, { timeout: 30_000 }).toBe(0)
  expect(await tables('t_2')).toEqual(['ok'])
  project.write({ [bad]: inSecond('') })
  expect(resultOf(await project.up(), 't2')).toMatchObject({ result: 'applied', error: null })
  expect(await names('t_2')).toEqual(['Ok1700000000001', 'Bad1700000000002'])
})

withMariadb('MariaDB', () => {
  test('what failed half-way goes on where it stopped, and nothing of it runs twice', async () => {
    const place = await freshMariadb('typeorm_faults')
    project.configure({
      servers: { main: { url: sharedMariadb().url('mysql') } },
      tenants: [{ slug: 'ours', topology: 'database', database: place.name }],
    })
    project.write({
      [bad]: `exports.Bad1700000000002 = class Bad1700000000002 {
  async up(q) {
    await q.query('CREATE TABLE made (id int)')
    await q.query('INSERT INTO made VALUES (?)', [7])
    await q.query('CREATE INDEX by_id ON nowhere (id)')
    await q.query('INSERT INTO made VALUES (?)', [8])
  }
  async down(q) { await q.query('DROP TABLE made') }
}
`,
    })
    expect(resultOf(await project.up(), 'ours').error).toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringContaining('nowhere'),
      context: { migration: 'Bad1700000000002' },
    })
    expect(await place.query('SELECT name FROM migrations')).toEqual([{ name: 'Ok1700000000001' }])
    await place.query('CREATE TABLE nowhere (id int)')
    expect(resultOf(await project.up(), 'ours')).toMatchObject({ result: 'applied', error: null })
    expect(await place.query('SELECT id FROM made ORDER BY id')).toEqual([{ id: 7 }, { id: 8 }])
    await place.drop()
  })
})
