/** A schema of SQLite with one of everything, single changes of it, and changes that change nothing. */
import type { ObjectKind } from '../../src/model/picture.ts'

export const customers = `CREATE TABLE customers (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  email TEXT NOT NULL COLLATE NOCASE UNIQUE,
  name VARCHAR(120) NOT NULL DEFAULT '',
  city TEXT DEFAULT 'x; y',
  age INT CHECK (age > 0),
  state TEXT NOT NULL DEFAULT 'new' CONSTRAINT known_state CHECK (state IN ('new', 'OLD')),
  CHECK (length(name) < 121)
)`

export const orders = `CREATE TABLE orders (
  id INTEGER NOT NULL,
  line INTEGER NOT NULL,
  customer_id INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
  amount DECIMAL(10, 2) NOT NULL DEFAULT 0,
  tax REAL AS (amount * 0.2) STORED,
  label TEXT GENERATED ALWAYS AS ('n ' || id) VIRTUAL,
  at TEXT DEFAULT CURRENT_TIMESTAMP,
  note BLOB,
  PRIMARY KEY (id, line),
  UNIQUE (customer_id, at),
  FOREIGN KEY (note) REFERENCES plain (b) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT amount_positive CHECK (amount >= 0)
)`

export const plain = 'CREATE TABLE plain (a INTEGER, b TEXT UNIQUE)'

export const pictureSchema: readonly string[] = [
  customers,
  plain,
  orders,
  'CREATE TABLE "we""ird \'n ☺" ("a`b ""c"" \'☺" INT, [b c] INT DEFAULT 7)',
  'CREATE TABLE settings (key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID',
  'CREATE VIRTUAL TABLE posts USING fts5(title, body, tokenize = "porter unicode61")',
  'CREATE INDEX customers_city ON customers (city, age DESC)',
  "CREATE INDEX customers_new ON customers (lower(name)) WHERE state = 'new'",
  'CREATE UNIQUE INDEX orders_label ON orders (label COLLATE NOCASE)',
  'CREATE INDEX "odd ☺" ON "we""ird \'n ☺" ([b c])',
  "CREATE VIEW open_customers AS SELECT id, name AS Label, CAST(age AS TEXT) AS a FROM customers WHERE state = 'new'",
  'CREATE VIEW named (One, Two) AS SELECT id, line FROM orders',
  `CREATE TRIGGER orders_total AFTER UPDATE OF amount, at ON orders FOR EACH ROW WHEN NEW.amount > 100
   BEGIN
     UPDATE plain SET a = a + 1 WHERE b = 'Big'; -- one; more
     SELECT RAISE(ABORT, 'too much') WHERE NEW.amount > 1e6;
   END`,
  'CREATE TRIGGER named_in INSTEAD OF INSERT ON named BEGIN SELECT 1; END',
]

export type Change = 'missing' | 'extra' | 'changed'
/** `sql` is run in the made schema, or is a text and what stands for it when the schema is made. */
type Case = readonly [title: string, sql: string | readonly string[] | { from: string; to: string }]
type Planted = readonly [...Case, change: Change, kind: ObjectKind, object: string]

const instead = (from: string, to: string) => ({ from, to })
const weird = 'we"ird \'n ☺'

