/** What the checks say of a fleet of SQLite files: drift, verify, backfill, proof, and what an undo would take away. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { scratchPrefix } from '../../src/checks/scratch.ts'
import { sqlite } from '../../src/dialects/sqlite/index.ts'
import type { DriftReport } from '../../src/model/check-report.ts'
import { makeProject, type Project } from './project.ts'

const size = 12

const shop = {
  'migrations/001_clients.up.sql': `CREATE TABLE clients (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL COLLATE NOCASE UNIQUE, -- as on paper
  state TEXT NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'old'))
);
CREATE VIEW open_clients AS SELECT id, name FROM clients WHERE state = 'new';`,
  'migrations/001_clients.down.sql': 'DROP VIEW open_clients;\nDROP TABLE clients;',
  'migrations/002_orders.up.sql': `CREATE TABLE orders (
  id INTEGER PRIMARY KEY,
  client_id INTEGER NOT NULL REFERENCES clients (id),
  total NUMERIC DEFAULT 0 CHECK (total >= 0)
);
CREATE INDEX orders_client_idx ON orders (client_id, total);
CREATE TRIGGER orders_total AFTER INSERT ON orders WHEN NEW.total IS NULL
BEGIN
  UPDATE orders SET total = 0 WHERE id = NEW.id;
END;`,
  'migrations/002_orders.down.sql': 'DROP TABLE orders;',
}

let project: Project
let places: string

function configure(more: Record<string, unknown> = {}): void {
  project.configure({
    servers: { main: { url: 'sqlite:./tenants' }, spare: { url: 'sqlite:./scratch' } },
    scratch: { server: 'spare' },
    tenants: Array.from({ length: size }, (_, i) => ({
      slug: `t${i + 1}`,
      topology: 'database',
      server: 'main',
      database: `t${i + 1}`,
    })),
    ...more,
  })
}

beforeEach(async () => {
  project = makeProject()
  places = join(project.dir, 'tenants')
  mkdirSync(places)
  for (let i = 1; i <= size; i++) writeFileSync(join(places, `t${i}.db`), '')
  project.write(shop)
  configure()
})
afterEach(() => {
  const scratch = join(project.dir, 'scratch')
  const left = existsSync(scratch) ? readdirSync(scratch).filter((name) => name.startsWith(scratchPrefix)) : []
  project.remove()
  expect(left).toEqual([])
})

async function up(): Promise<void> {
  const report = await project.up()
  expect(report.targets.flatMap(({ error }) => (error === null ? [] : [error]))).toEqual([])
}

/** Does something by hand in one tenant's file. */
async function change(slug: string, ...statements: string[]): Promise<Record<string, unknown>[]> {
  const server = {
    name: 'x',
    dialect: 'sqlite' as const,
    host: '',
    port: 0,
    directory: places,
    tls: null,
    maxConcurrency: 1,
    maxConcurrencyPerDatabase: 1,
  }
  const connection = await sqlite.connect(server, slug, { connectTimeoutMs: 5000, applicationName: 'test' })
  try {
    let rows: Record<string, unknown>[] = []
    for (const sql of statements) rows = await connection.run(sql)
    return rows
  } finally {
    await connection.close()
  }
}

const drift = (options = {}): Promise<DriftReport> => project.use((tenantry) => tenantry.drift(options))
/** `1 missing index orders_client_idx`. */
const told = ({ clusters }: DriftReport) =>
  clusters
    .filter(({ reference }) => !reference)
    .map(({ targets, differences }) =>
      [targets, ...differences.map((one) => `${one.change} ${one.kind} ${one.object}`)].join(' '),
    )
    .sort()

/** SQLite's way to change a table. */
const rebuildOrders = (columns: string, definition: string) => `CREATE TABLE "new_orders" (${definition});
INSERT INTO "new_orders" (${columns}) SELECT ${columns} FROM "orders";
DROP TABLE "orders";
ALTER TABLE "new_orders" RENAME TO "orders";
CREATE INDEX "orders_client_idx" ON "orders"("client_id", "total");
CREATE TRIGGER orders_total AFTER INSERT ON orders WHEN NEW.total IS NULL BEGIN UPDATE orders SET total = 0 WHERE id = NEW.id; END;`

const ordersBefore = `"id" INTEGER NOT NULL PRIMARY KEY, "client_id" INTEGER NOT NULL, "total" NUMERIC DEFAULT 0 CHECK ("total" >= 0),
  CONSTRAINT "orders_client_fk" FOREIGN KEY ("client_id") REFERENCES "clients" ("id")`

