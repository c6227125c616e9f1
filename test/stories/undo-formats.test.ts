/** `down` does the same for every format, in schemas and in databases of PostgreSQL and on MariaDB. */
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { DownOptions } from '../../src/model/report.ts'
import { freshDatabase, sharedServer } from '../servers/shared.ts'
import { freshMariadb, sharedMariadb, withMariadb } from '../servers/shared-mariadb.ts'
import { countResults, makeProject, type Project, resultOf } from './project.ts'

interface Place {
  /** Runs SQL where a tenant lives. */
  query(sql: string): Promise<Record<string, unknown>[]>
}

interface Fleet {
  servers: object
  tenants: Record<string, string>[]
  one: Place
  two: Place
  drop(): Promise<void>
}

async function inSchemas(): Promise<Fleet> {
  const database = await freshDatabase('undo formats')
  await database.query('create schema one; create schema two')
  const place = (schema: string): Place => ({ query: (sql) => database.query(`set search_path to ${schema}; ${sql}`) })
  return {
    servers: { main: { url: database.url } },
    tenants: ['one', 'two'].map((slug) => ({ slug, topology: 'schema', schema: slug })),
    one: place('one'),
    two: place('two'),
    drop: () => database.drop(),
  }
}

async function inDatabases(): Promise<Fleet> {
  const made = [await freshDatabase('undo one'), await freshDatabase('undo two')] as const
  return {
    servers: { main: { url: sharedServer().url('postgres') } },
    tenants: made.map(({ name }, i) => ({ slug: ['one', 'two'][i] as string, topology: 'database', database: name })),
    one: made[0],
    two: made[1],
    drop: async () => {
      for (const database of made) await database.drop()
    },
  }
}

async function onMariadb(): Promise<Fleet> {
  const made = [await freshMariadb('undo_one'), await freshMariadb('undo_two')] as const
  return {
    servers: { main: { url: sharedMariadb().url('mysql') } },
    tenants: made.map(({ name }, i) => ({ slug: ['one', 'two'][i] as string, topology: 'database', database: name })),
    one: made[0],
    two: made[1],
    drop: async () => {
      for (const database of made) await database.drop()
    },
  }
}

const sql = {
  '20240101000000_users': ['CREATE TABLE users (id INT PRIMARY KEY)', 'DROP TABLE users'],
  '20240102000000_email': ['ALTER TABLE users ADD COLUMN email VARCHAR(100)', 'ALTER TABLE users DROP COLUMN email'],
  '20240103000000_orders': ['CREATE TABLE orders (id INT PRIMARY KEY)', 'DROP TABLE orders'],
} as const

const ids = Object.keys(sql)

interface Format {
  files: Record<string, string>
  table: string
  /** Makes the last migration's undo fail behind its first statement, until there is a table `open`. */
  gated: Record<string, string>
}

