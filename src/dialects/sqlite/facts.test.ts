import { expect, test } from 'vitest'
import type { FactsRequest } from '../../model/statement-facts.ts'
import { facts } from './facts.ts'

const request: FactsRequest = { schemaTargets: false, sharedSchema: 'public', tenantColumns: ['tenant_id'] }

async function read(text: string) {
  const [file] = await facts.read([{ migration: '001', file: '001.sql', direction: 'up', text }], request)
  return file
}

const factsOf = async (text: string) => (await read(text))?.statements.flatMap((one) => one.facts) ?? []

test.each([
  [
    'CREATE INDEX IF NOT EXISTS i ON main.t (a)',
    { kind: 'create-index', table: { schema: null, name: 't' }, index: 'i' },
  ],
  ['DROP TABLE IF EXISTS "t"', { kind: 'drop-table', table: { schema: null, name: 't' } }],
  ['DROP INDEX i', { kind: 'drop-index', index: { schema: null, name: 'i' } }],
  ['DROP TRIGGER g', { kind: 'drop-object', object: 'trigger' }],
  ['ALTER TABLE t RENAME TO u', { kind: 'rename-table', to: 'u' }],
  ['ALTER TABLE t RENAME COLUMN a TO b', { kind: 'rename-column', column: 'a', to: 'b' }],
  ['ALTER TABLE t DROP COLUMN a', { kind: 'drop-column', column: 'a', cost: { work: 'rewrite' } }],
  [
    "ALTER TABLE t ADD COLUMN a varchar(20) NOT NULL DEFAULT 'x'",
    { kind: 'add-column', column: { name: 'a', notNull: true, default: 'constant' } },
  ],
  ['UPDATE OR IGNORE t SET a = 1', { kind: 'change-data', verb: 'UPDATE', limited: false }],
  ['DELETE FROM t WHERE a = 1', { kind: 'change-data', verb: 'DELETE', limited: true }],
  ['PRAGMA recursive_triggers = ON', { kind: 'session-setting', setting: 'recursive_triggers' }],
  ['CREATE TEMP VIEW v AS SELECT 1', { kind: 'create-view' }],
])('%s', async (text, expected) => {
  expect((await factsOf(text))[0]).toMatchObject(expected)
})

test('a table with its columns and constraints', async () => {
  const [fact] = await factsOf(
    'CREATE TABLE t (id INTEGER PRIMARY KEY, u INTEGER REFERENCES users (id), e TEXT UNIQUE, CHECK (e <> 1))',
  )
  expect(fact).toMatchObject({
    kind: 'create-table',
    guard: 'missing',
    columns: [{ name: 'id', type: 'integer' }, { name: 'u' }, { name: 'e', type: 'text' }],
    constraints: expect.arrayContaining([
      expect.objectContaining({ type: 'foreign-key', references: { schema: null, name: 'users' } }),
      expect.objectContaining({ type: 'unique', columns: ['e'] }),
      expect.objectContaining({ type: 'check' }),
    ]),
  })
})

test('whose row it is, what was said in comments, and what cannot be read', async () => {
  expect(await factsOf("DELETE FROM t WHERE tenant_id = 'acme'")).toContainEqual({
    kind: 'tenant-value',
    column: 'tenant_id',
    value: 'acme',
  })
  const file = await read(
    "-- tenantry:allow x: y\n\nSELECT '-- tenantry:not';\nALTER TABLE t ADD CONSTRAINT c CHECK (a);",
  )
  expect(file?.comments).toMatchObject([{ text: 'tenantry:allow x: y', isHeader: true }])
  expect(file?.oneTransaction).toBe(true)
  expect((await read('FROBNICATE x'))?.statements[0]?.unread).toContain('FROBNICATE')
})
