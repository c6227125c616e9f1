/** What Sequelize migrations do wrong: an error for that target only, in a state that is known. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { type Project, resultOf } from './project.ts'
import { makeSequelizeProject } from './sequelize.ts'

const users = `module.exports = {
  up: (q, S) => q.createTable('users', { id: { type: S.INTEGER, primaryKey: true }, name: S.STRING }),
  down: (q) => q.dropTable('users'),
}`
/** The body of an \`up\` after which nothing may be left. */
const body = (text: string) => `module.exports = {
  async up(queryInterface, Sequelize) {
    await queryInterface.bulkInsert('users', [{ id: 1, name: 'left over' }])
    await queryInterface.createTable('left_over', { id: Sequelize.INTEGER })
${text}
  },
  async down() {},
}`

let database: TestDatabase
let project: Project

beforeEach(async () => {
  database = await freshDatabase('sq_faults')
  await database.query('CREATE SCHEMA a; CREATE SCHEMA b')
  project = makeSequelizeProject(null)
  configure()
})

afterEach(async () => {
  project?.remove()
  await database?.drop()
})

function configure(more: Record<string, unknown> = {}): void {
  project.configure({
    servers: { main: { url: database.url } },
    tenants: ['a', 'b'].map((slug) => ({ slug, topology: 'schema', schema: slug })),
    ...more,
  })
}

/** The first migration is applied, and nothing of the second one. */
async function upWith(text: string, expected: object): Promise<void> {
  project.write({ 'migrations/20240101-users.js': users, 'migrations/20240102-faulty.js': text })
  const report = await project.up()
  expect(resultOf(report, 'a')).toMatchObject({ result: 'failed', applied: ['20240101-users'] })
  expect(resultOf(report, 'a').error).toMatchObject({
    context: { migration: '20240102-faulty', file: 'migrations/20240102-faulty.js' },
    ...expected,
  })
  expect(await database.query('SELECT * FROM a.users')).toEqual([])
  expect(await database.query(`SELECT to_regclass('a.left_over') AS at`)).toEqual([{ at: null }])
  expect(await database.query('SELECT name FROM a."SequelizeMeta"')).toEqual([{ name: '20240101-users.js' }])
  expect(await database.query(`SELECT migration, state FROM a.tenantry_ledger WHERE state <> 'applied'`)).toEqual([])
}

