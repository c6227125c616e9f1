import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { mysql } from '../../src/dialects/mysql/index.ts'
import { comparePictures } from '../../src/engine/compare-pictures.ts'
import type { Connection } from '../../src/model/dialect.ts'
import {
  type Creation,
  objectKinds,
  ownSchema,
  type PictureObject,
  type SchemaPicture,
} from '../../src/model/picture.ts'
import { freshMariadb, type MariadbDatabase, withMariadb } from '../servers/shared-mariadb.ts'
import { runClient } from './mariadb-client.ts'
import { openMysql } from './mysql-connection.ts'
import { pictureSchema } from './mysql-picture-cases.ts'

const scope = { kinds: objectKinds.filter((kind) => kind !== 'grant'), exceptTables: [], ignore: [] }

async function within<T>(database: MariadbDatabase, ask: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await openMysql(database.server, database.name)
  try {
    return await ask(connection)
  } finally {
    await connection.close()
  }
}

const look = (database: MariadbDatabase) =>
  within(database, async (connection) => (await mysql.pictures.describe(connection, null, scope)) as SchemaPicture)

const creationsOf = (database: MariadbDatabase, objects: readonly PictureObject[]) =>
  within(database, (connection) => mysql.pictures.creations(connection, null, objects))

/** Runs them as they come, on one session that checks foreign keys. */
async function make(database: MariadbDatabase, creations: readonly Creation[]): Promise<void> {
  const statements = creations.flatMap((creation) => creation.statements)
  const written = statements.map((text) => text.replaceAll(ownSchema, mysql.quoteIdentifier(database.name)))
  const { failure, done } = await within(database, (connection) => connection.pipeline(written))
  expect({ failure, at: failure === null ? '' : written[done] }).toEqual({ failure: null, at: '' })
}

const rich = [
  'CREATE TABLE a_parent (id INT AUTO_INCREMENT, other INT, PRIMARY KEY (id)) AUTO_INCREMENT = 77',
  'CREATE TABLE z_child (id INT PRIMARY KEY, a INT, b INT, FOREIGN KEY (a) REFERENCES a_parent (id) ON UPDATE SET NULL, KEY (b))',
  'ALTER TABLE a_parent ADD CONSTRAINT circle FOREIGN KEY (other) REFERENCES z_child (id)',
  `CREATE TABLE types (
    a INT(4) ZEROFILL NOT NULL DEFAULT 5 COMMENT 'it''s\\n"x" \\\\ €', b BOOL, c YEAR, d DOUBLE DEFAULT 1e3, e DECIMAL(10, 2) DEFAULT -1.50,
    f SET('x', 'y;z') DEFAULT 'x', g VARCHAR(20) CHARACTER SET latin1 DEFAULT 'x\\\\y''z€', h TEXT DEFAULT 'abc', i BIT(3) DEFAULT b'101',
    j TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3), k VARCHAR(40) DEFAULT UUID(),
    l INT DEFAULT (1 + 2) CHECK (l > 0), m BLOB COMPRESSED, n POINT NOT NULL, o VARBINARY(8) DEFAULT 'a\\0b', p DATETIME(6) DEFAULT '2024-01-01',
    q INET6 DEFAULT '::1', r UUID, SPATIAL KEY (n), KEY (h(7) DESC), KEY kb (b) IGNORED COMMENT 'c; \\'' )
    ROW_FORMAT = DYNAMIC STATS_PERSISTENT = 1 COMMENT = 'tbl; ''c''' COLLATE latin1_bin`,
  'CREATE TABLE periods (a INT, b DATE, c DATE, PERIOD FOR app (b, c), UNIQUE (a, app WITHOUT OVERLAPS)) WITH SYSTEM VERSIONING',
  'CREATE TABLE subs (a INT, d DATE) PARTITION BY RANGE (YEAR(d)) SUBPARTITION BY HASH (a) SUBPARTITIONS 2 (PARTITION p1 VALUES LESS THAN (2000), PARTITION p2 VALUES LESS THAN MAXVALUE)',
  'CREATE TABLE old (a INT, b CHAR(3), FULLTEXT KEY (b)) ENGINE = MyISAM',
  'CREATE SEQUENCE down START WITH -1 INCREMENT BY -1 NOCACHE CYCLE',
  'CREATE VIEW z_first AS SELECT 1 AS one',
  'CREATE VIEW m_second AS SELECT * FROM z_first',
  'CREATE ALGORITHM = TEMPTABLE SQL SECURITY INVOKER VIEW a_third (`x y`, z) AS SELECT m_second.one, z_first.one FROM m_second JOIN z_first',
  'CREATE AGGREGATE FUNCTION total(x INT) RETURNS INT BEGIN DECLARE s INT DEFAULT 0; DECLARE CONTINUE HANDLER FOR NOT FOUND RETURN s; LOOP FETCH GROUP NEXT ROW; SET s = s + x; END LOOP; END',
  "SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT'",
  'CREATE FUNCTION joined(a VARCHAR(5) CHARACTER SET latin1) RETURNS VARCHAR(20) DETERMINISTIC RETURN a || (SELECT "x y" FROM "a_third")',
  'CREATE TRIGGER t_first BEFORE UPDATE ON z_child FOR EACH ROW SET NEW."b" = 1',
  "SET sql_mode = 'NO_BACKSLASH_ESCAPES'",
  "CREATE TRIGGER t_second BEFORE UPDATE ON z_child FOR EACH ROW BEGIN SET @x = '\\'; SET @y = 'plain'; END",
  "SET sql_mode = 'ORACLE'",
  'CREATE PACKAGE pack AS FUNCTION f RETURN INT; END',
  'CREATE PACKAGE BODY pack AS FUNCTION f RETURN INT IS BEGIN RETURN 1; END; END',
  'SET sql_mode = DEFAULT',
  "SET time_zone = '+05:00'",
  "CREATE EVENT once ON SCHEDULE AT '2035-01-01' ON COMPLETION PRESERVE DISABLE COMMENT 'o''nce' DO SET @a = 'é'",
  "CREATE EVENT often ON SCHEDULE EVERY '1:30' HOUR_MINUTE STARTS '2030-01-01' ENDS '2036-01-01' DO BEGIN SET @a = 1; END",
]

