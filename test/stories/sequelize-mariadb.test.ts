/** sequelize-cli and tenantry take turns on MariaDB, where a change of the schema commits by itself. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freshMariadb, type MariadbDatabase, sharedMariadb, withMariadb } from '../servers/shared-mariadb.ts'
import { catalogOf } from './mariadb-catalog.ts'
import { type Project, resultOf } from './project.ts'
import { makeSequelizeProject, readStatus, sequelizeCli } from './sequelize.ts'

withMariadb('MariaDB', () => {
  const shop = [
    '20240101090000-create-users',
    '20240102090000-create-orders',
    '20240103090000-extend-users',
    '20240104090000-constraints',
    '20240105090000-first-rows',
    '20240106090000-nested',
    '20240107090000-status-values',
    '20240108090000-open-orders',
  ]
  const files = shop.map((id) => `${id}.js`)
  let databases: MariadbDatabase[]
  let project: Project

  beforeEach(() => {
    databases = []
  })
  afterEach(async () => {
    project?.remove()
    for (const database of databases) await database.drop()
  })

  async function database(label: string): Promise<MariadbDatabase> {
    const made = await freshMariadb(label)
    databases.push(made)
    return made
  }
  function configure(tenants: readonly MariadbDatabase[]): void {
    project.configure({
      servers: { main: { url: sharedMariadb().url('mysql') } },
      tenants: tenants.map(({ name }, i) => ({ slug: `t${i + 1}`, topology: 'database', database: name })),
    })
  }
  // mysql2 is what sequelize-cli takes for `mysql:`.
  const cli = ({ url }: MariadbDatabase, ...args: string[]) =>
    sequelizeCli(project.dir, [...args, '--url', url.replace(/^mariadb:/, 'mysql:')])
  const status = async (at: MariadbDatabase) => readStatus(await cli(at, 'db:migrate:status'))
  const names = async ({ query }: MariadbDatabase) =>
    (await query('SELECT name FROM SequelizeMeta ORDER BY name')).map(({ name }) => name)
  const catalog = ({ query }: MariadbDatabase) => catalogOf({ raw: async (sql) => [await query(sql)] })
  const rows = async ({ query }: MariadbDatabase) => [
    await query(
      'SELECT id, email, role, settings, balance, plan, manager_id, deleted_at, phone FROM users ORDER BY id',
    ),
    await query('SELECT * FROM orders ORDER BY id'),
    await query('SELECT * FROM labels ORDER BY id'),
  ]

  test('half by each, one undone by each, and both agree throughout', async () => {
    const [native, one, two] = [await database('sq_native'), await database('sq_one'), await database('sq_two')]
    project = makeSequelizeProject()
    configure([one, two])
    expect(await cli(native, 'db:migrate')).toMatchObject({ code: 0 })
    expect(await cli(one, 'db:migrate', '--to', files[3] as string)).toMatchObject({ code: 0 })
    const report = await project.up()
    expect(report.targets.map(({ error }) => error)).toEqual([null, null])
    expect(resultOf(report, 't1').applied).toEqual(shop.slice(4))
    for (const at of [one, two]) {
      expect(await status(at)).toEqual(Object.fromEntries(files.map((name) => [name, 'up'])))
      expect(await names(at)).toEqual(files)
      expect(await catalog(at)).toEqual(await catalog(native))
      expect(await rows(at)).toEqual(await rows(native))
    }
    const down = await project.use((tenantry) => tenantry.down({ unproven: true, allowDataLoss: true }))
    expect(resultOf(down, 't1')).toMatchObject({ undone: [shop[7]], error: null })
    expect((await status(one))[files[7] as string]).toBe('down')
    expect(await cli(one, 'db:migrate:undo')).toMatchObject({ code: 0 })
    const seen = await project.use((tenantry) => tenantry.plan())
    expect(resultOf(seen, 't1').pending).toEqual([shop[6], shop[7]])
    expect(resultOf(await project.up(), 't1').applied).toEqual([shop[6], shop[7]])
    expect(await catalog(one)).toEqual(await catalog(native))
  })

  test('what stops in the middle goes on there', async () => {
    const [own] = [await database('sq_own')]
    project = makeSequelizeProject(null)
    configure([own])
    project.write({
      'migrations/20240101-users.js': `module.exports = { up: async (q, S) => {
        await q.createTable('users', { id: { type: S.INTEGER, primaryKey: true } })
        await q.bulkInsert('users', [{ id: 1 }])
        if (process.env.SQ_FAIL === 'yes') throw new Error('stopped')
        await q.addColumn('users', 'name', S.STRING)
        await q.bulkInsert('users', [{ id: 2, name: 'after' }])
      } }`,
    })
    process.env.SQ_FAIL = 'yes'
    try {
      const report = await project.up()
      expect(resultOf(report, 't1').error).toMatchObject({ message: expect.stringContaining('stopped') })
      expect(await names(own)).toEqual([])
    } finally {
      delete process.env.SQ_FAIL
    }
    expect(resultOf(await project.up(), 't1')).toMatchObject({ result: 'applied', error: null })
    expect(await own.query('SELECT id, name FROM users ORDER BY id')).toEqual([
      { id: 1, name: null },
      { id: 2, name: 'after' },
    ])
    expect(await names(own)).toEqual(['20240101-users.js'])
  })
})
