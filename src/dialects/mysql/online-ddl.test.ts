import { expect, test } from 'vitest'
import { wordsOf } from './lex.ts'
import { noticeOnlineDdl } from './online-ddl.ts'

const notice = (sql: string, made: string[] = []) => noticeOnlineDdl(sql, wordsOf(sql), 7, new Set(made))

test.each<[string, string, string]>([
  ['ALTER TABLE t ADD COLUMN a INT', 'INSTANT', 'adds a column at the end'],
  ['ALTER TABLE t ADD a INT AFTER b', 'INSTANT', 'adds a column between others'],
  ['ALTER TABLE t ADD (a INT, b INT)', 'INSTANT', 'adds a column at the end'],
  ['ALTER TABLE t ADD a INT AS (b + 1) STORED', 'COPY', 'adds a stored generated column'],
  ['ALTER TABLE t ADD a INT AS (b + 1)', 'INSTANT', 'adds a virtual column'],
  ['ALTER TABLE t ADD KEY i (a)', 'INPLACE', 'adds an index'],
  ['ALTER TABLE t ADD CONSTRAINT u UNIQUE (a)', 'INPLACE', 'adds an index'],
  ['ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u (b)', 'COPY', 'adds a foreign key'],
  ['ALTER TABLE t MODIFY a BIGINT', 'COPY', 'redefines a column'],
  ['ALTER TABLE t ADD a INT, MODIFY b BIGINT, ADD KEY (c)', 'COPY', 'redefines a column'],
  ['ALTER TABLE t DROP PRIMARY KEY', 'COPY', 'drops the primary key'],
  ['ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (a)', 'INPLACE', 'adds a primary key'],
  ['ALTER TABLE t DROP COLUMN a', 'INSTANT', 'drops a column'],
  ['ALTER TABLE t ALTER a SET DEFAULT 1', 'INSTANT', 'changes the default'],
  ['ALTER TABLE t CONVERT TO CHARACTER SET utf8mb4', 'COPY', 'converts the character set'],
  ['ALTER TABLE t ENGINE=MyISAM', 'COPY', 'changes the storage engine'],
  ['CREATE UNIQUE INDEX i ON t (a)', 'INPLACE', 'adds an index'],
  ['CREATE FULLTEXT INDEX i ON t (a)', 'INPLACE', 'adds a FULLTEXT index'],
  ['CREATE INDEX i ON t (`lock`, algorithm)', 'INPLACE', 'adds an index'],
  ['DROP INDEX i ON t', 'INPLACE', 'drops an index'],
])('%s: %s', (sql, algorithm, what) => {
  const { message, line, hint } = notice(sql) ?? {}
  expect(message).toContain(`t (line 7) will probably run with ALGORITHM=${algorithm}`)
  expect(message).toContain(what)
  expect([line, hint?.includes('ALGORITHM=')]).toEqual([7, true])
})

test.each<[string, string]>([
  ['ALTER TABLE t ADD KEY i (a), ALGORITHM=INPLACE, LOCK=NONE', 'asks for ALGORITHM=INPLACE, LOCK=NONE'],
  ['ALTER TABLE t ADD a INT, ALGORITHM = INSTANT', 'asks for ALGORITHM=INSTANT'],
  ['CREATE INDEX i ON t (a) ALGORITHM=INPLACE LOCK=NONE', 'asks for ALGORITHM=INPLACE, LOCK=NONE'],
])('%s', (sql, asked) => {
  expect(notice(sql)?.message).toContain(asked)
})

test.each([
  'CREATE TABLE t (a INT)',
  'DROP TABLE t',
  'ALTER VIEW v AS SELECT 1',
  'ALTER TABLE t',
  'UPDATE t SET a = 1',
])('%s changes no table', (sql) => {
  expect(notice(sql)).toBeNull()
})

test('a table of the same file is empty or nearly so', () => {
  expect(notice('ALTER TABLE `t` ADD a INT', ['t'])).toBeNull()
})
