/** What the guide of sequelize-registry promises of its two modes: failures, retries, the tool's own table. */
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestDatabase } from '../servers/shared.ts'
import {
  expectToolToAgree,
  historyOf,
  migration,
  openFleet,
  type RegistryFleet,
  type RegistryTenant,
  tablesIn,
} from './registry-fleet.ts'

let fleet: RegistryFleet
let tenants: RegistryTenant[]

beforeAll(async () => {
  fleet = await openFleet()
  await fleet.example.ok('npm run db:registry-migrate', fleet.shared)
  tenants = []
  for (const slug of ['acme', 'globex', 'initech']) tenants.push(await fleet.addTenant(slug))
  await fleet.example.ok('npm run db:tenant-migrate', fleet.shared)
})
afterAll(() => fleet?.remove())

const histories = () => Promise.all(tenants.map(({ database }) => historyOf(database)))
const without = (...names: string[]) => fleet.files().filter((file) => !names.includes(file))
const migrateTenants = (env: Record<string, string> = {}) =>
  fleet.example.run('node scripts/run-tenant-migrations.js', { ...fleet.shared, ...env })

describe('shared mode', () => {
  test('one tenant that fails stops no other; it is told, the exit code is not zero, and a retry goes on', async () => {
    const [, globex] = tenants
    const [added, unique] = ['20260301000001-client-codes.js', '20260301000002-client-names.js']
    fleet.example.write({
      [`migrations/${added}`]: migration("await queryInterface.addColumn('clients', 'code', Sequelize.STRING)"),
      [`migrations/${unique}`]: migration("await queryInterface.addIndex('clients', ['name'], { unique: true })"),
    })
    await globex?.database.query("INSERT INTO clients (name) VALUES ('Twice'), ('Twice')")
    const { code, stdout, stderr } = await migrateTenants()
    expect(code).toBe(1)
    expect(await histories()).toEqual([fleet.files(), without(unique), fleet.files()])
    expect(stdout).toMatch(/2 applied · ✖ 1 failed/)
    expect(stdout).toContain(globex?.database.name)
    expect(stdout).toContain('20260301000002-client-names')
    expect(stdout).toContain('could not create unique index "clients_name"')
    for (const { password } of tenants) expect(stdout + stderr).not.toContain(password)

    // Still in the way: nothing is done twice, and it fails in the same place.
    expect((await migrateTenants()).code).toBe(1)
    await globex?.database.query("DELETE FROM clients WHERE name = 'Twice'")
    const retried = await migrateTenants()
    expect([retried.code, retried.stdout]).toEqual([0, expect.stringContaining('1 applied · 0 failed · 2 up-to-date')])
    expect(await histories()).toEqual([fleet.files(), fleet.files(), fleet.files()])
  })

  test('a tenant whose database cannot be reached stops no other', async () => {
    const [, globex] = tenants
    const file = '20260302000001-order-notes.js'
    fleet.example.write({
      [`migrations/${file}`]: migration("await queryInterface.addColumn('orders', 'notes', Sequelize.TEXT)"),
    })
    const point = (name: string) =>
      fleet.registry.query('UPDATE tenants SET db_name = $1 WHERE id = $2', [name, globex?.id])
    await point('nowhere')
    const { code, stdout } = await migrateTenants()
    expect([code, stdout]).toEqual([1, expect.stringContaining('nowhere')])
    expect(await histories()).toEqual([fleet.files(), without(file), fleet.files()])
    await point(globex?.database.name ?? '')
    expect((await migrateTenants()).code).toBe(0)
    expect(await histories()).toEqual([fleet.files(), fleet.files(), fleet.files()])
  })

  test('without the key, or with another one, no tenant is touched', async () => {
    const file = '20260303000001-quote-notes.js'
    fleet.example.write({
      [`migrations/${file}`]: migration("await queryInterface.addColumn('quotes', 'notes', Sequelize.TEXT)"),
    })
    for (const key of ['', randomBytes(16).toString('hex')]) {
      const { code, stdout, stderr } = await migrateTenants({ MASTER_ENCRYPTION_KEY: key })
      expect(code).not.toBe(0)
      expect(stdout + stderr).toContain('MASTER_ENCRYPTION_KEY')
      expect(await histories()).toEqual([without(file), without(file), without(file)])
    }
    expect((await migrateTenants()).code).toBe(0)
  })

  test('a tenant that is not there is refused, and none is migrated instead', async () => {
    const file = '20260304000001-shipment-notes.js'
    fleet.example.write({
      [`migrations/${file}`]: migration("await queryInterface.addColumn('shipments', 'notes', Sequelize.TEXT)"),
    })
    const other = await fleet.addTenant('asleep', { status: 'suspended' })
    for (const id of ['00000000-0000-4000-8000-000000000000', other.id]) {
      const { code } = await fleet.example.run(`node scripts/run-tenant-migrations.js --tenant-id=${id}`, fleet.shared)
      expect(code).not.toBe(0)
      expect(await histories()).toEqual([without(file), without(file), without(file)])
      expect(await tablesIn(other.database)).toEqual([])
    }
    expect((await migrateTenants()).code).toBe(0)
  })

  test('a tenant that the table would refuse is told in the words of its command, and is not there', async () => {
    const { code, stderr } = await fleet.example.run('npx tenantry tenants add nameless --database x', {
      ...fleet.shared,
      SERVER_URL: fleet.registry.server.url(),
    })
    expect([code, stderr]).toEqual([2, expect.stringMatching(/company_name.*[\s\S]*--name/)])
    expect(await fleet.registry.query("SELECT 1 FROM tenants WHERE slug = 'nameless'")).toEqual([])
  })

  test('sequelize-cli goes on in a tenant where tenantry is, and the other way round', {
    timeout: 120_000,
  }, async () => {
    const [acme] = tenants
    if (acme === undefined) throw new Error('no tenant')
    const tool = { DATABASE_URL: acme.database.url }
    const file = '20260305000001-by-the-tool.js'
    const make = "await queryInterface.createTable('by_the_tool', { id: Sequelize.INTEGER })"
    fleet.example.write({ [`migrations/${file}`]: migration(make, "await queryInterface.dropTable('by_the_tool')") })
    await fleet.example.ok('npx sequelize-cli db:migrate', tool)
    const { stdout } = await fleet.example.ok('npm run db:tenant-migrate', fleet.shared)
    expect(stdout).toContain('2 applied · 0 failed · 1 up-to-date')
    await fleet.example.ok('npx sequelize-cli db:migrate:undo', tool)
    expect(await historyOf(acme.database)).toEqual(without(file))
    expect(await tablesIn(acme.database)).not.toContain('by_the_tool')
    expect((await migrateTenants()).code).toBe(0)
    expect(await tablesIn(acme.database)).toContain('by_the_tool')
    await expectToolToAgree(fleet.example, tool, fleet.files())
    const registry = `--migrations-path registry-migrations --url ${fleet.registry.url}`
    await expectToolToAgree(fleet.example, {}, fleet.files('registry-migrations'), registry)
  })
})