describe('nothing is left by a migration that', () => {
  test('throws in the middle', () =>
    upWith(body(`throw new Error('not like this')`), {
      code: 'MIGRATION_FAILED',
      message: expect.stringMatching(/at line 5, column \d+: it threw: not like this/),
    }))

  test('sends what the server refuses', () =>
    upWith(body(`await queryInterface.addColumn('nobody', 'x', Sequelize.INTEGER)`), {
      code: 'MIGRATION_FAILED',
      message: expect.stringContaining('relation "a.nobody" does not exist'),
      context: expect.objectContaining({ sqlstate: '42P01', statement: 3 }),
    }))

  test('commits its own transaction, and fails after it', () =>
    upWith(
      body(`await queryInterface.sequelize.transaction((transaction) =>
        queryInterface.bulkInsert('users', [{ id: 2 }], { transaction }))
      throw new Error('after the commit')`),
      { message: expect.stringContaining('after the commit') },
    ))

  test('commits by a raw query', () =>
    upWith(body(`await queryInterface.sequelize.query('COMMIT')`), { code: 'LEFT_TRANSACTION' }))

  test('leaves a transaction open', () =>
    upWith(
      body(`const transaction = await queryInterface.sequelize.transaction()
      await queryInterface.bulkInsert('users', [{ id: 2 }], { transaction })`),
      { code: 'LEFT_TRANSACTION' },
    ))

  test('begins two transactions at once', () =>
    upWith(
      body(`const { sequelize } = queryInterface
      const insert = (id) => sequelize.transaction(async (transaction) => {
        await queryInterface.bulkInsert('users', [{ id }], { transaction })
        await new Promise((resolve) => setTimeout(resolve, 20))
      })
      await Promise.all([insert(2), insert(3)])`),
      { code: 'LEFT_TRANSACTION' },
    ))

  test('connects with an instance of its own', () =>
    upWith(
      body(`const other = new Sequelize.Sequelize(process.env.NOWHERE ?? '${'postgres://nobody@127.0.0.1:1/none'}', { logging: false })
      await other.query('SELECT 1').catch(() => {})`),
      { code: 'MIGRATION_UNSUPPORTED', message: expect.stringContaining('connection of its own') },
    ))

  test('uses the instance of the application', async () => {
    project.write({
      'models/index.js': `const { Sequelize } = require('sequelize')
        exports.sequelize = new Sequelize('${database.url}', { logging: false })`,
    })
    await upWith(
      `const { sequelize } = require('../models')\n${body(`await sequelize.query('CREATE TABLE public.leaked ()')`)}`,
      { code: 'MIGRATION_UNSUPPORTED' },
    )
    expect(await database.query(`SELECT to_regclass('public.leaked') AS at`)).toEqual([{ at: null }])
  })

  test('ends the process', () => upWith(body('process.exit(1)'), { message: expect.stringContaining('process.exit') }))

  test('does not come back', async () => {
    configure({ migrationTimeoutMs: 500 })
    await upWith(body('await new Promise(() => {})'), { code: 'MIGRATION_TIMEOUT' })
  })

  test('returns no promise', () =>
    upWith(
      `module.exports = { up(queryInterface, Sequelize) { queryInterface.createTable('left_over', { id: Sequelize.INTEGER }) } }`,
      {
        message: expect.stringContaining('returned no promise'),
        hint: expect.stringContaining('async function'),
      },
    ))
})

describe('nothing is begun by a file that', () => {
  const problem = async (text: string, expected: object) => {
    project.write({ 'migrations/20240101-users.js': users, 'migrations/20240102-faulty.js': text })
    const report = await project.up()
    expect(resultOf(report, 'a')).toMatchObject({ result: 'failed', applied: [] })
    expect(resultOf(report, 'a').error).toMatchObject({ code: 'MIGRATION_UNSUPPORTED', ...expected })
    expect(await database.query(`SELECT to_regclass('a.users') AS at`)).toEqual([{ at: null }])
  }

  test('needs a module that is missing', () =>
    problem(`require('acme-none')\n${users}`, {
      message: expect.stringContaining('there is no module "acme-none"'),
      hint: expect.stringContaining('npm install acme-none'),
    }))

  test('exports no up', () => problem('module.exports = { down() {} }', { message: expect.stringContaining('`up`') }))

  test('has a syntax error', () =>
    problem('module.exports = {\n  up: async () => { oops oops }\n}', { message: expect.stringContaining('line 2') }))
})

test('one target fails, the others go on', async () => {
  project.write({
    'migrations/20240101-users.js': users,
    'migrations/20240102-picky.js': `module.exports = { async up(q) {
      const [rows] = await q.sequelize.query('SELECT current_schema() AS s')
      if (rows[0].s === 'a') throw new Error('not a')
    } }`,
  })
  const report = await project.up()
  expect(resultOf(report, 'a').result).toBe('failed')
  expect(resultOf(report, 'b')).toMatchObject({ result: 'applied', error: null })
})

test('what goes on after it has returned is refused, and does not reach the next migration', async () => {
  project.write({
    'migrations/20240101-users.js': users,
    'migrations/20240102-stray.js': `module.exports = { async up(q) {
      void new Promise((resolve) => setTimeout(resolve, 50)).then(() => q.bulkInsert('users', [{ id: 9 }])).catch(() => {})
    } }`,
    'migrations/20240103-slow.js': `module.exports = { async up(q) { await new Promise((resolve) => setTimeout(resolve, 200)) } }`,
  })
  expect((await project.up()).ok).toBe(true)
  expect(await database.query('SELECT * FROM a.users')).toEqual([])
})

