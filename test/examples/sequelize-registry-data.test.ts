/** What the guide of sequelize-registry promises of rows: the B2B modules, the sample database, and changes in steps. */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sharedServer, type TestDatabase } from '../servers/shared.ts'
import { serve } from './example.ts'
import { historyOf, migration, openFleet, type RegistryFleet, type RegistryTenant, tablesIn } from './registry-fleet.ts'

let fleet: RegistryFleet
let tenants: RegistryTenant[]
let single: TestDatabase

beforeAll(async () => {
  fleet = await openFleet()
  await fleet.example.ok('npm run db:registry-migrate', fleet.shared)
  tenants = [await fleet.addTenant('acme'), await fleet.addTenant('globex')]
  single = await fleet.database('single')
  await fleet.example.ok('npm run db:tenant-migrate', fleet.shared)
  await fleet.example.ok('npm run db:tenant-migrate', fleet.dedicated(single))
})
afterAll(() => fleet?.remove())

const count = async (database: TestDatabase, from: string) =>
  Number((await database.query(`SELECT count(*)::int AS n FROM ${from}`))[0]?.n)

describe('the B2B modules', () => {
  const setup = 'node scripts/setup-b2b-modules-and-superadmin.js'
  const full = `role_modules l JOIN modules m ON m.id = l.module_id JOIN roles r ON r.id = l.role_id
    WHERE r.name = 'SuperAdmin' AND m.position > 100 AND l.can_view AND l.can_create AND l.can_edit AND l.can_delete`

  test('come with the migration, and are linked in every tenant, or in the one that is named', async () => {
    const counts = () => Promise.all(tenants.map(({ database }) => count(database, full)))
    for (const { database } of tenants) expect(await count(database, 'modules WHERE position > 100')).toBe(5)
    expect(await counts()).toEqual([0, 0])
    await fleet.example.ok(`${setup} --tenant-id=${tenants[1]?.id}`, fleet.shared)
    expect(await counts()).toEqual([0, 5])
    await fleet.example.ok(setup, fleet.shared)
    expect(await counts()).toEqual([5, 5])
  })

  test('that somebody deleted or took rights from are put right; other rows stay as they are', async () => {
    await fleet.example.ok(setup, fleet.dedicated(single))
    await single.query(`
      DELETE FROM modules WHERE code = 'invoices';
      UPDATE role_modules SET can_delete = false, can_view = false WHERE module_id = (SELECT id FROM modules WHERE code = 'quotes');
      INSERT INTO modules (code, name, path, position) VALUES ('returns', 'Returns', '/b2b/returns', 90);
      INSERT INTO role_modules (role_id, module_id, can_view) SELECT r.id, m.id, true FROM roles r, modules m
        WHERE r.name = 'Sales' AND m.code = 'quotes'`)
    expect(await count(single, full)).toBe(3)
    await fleet.example.ok(setup, fleet.dedicated(single))
    expect(await count(single, full)).toBe(5)
    expect(await count(single, "modules WHERE code = 'returns'")).toBe(1)
    expect(await count(single, 'role_modules WHERE can_view AND NOT can_edit')).toBe(1)
  })

  test('are not linked to somebody else where there is no SuperAdmin: it is said, and nothing of the links is written', async () => {
    const bare = await fleet.database('no_superadmin')
    const env = fleet.dedicated(bare)
    const early = await fleet.example.run(setup, env)
    expect([early.code, early.stdout]).toEqual([1, expect.stringContaining('modules')])
    await fleet.example.ok('npm run db:migrate', env)
    await bare.query("UPDATE roles SET name = 'Root' WHERE name = 'SuperAdmin'")
    const links = await count(bare, 'role_modules')
    const { code, stdout } = await fleet.example.run(setup, env)
    expect([code, stdout]).toEqual([1, expect.stringContaining('SuperAdmin')])
    expect(await count(bare, 'role_modules')).toBe(links)
  })
})

