import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { compareExisting } from '../../src/dialects/mysql/compare-existing.ts'
import { probeStatement } from '../../src/dialects/mysql/probe.ts'
import type { Connection } from '../../src/model/dialect.ts'
import { freshMariadb, type MariadbDatabase, withMariadb } from '../servers/shared-mariadb.ts'
import { openMysql } from './mysql-connection.ts'
import { base, cases } from './mysql-probe-cases.ts'

let database: MariadbDatabase
let connection: Connection
let count = 0

const verdictOf = async (sql: string) => (await probeStatement(connection, sql)).verdict

withMariadb('a statement that was sent to MariaDB and never confirmed', () => {
  beforeEach(async () => {
    database = await freshMariadb('probe')
    connection = await openMysql(database.server, database.name)
    count++
  })
  afterEach(async () => {
    await connection?.close()
    const left = await database?.query(
      `SELECT CONCAT('DROP USER \`', User, '\`@\`', Host, '\`') AS sql_ FROM mysql.user WHERE User = 'u_${count}_${process.pid}'`,
    )
    for (const { sql_ } of left ?? []) await database.query(String(sql_))
    await database?.drop()
  })

  const run = (sql: string) => database.query(sql)
  const named = (sql: string) => sql.replaceAll('{n}', `${count}_${process.pid}`)

  it.each(cases)('%s → %s: %s, then %s', async (setup, text, before, after) => {
    const statement = named(text)
    if (setup !== '') await run(named(setup))
    const first = await probeStatement(connection, statement)
    expect(first, statement).toMatchObject({ verdict: before, cleanup: [] })
    expect(first.reason).not.toBe('')
    await run(statement)
    expect(await probeStatement(connection, statement), statement).toMatchObject({ verdict: after, cleanup: [] })
    expect(await run("SHOW TABLES LIKE 'tenantry%'")).toEqual([])
  })

  describe('what fits neither state', () => {
    it.each([
      [`${base}; ALTER TABLE t ADD c TEXT`, 'ALTER TABLE t ADD c INT', 'differs'],
      ['CREATE TABLE c (id INT, x INT)', 'CREATE TABLE c (id INT)', 'differs'],
      [`${base}; CREATE INDEX i ON t (b)`, 'CREATE INDEX i ON t (a)', 'differs'],
      [`${base}; ALTER TABLE t ADD c INT`, 'ALTER TABLE t ADD c INT, ADD d INT', 'but column d is not there'],
      [`${base}; CREATE VIEW v AS SELECT id FROM t`, 'CREATE VIEW v AS SELECT a FROM t', 'differs'],
      ['CREATE PROCEDURE p() SELECT 1', 'CREATE PROCEDURE p() SELECT 2', 'another body'],
      [base, 'RENAME TABLE a TO b', 'table a is gone, but table b is not there'],
    ])('%s → %s: unknown', async (setup, statement, reason) => {
      await run(setup)
      const found = await probeStatement(connection, statement)
      expect(found.verdict).toBe('unknown')
      expect(found.reason).toContain(reason)
    })

    it('a DROP of several tables that stopped in the middle is finished', async () => {
      await run('CREATE TABLE x (id INT); CREATE TABLE z (id INT)')
      const found = await probeStatement(connection, 'DROP TABLE x, y, z')
      expect(found).toMatchObject({ verdict: 'landed', cleanup: ['DROP TABLE `x`', 'DROP TABLE `z`'] })
    })
  })

  it('waits for a session that still carries it out', async () => {
    await run(base)
    const [holder, other] = [
      await openMysql(database.server, database.name),
      await openMysql(database.server, database.name),
    ]
    try {
      await holder.query('START TRANSACTION')
      await holder.query('SELECT * FROM t')
      const statement = 'ALTER TABLE t ADD COLUMN c INT'
      const altering = other.pipeline(['SET lock_wait_timeout = 60', statement, 'DO 1'])
      await expect
        .poll(() => probeStatement(connection, statement, null, { waitMs: 0 }))
        .toMatchObject({ verdict: 'unknown', runningIn: other.sessionId })
      const waited = probeStatement(connection, statement)
      await sleep(300)
      await holder.query('COMMIT')
      expect((await altering).failure).toBeNull()
      expect((await waited).verdict).toBe('landed')
    } finally {
      await holder.close()
      await other.close()
    }
  })

  it('is unknown where the account may not look', async () => {
    const user = `u_${count}_${process.pid}`
    await run(
      `CREATE USER '${user}'@'%' IDENTIFIED BY 'x'; GRANT SELECT, CREATE ON \`${database.name}\`.* TO '${user}'@'%'`,
    )
    const narrow = await openMysql({ ...database.server, user, password: 'x' }, database.name)
    try {
      const { verdict, reason } = await probeStatement(narrow, "CREATE USER 'q'@'%'")
      expect(verdict).toBe('unknown')
      expect(reason).toContain('could not be asked')
      // What cannot be compared is told by its name alone.
      await run('CREATE TABLE c (id INT)')
      expect((await probeStatement(narrow, 'CREATE TABLE c (id INT)')).verdict).toBe('landed')
    } finally {
      await narrow.close()
    }
  })

  describe('compared with what is in the way', () => {
    it.each([
      [base, base.split(';')[0] ?? '', 'equal'],
      [base, 'CREATE TABLE t (id INT NOT NULL PRIMARY KEY, a INT, b VARCHAR(21))', 'different'],
      [
        'CREATE TABLE c (id INT AUTO_INCREMENT PRIMARY KEY); INSERT INTO c VALUES (7)',
        'CREATE TABLE c (id INT AUTO_INCREMENT PRIMARY KEY)',
        'equal',
      ],
      [`${base}; ALTER TABLE t ADD c INT NULL`, 'ALTER TABLE t ADD c INTEGER', 'equal'],
      [`${base}; ALTER TABLE t ADD c INT`, 'ALTER TABLE t ADD c BIGINT', 'different'],
      [`${base}; CREATE VIEW v AS SELECT id FROM t`, 'CREATE VIEW v AS SELECT t.id FROM t', 'equal'],
      [base, 'DROP TABLE t', 'unknown'],
      ['', 'CREATE TABLE nowhere (id INT)', 'unknown'],
      [base, 'CREATE INDEX t_b ON t (b)', 'unknown'],
    ])('%s → %s: %s', async (setup, statement, verdict) => {
      if (setup !== '') await run(setup)
      expect(await compareExisting(connection, statement)).toBe(verdict)
      expect(await run("SHOW TABLES LIKE 'tenantry%'")).toEqual([])
    })
  })

  it('is landed for a partitioned table, of which only the columns are compared', async () => {
    await run('CREATE TABLE r (n INT NOT NULL) PARTITION BY HASH (n) PARTITIONS 2')
    expect(await verdictOf('CREATE TABLE r (n INT NOT NULL) PARTITION BY HASH (n) PARTITIONS 2')).toBe('landed')
    expect(await verdictOf('CREATE TABLE r (n BIGINT NOT NULL) PARTITION BY HASH (n) PARTITIONS 2')).toBe('unknown')
  })
})
