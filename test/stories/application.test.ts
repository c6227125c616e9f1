/** What an application gets: a tenant's connection, its version, and a guard; and that none of it ever migrates. */
import knex from 'knex'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { freshMariadb, type MariadbDatabase } from '../servers/shared-mariadb.ts'
import { makeProject, type Project } from './project.ts'

let app: TestDatabase
let own: MariadbDatabase
let project: Project

beforeAll(async () => {
  ;[app, own] = await Promise.all([freshDatabase('application'), freshMariadb('application')])
})

afterAll(async () => {
  await Promise.all([app?.drop(), own?.drop()])
})

beforeEach(async () => {
  for (const name of ['t one', 't_two', 't_gone'])
    await app.query(`drop schema if exists "${name}" cascade; create schema "${name}"`)
  await own.query('drop table if exists item, schema_migrations, tenantry_ledger')
  project = makeProject()
  project.write({
    'migrations/001_item.sql': 'create table item (id int primary key);\n',
    'migrations/002_more.sql': 'alter table item add column n int;\n',
  })
  project.configure({
    servers: { main: { url: app.url }, maria: { url: own.url } },
    tenants: [
      { slug: 'one', topology: 'schema', server: 'main', database: app.name, schema: 't one' },
      { slug: 'two', topology: 'schema', server: 'main', database: app.name, schema: 't_two' },
      { slug: 'sql', topology: 'database', server: 'maria', database: own.name },
      { slug: 'gone', topology: 'schema', server: 'main', database: app.name, schema: 't_gone', state: 'suspended' },
    ],
  })
})

afterEach(() => project?.remove())

describe('connectionFor', () => {
  beforeEach(() => project.up())

  test('reaches this tenant and no other', async () => {
    await project.use(async (tenantry) => {
      const [one, two] = [await tenantry.connectionFor('one'), await tenantry.connectionFor('two')]
      await one.query('insert into item (id) values ($1)', [7])
      expect(await two.query('select id from item')).toEqual([])
      expect(await one.query('select id from item')).toEqual([{ id: 7 }])
    })
  })

  test('keeps at most DB_POOL_MAX sessions, and gives all of them back at the end', async () => {
    const count = () =>
      app.query(
        `select count(*)::int as n from pg_stat_activity where datname = '${app.name}' and application_name = 'tenantry'`,
      )
    await project.use(
      async (tenantry) => {
        const one = await tenantry.connectionFor('one')
        const running = Array.from({ length: 12 }, () => one.query('select pg_sleep(0.1)'))
        await Promise.all(running)
        expect((await count())[0]?.n).toBe(3)
      },
      { env: { DB_POOL_MAX: '3' } },
    )
    await expect.poll(async () => (await count())[0]?.n, { timeout: 10_000 }).toBe(0)
  })

  test('rolls a transaction back when its work throws, and the next one is not in it', async () => {
    await project.use(
      async (tenantry) => {
        const one = await tenantry.connectionFor('one')
        const failing = one.transaction(async (query) => {
          await query('insert into item (id) values (1)')
          await query('insert into nowhere values (1)')
        })
        await expect(failing).rejects.toThrow(/nowhere/)
        await expect(one.query('insert into item (id) values (2), (2)')).rejects.toThrow(/duplicate/)
        expect(await one.transaction((query) => query('select id from item'))).toEqual([])
      },
      { env: { DB_POOL_MAX: '1' } },
    )
  })

  test('refuses who is not active, or not there', async () => {
    await project.use(async (tenantry) => {
      await expect(tenantry.connectionFor('gone')).rejects.toMatchObject({ code: 'TENANT_STATE' })
      await expect(tenantry.connectionFor('nobody')).rejects.toMatchObject({ code: 'TENANT_UNKNOWN' })
    })
  })

  test("hands the driver's own constructors what they take", async () => {
    await project.use(async (tenantry) => {
      const options = await (await tenantry.connectionFor('one')).driverOptions()
      const pool = new pg.Pool(options)
      expect((await pool.query('select current_schema() as s')).rows).toEqual([{ s: 't one' }])
      await pool.end()
      const builder = knex({ client: 'pg', connection: options })
      await builder('item').insert({ id: 3 })
      expect(await builder('item').select('id')).toEqual([{ id: 3 }])
      await builder.destroy()
      const mariadb = mysql.createPool(await (await tenantry.connectionFor('sql')).driverOptions())
      expect(await mariadb.query('select database() as d').then(([rows]) => rows)).toEqual([{ d: own.name }])
      await mariadb.end()
    })
  })
})

describe('versions', () => {
  test('of a tenant and of the fleet, while they come up one by one', async () => {
    await project.use(async (tenantry) => {
      expect(await tenantry.tenantVersion('one')).toMatchObject({ behind: true, sets: [{ version: null, applied: 0 }] })
      await tenantry.up({ selectors: { tenants: ['one'] } })
      expect(await tenantry.tenantVersion('one')).toMatchObject({ behind: false, sets: [{ version: '002_more' }] })
      expect(await tenantry.minimumFleetVersion()).toEqual({
        targets: 3,
        sets: [{ set: 'tenant', version: null, behind: 2 }],
      })
      await tenantry.up({ to: '001' })
      expect((await tenantry.minimumFleetVersion()).sets).toEqual([{ set: 'tenant', version: '001_item', behind: 2 }])
      await tenantry.up()
      expect((await tenantry.minimumFleetVersion()).sets).toEqual([{ set: 'tenant', version: '002_more', behind: 0 }])
    })
  })

  test('of a tenant that cannot be read is an error, not an old version', async () => {
    await app.query('drop schema t_two cascade')
    await project.use(async (tenantry) => {
      await expect(tenantry.tenantVersion('two')).rejects.toMatchObject({ code: 'SCHEMA_MISSING' })
      await tenantry.up({ selectors: { tenants: ['one', 'sql'] } })
      expect((await tenantry.minimumFleetVersion()).sets[0]).toMatchObject({ version: null, behind: 1 })
    })
  })

  test('guard an application, which can refuse or degrade', async () => {
    await project.use(async (tenantry) => {
      await tenantry.up({ to: '001' })
      const once = { maxAgeMs: 0 }
      await expect(tenantry.guardTenant('one', once)).rejects.toMatchObject({ code: 'TENANT_BEHIND' })
      expect(await tenantry.guardTenant('one', { ...once, behind: 'tell' })).toBe(false)
      expect(await tenantry.guardTenant('one', { ...once, migration: '001' })).toBe(true)
      await tenantry.up()
      expect(await tenantry.guardTenant('one', once)).toBe(true)
    })
  })

  test('asking for any of it migrates nothing', async () => {
    await project.use(async (tenantry) => {
      await tenantry.tenantVersion('one')
      await tenantry.minimumFleetVersion()
      await tenantry.guardTenant('one', { behind: 'tell' })
      await (await tenantry.connectionFor('one')).query('select 1')
    })
    const tables = await app.query(`select table_name from information_schema.tables where table_schema like 't%'`)
    expect(tables).toEqual([])
  })
})