const formats: Record<string, Format> = {
  SQL: {
    files: Object.fromEntries(
      Object.entries(sql).flatMap(([id, [up, down]]) => [
        [`migrations/${id}.sql`, `${up};\n`],
        [`migrations/rollbacks/${id}.sql`, `${down};\n`],
      ]),
    ),
    table: 'schema_migrations',
    gated: {
      [`migrations/rollbacks/${ids[2]}.sql`]: 'DROP TABLE orders;\nINSERT INTO open_door VALUES (1);\n',
    },
  },
  Prisma: {
    files: Object.fromEntries(
      Object.entries(sql).flatMap(([id, [up, down]]) => [
        [`migrations/${id}/migration.sql`, `${up};\n`],
        [`migrations/${id}/rollback.sql`, `${down};\n`],
      ]),
    ),
    table: '_prisma_migrations',
    gated: { [`migrations/${ids[2]}/rollback.sql`]: 'DROP TABLE orders;\nINSERT INTO open_door VALUES (1);\n' },
  },
  Knex: {
    files: {
      [`migrations/${ids[0]}.js`]: `exports.up = (knex) => knex.schema.createTable('users', (t) => { t.integer('id').primary() })
exports.down = (knex) => knex.schema.dropTable('users')`,
      [`migrations/${ids[1]}.js`]: `exports.up = (knex) => knex.schema.alterTable('users', (t) => { t.string('email') })
exports.down = (knex) => knex.schema.alterTable('users', (t) => { t.dropColumn('email') })`,
      [`migrations/${ids[2]}.js`]: `exports.up = (knex) => knex.schema.createTable('orders', (t) => { t.integer('id').primary() })
exports.down = (knex) => knex.schema.dropTable('orders')`,
    },
    table: 'knex_migrations',
    gated: {
      [`migrations/${ids[2]}.js`]: `exports.up = (knex) => knex.schema.createTable('orders', (t) => { t.integer('id').primary() })
exports.down = async (knex) => { await knex.schema.dropTable('orders'); await knex('open_door').insert({ id: 1 }) }`,
    },
  },
  Sequelize: {
    files: {
      [`migrations/${ids[0]}.js`]: `module.exports = {
  up: (q, S) => q.createTable('users', { id: { type: S.INTEGER, primaryKey: true } }),
  down: (q) => q.dropTable('users') }`,
      [`migrations/${ids[1]}.js`]: `module.exports = {
  up: (q, S) => q.addColumn('users', 'email', S.STRING),
  down: (q) => q.removeColumn('users', 'email') }`,
      [`migrations/${ids[2]}.js`]: `module.exports = {
  up: (q, S) => q.createTable('orders', { id: { type: S.INTEGER, primaryKey: true } }),
  down: (q) => q.dropTable('orders') }`,
    },
    table: 'SequelizeMeta',
    gated: {
      [`migrations/${ids[2]}.js`]: `module.exports = {
  up: (q, S) => q.createTable('orders', { id: { type: S.INTEGER, primaryKey: true } }),
  down: async (q) => { await q.dropTable('orders'); await q.bulkInsert('open_door', [{ id: 1 }]) } }`,
    },
  },
}

