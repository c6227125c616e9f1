/** Tenants are made: place, role, schema, first rows; whole or not at all, and by one of many. */
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { TenantryEvent } from '../../src/model/events.ts'
import { provisionSteps } from '../../src/model/provision.ts'
import { freshDatabase, sharedServer, type TestDatabase } from '../servers/shared.ts'
import { makeProvisionProject, type ProvisionProject } from './provision-project.ts'

const migrations = {
  'migrations/001_clients.sql': `CREATE TABLE clients (id serial PRIMARY KEY, name text NOT NULL);
INSERT INTO clients (name) VALUES ('first');`,
  'migrations/002_orders.sql': `CREATE TABLE orders (id serial PRIMARY KEY, client_id int REFERENCES clients (id), total numeric(10,2) DEFAULT 0);
CREATE INDEX orders_client_idx ON orders (client_id);
CREATE FUNCTION order_count() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM orders';`,
}

let app: TestDatabase
let registry: TestDatabase
let project: ProvisionProject
const made: string[] = []

async function start(config: string, more: Record<string, string> = {}): Promise<void> {
  project = await makeProvisionProject({ main: { url: app.url } }, registry.url, config, { ...migrations, ...more })
}
const schemas = `scratch: { server: 'main' }, provision: { topology: 'schema' },`
const databases = `scratch: { server: 'main' }, provision: { topology: 'database' },`

async function asTenant<T>(slug: string, database: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const { user, password } = await project.credential(slug)
  const url = new URL(app.url)
  const client = new pg.Client({ host: url.hostname, port: Number(url.port), database, user, password })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

const find = async (slug: string) => {
  const tenant = await project.registry.tenants.find(slug)
  if (tenant === null) throw new Error(`no tenant ${slug}`)
  made.push(tenant.placement.database)
  return tenant
}

beforeEach(async () => {
  app = await freshDatabase('provision')
  registry = await freshDatabase('provision_registry')
})
afterEach(async () => {
  for (const { slug, placement } of await all()) {
    if (placement.schema === undefined)
      await sharedServer().query(`DROP DATABASE IF EXISTS "${placement.database}" WITH (FORCE)`)
    void slug
  }
  project?.remove()
  await app?.drop()
  await registry?.drop()
})
async function all() {
  const tenants = []
  if (project !== undefined) for await (const one of project.registry.tenants.list()) tenants.push(one)
  return tenants
}

describe.each([
  ['schema', schemas],
  ['database', databases],
])('a tenant in a %s of its own', (topology, config) => {
  test('is made in steps, has what the migrations make, and can do its work', async () => {
    await start(config)
    const events: TenantryEvent[] = []
    const report = await project.provision({ slug: 'acme', labels: { tier: 'gold' } }, (event) => events.push(event))
    expect(report).toMatchObject({
      ok: true,
      made: true,
      verified: true,
      from: null,
      source: topology === 'schema' ? 'snapshot' : 'template',
      tenant: { slug: 'acme', state: 'active', topology, labels: { tier: 'gold' } },
      notices: [],
    })
    const steps = events.flatMap((event) =>
      event.type === 'provision-step' && event.state === 'done' ? [event.step] : [],
    )
    expect(steps).toEqual([...provisionSteps])
    const { placement } = await find('acme')
    expect(placement.schema ?? placement.database).toMatch(/^acme_\d{8}$/)
    await asTenant('acme', placement.database, async (client) => {
      expect((await client.query('SELECT name FROM clients')).rows).toEqual([{ name: 'first' }])
      await client.query("INSERT INTO clients (name) VALUES ('own')")
      await client.query('INSERT INTO orders (client_id, total) VALUES (2, 12)')
      expect((await client.query('SELECT order_count()')).rows).toEqual([{ order_count: '1' }])
      await expect(client.query('CREATE TABLE own (id int)')).rejects.toThrow(/permission denied/)
      await expect(client.query('DELETE FROM schema_migrations')).rejects.toThrow(/permission denied/)
    })
    expect((await project.up()).summary).toMatchObject({ targets: 1, upToDate: 1 })
    expect(await project.provision({ slug: 'acme' })).toMatchObject({ made: false, tenant: { slug: 'acme' } })
  })

  test('gets the extensions of the config, as do the places where it is compared and its undos are proved', async () => {
    const badges = 'CREATE TABLE badges (id uuid PRIMARY KEY DEFAULT uuid_generate_v4());'
    const files = { 'migrations/003_badges.up.sql': badges, 'migrations/003_badges.down.sql': 'DROP TABLE badges;' }
    const provision = `provision: { topology: '${topology}', extensions: ['uuid-ossp'] },`
    await start(`scratch: { server: 'main' }, ${provision}`, files)
    expect(await project.provision({ slug: 'acme' })).toMatchObject({ ok: true, verified: true })
    await find('acme')
    const { drift, proof } = await project.open(async (tenantry) => ({
      drift: await tenantry.drift(),
      proof: await tenantry.prove(),
    }))
    expect(drift).toMatchObject({ ok: true, clusters: [{ reference: true, differences: [] }] })
    expect(proof.migrations.at(-1)).toMatchObject({ migration: '003_badges', verdict: 'reversible' })
  })

  test('cannot see another tenant', async () => {
    await start(config)
    await project.provision({ slug: 'acme' })
    await project.provision({ slug: 'globex' })
    const globex = await find('globex')
    const acme = await find('acme')
    const { schema, database } = globex.placement
    if (schema !== undefined) {
      await asTenant('acme', database, async (client) => {
        await expect(client.query(`SELECT * FROM "${schema}".clients`)).rejects.toThrow(/permission denied for schema/)
        await expect(client.query(`SET ROLE "${schema}"`)).rejects.toThrow(/permission denied/)
      })
    } else {
      await expect(asTenant('acme', database, async () => {})).rejects.toThrow(/permission denied for database/)
    }
    await asTenant('acme', acme.placement.database, async (client) => {
      const [role] = (
        await client.query(
          'SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls FROM pg_roles WHERE rolname = current_user',
        )
      ).rows
      expect(Object.values(role)).toEqual([false, false, false, false, false])
      await expect(client.query('CREATE ROLE other')).rejects.toThrow(/permission denied/)
    })
  })

  test('what migrations make later is its own, too', async () => {
    await start(config)
    await project.provision({ slug: 'acme' })
    project.write({ 'migrations/003_notes.sql': 'CREATE TABLE notes (id serial PRIMARY KEY, body text);' })
    expect((await project.up()).summary).toMatchObject({ applied: 1 })
    const { placement } = await find('acme')
    await asTenant('acme', placement.database, async (client) => {
      await client.query("INSERT INTO notes (body) VALUES ('x')")
    })
  })
})
