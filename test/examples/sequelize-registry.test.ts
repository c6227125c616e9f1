/** A registry of tenants with a database each, or one customer: what the guide of this team says, done. */
import { afterAll, beforeAll, expect } from 'vitest'
import type { TestDatabase } from '../servers/shared.ts'
import { describeGuide, serve } from './example.ts'
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
let [acme, globex, initech, asleep, customer]: RegistryTenant[] = []
/** The database of dedicated mode. */
let single: TestDatabase

const b2b = ['clients', 'quotes', 'orders', 'shipments', 'invoices']

beforeAll(async () => {
  fleet = await openFleet()
  single = await fleet.database('single')
})
afterAll(() => fleet?.remove())

describeGuide('sequelize-registry', [
  {
    command: 'npm run db:registry-migrate',
    shows: 'the tables of tenants and usage are in the registry, with a history of their own',
    async check() {
      const { example, registry, shared } = fleet
      for (let run = 0; run < 2; run++) {
        await example.ok('npm run db:registry-migrate', shared)
        expect(await historyOf(registry)).toEqual(fleet.files('registry-migrations'))
        expect(await tablesIn(registry)).toEqual(expect.arrayContaining(['tenants', 'tenant_usage']))
      }
      expect(await tablesIn(registry)).not.toContain('clients')
    },
  },
  {
    command: 'npm run db:tenant-migrate',
    shows: 'every active shared tenant has every migration, made by its own role; no other one is touched',
    async check() {
      acme = await fleet.addTenant('acme')
      globex = await fleet.addTenant('globex')
      initech = await fleet.addTenant('initech')
      asleep = await fleet.addTenant('asleep', { status: 'suspended' })
      customer = await fleet.addTenant('customer', { mode: 'dedicated' })
      const { stdout, stderr } = await fleet.example.ok('npm run db:tenant-migrate', fleet.shared)
      expect(fleet.files()).toContain('20260219000006-add-b2b-modules.js')
      for (const { database, role, password } of [acme, globex, initech]) {
        expect(await historyOf(database)).toEqual(fleet.files())
        const owners = await database.query(
          "SELECT DISTINCT tableowner AS o FROM pg_tables WHERE schemaname = 'public'",
        )
        expect(owners).toEqual([{ o: role }])
        expect(stdout + stderr).not.toContain(password)
      }
      for (const { database } of [asleep, customer]) expect(await tablesIn(database)).toEqual([])
      expect(await historyOf(fleet.registry)).toEqual(fleet.files('registry-migrations'))
    },
  },
  {
    command: 'node scripts/run-tenant-migrations.js --tenant-id=<uuid>',
    shows: 'that tenant alone has what was pending, then the others have it, too',
    async check() {
      const { example, shared } = fleet
      const before = fleet.files()
      example.write({
        'migrations/20260301000001-client-notes.js': migration(
          "await queryInterface.addColumn('clients', 'notes', { type: Sequelize.TEXT })",
          "await queryInterface.removeColumn('clients', 'notes')",
        ),
      })
      await example.ok(`node scripts/run-tenant-migrations.js --tenant-id=${globex?.id}`, shared)
      const now = async () => Promise.all([acme, globex, initech].map((tenant) => tenant && historyOf(tenant.database)))
      expect(await now()).toEqual([before, fleet.files(), before])
      await example.ok('npm run db:tenant-migrate', shared)
      expect(await now()).toEqual([fleet.files(), fleet.files(), fleet.files()])
    },
  },
  {
    command: 'npm run db:migrate',
    shows: 'the one database of DB_* has every migration, and sequelize-cli says so',
    async check() {
      const env = fleet.dedicated(single)
      await fleet.example.ok('npm run db:migrate', env)
      expect(await historyOf(single)).toEqual(fleet.files())
      await expectToolToAgree(fleet.example, env, fleet.files())
    },
  },
  {
    command: ['npm start', 'node src/server.js', 'npm run dev'],
    shows: 'the API serves, and what is pending stays pending',
    async check() {
      const { example, shared } = fleet
      const before = fleet.files()
      example.write({
        'migrations/20260301000002-later.js': migration("await queryInterface.createTable('later', {})"),
      })
      const visit = async (line: string, env: Record<string, string>, headers: Record<string, string> = {}) => {
        const served = await serve(example, line, env)
        const response = await fetch(`${served.url}/clients`, { headers })
        const answer = [response.status, await response.json()]
        await served.stop()
        return answer
      }
      for (const line of ['npm start', 'node src/server.js', 'npm run dev'])
        expect(await visit(line, fleet.dedicated(single))).toEqual([200, []])
      await acme?.database.query("INSERT INTO clients (name) VALUES ('Road Runner')")
      expect(await visit('npm start', shared, { 'x-tenant': 'acme' })).toEqual([200, [{ id: 1, name: 'Road Runner' }]])
      expect(await visit('npm start', shared, { 'x-tenant': 'asleep' })).toMatchObject([403, {}])
      for (const tenant of [single, acme?.database, globex?.database])
        expect(tenant && (await historyOf(tenant))).toEqual(before)
      // Whoever wants it says so: the last words of the guide's sentence.
      await example.ok('npm run db:migrate', fleet.dedicated(single))
      await example.ok('npm run db:tenant-migrate', shared)
      for (const tenant of [single, acme?.database]) expect(tenant && (await historyOf(tenant))).toEqual(fleet.files())
    },
  },
  {
    command: 'node scripts/setup-b2b-modules-and-superadmin.js',
    shows: 'the B2B modules are there and linked to SuperAdmin with full permissions; twice is the same rows',
    async check() {
      const env = fleet.dedicated(single)
      await single.query("DELETE FROM modules WHERE code IN ('quotes', 'orders')")
      const rows = () =>
        single.query(`SELECT m.id, m.code, m.name, l.id AS link, l.can_view AND l.can_create AND l.can_edit AND l.can_delete AS full
          FROM modules m JOIN role_modules l ON l.module_id = m.id JOIN roles r ON r.id = l.role_id
          WHERE r.name = 'SuperAdmin' AND m.position > 100 ORDER BY m.position`)
      expect(await rows()).toEqual([])
      await fleet.example.ok('node scripts/setup-b2b-modules-and-superadmin.js', env)
      const first = await rows()
      expect(first.map(({ code, full }) => [code, full])).toEqual(b2b.map((code) => [code, true]))
      expect(first.map(({ name }) => name)).toEqual(['Clients', 'Quotes', 'Orders', 'Shipments', 'Invoices'])
      await fleet.example.ok('node scripts/setup-b2b-modules-and-superadmin.js', env)
      expect(await rows()).toEqual(first)
      // So they appear in the web's sidebar.
      const served = await serve(fleet.example, 'npm start', env)
      const sidebar = (await (await fetch(`${served.url}/sidebar`)).json()) as { code: string }[]
      await served.stop()
      expect(sidebar.map(({ code }) => code)).toEqual(['dashboard', 'products', 'users', ...b2b])
    },
  },
  {
    command: 'npm run prepare-sample-db -- --confirm',
    shows: 'the default database is a clean sample; tenants of the registry are left alone',
    async check() {
      await single.query("INSERT INTO clients (name) VALUES ('Road Runner')")
      const env = { ...fleet.shared, ...fleet.dedicated(single) }
      await fleet.example.ok('npm run prepare-sample-db -- --confirm', env)
      expect(await single.query('SELECT 1 FROM clients')).toEqual([])
      expect(await single.query('SELECT count(*)::int AS n FROM modules')).toEqual([{ n: 8 }])
      expect(await acme?.database.query('SELECT name FROM clients')).toEqual([{ name: 'Road Runner' }])
    },
  },
  {
    command: 'CONFIRM_SAMPLE_RESET=1 node scripts/prepare-sample-database.js',
    shows: 'the variable confirms, too; nothing else does',
    async check() {
      await single.query("INSERT INTO clients (name) VALUES ('Road Runner')")
      const { DB_HOST, DB_PORT, DB_USER, DB_PASS, DB_NAME } = fleet.dedicated(single)
      const url = `postgres://${DB_USER}:${DB_PASS}@${DB_HOST}:${DB_PORT}/${DB_NAME}`
      const refused = await fleet.example.run('CONFIRM_SAMPLE_RESET= node scripts/prepare-sample-database.js', {
        DATABASE_URL: url,
      })
      expect([refused.code, refused.stderr + refused.stdout]).toEqual([2, expect.stringContaining('CONFIRM')])
      expect(await single.query('SELECT name FROM clients')).toHaveLength(1)
      await fleet.example.ok('CONFIRM_SAMPLE_RESET=1 node scripts/prepare-sample-database.js', { DATABASE_URL: url })
      expect(await single.query('SELECT name FROM clients')).toEqual([])
    },
  },
])
