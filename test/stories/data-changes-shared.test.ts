/** Data changes where tenants share tables: tenant by tenant, and under row-level security that is forced on the role. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { DataChangeReport, DataChangeRunOptions } from '../../src/model/data-change.ts'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { makeProject, type Project } from './project.ts'

let database: TestDatabase
let project: Project
let role: string

const ids = { acme: '00000000-0000-0000-0000-00000000000a', globex: '00000000-0000-0000-0000-00000000000b' }
const change = (more = '', where = ' AND tenant_id = :tenant') =>
  `-- tenantry:data-change table=orders key=id ${more}\nUPDATE orders SET n = n + 1 WHERE id BETWEEN :from AND :to${where};`

beforeEach(async () => {
  database = await freshDatabase('data_shared')
  role = `owner_${database.name}`
  project = makeProject()
  project.write({
    'migrations/001_orders.sql': `CREATE TABLE orders (id serial PRIMARY KEY, tenant_id uuid NOT NULL, n int NOT NULL DEFAULT 0);
CREATE INDEX ON orders (tenant_id, id);`,
    'data-changes/001_count.sql': change(),
  })
  await database.query(
    `CREATE ROLE "${role}" LOGIN PASSWORD 'x'; GRANT ALL ON SCHEMA public TO "${role}"; GRANT CREATE ON DATABASE "${database.name}" TO "${role}"`,
  )
  configure()
  expect((await project.up()).ok).toBe(true)
  await database.query(
    `INSERT INTO orders (tenant_id) SELECT CASE WHEN i % 3 = 0 THEN '${ids.acme}' ELSE '${ids.globex}' END::uuid FROM generate_series(1, 3000) i; ANALYZE orders`,
  )
})
afterEach(async () => {
  project?.remove()
  await database?.drop()
  await database?.server.query(`DROP ROLE IF EXISTS "${role}"`)
})

/** As the role that owns the tables and is no superuser. */
function configure(more: Record<string, unknown> = {}): void {
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
    ...more,
  })
}
const run = (options: DataChangeRunOptions = {}): Promise<DataChangeReport> =>
  project.use((tenantry) => tenantry.dataChanges.run(options))
/** `acme 1 1000`: tenant, how often changed, rows. */
const counts = async () =>
  (await database.query(`SELECT tenant_id, n, count(*)::int AS rows FROM orders GROUP BY 1, 2 ORDER BY 1, 2`)).map(
    ({ tenant_id, n, rows }) => `${tenant_id === ids.acme ? 'acme' : 'globex'} ${n} ${rows}`,
  )
const force = (policy = `tenant_id = current_setting('app.tenant_id', true)::uuid`) =>
  database.query(
    `ALTER TABLE orders ENABLE ROW LEVEL SECURITY; ALTER TABLE orders FORCE ROW LEVEL SECURITY; CREATE POLICY own ON orders USING (${policy})`,
  )

test('each tenant has its own cursor, and one of them may be selected', async () => {
  expect(await run({ dryRun: true })).toMatchObject({
    targets: [
      { tenant: 'acme', rowsLeft: 1000 },
      { tenant: 'globex', rowsLeft: 2000 },
    ],
  })
  const one = await run({ selectors: { tenants: ['acme'] } })
  expect(one.targets.flatMap(({ error }) => error ?? [])).toEqual([])
  expect(one).toMatchObject({ ok: true, targets: [{ tenant: 'acme', state: 'done', rowsDone: 1000 }] })
  expect(await counts()).toEqual(['acme 1 1000', 'globex 0 2000'])
  const ran = await project.run(['backfill-data', 'status'])
  expect(ran.stdout).toMatch(/for acme +done/)
  expect(ran.stdout).toMatch(/for globex +pending/)
  expect(await run()).toMatchObject({ ok: true, summary: { done: 2 } })
  expect(await counts()).toEqual(['acme 1 1000', 'globex 1 2000'])
})

test('who is suspended and shares the tables is walked with the others, and waited for by a contract step', async () => {
  const fleet = (globex: string) =>
    configure({
      tenants: Object.entries(ids).map(([slug, id]) => ({
        ...{ slug, id, topology: 'shared', server: 'main', database: database.name },
        state: slug === 'globex' ? globex : 'active',
      })),
    })
  project.write({
    'data-changes/001_count.sql': `-- tenantry:phase migrate of counts\n${change()}`,
    'migrations/002_contract.sql': '-- tenantry:phase contract of counts\nALTER TABLE orders ADD COLUMN after int;',
  })
  fleet('suspended')
  expect(await run({ selectors: { tenants: ['acme'] } })).toMatchObject({ ok: true, summary: { done: 1 } })
  expect(await project.up()).toMatchObject({ ok: false, error: { code: 'PHASE_BLOCKED' } })
  expect((await project.run(['backfill-data', 'status'])).stdout).toMatch(/for globex +pending/)
  expect(await run()).toMatchObject({ ok: true, summary: { done: 2 } })
  expect(await counts()).toEqual(['acme 1 1000', 'globex 1 2000'])
  expect(await project.up()).toMatchObject({ ok: true })
  fleet('removing')
  expect((await run()).targets.map(({ tenant }) => tenant)).toEqual(['acme'])
})

