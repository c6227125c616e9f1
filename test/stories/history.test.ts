/** History tables that were there before us: taken as they are, in place. */
import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { countResults, makeProject, type Project, resultOf } from './project.ts'

const one = 'create table one (id int primary key);\n'
const two = 'create table two (id int primary key);\n'
const three = 'create table three (id int primary key);\n'
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

let database: TestDatabase
let project: Project

beforeAll(async () => {
  database = await freshDatabase('history')
})

afterAll(() => database?.drop())

beforeEach(async () => {
  await database.query(
    'drop schema if exists a cascade; drop schema if exists b cascade; create schema a; create schema b',
  )
  project = makeProject()
  project.write({ 'migrations/001_one.sql': one, 'migrations/002_two.sql': two, 'migrations/003_three.sql': three })
  configure()
})

afterEach(() => project?.remove())

function configure(more: Record<string, unknown> = {}): void {
  project.configure({
    servers: { main: { url: database.url } },
    tenants: ['a', 'b'].map((slug) => ({ slug, topology: 'schema', schema: slug })),
    ...more,
  })
}

const up = (options = {}) => project.use((tenantry) => tenantry.up(options))
const status = () => project.use((tenantry) => tenantry.status())
const rows = (columns = 'version') =>
  database.query(`select ${columns} from a.schema_migrations order by version::text`)
const applied = async (slug = 'a') => (await status()).details.find(({ tenants }) => tenants.includes(slug))?.applied

