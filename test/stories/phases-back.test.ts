/** A tenant that slept through a change in phases comes back: migrated first, with its data, or not at all. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { makeProject, type Project } from './project.ts'

let app: TestDatabase
let project: Project

beforeAll(async () => {
  app = await freshDatabase('phases_back')
})

afterAll(() => app?.drop())

beforeEach(async () => {
  await app.query(
    ['t_acme', 't_idle'].map((name) => `drop schema if exists ${name} cascade; create schema ${name};`).join(''),
  )
  project = makeProject()
  project.write({ 'migrations/001_init.sql': 'create table person (id int primary key, name text);\n' })
  project.configure({
    servers: { main: { url: app.url } },
    registry: { url: 'sqlite:./registry.db' },
    tenants: { from: 'registry' },
  })
  await project.use(async (tenantry) => {
    await tenantry.registry.migrate()
    for (const slug of ['acme', 'idle'])
      await tenantry.tenants.add(slug, { topology: 'schema', server: 'main', database: app.name, schema: `t_${slug}` })
    expect((await tenantry.up()).summary.applied).toBe(2)
  })
  await app.query("insert into t_idle.person select i, 'Person ' || i from generate_series(1, 50) i")
  await project.use((tenantry) => tenantry.tenants.suspend('idle'))
  project.write({
    'migrations/002_expand.sql':
      '-- tenantry:phase expand of full-name\nalter table person add column full_name text;\n',
    'data-changes/001_names.sql':
      '-- tenantry:data-change table=person key=id\n-- tenantry:phase migrate of full-name\nupdate person set full_name = name where id between :from and :to;\n',
  })
  await project.use(async (tenantry) => {
    await tenantry.up()
    await tenantry.dataChanges.run()
  })
  project.write({
    'migrations/003_contract.sql': '-- tenantry:phase contract of full-name\nalter table person drop column name;\n',
    'migrations/004_later.sql': 'create table later (id int);\n',
  })
  // The one that sleeps holds nobody up.
  expect(await project.use((tenantry) => tenantry.up())).toMatchObject({ ok: true })
})

afterEach(() => project?.remove())

test('its rows are brought over before the contract step takes their column away', async () => {
  const report = await project.use((tenantry) => tenantry.tenants.activate('idle'))
  expect(report).toMatchObject({
    from: 'suspended',
    tenant: { state: 'active' },
    applied: ['002_expand', '003_contract', '004_later'],
    notices: [],
  })
  const [row] = await app.query(
    "select count(*)::int as n, count(*) filter (where full_name = 'Person ' || id)::int as whole from t_idle.person",
  )
  expect(row).toEqual({ n: 50, whole: 50 })
  expect(await project.use((tenantry) => tenantry.phaseStatus())).toMatchObject({
    ok: true,
    changes: [{ state: 'contracted' }],
  })
})

test('one whose data cannot be brought over stays suspended, and keeps its column', async () => {
  await app.query('alter table t_idle.person add check (id <> 7) not valid')
  const failed = project.use((tenantry) => tenantry.tenants.activate('idle'))
  await expect(failed).rejects.toMatchObject({ message: expect.stringContaining('idle was not made active') })
  expect(await app.query('select count(name)::int as n from t_idle.person')).toEqual([{ n: 50 }])
  const { tenant } = await project.use((tenantry) => tenantry.tenants.show('idle'))
  expect(tenant.state).toBe('suspended')
  // Mended, it goes on from where it stopped.
  await app.query('alter table t_idle.person drop constraint person_id_check')
  expect(await project.use((tenantry) => tenantry.tenants.activate('idle'))).toMatchObject({
    tenant: { state: 'active' },
  })
})

test('made active as it is, it is behind, and holds the next contract step up', async () => {
  const report = await project.use((tenantry) => tenantry.tenants.activate('idle', { migrate: false }))
  expect(report.notices).toMatchObject([{ rule: 'tenant-behind' }])
  expect(await project.use((tenantry) => tenantry.up())).toMatchObject({ ok: false, error: { code: 'PHASE_BLOCKED' } })
  expect(await app.query('select count(name)::int as n from t_idle.person')).toEqual([{ n: 50 }])
})

test('one that shares tables with others who are behind takes nothing from them', async () => {
  await app.query('drop schema if exists t_both cascade; create schema t_both')
  const ids = { one: '00000000-0000-4000-8000-000000000001', two: '00000000-0000-4000-8000-000000000002' }
  const place = { topology: 'shared', server: 'main', database: app.name, schema: 't_both' } as const
  rmSync(join(project.dir, 'migrations/003_contract.sql'))
  project.write({
    'migrations/001_init.sql': 'create table person (id int primary key, name text, tenant_id text);\n',
    'migrations/004_later.sql': 'create table later (id int);\n',
    'data-changes/001_names.sql':
      '-- tenantry:data-change table=person key=id\n-- tenantry:phase migrate of full-name\nupdate person set full_name = name where id between :from and :to and tenant_id = :tenant;\n',
  })
  await project.use(async (tenantry) => {
    for (const [slug, id] of Object.entries(ids)) await tenantry.tenants.add(slug, { ...place, id })
    expect(await tenantry.up({ allowChanged: true, selectors: { tenants: ['one', 'two'] } })).toMatchObject({
      ok: true,
    })
    await tenantry.tenants.suspend('one')
    await tenantry.tenants.suspend('two')
  })
  await app.query(
    `insert into t_both.person select i, 'P', case when i % 2 = 0 then '${ids.one}' else '${ids.two}' end from generate_series(1, 50) i`,
  )
  project.write({
    'migrations/005_contract.sql': '-- tenantry:phase contract of full-name\nalter table person drop column name;\n',
  })
  await project.use((tenantry) => tenantry.tenants.activate('one'))
  expect(await app.query('select count(full_name)::int as n from t_both.person')).toEqual([{ n: 50 }])
})
