/** What many schemas of one database share: extensions, roles, event triggers; said before the second one is touched. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { countResults, createSchemas, makeProject, type Project, resultOf, schemaTenants } from './project.ts'

let database: TestDatabase
let project: Project

beforeEach(async () => {
  database = await freshDatabase('limits')
  await database.query(createSchemas(10))
  project = makeProject()
  configure()
})

afterEach(async () => {
  project?.remove()
  await database?.drop()
})

function configure(count = 10): void {
  project.configure({
    servers: { main: { url: database.url, maxConcurrency: 8, maxConcurrencyPerDatabase: 8 } },
    tenants: schemaTenants(count, database.name),
  })
}

const extensions = () =>
  database.query(
    "select extname, extnamespace::regnamespace::text as schema from pg_extension where extname <> 'plpgsql' order by 1",
  )

test('extensions are installed once, by eight at a time, and stay when they are undone', async () => {
  project.write({
    'migrations/001_ext.sql': `create extension citext;
create extension if not exists "uuid-ossp" with schema public;
create table account (id uuid primary key default public.uuid_generate_v4(), email citext unique);
insert into account (email) values ('A@x.org');\n`,
    'migrations/rollbacks/001_ext.sql':
      'drop table account;\ndrop extension citext;\ndrop extension if exists "uuid-ossp";\n',
  })
  const plan = await project.use((tenantry) => tenantry.plan())
  expect(plan.migrations[0]?.extensions).toEqual(['citext', 'uuid-ossp'])
  expect(await extensions()).toEqual([])
  const report = await project.up()
  expect(countResults(report)).toEqual({ applied: 10 })
  expect(await extensions()).toEqual([
    { extname: 'citext', schema: 'public' },
    { extname: 'uuid-ossp', schema: 'public' },
  ])
  expect(await database.query("select email = 'a@X.org' as same from t_7.account")).toEqual([{ same: true }])
  const down = await project.use((tenantry) => tenantry.down({ unproven: true, allowDataLoss: true }))
  expect(countResults(down)).toEqual({ undone: 10 })
  expect(await extensions()).toHaveLength(2)
  expect(down.notices).toContainEqual(
    expect.objectContaining({ message: expect.stringMatching(/extension/i), migration: '001_ext' }),
  )
  expect(countResults(await project.up())).toEqual({ applied: 10 })
})

test.each([
  [
    'an event trigger',
    `create function ddl() returns event_trigger language plpgsql as $$ begin end $$;
create event trigger watch on ddl_command_end execute function ddl();`,
    /EVENT TRIGGER/,
  ],
  ['a role without a guard', 'create role limits_role;', /ROLE/],
  ['a schema of its own', 'create schema reporting;', /SCHEMA/],
  ['ALTER DATABASE', `alter database postgres set work_mem = '8MB';`, /ALTER DATABASE/],
])('%s is refused before any tenant is touched, also for a canary', async (_, sql, words) => {
  project.write({ 'migrations/001_fine.sql': 'create table fine (id int);\n', 'migrations/002_odd.sql': `${sql}\n` })
  const plan = await project.use((tenantry) => tenantry.plan({ selectors: { limit: 1 } }))
  expect(plan.ok).toBe(false)
  expect(plan.migrations.find(({ migration }) => migration === '002_odd')?.problems[0]?.message).toMatch(words)
  const { code, stdout } = await project.run(['plan'])
  expect(code).toBe(3)
  expect(stdout).toMatch(words)
  for (const selectors of [{ limit: 1 }, {}]) {
    const report = await project.use((tenantry) => tenantry.up({ selectors }))
    expect(report.targets.every(({ error }) => error?.code === 'MIGRATION_UNSUPPORTED')).toBe(true)
    expect(report.targets[0]?.error).toMatchObject({
      message: expect.stringMatching(words),
      context: { migration: '002_odd' },
    })
  }
  expect(await database.query("select to_regclass('t_1.fine') as t")).toEqual([{ t: null }])
})

test('the only schema of its database may have what a second one could not', async () => {
  configure(1)
  project.write({ 'migrations/001_own.sql': 'create schema reporting;\n' })
  const report = await project.up()
  expect(countResults(report)).toEqual({ applied: 1 })
  expect(report.notices).toContainEqual(expect.objectContaining({ rule: 'not-per-schema', migration: '001_own' }))
})

test("an existence check by bare name looks at the tenant's own, not at the neighbour's", async () => {
  project.write({
    'migrations/001_init.sql': 'create table contact (id int);\n',
    'migrations/002_check.sql': `DO $$ BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = 'contact_pk') THEN
    ALTER TABLE contact ADD CONSTRAINT contact_pk PRIMARY KEY (id);
  END IF;
END $$;\n`,
  })
  expect(countResults(await project.up())).toEqual({ applied: 10 })
  expect(await database.query("select count(*)::int as n from pg_constraint where conname = 'contact_pk'")).toEqual([
    { n: 10 },
  ])
})

test('what only can be warned of is in the plan and said by up before anything runs', async () => {
  project.write({
    'migrations/001_dynamic.sql': `DO $$ BEGIN EXECUTE format('create table %I.thing (id int)', 'pub' || 'lic'); EXCEPTION WHEN duplicate_table THEN NULL; END $$;
create schema if not exists reporting;\n`,
  })
  const plan = await project.use((tenantry) => tenantry.plan())
  const planned = plan.migrations.flatMap(({ notices }) => notices)
  expect(planned.length).toBeGreaterThan(0)
  const events: string[] = []
  const report = await project.use((tenantry) => tenantry.up({ selectors: { limit: 2 } }), {
    emit: (event) => void events.push(event.type === 'notice' ? `notice ${event.notice.rule}` : event.type),
  })
  for (const { rule } of planned) {
    expect(report.notices).toContainEqual(expect.objectContaining({ rule }))
    expect(events.indexOf(`notice ${rule}`)).toBeGreaterThan(-1)
    expect(events.indexOf(`notice ${rule}`)).toBeLessThan(events.indexOf('target-started'))
  }
  expect(resultOf(report, 't1').result).toBe('applied')
  const text = await project.run(['up', 't3'])
  for (const { message } of planned) expect(text.stderr + text.stdout).toContain(message.slice(0, 40))
})

test('more targets at once than Node expects listeners: no warning of it', async () => {
  await database.query('CREATE SCHEMA t_11; CREATE SCHEMA t_12; CREATE SCHEMA t_13')
  project.configure({
    servers: { main: { url: database.url, maxConcurrency: 13, maxConcurrencyPerDatabase: 13 } },
    tenants: schemaTenants(13, database.name),
    concurrency: 13,
  })
  project.write({ 'migrations/001_slow.sql': 'SELECT pg_sleep(0.3);\n' })
  const { code, stderr } = await project.run(['up'])
  expect([code, stderr.includes('Warning')]).toEqual([0, false])
})
