import { expect, test } from 'vitest'
import { mysql } from '../../dialects/mysql/index.ts'
import { postgres } from '../../dialects/postgres/index.ts'
import { sqlite } from '../../dialects/sqlite/index.ts'
import type { CodeRemoval } from '../../model/code.ts'
import { readRemovals } from './read-removals.ts'

const removals: CodeRemoval[] = [
  { action: 'drop-column', table: 'Clients', column: 'order', at: { line: 4, column: 11 } },
  { action: 'drop-table', table: 'carts', at: { line: 4, column: 60 } },
  { action: 'rename-column', table: 'Clients', column: 'name', to: 'title', at: { line: 9, column: 3 } },
  { action: 'rename-table', table: 'a;b', to: 'c', at: { line: 10, column: 1 } },
]

test.each([
  ['postgres', postgres],
  ['mysql', mysql],
  ['sqlite', sqlite],
] as const)('what code takes away is read as %s reads it, where the code says it', async (_, dialect) => {
  const file = { migration: '1', file: '1.js', direction: 'up' as const }
  const request = { schemaTargets: false, sharedSchema: 'public', tenantColumns: [] }
  const statements = await readRemovals(removals, file, dialect, request)
  expect(statements.map(({ line, column, unread }) => [line, column, unread])).toEqual([
    [4, 11, null],
    [4, 60, null],
    [9, 3, null],
    [10, 1, null],
  ])
  expect(statements.flatMap(({ facts }) => facts)).toMatchObject([
    { kind: 'drop-column', table: { name: 'Clients' }, column: 'order' },
    { kind: 'drop-table', table: { name: 'carts' } },
    { kind: 'rename-column', table: { name: 'Clients' }, to: 'title' },
    { kind: 'rename-table', table: { name: 'a;b' }, to: 'c' },
  ])
})
