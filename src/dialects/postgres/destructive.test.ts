import { beforeAll, expect, test } from 'vitest'
import { findDestructive } from './destructive.ts'
import { loadParser, parseSql } from './parse.ts'
import { readSource } from './render.ts'

beforeAll(loadParser)

test.each([
  ['DROP TABLE a, s.b CASCADE', ['drop-table a', 'drop-table s.b']],
  ['ALTER TABLE IF EXISTS s.t DROP COLUMN c, DROP COLUMN IF EXISTS "D"', ['drop-column s.t c', 'drop-column s.t D']],
  ['ALTER TABLE t ALTER COLUMN c TYPE int USING c::int', ['change-type t c']],
  ['ALTER TYPE t DROP ATTRIBUTE a', ['drop-other t a']],
  ['DROP SCHEMA s', ['drop-schema s']],
  ['TRUNCATE a, s.b', ['truncate a', 'truncate s.b']],
  ['DELETE FROM ONLY s.t WHERE true', ['delete s.t']],
  ['WITH gone AS (DELETE FROM t RETURNING *) INSERT INTO u SELECT * FROM gone', ['delete t']],
  ['MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE', ['delete t']],
  ['DROP MATERIALIZED VIEW v', ['drop-other v']],
  ['DROP TYPE s.t', ['drop-other s.t']],
  ['DROP SEQUENCE q', ['drop-other q']],
  ['DROP EXTENSION citext', ['drop-other citext']],
  ['DROP OWNED BY r', ['drop-other r']],
  ['DROP VIEW v', []],
  ['DROP INDEX i', []],
  ['DROP FUNCTION f()', []],
  ['ALTER TABLE t DROP CONSTRAINT c', []],
  ['ALTER TABLE t ALTER c DROP DEFAULT', []],
  ['MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DO NOTHING', []],
  ['CREATE TABLE t (a int)', []],
])('%s', (sql, expected) => {
  const parsed = parseSql(sql)
  const found = parsed.statements.flatMap((statement) => findDestructive(readSource(parsed), statement, 1, []))
  const print = (step: (typeof found)[number]) =>
    `${step.kind} ${step.schema === null ? '' : `${step.schema}.`}${step.object}${step.column === null ? '' : ` ${step.column}`}`
  expect(found.map(print)).toEqual(expected)
})

test('a name that is moved to the tenant has no schema', () => {
  const parsed = parseSql('DROP TABLE "public".a, public.b')
  const [statement] = parsed.statements
  const edits = [{ start: 11, end: 19, parts: [], kind: 'schema' as const }]
  expect(statement && findDestructive(readSource(parsed), statement, 1, edits).map(({ schema }) => schema)).toEqual([
    null,
    'public',
  ])
})
