/** Rows for trying things out, and what is found wrong, on real files. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { RowGenerator } from '../../src/checks/generate-rows.ts'
import { countRows } from '../../src/dialects/sqlite/count-rows.ts'
import { sqlite } from '../../src/dialects/sqlite/index.ts'
import type { HealthQuestion } from '../../src/model/health.ts'
import type { DestructiveStep } from '../../src/model/script.ts'
import { makeFolder, type SqliteFolder } from './sqlite-files.ts'
import { pictureSchema } from './sqlite-picture-cases.ts'

let folder: SqliteFolder
beforeAll(() => {
  folder = makeFolder()
})
afterAll(() => folder.remove())

const { samples } = sqlite

test('every table gets rows that its rules allow', async () => {
  await folder.make('filled', [
    ...pictureSchema,
    `CREATE TABLE kinds (id TEXT PRIMARY KEY, flag BOOLEAN NOT NULL, at DATETIME NOT NULL, day DATE NOT NULL, doc JSON NOT NULL
      CHECK (json_valid(doc)), price DECIMAL(8, 2) NOT NULL CHECK (price < 5), size REAL NOT NULL, raw BLOB NOT NULL, code CHAR(2) NOT NULL
      CHECK (length(code) = 2), any_ NOT NULL, level INT NOT NULL CHECK (level BETWEEN 3 AND 4))`,
    'CREATE TABLE strict (id INTEGER PRIMARY KEY, a INT NOT NULL, b REAL NOT NULL, c TEXT NOT NULL, d BLOB NOT NULL, e ANY NOT NULL, parent INT NOT NULL DEFAULT 1 REFERENCES strict (id)) STRICT',
    'CREATE TABLE loop_a (id INTEGER PRIMARY KEY, b INT NOT NULL REFERENCES loop_b)',
    'CREATE TABLE loop_b (id INTEGER PRIMARY KEY, a INT REFERENCES loop_a (id))',
  ])
  await folder.within('filled', async (connection) => {
    const generator = new RowGenerator(sqlite, connection, null, ['settings'])
    const { tables, notices } = await generator.fill()
    expect(notices).toEqual([])
    expect(tables.map(({ id }) => id)).not.toContain('settings')
    expect(tables.map(({ id }) => id)).not.toContain('posts')
    const contents = await samples.contents(connection, tables)
    expect(contents.map(({ rows }) => rows)).toEqual(tables.map(() => 2))
    expect(await connection.query('PRAGMA foreign_key_check')).toEqual([])
  })
})

const odd = [
  'CREATE TABLE odd (id INTEGER PRIMARY KEY AUTOINCREMENT, t TEXT, b BLOB, d REAL, n, tax AS (id * 2))',
  `INSERT INTO odd VALUES (9223372036854775000, 'O''Brien \\ "x" 😀', x'00ff', 0.1, 1e300), (7, NULL, NULL, NULL, NULL)`,
  `INSERT INTO odd (t, b, d, n) VALUES ('a' || char(0) || 'b', zeroblob(3), 9e999, '5')`,
  'DELETE FROM odd WHERE id > 9223372036854775000',
  'CREATE TABLE no_rowid (a TEXT, b INT, c TEXT, PRIMARY KEY (b DESC, a)) WITHOUT ROWID',
  "INSERT INTO no_rowid WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1234) SELECT 'k' || i, i % 3, 'x' FROM n",
  'CREATE TABLE hidden (rowid TEXT, _rowid_ TEXT, oid TEXT)',
  "INSERT INTO hidden WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 450) SELECT i, 'b', 'c' FROM n",
  'CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT)',
  'INSERT INTO counted VALUES (41), (42)',
  'DELETE FROM counted WHERE id = 42',
]

test('rows are copied as they are, whatever they hold, with their counters', async () => {
  await folder.make('source', [
    ...odd,
    'CREATE TABLE bad (a INT CHECK (a > 0), b INT REFERENCES counted (id))',
    'PRAGMA ignore_check_constraints = ON',
    'PRAGMA defer_foreign_keys = ON',
  ])
  await folder.run(
    'source',
    'PRAGMA foreign_keys = OFF',
    'PRAGMA ignore_check_constraints = ON',
    'INSERT INTO bad VALUES (-1, 99)',
  )
  await folder.make('copy')
  await folder.within('source', (source) =>
    folder.within('copy', async (into) => {
      const picture = await sqlite.pictures.describe(source, null, { kinds: ['table'], exceptTables: [], ignore: [] })
      for (const { statements } of await sqlite.pictures.creations(source, null, picture?.objects ?? []))
        for (const statement of statements) await into.run(statement)
      for (const sql of samples.beforeCopy) await into.query(sql)
      const tables = await samples.tables(source, null, [])
      for (const table of tables) for await (const sql of samples.copy(source, table, null)) await into.query(sql)
      for (const sql of await samples.counters(source, null, null)) await into.query(sql)
      const before = await samples.contents(source, tables)
      expect(await samples.contents(into, tables)).toEqual(before)
      expect(Object.fromEntries(tables.map(({ id }, i) => [id, before[i]?.rows]))).toEqual({
        bad: 1,
        counted: 1,
        hidden: 450,
        no_rowid: 1234,
        odd: 2,
      })
      const types =
        'SELECT typeof(t) AS t, typeof(b) AS b, typeof(d) AS d, typeof(n) AS n, hex(t) AS x, id FROM odd ORDER BY id'
      expect(await into.query(types)).toEqual(await source.query(types))
      await into.query('INSERT INTO counted DEFAULT VALUES')
      expect(await into.query('SELECT max(id) AS id FROM counted')).toEqual([{ id: 43 }])
    }),
  )
})

test('a text with a NUL, an infinite number and bytes survive', async () => {
  await folder.make('nul', [
    'CREATE TABLE n (a TEXT, b REAL, c BLOB)',
    "INSERT INTO n VALUES ('x' || char(0) || 'y', -9e999, x'00')",
  ])
  await folder.within('nul', async (connection) => {
    const [table] = await samples.tables(connection, null, [])
    const statements: string[] = []
    for await (const sql of samples.copy(connection, table as NonNullable<typeof table>, null)) statements.push(sql)
    for (const sql of statements) await connection.query(sql)
    expect(
      await connection.query('SELECT DISTINCT hex(a) AS a, typeof(a) AS t, b < -1e308 AS b, hex(c) AS c FROM n'),
    ).toEqual([{ a: '780079', t: 'text', b: 1, c: '00' }])
  })
})

test('one changed value among many rows changes the hash, and the order of rows does not', async () => {
  for (const name of ['one', 'two'])
    await folder.make(name, ['CREATE TABLE t (a, b)', "INSERT INTO t VALUES (1, 'x'), (2, 'y'), (2, 'y')"])
  const contents = (name: string) =>
    folder.within(name, async (one) => (await samples.contents(one, await samples.tables(one, null, [])))[0])
  const first = await contents('one')
  expect(first).toMatchObject({ rows: 3 })
  await folder.run('two', 'DELETE FROM t WHERE a = 1', "INSERT INTO t VALUES (1, 'x')")
  expect(await contents('two')).toEqual(first)
  await folder.run('two', "UPDATE t SET a = '1' WHERE a = 1")
  expect((await contents('two'))?.hash).not.toBe(first?.hash)
  await folder.run(
    'two',
    "UPDATE t SET a = 1 WHERE b = 'x'",
    "DELETE FROM t WHERE b = 'y'",
    "INSERT INTO t VALUES (3, 'z'), (3, 'z')",
  )
  expect((await contents('two'))?.hash).not.toBe(first?.hash)
})

test('rows that a step would take away are counted', async () => {
  await folder.make('counted', [
    'CREATE TABLE t (id INTEGER PRIMARY KEY, b TEXT, c TEXT, d AS (id + 1))',
    "INSERT INTO t VALUES (1, 'x', NULL), (2, NULL, NULL), (3, 'y', 'z')",
    'CREATE TABLE many (a)',
    'INSERT INTO many WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000100) SELECT i FROM n',
    'CREATE VIEW v AS SELECT * FROM t',
    `CREATE TABLE "it's "" 😀" ("c%s'" INT)`,
    `INSERT INTO "it's "" 😀" VALUES (1), (NULL)`,
  ])
  const step = (
    kind: DestructiveStep['kind'],
    object: string,
    more: Partial<DestructiveStep> = {},
  ): DestructiveStep => ({
    kind,
    object,
    schema: null,
    column: null,
    statement: 1,
    ...more,
  })
  const expected: [DestructiveStep, number | null][] = [
    [step('drop-table', 'T'), 3],
    [step('truncate', 't'), 3],
    [step('drop-column', 't', { column: 'B' }), 2],
    [step('drop-column', 't', { column: 'gone' }), 0],
    [step('drop-column', 't', { column: 'd' }), 0],
    [step('drop-table', 't', { keeps: ['id', 'b'] }), 1],
    [step('drop-table', 't', { keeps: ['id', 'c'] }), 2],
    [step('drop-table', 't', { keeps: ['ID', 'b', 'c', 'extra'] }), 0],
    [step('drop-table', 'nowhere'), 0],
    [step('drop-table', 'v'), 0],
    [step('drop-table', 'many'), 1_000_001],
    [step('drop-table', `it's " 😀`), 2],
    [step('drop-column', `it's " 😀`, { column: "c%s'" }), 1],
    [step('drop-other', 'v'), 0],
    [step('delete', 't'), null],
    [step('drop-table', 't', { schema: 'other' }), null],
  ]
  const counts = await folder.within('counted', (connection) =>
    countRows(
      connection,
      null,
      expected.map(([asked]) => asked),
    ),
  )
  expect(counts).toEqual(expected.map(([, rows]) => rows))
})

const question: HealthQuestion = {
  exceptTables: ['schema_migrations'],
  sharedTables: { column: 'tenant_id', setting: 'app.tenant', rowLevelSecurity: true, except: ['audit'] },
  lockTimeoutMs: 1000,
}

test('rows that point to nothing, and keys that cannot work, are found', async () => {
  await folder.make('sick', [
    'CREATE TABLE schema_migrations (version TEXT, other INT REFERENCES nowhere (id))',
    'CREATE TABLE clients (id INTEGER PRIMARY KEY, code TEXT)',
    'CREATE TABLE good (client_id INT REFERENCES Clients)',
    'CREATE TABLE orders (id INTEGER PRIMARY KEY, client_id INT REFERENCES clients (id))',
    'CREATE TABLE by_code (code TEXT REFERENCES clients (code))',
    'CREATE TABLE by_gone (a INT REFERENCES gone (id))',
  ])
  await folder.run(
    'sick',
    'PRAGMA foreign_keys = OFF',
    'INSERT INTO clients VALUES (1, 1)',
    'INSERT INTO good VALUES (1), (NULL)',
    'INSERT INTO orders VALUES (1, 1), (2, 5), (3, 6)',
  )
  const look = (name: string, shared = false) =>
    folder.within(name, (connection) =>
      sqlite.health(
        connection,
        [
          { schema: null, shared },
          { schema: 'other', shared },
        ],
        question,
      ),
    )
  const [findings, other] = await look('sick')
  expect(other).toBe(null)
  expect(findings?.map(({ rule, object, message }) => [rule, object, message])).toEqual([
    ['not-valid-constraint', 'by_code (code)', expect.stringContaining('is no key there')],
    ['not-valid-constraint', 'by_gone (a)', expect.stringContaining('table gone, which is not there')],
    ['not-valid-constraint', 'orders (client_id)', expect.stringContaining('2 rows of orders point to clients')],
  ])
  await folder.run(
    'sick',
    'DELETE FROM orders WHERE id > 1',
    'CREATE UNIQUE INDEX codes ON clients (code)',
    'CREATE TABLE gone (id INT PRIMARY KEY)',
  )
  expect((await look('sick'))[0]).toEqual([])
})

test('tables that tenants share are held to the rules of shared tables', async () => {
  await folder.make('shared', [
    'CREATE TABLE tenants (id INTEGER PRIMARY KEY)',
    'CREATE TABLE fine (id INTEGER, tenant_id INT NOT NULL REFERENCES tenants (id), PRIMARY KEY (tenant_id, id))',
    'CREATE TABLE fine_too (Tenant_Id INT NOT NULL REFERENCES tenants)',
    'CREATE INDEX fine_i ON fine_too (tenant_id)',
    'CREATE TABLE loose (tenant_id INT)',
    'CREATE INDEX partly ON loose (tenant_id) WHERE tenant_id > 1',
    'CREATE TABLE audit (tenant_id INT)',
  ])
  const look = (shared: boolean) =>
    folder.within('shared', (connection) => sqlite.health(connection, [{ schema: null, shared }], question))
  expect(await look(false)).toEqual([[]])
  expect((await look(true))[0]?.map(({ rule, object, message }) => [rule, object, message])).toEqual([
    [
      'tenant-column',
      'loose.tenant_id',
      'loose.tenant_id says whose row it is, and may be NULL, begins no index and is in no foreign key.',
    ],
  ])
})
