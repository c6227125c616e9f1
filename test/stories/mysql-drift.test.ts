/** Databases of MariaDB against what the migrations make; migrations tried out there. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { scratchPrefix } from '../../src/checks/scratch.ts'
import type { DriftReport } from '../../src/model/check-report.ts'
import { freshMariadb, type MariadbDatabase, sharedMariadb, withMariadb } from '../servers/shared-mariadb.ts'
import { makeProject, type Project } from './project.ts'

const size = 12

const shop = {
  'migrations/001_clients.up.sql': `CREATE TABLE clients (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARCHAR(120) NOT NULL COMMENT 'as on paper',
  state ENUM('new', 'old') DEFAULT 'new',
  UNIQUE KEY clients_name (name)
) COMMENT 'who buys';
CREATE VIEW open_clients AS SELECT id, name FROM clients WHERE state = 'new';`,
  'migrations/001_clients.down.sql': 'DROP VIEW open_clients;\nDROP TABLE clients;',
  'migrations/002_orders.up.sql': `CREATE TABLE orders (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  client_id INT UNSIGNED NOT NULL,
  total DECIMAL(10, 2) DEFAULT 0,
  KEY orders_client_idx (client_id, total),
  CONSTRAINT orders_client_fk FOREIGN KEY (client_id) REFERENCES clients (id),
  CONSTRAINT total_positive CHECK (total >= 0)
);
DELIMITER //
CREATE TRIGGER orders_total BEFORE INSERT ON orders FOR EACH ROW
BEGIN
  SET NEW.total = COALESCE(NEW.total, 0);
END//
CREATE PROCEDURE count_orders(OUT n INT)
BEGIN
  SELECT COUNT(*) INTO n FROM orders;
END//
DELIMITER ;`,
  'migrations/002_orders.down.sql': 'DROP PROCEDURE count_orders;\nDROP TABLE orders;',
}

let databases: MariadbDatabase[]
let project: Project

function configure(more: Record<string, unknown> = {}): void {
  project.configure({
    servers: { main: { url: sharedMariadb().url() } },
    scratch: { server: 'main' },
    tenants: databases.map(({ name }, i) => ({
      slug: `t${i + 1}`,
      topology: 'database',
      server: 'main',
      database: name,
    })),
    ...more,
  })
}

const drift = (options = {}): Promise<DriftReport> => project.use((tenantry) => tenantry.drift(options))
/** `1 missing index orders.orders_client_idx`. */
const told = ({ clusters }: DriftReport) =>
  clusters
    .filter(({ reference }) => !reference)
    .map(({ targets, differences }) =>
      [targets, ...differences.map(({ change, kind, object }) => `${change} ${kind} ${object}`)].join(' '),
    )
    .sort()
const targetOf = (index: number) => `main/${databases[index]?.name}`
const change = (index: number, sql: string) => (databases[index] as MariadbDatabase).query(sql)

