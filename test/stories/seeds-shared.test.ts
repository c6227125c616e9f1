/** Seeds where tenants share tables, and in tenants that are being made. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { SeedOptions, SeedReport } from '../../src/model/seed.ts'
import { freshDatabase, sharedServer, type TestDatabase } from '../servers/shared.ts'
import { makeProject, type Project } from './project.ts'
import { makeProvisionProject, type ProvisionProject } from './provision-project.ts'

const errorsOf = (report: SeedReport) => report.targets.flatMap(({ error }) => error ?? [])

describe('tenants of one target', () => {
  let database: TestDatabase
  let project: Project
  let role: string
  const ids = { acme: '00000000-0000-0000-0000-00000000000a', globex: '00000000-0000-0000-0000-00000000000b' }
  const seed = (options: SeedOptions = {}): Promise<SeedReport> => project.use((tenantry) => tenantry.seed(options))

  beforeEach(async () => {
    database = await freshDatabase('seeds_shared')
    role = `owner_${database.name}`
    project = makeProject()
    project.write({
      'migrations/001_tables.sql': `CREATE TABLE roles (id serial PRIMARY KEY, tenant_id uuid NOT NULL, name text NOT NULL, label text, UNIQUE (tenant_id, name));
CREATE TABLE settings (tenant_id uuid NOT NULL, role_id int NOT NULL REFERENCES roles (id), value text, PRIMARY KEY (tenant_id, role_id));
CREATE TABLE countries (code text PRIMARY KEY, label text);
ALTER TABLE roles ENABLE ROW LEVEL SECURITY; ALTER TABLE roles FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON roles USING (tenant_id = current_setting('app.tenant_id', true)::uuid);`,
      'seeds/010_roles.json': JSON.stringify({
        key: 'name',
        rows: [
          { name: 'Admin', label: '{tenant.slug}' },
          { name: 'Member', label: 'x' },
        ],
      }),
      'seeds/020_settings.json': JSON.stringify({
        key: 'role_id',
        rows: [{ role_id: { ref: 'roles', by: { name: 'Admin' } }, value: 'v' }],
      }),
      'seeds/030_countries.csv': 'code*,label\nAT,Austria\nSI,Slovenia\n',
      'seeds/040_own.sql': 'UPDATE settings SET value = :tenant_slug WHERE tenant_id = :tenant;',
    })
    await database.query(
      `CREATE ROLE "${role}" LOGIN PASSWORD 'x'; GRANT ALL ON SCHEMA public TO "${role}"; GRANT CREATE ON DATABASE "${database.name}" TO "${role}"`,
    )
    const url = new URL(database.url)
    url.username = role
    url.password = 'x'
    project.configure({
      servers: { main: { url: url.href } },
      tenants: Object.entries(ids).map(([slug, id]) => ({
        slug,
        id,
        topology: 'shared',
        server: 'main',
        database: database.name,
      })),
    })
    expect((await project.up()).ok).toBe(true)
  })
  afterEach(async () => {
    project?.remove()
    await database?.drop()
    await database?.server.query(`DROP ROLE IF EXISTS "${role}"`)
  })

  test('each has its own rows, under the policies of the tables; what is for all is there once', async () => {
    const one = await seed({ selectors: { tenants: ['acme'] } })
    expect(errorsOf(one)).toEqual([])
    expect(one.targets[0]?.seeds.map(({ seed: name, tenant, inserted }) => `${name} ${tenant} ${inserted}`)).toEqual([
      '010_roles.json acme 2',
      '020_settings.json acme 1',
      '030_countries.csv null 2',
      '040_own.sql acme 0',
    ])
    const all = await seed()
    expect(errorsOf(all)).toEqual([])
    // What other SQL changed is an edit like any other.
    expect(all.summary).toMatchObject({ inserted: 3, unchanged: 4, kept: 1 })
    const rows = await database.query(
      'SELECT r.tenant_id, r.name, r.label, s.value FROM roles r LEFT JOIN settings s ON s.role_id = r.id AND s.tenant_id = r.tenant_id ORDER BY 1, 2',
    )
    expect(rows).toEqual([
      { tenant_id: ids.acme, name: 'Admin', label: 'acme', value: 'acme' },
      { tenant_id: ids.acme, name: 'Member', label: 'x', value: null },
      { tenant_id: ids.globex, name: 'Admin', label: 'globex', value: 'globex' },
      { tenant_id: ids.globex, name: 'Member', label: 'x', value: null },
    ])
    await database.query("UPDATE roles SET label = 'mine' WHERE label = 'globex'")
    project.write({ 'seeds/020_settings.json': JSON.stringify({ key: 'role_id', rows: [] }) })
    const again = await seed()
    expect(errorsOf(again)).toEqual([])
    expect(again.summary).toMatchObject({ inserted: 0, updated: 0, kept: 1, removed: 2 })
    expect(await seed({ dryRun: true })).toMatchObject({ ok: true, summary: { upToDate: 1 } })
  })
})

describe('a tenant that is being made', () => {
  let app: TestDatabase
  let registry: TestDatabase
  let project: ProvisionProject

  beforeEach(async () => {
    app = await freshDatabase('seeds_made')
    registry = await freshDatabase('seeds_registry')
  })
  afterEach(async () => {
    for await (const { placement } of project.registry.tenants.list())
      if (placement.schema === undefined)
        await sharedServer().query(`DROP DATABASE IF EXISTS "${placement.database}" WITH (FORCE)`)
    project?.remove()
    await app?.drop()
    await registry?.drop()
  })
  const start = async (topology: string, seeds: Record<string, string>) => {
    project = await makeProvisionProject(
      { main: { url: app.url } },
      registry.url,
      `scratch: { server: 'main' }, environments: { production: {} }, provision: { topology: '${topology}', firstRows: async ({ query }) => {
        const rows = await query('SELECT label FROM roles ORDER BY name')
        await query("INSERT INTO notes (note) VALUES ('" + rows.map(({ label }) => label).join(' ') + "')")
      } },`,
      {
        'migrations/001_roles.sql':
          'CREATE TABLE roles (name text PRIMARY KEY, label text); CREATE TABLE notes (note text);',
        ...seeds,
      },
    )
  }
  const rolesFile = JSON.stringify({
    key: 'name',
    rows: [
      { name: 'Owner', label: '{tenant.slug}' },
      { name: 'Admin', label: 'a' },
    ],
  })

  test.each(['schema', 'database'])(
    'in a %s of its own has its seeds before its first rows, and is what it should be',
    async (topology) => {
      await start(topology, { 'seeds/010_roles.json': rolesFile, 'seeds/production/020.json': '{ not json' })
      const report = await project.provision({ slug: 'acme' })
      expect(report).toMatchObject({ ok: true, made: true, verified: true, tenant: { state: 'active' } })
      const note = await project.open(async (tenantry) =>
        (await tenantry.connectionFor('acme')).query('SELECT note FROM notes'),
      )
      expect(note).toEqual([{ note: 'a acme' }])
      const again = await project.open((tenantry) => tenantry.seed())
      expect(errorsOf(again)).toEqual([])
      expect(again.summary).toMatchObject({ upToDate: 1, unchanged: 2 })
      expect(await project.open((tenantry) => tenantry.drift())).toMatchObject({ ok: true })
    },
  )

  test('is not active while a seed fails, and goes on once that is mended', async () => {
    await start('schema', { 'seeds/010_roles.json': rolesFile.replace('"label":"a"', '"lable":"a"') })
    const failed = await project.provision({ slug: 'acme' }).catch((error: unknown) => error)
    expect(failed).toMatchObject({
      code: 'SEED_REFUSED',
      context: { step: 'seed', tenant: 'acme', file: 'seeds/010_roles.json' },
    })
    expect((await project.registry.tenants.find('acme'))?.state).toBe('failed')
    project.write({ 'seeds/010_roles.json': rolesFile })
    expect(await project.provision({ slug: 'acme' })).toMatchObject({
      ok: true,
      tenant: { state: 'active' },
      verified: true,
    })
    const rows = await project.open(async (tenantry) =>
      (await tenantry.connectionFor('acme')).query('SELECT name FROM roles ORDER BY 1'),
    )
    expect(rows).toEqual([{ name: 'Admin' }, { name: 'Owner' }])
  })
})