test('a statement that would change other tenants’ rows is refused, and so are all rows for one tenant', async () => {
  project.write({ 'data-changes/001_count.sql': change('', '') })
  expect((await run()).targets.map(({ error }) => error?.code)).toEqual(['DATA_CHANGE_REFUSED', 'DATA_CHANGE_REFUSED'])
  project.write({ 'data-changes/001_count.sql': change('scope=target', '') })
  await expect(run({ selectors: { tenants: ['acme'] } })).rejects.toMatchObject({ code: 'SHARED_TARGET' })
  expect(await counts()).toEqual(['acme 0 1000', 'globex 0 2000'])
  expect(await run()).toMatchObject({ ok: true, targets: [{ tenant: null, rowsDone: 3000 }] })
  expect(await counts()).toEqual(['acme 1 1000', 'globex 1 2000'])
})

test('under forced row-level security every tenant’s rows are reached', async () => {
  await force()
  const report = await run()
  expect(report.targets.flatMap(({ error }) => error ?? [])).toEqual([])
  expect(report).toMatchObject({
    ok: true,
    targets: [
      { tenant: 'acme', rowsDone: 1000 },
      { tenant: 'globex', rowsDone: 2000 },
    ],
  })
  expect(await counts()).toEqual(['acme 1 1000', 'globex 1 2000'])
})

test('without a tenant it is refused there, instead of passing rows over', async () => {
  await force()
  project.write({ 'data-changes/001_count.sql': change('scope=target', '') })
  const report = await run()
  expect(report.targets[0]).toMatchObject({ state: 'failed', error: { code: 'DATA_CHANGE_REFUSED' } })
  expect(report.targets[0]?.error?.message).toContain('rows would be passed over in silence')
  expect(await counts()).toEqual(['acme 0 1000', 'globex 0 2000'])
})

test('a table that the batch only reads may not hide rows either', async () => {
  await database.query(
    `CREATE TABLE rates (tenant_id uuid, rate int); INSERT INTO rates SELECT unnest(ARRAY['${ids.acme}', '${ids.globex}']::uuid[]), 1; ALTER TABLE rates OWNER TO "${role}"`,
  )
  await force()
  await database.query(
    `ALTER TABLE orders DISABLE ROW LEVEL SECURITY; ALTER TABLE rates ENABLE ROW LEVEL SECURITY; ALTER TABLE rates FORCE ROW LEVEL SECURITY`,
  )
  project.write({
    'data-changes/001_count.sql':
      '-- tenantry:data-change table=orders key=id scope=target\nUPDATE orders o SET n = n + (SELECT r.rate FROM rates r WHERE r.tenant_id = o.tenant_id) WHERE id BETWEEN :from AND :to',
  })
  const report = await run()
  expect(report.targets[0]).toMatchObject({
    state: 'failed',
    error: { code: 'DATA_CHANGE_FAILED', context: { sqlstate: '42501' } },
  })
  expect(await counts()).toEqual(['acme 0 1000', 'globex 0 2000'])
})

test('policies that read another setting are named, and the config can say which', async () => {
  await force(`tenant_id = current_setting('my.org', true)::uuid`)
  const report = await run()
  expect(report.targets[0]?.error?.message).toContain(
    'the policies of orders read my.org, and app.tenant_id is what would be set',
  )
  configure({ sharedTables: { setting: 'my.org' } })
  expect(await run()).toMatchObject({ ok: true, summary: { done: 2, rows: 3000 } })
  expect(await counts()).toEqual(['acme 1 1000', 'globex 1 2000'])
})

test('where policies cannot be read, a tenant without any row seen is told of', async () => {
  await database.query(
    `CREATE FUNCTION org() RETURNS uuid LANGUAGE sql STABLE AS $$ SELECT nullif(current_setting('my.org', true), '')::uuid $$`,
  )
  await force('tenant_id = org()')
  const report = await run()
  expect(report.notices.filter(({ rule }) => rule === 'no-rows-seen')).toHaveLength(2)
  expect(await counts()).toEqual(['acme 0 1000', 'globex 0 2000'])
})

test('one tenant that fails stops no other', async () => {
  await database.query(`ALTER TABLE orders ADD CHECK (n = 0 OR tenant_id <> '${ids.acme}')`)
  const report = await run()
  expect(report.targets.map(({ tenant, state }) => [tenant, state])).toEqual([
    ['acme', 'failed'],
    ['globex', 'done'],
  ])
  expect(report.targets[0]?.error?.message).toContain('for tenant acme')
  expect(await counts()).toEqual(['acme 0 1000', 'globex 1 2000'])
})

test('finding a small tenant’s rows in a large table takes longer than a batch may, and goes on', async () => {
  await database.query(`DROP INDEX orders_tenant_id_id_idx;
    INSERT INTO orders (tenant_id) SELECT '${ids.globex}' FROM generate_series(1, 400000); INSERT INTO orders (tenant_id) SELECT '${ids.acme}' FROM generate_series(1, 5)`)
  project.write({ 'data-changes/001_count.sql': change('chunk-ms=10') })
  const report = await run({ selectors: { tenants: ['acme'] } })
  expect(report.targets.flatMap(({ error }) => error ?? [])).toEqual([])
  expect(report).toMatchObject({ ok: true, targets: [{ rowsDone: 1005 }] })
  expect((await counts()).slice(0, 1)).toEqual(['acme 1 1005'])
})
