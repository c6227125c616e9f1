import { expect, test } from 'vitest'
import type { EmptyingTable } from '../../model/emptying.ts'
import { orderRemoval } from './order-removal.ts'

const make = (keys: Record<string, string>): EmptyingTable[] =>
  Object.entries(keys).map(([id, to]) => ({
    ...{ id, name: id, place: id, rowKey: ['id'], isOutside: false, obstacle: null },
    keys: to
      .split(' ')
      .filter((one) => one !== '')
      .map((one) => ({ name: one, columns: [], to: one, toColumns: [], operators: [] })),
  }))

const order = (keys: Record<string, string>) =>
  orderRemoval(make(keys)).map(({ tables, isCircle }) => {
    const names = tables.map(({ id }) => id).sort()
    return isCircle ? `(${names.join(' ')})` : names.join(' ')
  })

test('those that point come before those that are pointed to', () => {
  expect(order({ users: 'roles', lines: 'orders products', orders: 'users', products: '', roles: '' })).toEqual(
    expect.arrayContaining(['lines', 'orders', 'users', 'roles', 'products']),
  )
  const found = order({ users: 'roles', lines: 'orders products', orders: 'users', products: '', roles: '' })
  for (const [child, parent] of ['lines orders', 'lines products', 'orders users', 'users roles'].map((pair) =>
    pair.split(' '),
  ))
    expect(found.indexOf(child as string)).toBeLessThan(found.indexOf(parent as string))
})

test('circles go together, between those before and behind them', () => {
  expect(order({ z: '', a: 'b', b: 'c', c: 'a z', d: 'a' })).toEqual(['d', '(a b c)', 'z'])
  expect(order({ tree: 'tree', leaf: 'tree' })).toEqual(['leaf', '(tree)'])
  expect(order({ a: 'b', b: 'a', c: 'd b', d: 'c' })).toEqual(['(c d)', '(a b)'])
})

test('keys to tables that are not among them count for nothing', () => {
  expect(order({ a: 'elsewhere', b: '' }).sort()).toEqual(['a', 'b'])
})

test('a chain longer than calls can be deep', () => {
  const long = Object.fromEntries(Array.from({ length: 30_000 }, (_, i) => [`t${i}`, i === 0 ? '' : `t${i - 1}`]))
  const found = order(long)
  expect(found[0]).toBe('t29999')
  expect(found.at(-1)).toBe('t0')
})
