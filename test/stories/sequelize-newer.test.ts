/** Sequelize 7, an alpha, where it is installed: here, or in the folder that TENANTRY_TEST_SEQUELIZE7 names. */
import { existsSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { catalogOf } from './postgres-catalog.ts'
import { makeProject, type Project, resultOf } from './project.ts'

const home = process.env.TENANTRY_TEST_SEQUELIZE7 ?? fileURLToPath(new URL('../..', import.meta.url))
const isThere = ['core', 'postgres'].every((name) => existsSync(join(home, 'node_modules/@sequelize', name)))
const title = isThere
  ? 'Sequelize 7'
  : 'Sequelize 7 needs @sequelize/core and @sequelize/postgres 7.0.0-alpha.48: npm install them'

let database: TestDatabase
let project: Project
beforeEach(async () => {
  database = await freshDatabase('sq_newer')
  await database.query('CREATE SCHEMA t_1; CREATE SCHEMA t_2')
  project = makeProject()
  symlinkSync(join(home, 'node_modules'), join(project.dir, 'node_modules'))
  project.configure({
    migrations: { format: 'sequelize' },
    servers: { main: { url: database.url } },
    tenants: ['t_1', 't_2'].map((schema) => ({ slug: schema, topology: 'schema', database: database.name, schema })),
  })
})
afterEach(async () => {
  project?.remove()
  await database?.drop()
})

describe.skipIf(!isThere)(title, () => {
  const users = `const { DataTypes } = require('@sequelize/core')
    exports.up = async ({ context: q }) => {
      await q.createTable('users', {
        id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
        role: { type: DataTypes.ENUM('a', 'b'), allowNull: false, comment: 'what they may do' },
        tags: DataTypes.ARRAY(DataTypes.STRING),
        at: DataTypes.DATE,
      })
      await q.addColumn('users', 'plan', { type: DataTypes.ENUM('free', 'pro') })
      await q.renameColumn('users', 'plan', 'tier')
      await q.addIndex('users', ['tier'])
      if (!(await q.describeTable('users')).tier) throw new Error('describeTable looks somewhere else')
      if ((await q.showIndex('users')).length !== 2) throw new Error('showIndex sees other schemas')
    }
    exports.down = async ({ context: q }) => { await q.dropTable('users') }`
  const rows = `exports.up = async ({ context: q, name }) => {
      const { sequelize } = q
      await sequelize.transaction(async () => { await q.bulkInsert('users', [{ role: 'a', at: new Date('2024-01-01T00:00:00Z') }]) })
      await sequelize.transaction(async () => { await q.bulkInsert('users', [{ role: 'b' }]); throw new Error('back') }).catch(() => {})
      await sequelize.query(\`UPDATE users SET tags = '{x,y}'\`)
      const [row] = await sequelize.query('SELECT * FROM users', { type: 'SELECT' })
      if (row.tags.join() !== 'x,y' || name !== '2-rows.js') throw new Error(JSON.stringify(row))
      await q.bulkInsert('users', [{ role: 'b', tier: 'pro' }])
    }
    exports.down = async ({ context: q }) => { await q.bulkDelete('users', {}) }`

  test('works in schemas beside each other, each migration in one transaction', async () => {
    project.write({ 'migrations/1-users.js': users, 'migrations/2-rows.js': rows })
    const report = await project.up()
    expect(report.targets.map(({ error }) => error)).toEqual([null, null])
    const catalog = (schema: string) =>
      catalogOf(
        { raw: async (sql) => ({ rows: await database.query(`SET search_path TO pg_catalog; ${sql}`) }) },
        schema,
      )
    expect(await catalog('t_1')).toEqual(await catalog('t_2'))
    expect(await database.query('SELECT role, tier FROM t_2.users ORDER BY role')).toEqual([
      { role: 'a', tier: null },
      { role: 'b', tier: 'pro' },
    ])
    expect(
      await database.query(`SELECT count(*)::int AS n FROM pg_class WHERE relnamespace = 'public'::regnamespace`),
    ).toEqual([{ n: 0 }])
    const down = await project.use((tenantry) => tenantry.down({ unproven: true, steps: 2, allowDataLoss: true }))
    expect(down.targets.map(({ undone }) => undone)).toEqual([
      ['2-rows', '1-users'],
      ['2-rows', '1-users'],
    ])
  })

  test('leaves nothing of what fails, and connects nowhere', async () => {
    project.write({
      'migrations/1-users.js': users,
      'migrations/2-fails.js': `const { Sequelize } = require('@sequelize/core'); const { PostgresDialect } = require('@sequelize/postgres')
        exports.up = async ({ context: q }) => {
          await q.bulkInsert('users', [{ role: 'a' }])
          await new Sequelize({ dialect: PostgresDialect, host: '127.0.0.1', port: 1 }).query('SELECT 1')
        }`,
    })
    const report = await project.up()
    expect(resultOf(report, 't_1')).toMatchObject({ applied: ['1-users'], error: { code: 'MIGRATION_UNSUPPORTED' } })
    expect(await database.query('SELECT * FROM t_1.users')).toEqual([])
  })
})
