import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { CompileOptions } from '../../model/dialect.ts'
import type { Body, Migration } from '../../model/migration.ts'
import type { Script, Segment } from '../../model/script.ts'
import { compileMigrations } from './compile.ts'

const options: CompileOptions = { schemaTargets: false, targetsPerDatabase: 1, sharedSchema: 'public' }

function migration(up: string, change: Partial<Migration> = {}): Migration {
  const body: Body = { kind: 'sql', text: up, file: 'migrations/001_x.sql' }
  return {
    id: '001_x',
    number: '001',
    checksum: '',
    otherChecksums: [],
    description: null,
    keys: [],
    up: body,
    down: null,
    transaction: 'auto',
    ...change,
  }
}

function compile(sql: string, change: Partial<Migration> = {}): Promise<Script> {
  const one = migration(sql, change)
  return compileMigrations([one], options).up(one)
}

/** `T` transaction, `A` autocommit; settings in braces. */
function outline(script: Script): string[] {
  return script.segments.map(({ kind, settings, statements }: Segment) => {
    const carried = settings.map((setting) => `{${setting.text(null)}} `).join('')
    return `${kind.charAt(0).toUpperCase()}: ${carried}${statements.map((statement) => statement.text(null)).join('; ')}`
  })
}

const rules = (notices: Script['notices']) => notices.map(({ rule }) => rule).filter((rule) => rule !== 'online-ddl')

describe('one transaction', () => {
  test.each([
    ['INSERT INTO t VALUES (1); UPDATE t SET a = 2', ['T: INSERT INTO t VALUES (1); UPDATE t SET a = 2']],
    ['START TRANSACTION;\nDELETE FROM t;\nCOMMIT;\n', ['T: DELETE FROM t']],
    ['begin work; SELECT 1; commit work', ['T: SELECT 1']],
    [
      'SET NAMES utf8mb4; BEGIN; SELECT 1; COMMIT; SET sql_mode = 1',
      ['T: SET NAMES utf8mb4; SELECT 1; SET sql_mode = 1'],
    ],
    ['set autocommit=0; INSERT INTO t VALUES (1); COMMIT; SET AUTOCOMMIT = 1;', ['T: INSERT INTO t VALUES (1)']],
    ['SAVEPOINT a; SELECT 1; ROLLBACK TO SAVEPOINT a', ['T: SAVEPOINT a; SELECT 1; ROLLBACK TO SAVEPOINT a']],
    [
      'CREATE TEMPORARY TABLE x (a int); DROP TEMPORARY TABLE x',
      ['T: CREATE TEMPORARY TABLE x (a int); DROP TEMPORARY TABLE x'],
    ],
    ['WITH x AS (SELECT 1) DELETE FROM t; (SELECT 1)', ['T: WITH x AS (SELECT 1) DELETE FROM t; (SELECT 1)']],
    ['ANALYZE FORMAT=JSON SELECT 1', ['T: ANALYZE FORMAT=JSON SELECT 1']],
    ['', ['T: ']],
    ['-- nothing', ['T: ']],
    ['BEGIN; COMMIT', ['T: ']],
  ])('%j', async (sql, expected) => {
    const script = await compile(sql)
    expect([script.mode, outline(script)]).toEqual(['transaction', expected])
    expect([rules(script.notices), script.problems]).toEqual([[], []])
  })
})

