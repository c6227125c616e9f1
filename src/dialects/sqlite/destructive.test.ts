import { expect, test } from 'vitest'
import { findDestructive } from './destructive.ts'

function find(...statements: string[]): string[] {
  return findDestructive(statements.map((text, i) => ({ index: i + 1, text }))).map(
    ({ kind, object, column, statement, keeps }) =>
      [statement, kind, object, column, keeps === undefined ? null : `keeps ${keeps.join()}`]
        .filter((part) => part !== null)
        .join(' '),
  )
}

test.each([
  ['DROP TABLE IF EXISTS main."t"', ['1 drop-table t']],
  ['DROP VIEW v', ['1 drop-other v']],
  ['DROP INDEX i', []],
  ['DROP TRIGGER t', []],
  ['ALTER TABLE t DROP COLUMN [a b]', ['1 drop-column t a b']],
  ['ALTER TABLE t DROP a;', ['1 drop-column t a']],
  ['ALTER TABLE t DROP CONSTRAINT a', []],
  ['ALTER TABLE t ADD COLUMN a INT', []],
  ['DELETE FROM t', ['1 truncate t']],
  ['DELETE FROM t WHERE a > 1', ['1 delete t']],
  ['WITH x AS (SELECT 1) DELETE FROM t WHERE a IN x', ['1 delete t']],
  ["INSERT INTO t VALUES (1, 'DROP TABLE t')", []],
  ['UPDATE t SET a = NULL', []],
  ['CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM t; END', []],
])('%s', (statement, found) => {
  expect(find(statement)).toEqual(found)
})

const make = 'CREATE TABLE new_t (id INTEGER PRIMARY KEY, a INT)'

test.each([
  [
    'built anew with some of its columns',
    [
      make,
      'INSERT INTO "new_t" (id, a) SELECT id, CAST("A" AS INT) FROM t',
      'DROP TABLE t',
      'ALTER TABLE new_t RENAME TO t',
    ],
    ['3 drop-table t keeps id,a'],
  ],
  [
    'built anew with all of them',
    [make, 'INSERT INTO new_t SELECT * FROM main.t;', 'DROP TABLE t', 'ALTER TABLE new_t RENAME TO t'],
    [],
  ],
  [
    'made from a query',
    ['CREATE TABLE new_t AS SELECT t.* FROM t', 'DROP TABLE t', 'ALTER TABLE new_t RENAME TO t'],
    [],
  ],
  [
    'moved out of the way, and copied back',
    [
      'ALTER TABLE t RENAME TO old_t',
      'CREATE TABLE t (id INT)',
      'INSERT INTO t SELECT id FROM old_t',
      'DROP TABLE old_t',
    ],
    ['4 drop-table t keeps id'],
  ],
  [
    'by way of a copy that goes away again',
    [
      'CREATE TEMPORARY TABLE backup (id, a)',
      'INSERT INTO backup SELECT id, a FROM t',
      'DROP TABLE t',
      'CREATE TABLE t (id, a)',
      'INSERT INTO t SELECT id, a FROM backup',
      'DROP TABLE backup',
    ],
    ['3 drop-table t keeps id,a'],
  ],
  [
    'into a copy that is thrown away',
    ['CREATE TABLE backup AS SELECT * FROM t', 'DROP TABLE t', 'DROP TABLE backup'],
    ['2 drop-table t'],
  ],
  ['with only some rows', [make, 'INSERT INTO new_t SELECT * FROM t WHERE a > 1', 'DROP TABLE t'], ['3 drop-table t']],
  ['with rows put together', [make, 'INSERT INTO new_t SELECT DISTINCT * FROM t', 'DROP TABLE t'], ['3 drop-table t']],
  ['with rows of two tables', [make, 'INSERT INTO new_t SELECT * FROM t, u', 'DROP TABLE t'], ['3 drop-table t']],
  ['of which nothing was copied', [make, 'DROP TABLE t', 'ALTER TABLE new_t RENAME TO t'], ['2 drop-table t']],
  ['that the file itself has made', [make, 'DELETE FROM new_t', 'DROP TABLE new_t'], []],
  ['that may have been there', ['CREATE TABLE IF NOT EXISTS t (id INT)', 'DROP TABLE t'], ['2 drop-table t']],
  [
    'whose column had another name',
    ['ALTER TABLE t RENAME COLUMN a TO b', 'ALTER TABLE t DROP COLUMN b'],
    ['2 drop-column t a'],
  ],
])('a table %s', (_title, statements, found) => {
  expect(find(...statements)).toEqual(found)
})