/** Each is one difference, and nothing else is. */
export const planted: readonly Planted[] = [
  ['a table less', 'DROP TABLE settings', 'missing', 'table', 'settings'],
  ['a table more', 'CREATE TABLE tmp (a INTEGER PRIMARY KEY, b TEXT UNIQUE)', 'extra', 'table', 'tmp'],
  ['no strict types', instead('STRICT, WITHOUT ROWID', 'WITHOUT ROWID'), 'changed', 'table', 'settings'],
  ['a rowid', instead('STRICT, WITHOUT ROWID', 'STRICT'), 'changed', 'table', 'settings'],
  ['a column less', 'ALTER TABLE settings DROP COLUMN value', 'missing', 'column', 'settings.value'],
  ['a column more', 'ALTER TABLE plain ADD COLUMN c', 'extra', 'column', 'plain.c'],
  ['another type', instead('name VARCHAR(120)', 'name VARCHAR(121)'), 'changed', 'column', 'customers.name'],
  ['no type', instead('note BLOB', 'note'), 'changed', 'column', 'orders.note'],
  ['NULL allowed', instead('name VARCHAR(120) NOT NULL', 'name VARCHAR(120)'), 'changed', 'column', 'customers.name'],
  ['NOT NULL', instead('note BLOB', 'note BLOB NOT NULL'), 'changed', 'column', 'orders.note'],
  ['another default', instead("DEFAULT 'x; y'", "DEFAULT 'x;  y'"), 'changed', 'column', 'customers.city'],
  ['no default', instead("city TEXT DEFAULT 'x; y'", 'city TEXT'), 'changed', 'column', 'customers.city'],
  [
    'a text for the clock',
    instead('DEFAULT CURRENT_TIMESTAMP', "DEFAULT 'CURRENT_TIMESTAMP'"),
    'changed',
    'column',
    'orders.at',
  ],
  [
    'no collation',
    instead('NOT NULL COLLATE NOCASE UNIQUE', 'NOT NULL UNIQUE'),
    'changed',
    'column',
    'customers.email',
  ],
  ['another formula', instead('amount * 0.2', 'amount * 0.19'), 'changed', 'column', 'orders.tax'],
  ['computed when it is read', instead('STORED', 'VIRTUAL'), 'changed', 'column', 'orders.tax'],
  ['plain values', instead("GENERATED ALWAYS AS ('n ' || id) VIRTUAL", ''), 'changed', 'column', 'orders.label'],
  [
    'what a broken NOT NULL does',
    instead('amount DECIMAL(10, 2) NOT NULL', 'amount DECIMAL(10, 2) NOT NULL ON CONFLICT IGNORE'),
    'changed',
    'column',
    'orders.amount',
  ],
  ['a default in a strange table', instead('INT DEFAULT 7', 'INT DEFAULT 8'), 'changed', 'column', `${weird}.b c`],
  ['no counter', instead('PRIMARY KEY AUTOINCREMENT', 'PRIMARY KEY'), 'changed', 'primary-key', 'customers.PRIMARY'],
  [
    'another order of the key',
    instead('PRIMARY KEY (id, line)', 'PRIMARY KEY (line, id)'),
    'changed',
    'primary-key',
    'orders.PRIMARY',
  ],
  ['no primary key', instead('PRIMARY KEY (id, line),', ''), 'missing', 'primary-key', 'orders.PRIMARY'],
  [
    'a key that is no number of rows',
    instead('id INTEGER PRIMARY KEY AUTOINCREMENT', 'id INTEGER NOT NULL PRIMARY KEY DESC'),
    'changed',
    'primary-key',
    'customers.PRIMARY',
  ],
  ['a unique key less', instead('COLLATE NOCASE UNIQUE', 'COLLATE NOCASE'), 'missing', 'unique', 'customers (email)'],
  [
    'a unique key more',
    instead('label TEXT GENERATED', 'label TEXT UNIQUE GENERATED'),
    'extra',
    'unique',
    'orders (label)',
  ],
  [
    'a way out of a conflict',
    instead('UNIQUE (customer_id, at)', 'UNIQUE (customer_id, at) ON CONFLICT REPLACE'),
    'changed',
    'unique',
    'orders (customer_id, at)',
  ],
  ['an unnamed check less', instead('age INT CHECK (age > 0)', 'age INT'), 'missing', 'check', 'customers (age)'],
  ['another unnamed check', instead('CHECK (age > 0)', 'CHECK (age >= 0)'), 'changed', 'check', 'customers (age)'],
  ['another text in a check', instead("('new', 'OLD')", "('new', 'old')"), 'changed', 'check', 'customers.known_state'],
  ['a check of the table less', instead(`,\n  CHECK (length(name) < 121)`, ''), 'missing', 'check', 'customers (name)'],
  [
    'another action',
    instead('ON DELETE CASCADE', 'ON DELETE SET NULL'),
    'changed',
    'foreign-key',
    'orders (customer_id)',
  ],
  [
    'an action more',
    instead('ON DELETE CASCADE', 'ON DELETE CASCADE ON UPDATE RESTRICT'),
    'changed',
    'foreign-key',
    'orders (customer_id)',
  ],
  [
    'a reference looked at at once',
    instead(' DEFERRABLE INITIALLY DEFERRED', ''),
    'changed',
    'foreign-key',
    'orders (note)',
  ],
  [
    'another parent',
    instead('REFERENCES customers (id)', 'REFERENCES orders (id)'),
    'changed',
    'foreign-key',
    'orders (customer_id)',
  ],
  [
    'a foreign key less',
    instead('REFERENCES customers (id) ON DELETE CASCADE', ''),
    'missing',
    'foreign-key',
    'orders (customer_id)',
  ],
  ['an index less', 'DROP INDEX customers_city', 'missing', 'index', 'customers_city'],
  ['an index more', 'CREATE INDEX tmp ON plain (a)', 'extra', 'index', 'tmp'],
  ['an index the other way round', instead('age DESC', 'age'), 'changed', 'index', 'customers_city'],
  [
    'an index of other rows',
    instead("WHERE state = 'new'", "WHERE state = 'New'"),
    'changed',
    'index',
    'customers_new',
  ],
  [
    'an index of all rows',
    instead("(lower(name)) WHERE state = 'new'", '(lower(name))'),
    'changed',
    'index',
    'customers_new',
  ],
  ['an index of another expression', instead('lower(name)', 'upper(name)'), 'changed', 'index', 'customers_new'],
  [
    'an index that tells nothing apart',
    instead('CREATE UNIQUE INDEX', 'CREATE INDEX'),
    'changed',
    'index',
    'orders_label',
  ],
  [
    'an index in another collation',
    instead('label COLLATE NOCASE', 'label COLLATE RTRIM'),
    'changed',
    'index',
    'orders_label',
  ],
  ['a view less', 'DROP VIEW open_customers', 'missing', 'view', 'open_customers'],
  [
    'another view',
    instead("FROM customers WHERE state = 'new'", "FROM customers WHERE state != 'new'"),
    'changed',
    'view',
    'open_customers',
  ],
  ['another label of a view', instead('AS Label', 'AS label'), 'changed', 'view', 'open_customers'],
  ['other columns of a view', instead('named (One, Two)', 'named (one, Two)'), 'changed', 'view', 'named'],
  ['a trigger less', 'DROP TRIGGER orders_total', 'missing', 'trigger', 'orders.orders_total'],
  ['an earlier trigger', instead('AFTER UPDATE OF', 'BEFORE UPDATE OF'), 'changed', 'trigger', 'orders.orders_total'],
  ['a trigger of all columns', instead('UPDATE OF amount, at', 'UPDATE'), 'changed', 'trigger', 'orders.orders_total'],
  [
    'another condition',
    instead('WHEN NEW.amount > 100', 'WHEN NEW.amount > 101'),
    'changed',
    'trigger',
    'orders.orders_total',
  ],
  ['another text in a trigger', instead("b = 'Big'", "b = 'big'"), 'changed', 'trigger', 'orders.orders_total'],
  ['other columns of a full-text table', instead('fts5(title, body', 'fts5(title, text'), 'changed', 'table', 'posts'],
  ['another tokenizer', instead('"porter unicode61"', '"unicode61"'), 'changed', 'table', 'posts'],
]

