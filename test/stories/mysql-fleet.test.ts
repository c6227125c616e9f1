/** A fleet of databases on MariaDB, with plain SQL files. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freshMariadb, type MariadbDatabase, withMariadb } from '../servers/shared-mariadb.ts'
import { countResults, makeProject, type Project, resultOf } from './project.ts'

const size = 12

let databases: MariadbDatabase[]
let project: Project

const shop = {
  'migrations/001_users.up.sql': `CREATE TABLE users (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  email VARCHAR(190) NOT NULL
) ENGINE=InnoDB;
INSERT INTO users (email) VALUES ('a@example.com'), ('b;c@example.com');`,
  'migrations/001_users.down.sql': 'DROP TABLE users;',
  'migrations/002_names.up.sql': `ALTER TABLE users ADD COLUMN name VARCHAR(50) NOT NULL DEFAULT '';
UPDATE users SET name = SUBSTRING_INDEX(email, '@', 1);
CREATE INDEX users_name ON users (name);`,
  'migrations/002_names.down.sql': 'DROP INDEX users_name ON users;\nALTER TABLE users DROP COLUMN name;',
  'migrations/003_greet.up.sql': `DELIMITER //
CREATE PROCEDURE greet(IN who INT)
BEGIN
  SELECT CONCAT('Hello ', name) AS greeting FROM users WHERE id = who;
END//
CREATE TRIGGER users_lower BEFORE INSERT ON users FOR EACH ROW
BEGIN
  SET NEW.email = LOWER(NEW.email);
END//
DELIMITER ;
INSERT INTO users (email, name) VALUES ('D@EXAMPLE.COM', 'd');`,
  'migrations/003_greet.down.sql': 'DROP TRIGGER users_lower;\nDROP PROCEDURE greet;\nDELETE FROM users WHERE id = 3;',
}

function configure(more: Record<string, unknown> = {}): void {
  const [first] = databases
  if (first === undefined) throw new Error('no database')
  project.configure({
    servers: { main: { url: first.server.url() } },
    tenants: databases.map(({ name }, i) => ({
      slug: `t${i + 1}`,
      topology: 'database',
      server: 'main',
      database: name,
    })),
    ...more,
  })
}

withMariadb('a fleet on MariaDB', () => {
  beforeEach(async () => {
    databases = []
    for (let i = 0; i < size; i++) databases.push(await freshMariadb(`fleet ${i}`))
    project = makeProject()
    project.write(shop)
    configure()
  })
  afterEach(async () => {
    project?.remove()
    for (const database of databases) await database.drop()
  })

  const all = <T>(work: (database: MariadbDatabase) => Promise<T>) => Promise.all(databases.map(work))

  test('plan, up, status, check and down', async () => {
    const plan = await project.use((tenantry) => tenantry.plan())
    expect(plan).toMatchObject({ ok: true, summary: { targets: size, pending: size } })
    expect(plan.migrations.map(({ migration, mode }) => [migration, mode])).toEqual([
      ['001_users', 'steps'],
      ['002_names', 'steps'],
      ['003_greet', 'steps'],
    ])
    for (const database of databases) expect(await database.query('SHOW TABLES')).toEqual([])

    const up = await project.up()
    expect(up.error).toBeNull()
    expect(countResults(up)).toEqual({ applied: size })
    for (const { applied } of up.targets) expect(applied).toEqual(['001_users', '002_names', '003_greet'])
    const rows = await all((database) => database.query('SELECT id, email, name FROM users ORDER BY id'))
    for (const own of rows) {
      expect(own).toEqual([
        { id: 1, email: 'a@example.com', name: 'a' },
        { id: 2, email: 'b;c@example.com', name: 'b;c' },
        { id: 3, email: 'd@example.com', name: 'd' },
      ])
    }
    const body = 'SELECT ROUTINE_DEFINITION AS body FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE()'
    for (const [routine] of await all((database) => database.query(body))) {
      expect(routine?.body).toMatch(/^BEGIN\s+SELECT CONCAT\('Hello ', name\).*;\s+END$/s)
    }

    expect(countResults(await project.up())).toEqual({ 'up-to-date': size })
    expect(await project.use((tenantry) => tenantry.status())).toMatchObject({ healthy: size, needsAttention: 0 })
    expect(await project.use((tenantry) => tenantry.check())).toMatchObject({ ok: true })

    const down = await project.use((tenantry) => tenantry.down({ unproven: true, to: '001', allowDataLoss: true }))
    expect(down.error).toBeNull()
    expect(countResults(down)).toEqual({ undone: size })
    for (const { undone } of down.targets) expect(undone).toEqual(['003_greet', '002_names'])
    for (const columns of await all((database) => database.query('SHOW COLUMNS FROM users'))) {
      expect(columns.map(({ Field }) => Field)).toEqual(['id', 'email'])
    }
    expect(await project.use((tenantry) => tenantry.check())).toMatchObject({ ok: false })
    expect(countResults(await project.up())).toEqual({ applied: size })
  })

  test('an undo that would take rows away is refused, with their number', async () => {
    await project.up()
    const down = await project.use((tenantry) => tenantry.down({ unproven: true, to: '001' }))
    expect(down).toMatchObject({ ok: false, error: { code: 'DATA_LOSS' } })
    for (const [row] of await all((database) => database.query('SELECT COUNT(*) AS n FROM users'))) {
      expect(row).toEqual({ n: 3 })
    }
  })

  test('one tenant that fails stops no other, and the exit codes say so', async () => {
    const odd = databases[4] as MariadbDatabase
    await odd.query('CREATE TABLE users (id INT)')
    const first = await project.run(['up', '--json'])
    expect(first.code).toBe(1)
    const report = JSON.parse(first.stdout)
    expect(countResults(report)).toEqual({ applied: size - 1, 'failed ALREADY_EXISTS': 1 })
    expect(resultOf(report, 't5').error).toMatchObject({ context: { migration: '001_users', statement: 1, line: 1 } })
    expect((await project.run(['check'])).code).toBe(3)
    await odd.query('DROP TABLE users')
    expect((await project.run(['up'])).code).toBe(0)
    expect((await project.run(['check'])).code).toBe(0)
    expect((await project.run(['status', '--json'])).code).toBe(0)
  })

  test('a wave that fails keeps the next from starting', async () => {
    configure({
      rollout: { waves: [{ name: 'canary', count: 2 }, { name: 'rest' }], maxFailures: 0 },
    })
    await databases[0]?.query('CREATE TABLE users (id INT)')
    const report = await project.up()
    expect(report.ok).toBe(false)
    expect(report.waves.map(({ name, state }) => [name, state])[0]).toEqual(['canary', 'failed'])
    expect(report.summary.stopped).toBeGreaterThanOrEqual(size - 2)
    for (const database of databases.slice(2)) expect(await database.query('SHOW TABLES')).toEqual([])
  })

  test('baseline marks what is there, and up goes on behind it', async () => {
    const [first] = databases
    await first?.query(shop['migrations/001_users.up.sql'])
    const marked = await project.use((tenantry) =>
      tenantry.baseline({ migration: '001_users', selectors: { tenants: ['t1'] } }),
    )
    expect(marked).toMatchObject({ ok: true })
    const report = await project.up()
    expect(countResults(report)).toEqual({ applied: size })
    expect(resultOf(report, 't1').applied).toEqual(['002_names', '003_greet'])
    expect(resultOf(report, 't2').applied).toHaveLength(3)
    expect(await first?.query('SELECT COUNT(*) AS n FROM users')).toEqual([{ n: 3 }])
  })

  test('a database that does not exist fails alone', async () => {
    await databases[3]?.drop()
    const report = await project.up()
    expect(countResults(report)).toEqual({ applied: size - 1, 'failed DATABASE_MISSING': 1 })
  })
})
