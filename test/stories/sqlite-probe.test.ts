import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compareExisting } from '../../src/dialects/sqlite/compare-existing.ts'
import { probeStatement } from '../../src/dialects/sqlite/probe.ts'
import { makeFolder, type SqliteFolder } from './sqlite-files.ts'

let folder: SqliteFolder
let count = 0
beforeAll(() => {
  folder = makeFolder()
})
afterAll(() => folder.remove())

const base = `CREATE TABLE t (id INTEGER PRIMARY KEY, a INT, b TEXT UNIQUE);
INSERT INTO t VALUES (1, 10, 'x'), (2, 20, 'y'); CREATE INDEX t_a ON t (a)`

async function fresh(setup: string): Promise<string> {
  const name = `file_${++count}`
  await folder.make(name, setup === '' ? [] : [setup])
  return name
}

const probe = (name: string, sql: string) => folder.within(name, (connection) => probeStatement(connection, sql))

type Verdict = 'landed' | 'absent' | 'repeat' | 'unknown'

/** Set-up, statement, verdict before it, verdict after it. */
const cases: readonly (readonly [setup: string, statement: string, before: Verdict, after: Verdict])[] = [
  ['', "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT 'it''s')", 'absent', 'landed'],
  ['', 'create table main."we""ird" ([a,b] int) -- said', 'absent', 'landed'],
  ['', 'CREATE TABLE IF NOT EXISTS t (id INT)', 'repeat', 'repeat'],
  ['', 'CREATE TEMP TABLE t (id INT)', 'repeat', 'repeat'],
  ['', 'CREATE TABLE temp.t (id INT)', 'repeat', 'repeat'],
  [base, 'CREATE TABLE c AS SELECT id, a FROM t', 'absent', 'landed'],
  ['', 'CREATE VIRTUAL TABLE v USING fts5(a, b)', 'absent', 'landed'],
  [base, 'DROP TABLE T;', 'absent', 'landed'],
  [base, 'DROP TABLE IF EXISTS t', 'repeat', 'repeat'],
  [base, 'ALTER TABLE t RENAME TO u', 'absent', 'landed'],
  [base, 'ALTER TABLE t RENAME COLUMN a TO c', 'absent', 'landed'],
  [base, 'ALTER TABLE t RENAME a TO "A"', 'repeat', 'repeat'],
  [base, 'ALTER TABLE t ADD COLUMN c INT NOT NULL DEFAULT 3 CHECK (c > 0)', 'absent', 'landed'],
  [base, 'ALTER TABLE t ADD c INT REFERENCES t (id);', 'absent', 'landed'],
  [`${base}; CREATE TABLE u (a, b)`, 'ALTER TABLE u DROP COLUMN a', 'absent', 'landed'],
  [base, 'CREATE INDEX i ON t (a)', 'absent', 'landed'],
  [base, 'CREATE UNIQUE INDEX IF NOT EXISTS i ON t (a)', 'repeat', 'repeat'],
  [base, 'DROP INDEX t_a', 'absent', 'landed'],
  [base, "CREATE VIEW v AS SELECT id FROM t WHERE b <> ';'", 'absent', 'landed'],
  [`${base}; CREATE VIEW v AS SELECT 1`, 'DROP VIEW v', 'absent', 'landed'],
  [base, 'CREATE TRIGGER tr AFTER INSERT ON t BEGIN UPDATE t SET a = 1; END', 'absent', 'landed'],
  [`${base}; CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT 1; END`, 'DROP TRIGGER tr', 'absent', 'landed'],
  [`${base}; CREATE TRIGGER t AFTER INSERT ON t BEGIN SELECT 1; END`, 'DROP TRIGGER t', 'absent', 'landed'],
  [base, 'VACUUM', 'repeat', 'repeat'],
  [base, 'PRAGMA journal_mode = WAL', 'repeat', 'repeat'],
  [base, 'ANALYZE', 'repeat', 'repeat'],
  [base, 'REINDEX t', 'repeat', 'repeat'],
  [base, 'EXPLAIN SELECT 1', 'repeat', 'repeat'],
  ['', '-- nothing', 'repeat', 'repeat'],
  [base, "INSERT INTO t VALUES (3, 1, 'z')", 'unknown', 'unknown'],
  [base, 'UPDATE t SET a = a + 1', 'unknown', 'unknown'],
  [base, 'DELETE FROM t', 'unknown', 'unknown'],
  [base, 'WITH n AS (SELECT 1) INSERT INTO t (id) SELECT 5', 'unknown', 'unknown'],
]