function stories(make: () => Promise<Fleet>, transactional: boolean, quote: string): void {
  let fleet: Fleet
  let project: Project
  beforeEach(async () => {
    fleet = await make()
    project = makeProject()
    symlinkSync(join(process.cwd(), 'node_modules'), join(project.dir, 'node_modules'))
    const { servers, tenants } = fleet
    project.configure({ servers, tenants })
  })
  afterEach(async () => {
    project?.remove()
    await fleet?.drop()
  })
  const down = (options: DownOptions = {}) => project.use((tenantry) => tenantry.down({ unproven: true, ...options }))
  const rows = async ({ table }: Format, { query }: Place) =>
    (await query(`SELECT * FROM ${quote}${table}${quote}`)).length
  const has = async ({ query }: Place, table: string) =>
    query(`SELECT * FROM ${table}`).then(
      () => true,
      () => false,
    )
  const install = (format: Format) => {
    project.write({ 'package.json': '{ "name": "shop", "private": true }\n', ...format.files })
  }
  const each = Object.entries(formats)

  test.each(each)('%s: each way to say what, and up again', async (_, format) => {
    install(format)
    const up = await project.up()
    expect(countResults(up)).toEqual({ applied: 2 })
    const [users, email, orders] = ids as [string, string, string]
    for (const [options, undone] of [
      [{}, [orders]],
      [{ steps: 2 }, [orders, email]],
      [{ to: users }, [orders, email]],
      [{ migration: email }, [email]],
      [{ migration: '20240103000000' }, [orders]],
    ] as const) {
      const report = await down({ ...options, selectors: { tenants: ['one'] } })
      expect(resultOf(report, 'one')).toMatchObject({ result: 'undone', undone, error: null })
      expect([await rows(format, fleet.one), await rows(format, fleet.two)]).toEqual([3 - undone.length, 3])
      expect(resultOf(await project.up(), 'one').error).toBeNull()
    }
    const all = await down({ rollout: up.rollout as string, selectors: { tenants: ['two'] } })
    expect(resultOf(all, 'two')).toMatchObject({ undone: [orders, email, users], error: null })
    expect([await rows(format, fleet.two), await has(fleet.two, 'users'), await has(fleet.one, 'users')]).toEqual([
      0,
      false,
      true,
    ])
  })

  test.each(each)('%s: rows that would be lost are counted, in every target', async (_, format) => {
    install(format)
    await project.up()
    await fleet.two.query("INSERT INTO users VALUES (1, 'a@example.com'), (2, NULL)")
    await fleet.two.query('INSERT INTO orders VALUES (1), (2), (3)')
    const report = await down({ steps: 2 })
    expect(report.error?.code).toBe('DATA_LOSS')
    expect(report.error?.context.losses).toEqual([
      expect.objectContaining({ migration: ids[2], what: 'drops table orders', rows: 3 }),
      expect.objectContaining({
        migration: ids[1],
        what: expect.stringMatching(/^drops column (public\.)?users\.email$/),
        rows: 1,
      }),
    ])
    expect([await rows(format, fleet.one), await rows(format, fleet.two)]).toEqual([3, 3])
    expect(countResults(await down({ steps: 2, allowDataLoss: true }))).toEqual({ undone: 2 })
    expect([await rows(format, fleet.one), await rows(format, fleet.two)]).toEqual([1, 1])
  })

  test.each(each)('%s: what later ones name, and a table that somebody dropped by hand', async (name, format) => {
    install(format)
    await project.up()
    const refused = await down({ migration: ids[0] as string })
    expect(refused.error).toMatchObject({ code: 'DEPENDED_ON', message: expect.stringContaining('table users') })
    await fleet.one.query('DROP TABLE orders')
    const gone = await down()
    // Sequelize drops "if exists": there is nothing to complain about.
    if (name === 'Sequelize') {
      expect(countResults(gone)).toEqual({ undone: 2 })
      return
    }
    // An error that says so, in one target; the other one goes on.
    expect(countResults(gone)).toEqual({ undone: 1, 'failed MIGRATION_FAILED': 1 })
    const { error } = resultOf(gone, 'one')
    expect(error?.message).toMatch(/orders/)
    expect(error?.hint).toContain(`tenantry down ${ids[2]} one`)
    expect([await rows(format, fleet.one), await rows(format, fleet.two)]).toEqual([3, 2])
    await fleet.one.query('CREATE TABLE orders (id INT PRIMARY KEY)')
    expect(countResults(await down({ migration: ids[2] as string }))).toEqual({ undone: 1, 'up-to-date': 1 })
  })

  test.each(each)('%s: an undo that fails half-way goes on where it stopped', async (_, format) => {
    install({ ...format, files: { ...format.files, ...format.gated } })
    await project.up()
    const half = await down()
    expect(countResults(half)).toEqual({ 'failed MIGRATION_FAILED': 2 })
    expect(resultOf(half, 'one').error).toMatchObject({
      message: expect.stringContaining('open_door'),
      context: { migration: ids[2] },
    })
    expect(await has(fleet.one, 'orders')).toBe(transactional)
    const status = await project.use((tenantry) => tenantry.status())
    expect(status.details.map(({ halfDone }) => halfDone.map(({ direction }) => direction))).toEqual(
      transactional ? [[], []] : [['down'], ['down']],
    )
    for (const place of [fleet.one, fleet.two]) await place.query('CREATE TABLE open_door (id INT)')
    expect(countResults(await down())).toEqual({ undone: 2 })
    for (const place of [fleet.one, fleet.two]) {
      expect([await has(place, 'orders'), await rows(format, place)]).toEqual([false, 2])
      expect(await place.query('SELECT id FROM open_door')).toHaveLength(1)
    }
    expect(countResults(await project.up())).toEqual({ applied: 2 })
  })
}

describe('in schemas of PostgreSQL', () => stories(inSchemas, true, '"'))
describe('in databases of PostgreSQL', () => stories(inDatabases, true, '"'))
withMariadb('on MariaDB', () => stories(onMariadb, false, '`'))