test('what was done by hand is named, and nothing else', async () => {
  await up()
  expect(await drift()).toMatchObject({ ok: true, clusters: [{ targets: size, reference: true }], failures: [] })
  await change('t3', 'DROP INDEX orders_client_idx')
  await change('t5', 'ALTER TABLE orders ADD COLUMN tmp')
  await change('t6', 'ALTER TABLE orders ADD COLUMN tmp')
  await change('t7', 'DROP TRIGGER orders_total')
  // Built anew by hand, and the same.
  await change('t8', 'PRAGMA foreign_keys = OFF', rebuildOrders('id, client_id, total', ordersBefore))
  await change('t9', "INSERT INTO clients (name) VALUES ('a')", 'ANALYZE', 'VACUUM')
  const report = await drift()
  expect(report).toMatchObject({ ok: false, failures: [], behind: [] })
  expect(report.clusters[0]).toMatchObject({ targets: size - 4, reference: true })
  expect(told(report)).toEqual([
    '1 missing index orders_client_idx',
    '1 missing trigger orders.orders_total',
    '2 extra column orders.tmp',
  ])
  expect(told(await drift({ between: true }))).toEqual(told(report))
  expect(readdirSync(places).filter((name) => name.includes('scratch'))).toEqual([])
})

test('a migration that builds a table anew leaves what one that makes it would', async () => {
  await up()
  project.write({
    'migrations/003_note.up.sql': rebuildOrders(
      'id, client_id, total',
      `${ordersBefore.replace(',\n', ', note TEXT,\n')}`,
    ),
  })
  await change(
    't1',
    'ALTER TABLE orders ADD COLUMN note TEXT',
    "INSERT INTO schema_migrations (version) VALUES ('003_note')",
  )
  await up()
  expect(await change('t1', 'SELECT count(*) AS n FROM schema_migrations')).toEqual([{ n: 3 }])
  expect(await drift()).toMatchObject({ ok: true, clusters: [{ targets: size, reference: true }] })
})

test('verify finds what is gone, and rows that point to nothing, where they are', async () => {
  await up()
  await change(
    't2',
    "INSERT INTO clients (name) VALUES ('a')",
    'PRAGMA foreign_keys = OFF',
    'INSERT INTO orders (client_id) VALUES (7), (8), (1)',
  )
  await change('t4', 'PRAGMA foreign_keys = OFF', 'DROP VIEW open_clients', 'DROP TABLE clients')
  const report = await project.use((tenantry) => tenantry.verify({}))
  expect(report).toMatchObject({ ok: false, healthy: size - 2, needsAttention: 2 })
  const findings = Object.fromEntries(
    report.targets
      .filter(({ findings: [one] }) => one !== undefined)
      .map(({ tenants, findings }) => [tenants[0], findings.map(({ rule, object }) => `${rule} ${object}`)]),
  )
  expect(findings.t2).toEqual(['not-valid-constraint orders (client_id)'])
  expect(findings.t4).toEqual([
    'claimed-and-missing clients',
    'claimed-and-missing open_clients',
    'not-valid-constraint orders (client_id)',
  ])
  expect(Object.keys(findings).sort()).toEqual(['t2', 't4'])
})

test('backfill makes what is missing, and leaves what SQLite cannot make', async () => {
  project.write({
    'migrations/003_late.up.sql':
      "ALTER TABLE orders ADD COLUMN late TEXT DEFAULT 'x' CHECK (late <> '');\nALTER TABLE orders ADD COLUMN must INT NOT NULL DEFAULT 1;",
  })
  await up()
  await change(
    't2',
    'DROP INDEX orders_client_idx',
    'DROP VIEW open_clients',
    'ALTER TABLE orders DROP COLUMN late',
    'ALTER TABLE orders DROP COLUMN must',
  )
  await change(
    't3',
    'PRAGMA foreign_keys = OFF',
    rebuildOrders(
      'id, client_id, total, late, must',
      "id INTEGER PRIMARY KEY, client_id INTEGER NOT NULL, total NUMERIC DEFAULT 0, late TEXT DEFAULT 'x' CHECK (late <> ''), must INT NOT NULL DEFAULT 1",
    ),
  )
  expect(told(await drift())).toEqual([
    '1 missing check orders (late) missing column orders.late missing column orders.must missing index orders_client_idx missing view open_clients',
    '1 missing check orders (total) missing foreign-key orders (client_id)',
  ])
  const report = await project.use((tenantry) => tenantry.backfill({}))
  expect(JSON.stringify(report)).toContain('it can only be made by changing what is there')
  expect(told(await drift())).toEqual(['1 missing check orders (total) missing foreign-key orders (client_id)'])
})

test('up --verify says where a migration said "ok" and left something else', async () => {
  await up()
  await change('t4', 'CREATE TABLE notes (id INTEGER PRIMARY KEY)')
  project.write({
    'migrations/003_notes.up.sql': 'CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL);',
  })
  const report = await project.use((tenantry) => tenantry.up({ verify: true }))
  expect(report.targets.flatMap(({ tenants, error }) => (error === null ? [] : tenants))).toEqual(['t4'])
  expect(told(await drift())).toEqual(['1 missing column notes.text'])
})

