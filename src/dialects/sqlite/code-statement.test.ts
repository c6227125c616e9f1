import { describe, expect, test } from 'vitest'
import { bindValues } from './bind-values.ts'
import { readCodeStatements } from './code-statement.ts'

const deeds = (text: string) => readCodeStatements(text).map(({ does }) => does)

test.each([
  ['BEGIN DEFERRED TRANSACTION;', ['begin']],
  ['COMMIT', ['commit']],
  ['END TRANSACTION', ['commit']],
  ['ROLLBACK;', ['rollback']],
  ['ROLLBACK TO SAVEPOINT trx2', ['rollback-to']],
  ['SAVEPOINT `a`; RELEASE a', ['savepoint', 'release']],
  ['SELECT 1', ['read']],
  ['-- only a comment', []],
  ['WITH a AS (SELECT 1) SELECT * FROM a', ['read']],
  ['WITH a AS (SELECT 1) DELETE FROM b', ['change']],
  ['INSERT INTO a VALUES (1) RETURNING id', ['change']],
  ['CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; COMMIT; END', ['change']],
  ['PRAGMA table_info(`a`)', ['read']],
  ['PRAGMA INDEX_LIST(`a`)', ['read']],
  ['PRAGMA main.user_version', ['read']],
  ['PRAGMA user_version = 3', ['change']],
  ['PRAGMA foreign_keys', ['foreign-keys']],
  ['PRAGMA FOREIGN_KEYS=ON', ['foreign-keys']],
  ['PRAGMA journal_mode = WAL', ['alone']],
  ['PRAGMA synchronous = OFF', ['nothing']],
  ['PRAGMA recursive_triggers = ON', ['session']],
  ['VACUUM', ['alone']],
  ["VACUUM INTO 'b.db'", ['refused']],
  ["ATTACH 'b.db' AS b", ['refused']],
])('%s', (text, expected) => expect(deeds(text)).toEqual(expected))

test.each([
  ['DROP TABLE "Parents"', 'parents'],
  ['DROP TABLE IF EXISTS main.`a b`;', 'a b'],
  ['DROP TABLE', null],
  ['DROP VIEW v', null],
])('the table that %s drops', (text, name) => expect(readCodeStatements(text)[0]?.name).toBe(name))

test.each([
  ['PRAGMA foreign_keys = OFF', false],
  ['PRAGMA foreign_keys(1)', true],
  ['PRAGMA foreign_keys', null],
])('%s', (text, enforces) => expect(readCodeStatements(text)[0]?.enforces).toBe(enforces))

describe('values', () => {
  test.each<[string, readonly unknown[] | Record<string, unknown>, string, unknown[]]>([
    ['INSERT INTO a VALUES (?, ?)', [1, 2], 'INSERT INTO a VALUES (?, ?)', [1, 2]],
    ["SELECT ?2, ?1, ?, '?9', ? -- ?", [1, 2, 3, 4], "SELECT ?, ?, ?, '?9', ? -- ?", [2, 1, 3, 4]],
    ['SELECT $a, :b, $a', { $a: 1, b: 2 }, 'SELECT ?, ?, ?', [1, 2, 1]],
    ['SELECT @a, :b, @a', [1, 2], 'SELECT ?, ?, ?', [1, 2, 1]],
    ["SELECT 'costs $5'", [], "SELECT 'costs $5'", []],
    ["SELECT 'costs $5', ?", [1], "SELECT 'costs $5', ?", [1]],
  ])('of %s', (text, values, written, bound) =>
    expect(bindValues(text, values)).toEqual({ text: written, values: bound }),
  )

  test('one that is missing is named', () => expect(() => bindValues('SELECT :a', { b: 1 })).toThrow(':a'))
})
