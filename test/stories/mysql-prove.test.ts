/** `prove` on MariaDB, where nothing takes a half-done undo back. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freshMariadb, type MariadbDatabase, withMariadb } from '../servers/shared-mariadb.ts'
import { makeProject, type Project } from './project.ts'

let database: MariadbDatabase
let project: Project

withMariadb('prove on MariaDB', () => {
  beforeEach(async () => {
    database = await freshMariadb('prove')
    project = makeProject()
    project.configure({
      servers: { main: { url: database.server.url() } },
      scratch: { server: 'main' },
      tenants: [{ slug: 'a', topology: 'database', server: 'main', database: database.name }],
    })
  })
  afterEach(async () => {
    project?.remove()
    await database?.drop()
  })

  const left = async () =>
    database.query(
      `SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'tenantry\\_scratch\\_%\\_${process.pid.toString(36)}\\_%'`,
    )

  test('planted undos get the right verdict', async () => {
    project.write({
      'migrations/001_users.up.sql': `CREATE TABLE users (id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, email VARCHAR(190) NOT NULL UNIQUE, note VARCHAR(20), kind ENUM('x','y') NOT NULL, doc JSON);
CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, user_id INT UNSIGNED NOT NULL, total DECIMAL(6,2) CHECK (total > 0), CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users (id));`,
      'migrations/001_users.down.sql': 'DROP TABLE orders; DROP TABLE users;',
      'migrations/002_note.up.sql': 'ALTER TABLE users DROP COLUMN note;',
      'migrations/002_note.down.sql': 'ALTER TABLE users ADD COLUMN note VARCHAR(20);',
      'migrations/003_half.up.sql': 'ALTER TABLE users ADD COLUMN age INT; CREATE INDEX users_age ON users (age);',
      'migrations/003_half.down.sql': 'DROP INDEX users_age ON users; ALTER TABLE users DROP COLUMN agee;',
      'migrations/004_seed.up.sql': "INSERT INTO users (email, kind) VALUES ('a@b.c', 'x');",
      'migrations/005_tax.up.sql': 'ALTER TABLE orders ADD COLUMN tax INT NOT NULL DEFAULT 0;',
      'migrations/005_tax.down.sql': 'ALTER TABLE orders DROP COLUMN tax;',
    })
    const report = await project.use((tenantry) => tenantry.prove())
    expect(report.migrations.map(({ migration, verdict }) => [migration, verdict])).toEqual([
      ['001_users', 'reversible'],
      ['002_note', 'lossy'],
      ['003_half', 'broken'],
      ['004_seed', 'one-way'],
      ['005_tax', 'reversible'],
    ])
    expect(report.notices).toEqual([])
    expect(await left()).toEqual([])
    expect(await database.query('SHOW TABLES')).toEqual([])
    const again = await project.use((tenantry) => tenantry.prove())
    expect(again.migrations.every(({ cached }) => cached)).toBe(true)
  })

  test('like a tenant, with its rows', async () => {
    project.write({
      'migrations/001_odd.up.sql':
        "CREATE TABLE odd (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, t TEXT, b VARBINARY(10), n DECIMAL(40,10), d DOUBLE, j JSON, at DATETIME(6), bits BIT(5), e ENUM('a','b''c'), KEY odd_d (d)) CHARACTER SET utf8mb4;",
      'migrations/001_odd.down.sql': 'DROP TABLE odd;',
    })
    await project.up()
    await database.query(
      `INSERT INTO odd VALUES (18446744073709551000, 'O''Brien \\\\ "x" 😀', X'00ff', 123456789012345678901234567890.0123456789, 0.1, '{"k": "😀"}', '2020-02-29 12:00:00.123456', b'10101', 'b''c'), (7, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`,
    )
    await database.query('ALTER TABLE odd DROP KEY odd_d')
    const before = await database.query('SELECT * FROM odd ORDER BY id')
    project.write({
      'migrations/002_check.up.sql': `CREATE TABLE found AS SELECT * FROM odd WHERE id = 18446744073709551000 AND t = 'O''Brien \\\\ "x" 😀' AND b = X'00ff' AND n = 123456789012345678901234567890.0123456789 AND d = 0.1 AND j = '{"k": "😀"}' AND at = '2020-02-29 12:00:00.123456' AND bits = b'10101' AND e = 'b''c';
INSERT INTO found (id) SELECT 1 / (SELECT COUNT(*) FROM found);
DELETE FROM odd WHERE id <> 7;`,
      'migrations/002_check.down.sql': 'DROP TABLE found; CREATE INDEX odd_d ON odd (d);',
    })
    const report = await project.use((tenantry) => tenantry.prove({ like: 'a', withData: true }))
    expect(report.notices).toEqual([])
    expect(report.migrations).toMatchObject([
      {
        migration: '002_check',
        verdict: 'broken',
        differences: [{ change: 'extra', kind: 'index', object: 'odd.odd_d' }],
      },
    ])
    expect(await database.query('SELECT * FROM odd ORDER BY id')).toEqual(before)
    expect(await left()).toEqual([])
  })
})
