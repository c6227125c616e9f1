/** The connection is cut at one statement, before the server has it or after it has carried it out: it lands once. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type MysqlProxy, startMysqlProxy } from '../servers/mysql-proxy.ts'
import { freshMariadb, type MariadbDatabase, sharedMariadb, withMariadb } from '../servers/shared-mariadb.ts'
import { makeProject, type Project } from './project.ts'

interface Interrupted {
  statement: string
  setup?: string
  /** SQL condition: the effect is there, once. */
  done: string
}

const ofTable = (view: string, table: string, where: string) =>
  `(SELECT COUNT(*) FROM information_schema.${view} WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '${table}' AND ${where})`
const table = (name: string) => ofTable('TABLES', name, '1')
const column = (name: string) => ofTable('COLUMNS', 't', `COLUMN_NAME = '${name}'`)
const index = (name: string) => ofTable('STATISTICS', 't', `INDEX_NAME = '${name}' AND SEQ_IN_INDEX = 1`)
const constraint = (name: string) => ofTable('TABLE_CONSTRAINTS', 't', `CONSTRAINT_NAME = '${name}'`)
const partition = (name: string) => ofTable('PARTITIONS', 'r', `PARTITION_NAME = '${name}'`)
const routine = (name: string) =>
  `(SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE() AND ROUTINE_NAME = '${name}')`
const trigger =
  "(SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() AND TRIGGER_NAME = 'g')"
const event = "(SELECT COUNT(*) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE() AND EVENT_NAME = 'e')"
const partitioned =
  'CREATE TABLE r (n INT NOT NULL) PARTITION BY RANGE (n) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20))'

