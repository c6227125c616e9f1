/** An undo that would take away what later migrations name is refused, in every format, unless it is forced. */
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { DownOptions } from '../../src/model/report.ts'
import type { Dependency } from '../../src/rollout/dependencies.ts'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { freshMariadb, type MariadbDatabase, sharedMariadb, withMariadb } from '../servers/shared-mariadb.ts'
import { countResults, makeProject, type Project, resultOf } from './project.ts'

let project: Project
beforeEach(() => {
  project = makeProject()
  symlinkSync(join(process.cwd(), 'node_modules'), join(project.dir, 'node_modules'))
})
afterEach(() => project?.remove())

const down = (options: DownOptions) =>
  project.use((tenantry) => tenantry.down({ allowDataLoss: true, unproven: true, ...options }))

function write(list: Readonly<Record<string, readonly [up: string, down: string]>>): void {
  for (const [id, [up, undo]] of Object.entries(list))
    project.write({ [`migrations/${id}.sql`]: `${up};\n`, [`migrations/rollbacks/${id}.sql`]: `${undo};\n` })
}

describe('PostgreSQL', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await freshDatabase('undo depended')
  })
  afterAll(() => database?.drop())
  beforeEach(async () => {
    await database.query(
      'drop schema if exists a cascade; drop schema if exists b cascade; create schema a; create schema b',
    )
    project.configure({
      servers: { main: { url: database.url } },
      tenants: ['a', 'b'].map((slug) => ({ slug, topology: 'schema', schema: slug })),
    })
  })
  const history = async (schema: string) =>
    (await database.query(`select version from ${schema}.schema_migrations order by id`)).map(({ version }) => version)

  test('the list says which migration names which object of which, and where', async () => {
    write({
      '001_users': ['create table users (id int primary key)', 'drop table users'],
      '002_email': ['alter table "public"."users" add email text', 'alter table users drop email'],
      '003_status': ["create type status as enum ('a')", 'drop type status'],
      '004_index': ['create index users_email on users (lower(email))', 'drop index users_email'],
      '005_orders': [
        'create table orders (id int, user_id int references "public"."users", status status)',
        'drop table orders',
      ],
    })
    await project.up()
    const ended = await project.run(['down', '002', '--json'])
    expect(ended.code).toBe(2)
    const report = JSON.parse(ended.stdout)
    expect(report.error).toMatchObject({
      code: 'DEPENDED_ON',
      hint: expect.stringMatching(/Undo 004_index too.*--force/),
    })
    expect(report.error.message).toContain(
      `004_index names column users.email of 002_email (main/${database.name}/a and 1 more)`,
    )
    expect(report.error.context.dependencies).toHaveLength(1)
    expect(countResults(report)).toEqual({ 'failed DEPENDED_ON': 2 })
    const table = await down({ migration: '001' })
    expect(table.error?.context.dependencies).toEqual([
      expect.objectContaining({ migration: '002_email', object: 'table users' }),
      expect.objectContaining({ migration: '004_index', object: 'table users' }),
      expect.objectContaining({ migration: '005_orders', object: 'table users' }),
    ])
    const type = await down({ migration: '003', selectors: { tenants: ['b'] } })
    expect(type.error?.context.dependencies).toEqual([
      {
        set: 'tenant',
        migration: '005_orders',
        object: 'type status',
        madeBy: '003_status',
        targets: [`main/${database.name}/b`],
      },
    ])
    expect(await history('a')).toHaveLength(5)
    // What goes with it needs nothing.
    expect(countResults(await down({ to: '001' }))).toEqual({ undone: 2 })
    expect(await history('a')).toEqual(['001_users'])
  })

  test('--force goes on, as far as the server lets it', async () => {
    write({
      '001_users': ['create table users (id int, email text)', 'drop table users'],
      '002_phone': ['alter table users add phone text', 'alter table users drop phone'],
      '003_index': ['create index users_phone on users (phone)', 'drop index users_phone'],
      '004_view': ['create view phones as select phone from users', 'drop view phones'],
    })
    await project.use((tenantry) => tenantry.up({ to: '003' }))
    const forced = await project.run(['down', '002', 'a', '--force', '--json'])
    expect(forced.code).toBe(0)
    expect(await history('a')).toEqual(['001_users', '003_index'])
    await project.up()
    // A view that reads the column: the server says no, and what it said is told.
    const refused = resultOf(await down({ migration: '002', selectors: { tenants: ['b'] }, force: true }), 'b')
    expect(refused.error).toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringMatching(/cannot drop column phone.*other objects depend on it/),
      context: { detail: expect.stringContaining('view'), migration: '002_phone' },
    })
    expect(await history('b')).toEqual(['001_users', '002_phone', '003_index', '004_view'])
    expect((await down({ migration: '002', selectors: { tenants: ['b'] } })).error?.context.dependencies).toHaveLength(
      2,
    )
  })

  test.each<[string, Record<string, readonly [string, string]>]>([
    [
      'only a word, a comment or a value is alike',
      {
        '001_t': ['create table t (id int, note text)', 'drop table t'],
        '002_email': ['alter table t add email text', 'alter table t drop email'],
        '003_more': [
          "insert into t (id, note) values (1, 'email'); -- email\ncreate index email on t (note)",
          'drop index email',
        ],
      },
    ],
    [
      'another table has a column of that name',
      {
        '001_t': ['create table t (id int); create table u (id int, email text)', 'drop table t, u'],
        '002_email': ['alter table t add email text', 'alter table t drop email'],
        '003_more': ['create view v as select u.email from t join u using (id)', 'drop view v'],
      },
    ],
    [
      'it was there before, too',
      {
        '001_f': ['create function f() returns int language sql as $$select 1$$', 'drop function f'],
        '002_f': ['create or replace function f() returns int language sql as $$select 2$$', 'select 1'],
        '003_v': ['create view v as select f()', 'drop view v'],
      },
    ],
    [
      'a shared table outside of the schema has the name',
      {
        '001_t': ['create table t (id int)', 'drop table t'],
        '002_x': ['create table countries (id int)', 'drop table countries'],
        '003_x': ['create view v as select * from world.countries', 'drop view v'],
      },
    ],
  ])('is not refused where %s', async (_, list) => {
    await database.query('create schema if not exists world; create table if not exists world.countries (id int)')
    write(list)
    await project.up()
    const report = await down({ migration: '002' })
    expect(countResults(report)).toEqual({ undone: 2 })
    await database.query('drop schema world cascade')
  })

  test('a new name is followed to who made the thing, and a thing made anew is not the old one', async () => {
    write({
      '001_x': ['create table x (a int)', 'drop table x'],
      '002_y': [
        'alter table x rename to y; alter table y rename a to b',
        'alter table y rename b to a; alter table y rename to x',
      ],
      '003_i': ['create index i on y (b)', 'drop index i'],
      '004_x': ['create table x (a int)', 'drop table x'],
      '005_i': ['create index j on x (a)', 'drop index j'],
    })
    await project.up()
    const dependencies = async (migration: string) =>
      [(await down({ migration })).error?.context.dependencies].flat().map((one) => (one as Dependency).migration)
    expect(await dependencies('001')).toEqual(['002_y', '003_i'])
    expect(await dependencies('004')).toEqual(['005_i'])
  })

  test('bodies of functions and triggers are read', async () => {
    write({
      '001_log': ['create table log (at timestamptz)', 'drop table log'],
      '002_t': ['create table t (id int)', 'drop table t'],
      '003_f': [
        'create function note() returns trigger language plpgsql as $$ begin insert into log values (now()); return new; end $$',
        'drop function note',
      ],
      '004_g': [
        'create trigger noted before insert on t for each row execute function note()',
        'drop trigger noted on t',
      ],
    })
    await project.up()
    const dependencies = async (migration: string) => (await down({ migration })).error?.context.dependencies
    expect(await dependencies('001')).toEqual([expect.objectContaining({ migration: '003_f', object: 'table log' })])
    expect(await dependencies('003')).toEqual([
      expect.objectContaining({ migration: '004_g', object: 'function note' }),
    ])
  })

  test('Knex: code is read by what it would send', async () => {
    project.write({
      'migrations/001_users.js': `exports.up = (knex) => knex.schema.createTable('users', (t) => { t.increments() })
exports.down = (knex) => knex.schema.dropTable('users')`,
      'migrations/002_email.js': `exports.up = (knex) => knex.schema.alterTable('users', (t) => { t.string('email') })
exports.down = (knex) => knex.schema.alterTable('users', (t) => { t.dropColumn('email') })`,
      'migrations/003_index.js': `exports.up = (knex) => knex.schema.alterTable('users', (t) => { t.index('email') })
exports.down = (knex) => knex.schema.alterTable('users', (t) => { t.dropIndex('email') })`,
      'migrations/004_other.js': `exports.up = (knex) => knex.schema.createTable('other', (t) => { t.increments(); t.string('email') })
exports.down = (knex) => knex.schema.dropTable('other')`,
      'migrations/005_odd.js': `exports.up = async (knex) => { if (await knex.schema.hasTable('odd')) throw new Error('it is there'); return knex.schema.createTable('odd', (t) => { t.increments() }) }
exports.down = (knex) => knex.schema.dropTable('odd')`,
    })
    await project.up()
    const report = await down({ migration: '002' })
    expect(report.error?.context.dependencies).toEqual([
      expect.objectContaining({ migration: '003_index', object: 'column users.email', madeBy: '002_email' }),
    ])
    const fine = await down({ migration: '004' })
    expect(countResults(fine)).toEqual({ undone: 2 })
    expect(fine.notices).toContainEqual(
      expect.objectContaining({
        rule: 'undo-not-looked-at',
        migration: '005_odd',
        message: expect.stringContaining('it is there'),
      }),
    )
  })
})