describe('retries', () => {
  const file = '20260306000001-slow.js'

  test('of a run that was killed are safe: what it left half-done is not there, and comes once', async () => {
    fleet.example.write({
      [`migrations/${file}`]: migration(`await queryInterface.createTable('slow', { id: Sequelize.INTEGER })
    await queryInterface.sequelize.query('INSERT INTO slow VALUES (1)')
    await queryInterface.sequelize.query('SELECT pg_sleep(2)')`),
    })
    const killed = fleet.example.start('node scripts/run-tenant-migrations.js', fleet.shared)
    const ended = new Promise((resolve) => killed.once('close', resolve))
    const sleeping = async () => {
      const names = tenants.map(({ database }) => `'${database.name}'`).join(', ')
      const rows = await fleet.registry.query(
        `SELECT 1 FROM pg_stat_activity WHERE datname IN (${names}) AND query LIKE '%pg_sleep%' AND state = 'active'`,
      )
      return rows.length
    }
    await expect.poll(sleeping, { timeout: 30_000 }).toBeGreaterThan(0)
    if (killed.pid !== undefined) process.kill(-killed.pid, 'SIGKILL')
    await ended
    const runs = await Promise.all([migrateTenants(), migrateTenants()])
    expect(runs.map(({ code }) => code)).toEqual([0, 0])
    expect(await histories()).toEqual([fleet.files(), fleet.files(), fleet.files()])
    for (const { database } of tenants) expect(await database.query('SELECT id FROM slow')).toEqual([{ id: 1 }])
  })
})

describe('dedicated mode', () => {
  let single: TestDatabase
  const urlOf = () => ({ DATABASE_URL: single.url })

  beforeAll(async () => {
    single = await fleet.database('my-single')
  })

  test('db:tenant-migrate runs once against the database of DB_*, and of no registry', async () => {
    const { stdout } = await fleet.example.ok('npm run db:tenant-migrate', fleet.dedicated(single))
    expect(stdout).toContain('Found 1 target')
    expect(await historyOf(single)).toEqual(fleet.files())
    await expectToolToAgree(fleet.example, fleet.dedicated(single), fleet.files())
  })

  test('DATABASE_URL is the same database; both commands agree on what it has', async () => {
    const file = '20260307000001-more.js'
    fleet.example.write({
      [`migrations/${file}`]: migration("await queryInterface.createTable('more', { id: Sequelize.INTEGER })"),
    })
    await fleet.example.ok('npm run db:migrate', urlOf())
    expect(await historyOf(single)).toEqual(fleet.files())
    const { stdout } = await fleet.example.ok('npm run db:tenant-migrate', urlOf())
    expect(stdout).toContain('1 up-to-date')
  })

  test('db:migrate is about the one database, also where a registry is set', async () => {
    const before = await histories()
    await fleet.example.ok('npm run db:migrate', { ...fleet.shared, ...urlOf() })
    expect(await histories()).toEqual(before)
  })

  test('pool variables change nothing of migrations, whatever they say', async () => {
    const file = '20260308000001-pools.js'
    // One session runs it; how many others there are is seen from it.
    fleet.example.write({
      [`migrations/${file}`]: migration(`await queryInterface.sequelize.query(\`CREATE TABLE seen AS
      SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'tenantry%'\`)`),
    })
    const pools = { DB_POOL_MAX: '50', DB_POOL_MIN: '20' }
    await fleet.example.ok('npm run db:migrate', { ...urlOf(), ...pools })
    const small = { DB_POOL_MAX: '1', REGISTRY_DB_POOL_MAX: '1' }
    await fleet.example.ok(`node scripts/run-tenant-migrations.js --tenant ${tenants[0]?.slug}`, {
      ...fleet.shared,
      ...small,
    })
    const nonsense = await migrateTenants({ DB_POOL_MAX: 'many', DB_POOL_MIN: '-1', REGISTRY_DB_POOL_MAX: 'none' })
    expect([nonsense.code, nonsense.stderr]).toEqual([0, expect.stringContaining('REGISTRY_DB_POOL_MAX')])
    for (const database of [single, ...tenants.map(({ database }) => database)]) {
      expect(await database.query('SELECT n FROM seen')).toEqual([{ n: 1 }])
      expect(await historyOf(database)).toEqual(fleet.files())
    }
    rmSync(join(fleet.example.dir, 'migrations', file))
  })
})
