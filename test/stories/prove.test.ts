/** `prove`: planted undos get the right verdict, and nothing but the scratch server is written to. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ProveOptions } from '../../src/model/check-report.ts'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { makeProject, type Project } from './project.ts'

let database: TestDatabase
let project: Project

beforeAll(async () => {
  database = await freshDatabase('prove')
})

afterAll(() => database?.drop())

beforeEach(async () => {
  await database.query(
    'drop schema if exists a cascade; drop schema if exists b cascade; create schema a; create schema b',
  )
  project = makeProject()
})

afterEach(() => project?.remove())

const planted = {
  'migrations/001_users.sql': `create table users (id serial primary key, email text not null, note varchar(20));
create table orders (id int generated always as identity primary key, user_id int not null references users, total numeric(6,2) check (total > 0));`,
  'migrations/rollbacks/001_users.sql': 'drop table orders; drop table users;',
  'migrations/002_index.sql': 'create index users_email on users (email);',
  'migrations/rollbacks/002_index.sql': 'drop index users_email;',
  'migrations/003_drop_note.sql': 'alter table users drop column note;',
  'migrations/rollbacks/003_drop_note.sql': 'alter table users add column note varchar(20);',
  'migrations/004_seed.sql': `insert into users (email) values ('a@b.c');`,
  'migrations/005_phone.sql': 'alter table users add column phone text;\ncreate index users_phone on users (phone);',
  'migrations/rollbacks/005_phone.sql': 'alter table users drop column phonee;',
  'migrations/006_age.sql': 'alter table users add column age int;',
  'migrations/rollbacks/006_age.sql': 'alter table users drop column age; drop index users_email;',
  'migrations/007_tax.sql': 'alter table orders add column tax int not null default 0;',
  'migrations/rollbacks/007_tax.sql': 'alter table orders drop column tax;',
  'migrations/008_truncate.sql': 'update users set email = lower(email) || id;',
  'migrations/rollbacks/008_truncate.sql': 'update users set email = email;',
}

const verdicts = {
  '001_users': 'reversible',
  '002_index': 'reversible',
  '003_drop_note': 'lossy',
  '004_seed': 'one-way',
  '005_phone': 'broken',
  '006_age': 'broken',
  '007_tax': 'reversible',
  '008_truncate': 'lossy',
}

const prove = (options: ProveOptions = {}) => project.use((tenantry) => tenantry.prove(options))
/** Databases that a process has made: other tests run on the same server. */
const scratchLeft = async (pid = process.pid) => {
  const like = `tenantry\\_scratch\\_%\\_${pid.toString(36)}\\_%`
  return (await database.query('select datname from pg_database where datname like $1', [like])).map(
    ({ datname }) => datname,
  )
}

describe.each(['schema', 'database'] as const)('in a %s', (topology) => {
  beforeEach(() => {
    project.write(planted)
    project.configure({
      servers: { main: { url: database.url } },
      scratch: { server: 'main' },
      tenants: [{ slug: 'a', topology, ...(topology === 'schema' ? { schema: 'a' } : { database: database.name }) }],
    })
  })

  test('planted undos get the right verdict', async () => {
    const report = await prove()
    expect(Object.fromEntries(report.migrations.map(({ migration, verdict }) => [migration, verdict]))).toEqual(
      verdicts,
    )
    expect(report.ok).toBe(false)
    expect(report.migrations.every((one) => one.topology === topology && !one.cached)).toBe(true)
    const again = await prove()
    expect(again.migrations.every(({ cached }) => cached)).toBe(true)
    expect(again.migrations.map(({ verdict }) => verdict)).toEqual(Object.values(verdicts))
  })
})

