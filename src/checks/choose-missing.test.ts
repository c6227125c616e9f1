import { expect, test } from 'vitest'
import type { ObjectKind, PictureObject } from '../model/picture.ts'
import { chooseMissing, keyOf, tablesToLookInto, whatIsLeft } from './choose-missing.ts'

const object = (
  kind: ObjectKind,
  name: string,
  of: string | null = null,
  properties: Record<string, string> = {},
): PictureObject => ({ kind, name, of, properties })
const picture = (...objects: PictureObject[]) => ({ hash: JSON.stringify(objects), objects })

const table = object('table', 't')
const id = object('column', 't.id', 't', { type: 'integer', nullable: 'no' })
const key = object('column', 't.key', 't', { type: 'text', nullable: 'no' })
const note = object('column', 't.note', 't', { type: 'text', nullable: 'yes' })
const unique = object('unique', 't.t_key', 't', { definition: 'UNIQUE (key)' })
const view = object('view', 'v', null, { definition: 'SELECT key FROM \u0001.t' })
const above = object('view', 'w', null, { definition: 'SELECT 1 FROM \u0001.v' })
const beside = object('view', 'x', null, { definition: 'SELECT keyed FROM \u0001.t' })
const reference = picture(table, id, key, note, unique, view, above, beside)
const choose = (seen: ReturnType<typeof picture>, rows: string[] = []) => {
  const { make, reasons } = chooseMissing(reference, seen, new Set(rows))
  return { make: make.map(keyOf), reasons: Object.fromEntries(reasons) }
}

test('what is missing is made, in whole', () => {
  expect(choose(picture()).make).toEqual(reference.objects.map(keyOf))
  expect(choose(reference)).toEqual({ make: [], reasons: {} })
})

test('a column that rows need a value for is left, with all that is made of it', () => {
  const seen = picture(table, id)
  expect(tablesToLookInto(reference, seen)).toEqual(['t'])
  expect(tablesToLookInto(reference, picture())).toEqual([])
  expect(choose(seen).make).toContain('column t.key')
  const { make, reasons } = choose(seen, ['t'])
  expect(make).toEqual(['column t.note', 'view x'])
  expect(reasons).toMatchObject({
    'column t.key': 'it is NOT NULL without a default, and t has rows',
    'unique t.t_key': expect.stringContaining('column t.key'),
    'view v': expect.stringContaining('column t.key'),
    'view w': expect.stringContaining('view v'),
  })
})

test.each(['default', 'identity', 'generated', 'counter'])('a column with %s needs no value', (property) => {
  const filled = object('column', 't.n', 't', { nullable: 'no', [property]: 'x' })
  const found = chooseMissing(picture(table, filled), picture(table), new Set(['t']))
  expect(found.make).toEqual([filled])
})

test('what is there under another name, or as something else, is not made twice', () => {
  const other = object('unique', 't.other', 't', { definition: 'UNIQUE (key)' })
  expect(choose(picture(table, id, key, note, other, object('table', 'v'), beside))).toEqual({
    make: [],
    reasons: {
      'unique t.t_key': 't.other is the same under another name',
      'view v': 'there is a table of that name',
      'view w': 'it needs view v, which is not made',
    },
  })
})

test('two indexes that differ in more than their names are two', () => {
  const wanted = object('index', 't.a', 't', { columns: '`a`' })
  const other = object('index', 't.b', 't', { columns: '`b`' })
  expect(chooseMissing(picture(table, wanted), picture(table, other), new Set()).make).toEqual([wanted])
})

test('what is left has its reason', () => {
  const seen = picture(table, id)
  const { make, reasons } = chooseMissing(reference, seen, new Set(['t']))
  const left = whatIsLeft(reference, seen, make, reasons)
  expect(left.map(({ change, object: name }) => `${change} ${name}`)).toEqual([
    'missing t.key',
    'missing t.t_key',
    'missing v',
    'missing w',
  ])
  expect(left[0]?.detail).toMatch(/\(left: it is NOT NULL without a default, and t has rows\)$/)
})
