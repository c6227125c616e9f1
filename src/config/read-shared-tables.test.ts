import { expect, test } from 'vitest'
import { readSharedTables } from './read-shared-tables.ts'
import { findShapeProblems } from './validate.ts'

test.each([
  [undefined, { column: 'tenant_id', setting: 'app.tenant_id', rowLevelSecurity: false, except: [] }],
  [true, { column: 'tenant_id', setting: 'app.tenant_id', rowLevelSecurity: false, except: [] }],
  [false, null],
  [
    { column: 'org', setting: 'my.org', rowLevelSecurity: true, except: ['audit'] },
    { column: 'org', setting: 'my.org', rowLevelSecurity: true, except: ['audit'] },
  ],
])('sharedTables: %j', (given, rules) => {
  expect(readSharedTables(given)).toEqual(rules)
})

test('what is wrong with it is told', () => {
  expect(findShapeProblems({ tenants: [], sharedTables: { colum: 'x', except: 'audit' } })).toMatchObject([
    { path: 'sharedTables.except', message: 'must be a list, not a string' },
    { path: 'sharedTables.colum', message: expect.stringContaining('did you mean') },
  ])
  expect(findShapeProblems({ tenants: [], sharedTables: 'tenant_id' })).toHaveLength(1)
  expect(findShapeProblems({ tenants: [], sharedTables: { setting: 'tenant' } })).toMatchObject([
    { path: 'sharedTables.setting', message: expect.stringContaining('with a dot') },
  ])
})