describe('a statement that was sent to a file and never confirmed', () => {
  test.each(cases)('%s → %s: %s, then %s', async (setup, statement, before, after) => {
    const name = await fresh(setup)
    const first = await probe(name, statement)
    expect(first).toMatchObject({ verdict: before, cleanup: [] })
    expect(first.reason).not.toBe('')
    await folder.run(name, statement)
    expect(await probe(name, statement)).toMatchObject({ verdict: after, cleanup: [] })
  })

  test.each([
    ['CREATE TABLE c (id INT, x INT)', 'CREATE TABLE c (id INT)', 'differs'],
    [`${base}; ALTER TABLE t ADD c TEXT`, 'ALTER TABLE t ADD c INT', 'differs'],
    [`${base}; CREATE INDEX i ON t (b)`, 'CREATE INDEX i ON t (a)', 'differs'],
    [`${base}; CREATE VIEW v AS SELECT id FROM t`, 'CREATE VIEW v AS SELECT a FROM t', 'differs'],
    [`${base}; CREATE VIEW v AS SELECT id FROM t`, 'CREATE TABLE v (id INT)', 'differs'],
    [base, 'ALTER TABLE nowhere ADD c INT', 'table nowhere is not there'],
    [base, 'ALTER TABLE x RENAME TO y', 'neither table x nor y is there'],
    [`${base}; CREATE TABLE u (a)`, 'ALTER TABLE t RENAME TO u', 'are both there'],
    [base, 'CREATE TABLE other.t (id INT)', 'another file'],
    [base, 'COMMIT', 'ended with its session'],
    [base, 'FROBNICATE t', 'grammar'],
  ])('%s → %s: unknown, for it %s', async (setup, statement, reason) => {
    const found = await probe(await fresh(setup), statement)
    expect(found.verdict).toBe('unknown')
    expect(found.reason).toContain(reason)
  })
})

describe('compared with what is in the way', () => {
  test.each([
    [base, 'CREATE TABLE "T" (id integer primary key, a INT, [b] TEXT, CONSTRAINT x UNIQUE (b))', 'equal'],
    [base, 'CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, a INT, b TEXT)', 'different'],
    [`${base}; ALTER TABLE t ADD c INT DEFAULT (1)`, 'ALTER TABLE t ADD COLUMN c int DEFAULT 1', 'equal'],
    [`${base}; ALTER TABLE t ADD c INT`, 'ALTER TABLE t ADD c INT CHECK (c > 0)', 'different'],
    [`${base}; ALTER TABLE t ADD c INT CHECK (c > 0)`, 'ALTER TABLE t ADD c INT CHECK ((C > 0))', 'equal'],
    [base, 'CREATE INDEX t_a ON t (a ASC)', 'equal'],
    [base, 'CREATE UNIQUE INDEX t_a ON t (a)', 'different'],
    [base, 'CREATE TABLE t_a (id INT)', 'different'],
    [`${base}; CREATE VIEW v AS SELECT id FROM t`, 'create view v as select "id" from main.t', 'equal'],
    [
      `${base}; CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT 1; END`,
      'CREATE TRIGGER tr AFTER INSERT ON t FOR EACH ROW BEGIN SELECT 1; END',
      'equal',
    ],
    ['CREATE VIRTUAL TABLE f USING fts5(a)', 'CREATE VIRTUAL TABLE f USING fts5(a, b)', 'different'],
    [base, 'DROP TABLE t', 'unknown'],
    [base, 'CREATE TABLE nowhere (id INT)', 'unknown'],
    [base, 'CREATE TABLE t AS SELECT 1', 'unknown'],
    [base, 'ALTER TABLE t RENAME COLUMN a TO b', 'unknown'],
  ])('%s → %s: %s', async (setup, statement, verdict) => {
    const name = await fresh(setup)
    expect(await folder.within(name, (connection) => compareExisting(connection, statement))).toBe(verdict)
  })
})
