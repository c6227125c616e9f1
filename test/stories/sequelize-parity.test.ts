/** sequelize-cli and umzug run some of the migrations and tenantry the others, and at no moment do they disagree. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { catalogOf } from './postgres-catalog.ts'
import { type Project, resultOf } from './project.ts'
import { makeSequelizeProject, makeUmzug, readStatus, sequelizeCli } from './sequelize.ts'

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
const files = (ids: readonly string[]) => ids.map((id) => `${id}.js`)

let databases: TestDatabase[]
let project: Project

beforeEach(() => {
  databases = []
})

afterEach(async () => {
  project?.remove()
  for (const database of databases) await database.drop()
})

async function database(label: string): Promise<TestDatabase> {
  const made = await freshDatabase(label)
  databases.push(made)
  return made
}

/** Names are written out in full, so that `public` and a tenant's schema can be compared. */
const catalog = ({ query }: TestDatabase, schema?: string) =>
  catalogOf({ raw: async (sql) => ({ rows: await query(`SET search_path TO pg_catalog; ${sql}`) }) }, schema)
const names = async ({ query }: TestDatabase, schema = 'public') =>
  (await query(`SELECT name FROM "${schema}"."SequelizeMeta" ORDER BY name`)).map(({ name }) => name)

/** All rows of the shop, without what the clock said. */
async function rows({ query }: TestDatabase, schema = 'public'): Promise<unknown> {
  const all = []
  for (const table of ['users', 'orders', 'order_lines', 'labels']) {
    all.push(await query(`SELECT to_jsonb(t) - 'created_at' AS row FROM "${schema}"."${table}" t ORDER BY 1`))
  }
  return all
}

describe('sequelize-cli, a database per tenant', () => {
  let native: TestDatabase
  let one: TestDatabase
  let two: TestDatabase

  beforeEach(async () => {
    native = await database('sq_native')
    one = await database('sq_one')
    two = await database('sq_two')
    project = makeSequelizeProject()
    project.configure({
      servers: { main: { url: one.server.url('postgres') } },
      tenants: [one, two].map(({ name }, i) => ({ slug: `t${i + 1}`, topology: 'database', database: name })),
    })
    const reference = await sequelizeCli(project.dir, ['db:migrate', '--url', native.url])
    expect(reference).toMatchObject({ code: 0 })
  })

  const cli = (at: TestDatabase, ...args: string[]) => sequelizeCli(project.dir, [...args, '--url', at.url])
  const status = async (at: TestDatabase) => readStatus(await cli(at, 'db:migrate:status'))

  test('half by each, one undone by each, and both agree throughout', async () => {
    expect(await cli(one, 'db:migrate', '--to', `${shop[3]}.js`)).toMatchObject({ code: 0 })
    const report = await project.up()
    expect(resultOf(report, 't1').applied).toEqual(shop.slice(4))
    expect(resultOf(report, 't2').applied).toEqual(shop)
    for (const at of [one, two]) {
      expect(await status(at)).toEqual(Object.fromEntries(files(shop).map((name) => [name, 'up'])))
      expect(await names(at)).toEqual(files(shop))
      expect(await catalog(at)).toEqual(await catalog(native))
      expect(await rows(at)).toEqual(await rows(native))
    }

    // Undone by us, seen by the tool; undone by the tool, seen by us.
    const down = await project.use((tenantry) => tenantry.down({ unproven: true, allowDataLoss: true }))
    expect(resultOf(down, 't1').undone).toEqual([shop[7]])
    expect((await status(one))[`${shop[7]}.js`]).toBe('down')
    expect(await cli(one, 'db:migrate:undo')).toMatchObject({ code: 0 })
    const seen = await project.use((tenantry) => tenantry.plan())
    expect(resultOf(seen, 't1').pending).toEqual([shop[6], shop[7]])
    expect(resultOf(seen, 't2').pending).toEqual([shop[7]])
    // The tool itself undid it just like that.
    expect(await cli(native, 'db:migrate:undo')).toMatchObject({ code: 0 })
    expect(await cli(native, 'db:migrate:undo')).toMatchObject({ code: 0 })
    expect(await catalog(one)).toEqual(await catalog(native))

    // And forward again: one by us, one by the tool.
    expect((await project.use((tenantry) => tenantry.up({ to: shop[6] as string }))).ok).toBe(true)
    expect(await cli(one, 'db:migrate')).toMatchObject({
      code: 0,
      output: expect.stringContaining(`${shop[7]}: migrated`),
    })
    expect(await names(one)).toEqual(files(shop))
    expect(resultOf(await project.up(), 't1').result).toBe('up-to-date')
  })

  test('everything undone by us leaves what the tool leaves', async () => {
    await project.up()
    const down = await project.use((tenantry) =>
      tenantry.down({ unproven: true, steps: shop.length, allowDataLoss: true }),
    )
    expect(down.ok).toBe(true)
    expect(resultOf(down, 't1').undone).toEqual([...shop].reverse())
    expect(await cli(native, 'db:migrate:undo:all')).toMatchObject({ code: 0 })
    expect(await catalog(one)).toEqual(await catalog(native))
    expect(await names(one)).toEqual([])
  })
})