describe('step by step', () => {
  test.each([
    [
      'INSERT INTO t VALUES (1); ALTER TABLE t ADD a int; UPDATE t SET a = 1; UPDATE t SET a = 2',
      ['T: INSERT INTO t VALUES (1)', 'A: ALTER TABLE t ADD a int', 'T: UPDATE t SET a = 1; UPDATE t SET a = 2'],
    ],
    ['CREATE TABLE a (b int); CREATE INDEX i ON a (b)', ['A: CREATE TABLE a (b int)', 'A: CREATE INDEX i ON a (b)']],
    ['BEGIN; SELECT 1; COMMIT; BEGIN; SELECT 2; COMMIT', ['T: SELECT 1', 'T: SELECT 2']],
    ['/*!50001 CREATE VIEW v AS SELECT 1 */;', ['A: /*!50001 CREATE VIEW v AS SELECT 1 */']],
    [
      'SET STATEMENT max_statement_time = 0 FOR ALTER TABLE t ADD a int',
      ['A: SET STATEMENT max_statement_time = 0 FOR ALTER TABLE t ADD a int'],
    ],
    ['CALL p()', ['A: CALL p()']],
    ['BEGIN NOT ATOMIC SELECT 1; END', ['A: BEGIN NOT ATOMIC SELECT 1; END']],
    ['FROBNICATE 1', ['A: FROBNICATE 1']],
    [
      'SET foreign_key_checks = 0; DROP TABLE a; SET foreign_key_checks = 1; DROP TABLE b',
      [
        'T: SET foreign_key_checks = 0',
        'A: {SET foreign_key_checks = 0} DROP TABLE a',
        'T: {SET foreign_key_checks = 0} SET foreign_key_checks = 1',
        'A: {SET foreign_key_checks = 1} DROP TABLE b',
      ],
    ],
    [
      '/*!40101 SET @OLD=@@SQL_MODE, SQL_MODE=1 */; DROP TABLE a; /*!40101 SET SQL_MODE=@OLD */',
      [
        'T: /*!40101 SET @OLD=@@SQL_MODE, SQL_MODE=1 */',
        'A: {/*!40101 SET @OLD=IFNULL(@OLD, @@SQL_MODE), SQL_MODE=1 */} DROP TABLE a',
        'T: {/*!40101 SET @OLD=IFNULL(@OLD, @@SQL_MODE), SQL_MODE=1 */} /*!40101 SET SQL_MODE=@OLD */',
      ],
    ],
    [
      "SET @s = (SELECT IF(COUNT(*) > 0, 'a', 'b') FROM information_schema.columns); PREPARE x FROM @s; EXECUTE x; DEALLOCATE PREPARE x; DROP TABLE a",
      [
        "T: SET @s = (SELECT IF(COUNT(*) > 0, 'a', 'b') FROM information_schema.columns); PREPARE x FROM @s",
        "A: {SET @s = (SELECT IF(COUNT(*) > 0, 'a', 'b') FROM information_schema.columns)} {PREPARE x FROM @s} EXECUTE x",
        "T: {SET @s = (SELECT IF(COUNT(*) > 0, 'a', 'b') FROM information_schema.columns)} {PREPARE x FROM @s} DEALLOCATE PREPARE x",
        'A: DROP TABLE a',
      ],
    ],
    [
      'SET @a = 1, @b = @a + 1; DROP TABLE t; SELECT @b',
      ['T: SET @a = 1, @b = @a + 1', 'A: DROP TABLE t', 'T: {SET @a = 1, @b = @a + 1} SELECT @b'],
    ],
    [
      'LOCK TABLES t WRITE; INSERT INTO t VALUES (1); UNLOCK TABLES; DROP TABLE t',
      ['T: INSERT INTO t VALUES (1)', 'A: DROP TABLE t'],
    ],
  ])('%j', async (sql, expected) => {
    const script = await compile(sql)
    expect([script.mode, outline(script)]).toEqual(['steps', expected])
    expect(script.problems).toEqual([])
    expect(script.statementCount).toBe(script.segments.flatMap(({ statements }) => statements).length)
  })

  test('the file asks for it', async () => {
    const sql = '-- tenantry:no-transaction\nINSERT INTO t VALUES (1); SELECT 2; BEGIN; SELECT 3; SELECT 4; COMMIT'
    const expected = ['T: INSERT INTO t VALUES (1)', 'T: SELECT 2', 'T: SELECT 3; SELECT 4']
    for (const script of [await compile(sql), await compile(sql.replace(/.*\n/, ''), { transaction: 'never' })]) {
      expect([script.mode, outline(script)]).toEqual(['steps', expected])
    }
  })

  test.each([
    ['SELECT 1', 'one transaction: its only statement commits nothing'],
    ['SELECT 1;\nDROP TABLE a', 'in 2 steps: DROP TABLE (line 2) commits by itself'],
    ['CALL p()', 'in one step: CALL (line 1) may commit by itself, depending on what the procedure does'],
    ['BEGIN; SELECT 1; COMMIT; SELECT 2', 'in 2 transactions: the file has its own (from line 1)'],
  ])('%j: %s', async (sql, reason) => {
    expect((await compile(sql)).reason).toBe(reason)
  })
})

