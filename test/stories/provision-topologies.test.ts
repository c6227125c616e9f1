/** Tenants in shared tables are a row in the registry; dedicated ones get a database on the server that is named. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { freshDatabase, sharedServer, type TestDatabase } from '../servers/shared.ts'
import { makeProvisionProject, type ProvisionProject } from './provision-project.ts'

const migrations = { 'migrations/001_clients.sql': 'CREATE TABLE clients (tenant text, name text);' }
const newer = { 'migrations/002_orders.sql': 'CREATE TABLE orders (tenant text, id int);' }
let app: TestDatabase
let registry: TestDatabase
let project: ProvisionProject
const slugOf = () => `d${Math.random().toString(36).slice(2, 10)}`
const made: string[] = []

beforeEach(async () => {
  app = await freshDatabase('provision_topologies')
  registry = await freshDatabase('provision_topologies_registry')
})
afterEach(async () => {
  for (const name of made.splice(0)) await sharedServer().query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`)
  project?.remove()
  await app?.drop()
  await registry?.drop()
})

const start = async (config: string) => {
  const servers = { main: { url: app.url }, eu: { url: app.url } }
  project = await makeProvisionProject(servers, registry.url, `scratch: { server: 'main' }, ${config}`, migrations)
  return project
}
const stateOf = async (slug: string) => (await project.registry.tenants.find(slug))?.state ?? null
const tables = async () =>
  (
    await app.query(
      "SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1",
    )
  ).map(({ name }) => name)

describe('in shared tables', () => {
  const shared = () => `provision: { topology: 'shared', server: 'main', database: '${app.name}' },`

  test('the first tenant brings the tables, the next ones are rows in the registry, without roles', async () => {
    const { provision, registry: book, up } = await start(shared())
    const roles = async () => (await app.query('SELECT count(*)::int AS n FROM pg_roles'))[0]?.n
    const [before, first, second] = [await roles(), slugOf(), slugOf()]
    expect(await provision({ slug: first })).toMatchObject({ source: 'replay', tenant: { state: 'active' } })
    expect(await provision({ slug: second })).toMatchObject({
      made: true,
      source: null,
      notices: [],
      tenant: { state: 'active', topology: 'shared', target: `main/${app.name}` },
    })
    expect(await roles()).toBe(before)
    const found = await book.tenants.find(second)
    expect(found?.placement).toEqual({ server: 'main', database: app.name })
    expect(await tables()).toEqual(['clients', 'schema_migrations', 'tenantry_ledger'])
    expect((await up()).summary).toMatchObject({ targets: 1, upToDate: 1 })
  })

  test('tables that are behind are not migrated for one tenant: it waits for `up`', async () => {
    const { provision, up, write } = await start(shared())
    await provision({ slug: slugOf() })
    write(newer)
    const slug = slugOf()
    await expect(provision({ slug })).rejects.toMatchObject({
      code: 'TENANT_BEHIND',
      message: expect.stringContaining(`the shared tables of main/${app.name} lack 002_orders`),
      hint: expect.stringContaining('`tenantry up` migrates them for all of their tenants'),
    })
    expect(await stateOf(slug)).toBe('failed')
    expect(await tables()).not.toContain('orders')
    expect((await up()).summary).toMatchObject({ applied: 1 })
    expect(await provision({ slug })).toMatchObject({ made: true, from: 'failed', tenant: { state: 'active' } })
  })

  test('a database that is not there is said, and made by nobody', async () => {
    const { provision } = await start(`provision: { topology: 'shared', server: 'main' },`)
    const slug = slugOf()
    const database = `none_${slug}`
    await expect(provision({ slug, database })).rejects.toMatchObject({
      code: 'DATABASE_MISSING',
      message: expect.stringContaining(database),
      hint: expect.stringMatching(/\S/),
    })
    expect(await stateOf(slug)).toBe('failed')
    expect(await sharedServer().query(`SELECT 1 FROM pg_database WHERE datname = '${database}'`)).toEqual([])
  })
})

describe('dedicated', () => {
  test('a database of its own on the server that is named', async () => {
    const { provision } = await start(`provision: { topology: 'schema', server: 'main' },`)
    const slug = slugOf()
    const report = await provision({ slug, topology: 'dedicated', server: 'eu' })
    const [server, database = ''] = report.tenant.target.split('/')
    made.push(database)
    expect(report).toMatchObject({
      source: 'template',
      verified: true,
      tenant: { topology: 'dedicated', state: 'active' },
    })
    expect(server).toBe('eu')
    expect(database).toMatch(new RegExp(`^${slug}_\\d{8}$`))
    expect((await project.up()).summary).toMatchObject({ targets: 1, upToDate: 1 })
  })

  test('without a server, where there are several: refused, and said where to name it', async () => {
    const { provision } = await start(`provision: { topology: 'dedicated' },`)
    const slug = slugOf()
    await expect(provision({ slug })).rejects.toMatchObject({
      code: 'TENANT_INVALID',
      message: expect.stringContaining('server'),
      hint: expect.stringContaining('--server'),
    })
    expect(await stateOf(slug)).toBeNull()
  })

  test('one that is there already is not filled; it is added as it is, and migrated by `up`', async () => {
    const { provision, open, run, env } = await start(`provision: { topology: 'dedicated', server: 'eu' },`)
    const slug = slugOf()
    made.push(slug)
    await sharedServer().query(`CREATE DATABASE "${slug}"`)
    await sharedServer().query('CREATE TABLE theirs (id int)', slug)
    await expect(provision({ slug, database: slug })).rejects.toMatchObject({
      code: 'PROVISION_FAILED',
      message: expect.stringContaining(`database ${slug} exists on eu`),
      hint: expect.stringContaining('`tenants add`, without --provision'),
    })
    expect(await stateOf(slug)).toBe('failed')
    // As the hint says.
    expect(await run(['tenants', 'remove', slug, '--drop-data', '--yes', slug], env)).toMatchObject({ code: 0 })
    const add = ['tenants', 'add', slug, '--topology', 'dedicated', '--server', 'eu', '--database', slug]
    const added = await run(add, env)
    expect(added).toMatchObject({ code: 0 })
    expect((await open((tenantry) => tenantry.up())).summary).toMatchObject({ targets: 1, applied: 1 })
    expect(await sharedServer().query("SELECT to_regclass('theirs') IS NOT NULL AS kept", slug)).toEqual([
      { kept: true },
    ])
  })
})
