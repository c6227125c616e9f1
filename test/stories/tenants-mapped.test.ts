/** The registry's tenants where they are rows of a team's own table, which is never altered. */
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freshDatabase, sharedServer, type TestDatabase } from '../servers/shared.ts'
import { makeProvisionProject, type ProvisionProject } from './provision-project.ts'
import { twoMigrations } from './tenants-project.ts'

let registry: TestDatabase
let target: TestDatabase
let project: ProvisionProject
const theirs = randomUUID()

beforeEach(async () => {
  registry = await freshDatabase('team')
  target = await freshDatabase('acme')
  await registry.query(`
    create table tenants (id uuid primary key, slug varchar(100) not null unique, company_name varchar(255),
      mode varchar(20) not null default 'shared', status varchar(20) not null default 'ACTIVE', db_name varchar(100),
      plan varchar(20), created_at timestamptz not null default now(), updated_at timestamptz not null default now());
    insert into tenants (id, slug, company_name, db_name, plan) values ('${theirs}', 'acme', 'Acme', '${target.name}', 'gold');
    insert into tenants (id, slug, mode, db_name) values ('${randomUUID()}', 'own-server', 'dedicated', 'elsewhere')`)
  const columns = {
    id: 'id',
    slug: 'slug',
    name: 'company_name',
    topology: 'mode',
    state: 'status',
    database: 'db_name',
    createdAt: 'created_at',
    updatedAt: 'updated_at',
  }
  const values = {
    topology: { shared: 'database', dedicated: null },
    state: { ACTIVE: 'active', SUSPENDED: 'suspended', DELETED: 'archived' },
  }
  const tenants = { table: 'tenants', columns, labels: { plan: 'plan' }, values, defaults: { server: 'main' } }
  project = await makeProvisionProject(
    { main: { url: sharedServer().url() } },
    registry.url,
    `registry: ${JSON.stringify({ url: registry.url, tenants })}`,
    twoMigrations,
  )
})
afterEach(async () => {
  project?.remove()
  await target?.drop()
  await registry?.drop()
})

const json = async (...argv: string[]) => {
  const { stdout, code } = await project.run([...argv, '--json'], { ...project.env, TENANTRY_ACTOR: 'ada' })
  return { ...JSON.parse(stdout), code }
}
const shape = () =>
  registry.query(
    `select string_agg(column_name || ' ' || data_type || ' ' || is_nullable, ', ' order by ordinal_position) as shape
     from information_schema.columns where table_name = 'tenants' and table_schema = 'public'`,
  )
const statusOf = async (slug: string) =>
  (await registry.query('select status from tenants where slug = $1', [slug]))[0]?.status

test('their words are written, and their table stays as it is', async () => {
  const before = await shape()
  expect((await json('tenants', 'list')).tenants).toMatchObject([
    { id: theirs, slug: 'acme', state: 'active', target: `main/${target.name}`, labels: { plan: 'gold' } },
  ])
  for (const [command, status] of [
    ['suspend', 'SUSPENDED'],
    ['activate', 'ACTIVE'],
    ['archive', 'DELETED'],
  ] as const) {
    const asItIs = command === 'activate' ? ['--no-migrate'] : []
    expect((await json('tenants', command, 'acme', ...asItIs)).code).toBe(0)
    expect(await statusOf('acme')).toBe(status)
  }
  expect((await json('tenants', 'activate', theirs, '--no-migrate')).notices).toMatchObject([{ rule: 'tenant-behind' }])
  expect((await json('up', 'acme')).summary.applied).toBe(1)
  const shown = await json('tenants', 'show', 'acme')
  expect(shown).toMatchObject({ credential: { kind: 'none' }, migrations: [{ applied: 2, pending: [] }] })
  expect(shown.audit.map(({ actor, from, to }: Record<string, string>) => `${actor} ${from} ${to}`)).toEqual([
    'ada active suspended',
    'ada suspended active',
    'ada active archived',
    'ada archived active',
  ])
  expect(await shape()).toEqual(before)
}, 60_000)

test('import writes rows of theirs, all or none; what their table has no word for is refused before', async () => {
  const before = await shape()
  writeFileSync(
    join(project.dir, 'bad.csv'),
    `slug,database,label.plan\nbolt,bolt_db,gold\nacme,other,basic\nother,${target.name},basic\n`,
  )
  const refused = await json('tenants', 'import', 'bad.csv')
  expect(refused).toMatchObject({ code: 2, error: { code: 'TENANT_INVALID' } })
  expect(refused.error.context.problems.map(({ line }: { line: number }) => line)).toEqual([3, 4])
  expect(await registry.query('select 1 from tenants')).toHaveLength(2)
  writeFileSync(
    join(project.dir, 'good.csv'),
    'slug,database,name,label.plan,state\nbolt,bolt_db,"Bolt, Ltd",gold,suspended\n',
  )
  expect(await json('tenants', 'import', 'good.csv')).toMatchObject({ code: 0, tenants: 1 })
  expect(
    await registry.query("select company_name, mode, status, db_name, plan from tenants where slug = 'bolt'"),
  ).toEqual([{ company_name: 'Bolt, Ltd', mode: 'shared', status: 'SUSPENDED', db_name: 'bolt_db', plan: 'gold' }])
  expect(await shape()).toEqual(before)
}, 60_000)

test('a database that rows of others name, too, is not dropped', async () => {
  const other = randomUUID()
  await registry.query(
    `insert into tenants (id, slug, mode, db_name) values ('${other}', 'beside', 'dedicated', '${target.name}')`,
  )
  const refused = await json('tenants', 'remove', 'acme', '--drop-data', '--yes', 'acme')
  expect(refused).toMatchObject({ error: { code: 'SHARED_TARGET', context: { rows: [other] } } })
  expect(
    await sharedServer().query('select 1 from pg_database where datname = $1', undefined, [target.name]),
  ).toHaveLength(1)
}, 60_000)

test('dropped for good: their database and their row are gone, the other rows are not', async () => {
  const gone = await json('tenants', 'remove', 'acme', '--drop-data', '--yes', 'acme')
  expect(gone).toMatchObject({ code: 0, result: 'dropped', dropped: { place: `database main/${target.name}` } })
  expect(await sharedServer().query('select 1 from pg_database where datname = $1', undefined, [target.name])).toEqual(
    [],
  )
  expect((await json('tenants', 'list')).tenants).toEqual([])
  expect(await registry.query("select slug from tenants where slug = 'own-server'")).toHaveLength(1)
}, 60_000)
