/** What a migration is told is what Sequelize itself tells it, in a database of its own and beside other tenants. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { type Project, resultOf } from './project.ts'
import { makeSequelizeProject, sequelizeCli } from './sequelize.ts'

let native: TestDatabase
let fleet: TestDatabase
let project: Project

beforeEach(async () => {
  native = await freshDatabase('sq_native')
  fleet = await freshDatabase('sq_fleet')
})
afterEach(async () => {
  project?.remove()
  await native?.drop()
  await fleet?.drop()
})

async function answers({ name, query }: TestDatabase, schema: string): Promise<unknown> {
  const [row] = await query(`SELECT json FROM "${schema}".answers`)
  return JSON.parse(
    String(row?.json)
      .replaceAll(name, '<database>')
      .replaceAll(`"${schema}"`, '"<schema>"')
      .replaceAll(`${schema}.`, '<schema>.'),
  )
}

test('in a database of its own, and in schemas beside each other', async () => {
  project = makeSequelizeProject('sequelize-answers')
  const whole = await freshDatabase('sq_whole')
  await fleet.query('CREATE SCHEMA t_1; CREATE SCHEMA t_2')
  project.configure({
    servers: { main: { url: fleet.url } },
    tenants: [
      { slug: 'whole', topology: 'dedicated', url: whole.url },
      ...['t_1', 't_2'].map((schema) => ({ slug: schema, topology: 'schema', database: fleet.name, schema })),
    ],
  })
  expect(await sequelizeCli(project.dir, ['db:migrate', '--url', native.url])).toMatchObject({ code: 0 })
  // One after the other, so that the later ones find objects of the same names.
  for (const slug of ['whole', 't_1', 't_2']) {
    const report = await project.use((tenantry) => tenantry.up({ selectors: { tenants: [slug] } }))
    expect(resultOf(report, slug).error).toBeNull()
  }
  const expected = await answers(native, 'public')
  expect(expected).toMatchObject({
    exists: [true, false],
    zone: { TimeZone: '<+00>-00' },
    rows: [{ kinds: ['x', 'y'] }],
  })
  expect(await answers(whole, 'public')).toEqual(expected)
  expect(await answers(fleet, 't_1')).toEqual(expected)
  expect(await answers(fleet, 't_2')).toEqual(expected)
})

describe('umzug', () => {
  const shapes: Record<string, string> = {
    destructured: `async ({ context }) => context.createTable('t', { id: INTEGER })`,
    renamed: `async ({ context: q, name, path }) => { if (!path.endsWith(name)) throw new Error(path); await q.createTable('t', { id: INTEGER }) }`,
    'one object': `async (params) => params.context.createTable('t', { id: INTEGER })`,
    'the instance as context': `async ({ context: sequelize }) => sequelize.getQueryInterface().createTable('t', { id: INTEGER })`,
    'the instance, raw': `async ({ context: sequelize }) => { await sequelize.transaction((transaction) => sequelize.query('CREATE TABLE t (id int)', { transaction })) }`,
    'an object of both': `async ({ context: { queryInterface, sequelize, DataTypes } }) => { await sequelize.query('SELECT 1'); await queryInterface.createTable('t', { id: DataTypes.INTEGER }) }`,
    'sequelize-cli with one parameter': `async (queryInterface) => queryInterface.createTable('t', { id: INTEGER })`,
    'sequelize-cli, taken apart': `async ({ sequelize }) => sequelize.query('CREATE TABLE t (id int)')`,
    'sequelize-cli with both': `async (queryInterface, Sequelize) => queryInterface.createTable('t', { id: Sequelize.INTEGER })`,
    'sequelize-cli with a default': `async (queryInterface, { INTEGER } = {}) => queryInterface.createTable('t', { id: INTEGER })`,
    'all arguments': `async (...all) => all[0].createTable('t', { id: all[1].INTEGER })`,
    'not async, nothing to wait for': `({ context }) => { void context.createTable('t', { id: INTEGER }) }`,
    'through this': `async function ({ context }) { await this.make(context) }, make: (q) => q.createTable('t', { id: INTEGER })`,
  }
  test.each(Object.entries(shapes))('%s', async (_, up) => {
    project = makeSequelizeProject(null)
    project.configure({
      migrations: { format: 'sequelize' },
      tenants: [{ slug: 'own', topology: 'dedicated', url: fleet.url }],
    })
    project.write({
      'migrations/1-t.js': `const { DataTypes: { INTEGER } } = require('sequelize')\nmodule.exports = { up: ${up} }`,
    })
    expect(resultOf(await project.up(), 'own').error).toBeNull()
    expect(await fleet.query(`SELECT to_regclass('t')::text AS at`)).toEqual([{ at: 't' }])
  })
})

test('transactions that follow the call (CLS) are ours, too', async () => {
  project = makeSequelizeProject(null)
  project.configure({
    migrations: { format: 'sequelize' },
    tenants: [{ slug: 'own', topology: 'dedicated', url: fleet.url }],
  })
  project.write({
    'cls.js': `const { AsyncLocalStorage } = require('node:async_hooks')
      const storage = new AsyncLocalStorage()
      // What Sequelize asks of cls-hooked, with what Node has.
      module.exports = {
        bind: (fn, context) => fn,
        _context: null,
        get: (key) => storage.getStore()?.get(key),
        set: (key, value) => storage.getStore()?.set(key, value),
        run: (fn) => storage.run(new Map(storage.getStore() ?? []), () => fn(storage.getStore())),
        runPromise: (fn) => storage.run(new Map(storage.getStore() ?? []), fn),
      }`,
    'migrations/1-cls.js': `const { Sequelize } = require('sequelize')
      module.exports = { async up(q, S) {
        Sequelize.useCLS(require('../cls.js'))
        try {
          await q.createTable('t', { id: S.INTEGER })
          await q.sequelize.transaction(async () => { await q.bulkInsert('t', [{ id: 1 }]) })
          await q.sequelize.transaction(async () => { await q.bulkInsert('t', [{ id: 2 }]); throw new Error('back') }).catch(() => {})
          await q.bulkInsert('t', [{ id: 3 }])
        } finally { delete Sequelize._cls }
      } }`,
  })
  expect(resultOf(await project.up(), 'own').error).toBeNull()
  expect(await fleet.query('SELECT id FROM t ORDER BY 1')).toEqual([{ id: 1 }, { id: 3 }])
})

describe('the config of the project', () => {
  test('names the history table, its schema, and how statements are written', async () => {
    project = makeSequelizeProject(null)
    project.write({
      '.sequelizerc': `module.exports = { config: require('path').resolve('config', 'database.js'), 'migrations-path': require('path').resolve('db', 'steps') }`,
      'config/database.js': `module.exports = { production: {
        use_env_variable: 'SHOP_URL', password: 'geheim', dialect: 'postgres', timezone: 'Europe/Berlin',
        migrationStorageTableName: 'sequelize_meta', migrationStorageTableSchema: 'meta', define: { underscored: true } } }`,
      'db/steps/1-t.js': `module.exports = { async up(q, S) {
        const zone = await q.sequelize.query('SHOW TimeZone', { plain: true })
        if (zone.TimeZone !== 'Europe/Berlin') throw new Error(zone.TimeZone)
        const M = q.sequelize.define('Thing', { shortName: S.STRING })
        await M.sync()
      } }`,
    })
    project.configure({
      migrations: {},
      tenants: [{ slug: 'own', topology: 'dedicated', url: fleet.url }],
    })
    await fleet.query('CREATE SCHEMA meta')
    const report = await project.use((tenantry) => tenantry.up(), { env: { NODE_ENV: 'production' } })
    expect(resultOf(report, 'own')).toMatchObject({ error: null, applied: ['1-t'] })
    expect(await fleet.query('SELECT name FROM meta.sequelize_meta')).toEqual([{ name: '1-t.js' }])
    expect(await fleet.query('SELECT short_name FROM things')).toEqual([])
    expect(JSON.stringify(report)).not.toContain('geheim')
    const env = { SHOP_URL: fleet.url }
    const cli = await sequelizeCli(project.dir, ['db:migrate:status', '--env', 'production'], env)
    expect(cli.output).toContain('up 1-t.js')
  })
})
