import { describe, expect, test } from 'vitest'
import { compileFile } from './compile-file.ts'
import { unenforcedMark } from './marks.ts'

const compile = (text: string, noTransaction = false) =>
  compileFile({ migration: '001_m', direction: 'up', file: 'migrations/001_m.sql', text, noTransaction })

/** Segments as their texts; settings in front, in brackets. */
const shape = (text: string, noTransaction = false) =>
  compile(text, noTransaction).segments.map(({ kind, settings, statements }) => [
    kind,
    ...settings.map((one) => `[${one.text(null)}]`),
    ...statements.map((one) => one.text(null)),
  ])

describe('how a file is carried out', () => {
  test.each([
    ['nothing', '-- nothing', 'transaction', [['transaction']]],
    [
      'a few statements',
      'CREATE TABLE a (b); DROP TABLE c;',
      'transaction',
      [['transaction', 'CREATE TABLE a (b)', 'DROP TABLE c']],
    ],
    [
      'its own transaction',
      'BEGIN TRANSACTION; CREATE TABLE a (b); END TRANSACTION;',
      'transaction',
      [['transaction', 'CREATE TABLE a (b)']],
    ],
    [
      'savepoints',
      'SAVEPOINT s; CREATE TABLE a (b); ROLLBACK TO s; RELEASE s',
      'transaction',
      [['transaction', 'SAVEPOINT s', 'CREATE TABLE a (b)', 'ROLLBACK TO s', 'RELEASE s']],
    ],
    [
      'two transactions',
      'BEGIN; SELECT 1; COMMIT; BEGIN; SELECT 2; COMMIT;',
      'steps',
      [
        ['transaction', 'SELECT 1'],
        ['transaction', 'SELECT 2'],
      ],
    ],
    [
      'what cannot be in one',
      'CREATE TABLE a (b); VACUUM; PRAGMA journal_mode = WAL; SELECT 1; SELECT 2',
      'steps',
      [
        ['transaction', 'CREATE TABLE a (b)'],
        ['autocommit', 'VACUUM'],
        ['autocommit', 'PRAGMA journal_mode = WAL'],
        ['transaction', 'SELECT 1', 'SELECT 2'],
      ],
    ],
    [
      'settings that hold further on',
      'PRAGMA auto_vacuum = 2; PRAGMA page_size = 8192; VACUUM; SELECT 1',
      'steps',
      [
        ['transaction', 'PRAGMA auto_vacuum = 2', 'PRAGMA page_size = 8192'],
        ['autocommit', '[PRAGMA auto_vacuum = 2]', '[PRAGMA page_size = 8192]', 'VACUUM'],
        ['transaction', '[PRAGMA auto_vacuum = 2]', '[PRAGMA page_size = 8192]', 'SELECT 1'],
      ],
    ],
    [
      'what only concerns the session of somebody else',
      'PRAGMA synchronous=OFF; PRAGMA busy_timeout(5); PRAGMA user_version = 3',
      'transaction',
      [['transaction', 'PRAGMA user_version = 3']],
    ],
    [
      'foreign keys off',
      'PRAGMA foreign_keys=OFF; BEGIN; DROP TABLE a; COMMIT; PRAGMA foreign_keys=ON; SELECT 1',
      'steps',
      [
        ['transaction', `[${unenforcedMark}]`, 'DROP TABLE a'],
        ['transaction', 'SELECT 1'],
      ],
    ],
    [
      'a table that is rebuilt',
      'CREATE TABLE n (a); DROP TABLE IF EXISTS "Users"; ALTER TABLE n RENAME TO users;',
      'transaction',
      [
        [
          'transaction',
          `[${unenforcedMark}]`,
          'CREATE TABLE n (a)',
          'DROP TABLE IF EXISTS "Users"',
          'ALTER TABLE n RENAME TO users',
        ],
      ],
    ],
    [
      'tables that only change places',
      'ALTER TABLE a RENAME TO b; DROP TABLE c; ALTER TABLE d RENAME TO e',
      'transaction',
      [['transaction', 'ALTER TABLE a RENAME TO b', 'DROP TABLE c', 'ALTER TABLE d RENAME TO e']],
    ],
  ] as const)('%s', (_title, text, mode, segments) => {
    expect(compile(text).mode).toBe(mode)
    expect(shape(text)).toEqual(segments)
  })

  test('statement by statement where that is asked for', () => {
    const apart = [
      ['transaction', 'SELECT 1'],
      ['transaction', 'SELECT 2'],
    ]
    expect(shape('SELECT 1; SELECT 2', true)).toEqual(apart)
    expect(shape('-- tenantry:no-transaction\nSELECT 1; SELECT 2')).toEqual(apart)
    expect(compile("SELECT '-- tenantry:no-transaction'; SELECT 2").mode).toBe('transaction')
  })
})

describe('what is refused', () => {
  test.each([
    ['attach', "SELECT 1;\nATTACH 'b.db' AS b", 2],
    ['vacuum-into', "VACUUM INTO 'copy.db'", 1],
    ['shell-command', 'CREATE TABLE a (b);\n.mode csv\n', 2],
    ['rollback', 'BEGIN; INSERT INTO a VALUES (1);\nROLLBACK;', 2],
    ['refused-in-block', 'BEGIN;\n\nVACUUM; COMMIT', 3],
  ])('%s', (rule, text, line) => {
    expect(compile(text).problems).toEqual([expect.objectContaining({ rule, line, file: 'migrations/001_m.sql' })])
  })
})

test('a transaction that is never ended is noticed, and so is a rebuild', () => {
  expect(compile('BEGIN; SELECT 1').notices).toMatchObject([{ rule: 'open-transaction', line: 1 }])
  expect(compile('DROP TABLE a;\nALTER TABLE b RENAME TO a').notices).toMatchObject([{ rule: 'rebuild', line: 1 }])
})

test('places are those of the file, in characters', () => {
  const [statement] = compile("\uFEFF-- é😀\n  SELECT '😀', broken;").segments[0]?.statements ?? []
  expect(statement?.locate(null)).toEqual({ line: 2, column: 3 })
  expect(statement?.locate(null, 13)).toEqual({ line: 2, column: 15 })
})

test('the hash of a prefix knows the statements that were sent, and no others', () => {
  const one = compile('BEGIN; SELECT 1; SELECT 2; COMMIT')
  const other = compile('SELECT 1; SELECT 3')
  expect(one.statementCount).toBe(2)
  expect(one.prefixHash(1)).toBe(other.prefixHash(1))
  expect(one.prefixHash(2)).not.toBe(other.prefixHash(2))
})

test('what is left in the session is known', () => {
  expect(compile('CREATE TABLE a (b)').leavesSession).toBe(false)
  expect(compile('PRAGMA user_version = 4').leavesSession).toBe(false)
  expect(compile('PRAGMA legacy_alter_table = ON').leavesSession).toBe(true)
  expect(compile('CREATE TEMP TABLE a (b)').leavesSession).toBe(true)
  expect(compile('CREATE TABLE temp.a (b)').leavesSession).toBe(true)
})
