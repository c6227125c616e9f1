import { beforeAll, describe, expect, test } from 'vitest'
import { type BlockRule, judgeStatement, readControl } from './classify.ts'
import { loadParser, parseSql } from './parse.ts'

beforeAll(loadParser)

function judge(sql: string): BlockRule {
  const [statement] = parseSql(sql).statements
  if (!statement) throw new Error('no statement')
  return judgeStatement(statement)
}

const verdicts: [sql: string, verdict: BlockRule['verdict'], exclusive?: 'exclusive'][] = [
  ['CREATE INDEX CONCURRENTLY i ON t (a)', 'refused', 'exclusive'],
  ['CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)', 'refused', 'exclusive'],
  ['DROP INDEX CONCURRENTLY i', 'refused', 'exclusive'],
  ['REINDEX INDEX CONCURRENTLY i', 'refused', 'exclusive'],
  ['REINDEX (CONCURRENTLY) TABLE t', 'refused', 'exclusive'],
  ['REINDEX (CONCURRENTLY on) SCHEMA s', 'refused', 'exclusive'],
  ['REINDEX (CONCURRENTLY false) SCHEMA s', 'refused'],
  ['REINDEX SCHEMA s', 'refused'],
  ['REINDEX DATABASE d', 'refused'],
  ['REINDEX SYSTEM d', 'refused'],
  ['VACUUM', 'refused'],
  ['VACUUM (ANALYZE) t', 'refused'],
  ['CLUSTER', 'refused'],
  ['CREATE DATABASE d', 'refused'],
  ['DROP DATABASE d', 'refused'],
  ["CREATE TABLESPACE s LOCATION '/x'", 'refused'],
  ['DROP TABLESPACE s', 'refused'],
  ["ALTER SYSTEM SET work_mem = '1MB'", 'refused'],
  ['ALTER DATABASE d SET TABLESPACE s', 'refused'],
  ['DISCARD ALL', 'refused'],
  ['ALTER TABLE t DETACH PARTITION p CONCURRENTLY', 'refused', 'exclusive'],
  ["COMMIT PREPARED 'x'", 'refused'],
  ["ROLLBACK PREPARED 'x'", 'refused'],
  ["CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p", 'refused'],
  ["CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (create_slot)", 'refused'],
  ['ALTER SUBSCRIPTION s REFRESH PUBLICATION', 'refused'],
  ['ALTER SUBSCRIPTION s SET (failover = true)', 'refused'],

  ['REINDEX TABLE t', 'may-be-refused'],
  ['REINDEX INDEX i', 'may-be-refused'],
  ['REINDEX (CONCURRENTLY 0) TABLE t', 'may-be-refused'],
  ['CLUSTER t USING i', 'may-be-refused'],
  ['DROP SUBSCRIPTION s', 'may-be-refused'],
  ['ALTER SUBSCRIPTION s SET PUBLICATION p', 'may-be-refused'],
  ['ALTER SUBSCRIPTION s ADD PUBLICATION p', 'may-be-refused'],
  ['ALTER SUBSCRIPTION s DROP PUBLICATION p', 'may-be-refused'],
  ['ALTER SUBSCRIPTION s SET (two_phase = true)', 'may-be-refused'],

  ['CREATE INDEX i ON t (a)', 'allowed'],
  ['DROP INDEX i', 'allowed'],
  ['ANALYZE t', 'allowed'],
  ['DISCARD PLANS', 'allowed'],
  ['DISCARD TEMP', 'allowed'],
  ['ALTER TABLE t DETACH PARTITION p', 'allowed'],
  ['ALTER TABLE t DETACH PARTITION p FINALIZE', 'allowed'],
  ["CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (connect = false)", 'allowed'],
  ["CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (create_slot = off)", 'allowed'],
  ['ALTER SUBSCRIPTION s ADD PUBLICATION p WITH (refresh = false)', 'allowed'],
  ['ALTER SUBSCRIPTION s ENABLE', 'allowed'],
  ['REFRESH MATERIALIZED VIEW CONCURRENTLY v', 'allowed'],
  ['ALTER TABLESPACE s RESET (seq_page_cost)', 'allowed'],
  ["ALTER DATABASE d SET work_mem = '1MB'", 'allowed'],
  ['ALTER DATABASE d CONNECTION LIMIT 3', 'allowed'],
  ['ALTER DATABASE d RENAME TO e', 'allowed'],
  ['ALTER DATABASE d REFRESH COLLATION VERSION', 'allowed'],
  ['CHECKPOINT', 'allowed'],
  ["LOAD 'x'", 'allowed'],
  ['CREATE EXTENSION citext', 'allowed'],
  ['CREATE ROLE r', 'allowed'],
  ['DROP OWNED BY r', 'allowed'],
  ["ALTER TYPE t ADD VALUE 'x'", 'allowed'],
  ['ALTER TABLE t VALIDATE CONSTRAINT c', 'allowed'],
  ['ALTER TABLE t SET UNLOGGED', 'allowed'],
  ['LISTEN c', 'allowed'],
  ['NOTIFY c', 'allowed'],
  ['LOCK TABLE t', 'allowed'],
  ['CALL p()', 'allowed'],

  ['DO $$ BEGIN INSERT INTO t VALUES (1); COMMIT; END $$', 'commits'],
  ['DO $$ BEGIN LOOP ROLLBACK AND CHAIN; END LOOP; END $$', 'commits'],
  ['DO LANGUAGE plpgsql $x$ BEGIN IF true THEN /* now */ commit; END IF; END $x$', 'commits'],
  ["DO LANGUAGE plpython3u 'plpy.commit()'", 'commits'],
  ["DO $$ BEGIN RAISE NOTICE 'COMMIT;'; -- COMMIT;\n PERFORM commit FROM t; END $$", 'allowed'],
  ['CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$', 'allowed'],
]

describe('what can run in a transaction block', () => {
  test.each(verdicts)('%s: %s', (sql, verdict, exclusive) => {
    const rule = judge(sql)
    expect(rule.verdict).toBe(verdict)
    expect(rule.exclusive).toBe(exclusive === 'exclusive')
    expect(rule.because !== null).toBe(verdict === 'may-be-refused')
  })
})

test.each([
  ['BEGIN', 'begin'],
  ['START TRANSACTION READ ONLY', 'begin'],
  ['COMMIT', 'commit'],
  ['END', 'commit'],
  ['ROLLBACK', 'rollback'],
  ['ABORT', 'rollback'],
  ["PREPARE TRANSACTION 'x'", 'prepare'],
  ['SAVEPOINT a', null],
  ['RELEASE a', null],
  ['ROLLBACK TO a', null],
  ["COMMIT PREPARED 'x'", null],
  ['SELECT 1', null],
])('%s is transaction control: %s', (sql, control) => {
  const [statement] = parseSql(sql).statements
  expect(statement && readControl(statement)).toBe(control)
})
