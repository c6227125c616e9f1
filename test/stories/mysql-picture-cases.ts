/** A schema of MariaDB with one of everything, single changes of it, and changes that change nothing. */
import type { ObjectKind } from '../../src/model/picture.ts'

/** `database`: its own name, for the places where a definition writes it out. */
export function pictureSchema(database: string): string[] {
  return [
    'CREATE SEQUENCE numbers START WITH 5 INCREMENT BY 2',
    `CREATE TABLE customers (
      id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
      email VARCHAR(190) NOT NULL COMMENT 'where; we ''write''',
      name VARCHAR(120) CHARACTER SET latin1 NOT NULL DEFAULT '',
      city VARCHAR(40) DEFAULT 'x',
      age SMALLINT CHECK (age > 0),
      number BIGINT DEFAULT NEXTVAL(numbers) COMMENT 'counted',
      UNIQUE KEY customers_email (email),
      KEY customers_city (city(10), age) COMMENT 'for lists',
      FULLTEXT KEY customers_name (name)
    ) COMMENT 'who buys'`,
    `CREATE TABLE orders (
      id INT NOT NULL,
      line INT NOT NULL,
      customer_id INT UNSIGNED NOT NULL,
      state ENUM('new', 'paid; shipped', 'it''s done') NOT NULL DEFAULT 'new',
      amount DECIMAL(10, 2) NOT NULL DEFAULT 0,
      tax DECIMAL(10, 2) AS (amount * 0.2) STORED,
      label VARCHAR(80) AS (CONCAT('№ 😀 ', id)) VIRTUAL,
      payload JSON,
      is_gift TINYINT(1) NOT NULL DEFAULT 0,
      secret INT INVISIBLE DEFAULT 3,
      changed TIMESTAMP NULL DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP,
      PRIMARY KEY (id, line),
      KEY orders_customer (customer_id, state),
      CONSTRAINT orders_customer_fk FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE,
      CONSTRAINT amount_positive CHECK (amount >= 0)
    ) ENGINE=InnoDB`,
    'CREATE TABLE `we``ird "n\' ☺` (`a``b "c" \'☺` INT, b INT DEFAULT 7, KEY `k``"\'☺` (b))',
    'CREATE TABLE plain (a INT, b INT)',
    'CREATE TABLE parted (id INT NOT NULL, day DATE NOT NULL) PARTITION BY RANGE (YEAR(day)) (PARTITION p1 VALUES LESS THAN (2024), PARTITION p2 VALUES LESS THAN MAXVALUE)',
    `CREATE FUNCTION grade(points INT, kind VARCHAR(10)) RETURNS CHAR(1) DETERMINISTIC COMMENT 'of; points'
     RETURN IF(points > 50, 'A', (SELECT MAX('B') FROM ${database}.plain))`,
    `CREATE PROCEDURE settle(IN most INT, OUT settled INT) SQL SECURITY INVOKER
     BEGIN
       -- it's one; more
       SELECT COUNT(*) INTO settled FROM \`${database}\`.orders WHERE id < most;
     END`,
    `CREATE VIEW grades AS SELECT o.id, ${database}.grade(o.id, 'x') AS grade FROM ${database}.orders o WHERE o.state = 'new'`,
    'CREATE VIEW plain_low AS SELECT a, b FROM plain WHERE a < 10 WITH CASCADED CHECK OPTION',
    "CREATE TRIGGER orders_first BEFORE INSERT ON orders FOR EACH ROW SET NEW.payload = COALESCE(NEW.payload, '{}')",
    `CREATE TRIGGER orders_second BEFORE INSERT ON orders FOR EACH ROW
     BEGIN IF NEW.amount > 100 THEN INSERT INTO ${database}.plain VALUES (NEW.id, 1); END IF; END`,
    "CREATE EVENT clean ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' DISABLE COMMENT 'at night' DO DELETE FROM plain WHERE a < 0",
    'CREATE EVENT tick ON SCHEDULE EVERY 1 HOUR DISABLE DO SET @tick = 1',
  ]
}

type Case = readonly [title: string, sql: string | readonly string[]]
type Planted = readonly [...Case, change: 'missing' | 'extra' | 'changed', kind: ObjectKind, object: string]

