/** Migrations of MariaDB, where every statement of the schema commits by itself, are cut off and go on. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { TenantryEvent } from '../../src/model/events.ts'
import type { FleetReport, RunSignals } from '../../src/model/report.ts'
import { type MariadbServer, startMariadb } from '../servers/mariadb.ts'
import { needs } from '../servers/need.ts'
import { openMysql } from './mysql-connection.ts'
import { makeProject, type Project } from './project.ts'

const id = '001_change'
const file = `migrations/${id}.sql`

/** Seven statements, each on a table of its own, so that each can be held up by itself. */
const seven = [
  'ALTER TABLE t1 ADD COLUMN c INT',
  'INSERT INTO t2 VALUES (2, 2)',
  'CREATE INDEX i ON t3 (n)',
  'UPDATE t4 SET n = n + 1',
  'INSERT INTO t5 VALUES (5, 5)',
  'ALTER TABLE t6 DROP COLUMN n',
  'RENAME TABLE t7 TO renamed',
]
const tables = [1, 2, 3, 4, 5, 6, 7].map((n) => `CREATE TABLE t${n} (id INT PRIMARY KEY, n INT)`)

let server: MariadbServer
let project: Project
let database: string
let count = 0

const query = (sql: string) => server.query(sql, database)
const up = (signal?: RunSignals) => project.use((tenantry) => tenantry.up(signal === undefined ? {} : { signal }))

async function ledger(): Promise<Record<string, unknown>[]> {
  return query(
    'SELECT migration, state, statements_done AS done, statements_total AS total FROM tenantry_ledger ORDER BY migration',
  )
}

async function columnsOf(table: string): Promise<unknown[]> {
  const rows = await query(`SHOW COLUMNS FROM ${table}`)
  return rows.map(({ Field }) => Field)
}

async function expectSeven(): Promise<void> {
  expect(await columnsOf('t1')).toEqual(['id', 'n', 'c'])
  expect(await query('SELECT id FROM t2')).toEqual([{ id: 2 }])
  expect(await query("SHOW INDEX FROM t3 WHERE Key_name = 'i'")).toHaveLength(1)
  expect(await query('SELECT n FROM t4')).toEqual([{ n: 2 }])
  expect(await query('SELECT id FROM t5')).toEqual([{ id: 5 }])
  expect(await columnsOf('t6')).toEqual(['id'])
  expect(await columnsOf('renamed')).toEqual(['id', 'n'])
  expect(await ledger()).toEqual([{ migration: id, state: 'applied', done: 7, total: 7 }])
  expect(await query('SELECT version FROM schema_migrations')).toHaveLength(1)
}

/** Waits until a session is held up in this database, and gives its number. */
async function waitForHeldUp(): Promise<number> {
  let found: unknown
  await expect
    .poll(
      async () => {
        const [row] = await server.query(
          `SELECT ID AS id FROM information_schema.PROCESSLIST WHERE DB = '${database}' AND STATE LIKE 'Waiting for table%'`,
        )
        found = row?.id
        return found
      },
      { timeout: 15_000, interval: 20 },
    )
    .toBeDefined()
  return Number(found)
}

