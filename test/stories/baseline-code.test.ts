/** `baseline` over migrations that are code: what they would send is collected, and looked up like any other SQL. */
import { cpSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { BaselineOptions } from '../../src/model/report.ts'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { freshMariadb, type MariadbDatabase, withMariadb } from '../servers/shared-mariadb.ts'
import { shop } from './knex-native.ts'
import { makeProject, type Project, resultOf } from './project.ts'
import { makeSequelizeProject } from './sequelize.ts'

let project: Project
afterEach(() => project?.remove())

function makeKnexProject(copy: boolean): Project {
  const made = makeProject()
  if (copy) cpSync(shop, made.dir, { recursive: true })
  symlinkSync(join(process.cwd(), 'node_modules'), join(made.dir, 'node_modules'))
  return made
}
const baseline = (options: BaselineOptions) => project.use((tenantry) => tenantry.baseline(options))

describe('on PostgreSQL', () => {
  let database: TestDatabase
  beforeEach(async () => {
    database = await freshDatabase('baseline code')
    await database.query('create schema t_1; create schema t_2')
  })
  afterEach(() => database?.drop())
  const columns = () =>
    database.query(`select attrelid::regclass::text as of, attname, format_type(atttypid, atttypmod) as type from pg_attribute
      join pg_class on pg_class.oid = attrelid where attnum > 0 and relnamespace::regnamespace::text in ('t_1', 't_2', 'public') order by 1, 2`)
  const configure = (more: Record<string, unknown> = {}) =>
    project.configure({
      servers: { main: { url: database.url } },
      tenants: ['t_1', 't_2'].map((schema) => ({ slug: schema, topology: 'schema', database: database.name, schema })),
      ...more,
    })

  test.each([
    ['Knex', () => makeKnexProject(true), 'knex_migrations', 'drop table t_1.tagged', '20240108000000_tags'],
    [
      'Sequelize',
      () => makeSequelizeProject(),
      '"SequelizeMeta"',
      'alter table t_1.users drop column deleted_at',
      '20240103090000-extend-users',
    ],
  ])(
    '%s: a whole folder is proved in schemas that have it, and refused where one thing is gone',
    async (_, make, table, damage, migration) => {
      project = make()
      configure({ migrations: {} })
      const report = await project.up()
      expect(report.targets.map(({ error }) => error)).toEqual([null, null])
      const last = report.targets[0]?.applied.at(-1) ?? ''
      for (const schema of ['t_1', 't_2'])
        await database.query(`drop table ${schema}.${table}, ${schema}.tenantry_ledger`)
      await database.query(damage)
      const before = await columns()
      const marked = await baseline({ to: last })
      expect(resultOf(marked, 't_1').error).toMatchObject({ code: 'BASELINE_UNPROVEN', context: { migration } })
      expect(resultOf(marked, 't_2')).toMatchObject({ error: null, applied: report.targets[0]?.applied })
      // Looking made nothing: but for the two tables of the one that was marked.
      await database.query(`drop table t_2.${table}, t_2.tenantry_ledger`)
      expect(await columns()).toEqual(before)
    },
  )

  test('code that cannot be run for a look passes with a note; what it writes on the way stays away', async () => {
    project = makeKnexProject(false)
    project.write({
      'migrations/001_a.js': `
exports.up = async (knex) => {
  await knex('gone').insert({ id: 1 })
  await knex('not_there').select('*')
}`,
      'migrations/002_b.js': `
exports.up = async (knex) => {
  if (!(await knex.schema.hasTable('b'))) await knex.schema.createTable('b', (t) => t.increments())
}`,
    })
    configure()
    await database.query('create table t_1.gone (id int)')
    const only = { selectors: { tenants: ['t_1'] } }
    const report = await baseline({ migration: '001', ...only })
    expect(resultOf(report, 't_1')).toMatchObject({ result: 'applied', error: null })
    expect(report.notices).toMatchObject([
      { rule: 'baseline-unseen' },
      {
        rule: 'baseline-unread',
        migration: '001_a',
        message: expect.stringContaining('(relation "not_there" does not exist)'),
      },
    ])
    expect(await database.query('select * from t_1.gone')).toEqual([])
    // It asks by itself: what it would then make is what is missing.
    expect(resultOf(await baseline({ migration: '002', ...only }), 't_1').error?.code).toBe('BASELINE_UNPROVEN')
    await database.query('create table t_1.b (id serial primary key)')
    expect(resultOf(await baseline({ migration: '002', ...only }), 't_1').applied).toEqual(['002_b'])
  })
})

withMariadb('on MariaDB', () => {
  let database: MariadbDatabase
  beforeEach(async () => {
    database = await freshMariadb('baseline code')
  })
  afterEach(() => database?.drop())

  test('Knex: a whole folder is proved, and refused where one thing is gone', async () => {
    project = makeKnexProject(true)
    project.configure({
      migrations: {},
      servers: { main: { url: database.url } },
      tenants: [{ slug: 'one', topology: 'database', database: database.name }],
    })
    const report = await project.up()
    expect(report.targets.map(({ error }) => error)).toEqual([null])
    const last = report.targets[0]?.applied.at(-1) ?? ''
    const forget = () => database.query('drop table knex_migrations, tenantry_ledger')
    await forget()
    expect(resultOf(await baseline({ to: last }), 'one')).toMatchObject({ error: null, result: 'applied' })
    await forget()
    await database.query('drop table tagged')
    expect(resultOf(await baseline({ to: last }), 'one').error).toMatchObject({
      code: 'BASELINE_UNPROVEN',
      context: { migration: '20240108000000_tags' },
    })
  })
})