test('planted undos get the right verdict, and the tenants are left alone', async () => {
  project.write({
    'migrations/003_note.up.sql': rebuildOrders('id, client_id, total', ordersBefore.replace(',\n', ', note TEXT,\n')),
    'migrations/003_note.down.sql': rebuildOrders('id, client_id, total', ordersBefore),
    'migrations/004_lossy.up.sql': 'CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT, b TEXT);',
    'migrations/004_lossy.down.sql': 'DROP TABLE n;',
    'migrations/005_drop.up.sql': 'ALTER TABLE n DROP COLUMN b;',
    'migrations/005_drop.down.sql': 'ALTER TABLE n ADD COLUMN b TEXT;',
    'migrations/006_rebuild.up.sql':
      'CREATE TABLE new_n (id INTEGER PRIMARY KEY);\nINSERT INTO new_n (id) SELECT id FROM n;\nDROP TABLE n;\nALTER TABLE new_n RENAME TO n;',
    'migrations/006_rebuild.down.sql': 'ALTER TABLE n ADD COLUMN a TEXT;',
    'migrations/007_broken.up.sql': 'ALTER TABLE n ADD COLUMN age INT;\nCREATE INDEX n_age ON n (age);',
    'migrations/007_broken.down.sql': 'DROP INDEX n_age;',
    'migrations/008_half.up.sql': 'ALTER TABLE n ADD COLUMN size INT;',
    'migrations/008_half.down.sql': 'ALTER TABLE n DROP COLUMN sizes;',
    'migrations/009_one_way.up.sql': 'CREATE INDEX n_id ON n (id);',
  })
  const report = await project.use((tenantry) => tenantry.prove())
  expect(report.notices).toEqual([])
  expect(report.migrations.map(({ migration, verdict }) => [migration, verdict])).toEqual([
    ['001_clients', 'reversible'],
    ['002_orders', 'reversible'],
    ['003_note', 'reversible'],
    ['004_lossy', 'reversible'],
    ['005_drop', 'lossy'],
    ['006_rebuild', 'lossy'],
    ['007_broken', 'broken'],
    ['008_half', 'broken'],
    ['009_one_way', 'one-way'],
  ])
  expect(await change('t1', 'SELECT name FROM sqlite_master')).toEqual([])
  const again = await project.use((tenantry) => tenantry.prove())
  expect(again.migrations.every(({ cached }) => cached)).toBe(true)
})

test('like a tenant, with its rows', async () => {
  project.write({
    'migrations/001_clients.up.sql':
      'CREATE TABLE odd (id INTEGER PRIMARY KEY, t TEXT, b BLOB, d REAL, n);\nCREATE INDEX odd_d ON odd (d);',
    'migrations/001_clients.down.sql': 'DROP TABLE odd;',
    'migrations/002_orders.up.sql': 'SELECT 1;',
    'migrations/002_orders.down.sql': 'SELECT 1;',
  })
  await up()
  await change(
    't1',
    `INSERT INTO odd VALUES (9223372036854775000, 'O''Brien \\ "x" 😀', x'00ff', 0.1, '5'), (7, NULL, NULL, NULL, NULL)`,
    'DROP INDEX odd_d',
  )
  const before = await change('t1', 'SELECT *, typeof(n) FROM odd ORDER BY id')
  project.write({
    'migrations/003_check.up.sql': `CREATE TABLE found (n INT CHECK (n = 1));
INSERT INTO found SELECT count(*) FROM odd WHERE id = 9223372036854775000 AND t = 'O''Brien \\ "x" 😀' AND b = x'00ff' AND d = 0.1 AND typeof(n) = 'text';
DELETE FROM odd WHERE id <> 7;`,
    'migrations/003_check.down.sql': 'DROP TABLE found; CREATE INDEX odd_d ON odd (d);',
  })
  const report = await project.use((tenantry) => tenantry.prove({ like: 't1', withData: true }))
  expect(report.notices).toEqual([])
  expect(report.migrations).toMatchObject([
    { migration: '003_check', verdict: 'broken', differences: [{ change: 'extra', kind: 'index', object: 'odd_d' }] },
  ])
  expect(await change('t1', 'SELECT *, typeof(n) FROM odd ORDER BY id')).toEqual(before)
})

