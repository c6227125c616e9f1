import { expect, test } from 'vitest'
import { kindOf, readCodeStatement } from './code-statement.ts'

const read = async (text: string) => {
  const { text: _text, ...rest } = await readCodeStatement(text)
  return rest
}

test('transaction control, however it is written', async () => {
  for (const text of ['BEGIN;', 'begin transaction isolation level serializable', '/* a */ -- b\n START TRANSACTION'])
    expect(await read(text)).toEqual({ does: 'begin' })
  expect(await read('COMMIT;')).toEqual({ does: 'commit', chain: false })
  expect(await read('end and chain')).toEqual({ does: 'commit', chain: true })
  expect(await read('ABORT')).toEqual({ does: 'rollback', chain: false })
  expect(await read('rollback work to savepoint "A ""b"')).toEqual({ does: 'rollback-to', name: 'A "b' })
  expect(await read('ROLLBACK TO X1;')).toEqual({ does: 'rollback-to', name: 'x1' })
  expect(await read('RELEASE trx2')).toEqual({ does: 'release', name: 'trx2' })
  expect(await read('SET TRANSACTION READ ONLY')).toEqual({ does: 'set-transaction' })
  expect(await read("PREPARE TRANSACTION 'x'")).toEqual({ does: 'prepare-transaction' })
  expect(await read("COMMIT PREPARED 'x'")).toMatchObject({ does: 'change' })
})

test('what only reads, what only the session sees, and what changes something', async () => {
  for (const text of [
    'select 1',
    '(SELECT 1)',
    'WITH a AS (SELECT 1) TABLE a',
    'EXPLAIN SELECT 1',
    "SELECT ';into;' AS a",
  ])
    expect([text, (await read(text)).does]).toEqual([text, 'read'])
  for (const text of ['SET LOCAL search_path = a', 'LOCK TABLE a', 'RESET ALL'])
    expect((await read(text)).does).toBe('session')
  for (const text of [
    'SELECT 1 INTO a',
    "SELECT setval('s', 1)",
    'WITH a AS (DELETE FROM b RETURNING *) SELECT * FROM a',
    'EXPLAIN (ANALYZE) DELETE FROM a',
    'EXPLAIN ANALYZE DELETE FROM a',
    'SELECT 1; DELETE FROM a',
    'CALL p()',
  ])
    expect([text, (await read(text)).does]).toEqual([text, 'change'])
})

test('what can be answered before it is sent', async () => {
  const holdable = async (text: string) => {
    const statement = await readCodeStatement(text)
    return 'holdable' in statement && statement.holdable
  }
  for (const text of [
    'create table a (n int);',
    "COMMENT ON TABLE a IS 'x; y'",
    'CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$',
    'CREATE VIEW v AS SELECT 1',
  ])
    expect([text, await holdable(text)]).toEqual([text, true])
  for (const text of [
    'CREATE TABLE a AS SELECT 1',
    'create temp table a as(select 1)',
    'CREATE MATERIALIZED VIEW v AS SELECT 1',
    'CREATE INDEX CONCURRENTLY i ON a (n)',
    'CREATE TABLE a (n int); CREATE TABLE b (n int)',
    'INSERT INTO a VALUES (1)',
    'DROP TABLE a; nonsense',
  ])
    expect([text, await holdable(text)]).toEqual([text, false])
})

test('control hidden among other statements', async () => {
  const statement = await readCodeStatement("INSERT INTO a VALUES ('; begin'); /* x */ COMMIT; SELECT 1")
  expect(statement.does === 'several' && statement.parts.map(({ does, text }) => [does, text.trim()])).toEqual([
    ['change', "INSERT INTO a VALUES ('; begin')"],
    ['commit', 'COMMIT'],
    ['read', 'SELECT 1'],
  ])
})

test('kinds name no value', () => {
  expect(kindOf("insert into a values ('secret')")).toBe('INSERT')
  expect(kindOf('CREATE UNIQUE INDEX secret ON a (n)')).toBe('CREATE INDEX')
  expect(kindOf('with a as (select 1) select 1')).not.toContain('select')
})