describe('the sample database', () => {
  const kept = ['units', 'tax_rates', 'roles', 'modules', 'role_modules']
  const emptied = [
    ...['bill_of_materials', 'clients', 'invoices', 'orders', 'products', 'quotes', 'shipments', 'stock_movements'],
  ]

  beforeAll(() =>
    single.query(`
      INSERT INTO users (email, role_id) SELECT 'sales@example.com', id FROM roles WHERE name = 'Sales';
      INSERT INTO users (email, role_id) SELECT n || '@example.com', id FROM roles, (VALUES ('first'), ('second')) v (n)
        WHERE name = 'SuperAdmin';
      INSERT INTO products (sku, name, unit, price) VALUES ('b', 'Bicycle', 'pcs', 300), ('w', 'Wheel', 'pcs', 40);
      INSERT INTO bill_of_materials (product_id, part_id, quantity) VALUES (1, 2, 2);
      INSERT INTO stock_movements (product_id, user_id, quantity) VALUES (1, 1, 5);
      INSERT INTO clients (name) VALUES ('Road Runner');
      INSERT INTO quotes (client_id, total) VALUES (1, 300);
      INSERT INTO orders (client_id, quote_id, total) VALUES (1, 1, 300);
      INSERT INTO shipments (order_id, carrier) VALUES (1, 'Acme Express');
      INSERT INTO invoices (order_id, number, tax, total) VALUES (1, '2026-1', 'full', 357)`),
  )

  const all = async () =>
    Object.fromEntries(
      await Promise.all((await tablesIn(single)).map(async (table) => [table, await count(single, `"${table}"`)])),
    )

  test('is not made before somebody confirms, in production not before it is named; nothing is removed', async () => {
    const before = await all()
    expect(before).toMatchObject({ clients: 1, users: 3, bill_of_materials: 1 })
    const env = fleet.dedicated(single)
    for (const [line, more] of [
      ['npm run prepare-sample-db', {}],
      ['node scripts/prepare-sample-database.js', { CONFIRM_SAMPLE_RESET: '0' }],
      ['npm run prepare-sample-db -- --confirm', { NODE_ENV: 'production' }],
      ['npm run prepare-sample-db -- --confirm --dry-run', {}],
    ] as const) {
      const { code } = await fleet.example.run(line, { ...env, ...more })
      expect([line, code]).toEqual([line, line.endsWith('--dry-run') ? 0 : 2])
    }
    // No database is named: that of the registry, or of a tenant, is not taken for it.
    expect((await fleet.example.run('npm run prepare-sample-db -- --confirm', fleet.shared)).code).toBe(2)
    expect(await all()).toEqual(before)
  })

  test('keeps master data, roles, modules, their links and one SuperAdmin; all else is gone, and can be begun with', async () => {
    const before = await all()
    await fleet.example.ok('npm run prepare-sample-db -- --confirm', fleet.dedicated(single))
    const after = await all()
    for (const table of [...kept, 'SequelizeMeta']) expect([table, after[table]]).toEqual([table, before[table]])
    for (const table of emptied) expect([table, after[table]]).toEqual([table, 0])
    expect(await single.query('SELECT email FROM users')).toEqual([{ email: 'first@example.com' }])
    // Every table is one of these: a new one is not forgotten here.
    expect((await tablesIn(single)).filter((name) => !name.startsWith('tenantry_'))).toEqual(
      [...kept, ...emptied, 'SequelizeMeta', 'users'].sort(),
    )
    for (const table of [...kept, 'users']) expect(await count(single, table)).toBeGreaterThan(0)

    // A new customer's database begins as a copy of it.
    const name = `${single.name}_customer`
    await sharedServer().query(`CREATE DATABASE "${name}" TEMPLATE "${single.name}"`)
    try {
      const env = { ...fleet.dedicated(single), DB_NAME: name }
      expect((await fleet.example.ok('npm run db:migrate', env)).stdout).toContain('1 up-to-date')
      const served = await serve(fleet.example, 'npm start', env)
      const body = JSON.stringify({ name: 'The first one' })
      const added = await fetch(`${served.url}/clients`, { method: 'POST', body })
      expect(await added.json()).toEqual({ id: 1, name: 'The first one' })
      await served.stop()
    } finally {
      await sharedServer().query(`DROP DATABASE "${name}" WITH (FORCE)`)
    }
  })

  test('what is kept is what its document says', () => {
    const document = readFileSync(join(fleet.example.dir, 'docs/sample-database.md'), 'utf8')
    for (const table of [...kept, ...emptied, 'users']) expect(document).toContain(`\`${table}\``)
  })
})

describe('the safe migration rules', () => {
  test('what is allowed is not objected to; what takes something away in one step is, with its place', async () => {
    const file = (n: number) => `migrations/2026030100000${n}-rules.js`
    const files = {
      [file(1)]:
        migration(`await queryInterface.addColumn('clients', 'notes', { type: Sequelize.TEXT, allowNull: true })
    await queryInterface.createTable('contacts', { id: { type: Sequelize.INTEGER, primaryKey: true } })
    await queryInterface.addIndex('contacts', ['id'], { concurrently: true })`),
      [file(2)]: migration("await queryInterface.removeColumn('clients', 'name')"),
      [file(3)]: migration("await queryInterface.renameColumn('clients', 'name', 'title')"),
      [file(4)]: migration("await queryInterface.dropTable('stock_movements')"),
      [file(5)]:
        `// tenantry:ignore drop-table because it was never used\n${migration("await queryInterface.dropTable('units')")}`,
    }
    fleet.example.write(files)
    const { code, stdout } = await fleet.example.run('npm run --silent db:lint -- --json', fleet.shared)
    const { findings } = JSON.parse(stdout) as {
      findings: { rule: string; severity: string; file: string; line: number }[]
    }
    expect(code).toBe(3)
    expect(findings.filter(({ severity, rule }) => severity === 'error' && rule !== 'missing-undo')).toMatchObject([
      { rule: 'drop-column', file: file(2), line: 5 },
      { rule: 'rename-column', file: file(3), line: 5 },
      { rule: 'drop-table', file: file(4), line: 5 },
    ])
    for (const path of Object.keys(files)) rmSync(join(fleet.example.dir, path))
  })
})

