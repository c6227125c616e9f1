import { expect, test } from 'vitest'
import type { EmptyingTable } from '../../model/emptying.ts'
import { chooseTables } from './choose-tables.ts'

const table = (id: string, more: Partial<EmptyingTable> = {}): EmptyingTable => ({
  ...{ id, name: id, place: id, rowKey: ['id'], keys: [], isOutside: false, obstacle: null },
  ...more,
})
const whole = { where: null, limit: null, orderBy: null }
const books = { names: new Set(['schema_migrations']), prefix: 'tenantry_' }
const lots = (found: ReturnType<typeof chooseTables>) =>
  Object.fromEntries(found.chosen.map(({ table: { id }, action, reason }) => [id, reason ?? action]))

test('what is listed stays, in whole or in part; books and what is not the target’s own stay; the rest goes', () => {
  const tables = [
    table('roles'),
    table('users'),
    table('orders'),
    table('schema_migrations'),
    table('tenantry_seeds'),
    table('other.seen', { isOutside: true, name: 'orders' }),
  ]
  const found = chooseTables(
    tables,
    [
      { table: 'roles', ...whole },
      { table: 'users', ...whole, limit: 1 },
    ],
    books,
  )
  expect(found.problems).toEqual([])
  expect(lots(found)).toEqual({
    roles: 'keep',
    users: 'reduce',
    orders: 'empty',
    schema_migrations: 'bookkeeping',
    tenantry_seeds: 'bookkeeping',
    'other.seen': 'keep',
  })
})

test('a name in another case is that table, unless there are two', () => {
  const one = chooseTables([table('Roles')], [{ table: 'roles', ...whole }], books)
  expect([one.problems, lots(one)]).toEqual([[], { Roles: 'keep' }])
  const two = chooseTables([table('Roles'), table('ROLES')], [{ table: 'roles', ...whole }], books)
  expect(two.problems).toMatchObject([{ table: 'roles' }])
})

test('every problem is told: no such table, twice, no key, no transactions', () => {
  const tables = [table('roles'), table('loose', { rowKey: [] }), table('old', { obstacle: 'has no transactions' })]
  const keep = ['rolse', 'roles', 'roles'].map((name) => ({ table: name, ...whole }))
  const { problems } = chooseTables(tables, [...keep, { table: 'loose', ...whole, where: 'a = 1' }], books)
  expect(problems.map(({ table: name, message }) => `${name} ${message}`)).toEqual([
    'rolse there is no such table; did you mean `roles`?',
    'roles is listed twice',
    expect.stringContaining('loose has no key'),
    'old has no transactions',
  ])
})