/** SQLite's way to change a table: another one is made, filled, and gets the name. */
function rebuilt(create: string, columns: string): string[] {
  const name = /^CREATE TABLE (\w+)/.exec(create)?.[1] ?? ''
  return [
    'PRAGMA foreign_keys = OFF',
    create.replace(/^CREATE TABLE \w+/, `CREATE TABLE "new_${name}"`),
    `INSERT INTO "new_${name}" (${columns}) SELECT ${columns} FROM ${name}`,
    `DROP TABLE ${name}`,
    `ALTER TABLE "new_${name}" RENAME TO ${name}`,
  ]
}

const again = (...names: string[]) => names.map((name) => pictureSchema.find((sql) => sql.includes(` ${name} `)) ?? '')

export const cosmetic: readonly Case[] = [
  [
    'a table built anew, copied and renamed',
    ['DROP TRIGGER orders_total', ...rebuilt(plain, 'a, b'), ...again('orders_total')],
  ],
  [
    'a table with indexes built anew',
    [
      'DROP VIEW open_customers',
      ...rebuilt(customers, 'id, email, name, city, age, state'),
      ...again('customers_city', 'customers_new', 'open_customers'),
    ],
  ],
  [
    'a table with references and triggers built anew',
    [
      'DROP VIEW named',
      ...rebuilt(orders, 'id, line, customer_id, amount, at, note'),
      ...again('orders_label', 'named', 'orders_total', 'named_in'),
    ],
  ],
  ['renamed there and back', ['ALTER TABLE customers RENAME TO people', 'ALTER TABLE people RENAME TO customers']],
  [
    'a column renamed there and back',
    ['ALTER TABLE customers RENAME COLUMN city TO town', 'ALTER TABLE customers RENAME COLUMN town TO city'],
  ],
  ['a column added and dropped again', ['ALTER TABLE plain ADD COLUMN x', 'ALTER TABLE plain DROP COLUMN x']],
  [
    'names in quotes',
    instead(
      'customer_id INTEGER NOT NULL REFERENCES customers (id)',
      '"customer_id" [INTEGER] NOT NULL REFERENCES `customers` ("id")',
    ),
  ],
  [
    'keywords and types in another case',
    instead('id INTEGER PRIMARY KEY AUTOINCREMENT', 'id integer primary key autoincrement'),
  ],
  [
    'white space and comments',
    instead('name VARCHAR(120) NOT NULL', 'name /* who */ VARCHAR( 120 )\n -- said; so\n NOT\tNULL'),
  ],
  ['IF NOT EXISTS', instead('CREATE TABLE plain', 'CREATE TABLE IF NOT EXISTS main.plain')],
  ['columns in another order', instead('(a INTEGER, b TEXT UNIQUE)', '(b TEXT UNIQUE, a INTEGER)')],
  ['a key said by the table', instead('b TEXT UNIQUE', 'b TEXT, UNIQUE (b)')],
  ['a named key', instead('b TEXT UNIQUE', 'b TEXT CONSTRAINT one_b UNIQUE')],
  ['two keys over the same column', instead('b TEXT UNIQUE', 'b TEXT UNIQUE, UNIQUE (b)')],
  [
    'a primary key said by the table',
    instead('key TEXT PRIMARY KEY, value ANY', 'key TEXT, value ANY, CONSTRAINT pk PRIMARY KEY (key ASC)'),
  ],
  [
    'a number of rows that is never NULL',
    instead('id INTEGER PRIMARY KEY AUTOINCREMENT', 'id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT'),
  ],
  ['what goes without saying', instead('city TEXT DEFAULT', 'city TEXT NULL COLLATE BINARY DEFAULT')],
  ['a default of NULL', instead('note BLOB', 'note BLOB DEFAULT NULL')],
  ['parentheses around a default', instead("DEFAULT 'x; y'", "DEFAULT (('x; y'))")],
  ['a default in the quotes of a name', instead("DEFAULT 'new'", 'DEFAULT "new"')],
  [
    'a check said by the table',
    instead(customers, customers.replace('age INT CHECK (age > 0)', 'age INT').replace(/\)$/, ', CHECK ((AGE > 0)))')),
  ],
  ['a foreign key to the primary key', instead('REFERENCES customers (id)', 'REFERENCES customers')],
  ['a named foreign key', instead('FOREIGN KEY (note)', 'CONSTRAINT note_fk FOREIGN KEY (note)')],
  [
    'actions that are meant anyway',
    instead('ON DELETE CASCADE', 'ON DELETE CASCADE ON UPDATE NO ACTION MATCH FULL NOT DEFERRABLE INITIALLY IMMEDIATE'),
  ],
  [
    'an index in other words',
    instead("ON customers (lower(name)) WHERE state = 'new'", 'ON "customers"(LOWER([Name])) where (STATE == \'new\')'),
  ],
  ['a check in other words', instead('CHECK (length(name) < 121)', 'check(LENGTH("NAME")<121)')],
  [
    'arguments of a full-text table further apart',
    instead('fts5(title, body, tokenize = ', 'FTS5 ( title,\n  body,tokenize='),
  ],
  ["ASC and a collation that is the column's", instead('(city, age DESC)', '("city" COLLATE binary ASC, AGE DESC)')],
  [
    'a view in other words',
    instead(
      "SELECT id, name AS Label, CAST(age AS TEXT) AS a FROM customers WHERE state = 'new'",
      'select "id",name as "Label",cast(age as text) as a\nfrom main.[Customers] where state==\'new\'',
    ),
  ],
  [
    'a trigger in other words',
    instead('AFTER UPDATE OF amount, at ON orders FOR EACH ROW WHEN', 'after update of "at", amount on [Orders] when'),
  ],
  [
    'rows',
    [
      "INSERT INTO customers (email) VALUES ('a@b.c')",
      'INSERT INTO plain VALUES (1, 2)',
      "INSERT INTO posts VALUES ('a', 'b')",
      'ANALYZE',
      'DELETE FROM customers',
    ],
  ],
]