withMariadb('drift on MariaDB', () => {
  beforeEach(async () => {
    databases = []
    for (let i = 0; i < size; i++) databases.push(await freshMariadb(`drift ${i}`))
    project = makeProject()
    project.write(shop)
    configure()
    const up = await project.up()
    expect(up.targets.filter(({ error }) => error !== null)).toEqual([])
  })
  afterEach(async () => {
    project?.remove()
    for (const database of databases) await database.drop()
    const left = await sharedMariadb().query(`SHOW DATABASES LIKE '${scratchPrefix.replaceAll('_', '\\_')}%'`)
    const own = left
      .flatMap((row) => Object.values(row))
      .filter((name) => String(name).split('_')[3] === process.pid.toString(36))
    expect(own).toEqual([])
  })

  test('what was done by hand is named, and nothing else', async () => {
    expect(await drift()).toMatchObject({ ok: true, clusters: [{ targets: size, reference: true }], failures: [] })
    await change(3, 'ALTER TABLE orders DROP KEY orders_client_idx, ADD KEY orders_client_fk (client_id)')
    await change(5, "ALTER TABLE clients ALTER state SET DEFAULT 'old'")
    for (const index of [7, 8]) await change(index, 'ALTER TABLE clients ADD COLUMN tmp INT FIRST')
    await change(9, 'DROP TRIGGER orders_total')
    await change(10, 'INSERT INTO clients (name) VALUES (1), (2); DELETE FROM clients; ALTER TABLE clients FORCE')
    const report = await drift()
    expect(report).toMatchObject({ ok: false, failures: [], behind: [] })
    expect(report.clusters[0]).toMatchObject({ targets: size - 5, reference: true })
    expect(told(report)).toEqual([
      '1 changed column clients.state',
      '1 extra index orders.orders_client_fk missing index orders.orders_client_idx',
      '1 missing trigger orders.orders_total',
      '2 extra column clients.tmp',
    ])
    const shown = await project.run(['drift'])
    expect(shown.code).toBe(3)
    expect(shown.stdout).toContain(targetOf(5))
    expect(shown.stdout).toContain('clients.state')
    expect(told(await drift({ between: true }))).toEqual(told(report))
  })

  test('a database with another default collation has the same schema', async () => {
    const other = await freshMariadb('drift in latin1')
    databases.push(other)
    await other.query(`ALTER DATABASE \`${other.name}\` CHARACTER SET latin1`)
    configure()
    await project.up()
    expect(await drift()).toMatchObject({ ok: true, clusters: [{ targets: size + 1, reference: true }] })
  })

  test('tables that say what the databases of all tenants have anyway are equal', async () => {
    const named = []
    for (let i = 0; i < 2; i++) {
      const database = await freshMariadb(`drift in unicode ${i}`)
      await database.query(`ALTER DATABASE \`${database.name}\` COLLATE utf8mb4_unicode_ci`)
      named.push(database)
    }
    const others = databases
    databases = named
    configure()
    project.write({
      'migrations/003_notes.up.sql':
        'CREATE TABLE notes (a TEXT) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;\nCREATE TABLE plain (a TEXT, b TEXT COLLATE utf8mb4_unicode_ci);',
    })
    const up = await project.use((tenantry) => tenantry.up({ verify: true }))
    expect(up.targets.map(({ error }) => error)).toEqual([null, null])
    expect(await drift()).toMatchObject({ ok: true, clusters: [{ targets: 2, reference: true }] })
    await change(1, 'ALTER TABLE plain CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci')
    expect(told(await drift())).toEqual(['1 changed table plain'])
    databases.push(...others)
  })

  test('up --verify says where a migration said "ok" and left something else', async () => {
    await change(4, 'CREATE TABLE notes (id INT PRIMARY KEY)')
    project.write({
      'migrations/003_notes.up.sql':
        'CREATE TABLE IF NOT EXISTS notes (id INT PRIMARY KEY, text VARCHAR(20) NOT NULL);',
    })
    const shown = await project.run(['up', '--verify', '--json'])
    const report = JSON.parse(shown.stdout)
    const differing = JSON.stringify(report)
    expect(differing).toContain('notes.text')
    expect(shown.code).not.toBe(0)
    expect(told(await drift())).toEqual(['1 missing column notes.text'])
  })

  test('migrations are proved on databases of the scratch server', async () => {
    project.write({
      'migrations/003_notes.up.sql':
        'CREATE TABLE notes (id INT PRIMARY KEY, client_id INT UNSIGNED, KEY (client_id));',
      'migrations/003_notes.down.sql': 'DROP TABLE notes;',
      'migrations/004_lossy.up.sql': 'ALTER TABLE clients DROP COLUMN state;\nDROP VIEW open_clients;',
      'migrations/004_lossy.down.sql':
        "ALTER TABLE clients ADD COLUMN state ENUM('new', 'old') DEFAULT 'new';\nCREATE VIEW open_clients AS SELECT id, name FROM clients WHERE state = 'new';",
      'migrations/005_broken.up.sql': 'ALTER TABLE clients ADD COLUMN age INT, ADD KEY clients_age (age, name);',
      'migrations/005_broken.down.sql': 'ALTER TABLE clients DROP COLUMN age;',
      'migrations/006_one_way.up.sql': 'CREATE INDEX clients_state ON clients (name(5));',
    })
    const { migrations } = await project.use((tenantry) => tenantry.prove())
    const verdicts = migrations.map(({ migration, verdict, error }) => [migration, verdict, error?.message ?? null])
    expect(verdicts).toEqual([
      ['001_clients', 'reversible', null],
      ['002_orders', 'reversible', null],
      ['003_notes', 'reversible', null],
      ['004_lossy', 'lossy', null],
      ['005_broken', 'broken', expect.stringContaining("Duplicate key name 'clients_age'")],
      ['006_one_way', 'one-way', null],
    ])
  })
})