describe('what is said', () => {
  test.each<[string, string[], string[]]>([
    ['USE other; SELECT 1', [], ['use-database']],
    ['CREATE DATABASE x', [], ['database-statement']],
    ['DROP SCHEMA IF EXISTS x', [], ['database-statement']],
    ['ALTER DATABASE CHARACTER SET utf8mb4', [], []],
    ['INSERT INTO other.t SELECT a.b FROM a JOIN `c`.d ON a.x = d.y', ['other-database', 'other-database'], []],
    ['SELECT * FROM information_schema.tables t WHERE t.a = EXTRACT(YEAR FROM t.b)', [], []],
    ['CREATE TRIGGER x BEFORE INSERT ON db.t FOR EACH ROW SET NEW.a = 1', ['other-database'], []],
    ['ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES db.u (id)', ['other-database'], []],
    ['BEGIN; INSERT INTO t VALUES (1); ROLLBACK', [], ['rollback']],
    ['ROLLBACK; SELECT 1', [], []],
    ['XA START "a"', [], ['xa-transaction']],
    ['COMMIT RELEASE', [], ['ends-session']],
    ['BEGIN; SELECT 1', ['open-transaction'], []],
    ['BEGIN; SELECT 1; DROP TABLE a; SELECT 2; COMMIT', ['commits-in-block'], []],
    ['START TRANSACTION READ ONLY; SELECT 1; COMMIT', ['read-only'], []],
    ['SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE; SELECT 1', ['isolation-level'], []],
    ['SET NAMES latin1', ['client-encoding'], []],
    ["SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'", ['sql-mode'], []],
    ['SET GLOBAL max_connections = 1', ['server-wide'], []],
    ['SET @a = @@autocommit, autocommit = 0', [], ['autocommit']],
    ['LOCK TABLES a READ', ['lock-tables'], []],
    ['FLUSH TABLES WITH READ LOCK', [], ['global-lock']],
    ["LOAD DATA LOCAL INFILE 'a' INTO TABLE t", [], ['load-data-local']],
    ['SELECT RELEASE_ALL_LOCKS()', [], ['releases-locks']],
    [
      'INSERT INTO t VALUES (1); SET @id = LAST_INSERT_ID(); DROP TABLE x; INSERT INTO u VALUES (@id)',
      [],
      ['variable-across-commit'],
    ],
    ['SELECT id INTO @id FROM t; DROP TABLE x; INSERT INTO u VALUES (@id)', [], ['variable-across-commit']],
    ['SET @id = LAST_INSERT_ID(); INSERT INTO u VALUES (@id); DROP TABLE x', [], []],
    ['CREATE TEMPORARY TABLE x (a int); DROP TABLE y; SELECT * FROM x', ['temporary-table-across-commit'], []],
    [
      'SET sql_mode = 1; CREATE TEMPORARY TABLE x (a int); DROP TABLE y; SELECT * FROM x',
      [],
      ['temporary-table-across-commit'],
    ],
    ["SELECT 'a", [], ['unterminated']],
  ])('%j', async (sql, notices, problems) => {
    const script = await compile(sql)
    expect([rules(script.notices), rules(script.problems)]).toEqual([notices, problems])
    for (const { message, file, line } of [...script.notices, ...script.problems]) {
      expect([file, line === undefined || message.includes(`line ${line}`)]).toEqual(['migrations/001_x.sql', true])
    }
  })
})

test('places are those of the file, in characters', async () => {
  const script = await compile("\uFEFFSELECT '😀';\r\n  DROP TABLE `é😀`, b;\n")
  const statements = script.segments.flatMap((segment) => segment.statements)
  expect(statements.map((statement) => statement.locate(null))).toEqual([
    { line: 1, column: 1 },
    { line: 2, column: 3 },
  ])
  expect(statements[1]?.locate(null, 18)).toEqual({ line: 2, column: 20 })
})

test('hashes of prefixes change with what they hold, and with nothing else', async () => {
  const one = await compile('DROP TABLE a;  DROP TABLE b')
  const two = await compile('-- x\nDROP TABLE a;\nDROP TABLE c; DROP TABLE d')
  expect(one.prefixHash(0)).toBe(createHash('sha256').digest('hex'))
  expect(one.prefixHash(1)).toBe(two.prefixHash(1))
  expect(one.prefixHash(2)).not.toBe(two.prefixHash(2))
  expect(one.prefixHash(1)).toBe(createHash('sha256').update('12\0DROP TABLE a').digest('hex'))
})

test('what a session keeps', async () => {
  expect((await compile('SET @a = 1')).leavesSession).toBe(true)
  expect((await compile('SET GLOBAL x = 1; SELECT 1')).leavesSession).toBe(false)
  expect((await compile('SET ROLE admin')).changesRole).toBe(true)
  expect((await compile('SET NAMES utf8')).changesRole).toBe(false)
})
