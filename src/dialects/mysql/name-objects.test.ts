import { expect, test } from 'vitest'
import { nameObjects } from './name-objects.ts'

function words(sql: string, database: string | null = null) {
  const found = nameObjects(sql, database)
  const say = (one: { kind: string; name: string; table?: string }) =>
    one.kind === 'column' ? `${one.table}.${one.name}` : `${one.kind} ${one.name}`
  return {
    makes: found.makes.map(say),
    drops: found.drops.map(say),
    renames: found.renames.map(({ from, to }) => `${say(from)} > ${say(to)}`),
    relations: found.names.filter(({ kind }) => kind === 'relation').map(({ name }) => name),
    functions: found.names.filter(({ kind }) => kind === 'function').map(({ name }) => name),
    columns: found.columns.map(({ tables, name }) => `${tables.join('|')}.${name}`),
  }
}

test.each<[string, string[], string[], string[]]>([
  ['CREATE INDEX email ON users (email, name(10))', ['users'], ['users.email', 'users.name'], ['users.phone']],
  ['ALTER TABLE users ADD INDEX email (name)', ['users'], ['users.name'], ['users.email']],
  ['ALTER TABLE `users` ADD phone INT AFTER `email`', ['users'], [], ['users.email']],
  ["UPDATE users SET email = 'orders' WHERE name = 1", ['users'], ['users.email', 'users.name'], []],
  [
    'CREATE VIEW v AS SELECT u.email FROM users u JOIN orders o ON o.uid = u.id',
    ['v', 'users', 'orders'],
    ['users.email', 'orders.uid'],
    ['orders.email'],
  ],
  ['SELECT * FROM a, b AS x WHERE x.n = 1', ['a', 'b'], ['b.n'], ['a.n']],
  ['INSERT INTO users (email) VALUES (1) ON DUPLICATE KEY UPDATE email = 2', ['users'], ['users.email'], []],
  [
    'ALTER TABLE a ADD CONSTRAINT c FOREIGN KEY (b_id) REFERENCES b (id) ON DELETE CASCADE ON UPDATE CASCADE',
    ['a', 'b'],
    ['a|b.b_id'],
    [],
  ],
  ['CREATE TABLE IF NOT EXISTS copy LIKE users', ['copy', 'users'], [], []],
  ['SELECT 1 FROM logs WHERE text LIKE users', ['logs'], ['logs.users'], []],
  [
    'CREATE TRIGGER t BEFORE UPDATE ON users FOR EACH ROW SET NEW.email = lower(NEW.email)',
    ['users'],
    ['users.email'],
    [],
  ],
  ['DROP TABLE IF EXISTS a, b', ['a', 'b'], [], []],
  ['RENAME TABLE a TO b', ['a'], [], []],
  ['DELETE FROM other.users', ['other.users'], [], []],
  ["SELECT 'from users' -- from users", [], [], []],
])('what it names: %s', (sql, relations, columns, not) => {
  const found = words(sql)
  expect(found.relations).toEqual(relations)
  expect(found.columns).toEqual(expect.arrayContaining(columns))
  for (const name of not) expect(found.columns).not.toContain(name)
})

test('routines that it calls', () => {
  expect(words('CALL refresh(1)').functions).toEqual(['refresh'])
  expect(words('CREATE VIEW v AS SELECT total(n) FROM t').functions).toContain('total')
})

test.each<[string, string[]]>([
  [
    'CREATE TABLE t (a INT, `B` VARCHAR(10), PRIMARY KEY (a), KEY k (`B`), CHECK (a > 0))',
    ['relation t', 't.a', 't.b'],
  ],
  ['CREATE OR REPLACE ALGORITHM=MERGE DEFINER=`a`@`b` SQL SECURITY INVOKER VIEW v AS SELECT 1', ['relation v']],
  ['CREATE TEMPORARY TABLE t (a INT)', []],
  ['CREATE INDEX i ON t (a)', []],
  [
    'ALTER TABLE t ADD COLUMN IF NOT EXISTS c INT, ADD (d INT, e DECIMAL(1, 2)), ADD INDEX i (c)',
    ['t.c', 't.d', 't.e'],
  ],
  ['CREATE FUNCTION f() RETURNS INT RETURN 1', ['function f']],
])('what it makes: %s', (sql, makes) => {
  expect(words(sql).makes).toEqual(makes)
})

test.each<[string, string[], string[]]>([
  ['DROP VIEW v', ['relation v'], []],
  ['ALTER TABLE t DROP COLUMN a, DROP INDEX i', ['t.a'], []],
  ['ALTER TABLE t CHANGE a b INT', [], ['t.a > t.b']],
  ['ALTER TABLE t CHANGE a a INT', [], []],
  ['ALTER TABLE t RENAME COLUMN a TO b', [], ['t.a > t.b']],
  ['ALTER TABLE t RENAME TO u', [], ['relation t > relation u']],
  ['ALTER TABLE t RENAME INDEX a TO b', [], []],
  ['RENAME TABLE a TO b, c TO d', [], ['relation a > relation b', 'relation c > relation d']],
])('what is gone: %s', (sql, drops, renames) => {
  const found = words(sql)
  expect([found.drops, found.renames]).toEqual([drops, renames])
})

test('names with the target in front are its own', () => {
  expect(words('CREATE TABLE `app`.`T` (a INT)', 'app').makes).toEqual(['relation t', 't.a'])
})
