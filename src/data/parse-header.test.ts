import { expect, test } from 'vitest'
import { parseHeader } from './parse-header.ts'

const entries = (text: string) => Object.fromEntries(parseHeader(text).values)

test.each([
  ['-- tenantry:data-change table=orders key=id\nSELECT 1', { table: 'orders', key: 'id' }],
  [
    '-- about\n\n--tenantry:data-change table=a\r\n-- tenantry:data-change key="b, c" chunk-ms=50\r\nSELECT 1',
    { table: 'a', key: 'b, c', 'chunk-ms': '50' },
  ],
  [
    `-- tenantry:data-change table='it''s' count="select ""n"" from t where a = 1"`,
    { table: "it's", count: 'select "n" from t where a = 1' },
  ],
  ['SELECT 1;\n-- tenantry:data-change table=orders', {}],
])('%j', (text, expected) => {
  expect(entries(text)).toEqual(expected)
  expect(parseHeader(text).problems).toEqual([])
})

test.each([
  ['-- tenantry:data-change tabel=orders', /unknown key `tabel`; did you mean `table`/],
  ['-- tenantry:data-change table=a table=b', /`table` is there twice/],
  ['-- tenantry:data-change table', /which is not key=value/],
])('%j is wrong', (text, message) => {
  expect(parseHeader(text).problems.join()).toMatch(message)
})