describe('a change in steps', () => {
  const change = 'client-title'
  const columns = async ({ database }: RegistryTenant) =>
    (
      await database.query(
        "SELECT column_name AS c FROM information_schema.columns WHERE table_name = 'clients' AND column_name IN ('name', 'title') ORDER BY 1",
      )
    ).map(({ c }) => c)
  const migrate = () => fleet.example.run('npm run db:tenant-migrate', fleet.shared)

  test('no request fails from the first to the last of them, and the last waits for every tenant', {
    timeout: 120_000,
  }, async () => {
    const { example, shared } = fleet
    const [acme, globex] = tenants as [RegistryTenant, RegistryTenant]
    for (const { database } of tenants) await database.query("INSERT INTO clients (name) VALUES ('Road Runner')")
    // (1) Code that supports both old and new schema.
    const old = example.read('src/server.js')
    const both =
      "SELECT id, coalesce(to_jsonb(c) ->> 'title', to_jsonb(c) ->> 'name') AS name FROM clients c ORDER BY id"
    example.write({ 'src/server.js': old.replace("'SELECT id, name FROM clients ORDER BY id'", `\`${both}\``) })
    expect(example.read('src/server.js')).not.toBe(old)
    const served = await serve(example, 'npm start', shared)
    const answers = new Map<string, number>()
    let isOver = false
    const visitor = (async () => {
      while (!isOver) {
        for (const { slug } of [acme, globex]) {
          const response = await fetch(`${served.url}/clients`, { headers: { 'x-tenant': slug } })
          const answer = `${response.status} ${await response.text()}`
          answers.set(answer, (answers.get(answer) ?? 0) + 1)
        }
        await sleep(50)
      }
    })()
    // Where the test fails its server goes away before this is over.
    visitor.catch(() => {})

    // (2) The tenants' migrations, then the data.
    example.write({
      'migrations/20260401000001-add-client-title.js': `// tenantry:phase expand of ${change}\n${migration(
        "await queryInterface.addColumn('clients', 'title', Sequelize.STRING)",
        "await queryInterface.removeColumn('clients', 'title')",
      )}`,
      'data-changes/001_client_title.sql': `-- tenantry:data-change table=clients key=id after=20260401000001-add-client-title
-- tenantry:phase migrate of ${change}
UPDATE clients SET title = name WHERE id BETWEEN :from AND :to AND title IS NULL;
`,
    })
    expect((await migrate()).code).toBe(0)
    expect([await columns(acme), await columns(globex)]).toEqual([
      ['name', 'title'],
      ['name', 'title'],
    ])
    // (4) comes too early for a tenant whose data is not there yet.
    const contract = '20260501000001-drop-client-name'
    example.write({
      [`migrations/${contract}.js`]: `// tenantry:phase contract of ${change}\n${migration(
        "await queryInterface.removeColumn('clients', 'name')",
        "await queryInterface.addColumn('clients', 'name', Sequelize.STRING)",
      )}`,
    })
    await example.ok('npm run db:lint', shared)
    await example.ok('npx tenantry backfill-data run 001_client_title acme', shared)
    const early = await migrate()
    expect([early.code, early.stdout + early.stderr]).toEqual([1, expect.stringContaining('PHASE_BLOCKED')])
    expect(await columns(acme)).toEqual(['name', 'title'])
    const phases = await example.run('npx tenantry phase status', shared)
    expect([phases.code, phases.stdout]).toEqual([3, expect.stringContaining(`/${globex.database.name} (data change`)])
    await example.ok('npx tenantry backfill-data run', shared)

    // (3) Verify: what is there is what the migrations make, and nothing but the last step is open.
    const { user, password, host, port } = sharedServer()
    const SERVER_URL = `postgres://${user}:${password}@${host}:${port}`
    await example.ok('npx tenantry verify', { ...shared, SERVER_URL })
    for (const { database } of tenants) expect(await count(database, 'clients WHERE title IS NULL')).toBe(0)

    // (4) In a later release.
    expect((await migrate()).code).toBe(0)
    expect([await columns(acme), await columns(globex)]).toEqual([['title'], ['title']])
    for (const { database } of tenants) expect(await historyOf(database)).toEqual(fleet.files())
    await example.ok('npx tenantry check', shared)
    isOver = true
    await visitor
    await served.stop()
    expect([...answers.keys()]).toEqual(['200 [{"id":1,"name":"Road Runner"}]'])
    expect(answers.values().next().value).toBeGreaterThan(10)
  })
})
