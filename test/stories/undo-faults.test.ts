/** Undos that cannot go well: said clearly, before anything is touched where that is possible, and in one target only. */
import { existsSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { DownOptions } from '../../src/model/report.ts'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { freshMariadb, type MariadbDatabase, sharedMariadb, withMariadb } from '../servers/shared-mariadb.ts'
import { countResults, makeProject, type Project, resultOf } from './project.ts'

let database: TestDatabase
let project: Project

beforeAll(async () => {
  database = await freshDatabase('undo faults')
})
afterAll(() => database?.drop())
beforeEach(async () => {
  await database.query(
    'drop schema if exists a cascade; drop schema if exists b cascade; create schema a; create schema b',
  )
  project = makeProject()
  symlinkSync(join(process.cwd(), 'node_modules'), join(project.dir, 'node_modules'))
  configure()
})
afterEach(() => project?.remove())

function configure(url = database.url): void {
  project.configure({
    servers: { main: { url } },
    tenants: ['a', 'b'].map((slug) => ({ slug, topology: 'schema', schema: slug })),
  })
}

const down = (options: DownOptions = {}) => project.use((tenantry) => tenantry.down({ unproven: true, ...options }))
const there = async (name: string) =>
  (await database.query(`select to_regclass('${name}') is not null as there`))[0]?.there

const knexTable = (table: string, undo: string) => `
exports.up = (knex) => knex.schema.createTable('${table}', (t) => { t.increments(); t.string('name') })
${undo}
`

describe('code', () => {
  test('that cannot be looked at beforehand counts as a loss', async () => {
    project.write({
      'migrations/001_a.js': knexTable(
        'a',
        `exports.down = async (knex) => {
          await knex('a').insert({ name: 'x' })
          if ((await knex('a').where({ name: 'x' })).length === 0) throw new Error('the row is not there')
          await knex.schema.dropTable('a')
        }`,
      ),
    })
    await project.up()
    const refused = await project.run(['down', 'a', '--json'])
    expect(refused.code).toBe(2)
    const { error } = JSON.parse(refused.stdout)
    expect(error.code).toBe('DATA_LOSS')
    expect(error.message).toContain(
      `main/${database.name}/a: 001_a may take rows away: what it would send (could not be looked at: the row is not there)`,
    )
    // Looking has changed nothing.
    expect([await there('a.a'), await database.query('select * from a.a')]).toEqual([true, []])
    const allowed = await project.run(['down', 'a', '--allow-data-loss'])
    expect([allowed.code, await there('a.a'), await there('b.a')]).toEqual([0, false, true])
  })

  test('is looked at once for targets that stand alike, and counted in each', async () => {
    project.write({
      'migrations/001_a.js': `const { appendFileSync } = require('node:fs')
exports.up = (knex) => knex.schema.createTable('a', (t) => { t.increments() })
exports.down = (knex) => { appendFileSync(${JSON.stringify(join(project.dir, 'runs'))}, 'x'); return knex.schema.dropTable('a') }`,
    })
    await project.up()
    await database.query('insert into a.a values (1), (2); insert into b.a values (1)')
    const report = await down()
    expect((report.error?.context.losses as { rows: number }[] | undefined)?.map(({ rows }) => rows)).toEqual([2, 1])
    expect(readFileSync(join(project.dir, 'runs'), 'utf8')).toBe('x')
  })

  test('without an undo is refused before anything is touched anywhere', async () => {
    project.write({
      'migrations/001_a.js': knexTable('a', ''),
      'migrations/002_b.js': knexTable('b', 'exports.down = (knex) => knex.schema.dropTable("b")'),
    })
    await project.up()
    const report = await down({ steps: 2 })
    expect(report.error).toMatchObject({
      code: 'UNDO_MISSING',
      message: expect.stringContaining('migrations/001_a.js'),
    })
    expect([await there('a.b'), await there('b.b')]).toEqual([true, true])
    expect(report.rollout).toBeNull()
  })

  test('that takes something away is backed up first, and other code is not', async () => {
    const file = join(project.dir, 'backed-up')
    const up = () => project.use((tenantry) => tenantry.up({ backup: `echo "$TENANTRY_SCHEMA" >> ${file}` }))
    project.write({ 'migrations/001_a.js': knexTable('a', '') })
    expect(countResults(await up())).toEqual({ applied: 2 })
    expect(existsSync(file)).toBe(false)
    project.write({
      'migrations/002_name.js': `exports.up = (knex) => knex.schema.alterTable('a', (t) => { t.dropColumn('name') })
exports.down = (knex) => knex.schema.alterTable('a', (t) => { t.string('name') })`,
    })
    expect(countResults(await up())).toEqual({ applied: 2 })
    expect(readFileSync(file, 'utf8').trim().split('\n').sort()).toEqual(['a', 'b'])
    // A backup that fails keeps the target as it is.
    await down({ selectors: { tenants: ['a'] } })
    const failed = await project.use((tenantry) => tenantry.up({ backup: 'exit 3' }))
    expect(resultOf(failed, 'a').error?.code).toBe('BACKUP_FAILED')
    expect(
      await database.query(
        "select 1 from information_schema.columns where table_schema = 'a' and table_name = 'a' and column_name = 'name'",
      ),
    ).toHaveLength(1)
  })
})

describe('objects that stand in the way', () => {
  const files = {
    'migrations/001_users.sql': 'create table users (id int, email text);\n',
    'migrations/rollbacks/001_users.sql': 'drop table users;\n',
    'migrations/002_phone.sql': 'alter table users add phone text;\n',
    'migrations/rollbacks/002_phone.sql': 'alter table users drop phone;\n',
  }

  test('a view that somebody made over the column: its target says so, the other one is undone', async () => {
    project.write(files)
    await project.up()
    await database.query('create view a.phones as select phone from a.users')
    const report = await down()
    expect(countResults(report)).toEqual({ undone: 1, 'failed MIGRATION_FAILED': 1 })
    expect(resultOf(report, 'a').error).toMatchObject({
      message: expect.stringMatching(
        /002_phone failed in .* at line 1, column 1: cannot drop column phone of table .*users/,
      ),
      hint: expect.stringContaining('tenantry down 002_phone a'),
      context: { detail: expect.stringMatching(/view .*phones depends on column phone/) },
    })
    await database.query('drop view a.phones')
    expect(resultOf(await down({ migration: '002' }), 'a').undone).toEqual(['002_phone'])
  })

  test('a schema that belongs to another role: told by its target, and nothing of it is half-undone', async () => {
    project.write({
      ...files,
      'migrations/rollbacks/002_phone.sql': 'create table left_over (id int);\nalter table users drop phone;\n',
    })
    await project.up()
    const role = `undo_${database.name}`
    await database.query(`create role "${role}" login password 'other';
      grant usage, create on schema a, b to "${role}";
      grant all on all tables in schema a, b to "${role}";
      alter table b.users owner to "${role}"`)
    try {
      configure(database.server.url(database.name, { user: role, password: 'other' }))
      const report = await down()
      expect(countResults(report)).toEqual({ undone: 1, 'failed MIGRATION_FAILED': 1 })
      expect(resultOf(report, 'a').error).toMatchObject({
        message: expect.stringContaining('must be owner of table users'),
        context: { migration: '002_phone', statement: 2, sqlstate: '42501' },
      })
      expect([await there('a.left_over'), await there('b.left_over')]).toEqual([false, true])
    } finally {
      await database.query(`drop owned by "${role}" cascade; drop role "${role}"`)
    }
  })
})

test('the forms that teams have in their guides: a Prisma migration from one tenant, or from all', async () => {
  const [one, two] = ['20241218_initial_schema', '20241220_add_preferences']
  project.write({
    [`prisma/migrations/${one}/migration.sql`]: 'CREATE TABLE "public"."vendor" ("id" INT PRIMARY KEY);\n',
    [`prisma/migrations/${one}/rollback.sql`]: 'DROP TABLE "public"."vendor";\n',
    [`prisma/migrations/${two}/migration.sql`]: 'CREATE TABLE "public"."preferences" ("id" INT PRIMARY KEY);\n',
    [`prisma/migrations/${two}/rollback.sql`]: 'DROP TABLE "public"."preferences";\n',
  })
  project.configure({
    servers: { main: { url: database.url } },
    migrations: { dir: './prisma/migrations' },
    tenants: ['a', 'b'].map((schema) => ({ slug: `${schema}-inc`, topology: 'schema', schema })),
  })
  const undone = async (argv: string[], env?: NodeJS.ProcessEnv) => {
    const ended = await project.run(['down', ...argv, '--unproven', '--json'], env)
    expect([ended.code, ended.stderr]).toEqual([0, expect.anything()])
    return JSON.parse(ended.stdout).targets.map((result: { undone: string[] }) => result.undone)
  }
  await project.up()
  expect(await undone([two, 'a'])).toEqual([[two]])
  expect(await undone([two])).toEqual([[], [two]])
  expect(await undone([one, 'a-inc', 'b'])).toEqual([[one], [one]])
  await project.up()
  expect(await undone([], { DB_MIGRATION_VERSION: '20241218' })).toEqual([[two], [two]])
  expect(await undone(['a'], { DB_MIGRATION_VERSION: two })).toEqual([[]])
})

withMariadb('MariaDB', () => {
  let one: MariadbDatabase
  beforeEach(async () => {
    one = await freshMariadb('undo_faults')
    project.configure({
      servers: { main: { url: sharedMariadb().url('mysql') } },
      tenants: [{ slug: 'a', topology: 'database', database: one.name }],
    })
  })
  afterEach(() => one?.drop())

  test('code that takes rows away is counted, and backed up', async () => {
    const file = join(project.dir, 'backed-up')
    project.write({
      'migrations/001_a.js': knexTable('a', `exports.down = (knex) => knex.schema.dropTable('a')`),
      'migrations/002_name.js': `exports.up = (knex) => knex.schema.alterTable('a', (t) => { t.dropColumn('name') })
exports.down = (knex) => knex.schema.alterTable('a', (t) => { t.string('name') })`,
    })
    const backup = `echo "$TENANTRY_DATABASE" >> ${file}`
    await project.use((tenantry) => tenantry.up({ to: '001', backup }))
    expect(existsSync(file)).toBe(false)
    await project.use((tenantry) => tenantry.up({ backup }))
    expect(readFileSync(file, 'utf8')).toBe(`${one.name}\n`)
    await one.query('INSERT INTO a VALUES (1), (2), (3)')
    expect((await down({ to: '001' })).error).toBeNull()
    expect((await down()).error?.context.losses).toEqual([
      expect.objectContaining({ migration: '001_a', what: 'drops table a', rows: 3 }),
    ])
  })

  test('an undo of code that the server refuses half-way is told with its place, and is finished by the next run', async () => {
    project.write({
      'migrations/001_a.js': `exports.up = (knex) => knex.schema.createTable('a', (t) => { t.increments() }).createTable('b', (t) => { t.increments() })
exports.down = async (knex) => { await knex.schema.dropTable('b'); await knex.schema.dropTable('held'); await knex.schema.dropTable('a') }`,
    })
    await project.up()
    const failed = resultOf(await down(), 'a')
    expect(failed.error).toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringMatching(/held/),
      context: { migration: '001_a', statement: 2 },
    })
    // `up` must not go over it.
    expect(resultOf(await project.up(), 'a').error?.code).toBe('MIGRATION_HALF_APPLIED')
    await one.query('CREATE TABLE held (id INT)')
    expect(resultOf(await down(), 'a')).toMatchObject({ result: 'undone', undone: ['001_a'] })
    expect(await one.query("SHOW TABLES LIKE 'held'")).toEqual([])
  })
})
