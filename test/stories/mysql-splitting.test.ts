/** What we split is what the server is sent by others: by the client for files with DELIMITER, whole by drivers. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { createConnection } from 'mysql2/promise'
import { beforeEach, expect, test } from 'vitest'
import { splitFile } from '../../src/dialects/mysql/split.ts'
import { freshMariadb, type MariadbDatabase, withMariadb } from '../servers/shared-mariadb.ts'
import { dumpDatabase, runClient } from './mariadb-client.ts'

const fixture = (name: string) => readFileSync(`test/fixtures/mysql-sql/${name}`, 'utf8')

/** Rows are arrays of values; a block answers with an array of results, the last of which has no rows. */
function print(result: unknown): string {
  if (!Array.isArray(result)) return ''
  const isRow = result.length > 0 && result.every((value) => value === null || typeof value !== 'object')
  return isRow ? `${result.map((value) => value ?? 'NULL').join('\t')}\n` : result.map(print).join('')
}

/** Statement by statement over the driver; what they answer, as the client prints it. */
async function runSplit({ name, server }: MariadbDatabase, file: string): Promise<string> {
  const { statements, problems } = splitFile(file)
  expect(problems).toEqual([])
  const { host, port, user, password } = server
  const connection = await createConnection({
    host,
    port,
    user,
    password,
    database: name,
    charset: 'utf8mb4',
    flags: ['-IGNORE_SPACE'],
    rowsAsArray: true,
  })
  let output = ''
  try {
    for (const { start, end } of statements) {
      const [rows] = await connection.query(file.slice(start, end))
      output += print(rows)
    }
  } finally {
    await connection.end()
  }
  return output
}

let ours: MariadbDatabase
let theirs: MariadbDatabase

withMariadb('splitting files for MariaDB', () => {
  beforeEach(async () => {
    ours = await freshMariadb('split ours')
    theirs = await freshMariadb('split theirs')
    return async () => {
      await ours.drop()
      await theirs.drop()
    }
  })

  test('files for the client, and for drivers', async () => {
    for (const name of ['001_schema.sql', '002_programs.sql', '003_delimiters.sql']) {
      const file = fixture(name)
      await runSplit(ours, file)
      if (name.startsWith('002')) await theirs.query(file)
      else runClient(theirs, file)
    }
    const dump = dumpDatabase(theirs)
    expect(dump).toContain('PROCEDURE `settle`')
    expect(dumpDatabase(ours)).toBe(dump)
  })

  test('a dump, with Windows line ends too', async () => {
    for (const name of ['001_schema.sql', '002_programs.sql', '003_delimiters.sql'])
      await runSplit(theirs, fixture(name))
    const dump = dumpDatabase(theirs)
    expect(dump).toMatch(/DELIMITER ;;/)
    expect(dump).toMatch(/\/\*!50003 CREATE\*\/ \/\*!50017|\/\*!50106/)
    await runSplit(ours, dump)
    expect(dumpDatabase(ours)).toBe(dump)
    const again = await freshMariadb('split again')
    await runSplit(again, dump.replaceAll('\n', '\r\n'))
    expect(dumpDatabase(again).replaceAll('\r', '')).toBe(dump)
    await again.drop()
  })

  test('generated files answer as the client makes them answer', async () => {
    const plain = [
      'SELECT 1',
      'SELECT \'a;b\'\'c;\\\\\', "x;""y\\";"',
      'SELECT 2 AS `a;b``;`',
      'SELECT 3 /* a; \' " ` */ + 2',
      "SELECT 4 -- it's; d\n + 2",
      "SELECT 5 # it's; d\n + 2",
      'SELECT 6--1',
      'SELECT 6--\n+ 1',
      'SELECT /*+ NO_INDEX(t) */ 7',
      "/*!40101 SELECT 'b' */",
      "/*M!100100 SELECT 'c' */",
      "/*!99999 SELECT 'never' */",
      'SELECT /*!40101 8 + */ 1',
      "SELECT '😀;é', 'DELIMITER //', '//', '$$'",
      "SELECT '\nDELIMITER |\n'",
      "SELECT IF(1, REPEAT('END;', 2), CASE 1 WHEN 1 THEN 2 END)",
      'SELECT \\N IS NULL',
      'SET @a := 1, @`b;` = 2',
      'SELECT @a',
    ]
    const blocks = [
      'BEGIN NOT ATOMIC DECLARE i INT DEFAULT 0; WHILE i < 2 DO SET i = i + 1; END WHILE; SELECT i; END',
      "BEGIN NOT ATOMIC IF 'x;' = 'x;' THEN SELECT CASE 1 WHEN 1 THEN 'in; it' END; -- it's; \n ELSE BEGIN END; END IF; END",
      'IF 1 THEN SELECT 9; ELSE SELECT 10; END IF',
    ]
    const gap = fc.array(
      fc.constantFrom(' ', '\n', '\r\n', '/* x; */', "-- é; $$ '\n", "\n# tenant's //\n", '\t', '--bare; //\n'),
      { maxLength: 3 },
    )
    const delimiter = fc.constantFrom('//', '$$', ';;', '|', '~~', 'go')
    const chunk = fc.oneof(
      fc.record({ sql: fc.constantFrom(...plain), gap, delimiter: fc.constant(';') }),
      fc.record({ sql: fc.constantFrom(...plain, ...blocks), gap, delimiter }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(chunk, { minLength: 1, maxLength: 12 }), async (chunks) => {
        const file = chunks
          .map((one) => {
            const before = one.gap.join('').replace(/^--bare/, '\n--bare')
            if (one.delimiter === ';') return `${before}${one.sql};\n`
            return `DELIMITER ${one.delimiter}\n${before.replaceAll(one.delimiter, '')}${one.sql.includes(one.delimiter) ? 'SELECT 0' : one.sql} ${one.delimiter}\nDELIMITER ;\n`
          })
          .join('')
        expect(await runSplit(ours, file)).toBe(runClient(ours, file))
      }),
      { seed: 3, numRuns: 60, endOnFailure: false },
    )
  })
})