describe('what cannot run in a transaction', () => {
  const meta = async () =>
    (await database.query('SELECT name FROM a."SequelizeMeta" ORDER BY 1')).map(({ name }) => name)

  test.each([
    ['an index built concurrently', `await q.addIndex('users', ['name'], { name: 'users_name', concurrently: true })`],
    [
      'a raw VACUUM',
      `await q.sequelize.query('VACUUM users'); await q.addIndex('users', ['name'], { name: 'users_name' })`,
    ],
    [
      'a label that is used at once',
      `await q.sequelize.query("ALTER TYPE kind ADD VALUE 'new'"); await q.sequelize.query("UPDATE users SET kind = 'new'"); await q.addIndex('users', ['name'], { name: 'users_name' })`,
    ],
  ])('%s: is noticed, and runs again without; nothing is applied twice', async (_, statement) => {
    project.write({
      'migrations/20240101-users.js': users,
      'migrations/20240102-more.js': `module.exports = { async up(q, S) {
        await q.sequelize.query("CREATE TYPE kind AS ENUM ('old'); ALTER TABLE users ADD kind kind DEFAULT 'old'")
        await q.bulkInsert('users', [{ id: 1, name: 'once' }])
      } }`,
      'migrations/20240103-alone.js': `module.exports = { async up(q, S) {
        await q.bulkInsert('users', [{ id: 2, name: 'once' }])
        ${statement}
      } }`,
      'migrations/20240104-after.js': `module.exports = { async up(q, S) { await q.addColumn('users', 'after', S.INTEGER) } }`,
    })
    const notices: string[] = []
    const report = await project.use((tenantry) => tenantry.up(), {
      emit: (event) => {
        if (event.type === 'notice') notices.push(event.notice.rule)
      },
    })
    expect(report.targets.map(({ error }) => error)).toEqual([null, null])
    expect(await database.query('SELECT id, name FROM a.users ORDER BY 1')).toEqual([
      { id: 1, name: 'once' },
      { id: 2, name: 'once' },
    ])
    expect(await database.query(`SELECT indisvalid FROM pg_index WHERE indexrelid = 'a.users_name'::regclass`)).toEqual(
      [{ indisvalid: true }],
    )
    expect(notices).toContain('needs-no-transaction')
    expect(await meta()).toHaveLength(4)
    expect((await project.up()).targets.map(({ result }) => result)).toEqual(['up-to-date', 'up-to-date'])
  })

  test('a file can say so itself, and goes on where it was stopped', async () => {
    const alone = (more: string) => `// tenantry:no-transaction
      module.exports = { async up(q, S) {
        await q.bulkInsert('users', [{ id: 2, name: 'once' }])
        await q.addColumn('users', 'first', S.INTEGER)
        ${more}
        await q.addIndex('users', ['name'], { name: 'users_name', concurrently: true })
      } }`
    project.write({
      'migrations/20240101-users.js': users,
      'migrations/20240102-alone.js': alone(`if (process.env.SQ_FAIL === 'yes') throw new Error('stopped')`),
    })
    process.env.SQ_FAIL = 'yes'
    try {
      expect(resultOf(await project.up(), 'a').result).toBe('failed')
    } finally {
      delete process.env.SQ_FAIL
    }
    expect(await database.query('SELECT id FROM a.users')).toEqual([{ id: 2 }])
    expect((await project.up()).targets.map(({ error }) => error)).toEqual([null, null])
    expect(await database.query('SELECT id FROM a.users')).toEqual([{ id: 2 }])
    expect(await meta()).toHaveLength(2)
  })
})

