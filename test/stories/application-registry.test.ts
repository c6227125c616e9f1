/** An application of a registry's tenants: each is connected to as itself, and what the registry says is followed. */
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Secret } from '../../src/model/secret.ts'
import { freshDatabase, sharedServer, type TestDatabase } from '../servers/shared.ts'
import { makeProvisionProject, type ProvisionProject } from './provision-project.ts'

let app: TestDatabase
let registry: TestDatabase
let project: ProvisionProject
const migrations = { 'migrations/001_item.sql': 'create table item (id int primary key);\n' }

async function start(servers: Record<string, unknown>): Promise<void> {
  project = await makeProvisionProject(
    servers,
    registry.url,
    `provision: { topology: 'schema', database: '${app.name}' },`,
    migrations,
  )
}

beforeEach(async () => {
  app = await freshDatabase('application_registry')
  registry = await freshDatabase('application_registry_book')
})
afterEach(async () => {
  project?.remove()
  await app?.drop()
  await registry?.drop()
})

test("a tenant's connection is its own role's, also where the server's address names somebody who may do everything", async () => {
  await start({ main: { url: app.url } })
  await project.provision({ slug: 'one' })
  const two = await project.provision({ slug: 'two' })
  await project.open(async (tenantry) => {
    const one = await tenantry.connectionFor('one')
    const { user } = await project.credential('one')
    expect(await one.query('select current_user as u')).toEqual([{ u: user }])
    await one.query('insert into item (id) values (1)')
    const theirs = `"${two.tenant.target.split('/').at(-1)}".item`
    await expect(one.query(`select * from ${theirs}`)).rejects.toThrow(/permission denied/)
    await expect(one.transaction((query) => query(`delete from ${theirs}`))).rejects.toThrow(/permission denied/)
    const pool = new pg.Pool(await one.driverOptions())
    expect((await pool.query('select current_user as u')).rows).toEqual([{ u: user }])
    await pool.end()
    // Whoever migrates is not the tenant.
    expect(await tenantry.up()).toMatchObject({ ok: true })
    expect(await (await tenantry.connectionFor('two')).query('select id from item')).toEqual([])
  })
})

test('two tenants of one database are each themselves, where the address names nobody', async () => {
  await start({ main: { url: app.url } })
  for (const slug of ['one', 'two']) await project.provision({ slug })
  const bare = new URL(app.url)
  bare.username = bare.password = ''
  project.configure({
    servers: { main: { url: bare.href } },
    registry: { url: registry.url },
    tenants: { from: 'registry' },
  })
  await project.open(async (tenantry) => {
    for (const slug of ['one', 'two', 'one']) {
      const { user } = await project.credential(slug)
      const connection = await tenantry.connectionFor(slug)
      expect(await connection.query('select current_user as u')).toEqual([{ u: user }])
      expect(await tenantry.guardTenant(slug, { maxAgeMs: 0 })).toBe(true)
      expect(await tenantry.tenantVersion(slug)).toMatchObject({ behind: false, sets: [{ version: '001_item' }] })
    }
  })
})

test('a new password, and a tenant that is suspended, are noticed by a process that has connections', async () => {
  await start({ main: { url: app.url } })
  await project.provision({ slug: 'one' })
  const { user } = await project.credential('one')
  await project.open(async (tenantry) => {
    const one = await tenantry.connectionFor('one')
    const [before] = await one.query('select pg_backend_pid() as pid')
    await sharedServer().query(`alter role "${user}" password 'changed'`)
    await tenantry.keys.setCredential('one', { user, password: new Secret('changed') })
    // Its old session, which still stands, is not gone on with.
    await expect.poll(async () => (await one.query('select pg_backend_pid() as pid'))[0]?.pid).not.toBe(before?.pid)
    await tenantry.tenants.suspend('one')
    await expect
      .poll(() =>
        one.query('select 1').then(
          () => null,
          ({ code }) => code,
        ),
      )
      .toBe('TENANT_STATE')
    const left = async () =>
      (await app.query(`select 1 from pg_stat_activity where usename = '${user}' and pid <> pg_backend_pid()`)).length
    await expect.poll(left).toBe(0)
  })
})

test('requests that come at once share one pool', async () => {
  await start({ main: { url: app.url } })
  await project.provision({ slug: 'one' })
  const { user } = await project.credential('one')
  let most = 0
  await project.use(
    async (tenantry) => {
      const requests = Array.from({ length: 12 }, async (_, i) => {
        // Answers of the registry come in any order.
        await new Promise((resolve) => setTimeout(resolve, i * 3))
        return (await tenantry.connectionFor('one')).query('select pg_sleep(0.1)')
      })
      const counting = setInterval(async () => {
        const rows = await sharedServer().query(`select 1 from pg_stat_activity where usename = '${user}'`)
        most = Math.max(most, rows.length)
      }, 20)
      await Promise.all(requests)
      clearInterval(counting)
    },
    { env: { ...project.env, DB_POOL_MAX: '2' } },
  )
  expect(most).toBeGreaterThan(0)
  expect(most).toBeLessThanOrEqual(2)
})
