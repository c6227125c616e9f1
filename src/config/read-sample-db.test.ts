import { expect, test } from 'vitest'
import { readSampleDb } from './read-sample-db.ts'
import { findShapeProblems } from './validate.ts'

const plain = { env: {}, environmentAsked: null }

test('tables in short and in full; labels, one or several; the rest by default', () => {
  const given = {
    keep: ['roles', { table: 'users', where: "role = 'x'", limit: 1, orderBy: 'id' }],
    maxRows: 5,
    productionLabels: { env: 'live', tier: ['a', 'b'] },
  }
  expect(findShapeProblems({ tenants: [], sampleDb: given })).toEqual([])
  expect(readSampleDb(given, plain)).toEqual({
    keep: [
      { table: 'roles', where: null, limit: null, orderBy: null },
      { table: 'users', where: "role = 'x'", limit: 1, orderBy: 'id' },
    ],
    maxRows: 5,
    productionLabels: { env: ['live'], tier: ['a', 'b'] },
    production: null,
  })
  const usual = { env: ['production', 'prod'], environment: ['production', 'prod'] }
  expect(readSampleDb(undefined, plain)).toEqual({
    keep: null,
    maxRows: 100_000,
    productionLabels: usual,
    production: null,
  })
})

test('production by any name that says so, whichever it comes from', () => {
  const production = (environmentAsked: string | null, nodeEnv?: string) =>
    readSampleDb({}, { environmentAsked, env: nodeEnv === undefined ? {} : { NODE_ENV: nodeEnv } }).production
  expect(production('production')).toBe('production')
  expect(production('staging', 'Production')).toBe('Production')
  expect(production('prod')).toBe('prod')
  expect(production('staging', 'test')).toBeNull()
  expect(production('preproduction')).toBeNull()
})

test('what is wrong is said by its place', () => {
  const paths = (sampleDb: unknown) => findShapeProblems({ tenants: [], sampleDb }).map(({ path }) => path)
  expect(paths({})).toEqual(['sampleDb.keep'])
  expect(paths({ keep: ['a', 7, { tabel: 'x' }], maxRows: -1 })).toEqual(
    expect.arrayContaining([
      'sampleDb.keep[1]',
      'sampleDb.keep[2].table',
      'sampleDb.keep[2].tabel',
      'sampleDb.maxRows',
    ]),
  )
})