withMariadb('MariaDB', () => {
  let database: MariadbDatabase
  beforeEach(async () => {
    database = await freshMariadb('undo_depended')
    project.configure({
      servers: { main: { url: sharedMariadb().url('mysql') } },
      tenants: [{ slug: 'a', topology: 'database', database: database.name }],
    })
  })
  afterEach(() => database?.drop())

  test('SQL', async () => {
    write({
      '001_users': ['CREATE TABLE users (id INT PRIMARY KEY)', 'DROP TABLE users'],
      '002_email': ['ALTER TABLE users ADD email VARCHAR(100)', 'ALTER TABLE users DROP COLUMN email'],
      '003_note': [
        "ALTER TABLE users ADD note VARCHAR(9) DEFAULT 'email' AFTER email",
        'ALTER TABLE users DROP COLUMN note',
      ],
      '004_index': ['CREATE INDEX `Mail` ON `users` (`email`)', 'DROP INDEX `Mail` ON users'],
      '005_orders': ['CREATE TABLE orders (u INT, FOREIGN KEY (u) REFERENCES users (id))', 'DROP TABLE orders'],
    })
    await project.up()
    expect((await down({ migration: '002' })).error?.context.dependencies).toEqual([
      expect.objectContaining({ migration: '004_index', object: 'column users.email' }),
    ])
    expect((await down({ migration: '001' })).error?.context.dependencies).toHaveLength(4)
    expect(countResults(await down({ migration: '003' }))).toEqual({ undone: 1 })
    expect(countResults(await down({ steps: 2 }))).toEqual({ undone: 1 })
    expect(countResults(await down({ migration: '002' }))).toEqual({ undone: 1 })
  })

  test('Sequelize', async () => {
    project.write({
      'package.json': '{ "name": "shop", "private": true }\n',
      'migrations/20240101000000-users.js': `module.exports = {
  up: (q, S) => q.createTable('users', { id: { type: S.INTEGER, primaryKey: true, autoIncrement: true } }),
  down: (q) => q.dropTable('users') }`,
      'migrations/20240102000000-email.js': `module.exports = {
  up: (q, S) => q.addColumn('users', 'email', S.STRING),
  down: (q) => q.removeColumn('users', 'email') }`,
      'migrations/20240103000000-index.js': `module.exports = {
  up: (q) => q.addIndex('users', ['email']),
  down: (q) => q.removeIndex('users', ['email']) }`,
    })
    expect(countResults(await project.up())).toEqual({ applied: 1 })
    expect((await down({ migration: '20240102000000-email' })).error?.context.dependencies).toEqual([
      expect.objectContaining({ migration: '20240103000000-index', object: 'column users.email' }),
    ])
    expect(countResults(await down({ steps: 2 }))).toEqual({ undone: 1 })
  })
})
