/** `prove` of what other tools wrote: Knex, Sequelize and Prisma, on PostgreSQL and MariaDB. */
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { freshMariadb, type MariadbDatabase, withMariadb } from '../servers/shared-mariadb.ts'
import { makeProject, type Project } from './project.ts'

let project: Project

beforeEach(() => {
  project = makeProject()
  project.write({ 'package.json': '{ "name": "shop", "private": true }\n' })
  symlinkSync(join(process.cwd(), 'node_modules'), join(project.dir, 'node_modules'))
})

afterEach(() => project?.remove())

const expected = ['reversible', 'lossy', 'one-way', 'broken', 'broken', 'reversible']

const knex = {
  '001_users.js': `exports.up = (knex) => knex.schema.createTable('users', (t) => { t.increments(); t.string('email').notNullable(); t.string('note') })
exports.down = (knex) => knex.schema.dropTable('users')\n`,
  '002_note.js': `exports.up = (knex) => knex.schema.alterTable('users', (t) => t.dropColumn('note'))
exports.down = (knex) => knex.schema.alterTable('users', (t) => t.string('note'))\n`,
  '003_seed.js': `exports.up = (knex) => knex('users').insert({ email: 'a@example.com' })
exports.down = async () => {}\n`,
  '004_age.js': `exports.up = (knex) => knex.schema.alterTable('users', (t) => t.integer('age'))
exports.down = (knex) => knex.schema.alterTable('users', (t) => t.dropColumn('agee'))\n`,
  '005_two.js': `exports.up = async (knex) => { await knex.schema.createTable('one', (t) => t.increments()); await knex.schema.createTable('two', (t) => t.increments()) }
exports.down = (knex) => knex.schema.dropTable('two')\n`,
  '006_index.js': `exports.up = (knex) => knex.schema.alterTable('users', (t) => t.index(['email'], 'by_email'))
exports.down = (knex) => knex.schema.alterTable('users', (t) => t.dropIndex(['email'], 'by_email'))\n`,
}

const sequelize = {
  '001-users.js': `module.exports = { up: (q, S) => q.createTable('users', { id: { type: S.INTEGER, primaryKey: true, autoIncrement: true }, email: { type: S.STRING, allowNull: false }, note: S.STRING }), down: (q) => q.dropTable('users') }\n`,
  '002-note.js': `module.exports = { up: (q) => q.removeColumn('users', 'note'), down: (q, S) => q.addColumn('users', 'note', S.STRING) }\n`,
  '003-seed.js': `module.exports = { up: (q) => q.bulkInsert('users', [{ email: 'a@example.com' }]), down: async () => {} }\n`,
  '004-age.js': `module.exports = { up: (q, S) => q.addColumn('users', 'age', S.INTEGER), down: (q) => q.removeColumn('users', 'agee') }\n`,
  '005-two.js': `module.exports = { up: async (q, S) => { await q.createTable('one', { id: { type: S.INTEGER, primaryKey: true } }); await q.createTable('two', { id: { type: S.INTEGER, primaryKey: true } }) }, down: (q) => q.dropTable('two') }\n`,
  '006-index.js': `module.exports = { up: (q) => q.addIndex('users', ['email'], { name: 'by_email' }), down: (q) => q.removeIndex('users', 'by_email') }\n`,
}

const folder = (files: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(files).map(([name, text]) => [`migrations/${name}`, text]))

const prismaFiles = (up: readonly string[], down: readonly (string | null)[]) =>
  folder(
    Object.fromEntries(
      up.flatMap((text, i) => {
        const name = `2025010${i + 1}000000_step`
        const undo = down[i]
        return [[`${name}/migration.sql`, text], ...(typeof undo === 'string' ? [[`${name}/rollback.sql`, undo]] : [])]
      }),
    ),
  )

const prisma = prismaFiles(
  [
    'CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(100) NOT NULL, note VARCHAR(20));',
    'ALTER TABLE users DROP COLUMN note;',
    "INSERT INTO users (id, email) VALUES (1, 'a@example.com');",
    'ALTER TABLE users ADD COLUMN age INT;',
    'CREATE TABLE one (id INT PRIMARY KEY); CREATE TABLE two (id INT PRIMARY KEY);',
    'CREATE UNIQUE INDEX by_email ON users (email);',
  ],
  [
    'DROP TABLE users;',
    'ALTER TABLE users ADD COLUMN note VARCHAR(20);',
    null,
    'ALTER TABLE users DROP COLUMN agee;',
    'DROP TABLE two;',
    null,
  ],
)

async function verdicts(): Promise<string[]> {
  const report = await project.use((tenantry) => tenantry.prove())
  expect(report.ok).toBe(false)
  expect(report.notices.filter(({ rule }) => rule === 'no-rows')).toEqual([])
  const one = report.migrations.find(({ migration }) => migration.startsWith('005') || migration.startsWith('20250105'))
  expect(one?.differences).toEqual([expect.objectContaining({ change: 'extra', kind: 'table', object: 'one' })])
  const cached = await project.use((tenantry) => tenantry.prove())
  expect(cached.migrations.every((migration) => migration.cached)).toBe(true)
  return report.migrations.map(({ verdict }) => verdict)
}

const tools: [string, Record<string, string>, string[]][] = [
  ['knex', folder(knex), expected],
  ['sequelize', folder(sequelize), expected],
  ['prisma', prisma, [...expected.slice(0, 5), 'one-way']],
]

describe('on PostgreSQL', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await freshDatabase('prove_code')
    await database.query('create schema a')
  })
  afterAll(() => database?.drop())

  describe.each(tools)('%s', (format, files, wanted) => {
    test.each(['schema', 'database'])('in a %s', async (topology) => {
      project.write(files)
      project.configure({
        migrations: { dir: './migrations', format },
        servers: { main: { url: database.url } },
        scratch: { server: 'main' },
        tenants: [{ slug: 'a', topology, ...(topology === 'schema' ? { schema: 'a' } : { database: database.name }) }],
      })
      expect(await verdicts()).toEqual(wanted)
      const left = `select 1 from pg_database where datname like 'tenantry\\_scratch\\_%\\_${process.pid.toString(36)}\\_%'`
      expect(await database.query(left)).toEqual([])
    })
  })
})

withMariadb('on MariaDB', () => {
  let database: MariadbDatabase
  beforeEach(async () => {
    database = await freshMariadb('prove_code')
  })
  afterEach(() => database?.drop())

  test.each(tools)('%s', async (format, files, wanted) => {
    project.write(files)
    project.configure({
      migrations: { dir: './migrations', format },
      servers: { main: { url: database.server.url() } },
      scratch: { server: 'main' },
      tenants: [{ slug: 'a', topology: 'database', server: 'main', database: database.name }],
    })
    expect(await verdicts()).toEqual(wanted)
    expect(await database.query('SHOW TABLES')).toEqual([])
  })
})