/** Everything in `mysql-sql`, given to the client as people give it. */
function runFixtures(database: MariadbDatabase): void {
  for (const file of ['001_schema', '002_programs', '003_delimiters']) {
    const text = readFileSync(new URL(`../fixtures/mysql-sql/${file}.sql`, import.meta.url), 'utf8')
    // The client needs other delimiters around bodies, which the file leaves out.
    const given = file === '002_programs' ? withDelimiters(text) : text
    runClient(database, given)
  }
}

function withDelimiters(text: string): string {
  const parted = text.split(/\n\n/).map((part) => part.trim().replace(/;$/, ''))
  return `DELIMITER $$$\n${parted.join('\n$$$\n')}\n$$$\nDELIMITER ;\n`
}

withMariadb('what is in a database of MariaDB', () => {
  test.each([
    [
      'of one of everything',
      async (database: MariadbDatabase) => {
        await database.query(pictureSchema(database.name).join(';\n'))
      },
    ],
    [
      'of what is rare',
      async (database: MariadbDatabase) => {
        await database.query(rich.join(';\n'))
      },
    ],
    ['of files for the client', async (database: MariadbDatabase) => runFixtures(database)],
  ])('%s, is made again in another one', async (title, fill) => {
    const [source, copy] = [await freshMariadb(title), await freshMariadb(`${title} again`)]
    await fill(source)
    const picture = await look(source)
    await make(copy, await creationsOf(source, picture.objects))
    const made = await look(copy)
    expect(comparePictures(picture, made)).toEqual([])
    expect(made.hash).toBe(picture.hash)
    // Nothing keeps the first one's name.
    const programs = await copy.query(
      'SELECT COUNT(*) AS n FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE() AND ROUTINE_DEFINITION LIKE ?',
      [`%${source.name}%`],
    )
    expect(programs).toEqual([{ n: 0 }])
    // Tables alone bring what belongs to them.
    const whole = await freshMariadb(`${title} whole`)
    const alone = picture.objects.filter(({ of }) => of === null)
    await make(whole, await creationsOf(source, alone))
    expect(comparePictures(picture, await look(whole))).toEqual([])
  })

  test('what is missing is made beside what is there', async () => {
    const [source, other] = [await freshMariadb('complete'), await freshMariadb('incomplete')]
    for (const database of [source, other]) {
      await database.query(pictureSchema(database.name).join(';\n'))
      await database.query(
        'CREATE TABLE counted (a INT, id INT NOT NULL AUTO_INCREMENT, b INT, base INT, double_base INT AS (base * 2) STORED, UNIQUE KEY by_id (id, a))',
      )
    }
    const complete = await look(source)
    await other.query(`
      ALTER TABLE orders DROP FOREIGN KEY orders_customer_fk, DROP KEY orders_customer, DROP CONSTRAINT amount_positive, DROP COLUMN is_gift;
      ALTER TABLE orders DROP COLUMN tax, COMMENT = '';
      ALTER TABLE customers DROP KEY customers_email, DROP KEY customers_city, DROP KEY customers_name, DROP COLUMN number, COMMENT '';
      ALTER TABLE counted DROP KEY by_id, DROP COLUMN id;
      ALTER TABLE counted DROP COLUMN double_base;
      ALTER TABLE counted DROP COLUMN base;
      DROP TABLE \`we\`\`ird "n' ☺\`, parted;
      DROP TRIGGER orders_first; DROP FUNCTION grade; DROP VIEW grades; DROP EVENT clean; DROP SEQUENCE numbers`)
    const differences = comparePictures(complete, await look(other)).filter(({ change }) => change === 'missing')
    const objects = differences.map(
      ({ kind, object }) => complete.objects.find((one) => one.kind === kind && one.name === object) as PictureObject,
    )
    const creations = await creationsOf(source, objects)
    expect(creations.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'sequence numbers',
      'table parted',
      'table we`ird "n\' ☺',
      'column counted.id',
      'column counted.base',
      'column counted.double_base',
      'column customers.number',
      'column orders.is_gift',
      'column orders.tax',
      'unique customers.customers_email',
      'index customers.customers_city',
      'index customers.customers_name',
      'index orders.orders_customer',
      'check orders.amount_positive',
      'foreign-key orders.orders_customer_fk',
      'comment customers',
      'function grade',
      'view grades',
      'trigger orders.orders_first',
      'event clean',
    ])
    await make(other, creations)
    expect(comparePictures(complete, await look(other))).toEqual([])
    // The order of triggers is what it was: the first one runs first.
    const order = await other.query(
      "SELECT TRIGGER_NAME AS name FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() AND EVENT_OBJECT_TABLE = 'orders' ORDER BY ACTION_ORDER",
    )
    expect(order.map(({ name }) => name)).toEqual(['orders_first', 'orders_second'])
  })

  test('the session is as it was, and what cannot be added is left out', async () => {
    const source = await freshMariadb('left out')
    await source.query(
      "CREATE TABLE t (a INT COMMENT 'x'); CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1; CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO SET @a = 1",
    )
    const { objects } = await look(source)
    expect(
      await creationsOf(
        source,
        objects.filter(({ kind }) => kind === 'comment'),
      ),
    ).toEqual([])
    expect(await creationsOf(source, [])).toEqual([])
    const copy = await freshMariadb('left out again')
    const made = await creationsOf(source, objects)
    await within(copy, async (connection) => {
      await connection.run("SET sql_mode = 'ANSI_QUOTES', time_zone = '+03:00'")
      const { failure } = await connection.pipeline(made.flatMap(({ statements }) => statements))
      expect(failure).toBe(null)
      expect(await connection.run('SELECT @@sql_mode AS mode, @@time_zone AS zone')).toEqual([
        { mode: 'ANSI_QUOTES', zone: '+03:00' },
      ])
    })
  })
})
