/** Code that must run outside a transaction: under the target's lock, in its own schema, and without a rest. */
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { needs } from '../servers/need.ts'
import { startPgBouncer } from '../servers/pgbouncer.ts'
import { freshDatabase, sharedServer, type TestDatabase } from '../servers/shared.ts'
import { countResults, createSchemas, makeProject, type Project, schemaTenants } from './project.ts'
import { openClient } from './raw-client.ts'

let database: TestDatabase
let project: Project

beforeAll(async () => {
  database = await freshDatabase('code_alone')
})
afterAll(() => database?.drop())

beforeEach(async () => {
  await database.query('DROP SCHEMA IF EXISTS t_1, t_2, t_3, t_4 CASCADE')
  await database.query(createSchemas(4))
  project = makeProject()
  symlinkSync(join(process.cwd(), 'node_modules'), join(project.dir, 'node_modules'))
})
afterEach(() => project?.remove())

function configure(more: Record<string, unknown> = {}): void {
  project.configure({ servers: { main: { url: database.url } }, tenants: schemaTenants(4, database.name), ...more })
}

const tools = [
  [
    'knex',
    `exports.up = async (knex) => {
  await knex.schema.createTable('made', (t) => t.integer('id'))
  await knex('made').insert([{ id: 1 }, { id: 2 }])
  await knex.raw('CREATE INDEX CONCURRENTLY by_id ON made (id)')
  await knex('made').insert({ id: 3 })
}
exports.config = { transaction: false }
`,
  ],
  [
    'sequelize',
    `module.exports = { async up(q, S) {
  await q.createTable('made', { id: S.INTEGER })
  await q.bulkInsert('made', [{ id: 1 }, { id: 2 }])
  await q.addIndex('made', ['id'], { name: 'by_id', concurrently: true })
  await q.bulkInsert('made', [{ id: 3 }])
} }
`,
  ],
] as const

const indexes = () =>
  database.query(
    `SELECT n.nspname AS schema, i.indisvalid AS valid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = 'by_id' ORDER BY 1`,
  )
const inAll = (schemas = [1, 2, 3, 4]) => schemas.map((n) => ({ schema: `t_${n}`, valid: true }))

test.each(tools)('%s: two runners at once', async (format, text) => {
  configure({ migrations: { dir: './migrations', format } })
  project.write({ 'migrations/001_made.js': text })
  const reports = await Promise.all([project.up(), project.up(), project.up()])
  expect(reports.map(({ ok }) => ok)).toEqual([true, true, true])
  for (const n of [1, 2, 3, 4])
    expect(await database.query(`SELECT id FROM t_${n}.made ORDER BY id`)).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }])
  expect(await indexes()).toEqual(inAll())
})

test.each(tools)('%s: a concurrent build waits for others longer than lockTimeoutMs', async (format, text) => {
  configure({
    migrations: { dir: './migrations', format },
    lockTimeoutMs: 300,
    tenants: schemaTenants(1, database.name),
  })
  project.write({ 'migrations/001_made.js': text })
  const other = await openClient(database.url)
  await other.query('BEGIN ISOLATION LEVEL REPEATABLE READ; CREATE TABLE t_4.other (); SELECT FROM t_4.other')
  const ended = new Promise((resolve) => setTimeout(resolve, 1500)).then(() => other.query('COMMIT'))
  const report = await project.up()
  await ended
  await other.end()
  expect(countResults(report)).toEqual({ applied: 1 })
  expect(await indexes()).toEqual(inAll([1]))
})

test.each([
  ['first', ''],
  ['later', "await knex.raw('SET lock_timeout = 0'); await knex('rows').insert({ id: 9 });"],
])('an index that could not be built is cleared away and built by the next run (%s)', async (_, before) => {
  configure({ tenants: schemaTenants(1, database.name) })
  await database.query('CREATE TABLE t_1.rows (id int); INSERT INTO t_1.rows VALUES (1), (1)')
  project.write({
    'migrations/001_made.js': `exports.config = { transaction: false }
exports.up = async (knex) => { ${before} await knex.raw('CREATE UNIQUE INDEX CONCURRENTLY by_id ON rows (id)') }
`,
  })
  expect((await project.up()).targets[0]?.error?.message).toContain('could not create unique index')
  expect(await indexes()).toEqual([{ schema: 't_1', valid: false }])
  await database.query('DELETE FROM t_1.rows WHERE ctid = (SELECT min(ctid) FROM t_1.rows WHERE id = 1)')
  expect(countResults(await project.up())).toEqual({ applied: 1 })
  expect(await indexes()).toEqual(inAll([1]))
  expect(await database.query('SELECT is_locked FROM t_1.knex_migrations_lock')).toEqual([{ is_locked: 0 }])
})

test('a role that code leaves in its session does not reach the next target', async () => {
  configure({ migrations: { dir: './migrations', format: 'sequelize' }, concurrency: 1 })
  project.write({
    'migrations/001_made.js': `module.exports = { async up(q) {
  await q.sequelize.query('CREATE TABLE made AS SELECT current_user::text AS me')
  await q.sequelize.query('CREATE INDEX CONCURRENTLY by_id ON made (me)')
  await q.sequelize.query('SET ROLE pg_monitor')
  await q.sequelize.query('RESET ROLE; SET application_name = $$left$$')
} }
`,
    'migrations/002_seen.js': `module.exports = { async up(q) {
  await q.sequelize.query("CREATE TABLE seen AS SELECT current_setting('application_name') AS name")
} }
`,
  })
  expect(countResults(await project.up())).toEqual({ applied: 4 })
  for (const n of [1, 2, 3, 4])
    expect(await database.query(`SELECT name FROM t_${n}.seen`)).toEqual([{ name: 'tenantry' }])
})

needs('pgbouncer')('through PgBouncer in transaction mode', () => {
  test.each(tools)(
    '%s: refused before anything is sent, since it might land in the schema of another',
    async (format, text) => {
      const pooler = await startPgBouncer(sharedServer(), { settings: { default_pool_size: '3' } })
      try {
        configure({
          servers: { main: { url: pooler.url(database.name), maxConcurrencyPerDatabase: 4 } },
          migrations: { dir: './migrations', format },
        })
        project.write({ 'migrations/001_made.js': text })
        expect(countResults(await project.up())).toEqual({ 'failed POOLER_UNSUPPORTED': 4 })
        expect(await database.query("SELECT FROM pg_class WHERE relname = 'made'")).toEqual([])
      } finally {
        await pooler.stop()
      }
    },
  )
})
