import { describe, expect, test } from 'vitest'
import { nameObjects } from './name-objects.ts'

const words = async (sql: string, schema: string | null = null) => {
  const found = await nameObjects(sql, schema)
  const say = (one: { kind: string; name: string; table?: string }) =>
    one.kind === 'column' ? `${one.table}.${one.name}` : `${one.kind} ${one.name}`
  return {
    makes: found.makes.map(say),
    drops: found.drops.map(say),
    renames: found.renames.map(({ from, to }) => `${say(from)} > ${say(to)}`),
    names: found.names.map(say).sort(),
    columns: found.columns.map(({ tables, name }) => `${tables.join('|')}.${name}`).sort(),
  }
}

describe('what a statement names', () => {
  test.each<[string, string[], string[]]>([
    [
      'create view v as select u.email, name from users u join orders o on o.uid = u.id',
      ['relation orders', 'relation users', 'relation v', 'orders.uid', 'users.email', 'users.id'],
      ['v|users|orders.name'],
    ],
    [
      'create index i on users (email, lower(name))',
      ['function lower', 'relation users'],
      ['users.email', 'users.name'],
    ],
    [
      'alter table users add constraint c foreign key (a) references orders (b)',
      ['relation orders', 'relation users', 'orders.b'],
      ['users|orders.a'],
    ],
    ["create table t (s status default 'new')", ['relation t', 'type status'], []],
    [
      "select nextval('Ids'), 'users.x'::regclass",
      ['function nextval', 'relation ids', 'relation users.x', 'type regclass'],
      [],
    ],
    ['insert into users (email) values (1)', ['relation users'], ['users.email']],
    ["update users u set email = u.name where 'users' = 'orders'", ['relation users', 'users.name'], ['users.email']],
    ['with users as (select 1) select * from users', [], []],
    ['select * from users', ['relation users'], []],
    ['select new.email from orders', ['relation orders'], []],
    ["comment on column users.email is 'orders'", ['relation users', 'users.email'], []],
    ['drop policy p on users', ['relation users'], []],
    [
      'create trigger t before update of email on users execute function f()',
      ['function f', 'relation users'],
      ['users.email'],
    ],
    ['alter table other.users drop constraint email', ['relation other.users'], []],
    ['create temp table scratch (id int)', [], []],
  ])('%s', async (sql, names, columns) => {
    const found = await words(sql)
    expect([found.names, found.columns]).toEqual([names.sort(), columns])
  })

  test('in bodies of functions and blocks', async () => {
    const body = `create function f() returns int language plpgsql as $$
      declare r users%rowtype; e users.email%type;
      begin
        for r in select * from orders o where o.total > 1 loop perform g(r.id); end loop;
        execute 'delete from logs where seen';
        create table made (id int);
        return (select count(*) from clients);
      end $$`
    const found = await words(body)
    expect(found.makes).toEqual(['function f'])
    expect(found.names).toEqual(
      expect.arrayContaining([
        ...['type users', 'users.email', 'relation orders', 'orders.total', 'function g'],
        ...['relation logs', 'relation clients'],
      ]),
    )
    const sql = await words("create function f() returns int language sql as 'select email from users'")
    expect([sql.names, sql.columns]).toEqual([['relation users'], ['users.email']])
    const block = await words("do $$ begin create type mood as enum ('a'); exception when others then null; end $$")
    expect(block.makes).toEqual(['type mood'])
  })
})

test.each<[string, string[]]>([
  ['create table t (a int, "B" int, primary key (a))', ['relation t', 't.a', 't.B']],
  ['alter table t add column c int, drop column a', ['t.c']],
  ['create materialized view m as select 1 as a', ['relation m']],
  ['create unique index on t (a)', []],
  ['create domain d as text', ['type d']],
])('what is made: %s', async (sql, makes) => {
  expect((await words(sql)).makes).toEqual(makes)
})

test.each<[string, string[], string[]]>([
  ['drop table a, other.b cascade', ['relation a', 'relation other.b'], []],
  ['drop function f(int)', ['function f'], []],
  ['drop type if exists mood', ['type mood'], []],
  ['alter table t drop column c', ['t.c'], []],
  ['alter table t rename to u', [], ['relation t > relation u']],
  ['alter table t rename column a to b', [], ['t.a > t.b']],
  ['alter type a rename to b', [], ['type a > type b']],
])('what is gone: %s', async (sql, drops, renames) => {
  const found = await words(sql)
  expect([found.drops, found.renames]).toEqual([drops, renames])
})

test("the target's own schema is not in names, and another one is", async () => {
  const found = await words('create table "t_a"."orders" (id int references public.users, s t_a.status)', 't_a')
  expect(found.makes).toEqual(['relation orders', 'orders.id', 'orders.s'])
  expect(found.names).toEqual(['relation orders', 'relation public.users', 'type status'])
  expect((await words('select 1 from public.users')).names).toEqual(['relation users'])
})

test('a text that nobody can read names nothing', async () => {
  expect(await words('create tabel x')).toEqual({ makes: [], drops: [], renames: [], names: [], columns: [] })
})
