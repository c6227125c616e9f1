/** Migrations that are code on SQLite files: what goes wrong, what is undone, what goes on, and what is never lost. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createFile } from '../../src/dialects/sqlite/files.ts'
import { sqlite } from '../../src/dialects/sqlite/index.ts'
import { countResults, makeProject, type Project, resultOf } from './project.ts'

const main = join(import.meta.dirname, '../../dist/cli/main.js')
const started: ChildProcess[] = []
let project: Project
let folder: string

beforeEach(() => {
  project = makeProject()
  project.write({ 'package.json': '{ "name": "shop", "private": true }\n' })
  symlinkSync(join(process.cwd(), 'node_modules'), join(project.dir, 'node_modules'))
  folder = join(project.dir, 'tenants')
  mkdirSync(folder)
})
afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  project.remove()
})

function fleet(count: number, more: Record<string, unknown> = {}): void {
  const slugs = Array.from({ length: count }, (_, i) => `t${i + 1}`)
  for (const slug of slugs) createFile(join(folder, `${slug}.db`))
  project.configure({
    servers: { files: { url: 'sqlite:./tenants' } },
    tenants: slugs.map((slug) => ({ slug, database: slug })),
    migrations: { dir: './migrations', format: 'knex' },
    ...more,
  })
}

async function ask(name: string, sql: string): Promise<Record<string, unknown>[]> {
  const server = { name: 'files', dialect: 'sqlite' as const, host: '', port: 0, tls: null, directory: folder }
  const connection = await sqlite.connect({ ...server, maxConcurrency: 8, maxConcurrencyPerDatabase: 4 }, name, {
    connectTimeoutMs: 5000,
    applicationName: 'test',
  })
  try {
    return await connection.run(sql)
  } finally {
    await connection.close()
  }
}
const column = async (name: string, sql: string) => (await ask(name, sql)).map((row) => Object.values(row)[0])
const tables = (name: string) =>
  column(
    name,
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'knex_%' AND name NOT LIKE 'tenantry_%' ORDER BY 1",
  )
const applied = (name: string) => column(name, 'SELECT name FROM knex_migrations ORDER BY id')
const locked = (name: string) => column(name, 'SELECT is_locked FROM knex_migrations_lock')

const up = (body: string, more = '') =>
  `exports.up = async (knex) => {\n  ${body}\n}\nexports.down = async () => {}\n${more}`

const family = {
  'migrations/001_family.js':
    up(`await knex.schema.createTable('parents', (t) => { t.increments(); t.string('name'); t.string('old') })
  await knex.schema.createTable('children', (t) => {
    t.increments()
    t.integer('parent_id').references('parents.id').onDelete('CASCADE')
  })
  await knex('parents').insert([{ name: 'a' }, { name: 'b' }])
  await knex('children').insert([{ parent_id: 1 }, { parent_id: 1 }, { parent_id: 2 }])`),
}

describe('foreign keys', () => {
  const knexWays = {
    dropColumn: "await knex.schema.alterTable('parents', (t) => t.dropColumn('old'))",
    alter: "await knex.schema.alterTable('parents', (t) => t.string('name', 80).notNullable().alter())",
    'a PRAGMA of its own': `await knex.raw('PRAGMA foreign_keys = OFF')
  await knex.raw('CREATE TABLE next (id INTEGER PRIMARY KEY, name TEXT)')
  await knex.raw('INSERT INTO next SELECT id, name FROM parents')
  await knex.raw('DROP TABLE parents')
  await knex.raw('ALTER TABLE next RENAME TO parents')
  await knex.raw('PRAGMA foreign_keys = ON')`,
  }
  test.each(Object.entries(knexWays))(
    'what refers to a table is there after its rebuild, in one transaction and without (%s)',
    async (_, body) => {
      fleet(2)
      const after = up("await knex('parents').where({ id: 1 }).del()")
      project.write({
        ...family,
        // What was changed before the rebuild is changed once.
        'migrations/002_rebuild.js': up(`await knex('parents').insert({ name: 'c' })
  const refused = await knex('children').insert({ parent_id: 99 }).catch((error) => error)
  if (refused.code !== 'SQLITE_CONSTRAINT_FOREIGNKEY') throw refused
  ${body}`),
        'migrations/003_alone.js': up(body.replaceAll("'old'", "'name'"), 'exports.config = { transaction: false }\n'),
      })
      expect(countResults(await project.up())).toEqual({ applied: 2 })
      for (const name of ['t1', 't2']) {
        expect(await column(name, 'SELECT parent_id FROM children ORDER BY id')).toEqual([1, 1, 2])
        expect(await column(name, 'SELECT id FROM parents ORDER BY id')).toEqual([1, 2, 3])
      }
      // And the next migration has them enforced again.
      project.write({ 'migrations/004_after.js': after })
      expect(countResults(await project.up())).toEqual({ applied: 2 })
      expect(await column('t1', 'SELECT parent_id FROM children')).toEqual([2])
    },
  )

  test('rows that would refer to nothing after a rebuild are refused, and all of it is undone', async () => {
    fleet(1)
    project.write({
      ...family,
      'migrations/002_rebuild.js': up(`${knexWays.dropColumn}\n  await knex('parents').where({ id: 2 }).del()`),
    })
    const report = await project.up()
    expect(resultOf(report, 't1').error).toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringContaining('1 row of children (to parents) would refer to nothing'),
      context: { migration: '002_rebuild' },
    })
    expect(await column('t1', 'SELECT id FROM parents WHERE old IS NULL')).toEqual([1, 2])
    expect([await applied('t1'), await locked('t1')]).toEqual([['001_family.js'], [0]])
  })
})

test('code that built on random values is not carried on with others where its transaction begins anew', async () => {
  fleet(1)
  const rebuild = "await knex.schema.alterTable('parents', (t) => t.dropColumn('old'))"
  const body = (first: string) =>
    up(`${first}
  await knex.raw("INSERT INTO parents (name) VALUES (lower(hex(randomblob(8))))")
  const { name } = await knex('parents').where('id', 3).first('name')
  await knex.raw('CREATE TABLE links (name TEXT)')
  await knex('links').insert({ name })
  ${rebuild}`)
  project.write({ ...family, 'migrations/002_random.js': body('') })
  expect(resultOf(await project.up(), 't1').error).toMatchObject({
    code: 'MIGRATION_FAILED',
    message: expect.stringContaining('begin it with `PRAGMA foreign_keys = OFF`'),
    context: { migration: '002_random' },
  })
  expect(await tables('t1')).toEqual(['children', 'parents'])
  // Node keeps a file that it has loaded.
  rmSync(join(project.dir, 'migrations/002_random.js'))
  project.write({ 'migrations/002_mended.js': body("await knex.raw('PRAGMA foreign_keys = OFF')") })
  const mended = await project.up()
  expect(countResults(mended), resultOf(mended, 't1').error?.message).toEqual({ applied: 1 })
  expect(await column('t1', 'SELECT count(*) FROM links JOIN parents USING (name)')).toEqual([1])
  expect(await column('t1', 'SELECT count(*) FROM children')).toEqual([3])
})

test('code without a transaction goes on behind what it rolled back itself', async () => {
  fleet(1)
  project.write({
    'migrations/001_alone.js': up(
      `await knex.schema.createTable('rows', (t) => { t.increments(); t.integer('n') })
  await knex('rows').insert({ n: 1 })
  await knex.transaction(async (trx) => {
    await trx('rows').insert({ n: 2 })
    await trx.raw('SAVEPOINT a')
    await trx('rows').insert({ n: 99 })
    await trx.raw('ROLLBACK TO a')
    await trx('rows').insert({ n: 3 })
  })
  const trx = await knex.transaction()
  await trx('rows').insert({ n: 98 })
  await trx.rollback()
  await knex('rows').insert({ n: 4 })
  await knex('missing').insert({ a: 1 })
  await knex('rows').insert({ n: 5 })`,
      'exports.config = { transaction: false }\n',
    ),
  })
  expect(countResults(await project.up())).toEqual({ 'failed MIGRATION_FAILED': 1 })
  expect(await column('t1', 'SELECT n FROM rows ORDER BY n')).toEqual([1, 2, 3, 4])
  await ask('t1', 'CREATE TABLE missing (a)')
  expect(countResults(await project.up())).toEqual({ applied: 1 })
  expect(await column('t1', 'SELECT n FROM rows ORDER BY n')).toEqual([1, 2, 3, 4, 5])
})

test("code that turns out to need no transaction runs again without one, also of Knex's own", async () => {
  fleet(1)
  project.write({
    'migrations/001_vacuum.js': up(
      `await knex.schema.createTable('rows', (t) => t.increments())
  await knex.raw('VACUUM')
  await knex('rows').insert({ id: 1 })`,
    ),
  })
  const report = await project.up()
  expect(countResults(report), resultOf(report, 't1').error?.message).toEqual({ applied: 1 })
  expect(await column('t1', 'SELECT id FROM rows')).toEqual([1])
  expect([await applied('t1'), await locked('t1')]).toEqual([['001_vacuum.js'], [0]])
})

const faults: [string, string, string, string][] = [
  ['throws', "throw new Error('in the middle')", 'MIGRATION_FAILED', 'in the middle'],
  [
    'has a statement that is refused',
    "await knex('nowhere').insert({ a: 1 })",
    'MIGRATION_FAILED',
    'no such table: nowhere',
  ],
  ['rolls back its transaction', 'await knex.rollback()', 'LEFT_TRANSACTION', 'rolled back'],
  ['commits it', 'await knex.commit()', 'LEFT_TRANSACTION', 'committed'],
  ['commits by a text', "await knex.raw('COMMIT')", 'LEFT_TRANSACTION', ''],
  ['leaves one open', 'await knex.transaction()', 'LEFT_TRANSACTION', 'did not end it'],
  [
    'loses it by a statement, and hides that',
    "await knex.raw('INSERT OR ROLLBACK INTO made (id) VALUES (1)').catch(() => {})\n  await knex.raw('CREATE TABLE outside (a)').catch(() => {})",
    'LEFT_TRANSACTION',
    'rolled back',
  ],
  ['reaches for another file', `await knex.raw("ATTACH 'other.db' AS other")`, 'MIGRATION_FAILED', 'ATTACH'],
  [
    'opens a connection',
    'await knex.client.acquireRawConnection().catch(() => {})',
    'MIGRATION_UNSUPPORTED',
    'of its own',
  ],
  ['never comes back', 'await new Promise(() => {})', 'MIGRATION_TIMEOUT', ''],
]

test('code that does what it may not fails in its own target, undone with its row; it goes on when it is mended', async () => {
  fleet(1, { migrationTimeoutMs: 1500 })
  project.write({ 'migrations/001_ok.js': up("await knex.schema.createTable('ok', (t) => t.increments())") })
  for (const [index, [what, body, code, message]] of faults.entries()) {
    // A process imports a file once.
    const id = `002_bad_${index}`
    project.write({
      [`migrations/${id}.js`]: up(`await knex.schema.createTable('made', (t) => t.increments())
  await knex('made').insert({ id: 1 })
  ${body}`),
    })
    const { error } = resultOf(await project.up(), 't1')
    expect([what, error?.code]).toEqual([what, code])
    expect(error?.message).toContain(message)
    expect(error?.context).toMatchObject({ migration: id, file: `migrations/${id}.js` })
    expect([what, await tables('t1'), await applied('t1'), await locked('t1')]).toEqual([
      what,
      ['ok'],
      ['001_ok.js'],
      [0],
    ])
    rmSync(join(project.dir, `migrations/${id}.js`))
  }
  expect(existsSync(join(project.dir, 'other.db'))).toBe(false)
  // A refused statement leaves the rest of a transaction as it was: code may go on from it.
  project.write({
    'migrations/002_bad.js': up(`await knex.schema.createTable('made', (t) => t.increments())
  await knex('made').insert([{ id: 1 }, { id: 2 }])
  const refused = await knex('made').insert({ id: 1 }).catch((error) => error)
  if (refused.code !== 'SQLITE_CONSTRAINT_PRIMARYKEY') throw refused`),
  })
  expect(countResults(await project.up())).toEqual({ applied: 1 })
  expect(await column('t1', 'SELECT count(*) FROM made')).toEqual([2])
  expect(readdirSync(folder).filter((name) => name.includes('tenantry'))).toEqual([])
})

test('code without a transaction goes on where it failed, and nothing of it runs twice', async () => {
  fleet(2)
  project.write({
    'migrations/002_alone.js': up(
      `await knex.schema.createTable('rows', (t) => { t.increments(); t.integer('n') })
  const [first] = await knex('rows').insert({ n: 7 })
  await knex.transaction(async (trx) => { await trx('rows').insert({ n: 8 }); await trx('rows').insert({ n: 9 }) })
  await knex.raw('PRAGMA journal_mode = WAL')
  await knex('missing').insert({ a: 1 })
  await knex('rows').insert({ n: 10 })`,
      'exports.config = { transaction: false }\n',
    ),
  })
  const report = await project.up()
  expect(countResults(report)).toEqual({ 'failed MIGRATION_FAILED': 2 })
  expect(resultOf(report, 't1').error).toMatchObject({ context: { statement: 6, migration: '002_alone' } })
  expect(
    await ask(
      't1',
      'SELECT state, statements_done FROM tenantry_ledger WHERE migration = $$002_alone$$'.replaceAll('$$', "'"),
    ),
  ).toEqual([{ state: 'running', statements_done: 5 }])
  await ask('t1', 'CREATE TABLE missing (a)')
  expect(countResults(await project.up())).toEqual({ applied: 1, 'failed MIGRATION_FAILED': 1 })
  expect(await column('t1', 'SELECT n FROM rows ORDER BY id')).toEqual([7, 8, 9, 10])
  expect([await applied('t1'), await locked('t1')]).toEqual([['002_alone.js'], [0]])
  // Another way than the one it took before is not gone.
  project.write({
    'migrations/002_alone.js': up("await knex('rows').insert({ n: 1 })", 'exports.config = { transaction: false }\n'),
  })
  const { stdout } = await project.run(['up', '--json'])
  expect(resultOf(JSON.parse(stdout), 't2').error?.code).toBe('MIGRATION_INTERRUPTED')
})

test.each([
  ['in a transaction', ''],
  ['without one', 'exports.config = { transaction: false }\n'],
])('a runner that is killed in the middle of code %s', async (_, config) => {
  fleet(1)
  project.write({
    'migrations/001_slow.js': `const fs = require('node:fs')
${up(
  `await knex.schema.createTable('rows', (t) => t.increments())
  for (let id = 1; id <= 20; id++) {
    await knex('rows').insert({ id })
    if (id === 10 && !fs.existsSync(${JSON.stringify(join(project.dir, 'go'))})) { fs.writeFileSync(${JSON.stringify(join(project.dir, 'here'))}, ''); await new Promise((done) => setTimeout(done, 60000)) }
  }`,
  config,
)}`,
  })
  const child = project.start(['up'])
  started.push(child)
  const exited = once(child, 'exit')
  for (let i = 0; i < 600 && !existsSync(join(project.dir, 'here')); i++) await sleep(50)
  expect(existsSync(join(project.dir, 'here'))).toBe(true)
  child.kill('SIGKILL')
  await exited
  expect(await tables('t1')).toEqual(config === '' ? [] : ['rows'])
  // Knex is kept out meanwhile; the next run of ours takes the row over.
  expect(await locked('t1')).toEqual([2])
  project.write({ go: '' })
  expect(countResults(await project.up())).toEqual({ applied: 1 })
  expect(await column('t1', 'SELECT count(*) FROM rows')).toEqual([20])
  expect([await applied('t1'), await locked('t1')]).toEqual([['001_slow.js'], [0]])
})

test('what it would send is looked at, undone, compared and proven', async () => {
  fleet(2, { scratch: { server: 'files' } })
  project.write({
    ...family,
    'migrations/002_more.js': `exports.up = async (knex) => {
  await knex.schema.createTable('more', (t) => { t.increments(); t.string('a') })
  await knex.raw('CREATE INDEX by_name ON parents (name)')
}
exports.down = async (knex) => { await knex.schema.dropTable('more'); await knex.raw('DROP INDEX by_name') }\n`,
  })
  await project.use((tenantry) => tenantry.up({ to: '001_family' }))
  expect(await tables('t1')).toEqual(['children', 'parents'])
  expect(countResults(await project.up())).toEqual({ applied: 2 })
  expect((await project.use((tenantry) => tenantry.drift())).ok).toBe(true)
  await ask('t2', 'DROP INDEX by_name')
  expect((await project.use((tenantry) => tenantry.drift())).ok).toBe(false)
  await ask('t2', 'CREATE INDEX by_name ON parents (name)')
  const proof = await project.use((tenantry) => tenantry.prove())
  expect(proof.migrations.map(({ migration, verdict }) => [migration, verdict])).toContainEqual([
    '002_more',
    'reversible',
  ])
  // What its undo would send is looked at first: rows would be gone.
  await ask('t2', "INSERT INTO more (a) VALUES ('x')")
  const refused = await project.use((tenantry) => tenantry.down())
  expect(resultOf(refused, 't2').error?.message).toContain('files/t2.db: 002_more drops table more (1 row)')
  await ask('t2', 'DELETE FROM more')
  const down = await project.use((tenantry) => tenantry.down())
  expect(down.targets.map(({ undone, error }) => [undone, error])).toEqual([
    [['002_more'], null],
    [['002_more'], null],
  ])
  expect(await tables('t2')).toEqual(['children', 'parents'])
})

test('Sequelize: transactions by CLS, a connection of its own, and what refers to a table that it rebuilds', async () => {
  fleet(1, { migrations: { dir: './migrations', format: 'sequelize' } })
  const file = (body: string) => `module.exports = { async up(q, S) {\n${body}\n}, async down() {} }\n`
  project.write({
    'migrations/001-family.js':
      file(`await q.createTable('parents', { id: { type: S.INTEGER, primaryKey: true }, old: S.STRING })
  await q.createTable('children', { id: { type: S.INTEGER, primaryKey: true }, parent_id: { type: S.INTEGER, references: { model: 'parents', key: 'id' }, onDelete: 'CASCADE' } })
  await q.bulkInsert('parents', [{ id: 1 }])
  await q.bulkInsert('children', [{ id: 1, parent_id: 1 }])`),
    'migrations/002-rebuild.js': file(`await q.sequelize.transaction(async (transaction) => {
    await q.removeColumn('parents', 'old', { transaction })
    await q.bulkInsert('parents', [{ id: 2 }], { transaction })
  })`),
    'migrations/003-own.js':
      file(`const other = new S({ dialect: 'sqlite', storage: 'own.db', logging: false, dialectModule: { OPEN_CREATE: 4, OPEN_READWRITE: 2, Database: class { constructor() { require('fs').writeFileSync('own.db', '') } } } })
  await other.query('SELECT 1').catch(() => {})`),
  })
  const report = await project.up()
  expect(resultOf(report, 't1').applied).toEqual(['001-family', '002-rebuild'])
  expect(resultOf(report, 't1').error).toMatchObject({
    code: 'MIGRATION_UNSUPPORTED',
    context: { migration: '003-own' },
  })
  expect(existsSync(join(project.dir, 'own.db'))).toBe(false)
  expect(await ask('t1', 'SELECT c.id, p.id AS parent FROM children c JOIN parents p ON p.id = c.parent_id')).toEqual([
    { id: 1, parent: 1 },
  ])
  rmSync(join(project.dir, 'migrations/003-own.js'))
  project.write({
    // It cannot be in a transaction, so that all of it is undone and runs again without one.
    'migrations/003-vacuum.js': file(`await q.bulkInsert('parents', [{ id: 9 }])
  await q.sequelize.query('VACUUM')`),
    'migrations/004-cls.js': file(`const { AsyncLocalStorage } = require('node:async_hooks')
  const storage = new AsyncLocalStorage()
  S.useCLS({ bind: (work) => work, run: (work) => storage.run(new Map(), () => work(storage.getStore())), get: (key) => storage.getStore()?.get(key), set: (key, value) => storage.getStore()?.set(key, value) })
  try {
    await q.sequelize.transaction(() => q.bulkInsert('parents', [{ id: 3 }]))
    await q.sequelize.transaction(async () => { await q.bulkInsert('parents', [{ id: 4 }]); throw new Error('taken back') }).catch(() => {})
  } finally { delete S._cls }`),
  })
  const notices: string[] = []
  const again = await project.use((tenantry) => tenantry.up(), {
    emit: (event) => {
      if (event.type === 'notice') notices.push(event.notice.rule)
    },
  })
  expect([countResults(again), notices]).toEqual([{ applied: 1 }, expect.arrayContaining(['needs-no-transaction'])])
  expect(await column('t1', 'SELECT id FROM parents ORDER BY id')).toEqual([1, 2, 3, 9])
})

test('160 files are migrated by code in a process that may have 140 open', async () => {
  fleet(160)
  for (let i = 1; i <= 2; i++)
    project.write({
      [`migrations/00${i}_t.js`]: up(`await knex.schema.createTable('t_${i}', (t) => { t.increments(); t.string('a') })
  await knex('t_${i}').insert({ a: 'x' })`),
    })
  const child = spawn('sh', ['-c', 'ulimit -n 140 && exec "$0" "$@"', process.execPath, main, 'up', '--json'], {
    cwd: project.dir,
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  started.push(child)
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const [code] = await once(child, 'close')
  const { summary } = JSON.parse(output)
  expect({ code, summary }).toMatchObject({ code: 0, summary: { applied: 160, failed: 0 } })
  for (const name of ['t1', 't99', 't160']) expect(await tables(name)).toEqual(['t_1', 't_2'])
})
