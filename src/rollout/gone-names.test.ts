import { describe, expect, test } from 'vitest'
import type { ScriptStatement } from '../model/script.ts'
import { goneBy, makesSomething, namesIn, namesMade, unconditional } from './gone-names.ts'

const kindOf = (text: string) => text.trim().split(/\s+/).slice(0, 2).join(' ').toUpperCase()
const asked = (text: string) => ({ kind: kindOf(text), text })
const list = (names: Set<string>) => [...names].sort()

test('names are what is quoted, and words that are no keywords', () => {
  expect(list(namesIn('ALTER TABLE "Table" ADD COLUMN `key` int, type text DEFAULT \'none\''))).toEqual([
    'int',
    'key',
    'table',
    'text',
  ])
  expect(list(namesIn('drop table "a""b"."C d"'))).toEqual(['a"b', 'c d'])
})

describe('what is gone after', () => {
  test.each<[string, string[]]>([
    ['DROP TABLE IF EXISTS old, "t_1"."Older" CASCADE', ['old', 'older', 't_1']],
    ['ALTER TABLE t DROP COLUMN IF EXISTS c, DROP CONSTRAINT k', ['c', 'k']],
    ['ALTER TABLE t DROP c', ['c']],
    ['ALTER TABLE t RENAME COLUMN a TO b', ['a']],
    ['ALTER TABLE t RENAME a TO b', ['a']],
    ['ALTER TABLE old RENAME TO new', ['old']],
    ['ALTER TABLE t SET SCHEMA other', ['t']],
    ["ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'", ['sad']],
    ['ALTER TABLE `t` CHANGE COLUMN `a` `b` int', ['a']],
    ['ALTER TABLE t DROP FOREIGN KEY fk, DROP INDEX i', ['fk', 'i']],
    ['RENAME TABLE a TO b', ['a', 'b']],
    ['ALTER TABLE t ADD COLUMN c int', []],
    ['ALTER TABLE t ALTER COLUMN c SET NOT NULL', []],
    ['CREATE TABLE dropped_things (id int)', []],
    ['INSERT INTO log VALUES (1)', []],
    ["DO $$ BEGIN EXECUTE 'drop table x'; END $$", ['x']],
  ])('%s', (text, gone) => {
    const found = goneBy(asked(text))
    for (const name of gone) expect(found).toContain(name)
    if (!text.startsWith('DO')) expect(list(found)).toEqual(gone)
  })
})

test('of a table its name counts, of anything else all that it is made on', () => {
  expect(list(namesMade(asked('CREATE TABLE orders (id int REFERENCES users)')))).toEqual(['orders'])
  expect(list(namesMade(asked('CREATE INDEX i ON orders (total)')))).toEqual(['i', 'orders', 'total'])
})

test.each([
  ['CREATE TABLE t ()', true],
  ['CREATE TEMP TABLE t ()', false],
  ['create local temporary table t ()', false],
  ['ALTER TABLE t ADD COLUMN c int', true],
  ['ALTER TABLE t DROP COLUMN c', false],
  ['DROP TABLE t', false],
  ['INSERT INTO t VALUES (1)', false],
])('%s makes something: %s', (text, makes) => expect(makesSomething(asked(text))).toBe(makes))

test.each([
  ['CREATE TABLE IF NOT EXISTS t (id int)', 'CREATE TABLE t (id int)'],
  ['create unique index concurrently if not exists i on t (c)', 'create unique index concurrently i on t (c)'],
  [
    'ALTER TABLE t ADD COLUMN IF NOT EXISTS a int, ADD IF NOT EXISTS b int',
    'ALTER TABLE t ADD COLUMN a int, ADD b int',
  ],
  ["ALTER TYPE mood ADD VALUE IF NOT EXISTS 'x'", "ALTER TYPE mood ADD VALUE 'x'"],
  ["CREATE TABLE t (a text DEFAULT 'if not exists ')", "CREATE TABLE t (a text DEFAULT 'if not exists ')"],
  ['DROP TABLE IF EXISTS t', 'DROP TABLE IF EXISTS t'],
])('asked without its condition: %s', (text, without) => {
  const statement: ScriptStatement = {
    index: 1,
    kind: kindOf(text),
    text: () => text,
    locate: () => ({ line: 1, column: 1 }),
  }
  expect(unconditional(statement).text(null)).toBe(without)
})
