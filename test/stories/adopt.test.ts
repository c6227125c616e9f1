/** `adopt` shows what is there, in every target, before anybody believes it. */
import { existsSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { AdoptedTarget } from '../../src/model/report.ts'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { freshMariadb, withMariadb } from '../servers/shared-mariadb.ts'
import { withNative } from './knex-native.ts'
import { createSchemas, makeProject, type Project, schemaTenants } from './project.ts'

let database: TestDatabase
let project: Project

beforeAll(async () => {
  database = await freshDatabase('adopt')
})
afterAll(() => database?.drop())
beforeEach(async () => {
  await database.query('DROP SCHEMA IF EXISTS t_1, t_2, t_3, t_4, t_5 CASCADE')
  project = makeProject()
})
afterEach(() => project?.remove())

const tables = async () =>
  (
    await database.query(
      "select schemaname || '.' || tablename as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema') order by 1",
    )
  ).map(({ name }) => name)
const adopt = () => project.use((tenantry) => tenantry.adopt())
const targetsOf = async (): Promise<readonly AdoptedTarget[]> => (await adopt()).sets[0]?.targets ?? []

const history = (schema: string, ...versions: string[]) =>
  database.query(`create table ${schema}.schema_migrations (id serial primary key, version text not null);
    insert into ${schema}.schema_migrations (version) select unnest(array[${versions.map((one) => `'${one}'`).join(', ')}]::text[])`)

test('each target says what its history means with these files, and nothing is changed', async () => {
  await database.query(createSchemas(5))
  project.configure({ servers: { main: { url: database.url } }, tenants: schemaTenants(5, database.name) })
  project.write({
    'migrations/001_users.sql': 'create table users (id int);\n',
    'migrations/002_orders.sql': 'create table orders (id int);\n',
  })
  await history('t_1', '001_users', '002_orders')
  await history('t_2', '001_Users.SQL', '002_orders', '002_orders')
  await history('t_3', '001_users', '000_lost')
  await database.query('create table t_4.users (id int)')
  const before = await tables()
  const report = await adopt()
  expect(report).toMatchObject({ command: 'adopt', ok: false, written: false })
  expect(report.sets).toMatchObject([
    {
      set: 'tenant',
      format: 'sql',
      migrations: 2,
      history: { kind: 'schema_migrations', table: 'schema_migrations' },
      tables: [{ table: 'schema_migrations', targets: 3 }],
    },
  ])
  const nothing = { missing: [], failed: [], odd: [], changed: [], unexplained: [], error: null }
  expect(report.sets[0]?.targets).toMatchObject([
    { ...nothing, tenants: ['t1'], hasHistory: true, applied: 2, pending: [] },
    {
      ...nothing,
      hasHistory: true,
      applied: 1,
      pending: ['001_users'],
      odd: ['001_Users.SQL (the file is 001_users.sql)', '002_orders is recorded 2 times'],
    },
    { ...nothing, applied: 1, pending: ['002_orders'], missing: ['000_lost'] },
    { ...nothing, hasHistory: false, applied: 0, unexplained: ['table users is there'] },
    { ...nothing, hasHistory: false, pending: ['001_users', '002_orders'] },
  ])
  expect(report.notices).toMatchObject([{ rule: 'no-history', message: expect.stringContaining('2 of 5 targets') }])
  const shown = await project.run(['adopt'])
  expect(shown.code).toBe(3)
  expect(shown.stdout).toContain('Set tenant: 2 migrations, SQL files in migrations')
  expect(shown.stdout).toContain('history: schema_migrations, in 3 of 5 targets')
  expect(shown.stdout).toContain('no history explains it: table users is there')
  expect(shown.stdout).toContain('`tenantry baseline --to <migration>`')
  expect(await tables()).toEqual(before)
  expect(existsSync(join(project.dir, '.tenantry'))).toBe(false)
})

test('a fleet in order ends with 0, in a few lines however large it is', async () => {
  await database.query('drop schema if exists big cascade')
  await database.query(
    `do $$ begin for i in 1..300 loop execute format('create schema big_%s; create table big_%s.schema_migrations (version text primary key); insert into big_%s.schema_migrations values (''001_a'')', i, i, i); end loop; end $$`,
  )
  try {
    project.write({ 'migrations/001_a.sql': 'create table a ();', 'migrations/002_b.sql': 'create table b ();' })
    project.configure({
      servers: { main: { url: database.url } },
      tenants: { from: 'schemas', server: 'main', database: database.name, like: 'big\\_%' },
    })
    const shown = await project.run(['adopt'])
    expect([shown.code, shown.stderr]).toEqual([0, expect.not.stringContaining('rror')])
    expect(shown.stdout).toContain('✔ 300 targets (')
    expect(shown.stdout).toContain('1 applied, 1 pending')
    expect(shown.stdout.split('\n').length).toBeLessThan(15)
    const document = JSON.parse((await project.run(['adopt', '--json'])).stdout)
    expect(document.sets[0].targets).toHaveLength(300)
  } finally {
    for (let i = 1; i <= 300; i += 50)
      await database.query(
        `drop schema if exists ${Array.from({ length: 50 }, (_, at) => `big_${i + at}`).join(', ')} cascade`,
      )
  }
})

test('a history of another tool beside it needs a person', async () => {
  await database.query(createSchemas(1))
  project.configure({ servers: { main: { url: database.url } }, tenants: schemaTenants(1, database.name) })
  project.write({ 'migrations/001_a.sql': 'create table a ();' })
  await history('t_1', '001_a')
  await database.query('create table t_1."SequelizeMeta" (name text primary key)')
  const report = await adopt()
  expect(report.ok).toBe(false)
  expect(report.sets[0]?.tables).toEqual([
    { table: 'schema_migrations', targets: 1 },
    { table: 'SequelizeMeta', targets: 1 },
  ])
  expect(report.notices).toMatchObject([{ rule: 'other-history', message: expect.stringContaining('SequelizeMeta') }])
})

test('a database that is not there is one of many, and ends with 1', async () => {
  await database.query(createSchemas(1))
  project.write({ 'migrations/001_a.sql': 'create table a ();' })
  project.configure({
    servers: { main: { url: database.url } },
    tenants: [...schemaTenants(1, database.name), { slug: 'gone', topology: 'database', database: 'not_there' }],
  })
  const shown = await project.run(['adopt'])
  expect(shown.code).toBe(1)
  expect(shown.stdout).toContain('DATABASE_MISSING')
  expect((await targetsOf())[0]?.error).toBeNull()
})

test("without a config: the project's own folder and the variables; --write makes the config, once", async () => {
  const own = await freshDatabase('adopt prisma')
  try {
    const [id, other] = ['20250101000000_users', '20250102000000_orders']
    project.write({
      [`backend/prisma/migrations/${id}/migration.sql`]: 'CREATE TABLE "users" ("id" INT);\n',
      [`backend/prisma/migrations/${other}/migration.sql`]: 'CREATE TABLE "orders" ("id" INT);\n',
      'backend/prisma/migrations/migration_lock.toml': 'provider = "postgresql"\n',
      'backend/prisma/schema.prisma': '',
    })
    await own.query(`create table _prisma_migrations (id varchar(36) primary key, checksum varchar(64) not null, finished_at timestamptz,
      migration_name varchar(255) not null, logs text, rolled_back_at timestamptz, started_at timestamptz not null default now(), applied_steps_count int not null default 0);
      insert into _prisma_migrations (id, checksum, finished_at, migration_name) values ('x', 'b', null, '${id}')`)
    const env = { PATH: process.env.PATH, DATABASE_URL: own.url }
    const shown = await project.run(['adopt'], env)
    expect(shown.code).toBe(3)
    expect(shown.stdout).toContain('2 migrations, Prisma folders in backend/prisma/migrations')
    expect(shown.stdout).toContain(`1 failed: ${id}`)
    expect(shown.stdout).toContain('`tenantry adopt --write` writes a config')
    expect(existsSync(join(project.dir, 'tenantry.config.ts'))).toBe(false)
    const written = await project.run(['adopt', '--write'], env)
    expect(written.stdout).toContain('wrote tenantry.config.ts')
    const config = readFileSync(join(project.dir, 'tenantry.config.ts'), 'utf8')
    expect(config).toContain("dir: './backend/prisma/migrations', format: 'prisma'")
    const again = JSON.parse((await project.run(['adopt', '--write', '--json'], env)).stdout)
    expect(again).toMatchObject({ config: 'tenantry.config.ts', written: false, sets: [{ format: 'prisma' }] })
    expect(readFileSync(join(project.dir, 'tenantry.config.ts'), 'utf8')).toBe(config)
  } finally {
    await own.drop()
  }
})

const knexMigration = (table: string) => `
exports.up = (knex) => knex.schema.createTable('${table}', (t) => t.increments())
exports.down = (knex) => knex.schema.dropTable('${table}')
`

test('Knex: what it applied, and what it made where its table was lost', async () => {
  await database.query(createSchemas(2))
  symlinkSync(join(process.cwd(), 'node_modules'), join(project.dir, 'node_modules'))
  project.write({ 'migrations/001_a.js': knexMigration('a'), 'migrations/002_b.js': knexMigration('b') })
  project.configure({ servers: { main: { url: database.url } }, tenants: schemaTenants(2, database.name) })
  const directory = join(project.dir, 'migrations')
  for (const schema of ['t_1', 't_2']) {
    await withNative({ client: 'pg', url: database.url, schema }, (knex) => knex.migrate.latest(), {
      migrations: { directory },
    })
  }
  await database.query('drop table t_2.knex_migrations')
  const report = await adopt()
  expect(report.sets[0]).toMatchObject({ format: 'knex', history: { table: 'knex_migrations' } })
  expect(report.sets[0]?.targets).toMatchObject([
    { applied: 2, pending: [], unexplained: [] },
    { hasHistory: false, applied: 0, unexplained: ['table a is there'] },
  ])
  // Which is then proved, and marked.
  const marked = await project.use((tenantry) => tenantry.baseline({ to: '002' }))
  expect(marked.summary).toMatchObject({ applied: 1, upToDate: 1 })
  expect(await database.query('select name, batch from t_2.knex_migrations order by id')).toEqual([
    { name: '001_a.js', batch: 1 },
    { name: '002_b.js', batch: 1 },
  ])
  await database.query('drop table t_2.b, t_2.knex_migrations')
  const refused = await project.use((tenantry) => tenantry.baseline({ to: '002' }))
  const { error } = refused.targets[1] ?? {}
  expect(error).toMatchObject({ code: 'BASELINE_UNPROVEN', context: { migration: '002_b' } })
  expect(await database.query("select to_regclass('t_2.b') as b, to_regclass('t_2.knex_migrations') as h")).toEqual([
    { b: null, h: null },
  ])
})

withMariadb('on MariaDB', () => {
  test('SQL files with and without a history; baseline proves there, too', async () => {
    const own = await freshMariadb('adopt')
    try {
      project.write({
        'migrations/001_a.sql': 'CREATE TABLE a (id int PRIMARY KEY);\n',
        'migrations/002_b.sql': 'CREATE TABLE IF NOT EXISTS b (id int PRIMARY KEY);\n',
      })
      project.configure({
        servers: { main: { url: own.url } },
        tenants: [{ slug: 'one', topology: 'database', database: own.name }],
      })
      await own.query('CREATE TABLE a (id int PRIMARY KEY)')
      const report = await adopt()
      expect(report.sets[0]?.targets).toMatchObject([
        { hasHistory: false, unexplained: [expect.stringContaining('a')] },
      ])
      const baseline = (to: string) => project.use((tenantry) => tenantry.baseline({ to }))
      expect((await baseline('002')).targets[0]?.error).toMatchObject({
        code: 'BASELINE_UNPROVEN',
        context: { migration: '002_b' },
      })
      expect((await baseline('001')).targets[0]).toMatchObject({ result: 'applied', applied: ['001_a'] })
      expect((await adopt()).sets[0]?.targets).toMatchObject([{ hasHistory: true, applied: 1, unexplained: [] }])
    } finally {
      await own.drop()
    }
  })
})
