import { expect, test } from 'vitest'
import { batches } from './batches.ts'

const names = (text: string) =>
  batches.parameters(text).map(({ name, start, end }) => `${name}=${text.slice(start, end)}`)

test.each([
  ['id > :from AND id <= :to', ['from=:from', 'to=:to']],
  ['id::from > (:from)::text', ['from=:from']],
  [`a = ':from' -- :from\n/* :from /* :to */ :to */ AND $x$ :from $x$ = E'\\':from' AND ":from" = :to`, ['to=:to']],
  ['IN(:keys)', ['keys=:keys']],
  ['a := :from', ['from=:from']],
])('parameters of %j', (text, expected) => {
  expect(names(text)).toEqual(expected)
})

test('conditions behind a key', () => {
  const column = (name: string) => ({ name: `"${name}"`, asText: '', literal: (text: string) => `'${text}'` })
  expect(batches.after([column('a')], ['1'])).toBe(`"a" > '1'`)
  expect(batches.after([column('a'), column('b')], ['1', '2'])).toBe(`("a", "b") > ('1', '2')`)
})
