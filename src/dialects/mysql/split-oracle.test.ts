import { split } from '@verycrazydog/mysql-parser'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { wordsOf } from './lex.ts'
import { splitFile } from './split.ts'

/** Without a backslash that is escaped itself at the end of a string, which the oracle reads wrongly. */
const plain = [
  'SELECT 1',
  'SELECT \'a;b\'\'c;\\\';\', "x;""y\\";"',
  'SELECT `a;b``;` FROM `t`',
  'SELECT 1 /* a; \' " ` */ + 2',
  "SELECT 1 -- it's; d\n + 2",
  "SELECT 1 # it's; d\n + 2",
  'SELECT 1--1',
  'SELECT /*+ NO_INDEX(t) */ 1',
  "/*!40101 SET @a = ';' */",
  '/*!50001 CREATE VIEW v AS */ /*!50002 SELECT 1 */',
  "SELECT '😀;é'",
  "INSERT INTO t (a) VALUES ('//'),('$$'),('DELIMITER ;')",
  'CREATE TABLE t (\r\n  a int\r\n)',
  "ALTER TABLE t COMMENT 'a;\nDELIMITER //\n'",
]
const bodies = [
  'CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END',
  "CREATE FUNCTION f() RETURNS INT BEGIN IF 'x;' = 1 THEN RETURN CASE 1 WHEN 1 THEN 2 END; END IF; RETURN 3; END",
  'CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW BEGIN SET NEW.a = 1; -- a;b\n END',
]
const gap = fc.array(fc.constantFrom(' ', '\n', '\r\n', '/* x; */', "-- é; $$ '\n", "# tenant's //\n", '\t'), {
  maxLength: 3,
})
const delimiters = fc.constantFrom('//', '$$', ';;', '|', '~~')

const chunk = fc.oneof(
  fc.record({ sql: fc.constantFrom(...plain), gap, delimiter: fc.constant(';') }),
  fc.record({ sql: fc.constantFrom(...plain, ...bodies), gap, delimiter: delimiters }),
)

/** What the server reads: neither comments nor white space. */
const meaning = (sql: string) => wordsOf(sql).map(({ text }) => text)

test('files with DELIMITER are split as the oracle splits them', () => {
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 8 }), (chunks) => {
      const file = chunks
        .map(({ sql, gap, delimiter }) =>
          delimiter === ';'
            ? `${gap.join('')}${sql};\n`
            : `DELIMITER ${delimiter}\n${gap.join('')}${sql}${delimiter}\nDELIMITER ;\n`,
        )
        .join('')
      const { statements, problems } = splitFile(file)
      expect(problems).toEqual([])
      const ours = statements.map(({ start, end }) => file.slice(start, end))
      expect(ours).toEqual(chunks.map(({ sql }) => sql))
      expect(ours.map(meaning)).toEqual(split(file).map(meaning))
    }),
    { seed: 11, numRuns: 2000 },
  )
})
