import { expect, test } from 'vitest'
import { findDestructive } from './destructive.ts'

const show = (sql: string) =>
  findDestructive(sql, 3).map(({ kind, schema, object, column, statement }) => {
    expect(statement).toBe(3)
    return `${kind} ${[schema, object, column].filter((part) => part !== null).join('.')}`
  })

test.each<[string, string[]]>([
  ['DROP TABLE IF EXISTS a, `b``c`, d.e CASCADE', ['drop-table a', 'drop-table b`c', 'drop-table d.e']],
  ['/*!40000 DROP TABLE a */', ['drop-table a']],
  ['DROP TEMPORARY TABLE a', []],
  ['DROP VIEW v', ['drop-other v']],
  ['DROP DATABASE x', ['drop-schema x']],
  ['DROP INDEX i ON t', []],
  ['DROP PROCEDURE p', []],
  ['TRUNCATE t', ['truncate t']],
  ['TRUNCATE TABLE a.t', ['truncate a.t']],
  [
    'ALTER TABLE t DROP a, DROP COLUMN IF EXISTS `b`, ADD c DECIMAL(9,2) COMMENT "x, DROP y"',
    ['drop-column t.a', 'drop-column t.b'],
  ],
  ['ALTER TABLE t DROP INDEX a, DROP PRIMARY KEY, DROP FOREIGN KEY f, DROP CONSTRAINT c, DROP CHECK d', []],
  ['ALTER IGNORE TABLE IF EXISTS t MODIFY a INT, CHANGE COLUMN b c TEXT', ['change-type t.a', 'change-type t.b']],
  ['ALTER TABLE t NOWAIT CONVERT TO CHARACTER SET latin1', ['change-type t']],
  ['ALTER TABLE t DROP PARTITION p', ['delete t']],
  ['ALTER TABLE t RENAME COLUMN a TO b', []],
  ['ALTER DATABASE x CHARACTER SET utf8', []],
  ['DELETE FROM t WHERE a = 1', ['delete t']],
  ['DELETE QUICK a.*, b FROM a JOIN b', ['delete a', 'delete b']],
  ['DELETE FROM a, b USING a JOIN b', ['delete a', 'delete b']],
  ['WITH x AS (SELECT 1) DELETE FROM t', ['delete t']],
  ['WITH x AS (DELETE FROM u) SELECT 1', []],
  ['CREATE OR REPLACE TABLE t (a INT)', ['drop-table t']],
  ['CREATE TABLE t (a INT)', []],
  ["INSERT INTO t VALUES ('DROP TABLE x')", []],
  ['CREATE PROCEDURE p() BEGIN DELETE FROM t; END', []],
])('%s', (sql, expected) => {
  expect(show(sql)).toEqual(expected)
})