/** Each is one difference, and nothing else is. */
export const planted: readonly Planted[] = [
  ['a table less', 'DROP TABLE parted', 'missing', 'table', 'parted'],
  ['a table more', 'CREATE TABLE tmp (a INT PRIMARY KEY, b TEXT)', 'extra', 'table', 'tmp'],
  ['another engine', 'ALTER TABLE plain ENGINE = MyISAM', 'changed', 'table', 'plain'],
  ['a collation of its own', 'ALTER TABLE plain COLLATE utf8mb4_bin', 'changed', 'table', 'plain'],
  ['a row format', 'ALTER TABLE plain ROW_FORMAT = COMPRESSED', 'changed', 'table', 'plain'],
  ['partitions', 'ALTER TABLE plain PARTITION BY HASH (a) PARTITIONS 2', 'changed', 'table', 'plain'],
  ['a partition less', 'ALTER TABLE parted DROP PARTITION p1', 'changed', 'table', 'parted'],
  ['versions of rows', 'ALTER TABLE plain ADD SYSTEM VERSIONING', 'changed', 'table', 'plain'],
  ['a column less', 'ALTER TABLE orders DROP COLUMN is_gift', 'missing', 'column', 'orders.is_gift'],
  ['a column more', 'ALTER TABLE orders ADD COLUMN tmp INT FIRST', 'extra', 'column', 'orders.tmp'],
  ['a commented column less', 'ALTER TABLE customers DROP COLUMN number', 'missing', 'column', 'customers.number'],
  ['a wider type', 'ALTER TABLE plain MODIFY a BIGINT', 'changed', 'column', 'plain.a'],
  ['no sign', 'ALTER TABLE plain MODIFY a INT UNSIGNED', 'changed', 'column', 'plain.a'],
  ['a longer text', "ALTER TABLE customers MODIFY city VARCHAR(41) DEFAULT 'x'", 'changed', 'column', 'customers.city'],
  ['NOT NULL', 'ALTER TABLE plain MODIFY b INT NOT NULL', 'changed', 'column', 'plain.b'],
  ['a default', 'ALTER TABLE plain ALTER b SET DEFAULT 5', 'changed', 'column', 'plain.b'],
  ['another default', "ALTER TABLE customers ALTER city SET DEFAULT 'X'", 'changed', 'column', 'customers.city'],
  ['no default', 'ALTER TABLE orders ALTER amount DROP DEFAULT', 'changed', 'column', 'orders.amount'],
  [
    'a collation of a column',
    "ALTER TABLE customers MODIFY city VARCHAR(40) COLLATE utf8mb4_bin DEFAULT 'x'",
    'changed',
    'column',
    'customers.city',
  ],
  [
    'labels in another order',
    "ALTER TABLE orders MODIFY state ENUM('new', 'it''s done', 'paid; shipped') NOT NULL DEFAULT 'new'",
    'changed',
    'column',
    'orders.state',
  ],
  [
    'no counter',
    ['SET FOREIGN_KEY_CHECKS = 0', 'ALTER TABLE customers MODIFY id INT UNSIGNED NOT NULL'],
    'changed',
    'column',
    'customers.id',
  ],
  [
    'no ON UPDATE',
    'ALTER TABLE orders MODIFY changed TIMESTAMP NULL DEFAULT NULL',
    'changed',
    'column',
    'orders.changed',
  ],
  [
    'another formula',
    'ALTER TABLE orders MODIFY tax DECIMAL(10, 2) AS (amount * 0.19) STORED',
    'changed',
    'column',
    'orders.tax',
  ],
  [
    'computed when it is read',
    [
      'ALTER TABLE orders DROP COLUMN tax',
      'ALTER TABLE orders ADD COLUMN tax DECIMAL(10, 2) AS (amount * 0.2) VIRTUAL',
    ],
    'changed',
    'column',
    'orders.tax',
  ],
  ['a column to be seen', 'ALTER TABLE orders MODIFY secret INT DEFAULT 3', 'changed', 'column', 'orders.secret'],
  ['a check of a column less', 'ALTER TABLE customers MODIFY age SMALLINT', 'changed', 'column', 'customers.age'],
  [
    'a number for a truth value',
    'ALTER TABLE orders MODIFY is_gift TINYINT(4) NOT NULL DEFAULT 0',
    'changed',
    'column',
    'orders.is_gift',
  ],
  [
    'a default in a table with a strange name',
    'ALTER TABLE `we``ird "n\' ☺` ALTER b SET DEFAULT 8',
    'changed',
    'column',
    'we`ird "n\' ☺.b',
  ],
  [
    'an index with a strange name less',
    'ALTER TABLE `we``ird "n\' ☺` DROP KEY `k``"\'☺`',
    'missing',
    'index',
    'we`ird "n\' ☺.k`"\'☺',
  ],
  [
    'another primary key',
    'ALTER TABLE orders DROP PRIMARY KEY, ADD PRIMARY KEY (line, id)',
    'changed',
    'primary-key',
    'orders.PRIMARY',
  ],
  ['a unique key more', 'ALTER TABLE plain ADD UNIQUE KEY one (b)', 'extra', 'unique', 'plain.one'],
  [
    'a unique key less',
    'ALTER TABLE customers DROP KEY customers_email',
    'missing',
    'unique',
    'customers.customers_email',
  ],
  ['an index less', 'ALTER TABLE customers DROP KEY customers_city', 'missing', 'index', 'customers.customers_city'],
  ['an index more', 'CREATE INDEX tmp ON plain (a)', 'extra', 'index', 'plain.tmp'],
  [
    'a full-text index less',
    'ALTER TABLE customers DROP KEY customers_name',
    'missing',
    'index',
    'customers.customers_name',
  ],
  [
    'an index over more of a text',
    "ALTER TABLE customers DROP KEY customers_city, ADD KEY customers_city (city(11), age) COMMENT 'for lists'",
    'changed',
    'index',
    'customers.customers_city',
  ],
  [
    'an index the other way round',
    "ALTER TABLE customers DROP KEY customers_city, ADD KEY customers_city (city(10), age DESC) COMMENT 'for lists'",
    'changed',
    'index',
    'customers.customers_city',
  ],
  [
    'an index out of use',
    'ALTER TABLE customers ALTER INDEX customers_city IGNORED',
    'changed',
    'index',
    'customers.customers_city',
  ],
  [
    'a foreign key less',
    'ALTER TABLE orders DROP FOREIGN KEY orders_customer_fk',
    'missing',
    'foreign-key',
    'orders.orders_customer_fk',
  ],
  [
    'another action',
    [
      'ALTER TABLE orders DROP FOREIGN KEY orders_customer_fk',
      'ALTER TABLE orders ADD CONSTRAINT orders_customer_fk FOREIGN KEY (customer_id) REFERENCES customers (id)',
    ],
    'changed',
    'foreign-key',
    'orders.orders_customer_fk',
  ],
  ['a check less', 'ALTER TABLE orders DROP CONSTRAINT amount_positive', 'missing', 'check', 'orders.amount_positive'],
  [
    'another check',
    'ALTER TABLE orders DROP CONSTRAINT amount_positive, ADD CONSTRAINT amount_positive CHECK (amount > 0)',
    'changed',
    'check',
    'orders.amount_positive',
  ],
  ['a view less', 'DROP VIEW plain_low', 'missing', 'view', 'plain_low'],
  [
    'another view',
    'CREATE OR REPLACE VIEW plain_low AS SELECT a, b FROM plain WHERE a < 11 WITH CASCADED CHECK OPTION',
    'changed',
    'view',
    'plain_low',
  ],
  [
    'no check of a view',
    'CREATE OR REPLACE VIEW plain_low AS SELECT a, b FROM plain WHERE a < 10',
    'changed',
    'view',
    'plain_low',
  ],
  [
    'a view as who asks',
    'CREATE OR REPLACE SQL SECURITY INVOKER VIEW plain_low AS SELECT a, b FROM plain WHERE a < 10 WITH CASCADED CHECK OPTION',
    'changed',
    'view',
    'plain_low',
  ],
  ['a function less', 'DROP FUNCTION grade', 'missing', 'function', 'grade'],
  [
    'another body',
    'CREATE OR REPLACE PROCEDURE settle(IN most INT, OUT settled INT) SQL SECURITY INVOKER BEGIN SELECT COUNT(*) INTO settled FROM orders WHERE id <= most; END',
    'changed',
    'procedure',
    'settle',
  ],
  ['another way to run it', 'ALTER PROCEDURE settle SQL SECURITY DEFINER', 'changed', 'procedure', 'settle'],
  ['another promise about data', 'ALTER PROCEDURE settle READS SQL DATA', 'changed', 'procedure', 'settle'],
  ['a routine more', 'CREATE PROCEDURE tmp() BEGIN END', 'extra', 'procedure', 'tmp'],
  ['a trigger less', 'DROP TRIGGER orders_second', 'missing', 'trigger', 'orders.orders_second'],
  [
    'a later trigger',
    'CREATE OR REPLACE TRIGGER orders_second BEFORE INSERT ON orders FOR EACH ROW SET NEW.amount = 1',
    'changed',
    'trigger',
    'orders.orders_second',
  ],
  [
    'a trigger of another mode',
    [
      "SET sql_mode = 'ANSI_QUOTES'",
      "CREATE OR REPLACE TRIGGER orders_first BEFORE INSERT ON orders FOR EACH ROW FOLLOWS orders_second SET NEW.payload = COALESCE(NEW.payload, '{}')",
      'DROP TRIGGER orders_first',
      "CREATE TRIGGER orders_first BEFORE INSERT ON orders FOR EACH ROW PRECEDES orders_second SET NEW.payload = COALESCE(NEW.payload, '{}')",
    ],
    'changed',
    'trigger',
    'orders.orders_first',
  ],
  [
    'another rhythm',
    "ALTER EVENT clean ON SCHEDULE EVERY 2 DAY STARTS '2030-01-01 00:00:00'",
    'changed',
    'event',
    'clean',
  ],
  ['an event at work', 'ALTER EVENT clean ENABLE', 'changed', 'event', 'clean'],
  ['an event less', 'DROP EVENT tick', 'missing', 'event', 'tick'],
  ['other steps', 'ALTER SEQUENCE numbers INCREMENT BY 3', 'changed', 'sequence', 'numbers'],
  ['a comment on a table less', "ALTER TABLE customers COMMENT ''", 'missing', 'comment', 'customers'],
  [
    'another comment on a column',
    "ALTER TABLE customers MODIFY email VARCHAR(190) NOT NULL COMMENT 'where'",
    'changed',
    'comment',
    'customers.email',
  ],
  ['a comment on a routine', "ALTER PROCEDURE settle COMMENT 'of orders'", 'extra', 'comment', 'procedure settle'],
]

