/** What a knexfile can say, as Knex does it: in one schema by Knex, in another by tenantry, and both are equal. */
import { randomBytes } from 'node:crypto'
import { symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import makeKnex from 'knex'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { catalogOf } from './postgres-catalog.ts'
import { makeProject, type Project, resultOf } from './project.ts'

let database: TestDatabase
let project: Project
let ours: string
let twin: string

beforeAll(async () => {
  database = await freshDatabase('knex_settings')
})
afterAll(() => database?.drop())

beforeEach(async () => {
  const stem = randomBytes(3).toString('hex')
  ours = `ours_${stem}`
  twin = `twin_${stem}`
  await database.query(`CREATE SCHEMA ${ours}; CREATE SCHEMA ${twin}`)
  project = makeProject()
  symlinkSync(join(process.cwd(), 'node_modules'), join(project.dir, 'node_modules'))
  project.configure({
    migrations: {},
    servers: { main: { url: database.url } },
    tenants: [{ slug: 'ours', topology: 'schema', schema: ours }],
  })
})
afterEach(() => project?.remove())

/** The project's knexfile with a connection, in a schema or as it is. */
async function native<T>(schema: string | null, work: (knex: makeKnex.Knex) => Promise<T>): Promise<T> {
  const config = createRequire(import.meta.url)(join(project.dir, 'knexfile.js'))
  const log = { warn() {}, error() {}, debug() {}, deprecate() {} }
  const knex = makeKnex({
    ...config,
    connection: database.url,
    pool: { min: 0, max: 1 },
    log,
    ...(schema === null ? {} : { searchPath: [schema] }),
  })
  try {
    return await work(knex)
  } finally {
    await knex.destroy()
  }
}

async function rowsIn(schema: string): Promise<unknown> {
  const tables = await database.query(
    `SELECT tablename FROM pg_tables WHERE schemaname = '${schema}' AND tablename <> 'tenantry_ledger' ORDER BY 1`,
  )
  const rows: Record<string, unknown> = {}
  for (const { tablename } of tables) {
    const name = String(tablename)
    const list = await database.query(
      `SELECT to_jsonb(t) - 'migration_time' AS row FROM ${schema}."${name}" t ORDER BY 1`,
    )
    rows[name] = list.map(({ row }) => row)
  }
  return rows
}

/** Knex migrates the one, tenantry the other. */
async function expectEqual(): Promise<void> {
  await native(twin, (knex) => knex.migrate.latest())
  const report = await project.up()
  expect(resultOf(report, 'ours')).toMatchObject({ result: 'applied', error: null })
  expect(await rowsIn(ours)).toEqual(await rowsIn(twin))
  const asks = { raw: async (sql: string) => ({ rows: await database.query(sql) }) }
  expect(await catalogOf(asks, ours)).toEqual(await catalogOf(asks, twin))
  expect(await native(ours, (knex) => knex.migrate.status())).toBe(0)
  expect(await native(ours, async (knex) => (await knex.migrate.list())[1])).toEqual([])
}

const knexfile = (text: string) => `const { join } = require('node:path')\nmodule.exports = { client: 'pg', ${text} }\n`

test('identifiers and rows that are mapped to snake case and back', async () => {
  project.write({
    'knexfile.js': `
const snake = (text) => text.replace(/[A-Z]/g, (letter) => '_' + letter.toLowerCase())
const camel = (text) => text.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase())
const keys = (row) => row && typeof row === 'object' && row.constructor === Object
  ? Object.fromEntries(Object.entries(row).map(([key, value]) => [camel(key), value])) : row
module.exports = {
  client: 'pg',
  migrations: { directory: __dirname + '/migrations' },
  wrapIdentifier: (value, original) => original(snake(value)),
  postProcessResponse: (result) => Array.isArray(result) ? result.map(keys) : keys(result),
}`,
    'migrations/1_people.js': `
exports.up = async (knex) => {
  await knex.schema.createTable('familyMembers', (t) => { t.increments(); t.string('firstName'); t.integer('luckyNumber') })
  const [{ id, firstName }] = await knex('familyMembers').insert({ firstName: 'Ada', luckyNumber: 7 }).returning(['id', 'firstName'])
  if (firstName !== 'Ada') throw new Error('The answer was not mapped: ' + firstName)
  const found = await knex('familyMembers').where({ id }).first()
  await knex('familyMembers').insert({ firstName: found.firstName + '!', luckyNumber: found.luckyNumber + 1 })
}
exports.down = (knex) => knex.schema.dropTable('familyMembers')`,
  })
  await expectEqual()
})

test('several folders, each sorted for itself, a table of another name, and hooks', async () => {
  const create = (name: string) =>
    `exports.up = (knex) => knex.schema.createTable('${name}', (t) => t.increments())\nexports.down = (knex) => knex.schema.dropTable('${name}')\n`
  project.write({
    'knexfile.js': knexfile(`migrations: {
      directory: [join(__dirname, 'core'), join(__dirname, 'extra')], sortDirsSeparately: true, tableName: 'done',
      beforeEach: async (knex, [{ file }]) => { await knex.raw('CREATE TABLE IF NOT EXISTS seen (file text, moment text)'); await knex('seen').insert({ file, moment: 'before' }) },
      afterEach: async (knex, [{ file }]) => { await knex('seen').insert({ file, moment: 'after' }) },
    }`),
    'core/2_b.js': create('b'),
    'core/3_c.js': create('c'),
    'extra/1_a.js': create('a'),
  })
  await expectEqual()
  const rows = await database.query(`SELECT name FROM ${ours}.done ORDER BY id`)
  expect(rows.map(({ name }) => name)).toEqual(['2_b.js', '3_c.js', '1_a.js'])
  expect(await database.query(`SELECT count(*)::int FROM ${ours}.seen`)).toEqual([{ count: 6 }])
})

test('seeds that a migration runs, from the folder of the knexfile', async () => {
  project.write({
    'knexfile.js': knexfile(
      `migrations: { directory: join(__dirname, 'migrations') }, seeds: { directory: join(__dirname, 'data') }`,
    ),
    'data/1_colours.js': 'exports.seed = (knex) => knex("colours").insert([{ name: "red" }, { name: "blue" }])',
    'migrations/1_colours.js': `
exports.up = async (knex) => {
  await knex.schema.createTable('colours', (t) => { t.increments(); t.string('name') })
  await knex.seed.run()
}
exports.down = (knex) => knex.schema.dropTable('colours')`,
  })
  await expectEqual()
})

test('what a migration may use of its knex', async () => {
  project.write({
    'knexfile.js': knexfile(
      `migrations: { directory: join(__dirname, 'migrations') }, asyncStackTraces: true, userParams: { who: 'us' }`,
    ),
    'migrations/1_many.js': `
exports.up = async (knex) => {
  await knex.schema.createTable('things', (t) => { t.increments(); t.text('name'); t.jsonb('data'); t.specificType('tags', 'text[]'); t.timestamp('at') })
  await knex('things').insert({ name: knex.userParams.who, data: { a: [1, 2] }, tags: ['x', 'y'] })
  await knex.batchInsert('things', [{ name: 'one' }, { name: 'two' }], 1)
  const trx = await knex.transaction()
  await trx('things').insert({ name: 'kept' })
  await trx.commit()
  await knex.transaction(async (inner) => { await inner('things').insert({ name: 'lost' }); throw new Error('undone') }).catch(() => {})
  await knex.transaction((inner) => inner('things').insert({ name: 'gone' }).then(() => inner.rollback()))
  const provider = knex.transactionProvider()
  const given = await provider()
  await given('things').insert({ name: 'provided' })
  await given.commit()
  await Promise.all(['p1', 'p2', 'p3'].map((name) => knex('things').insert({ name })))
  const info = await knex('things').columnInfo()
  const names = await knex('things').orderBy('id').pluck('name')
  const { rows } = await knex.raw('select ?::int + :b as sum'.replace(':b', '?'), [1, 2])
  await knex('things').insert({ name: [Object.keys(info), names, rows[0].sum, knex.client.config.client, knex.client.database() !== undefined].join('|') })
  await knex('things').insert({ name: 'twice' }).onConflict('id').ignore()
  await knex('things').where('name', 'one').update({ data: knex.raw('?::jsonb', ['{}']) })
  if (!(await knex.schema.withSchema('pg_catalog').hasTable('pg_class'))) throw new Error('There is no catalog.')
}
exports.down = (knex) => knex.schema.dropTable('things')`,
  })
  await expectEqual()
})

test('a client class of their own', async () => {
  project.write({
    'knexfile.js': `
const Postgres = require('knex/lib/dialects/postgres/index.js')
module.exports = {
  client: class extends Postgres { wrapIdentifierImpl(value) { return super.wrapIdentifierImpl(value.toLowerCase()) } },
  migrations: { directory: __dirname + '/migrations' },
}`,
    'migrations/1_loud.js':
      'exports.up = (knex) => knex.schema.createTable("LOUD", (t) => t.increments("ID"))\nexports.down = (knex) => knex.schema.dropTable("LOUD")\n',
  })
  await expectEqual()
  expect(Object.keys((await rowsIn(ours)) as object)).toContain('loud')
})

test('a migrationSource', async () => {
  project.write({
    'knexfile.js': `
const create = (name) => ({ up: (knex) => knex.schema.createTable(name, (t) => t.increments()), down: (knex) => knex.schema.dropTable(name) })
const all = { '1 first': create('first'), '2/second': create('second') }
module.exports = { client: 'pg', migrations: { migrationSource: {
  getMigrations: async () => Object.keys(all), getMigrationName: (name) => name, getMigration: async (name) => all[name] } } }`,
  })
  await expectEqual()
  const names = await database.query(`SELECT name FROM ${ours}.knex_migrations ORDER BY id`)
  expect(names.map(({ name }) => name)).toEqual(['1 first', '2/second'])
})

test('TypeScript here, and the JavaScript made of it there: one history', async () => {
  project.write({
    'knexfile.js': knexfile(`migrations: { directory: join(__dirname, 'dist') }`),
    'dist/1_a.js':
      'exports.up = (knex) => knex.schema.createTable("a", (t) => t.increments())\nexports.down = (knex) => knex.schema.dropTable("a")\n',
    'src/1_a.ts': `import type { Knex } from 'knex'
export async function up(knex: Knex): Promise<void> { await knex.schema.createTable('a', (t) => { t.increments() }) }
export async function down(knex: Knex): Promise<void> { await knex.schema.dropTable('a') }\n`,
    'src/2_b.ts': `import type { Knex } from 'knex'
import { column } from './lib/column'
export const up = async (knex: Knex): Promise<void> => { await knex.schema.alterTable('a', (t) => { t.string(column) }) }
export const down = async (knex: Knex): Promise<void> => { await knex.schema.alterTable('a', (t) => { t.dropColumn(column) }) }\n`,
    'src/lib/column.ts': `export const column: string = 'more'\n`,
  })
  await native(ours, (knex) => knex.migrate.latest())
  project.configure({
    migrations: { dir: './src', format: 'knex' },
    servers: { main: { url: database.url } },
    tenants: [{ slug: 'ours', topology: 'schema', schema: ours }],
  })
  expect(resultOf(await project.up(), 'ours')).toMatchObject({ applied: ['2_b'], error: null })
  const undone = await project.use((tenantry) => tenantry.down({ unproven: true, steps: 2, allowDataLoss: true }))
  expect(resultOf(undone, 'ours')).toMatchObject({ undone: ['2_b', '1_a'], error: null })
})

test('schemaName and searchPath of a single database', async () => {
  const other = await freshDatabase('knex_search_path')
  try {
    await other.query('CREATE SCHEMA app; CREATE SCHEMA meta')
    project.write({
      'knexfile.js': knexfile(
        `searchPath: ['app', 'public'], migrations: { schemaName: 'meta', directory: join(__dirname, 'migrations') }`,
      ),
      'migrations/1_a.js':
        'exports.up = (knex) => knex.schema.createTable("a", (t) => t.increments())\nexports.down = (knex) => knex.schema.dropTable("a")\n',
      'migrations/2_b.js':
        'exports.config = { transaction: false }\nexports.up = (knex) => knex.schema.createTable("b", (t) => t.increments())\nexports.down = (knex) => knex.schema.dropTable("b")\n',
    })
    project.configure({
      migrations: {},
      servers: { main: { url: database.url } },
      tenants: [{ slug: 'ours', topology: 'dedicated', database: other.name }],
    })
    const report = await project.up()
    expect(resultOf(report, 'ours')).toMatchObject({ result: 'applied', error: null })
    const made = await other.query(
      `SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE schemaname IN ('app','meta','public') ORDER BY 1`,
    )
    expect(made.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['app.a', 'app.b', 'meta.knex_migrations', 'meta.knex_migrations_lock']),
    )
    const knex = makeKnex({
      client: 'pg',
      connection: other.url,
      searchPath: ['app', 'public'],
      migrations: { schemaName: 'meta', directory: join(project.dir, 'migrations') },
    })
    try {
      expect(await knex.migrate.latest()).toEqual([1, []])
    } finally {
      await knex.destroy()
    }
  } finally {
    await other.drop()
  }
})
