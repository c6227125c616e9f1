import { expect, test } from 'vitest'
import { batches } from './batches.ts'

const names = (text: string) =>
  batches.parameters(text).map(({ name, start, end }) => `${name}=${text.slice(start, end)}`)

test.each([
  ['id > :from AND id <= :to', ['from=:from', 'to=:to']],
  [`a = ':from' # :from\n-- :to\n/* :to */ AND "\\":to" = \`:to\` AND @x := :keys`, ['keys=:keys']],
  ['IN(:keys)', ['keys=:keys']],
])('parameters of %j', (text, expected) => {
  expect(names(text)).toEqual(expected)
})

test('conditions behind a key of several columns can be served by its index', () => {
  const column = (name: string) => ({ name, asText: '', literal: (text: string) => text })
  expect(batches.after([column('a'), column('b'), column('c')], ['1', '2', '3'])).toBe(
    'a >= 1 AND (a > 1 OR (a = 1 AND b >= 2 AND (b > 2 OR (b = 2 AND c > 3))))',
  )
})
