/** Changes made in phases: a contract step waits until every active tenant is past what comes before it. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { makeProject, type Project, resultOf } from './project.ts'

let app: TestDatabase
let project: Project
const schemas = ['t_acme', 't_beta', 't_idle']

beforeAll(async () => {
  app = await freshDatabase('phases')
})

afterAll(() => app?.drop())

beforeEach(async () => {
  await app.query(schemas.map((name) => `drop schema if exists ${name} cascade; create schema ${name};`).join(''))
  project = makeProject()
  project.write({
    'migrations/001_init.sql': 'create table person (id int primary key, name text);\n',
    'migrations/002_expand.sql':
      '-- tenantry:phase expand of full-name\nalter table person add column full_name text;\n',
    'migrations/003_migrate.sql':
      '-- tenantry:phase migrate of full-name\nupdate person set full_name = name where full_name is null;\n',
  })
  fleet()
})

afterEach(() => project?.remove())

const contract = {
  'migrations/004_contract.sql': '-- tenantry:phase contract of full-name\nalter table person drop column name;\n',
  'migrations/005_later.sql': 'create table later (id int);\n',
}

function fleet(idle = 'suspended'): void {
  const tenants = schemas.map((schema) => ({ slug: schema.slice(2), topology: 'schema', server: 'main', schema }))
  project.configure({
    servers: { main: { url: app.url } },
    tenants: tenants.map((tenant) => (tenant.slug === 'idle' ? { ...tenant, state: idle } : tenant)),
  })
}

const columns = async (schema: string) =>
  (
    await app.query(
      `select column_name from information_schema.columns where table_schema = '${schema}' and table_name = 'person' order by 1`,
    )
  ).map(({ column_name }) => column_name)

test('waits for the last active tenant, whoever was selected; suspended ones do not count', async () => {
  await project.use((tenantry) => tenantry.up({ selectors: { tenants: ['acme'] } }))
  project.write(contract)
  const one = await project.use((tenantry) => tenantry.up({ selectors: { tenants: ['acme'] } }))
  expect(one).toMatchObject({ ok: false, error: { code: 'PHASE_BLOCKED' } })
  expect(one.error?.message).toMatch(/004_contract \(contract of full-name\).*1 target was not past 001|002/)
  expect(one.error?.context).toMatchObject({ change: 'full-name', behind: 1 })
  expect(resultOf(one, 'acme')).toMatchObject({ result: 'up-to-date', pending: ['004_contract', '005_later'] })
  expect(await columns('t_acme')).toEqual(['full_name', 'id', 'name'])

  // The second tenant comes up to the contract step, which still waits: it was behind when this run began.
  const both = await project.up()
  expect(both).toMatchObject({ ok: false, error: { code: 'PHASE_BLOCKED' } })
  expect(resultOf(both, 'beta')).toMatchObject({
    result: 'applied',
    applied: ['001_init', '002_expand', '003_migrate'],
  })
  expect(await columns('t_beta')).toEqual(['full_name', 'id', 'name'])

  const last = await project.up()
  expect(last).toMatchObject({ ok: true, error: null })
  expect(await columns('t_acme')).toEqual(['full_name', 'id'])
  expect(resultOf(last, 'beta')?.applied).toEqual(['004_contract', '005_later'])
})

test('everything at once stops before the contract step, and `plan` says so', async () => {
  project.write(contract)
  const plan = await project.use((tenantry) => tenantry.plan())
  expect(plan.notices).toContainEqual(expect.objectContaining({ rule: 'phase-blocked', migration: '004_contract' }))
  expect(plan.migrations.map(({ migration }) => migration)).toEqual(['001_init', '002_expand', '003_migrate'])
  expect(await project.up()).toMatchObject({ ok: false, error: { code: 'PHASE_BLOCKED' } })
  expect(await project.up()).toMatchObject({ ok: true })
})

test('a tenant whose history cannot be read counts as behind', async () => {
  await project.up()
  project.write(contract)
  await app.query('drop schema t_beta cascade')
  const report = await project.up()
  expect(report.error?.code).toBe('PHASE_BLOCKED')
  expect(await columns('t_acme')).toEqual(['full_name', 'id', 'name'])
})

test('a step that is half-done keeps its change from going on', async () => {
  await project.up()
  await app.query(`delete from t_beta.schema_migrations where version like '003%'`)
  project.write(contract)
  const report = await project.use((tenantry) => tenantry.phaseStatus())
  expect(report).toMatchObject({
    ok: false,
    changes: [
      {
        change: 'full-name',
        state: 'under-way',
        behind: [{ target: expect.stringMatching(/t_beta$/), missing: ['003_migrate'] }],
        phases: [
          { phase: 'expand', targets: 2, done: 2 },
          { phase: 'migrate', targets: 2, done: 1 },
          { phase: 'contract', targets: 2, done: 0 },
        ],
      },
    ],
  })
})

test('states go from under way over ready to contracted', async () => {
  const state = async () => {
    const { changes } = await project.use((tenantry) => tenantry.phaseStatus())
    return changes[0]?.state
  }
  expect(await state()).toBe('under-way')
  await project.up()
  expect(await state()).toBe('migrated')
  project.write(contract)
  expect(await state()).toBe('ready')
  await project.up()
  expect(await state()).toBe('contracted')
})

test.each([
  ['-- tenantry:phase contract\n', /says no phase/],
  ['-- tenantry:phase shrink of full-name\n', /says no phase/],
  ['-- tenantry:phase expand of a\n-- tenantry:phase migrate of a\n', /two phases/],
])('a mark that cannot be read stops everything: %j', async (mark, message) => {
  project.write({ 'migrations/004_odd.sql': `${mark}select 1;\n` })
  await expect(project.up()).rejects.toMatchObject({
    code: 'MIGRATIONS_UNREADABLE',
    message: expect.stringMatching(message),
  })
})

test('a data change of the migrate phase is waited for', async () => {
  project.write({
    'data-changes/001_names.sql':
      '-- tenantry:data-change table=person key=id\n-- tenantry:phase migrate of full-name\nupdate person set full_name = name where id between :from and :to;\n',
  })
  await project.up()
  project.write(contract)
  const held = await project.up()
  expect(held.error).toMatchObject({ code: 'PHASE_BLOCKED', context: { behind: 2 } })
  expect(held.error?.message).toContain('data change 001_names')
  await project.use((tenantry) => tenantry.dataChanges.run())
  expect(await project.up()).toMatchObject({ ok: true })
})

test('a data change whose expand step was undone is not done any more, and holds the contract step again', async () => {
  project.write({
    'migrations/002_expand.down.sql': 'alter table person drop column full_name;\n',
    'data-changes/001_names.sql':
      '-- tenantry:data-change table=person key=id\n-- tenantry:phase migrate of full-name\nupdate person set full_name = name where id between :from and :to;\n',
  })
  rmSync(join(project.dir, 'migrations/003_migrate.sql'))
  await project.up()
  await app.query("insert into t_acme.person select i, 'P' from generate_series(1, 50) i")
  expect((await project.use((tenantry) => tenantry.dataChanges.run())).ok).toBe(true)
  const undone = await project.use((tenantry) =>
    tenantry.down({ selectors: { tenants: ['acme'] }, unproven: true, allowDataLoss: true }),
  )
  expect(undone).toMatchObject({ ok: true, targets: [{ undone: ['002_expand'] }] })
  expect(undone.notices).toMatchObject([{ rule: 'data-change-begins-anew' }])
  await project.up()
  project.write(contract)
  const held = await project.up()
  expect(held.error).toMatchObject({ code: 'PHASE_BLOCKED', context: { behind: 1 } })
  expect((await project.use((tenantry) => tenantry.dataChanges.run())).ok).toBe(true)
  expect(await project.up()).toMatchObject({ ok: true })
  expect(await app.query('select count(full_name)::int as n from t_acme.person')).toEqual([{ n: 50 }])
})

test('code is marked in its comments', async () => {
  const code = makeProject()
  try {
    const file = (body: string) => `exports.up = (knex) => ${body}\nexports.down = async () => {}\n`
    code.write({
      'migrations/20250101000000_a.js': `'use strict'\n// tenantry:phase expand of k\n${file("knex.schema.createTable('a', (t) => t.integer('x'))")}`,
      'migrations/20250102000000_b.js': `/* tenantry:phase contract of k */\n${file("knex.schema.dropTable('a')")}`,
    })
    code.configure({
      servers: { main: { url: app.url } },
      migrations: { dir: './migrations', format: 'knex' },
      tenants: [{ slug: 'acme', topology: 'schema', server: 'main', schema: 't_acme' }],
    })
    const first = await code.up()
    expect(first).toMatchObject({ ok: false, error: { code: 'PHASE_BLOCKED' } })
    expect(first.targets[0]?.applied).toEqual(['20250101000000_a'])
    expect(await code.up()).toMatchObject({ ok: true })
  } finally {
    code.remove()
  }
})