describe('a schema per tenant', () => {
  const schemas = ['t_1', 't_2', 'Café 3']

  test('every object of every tenant is in its own schema, as the tool makes it in a database of its own', async () => {
    const native = await database('sq_native')
    const fleet = await database('sq_schemas')
    project = makeSequelizeProject()
    for (const schema of schemas) await fleet.query(`CREATE SCHEMA "${schema}"`)
    project.configure({
      servers: { main: { url: fleet.url } },
      tenants: schemas.map((schema, i) => ({ slug: `t${i + 1}`, topology: 'schema', database: fleet.name, schema })),
    })
    const emptyPublic = await catalog(fleet)
    await sequelizeCli(project.dir, ['db:migrate', '--url', native.url])
    const report = await project.up()
    expect(report.targets.map(({ error }) => error)).toEqual([null, null, null])
    for (const schema of ['t_1', 't_2']) {
      expect(await catalog(fleet, schema)).toEqual(await catalog(native))
      expect(await rows(fleet, schema)).toEqual(await rows(native))
      expect(await names(fleet, schema)).toEqual(files(shop))
    }
    expect(await rows(fleet, 'Café 3')).toEqual(await rows(native))
    expect(await catalog(fleet)).toEqual(emptyPublic)

    const down = await project.use((tenantry) =>
      tenantry.down({ unproven: true, steps: shop.length, allowDataLoss: true }),
    )
    expect(down.targets.map(({ error }) => error)).toEqual([null, null, null])
    await sequelizeCli(project.dir, ['db:migrate:undo:all', '--url', native.url])
    expect(await catalog(fleet, 't_2')).toEqual(await catalog(native))
    expect(await catalog(fleet)).toEqual(emptyPublic)
  })

  test('umzug with the schema option takes turns with us', async () => {
    const fleet = await database('sq_schemas')
    project = makeSequelizeProject('sequelize-umzug')
    await fleet.query('CREATE SCHEMA t_1; CREATE SCHEMA t_2')
    project.configure({
      servers: { main: { url: fleet.url } },
      tenants: ['t_1', 't_2'].map((schema) => ({ slug: schema, topology: 'schema', database: fleet.name, schema })),
    })
    const options = { schema: 't_1', dialectOptions: { options: '-c search_path=t_1' } }
    const { umzug, close } = makeUmzug(project.dir, fleet.url, options)
    try {
      await umzug.up({ step: 2 })
      const report = await project.up()
      expect(resultOf(report, 't_1').applied).toEqual(['2024.01.03T09.00.00.rows', '2024.01.04T09.00.00.phone'])
      expect(await umzug.pending()).toEqual([])
      expect(await catalog(fleet, 't_1')).toEqual(await catalog(fleet, 't_2'))
      // Sequelize's own removeColumn looks into the schema of the option, so umzug can undo this one.
      await umzug.down()
      expect(resultOf(await project.use((tenantry) => tenantry.plan()), 't_1').pending).toHaveLength(1)
      expect((await project.up()).ok).toBe(true)
      await project.use((tenantry) => tenantry.down({ unproven: true }))
      expect((await umzug.pending()).map(({ name }) => name)).toEqual(['2024.01.04T09.00.00.phone.js'])
      await umzug.up()
      expect(await names(fleet, 't_1')).toEqual((await umzug.executed()).map(({ name }) => name))
    } finally {
      await close()
    }
  })
})

test('umzug, a database per tenant: half by each, one undone by each', async () => {
  const native = await database('sq_native')
  const own = await database('sq_umzug')
  project = makeSequelizeProject('sequelize-umzug')
  project.configure({ tenants: [{ slug: 'own', topology: 'dedicated', url: own.url }] })
  const reference = makeUmzug(project.dir, native.url)
  const mine = makeUmzug(project.dir, own.url)
  try {
    await reference.umzug.up()
    await mine.umzug.up({ step: 2 })
    const report = await project.up()
    expect(resultOf(report, 'own')).toMatchObject({ result: 'applied', error: null })
    expect(await mine.umzug.pending()).toEqual([])
    expect(await mine.umzug.executed()).toEqual(await reference.umzug.executed())
    expect(await catalog(own)).toEqual(await catalog(native))
    expect(await own.query('SELECT email, kind FROM users')).toEqual([
      { email: '2024.01.03T09.00.00.rows.cjs@example.org', kind: 'b' },
    ])
    await project.use((tenantry) => tenantry.down({ unproven: true, allowDataLoss: true }))
    await mine.umzug.down()
    await reference.umzug.down({ step: 2 })
    expect(await mine.umzug.pending()).toEqual(await reference.umzug.pending())
    expect(await catalog(own)).toEqual(await catalog(native))
  } finally {
    await reference.close()
    await mine.close()
  }
})