const kinds: Interrupted[] = [
  { statement: 'CREATE TABLE made (id INT PRIMARY KEY, a VARCHAR(9))', done: `${table('made')} = 1` },
  { statement: 'CREATE TABLE IF NOT EXISTS made (id INT)', done: `${table('made')} = 1` },
  { statement: 'CREATE TABLE made LIKE t', done: `${table('made')} = 1` },
  { statement: 'CREATE TABLE made AS SELECT id FROM t', done: '(SELECT COUNT(*) FROM made) = 3' },
  { statement: 'DROP TABLE old', setup: 'CREATE TABLE old (id INT)', done: `${table('old')} = 0` },
  {
    statement: 'RENAME TABLE old TO new',
    setup: 'CREATE TABLE old (id INT)',
    done: `${table('new')} = 1 AND ${table('old')} = 0`,
  },
  { statement: 'ALTER TABLE old RENAME TO new', setup: 'CREATE TABLE old (id INT)', done: `${table('new')} = 1` },
  { statement: 'ALTER TABLE t ADD COLUMN c INT NOT NULL DEFAULT 2', done: '(SELECT SUM(c) FROM t) = 6' },
  { statement: 'ALTER TABLE t DROP COLUMN b', done: `${column('b')} = 0` },
  {
    statement: 'ALTER TABLE t MODIFY COLUMN b VARCHAR(99)',
    done: `${column("b' AND COLUMN_TYPE = 'varchar(99)")} = 1`,
  },
  { statement: 'ALTER TABLE t CHANGE COLUMN b name VARCHAR(40)', done: `${column('name')} = 1 AND ${column('b')} = 0` },
  { statement: 'ALTER TABLE t RENAME COLUMN b TO c', done: `${column('c')} = 1` },
  { statement: "ALTER TABLE t ALTER COLUMN b SET DEFAULT 'z'", done: `${column('b')} = 1` },
  {
    statement: 'ALTER TABLE t ADD COLUMN c INT, DROP COLUMN b, ADD KEY t_c (c)',
    done: `${index('t_c')} = 1 AND ${column('b')} = 0`,
  },
  { statement: 'CREATE INDEX i ON t (a, b)', done: `${index('i')} = 1` },
  { statement: 'DROP INDEX t_b ON t', done: `${index('t_b')} = 0` },
  { statement: 'ALTER TABLE t ADD UNIQUE KEY u (a)', done: `${index('u')} = 1` },
  { statement: 'ALTER TABLE t ADD INDEX (a, b)', done: `${index('a')} = 1 AND ${index('a_2')} = 0` },
  { statement: 'ALTER TABLE t ADD FULLTEXT INDEX f (b)', done: `${index('f')} = 1` },
  { statement: 'ALTER TABLE t DROP PRIMARY KEY', done: `${index('PRIMARY')} = 0` },
  {
    statement: 'ALTER TABLE t ADD CONSTRAINT t_p FOREIGN KEY (a) REFERENCES p (id)',
    setup: 'CREATE TABLE p (id INT PRIMARY KEY); INSERT INTO p VALUES (1), (2), (3)',
    done: `${constraint('t_p')} = 1`,
  },
  {
    statement: 'ALTER TABLE t DROP FOREIGN KEY t_p',
    setup:
      'CREATE TABLE p (id INT PRIMARY KEY); INSERT INTO p VALUES (1), (2), (3); ALTER TABLE t ADD CONSTRAINT t_p FOREIGN KEY (a) REFERENCES p (id)',
    done: `${constraint('t_p')} = 0`,
  },
  { statement: 'ALTER TABLE t ADD CONSTRAINT small CHECK (a < 100)', done: `${constraint('small')} = 1` },
  { statement: "ALTER TABLE t COMMENT = 'said'", done: `${ofTable('TABLES', 't', "TABLE_COMMENT = 'said'")} = 1` },
  {
    statement: 'ALTER TABLE t CONVERT TO CHARACTER SET latin1',
    done: `${ofTable('TABLES', 't', "TABLE_COLLATION LIKE 'latin1%'")} = 1`,
  },
  {
    statement: 'ALTER TABLE r ADD PARTITION (PARTITION p2 VALUES LESS THAN (30))',
    setup: partitioned,
    done: `${partition('p2')} = 1`,
  },
  { statement: 'ALTER TABLE r DROP PARTITION p0', setup: partitioned, done: `${partition('p0')} = 0` },
  { statement: 'CREATE VIEW v AS SELECT id FROM t', done: '(SELECT COUNT(*) FROM v) = 3' },
  { statement: 'CREATE OR REPLACE VIEW v AS SELECT id FROM t', done: '(SELECT COUNT(*) FROM v) = 3' },
  { statement: 'DROP VIEW w', setup: 'CREATE VIEW w AS SELECT 1', done: `${table('w')} = 0` },
  { statement: 'CREATE PROCEDURE q() BEGIN UPDATE t SET a = 1; SELECT 1; END', done: `${routine('q')} = 1` },
  {
    statement: 'DROP FUNCTION f',
    setup: 'CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1',
    done: `${routine('f')} = 0`,
  },
  { statement: 'CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.a = NEW.a + 1', done: `${trigger} = 1` },
  { statement: 'CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1', done: `${event} = 1` },
  {
    statement: "CREATE USER 'u_{n}'@'localhost' IDENTIFIED BY 'secret-{n}'",
    done: "(SELECT COUNT(*) FROM mysql.user WHERE User = 'u_{n}') = 1",
  },
  {
    statement: "GRANT SELECT ON t TO 'u_{n}'@'%'",
    setup: "CREATE USER 'u_{n}'@'%'",
    done: `(SELECT COUNT(*) FROM information_schema.TABLE_PRIVILEGES WHERE TABLE_SCHEMA = DATABASE()) = 1`,
  },
  {
    statement: "REVOKE SELECT ON t FROM 'u_{n}'@'%'",
    setup: "CREATE USER 'u_{n}'@'%'; GRANT SELECT ON t TO 'u_{n}'@'%'",
    done: `(SELECT COUNT(*) FROM information_schema.TABLE_PRIVILEGES WHERE TABLE_SCHEMA = DATABASE()) = 0`,
  },
  { statement: 'ANALYZE TABLE t', done: 'TRUE' },
  { statement: 'OPTIMIZE TABLE t', done: 'TRUE' },
  { statement: 'INSERT INTO t VALUES (9, 9, NULL)', done: '(SELECT COUNT(*) FROM t WHERE id = 9) = 1' },
]

const id = '001_change'
let proxy: MysqlProxy
let database: MariadbDatabase
let project: Project
let count = 0