/** None of these changes anything that counts. */
export const cosmetic: readonly Case[] = [
  ['the order of columns', 'ALTER TABLE orders MODIFY amount DECIMAL(10, 2) NOT NULL DEFAULT 0 FIRST'],
  ['how far a counter is', 'ALTER TABLE customers AUTO_INCREMENT = 4711'],
  [
    'rows',
    [
      "INSERT INTO customers (email) VALUES ('a@example.com'), ('b@example.com')",
      'INSERT INTO plain SELECT seq, 1 FROM seq_1_to_500',
      'DO NEXTVAL(numbers)',
    ],
  ],
  ['statistics', 'ANALYZE TABLE customers, orders PERSISTENT FOR ALL'],
  ['a table written anew', 'ALTER TABLE plain FORCE'],
  ['the width of integers', 'ALTER TABLE plain MODIFY a INT(3), MODIFY b INT(20)'],
  [
    'a comment taken away and set again',
    ["ALTER TABLE customers COMMENT ''", "ALTER TABLE customers COMMENT 'who buys'"],
  ],
  ['an index dropped and made again', ['DROP INDEX tmp_b ON plain', 'CREATE INDEX tmp_b ON plain (b) USING BTREE']],
  [
    'how nothing is done',
    [
      'ALTER TABLE plain_child DROP FOREIGN KEY child_fk',
      'ALTER TABLE plain_child ADD CONSTRAINT child_fk FOREIGN KEY (a) REFERENCES plain (a) ON DELETE NO ACTION ON UPDATE RESTRICT',
    ],
  ],
  [
    'white space of a view, and its definer',
    "CREATE OR REPLACE DEFINER = 'nobody'@'%' VIEW plain_low AS\n\n  select  a,\tb\nfrom plain -- all\nWHERE a<10 with CASCADED check OPTION",
  ],
  [
    'white space and comments of a routine',
    "CREATE OR REPLACE DEFINER = 'nobody'@'%' PROCEDURE settle(in most INT(11), out settled INTEGER) SQL SECURITY INVOKER BEGIN\n\n SELECT COUNT(*) /* all */ INTO settled\n\tFROM orders_place.orders WHERE id < most;\nEND",
  ],
  [
    'spaces before parentheses being passed over',
    [
      "SET sql_mode = CONCAT(@@sql_mode, ',IGNORE_SPACE')",
      'CREATE OR REPLACE EVENT tick ON SCHEDULE EVERY 1 HOUR DISABLE DO SET @tick = 1',
    ],
  ],
  [
    'a trigger made by another client',
    ['SET NAMES latin1', 'CREATE OR REPLACE TRIGGER orders_third AFTER INSERT ON orders FOR EACH ROW SET @x = 1'],
  ],
  [
    'a character set that is the table’s anyway',
    "ALTER TABLE orders MODIFY state ENUM('new', 'paid; shipped', 'it''s done') CHARACTER SET utf8mb4 NOT NULL DEFAULT 'new'",
  ],
  ['a default that is none', 'ALTER TABLE plain MODIFY a INT NULL DEFAULT NULL'],
  ['other words for the clock', 'ALTER TABLE orders MODIFY changed TIMESTAMP NULL DEFAULT NULL ON UPDATE NOW()'],
]
