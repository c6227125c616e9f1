import { expect, test } from 'vitest'
import type { ObjectName } from '../../model/named-objects.ts'
import { nameObjects } from './name-objects.ts'

const show = (name: ObjectName) => (name.kind === 'column' ? `${name.table}.${name.name}` : name.name)

function read(text: string) {
  const { makes, drops, renames, names, columns } = nameObjects(text)
  return {
    makes: makes.map((one) => `${one.label} ${show(one)}`),
    drops: drops.map(show),
    renames: renames.map(({ from, to }) => `${show(from)} → ${show(to)}`),
    names: names.map(show).sort(),
    columns: columns.map(({ tables, name }) => `${tables.join()}.${name}`).sort(),
  }
}

test.each([
  [
    'CREATE TABLE IF NOT EXISTS main."Users" (Id INTEGER PRIMARY KEY, org INT REFERENCES Orgs (id) ON UPDATE CASCADE, CHECK (org > 0)) STRICT',
    { makes: ['table users', 'column users.id', 'column users.org'], names: ['orgs', 'users'] },
  ],
  ['CREATE TEMP TABLE t (a)', { makes: [] }],
  ['CREATE VIRTUAL TABLE f USING fts5(a)', { makes: ['table f'] }],
  ['CREATE UNIQUE INDEX i ON users (email)', { makes: ['index i'], names: ['users'], columns: ['users.email'] }],
  [
    'CREATE VIEW v AS SELECT u.email FROM users AS u LEFT JOIN other.orgs o ON o.id = u.org',
    { makes: ['view v'], names: ['other.orgs', 'users', 'v'] },
  ],
  ['DROP TABLE IF EXISTS users', { drops: ['users'], names: ['users'] }],
  ['DROP INDEX i', { drops: ['i'] }],
  ['ALTER TABLE users RENAME TO People', { renames: ['users → people'], names: ['users'] }],
  ['ALTER TABLE users RENAME email TO mail', { renames: ['users.email → users.mail'] }],
  ['ALTER TABLE users ADD age INT', { makes: ['column users.age'], drops: [] }],
  ['ALTER TABLE users DROP COLUMN "Age"', { drops: ['users.age'] }],
  ['ALTER TABLE users DROP CONSTRAINT age', { drops: [] }],
  ['INSERT OR REPLACE INTO users (email) SELECT a FROM b', { names: ['b', 'users'] }],
  [
    "UPDATE users SET email = lower(email) WHERE id = 'x.y'",
    { names: ['users'], columns: ['users.email', 'users.id'] },
  ],
  ['DELETE FROM users WHERE EXISTS (SELECT 1 FROM orgs)', { names: ['orgs', 'users'] }],
  [
    'CREATE TRIGGER t AFTER UPDATE OF email ON users BEGIN UPDATE orgs SET n = NEW.id WHERE x = 1; END',
    { makes: [], names: ['orgs', 'users'] },
  ],
])('%s', (text, expected) => {
  expect(read(text)).toMatchObject(expected)
})
