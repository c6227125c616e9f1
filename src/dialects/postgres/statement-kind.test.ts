import { beforeAll, expect, test } from 'vitest'
import { loadParser, parseSql } from './parse.ts'
import { nameStatement } from './statement-kind.ts'

beforeAll(loadParser)

test.each([
  ['create unique index concurrently if not exists i on t (a)', 'CREATE INDEX CONCURRENTLY'],
  ['CREATE /* x */ OR REPLACE -- y\n FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$', 'CREATE FUNCTION'],
  ['CREATE TEMP TABLE t (a int)', 'CREATE TABLE'],
  ['CREATE TABLE index_list (a int)', 'CREATE TABLE'],
  ['CREATE TABLE data (a int)', 'CREATE TABLE'],
  ['CREATE USER MAPPING FOR a SERVER b', 'CREATE USER MAPPING'],
  ['CREATE TEXT SEARCH CONFIGURATION a (COPY = b)', 'CREATE TEXT SEARCH CONFIGURATION'],
  ['ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO a', 'ALTER DEFAULT PRIVILEGES'],
  ['CREATE MATERIALIZED VIEW v AS SELECT 1', 'CREATE MATERIALIZED VIEW'],
  ['ALTER TABLE t ADD COLUMN a int', 'ALTER TABLE'],
  ['ALTER TABLE t DETACH PARTITION p CONCURRENTLY', 'ALTER TABLE … DETACH PARTITION CONCURRENTLY'],
  ["ALTER TYPE t ADD VALUE 'x'", 'ALTER TYPE … ADD VALUE'],
  ['DROP INDEX CONCURRENTLY i', 'DROP INDEX CONCURRENTLY'],
  ['DROP TABLE IF EXISTS t', 'DROP TABLE'],
  ['WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a', 'INSERT'],
  ['(SELECT 1) UNION SELECT 2', 'SELECT'],
  ['SET ROLE x', 'SET'],
  ['DO $$ BEGIN END $$', 'DO'],
  ['VACUUM t', 'VACUUM'],
  ['REFRESH MATERIALIZED VIEW CONCURRENTLY v', 'REFRESH MATERIALIZED VIEW CONCURRENTLY'],
  ['COMMENT ON TABLE t IS NULL', 'COMMENT'],
  ['BEGIN', 'BEGIN'],
])('%s', (sql, expected) => {
  const [statement] = parseSql(sql).statements
  expect(statement && nameStatement(statement, sql)).toBe(expected)
})