describe('a table of somebody else', () => {
  test('with more columns is filled beside them', async () => {
    await database.query(`create table a.schema_migrations (
        id serial primary key, version varchar(255) unique not null, description text, applied_at timestamp default now(),
        checksum varchar(64), applied_by text not null default 'deploy', execution_ms int, success boolean not null default true);
      insert into a.schema_migrations (version, checksum, execution_ms) values ('001_one', '${sha256(one)}', 12);
      create table a.one (id int primary key)`)
    const report = await up()
    expect(resultOf(report, 'a')).toMatchObject({
      result: 'applied',
      applied: ['002_two', '003_three'],
      unverified: [],
    })
    expect(await rows('version, checksum, applied_by, execution_ms, success')).toEqual([
      { version: '001_one', checksum: sha256(one), applied_by: 'deploy', execution_ms: 12, success: true },
      { version: '002_two', checksum: sha256(two), applied_by: 'deploy', execution_ms: null, success: true },
      { version: '003_three', checksum: sha256(three), applied_by: 'deploy', execution_ms: null, success: true },
    ])
  })

  test('with nothing but versions', async () => {
    await database.query(`create table a.schema_migrations (version text primary key);
      insert into a.schema_migrations values ('001_one'); create table a.one (id int primary key)`)
    expect(resultOf(await up(), 'a')).toMatchObject({
      result: 'applied',
      applied: ['002_two', '003_three'],
      unverified: ['001_one'],
      changed: [],
    })
    expect(await rows()).toEqual([{ version: '001_one' }, { version: '002_two' }, { version: '003_three' }])
    // What we applied is known by the ledger, although the table has no place for a checksum.
    project.write({ 'migrations/002_two.sql': `${two}-- edited\n` })
    expect(resultOf(await status(), 'a')).toMatchObject({ changed: ['002_two'], unverified: ['001_one'] })
  })

  test.each([
    ['MD5', createHash('md5').update('create table one').digest('hex')],
    ['a word', 'applied-by-hand'],
    ['SHA-1', createHash('sha1').update(one).digest('hex')],
    ['null', null],
  ])('with %s for a checksum is unverified, before and after ours', async (_, checksum) => {
    await database.query(`create table a.schema_migrations (
        id serial primary key, version varchar(255) unique not null, description text, applied_at timestamp default now(), checksum varchar(64));
      create table a.one (id int primary key)`)
    await database.query('insert into a.schema_migrations (version, checksum) values ($1, $2)', ['001_one', checksum])
    expect(resultOf(await status(), 'a')).toMatchObject({ unverified: ['001_one'], changed: [] })
    expect(resultOf(await up(), 'a')).toMatchObject({ result: 'applied', applied: ['002_two', '003_three'] })
    expect(resultOf(await status(), 'a')).toMatchObject({ unverified: ['001_one'], changed: [], pending: [] })
    expect(resultOf(await up(), 'a').result).toBe('up-to-date')
  })

  test.each([
    ['001', ['001', '002', '003']],
    ['1', ['002', '003', '1']],
    ['001_one.sql', ['001_one.sql', '002_two.sql', '003_three.sql']],
    ['001_one', ['001_one', '002_two', '003_three']],
  ])('that spells its rows %s goes on so', async (first, keys) => {
    await database.query(`create table a.schema_migrations (version text primary key, checksum text);
      insert into a.schema_migrations values ('${first}'); create table a.one (id int primary key)`)
    expect(resultOf(await up(), 'a')).toMatchObject({
      result: 'applied',
      applied: ['002_two', '003_three'],
      missing: [],
    })
    expect((await rows()).map(({ version }) => version)).toEqual(keys)
    expect(resultOf(await up(), 'a')).toMatchObject({ result: 'up-to-date', missing: [], pending: [] })
  })

  test('with an integer for a version', async () => {
    await database.query(`create table a.schema_migrations (version bigint primary key, applied_at timestamptz default now());
      insert into a.schema_migrations values (1); create table a.one (id int primary key)`)
    expect(resultOf(await up(), 'a')).toMatchObject({ result: 'applied', applied: ['002_two', '003_three'] })
    expect(await rows()).toEqual([{ version: '1' }, { version: '2' }, { version: '3' }])
    expect(await applied()).toEqual(['001_one', '002_two', '003_three'])
    project.write({ 'migrations/rollbacks/003_three.sql': 'drop table three;' })
    const down = await project.use((tenantry) => tenantry.down({ selectors: { tenants: ['a'] } }))
    expect(resultOf(down, 'a').undone).toEqual(['003_three'])
    expect(await rows()).toEqual([{ version: '1' }, { version: '2' }])
  })

  test('with an integer for a version, and a file without a number: refused before anything runs', async () => {
    await database.query('create table a.schema_migrations (version int primary key)')
    project.write({ 'other/alpha.sql': one })
    configure({ migrations: { dir: './other' } })
    const plan = await project.use((tenantry) => tenantry.plan())
    expect(resultOf(plan, 'a')).toMatchObject({ result: 'failed', error: { code: 'HISTORY_UNUSABLE' } })
    expect(countResults(await up())).toEqual({ applied: 1, 'failed HISTORY_UNUSABLE': 1 })
    expect(await database.query("select to_regclass('a.one') as t")).toEqual([{ t: null }])
  })

  test('with a column that must be filled and that we do not know: refused, in the plan already', async () => {
    await database.query(`create table a.schema_migrations (version text primary key, ticket text not null)`)
    const plan = await project.use((tenantry) => tenantry.plan())
    expect(plan.ok).toBe(false)
    expect(resultOf(plan, 'a').error).toMatchObject({
      code: 'HISTORY_UNUSABLE',
      message: expect.stringContaining('ticket'),
    })
    const report = await up()
    expect(countResults(report)).toEqual({ applied: 1, 'failed HISTORY_UNUSABLE': 1 })
    expect(resultOf(report, 'a').error?.message).toContain('ticket')
    expect(await database.query("select to_regclass('a.one') as t")).toEqual([{ t: null }])
    const baseline = await project.use((tenantry) => tenantry.baseline({ to: '003' }))
    expect(resultOf(baseline, 'a')).toMatchObject({ result: 'failed', error: { code: 'HISTORY_UNUSABLE' } })
  })

  test('with columns of another name: refused with what is missing', async () => {
    await database.query(`create table a.schema_migrations (filename text primary key)`)
    const report = await up()
    expect(countResults(report)).toEqual({ applied: 1, 'failed HISTORY_UNUSABLE': 1 })
    expect(resultOf(report, 'a').error?.message).toContain('version')
  })

  test('in another schema than the tables of a database target', async () => {
    await database.query(`create schema if not exists ops; drop table if exists ops.deploys, ops.tenantry_ledger;
      create table ops.deploys (version text primary key, checksum text); insert into ops.deploys values ('001_one');
      drop table if exists public.one, public.two, public.three; create table public.one (id int)`)
    configure({
      migrations: { dir: './migrations', history: { table: 'deploys', schema: 'ops' } },
      tenants: [{ slug: 'solo', topology: 'database', database: database.name }],
    })
    expect(resultOf(await up(), 'solo')).toMatchObject({ result: 'applied', applied: ['002_two', '003_three'] })
    expect(await database.query('select version from ops.deploys order by 1')).toHaveLength(3)
    expect(
      await database.query("select to_regclass('public.deploys') as h, to_regclass('public.three')::text as t"),
    ).toEqual([{ h: null, t: 'three' }])
  })
})