describe('what is known', () => {
  beforeEach(() => {
    project.write({
      'migrations/001_t.sql': 'create table t (id int primary key);',
      'migrations/rollbacks/001_t.sql': 'drop table t;',
      'migrations/002_name.sql': 'alter table t add name text;',
      'migrations/rollbacks/002_name.sql': 'alter table t drop name;',
      'migrations/003_bad.sql': 'alter table t add column if not exists age int;',
      'migrations/rollbacks/003_bad.sql': 'select 1;',
    })
    configure()
  })

  const configure = () =>
    project.configure({
      servers: { main: { url: database.url } },
      scratch: { server: 'main' },
      tenants: ['a', 'b'].map((slug) => ({ slug, topology: 'schema', schema: slug })),
    })
  const down = (options = {}) => project.use((tenantry) => tenantry.down(options))

  test('is kept until a file changes; what comes before the change is not proved again', async () => {
    await prove()
    const file = join(project.dir, '.tenantry/proofs.json')
    expect(existsSync(file)).toBe(true)
    expect(readFileSync(join(project.dir, '.tenantry/.gitignore'), 'utf8')).toBe('*\n')
    project.write({ 'migrations/rollbacks/002_name.sql': 'alter table t drop column name;' })
    const changed = await prove()
    expect(changed.migrations.map(({ verdict, cached }) => [verdict, cached])).toEqual([
      ['reversible', true],
      ['reversible', false],
      ['broken', false],
    ])
    expect((await prove({ fresh: true })).migrations.some(({ cached }) => cached)).toBe(false)
    writeFileSync(file, readFileSync(file, 'utf8').slice(0, 100))
    expect((await prove()).migrations.some(({ cached }) => cached)).toBe(false)
  })

  test('down on several tenants asks for it, on one it does not', async () => {
    await project.up()
    const unknown = await down()
    expect(unknown.error).toMatchObject({
      code: 'UNPROVEN',
      message: expect.stringContaining('003_bad: not proved in a schema'),
    })
    expect(unknown.targets.every(({ undone }) => undone.length === 0)).toBe(true)
    expect((await down({ selectors: { tenants: ['a'] } })).summary.undone).toBe(1)
    await project.up()
    await prove()
    expect((await down()).error).toMatchObject({
      code: 'UNPROVEN',
      message: expect.stringContaining('003_bad: broken'),
    })
    const named = await project.run(['down', '--json'])
    expect([named.code, JSON.parse(named.stdout).error.code]).toEqual([2, 'UNPROVEN'])
    expect((await project.run(['down', '--unproven'])).code).toBe(0)
    // The second one is reversible: proved, so it may go everywhere.
    expect((await down({ migration: '002' })).summary.undone).toBe(2)
  })

  test('on the command line: what is broken, why, and exit code 3', async () => {
    const ended = await project.run(['prove'])
    expect(ended.code).toBe(3)
    expect(ended.stdout).toContain('3 migrations proved: 2 reversible, 1 broken')
    expect(ended.stdout).toContain('003_bad: broken, its undo leaves another schema than there was')
    expect(ended.stdout).toContain('extra column t.age')
    const without = await project.run(['prove', '--with-data'])
    expect([without.code, without.stderr]).toEqual([2, expect.stringContaining('no tenant is named')])
  })

  test('a migration that cannot be applied ends it, and says which were not proved', async () => {
    project.write({ 'migrations/002_name.sql': 'alter table nowhere add name text;' })
    const report = await prove()
    expect(report.ok).toBe(false)
    expect(report.migrations.map(({ migration, verdict }) => [migration, verdict])).toEqual([
      ['001_t', 'reversible'],
      ['002_name', 'broken'],
    ])
    expect(report.migrations[1]?.error).toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringContaining('nowhere'),
    })
    expect(report.notices.map(({ rule }) => rule)).toContain('not-proved')
    expect(await scratchLeft()).toEqual([])
  })

  test('killed in the middle it has touched no tenant, and the next run clears up', async () => {
    const shape = async () =>
      (
        await database.query(
          "select count(*)::int as n from pg_class c where relnamespace::regnamespace::text in ('a', 'b', 'public')",
        )
      )[0]
    const before = await shape()
    const child = project.start(['prove'])
    for (let i = 0; i < 300 && (await scratchLeft(child.pid)).length === 0; i++) await sleep(10)
    const ended = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGKILL')
    await ended
    expect(await shape()).toEqual(before)
    expect(await scratchLeft(child.pid)).toHaveLength(1)
    await prove({ fresh: true })
    expect([await scratchLeft(), await scratchLeft(child.pid)]).toEqual([[], []])
    expect(await shape()).toEqual(before)
  })

  test('rows that stand in the way of a migration are told, and it is proved on empty tables', async () => {
    project.write({
      'migrations/003_bad.sql': 'alter table t add age int not null;',
      'migrations/rollbacks/003_bad.sql': 'alter table t drop age;',
    })
    const report = await prove()
    expect(report.migrations.map(({ verdict }) => verdict)).toEqual(['reversible', 'reversible', 'reversible'])
    expect(report.notices).toContainEqual(expect.objectContaining({ rule: 'rows-in-the-way', migration: '003_bad' }))
  })
})