needs('mariadb-server')('MariaDB', () => {
  beforeAll(async () => {
    server = await startMariadb()
  })
  afterAll(() => server?.stop())

  beforeEach(async () => {
    database = `d${++count}`
    await server.query(`CREATE DATABASE ${database}`)
    project = makeProject()
    project.configure({
      servers: { main: { url: server.url() } },
      tenants: [{ slug: 'one', topology: 'database', server: 'main', database }],
      connectTimeoutMs: 5000,
      lockTimeoutMs: 30_000,
    })
  })
  afterEach(() => project?.remove())

  describe('a session that the server ends', () => {
    beforeEach(async () => {
      await query([...tables, 'INSERT INTO t4 VALUES (4, 1)'].join(';'))
      project.write({ [file]: `${seven.join(';\n')};\n` })
    })

    async function endAt(
      statement: number,
      then: (held: { release(): Promise<void> }) => Promise<void>,
    ): Promise<void> {
      const holder = await openMysql(server, database)
      try {
        await holder.query(`LOCK TABLES t${statement} WRITE`)
        await then({ release: async () => void (await holder.query('UNLOCK TABLES')) })
      } finally {
        await holder.close()
      }
    }

    test.each([1, 2, 3, 4, 5, 6, 7])('at statement %i of seven: the run itself goes on', async (statement) => {
      await endAt(statement, async ({ release }) => {
        const running = up()
        await server.query(`KILL ${await waitForHeldUp()}`)
        await waitForHeldUp()
        const [row] = await ledger()
        expect(row).toMatchObject({ migration: id, state: 'running', total: 7 })
        // Statements 4 and 5 are one transaction: it is all or nothing.
        expect(row?.done).toBe([0, 1, 2, 3, 3, 5, 6][statement - 1])
        await release()
        const [target] = (await running).targets
        expect(target).toMatchObject({ result: 'applied', applied: [id], error: null })
      })
      await expectSeven()
    })

    test.each([1, 2, 3, 4, 5, 6, 7])(
      'at statement %i of seven, and the runner is gone: the next run goes on',
      async (statement) => {
        await endAt(statement, async ({ release }) => {
          const abort = new AbortController()
          const running = up({ drain: abort.signal, cancel: abort.signal })
          const session = await waitForHeldUp()
          abort.abort()
          await server.query(`KILL ${session}`).catch(() => [])
          const [target] = (await running).targets
          expect(target).toMatchObject({ result: 'failed', applied: [], error: { code: 'MIGRATION_CANCELLED' } })
          await release()
        })
        expect(await columnsOf('t7')).toEqual(['id', 'n'])
        expect((await up()).targets[0]).toMatchObject({ result: 'applied', applied: [id], error: null })
        await expectSeven()
        expect(await up()).toMatchObject({ ok: true, summary: { upToDate: 1 } })
      },
    )
  })

  test('the server is killed in the middle of a long ALTER: right after it is back', async () => {
    await query(`CREATE TABLE big (id INT PRIMARY KEY, a VARCHAR(200));
      INSERT INTO big SELECT seq, REPEAT('x', 150) FROM seq_1_to_300000; CREATE TABLE after_it (id INT)`)
    project.write({
      [file]: `CREATE TABLE before_it (id INT);
ALTER TABLE big ADD COLUMN c INT NOT NULL DEFAULT 7, ALGORITHM=COPY;
INSERT INTO after_it VALUES (1);`,
    })
    const running = up()
    await expect
      .poll(
        async () => {
          const rows = await server.query(
            `SELECT 1 FROM information_schema.PROCESSLIST WHERE DB = '${database}' AND STATE LIKE 'copy to tmp%'`,
          )
          return rows.length
        },
        { timeout: 15_000, interval: 10 },
      )
      .toBe(1)
    await server.kill()
    await sleep(200)
    await server.restart()
    const first = (await running).targets[0]
    if (first?.result !== 'applied') expect((await up()).targets[0]).toMatchObject({ result: 'applied', error: null })
    expect(await columnsOf('big')).toEqual(['id', 'a', 'c'])
    expect(await query('SELECT COUNT(*) AS n, SUM(c) AS s FROM big')).toEqual([{ n: 300_000, s: '2100000' }])
    expect(await query('SELECT id FROM after_it')).toEqual([{ id: 1 }])
    expect(await ledger()).toEqual([{ migration: id, state: 'applied', done: 3, total: 3 }])
  })

  describe('a statement that the server refused', () => {
    const fail = (report: FleetReport) => report.targets[0]?.error

    test('whose effect cannot be looked up: mended and run again, it goes on', async () => {
      await query('CREATE TABLE t (a INT); INSERT INTO t VALUES (1)')
      project.write({
        [file]: 'CREATE TABLE first (id INT);\nALTER TABLE t ADD CHECK (a > 10);\nCREATE TABLE last (id INT);\n',
      })
      for (const _ of ['first', 'again']) {
        expect(fail(await up())).toMatchObject({ code: 'MIGRATION_FAILED', context: { statement: 2, line: 2 } })
        expect(await ledger()).toEqual([{ migration: id, state: 'running', done: 1, total: 3 }])
      }
      const [explained] = (await project.use((tenantry) => tenantry.explain('one'))).targets
      expect(explained?.probe).toMatchObject({ statement: 2, verdict: 'absent' })
      expect(explained?.next[0]?.command).toBe('tenantry up one')
      await query('UPDATE t SET a = 11')
      expect((await up()).targets[0]).toMatchObject({ result: 'applied', applied: [id], error: null })
      expect(await query("SHOW TABLES LIKE 'last'")).toHaveLength(1)
    })

    test('because its object is there: it is refused again, and never taken for done', async () => {
      await query('CREATE TABLE mine (id INT)')
      project.write({
        [file]: 'CREATE TABLE first (id INT);\nCREATE TABLE mine (id INT);\nINSERT INTO first VALUES (1);\n',
      })
      for (const _ of ['first', 'again']) {
        expect(fail(await up())).toMatchObject({ code: 'ALREADY_EXISTS', context: { statement: 2 } })
      }
      project.write({
        [file]: 'CREATE TABLE first (id INT);\nCREATE TABLE other (id INT);\nINSERT INTO first VALUES (1);\n',
      })
      expect((await up()).targets[0]).toMatchObject({ result: 'applied', error: null })
      expect(await query('SELECT id FROM first')).toEqual([{ id: 1 }])
      expect(await columnsOf('other')).toEqual(['id'])
    })

    test('in the midst of several migrations: those before it stay, those after it wait', async () => {
      project.write({
        'migrations/001_a.sql': 'CREATE TABLE a (id INT);',
        'migrations/002_b.sql': 'INSERT INTO a VALUES (2);\nINSERT INTO a VALUES (22);',
        'migrations/003_c.sql': 'INSERT INTO a VALUES (3);\nALTER TABLE nowhere ADD x INT;\nINSERT INTO a VALUES (33);',
        'migrations/004_d.sql': 'INSERT INTO a (id) VALUES (4);',
      })
      const [target] = (await up()).targets
      expect(target).toMatchObject({ result: 'failed', applied: ['001_a', '002_b'], failed: ['003_c'] })
      expect(target?.error).toMatchObject({
        code: 'MIGRATION_FAILED',
        context: { migration: '003_c', statement: 2, line: 2 },
      })
      expect(await query('SELECT id FROM a ORDER BY id')).toEqual([{ id: 2 }, { id: 3 }, { id: 22 }])
      project.write({
        'migrations/003_c.sql': 'INSERT INTO a VALUES (3);\nALTER TABLE a ADD x INT;\nUPDATE a SET x = 1;',
      })
      expect((await up()).targets[0]).toMatchObject({ result: 'applied', applied: ['003_c', '004_d'] })
    })

    test('statements that ran may not be edited', async () => {
      const text = 'CREATE TABLE first (id INT);\nALTER TABLE nowhere ADD x INT;\n'
      project.write({ [file]: text })
      await up()
      project.write({ [file]: text.replace('first (id INT)', 'first (id BIGINT)') })
      expect(fail(await up())).toMatchObject({ code: 'MIGRATION_CHANGED' })
      project.write({ [file]: text.replace('nowhere', 'first') })
      expect((await up()).targets[0]).toMatchObject({ result: 'applied', error: null })
      expect(await columnsOf('first')).toEqual(['id', 'x'])
    })

    test('a CALL that failed half-way is not simply run again', async () => {
      await query(`CREATE TABLE t (id INT PRIMARY KEY);
        CREATE PROCEDURE p() BEGIN INSERT INTO t VALUES (1); COMMIT; INSERT INTO t VALUES (1); END`)
      project.write({ [file]: 'CREATE TABLE first (id INT);\nCALL p();\nCREATE TABLE last (id INT);\n' })
      expect(fail(await up())).toMatchObject({ code: 'MIGRATION_FAILED', context: { statement: 2 } })
      expect(fail(await up())).toMatchObject({ code: 'MIGRATION_INTERRUPTED', context: { statement: 2 } })
      expect(await query('SELECT id FROM t')).toEqual([{ id: 1 }])
    })
  })

  test('a lock that lasts longer than one wait is waited for, and the migration goes on', async () => {
    project.configure({
      servers: { main: { url: server.url() } },
      tenants: [{ slug: 'one', topology: 'database', server: 'main', database }],
      lockTimeoutMs: 1000,
      lockRetryBudgetMs: 20_000,
    })
    await query('CREATE TABLE t (id INT)')
    project.write({
      [file]: 'CREATE TABLE first (id INT);\nALTER TABLE t ADD CHECK (id > 0);\nALTER TABLE t ADD c INT;\n',
    })
    const holder = await openMysql(server, database)
    const waits: TenantryEvent[] = []
    try {
      await holder.query('START TRANSACTION')
      await holder.query('SELECT * FROM t')
      const running = project.use((tenantry) => tenantry.up(), {
        emit: (event) => {
          if (event.type === 'target-waiting') waits.push(event)
        },
      })
      await expect.poll(() => waits.length, { timeout: 10_000 }).toBeGreaterThan(0)
      await holder.query('COMMIT')
      expect((await running).targets[0]).toMatchObject({ result: 'applied', error: null })
      expect(waits[0]).toMatchObject({ reason: 'lock-timeout' })
      expect(await columnsOf('t')).toEqual(['id', 'c'])
    } finally {
      await holder.close()
    }
  })

  test('several runners at once: each migration runs once per target', async () => {
    const names = Array.from({ length: 6 }, (_, i) => `${database}_${i}`)
    for (const name of names) await server.query(`CREATE DATABASE ${name}`)
    project.configure({
      servers: { main: { url: server.url() } },
      tenants: names.map((name) => ({ slug: name, topology: 'database', server: 'main', database: name })),
    })
    project.write({
      'migrations/001_marks.sql': "CREATE TABLE marks (name VARCHAR(9));\nINSERT INTO marks VALUES ('1');",
      'migrations/002_slow.sql': "DO SLEEP(0.02);\nINSERT INTO marks VALUES ('2');",
      'migrations/003_index.sql':
        "INSERT INTO marks VALUES ('3a');\nCREATE INDEX marks_name ON marks (name);\nINSERT INTO marks VALUES ('3b');",
    })
    const reports = await Promise.all([up(), up(), up()])
    expect(reports.map(({ summary }) => summary.failed)).toEqual([0, 0, 0])
    const applied = reports.flatMap(({ targets }) =>
      targets.flatMap(({ target, applied: own }) => own.map((one) => `${target} ${one}`)),
    )
    expect(applied).toHaveLength(names.length * 3)
    expect(new Set(applied).size).toBe(names.length * 3)
    for (const name of names) {
      expect(await server.query('SELECT GROUP_CONCAT(name ORDER BY name) AS m FROM marks', name)).toEqual([
        { m: '1,2,3a,3b' },
      ])
      expect(await server.query('SELECT version FROM schema_migrations', name)).toHaveLength(3)
    }
  })

  test('what one file sets in its session does not reach the next', async () => {
    project.write({
      'migrations/001_a.sql': `CREATE TABLE seen (f VARCHAR(3), checks INT, mode TEXT);
SET FOREIGN_KEY_CHECKS = 0;
SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES';
CREATE TABLE child (id INT, p INT, FOREIGN KEY (p) REFERENCES later (id));
INSERT INTO seen VALUES ('a', @@foreign_key_checks, @@sql_mode);`,
      'migrations/002_b.sql':
        "INSERT INTO seen VALUES ('b', @@foreign_key_checks, @@sql_mode);\nALTER TABLE seen ADD x INT;",
    })
    expect((await up()).targets[0]).toMatchObject({ result: 'applied', applied: ['001_a', '002_b'], error: null })
    const [a, b] = await query('SELECT f, checks, mode FROM seen ORDER BY f')
    expect(a).toMatchObject({ f: 'a', checks: 0, mode: 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES' })
    expect(b).toMatchObject({ f: 'b', checks: 1 })
    expect(b?.mode).not.toContain('ANSI_QUOTES')
  })

  test('what the file set in its session holds again where it goes on', async () => {
    project.write({
      [file]: `SET FOREIGN_KEY_CHECKS = 0;
CREATE TABLE later (id INT PRIMARY KEY);
CREATE TABLE child (id INT, p INT, FOREIGN KEY (p) REFERENCES later (id));
ALTER TABLE nowhere ADD x INT;
INSERT INTO child VALUES (1, 99);
ALTER TABLE child ADD COLUMN q INT, ADD CONSTRAINT child_q FOREIGN KEY (q) REFERENCES missing (id);
`,
      'migrations/002_b.sql': 'CREATE TABLE checks AS SELECT @@foreign_key_checks AS now;',
    })
    expect((await up()).targets[0]?.error).toMatchObject({
      code: 'MIGRATION_FAILED',
      context: { statement: 4, line: 4 },
    })
    await query('CREATE TABLE nowhere (id INT)')
    expect((await up()).targets[0]).toMatchObject({ result: 'applied', applied: [id, '002_b'], error: null })
    expect(await query('SELECT p FROM child')).toEqual([{ p: 99 }])
    expect(await columnsOf('child')).toEqual(['id', 'p', 'q'])
    expect(await query('SELECT now FROM checks')).toEqual([{ now: 1 }])
  })

  test('a runner that is killed at random moments loses nothing and repeats nothing', {
    timeout: 120_000,
  }, async () => {
    await query('CREATE TABLE marks (n INT)')
    let number = 0
    for (let round = 0; round < 10; round++) {
      for (let i = 0; i < 4; i++) {
        number++
        project.write({
          [`migrations/${String(number).padStart(3, '0')}_m.sql`]: `INSERT INTO marks VALUES (${number});
CREATE TABLE m${number} (id INT PRIMARY KEY, a INT);
INSERT INTO m${number} VALUES (1, 1);
ALTER TABLE m${number} ADD COLUMN c INT NOT NULL DEFAULT 5, ADD KEY (a);
INSERT INTO marks VALUES (${number} + 1000);
`,
        })
      }
      const runner = project.start(['up'])
      await sleep(150 + Math.random() * 900)
      runner.kill('SIGKILL')
    }
    expect((await up()).targets[0]).toMatchObject({ error: null })
    const numbers = Array.from({ length: number }, (_, i) => i + 1)
    const marks = await query('SELECT n FROM marks ORDER BY n')
    expect(marks.map(({ n }) => n)).toEqual([...numbers, ...numbers.map((n) => n + 1000)])
    expect(await query('SELECT version FROM schema_migrations')).toHaveLength(number)
    expect(
      await query("SELECT COUNT(*) AS n FROM tenantry_ledger WHERE state = 'applied' AND statements_done = 5"),
    ).toEqual([{ n: number }])
    for (const n of numbers) expect(await query(`SELECT SUM(c) AS s FROM m${n}`)).toEqual([{ s: '5' }])
  })
})
