/** `baseline` believes the schema, not the person who types: a migration is marked only where what it makes is there. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { BaselineOptions, FleetReport } from '../../src/model/report.ts'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { countResults, makeProject, type Project, resultOf } from './project.ts'

let database: TestDatabase
let project: Project

beforeAll(async () => {
  database = await freshDatabase('baseline proof')
})
afterAll(() => database?.drop())
afterEach(() => project?.remove())

beforeEach(async () => {
  await database.query(
    'drop schema if exists a cascade; drop schema if exists b cascade; create schema a; create schema b',
  )
  project = makeProject()
  project.configure({
    servers: { main: { url: database.url } },
    tenants: ['a', 'b'].map((slug) => ({ slug, topology: 'schema', schema: slug })),
  })
})

const baseline = (options: BaselineOptions): Promise<FleetReport> =>
  project.use((tenantry) => tenantry.baseline(options))
const versions = async (schema: string) =>
  (await database.query(`select version from ${schema}.schema_migrations order by id`)).map(({ version }) => version)

const files = {
  'migrations/001_users.sql': 'create table users (id int primary key, mail text);\ninsert into users values (1);\n',
  'migrations/002_index.sql': 'create index users_mail on users (mail);\n',
  'migrations/003_orders.sql':
    '-- of users\ncreate table if not exists orders (id int);\nalter table orders add column if not exists total int;\n',
}

test('what is there is marked, what is missing is refused by name, target by target', async () => {
  project.write(files)
  await database.query(`create table a.users (id int primary key, mail text); create index users_mail on a.users (mail);
    create table a.orders (id int, total int); create table b.users (id int primary key, mail text)`)
  const report = await baseline({ to: '003' })
  expect(countResults(report)).toEqual({ applied: 1, 'failed BASELINE_UNPROVEN': 1 })
  expect(resultOf(report, 'a').applied).toEqual(['001_users', '002_index', '003_orders'])
  // The row that was inserted cannot be seen in a catalog, and the table was changed since.
  expect(report.notices).toMatchObject([
    { rule: 'baseline-unseen', message: expect.stringContaining('2 of 5 statements') },
  ])
  const { error } = resultOf(report, 'b')
  expect(error?.message).toContain('does not have what migration 002_index makes')
  expect(error?.message).toContain('users_mail')
  expect(error?.hint).toContain('--force')
  expect(error?.context).toMatchObject({
    migration: '002_index',
    statement: 1,
    line: 1,
    file: 'migrations/002_index.sql',
  })
  expect(await database.query("select to_regclass('b.schema_migrations') as t")).toEqual([{ t: null }])
  expect(resultOf(await baseline({ to: '001' }), 'b').applied).toEqual(['001_users'])
})

test('the condition "if not exists" does not hide that it does not; --force overrules', async () => {
  project.write(files)
  const only = { migration: '003', selectors: { tenants: ['a'] } }
  await database.query('create table a.orders (id int)')
  const column = resultOf(await baseline(only), 'a').error
  expect(column).toMatchObject({ code: 'BASELINE_UNPROVEN', context: { statement: 2, line: 3 } })
  expect(column?.message).toContain('total')
  await database.query('drop table a.orders')
  expect(resultOf(await baseline(only), 'a').error).toMatchObject({ context: { statement: 1, line: 2 } })
  expect(resultOf(await baseline({ ...only, force: true }), 'a')).toMatchObject({
    result: 'applied',
    applied: ['003_orders'],
  })
  expect(await versions('a')).toEqual(['003_orders'])
})

describe('what later migrations take away again may be missing', () => {
  test.each([
    ['a table that is dropped', 'create table old (id int);', 'drop table if exists "old";', ''],
    [
      'a table that is renamed',
      'create table old (id int);',
      'alter table old rename to new;',
      'create table a.new (id int)',
    ],
    [
      'a column that is dropped',
      'create table t (id int); alter table t add column c int;',
      'alter table t drop column c;',
      'create table a.t (id int)',
    ],
    [
      'a column that is renamed',
      'create table t (id int); alter table t add column c int;',
      'alter table t rename column c to d;',
      'create table a.t (id int, d int)',
    ],
    [
      'an index on a column that is dropped',
      'create table t (id int, c int); create index on_c on t (c);',
      'alter table t drop column c;',
      'create table a.t (id int)',
    ],
    ['a table that a block drops', 'create table old (id int);', "do $$ begin execute 'drop table old'; end $$;", ''],
    [
      'a table made anew',
      'create table t (id int); drop table t;',
      'create table t (id text);',
      'create table a.t (id text)',
    ],
    [
      'a type that is changed twice',
      'create table t (id int); alter table t alter column id type bigint;',
      'alter table t alter column id type text;',
      'create table a.t (id text)',
    ],
  ])('%s', async (_, first, second, there) => {
    project.write({ 'migrations/001_a.sql': first, 'migrations/002_b.sql': second })
    if (there !== '') await database.query(there)
    const report = await baseline({ to: '002', selectors: { tenants: ['a'] } })
    expect(resultOf(report, 'a')).toMatchObject({ result: 'applied', error: null })
  })

  test.each([
    ['another column is dropped', 'create table t (id int, c int);', 'alter table t drop column c;', ''],
    ['another table is dropped', 'create table t (id int);', 'drop table if exists other;', ''],
    ['the drop did not happen', 'drop table gone;', 'select 1;', 'create table a.gone (id int)'],
    ['the type is the old one', 'alter table t alter column id type bigint;', 'select 1;', 'create table a.t (id int)'],
  ])('but not when %s', async (_, first, second, there) => {
    project.write({ 'migrations/001_a.sql': first, 'migrations/002_b.sql': second })
    if (there !== '') await database.query(there)
    const report = await baseline({ to: '002', selectors: { tenants: ['a'] } })
    expect(resultOf(report, 'a').error).toMatchObject({ code: 'BASELINE_UNPROVEN', context: { migration: '001_a' } })
  })
})

test('what is applied already counts for what is gone, and is not looked up', async () => {
  project.write({
    'migrations/001_a.sql': 'create table t (id int);',
    'migrations/002_b.sql': 'create table other (id int);',
    'migrations/003_c.sql': 'drop table t;',
  })
  await baseline({ migration: '003', force: true })
  await database.query('create table a.other (id int)')
  const report = await baseline({ to: '002' })
  expect(resultOf(report, 'a')).toMatchObject({ error: null, result: 'applied', applied: ['001_a', '002_b'] })
  expect(resultOf(report, 'b').error?.context.migration).toBe('002_b')
})

test('statements that cannot be put into rows of a catalog are no reason to refuse', async () => {
  project.write({
    'migrations/001_a.sql':
      "create temp table scratch (id int); insert into x values (1); update x set id = 2; do $$ begin null; end $$; set search_path = public; select 1; comment on schema a is 'x';",
  })
  const report = await baseline({ to: '001', selectors: { tenants: ['a'] } })
  expect(resultOf(report, 'a')).toMatchObject({ result: 'applied' })
  expect(report.notices).toMatchObject([{ rule: 'baseline-unseen' }])
})

test('a rename asks for no proof', async () => {
  project.write({ 'migrations/001_a.sql': 'create table t (id int);' })
  await project.up()
  await database.query('drop table a.t; drop table b.t')
  project.write({ 'migrations/001_b.sql': 'create table t (id int);' })
  await project.use(async () => {})
  const { rmSync } = await import('node:fs')
  rmSync(`${project.dir}/migrations/001_a.sql`)
  expect(countResults(await baseline({ rename: { from: '001_a', to: '001_b' } }))).toEqual({ applied: 2 })
})
