import { beforeAll, expect, test } from 'vitest'
import { loadParser, parseSql, SqlSyntaxError } from './parse.ts'
import { refuseCopy, refuseUnparsed } from './refuse.ts'

beforeAll(loadParser)

function refuse(text: string) {
  try {
    parseSql(text)
  } catch (error) {
    if (error instanceof SqlSyntaxError) return refuseUnparsed(text, error)
    throw error
  }
  throw new Error(`parses: ${text}`)
}

test.each([
  ['\\connect other', [['psql-command', 1, 1]]],
  ["SELECT '\n\\i x';\n\\i y.sql\n", [['psql-command', 3, 1]]],
  [
    'SELECT 1 \\g\nSELECT 2 \\gexec',
    [
      ['psql-command', 1, 10],
      ['psql-command', 2, 10],
    ],
  ],
  ['-- \\d\n/* \\d */\n$a$ \\d $a$ "\\d" \\dt', [['psql-command', 3, 17]]],
  [
    '\\restrict abc\r\nSELECT 1;\r\n\\unrestrict abc',
    [
      ['psql-command', 1, 1],
      ['psql-command', 3, 1],
    ],
  ],
  [
    "SELECT 1;\nCOPY t (a) FROM stdin;\n1\tit's\n\\N\n\\.\n\nCOPY u FROM stdin;\n\\.\n\\q\n",
    [
      ['copy-from-stdin', 2, 1],
      ['copy-from-stdin', 7, 1],
      ['psql-command', 9, 1],
    ],
  ],
  ['SELECT :a', [['psql-variable', 1, 8]]],
  ["SELECT '😀',\n :'name'", [['psql-variable', 2, 2]]],
  ['SELECT * FROM :"table"', [['psql-variable', 1, 15]]],
  ['SELEKT 1', []],
  ['SELECT a[1:2], (', []],
])('%j', (text, expected) => {
  expect(refuse(text).map(({ rule, line, column }) => [rule, line, column])).toEqual(expected)
})

test('hints fit the command', () => {
  const hints = ['\\restrict x', '\\c db', '\\ir x.sql', '\\set a 1', '\\dt'].map((text) => refuse(text)[0]?.hint)
  expect(hints[0]).toContain('pg_dump')
  expect(hints[1]).toContain('connects to each target itself')
  expect(new Set(hints).size).toBe(5)
})

test.each([
  ['COPY t FROM STDIN', true],
  ['COPY t TO STDOUT', true],
  ['COPY (SELECT 1) TO STDOUT', true],
  ["COPY t FROM '/tmp/x'", false],
  ["COPY t FROM PROGRAM 'x'", false],
  ['SELECT 1', false],
])('%s is refused: %s', (sql, refused) => {
  const [statement] = parseSql(sql).statements
  expect(statement && refuseCopy(statement) !== null).toBe(refused)
})