test('an undo that would take rows away says how many, and where; one that only builds anew does not', async () => {
  project.write({
    'migrations/003_note.up.sql': rebuildOrders('id, client_id, total', ordersBefore.replace(',\n', ', note TEXT,\n')),
    'migrations/003_note.down.sql': rebuildOrders('id, client_id, total', ordersBefore),
  })
  await up()
  const rows = [
    "INSERT INTO clients (name) VALUES ('a')",
    "INSERT INTO orders (client_id, note) VALUES (1, 'x'), (1, 'y'), (1, NULL)",
  ]
  await change('t2', ...rows)
  await change('t3', rows[0] as string, 'INSERT INTO orders (client_id) VALUES (1)')
  const down = (options = {}) => project.use((tenantry) => tenantry.down({ steps: 1, unproven: true, ...options }))
  expect((await down()).error).toMatchObject({
    code: 'DATA_LOSS',
    context: { losses: [{ target: 'main/t2.db', migration: '003_note', rows: 2 }] },
    message: expect.stringContaining('drops columns of orders other than id, client_id, total (2 rows)'),
  })
  const undone = await down({ allowDataLoss: true })
  expect(undone.targets.flatMap(({ error }) => (error === null ? [] : [error]))).toEqual([])
  expect(await change('t2', 'SELECT count(*) AS n FROM orders')).toEqual([{ n: 3 }])
  expect(told(await drift())).toEqual([])
  expect((await down()).error).toMatchObject({
    code: 'DATA_LOSS',
    message: expect.stringContaining('2 targets'),
  })
})

test('what a later migration names of a table built anew is still that of the first', async () => {
  project.write({
    'migrations/003_note.up.sql': rebuildOrders('id, client_id, total', ordersBefore.replace(',\n', ', note TEXT,\n')),
    'migrations/003_note.down.sql': rebuildOrders('id, client_id, total', ordersBefore),
    'migrations/004_view.up.sql': 'CREATE VIEW totals AS SELECT client_id, total FROM orders;',
    'migrations/004_view.down.sql': 'DROP VIEW totals;',
    'migrations/005_notes.up.sql': 'CREATE INDEX notes ON orders (note);',
    'migrations/005_notes.down.sql': 'DROP INDEX notes;',
  })
  await up()
  const undo = (migration: string) => project.use((tenantry) => tenantry.down({ migration, unproven: true }))
  expect((await undo('003_note')).error).toMatchObject({
    code: 'DEPENDED_ON',
    context: { dependencies: [{ migration: '005_notes', madeBy: '003_note', object: 'column orders.note' }] },
  })
})

test('baseline marks what a file really has, also where it was built anew since', async () => {
  project.write({
    'migrations/003_note.up.sql': rebuildOrders('id, client_id, total', ordersBefore.replace(',\n', ', note TEXT,\n')),
  })
  const statements = [1, 2].map(
    (n) => shop[`migrations/00${n}_${n === 1 ? 'clients' : 'orders'}.up.sql` as keyof typeof shop],
  )
  const rebuild = rebuildOrders('id, client_id, total', ordersBefore.replace(',\n', ', note TEXT,\n'))
  await change('t1', ...statements, rebuild)
  await change('t2', ...statements, rebuild, 'DROP INDEX orders_client_idx')
  const report = await project.use((tenantry) => tenantry.baseline({ to: '003', selectors: { tenants: ['t1', 't2'] } }))
  const told = report.targets.map(({ tenants: [slug], result, error }) => [slug, result, error?.message ?? null])
  expect(told).toEqual([
    ['t1', 'applied', null],
    ['t2', 'failed', expect.stringContaining('index orders_client_idx is not there')],
  ])
})

test('what is in the way is told apart: the same, or something else', async () => {
  await up()
  project.write({ 'migrations/003_notes.up.sql': 'CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT);' })
  await change('t1', 'create table "notes" ([id] integer not null primary key, text text)')
  await change('t2', 'CREATE TABLE notes (id INTEGER PRIMARY KEY)')
  const report = await project.up()
  const errors = report.targets.flatMap(({ tenants, error }) =>
    error === null ? [] : [[tenants[0], error.code, error.hint]],
  )
  expect(errors).toEqual([
    ['t1', 'ALREADY_EXISTS', expect.stringContaining('If the whole migration was run by hand')],
    ['t2', 'ALREADY_EXISTS', expect.stringContaining('Rename or drop what is in the way')],
  ])
})

test('scratch files of a run that was killed are removed by the next one, and those of a run that lives are not', async () => {
  await up()
  const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 8)
  const { pid: dead } = spawnSync(process.execPath, ['-e', ''])
  const since = (Date.now() - 1000).toString(36)
  const nameOf = (pid: number) => `${scratchPrefix}${host}_${pid.toString(36)}_${since}_00000000`
  const folder = join(project.dir, 'scratch')
  mkdirSync(folder)
  for (const ending of ['.db', '.db-wal', '.db-shm', '.db-journal'])
    writeFileSync(join(folder, nameOf(dead) + ending), '')
  const own = `${nameOf(process.pid)}.db`
  writeFileSync(join(folder, own), '')
  expect(await drift()).toMatchObject({ ok: true })
  expect(readdirSync(folder)).toEqual([own])
  rmSync(folder, { recursive: true })
})