const odd = `create table a.odd (id bigint generated always as identity primary key, big numeric(40,10), t text, b bytea, tags text[], doc jsonb, at timestamptz, "Quoted ""name""" text, twice int generated always as (3) stored);
insert into a.odd (big, t, b, tags, doc, at, "Quoted ""name""") values
  (123456789012345678901234567890.0123456789, 'O''Brien \\ "x" 😀', '\\x00ff', array['a,b', null, '"'], '{"k": "v''😀"}', '2020-02-29 12:00:00.123456+02', ''),
  (null, null, null, null, null, null, null);`

describe('like a tenant', () => {
  beforeEach(async () => {
    project.write({
      'migrations/001_t.sql': 'create table t (id int primary key, name text);',
      'migrations/rollbacks/001_t.sql': 'drop table t;',
    })
    project.configure({
      servers: { main: { url: database.url } },
      scratch: { server: 'main' },
      tenants: ['a', 'b'].map((slug) => ({ slug, topology: 'schema', schema: slug })),
    })
    await project.up()
    await database.query('create index by_hand on a.t (name)')
    project.write({
      'migrations/002_index.sql': 'create index if not exists by_hand on t (name);',
      'migrations/rollbacks/002_index.sql': 'drop index by_hand;',
    })
  })

  test('an undo that breaks only there is found', async () => {
    expect((await prove()).migrations.map(({ verdict }) => verdict)).toEqual(['reversible', 'reversible'])
    const report = await prove({ like: 'a' })
    expect(report.migrations).toMatchObject([
      {
        migration: '002_index',
        verdict: 'broken',
        differences: [{ change: 'missing', kind: 'index', object: 'by_hand' }],
      },
    ])
    expect((await prove({ like: 'b' })).migrations).toMatchObject([{ migration: '002_index', verdict: 'reversible' }])
    expect((await prove()).migrations.every(({ cached }) => cached)).toBe(true)
  })

  test('with its rows, whatever is in them, and without writing to it', async () => {
    await database.query(odd)
    await database.query("insert into a.t values (1, 'one')")
    const everything = () =>
      database.query(
        "select (select json_agg(o) from a.odd o) as odd, (select json_agg(t) from a.t t) as t, (select json_agg(c.relname order by c.relname) from pg_class c where relnamespace = 'a'::regnamespace) as names",
      )
    const before = await everything()
    project.write({
      'migrations/002_index.sql': `do $$ begin
        if (select count(*) from odd where big = 123456789012345678901234567890.0123456789 and t = 'O''Brien \\ "x" 😀' and b = '\\x00ff' and tags = array['a,b', null, '"'] and doc->>'k' = 'v''😀' and at = '2020-02-29 12:00:00.123456+02' and "Quoted ""name""" = '' and twice = 3) <> 1 then raise 'the row is another one'; end if;
        if (select count(*) from odd where num_nulls(big, t, b, tags, doc, at) = 6) <> 1 then raise 'NULLs are not'; end if;
      end $$;
      insert into odd (t) values ('next');
      alter table t drop column name;`,
      'migrations/rollbacks/002_index.sql':
        "delete from odd where t = 'next'; alter table t add column name text; create index by_hand on t (name);",
    })
    const report = await prove({ like: 'a', withData: true })
    expect(report.notices).toEqual([])
    expect(report.migrations).toMatchObject([
      {
        migration: '002_index',
        verdict: 'lossy',
        detail: expect.stringContaining('t (1 of 1): it drops column t.name'),
      },
    ])
    expect(await everything()).toEqual(before)
    expect(await scratchLeft()).toEqual([])
  })
})
