import { expect, test } from 'vitest'
import { lintTexts } from '../../../test/lint/lint-texts.ts'
import { mysql } from '../../dialects/mysql/index.ts'
import { postgres } from '../../dialects/postgres/index.ts'

async function lint(sql: string, dialect = postgres) {
  const { findings, ignored } = await lintTexts(dialect, [{ id: '1_a_step', sql }])
  const keyed = findings.filter(({ rule }) => /^(drop|ignore|missing-undo)/.test(rule))
  return {
    found: keyed.map(({ rule, line }) => `${line} ${rule}`),
    ignored: ignored.map(({ rule, line, reason }) => `${line} ${rule}: ${reason}`),
  }
}

test('the line above a statement waives it, and only it', async () => {
  const sql = 'DROP TABLE a;\n-- tenantry:ignore drop-table because nobody has it\nDROP TABLE b;\nDROP TABLE c;'
  expect(await lint(sql)).toEqual({
    found: ['1 drop-table', '4 drop-table'],
    ignored: ['3 drop-table: nobody has it'],
  })
})

test('several rules, several lines, block comments and spaces', async () => {
  const sql = [
    '/* tenantry:ignore drop-table, drop-column because both are gone */',
    '-- something else',
    'DROP TABLE a;',
    '   --  tenantry:ignore drop-column   because  nobody reads it ',
    'ALTER TABLE b',
    '  DROP COLUMN c;',
  ].join('\n')
  expect(await lint(sql)).toEqual({
    found: ['1 ignore-unused'],
    ignored: ['3 drop-table: both are gone', '5 drop-column: nobody reads it'],
  })
})

test('inside of a statement', async () => {
  const sql = 'ALTER TABLE b\n  -- tenantry:ignore drop-column because nobody reads it\n  DROP COLUMN c;'
  expect(await lint(sql)).toMatchObject({ found: [], ignored: [expect.stringContaining('drop-column')] })
})

test('at the top, parted by an empty line: the whole file', async () => {
  const sql =
    '-- Migration: x\n-- tenantry:ignore drop-table because it was never released\n\nDROP TABLE a;\nDROP TABLE b;'
  expect((await lint(sql)).found).toEqual([])
  expect((await lint(sql)).ignored).toHaveLength(2)
})

test('what is about the file is waived above its first statement', async () => {
  const sql = '-- tenantry:ignore missing-undo because rows are gone\nDELETE FROM a WHERE id = 1;'
  const { findings, ignored } = await lintTexts(postgres, [{ id: '1_a_step', sql, undo: null }])
  expect(findings.map(({ rule }) => rule)).toEqual([])
  expect(ignored).toMatchObject([{ rule: 'missing-undo', reason: 'rows are gone' }])
})

test.each([
  ['-- tenantry:ignore drop-table\nDROP TABLE a;', ['1 ignore-without-reason', '2 drop-table']],
  ['-- tenantry:ignore drop-table because\nDROP TABLE a;', ['1 ignore-without-reason', '2 drop-table']],
  ['-- tenantry:ignore drop-table nobody has it\nDROP TABLE a;', ['1 ignore-without-reason', '2 drop-table']],
  ['-- tenantry:ignore drop-tabel because x\nDROP TABLE a;', ['1 ignore-unknown-rule', '2 drop-table']],
  ['-- tenantry:ignore because x\nDROP TABLE a;', ['1 ignore-unknown-rule', '2 drop-table']],
  ['-- tenantry:ignore drop-column because x\nDROP TABLE a;', ['1 ignore-unused', '2 drop-table']],
  ["SELECT '-- tenantry:ignore drop-table because x';\nDROP TABLE a;", ['2 drop-table']],
])('%j', async (sql, expected) => expect((await lint(sql)).found).toEqual(expected))

test('in MySQL, with its own comments', async () => {
  const sql = '# tenantry:ignore drop-table because nobody has it\nDROP TABLE a;\nDROP TABLE b;'
  expect(await lint(sql, mysql)).toEqual({ found: ['3 drop-table'], ignored: ['2 drop-table: nobody has it'] })
})
