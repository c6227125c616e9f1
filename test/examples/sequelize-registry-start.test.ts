/** What the guide of sequelize-registry promises of starting: the container migrates first, the pools are the variables'. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestDatabase } from '../servers/shared.ts'
import { serve } from './example.ts'
import { historyOf, migration, openFleet, type RegistryFleet, type RegistryTenant, tablesIn } from './registry-fleet.ts'

let fleet: RegistryFleet
let acme: RegistryTenant
let globex: RegistryTenant
let single: TestDatabase

beforeAll(async () => {
  fleet = await openFleet()
  await fleet.example.ok('npm run db:registry-migrate', fleet.shared)
  ;[acme, globex] = [await fleet.addTenant('acme'), await fleet.addTenant('globex')]
  single = await fleet.database('single')
})
afterAll(() => fleet?.remove())

const entrypoint = './docker-entrypoint.sh'

describe('the container', () => {
  test('migrates the one database of DB_*, then serves', async () => {
    const served = await serve(fleet.example, entrypoint, fleet.dedicated(single))
    expect(await historyOf(single)).toEqual(fleet.files())
    expect(await (await fetch(`${served.url}/clients`)).json()).toEqual([])
    expect(served.output().indexOf('applied')).toBeLessThan(served.output().indexOf('Listening'))
    await served.stop()
  })

  test('migrates every tenant of TENANT_REGISTRY_DB_URL, then serves; the registry has a job of its own', async () => {
    const later = 'registry-migrations/20260401000001-later.js'
    fleet.example.write({ [later]: migration("await queryInterface.createTable('later', { id: Sequelize.INTEGER })") })
    const served = await serve(fleet.example, `${entrypoint} node src/server.js`, fleet.shared)
    for (const { database, slug } of [acme, globex]) {
      expect(await historyOf(database)).toEqual(fleet.files())
      expect((await fetch(`${served.url}/clients`, { headers: { 'x-tenant': slug } })).status).toBe(200)
    }
    await served.stop()
    expect(await tablesIn(fleet.registry)).not.toContain('later')
    rmSync(join(fleet.example.dir, later))
  })

  test('exits with an error where a migration fails, in one tenant of several, too; nothing is served', async () => {
    const file = 'migrations/20260401000002-unique.js'
    fleet.example.write({
      [file]: migration("await queryInterface.addIndex('clients', ['name'], { unique: true, name: 'one_name' })"),
    })
    const before = await historyOf(globex.database)
    for (const database of [single, globex.database])
      await database.query("INSERT INTO clients (name) VALUES ('Twice'), ('Twice')")
    for (const env of [fleet.dedicated(single), fleet.shared]) {
      const { code, stdout, stderr } = await fleet.example.run(entrypoint, { PORT: '0', ...env })
      expect(code).toBe(1)
      expect(stdout + stderr).not.toContain('Listening')
      expect(stdout).toContain('20260401000002-unique')
      expect(stderr).toContain('the server is not started')
    }
    for (const database of [single, globex.database]) expect(await historyOf(database)).toEqual(before)
    // The other tenant was not stopped by it; and the API itself does not look.
    expect(await historyOf(acme.database)).toEqual(fleet.files())
    const served = await serve(fleet.example, 'npm start', fleet.shared)
    expect((await fetch(`${served.url}/clients`, { headers: { 'x-tenant': 'globex' } })).status).toBe(200)
    await served.stop()
    rmSync(join(fleet.example.dir, file))
  })
})

describe('the pools of the server', () => {
  /** Holds a table until it is let go, so that all who ask for it wait. */
  async function hold(database: TestDatabase, table: string): Promise<() => Promise<void>> {
    const client = new pg.Client(database.url)
    await client.connect()
    await client.query(`BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`)
    return () => client.end()
  }

  /** Sessions of the server in a database: they are kept for half a minute after their last use. */
  const sessionsIn = async (database: TestDatabase) => {
    const [row] = await database.query(
      "SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'tenantry'",
    )
    return row?.n
  }

  test.each([
    { DB_POOL_MAX: '2', REGISTRY_DB_POOL_MAX: '1' },
    { DB_POOL_MAX: '4', DB_POOL_MIN: '3', REGISTRY_DB_POOL_MAX: '2' },
  ])('are as large as the variables say: %o', async (pools) => {
    const served = await serve(fleet.example, 'node src/server.js', { ...fleet.shared, ...pools })
    const ask = (tenant: string) => fetch(`${served.url}/clients`, { headers: { 'x-tenant': tenant } })
    const releaseRegistry = await hold(fleet.registry, 'tenants')
    const first = ['acme', 'globex', 'acme', 'globex', 'acme', 'globex'].map(ask)
    await expect.poll(() => sessionsIn(fleet.registry)).toBe(Number(pools.REGISTRY_DB_POOL_MAX))
    await releaseRegistry()
    expect((await Promise.all(first)).map(({ status }) => status)).toEqual(Array(6).fill(200))
    expect(await sessionsIn(fleet.registry)).toBe(Number(pools.REGISTRY_DB_POOL_MAX))

    const releaseTenant = await hold(acme.database, 'clients')
    const many = Array.from({ length: 8 }, () => ask('acme'))
    await expect.poll(() => sessionsIn(acme.database)).toBe(Number(pools.DB_POOL_MAX))
    await releaseTenant()
    expect((await Promise.all(many)).map(({ status }) => status)).toEqual(Array(8).fill(200))
    expect(await sessionsIn(acme.database)).toBe(Number(pools.DB_POOL_MAX))
    await served.stop()
    await expect.poll(() => sessionsIn(acme.database)).toBe(0)
  })
})