withMariadb('the connection to MariaDB is cut at a statement', () => {
  beforeAll(async () => {
    proxy = await startMysqlProxy(sharedMariadb())
  })
  afterAll(() => proxy?.stop())

  beforeEach(async () => {
    count++
    database = await freshMariadb('cut')
    await database.query(`CREATE TABLE marks (n INT); CREATE TABLE t (id INT PRIMARY KEY, a INT NOT NULL, b VARCHAR(20), KEY t_b (b));
      INSERT INTO t VALUES (1, 1, 'x'), (2, 2, 'y'), (3, 3, 'z')`)
    project = makeProject()
    const url = new URL(database.server.url())
    url.host = `127.0.0.1:${proxy.port}`
    project.configure({
      servers: { main: { url: url.href } },
      tenants: [{ slug: 'one', topology: 'database', server: 'main', database: database.name }],
    })
  })
  afterEach(async () => {
    project?.remove()
    await database?.query(`DROP USER IF EXISTS '${named('u_{n}')}'@'localhost', '${named('u_{n}')}'@'%'`)
    await database?.drop()
  })

  const named = (text: string) => text.replaceAll('{n}', `${process.pid}_${count}`)

  /** It is refused at its second statement, so that the next run sends what follows one by one. */
  async function stopBefore(statement: string): Promise<void> {
    project.write({
      [`migrations/${id}.sql`]: `INSERT INTO marks VALUES (1);\nALTER TABLE nowhere ADD x INT;\n${statement};\nINSERT INTO marks VALUES (4);\n`,
    })
    const [target] = (await project.up()).targets
    expect(target?.error).toMatchObject({ code: 'MIGRATION_FAILED', context: { statement: 2 } })
    await database.query('CREATE TABLE nowhere (id INT)')
  }

  describe.each([
    { when: 'before the server has it', cut: 'before' },
    { when: 'after the server has carried it out', cut: 'after' },
  ] as const)('$when', ({ cut }) => {
    test.each(kinds)('$statement', async ({ statement: text, setup, done }) => {
      const statement = named(text)
      if (setup !== undefined) await database.query(named(setup))
      await stopBefore(statement)
      // A row is sent within its transaction: only what commits by itself travels alone.
      const alone = !statement.startsWith('INSERT')
      const fired = alone ? proxy.cutAt(statement, cut) : Promise.resolve()
      const [target] = (await project.up()).targets
      await fired
      expect(target?.error).toBeNull()
      expect(target).toMatchObject({ result: 'applied', applied: [id] })
      const [state] = await database.query(
        `SELECT (${named(done)}) AS done, (SELECT GROUP_CONCAT(n ORDER BY n) FROM marks) AS marks,
         (SELECT CONCAT(state, ' ', statements_done) FROM tenantry_ledger) AS ledger,
         (SELECT COUNT(*) FROM schema_migrations) AS history`,
      )
      expect(state).toEqual({ done: 1, marks: '1,4', ledger: 'applied 4', history: 1 })
    })

    test.each(['TRUNCATE TABLE t', 'ALTER TABLE t ADD CHECK (a < 100)'])(
      '%s: it stops where it cannot tell',
      async (statement) => {
        await stopBefore(statement)
        const fired = proxy.cutAt(statement, cut)
        const [target] = (await project.up()).targets
        await fired
        if (cut === 'after' && statement.startsWith('TRUNCATE')) expect(target).toMatchObject({ result: 'applied' })
        else expect(target?.error).toMatchObject({ code: 'MIGRATION_INTERRUPTED', context: { statement: 3, line: 3 } })
      },
    )
  })

  describe('ten migrations that travel together', () => {
    const files = Object.fromEntries(
      Array.from({ length: 10 }, (_, i) => [
        `migrations/0${i}_m.sql`,
        i === 0
          ? 'CREATE TABLE m (id INT PRIMARY KEY);'
          : `ALTER TABLE m ADD COLUMN c${i} INT;\nINSERT INTO m (id) VALUES (${i});\nCREATE INDEX m_c${i} ON m (c${i});`,
      ]),
    )
    const whole = /INSERT INTO m \(id\) VALUES \(9\)/

    async function expectTen(): Promise<void> {
      expect(await database.query('SHOW COLUMNS FROM m')).toHaveLength(10)
      expect(await database.query('SELECT COUNT(*) AS n, SUM(id) AS s FROM m')).toEqual([{ n: 9, s: '45' }])
      expect(await database.query('SELECT version FROM schema_migrations')).toHaveLength(10)
      const rows = await database.query('SELECT DISTINCT state FROM tenantry_ledger')
      expect(rows).toEqual([{ state: 'applied' }])
    }

    test('one message holds them all', async () => {
      project.write(files)
      await project.up()
      await database.query('DROP TABLE m, schema_migrations, tenantry_ledger')
      const before = proxy.messageCount
      const report = await project.up()
      expect(report.targets[0]?.applied).toHaveLength(10)
      // Read the fleet, the sequence itself, and the session's reset.
      expect(proxy.messageCount - before).toBeLessThanOrEqual(4)
      await expectTen()
    })

    test.each(['before', 'after'] as const)(
      'cut %s the server has it, whatever it still does: all of them once',
      async (cut) => {
        project.write(files)
        const fired = proxy.cutAt(whole, cut)
        const [target] = (await project.up()).targets
        await fired
        expect(target).toMatchObject({ result: 'applied', error: null })
        expect(target?.applied).toHaveLength(10)
        await expectTen()
      },
    )
  })
})