describe('a history that was there', () => {
  const three = () =>
    project.write({
      'migrations/20240101-Users.js': users,
      'migrations/20240102-two.js': `module.exports = { up: (q, S) => q.addColumn('users', 'two', S.INTEGER), down: (q) => q.removeColumn('users', 'two') }`,
    })

  test('with createdAt and updatedAt, as older versions and `migrationTimestamps` keep it, is filled', async () => {
    three()
    await database.query(
      `CREATE TABLE a."SequelizeMeta" (name varchar(255) PRIMARY KEY, "createdAt" timestamptz NOT NULL, "updatedAt" timestamptz NOT NULL)`,
    )
    const report = await project.up()
    expect(resultOf(report, 'a')).toMatchObject({ result: 'applied', error: null })
    expect(
      await database.query(
        `SELECT count(*)::int AS n FROM a."SequelizeMeta" WHERE "createdAt" <= now() AND "updatedAt" = "createdAt"`,
      ),
    ).toEqual([{ n: 2 }])
  })

  test('in other letter case is not run again, and is undone as it is spelled', async () => {
    three()
    await database.query(`CREATE TABLE a."SequelizeMeta" (name varchar(255) PRIMARY KEY);
      INSERT INTO a."SequelizeMeta" VALUES ('20240101-users.js'), ('20240102-Two.JS');
      CREATE TABLE a.users (id int primary key, name varchar(255), two int)`)
    const report = await project.up()
    expect(resultOf(report, 'a')).toMatchObject({ result: 'up-to-date', missing: [] })
    const down = await project.use((tenantry) => tenantry.down({ selectors: { tenants: ['a'] }, allowDataLoss: true }))
    expect(resultOf(down, 'a')).toMatchObject({ undone: ['20240102-two'], error: null })
    expect(await database.query('SELECT name FROM a."SequelizeMeta"')).toEqual([{ name: '20240101-users.js' }])
  })

  test('with names that have no file is reported, and does not stop what is pending', async () => {
    three()
    await database.query(
      `CREATE TABLE a."SequelizeMeta" (name varchar(255) PRIMARY KEY); INSERT INTO a."SequelizeMeta" VALUES ('20230101-gone.js')`,
    )
    const report = await project.up()
    expect(resultOf(report, 'a')).toMatchObject({
      missing: ['20230101-gone.js'],
      applied: ['20240101-Users', '20240102-two'],
    })
  })

  test('without a key, with duplicates, is not run again', async () => {
    three()
    await database.query(`CREATE TABLE a."SequelizeMeta" (name varchar(255));
      INSERT INTO a."SequelizeMeta" VALUES ('20240101-Users.js'), ('20240101-Users.js');
      CREATE TABLE a.users (id int primary key)`)
    const report = await project.up()
    expect(resultOf(report, 'a')).toMatchObject({ applied: ['20240102-two'], error: null })
  })

  test('of compiled files goes on as their names are', async () => {
    project.write({
      'migrations/20240101-users.ts': users.replace('module.exports =', 'export default'),
      'migrations/20240102-two.ts': `import type { QueryInterface } from 'sequelize'
        export const up = async (q: QueryInterface, S: typeof import('sequelize')) => { await q.addColumn('users', 'two', S.INTEGER) }`,
    })
    await database.query(`CREATE TABLE a."SequelizeMeta" (name varchar(255) PRIMARY KEY);
      INSERT INTO a."SequelizeMeta" VALUES ('20240101-users.js'); CREATE TABLE a.users (id int primary key)`)
    const report = await project.up()
    expect(report.targets.map(({ error }) => error)).toEqual([null, null])
    const names = (schema: string) => database.query(`SELECT name FROM ${schema}."SequelizeMeta" ORDER BY 1`)
    expect(await names('a')).toEqual([{ name: '20240101-users.js' }, { name: '20240102-two.js' }])
    expect(await names('b')).toEqual([{ name: '20240101-users.ts' }, { name: '20240102-two.ts' }])
  })
})
