/** A MariaDB database made a clean sample. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { SampleDbOptions, SampleDbReport } from '../../src/model/sample-db.ts'
import { freshMariadb, type MariadbDatabase, withMariadb } from '../servers/shared-mariadb.ts'
import { makeProject, type Project } from './project.ts'

const shop = `
CREATE TABLE roles (id int AUTO_INCREMENT PRIMARY KEY, name varchar(50) NOT NULL UNIQUE);
CREATE TABLE users (id int AUTO_INCREMENT PRIMARY KEY, role varchar(50) NOT NULL, manager_id int, FOREIGN KEY (role) REFERENCES roles (name), FOREIGN KEY (manager_id) REFERENCES users (id));
CREATE TABLE orders (id int AUTO_INCREMENT PRIMARY KEY, user_id int NOT NULL, last_line int, FOREIGN KEY (user_id) REFERENCES users (id));
CREATE TABLE \`order lines\` (id int AUTO_INCREMENT PRIMARY KEY, order_id int NOT NULL, FOREIGN KEY (order_id) REFERENCES orders (id));
ALTER TABLE orders ADD FOREIGN KEY (last_line) REFERENCES \`order lines\` (id);
CREATE TABLE tree (id int PRIMARY KEY, parent_id int, FOREIGN KEY (parent_id) REFERENCES tree (id));
CREATE TABLE pairs (a varchar(20), b int, PRIMARY KEY (a, b));
`
const rows = `
INSERT INTO roles (name) VALUES ('Clerk'), ('SuperAdmin');
INSERT INTO users (role) SELECT IF(seq = 7, 'SuperAdmin', 'Clerk') FROM seq_1_to_50;
UPDATE users SET manager_id = id - 1 WHERE id > 7;
INSERT INTO orders (user_id) SELECT 1 + seq % 50 FROM seq_1_to_200;
INSERT INTO \`order lines\` (order_id) SELECT 1 + seq % 200 FROM seq_1_to_600;
UPDATE orders SET last_line = id;
INSERT INTO tree SELECT seq, NULLIF(seq - 1, 0) FROM seq_1_to_30;
INSERT INTO pairs SELECT CONCAT('it''s ', seq % 3), seq FROM seq_1_to_9;
`
const keep = [
  'roles',
  { table: 'users', where: "role = 'SuperAdmin'", limit: 1 },
  { table: 'pairs', where: "a = 'it''s 1'" },
]

withMariadb('a sample on MariaDB', () => {
  let database: MariadbDatabase
  let project: Project

  beforeEach(async () => {
    database = await freshMariadb('sample_db')
    project = makeProject()
    project.write({ 'migrations/001_shop.sql': shop })
    configure()
    expect((await project.up()).ok).toBe(true)
    await database.query(rows)
  })
  afterEach(async () => {
    project?.remove()
    await database?.drop()
  })

  const configure = (more: Record<string, unknown> = {}) =>
    project.configure({
      servers: { main: { url: database.url } },
      tenants: [{ slug: 'solo', topology: 'database', server: 'main', database: database.name }],
      sampleDb: { keep },
      ...more,
    })
  const sample = (options: SampleDbOptions = { confirm: true }): Promise<SampleDbReport> =>
    project.use((tenantry) => tenantry.sampleDb(options))
  const names = ['roles', 'users', 'orders', 'order lines', 'tree', 'pairs', 'schema_migrations']
  const counts = async () => {
    const parts = names.map((name) => `SELECT '${name}' AS t, COUNT(*) AS n FROM \`${name}\``)
    const found = await database.query(parts.join(' UNION ALL '))
    return Object.fromEntries(found.map(({ t, n }) => [t, Number(n)]))
  }
  const full = { roles: 2, users: 50, orders: 200, 'order lines': 600, tree: 30, pairs: 9, schema_migrations: 1 }

  test('circles, keys to themselves, rows in part; numbers begin anew; a second run changes nothing', async () => {
    const dry = await sample({ dryRun: true })
    expect(dry).toMatchObject({ ok: true, removed: null, error: null })
    expect(dry.plan.find(({ table }) => table === 'users')).toMatchObject({ action: 'reduce', rows: 50, kept: 1 })
    expect(await counts()).toEqual(full)
    const report = await sample()
    expect(report.error).toBeNull()
    expect(report).toMatchObject({ ok: true, removed: 49 + 200 + 600 + 30 + 6, database: database.name })
    const left = { roles: 2, users: 1, orders: 0, 'order lines': 0, tree: 0, pairs: 3, schema_migrations: 1 }
    expect(await counts()).toEqual(left)
    expect(report.sequences).toEqual(
      expect.arrayContaining([
        { sequence: 'orders.id', next: '1' },
        { sequence: 'users.id', next: '8' },
      ]),
    )
    expect(await sample()).toMatchObject({ ok: true, removed: 0, sequences: [], notices: [] })
    await database.query("INSERT INTO users (role) VALUES ('Clerk')")
    expect((await database.query('SELECT MAX(id) AS id FROM users')).map(({ id }) => Number(id))).toEqual([8])
    await expect(database.query('INSERT INTO orders (user_id) VALUES (999)')).rejects.toThrow(/foreign key/i)
  })

  test('refused: kept rows that point to others, a table without transactions, no confirmation, another name', async () => {
    configure({ sampleDb: { keep: ['roles', 'orders', { table: 'users', where: 'id = 20' }] } })
    const broken = await sample()
    expect(broken).toMatchObject({ ok: false, removed: null, error: { code: 'SAMPLE_REFUSED' } })
    expect(broken.brokenKeys).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ table: 'users', to: 'users', rows: 1, example: ['19'] }),
        expect.objectContaining({ table: 'orders', to: 'users', rows: 196 }),
        expect.objectContaining({ table: 'orders', to: 'order lines', rows: 200 }),
      ]),
    )
    configure()
    expect((await sample({})).error?.code).toBe('CONFIRMATION_MISSING')
    expect((await sample({ confirm: true, database: 'mysql' })).error?.message).toContain('wrong database name')
    await database.query('CREATE TABLE old (id int) ENGINE=MyISAM; INSERT INTO old VALUES (1)')
    const old = await sample()
    expect(old.error?.message).toContain('old: its engine MyISAM has no transactions')
    expect(await counts()).toEqual(full)
  })

  test('a key of another database is seen, and its rows are not touched', async () => {
    const other = await freshMariadb('sample_other')
    try {
      await other.query(
        `CREATE TABLE seen (id int PRIMARY KEY, u int, FOREIGN KEY (u) REFERENCES \`${database.name}\`.users (id)); INSERT INTO seen VALUES (1, 3)`,
      )
      const report = await sample()
      expect(report).toMatchObject({ ok: false, removed: null, error: { code: 'SAMPLE_REFUSED' } })
      expect(report.brokenKeys).toMatchObject([{ table: `${other.name}.seen`, to: 'users', rows: 1, example: ['3'] }])
      expect(await counts()).toEqual(full)
    } finally {
      await other.drop()
    }
  })

  test('a session in the way is named, and nothing is removed', async () => {
    configure({ lockTimeoutMs: 1000, lockRetryBudgetMs: 2500 })
    const mysql = await import('mysql2/promise')
    const client = await mysql.createConnection({ uri: database.url })
    try {
      await client.query('START TRANSACTION')
      await client.query('UPDATE orders SET last_line = NULL WHERE id = 3')
      const report = await sample()
      expect(report).toMatchObject({ ok: false, removed: null, error: { code: 'LOCK_TIMEOUT' } })
      expect(report.error?.message).toContain(`session ${client.threadId}`)
    } finally {
      await client.end()
    }
    expect(await counts()).toEqual(full)
  })

  test('a dump by the real program, for its owner alone', async () => {
    const report = await sample({ confirm: true, dump: 'sample.sql' })
    expect(report.error).toBeNull()
    const file = join(project.dir, 'sample.sql')
    expect(report.dump).toEqual({ file, bytes: statSync(file).size })
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })
})