describe('files that are not what they were', () => {
  test('a changed one stops its target only, unless it is allowed', async () => {
    project.write({ 'migrations/003_three.sql': '' })
    await up({ selectors: { tenants: ['a'] }, to: '002' })
    project.write({ 'migrations/001_one.sql': `${one}-- more\n`, 'migrations/003_three.sql': three })
    const report = await up()
    expect(countResults(report)).toEqual({ applied: 1, 'failed MIGRATION_CHANGED': 1 })
    expect(resultOf(report, 'a')).toMatchObject({ changed: ['001_one'], pending: ['003_three'], applied: [] })
    expect(resultOf(report, 'a').error?.message).toContain('migrations/001_one.sql')
    const allowed = await up({ allowChanged: true })
    expect(resultOf(allowed, 'a')).toMatchObject({ result: 'applied', applied: ['003_three'], changed: ['001_one'] })
  })

  test('other line ends and a byte order mark are no change', async () => {
    await up()
    project.write({ 'migrations/001_one.sql': `\uFEFF${one.replaceAll('\n', '\r\n')}` })
    expect(countResults(await up())).toEqual({ 'up-to-date': 2 })
  })

  test('a missing one is reported, and the rest goes on', async () => {
    await up({ to: '002' })
    project.write({ 'later/001_one.sql': one, 'later/003_three.sql': three })
    configure({ migrations: { dir: './later' } })
    const report = await up()
    expect(report.ok).toBe(true)
    expect(resultOf(report, 'a')).toMatchObject({ result: 'applied', applied: ['003_three'], missing: ['002_two'] })
    expect((await project.use((tenantry) => tenantry.check())).ok).toBe(false)
  })

  test('a renamed one is never run again, and gets its new name on request', async () => {
    await up({ to: '002' })
    project.write({
      'later/001_one.sql': one,
      'later/002_zwei.sql': two,
      'later/003_three.sql': three,
    })
    configure({ migrations: { dir: './later' } })
    const report = await up()
    expect(countResults(report)).toEqual({ applied: 2 })
    expect(resultOf(report, 'a')).toMatchObject({ applied: ['003_three'], pending: [], missing: [] })
    expect((await status()).details[0]).toMatchObject({
      healthy: false,
      renamed: [{ from: '002_two', to: '002_zwei' }],
    })
    const renamed = await project.use((tenantry) => tenantry.baseline({ rename: { from: '002_two', to: '002_zwei' } }))
    expect(countResults(renamed)).toEqual({ applied: 2 })
    expect((await rows()).map(({ version }) => version)).toEqual(['001_one', '002_zwei', '003_three'])
    expect((await status()).details[0]).toMatchObject({ healthy: true, renamed: [] })
    expect(await database.query(`select migration from a.tenantry_ledger order by 1`)).toEqual([
      { migration: '001_one' },
      { migration: '002_zwei' },
      { migration: '003_three' },
    ])
  })

  test('a rename to a file of another content is refused', async () => {
    await up({ to: '001' })
    await expect(
      project.use((tenantry) => tenantry.baseline({ rename: { from: '001_one', to: '002_two' } })),
    ).resolves.toMatchObject({ ok: false })
    expect((await rows()).map(({ version }) => version)).toEqual(['001_one'])
  })

  test('a rename of what is not recorded says so', async () => {
    await up({ to: '001' })
    await expect(
      project.use((tenantry) => tenantry.baseline({ rename: { from: '001_nothing', to: '002_two' } })),
    ).rejects.toMatchObject({ code: 'MIGRATION_UNKNOWN' })
  })

  test('a late one is applied with a notice, and refused where the order is strict', async () => {
    project.write({ 'early/001_one.sql': one, 'early/003_three.sql': three })
    configure({ migrations: { dir: './early' } })
    await up({ selectors: { tenants: ['a'] } })
    configure()
    const plan = await project.use((tenantry) => tenantry.plan())
    expect(plan.notices).toContainEqual(expect.objectContaining({ rule: 'out-of-order', migration: '002_two' }))
    const strict = await up({ strictOrder: true })
    expect(countResults(strict)).toEqual({ applied: 1, 'failed OUT_OF_ORDER': 1 })
    expect(resultOf(strict, 'a')).toMatchObject({ outOfOrder: ['002_two'], error: { code: 'OUT_OF_ORDER' } })
    const report = await up()
    expect(report.notices).toContainEqual(expect.objectContaining({ rule: 'out-of-order', migration: '002_two' }))
    expect(resultOf(report, 'a')).toMatchObject({ result: 'applied', applied: ['002_two'], outOfOrder: [] })
    expect(await applied()).toEqual(['001_one', '003_three', '002_two'])
    expect(countResults(await up({ strictOrder: true }))).toEqual({ 'up-to-date': 2 })
  })
})
