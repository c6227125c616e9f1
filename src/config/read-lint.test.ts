import { expect, test } from 'vitest'
import { readLint } from './read-lint.ts'
import { findShapeProblems } from './validate.ts'

test('what is not said has its default', () => {
  expect(readLint(undefined)).toEqual({ pgVersion: null, after: null, squawk: true })
  expect(readLint({ pgVersion: 14, after: '0041', squawk: false })).toEqual({
    pgVersion: 14,
    after: '0041',
    squawk: false,
  })
})

test.each([
  [{ pgVersion: '14' }, 'lint.pgVersion'],
  [{ pgVersion: 8 }, 'lint.pgVersion'],
  [{ after: '' }, 'lint.after'],
  [{ afer: '1' }, 'lint.afer'],
  [{ squawk: 'yes' }, 'lint.squawk'],
])('%o is refused', (lint, path) => {
  expect(findShapeProblems({ tenants: [], lint }).map((problem) => problem.path)).toEqual([path])
})
