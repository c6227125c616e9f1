/** A SQLite file made a clean sample. */
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createFile } from '../../src/dialects/sqlite/files.ts'
import { sqlite } from '../../src/dialects/sqlite/index.ts'
import type { SampleDbOptions, SampleDbReport } from '../../src/model/sample-db.ts'
import { makeProject, type Project } from './project.ts'

let project: Project
let folder: string

const upTo = (n: number) => `WITH RECURSIVE i (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i WHERE i < ${n})`
const keep = [
  'ROLES',
  { table: 'users', where: "role = 'SuperAdmin'", limit: 1, orderBy: 'id DESC' },
  { table: 'codes', where: 'n > 8' },
]

beforeEach(async () => {
  project = makeProject()
  folder = join(project.dir, 'tenants')
  mkdirSync(folder)
  for (const name of ['one', 'two']) createFile(join(folder, `${name}.db`))
  configure()
  project.write({
    'migrations/001_shop.sql': `CREATE TABLE roles (name TEXT PRIMARY KEY);
CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, role TEXT REFERENCES roles, manager_id INTEGER REFERENCES users);
CREATE TABLE orders (id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER REFERENCES Users (id), last_line INTEGER REFERENCES lines);
CREATE TABLE lines (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders ON DELETE CASCADE);
CREATE TABLE codes (code TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (code, n)) WITHOUT ROWID;
CREATE TABLE log (rowid TEXT, what TEXT);
CREATE TRIGGER noted AFTER DELETE ON users BEGIN INSERT INTO log VALUES ('x', 'user ' || old.id); END;`,
  })
  expect((await project.up()).ok).toBe(true)
  for (const name of ['one', 'two'])
    await ask(
      name,
      `INSERT INTO roles VALUES ('Clerk'), ('SuperAdmin');
       ${upTo(50)} INSERT INTO users (role) SELECT CASE WHEN i IN (5, 9) THEN 'SuperAdmin' ELSE 'Clerk' END FROM i;
       UPDATE users SET manager_id = id - 1 WHERE id > 9;
       ${upTo(200)} INSERT INTO orders (user_id) SELECT 1 + i % 50 FROM i;
       ${upTo(600)} INSERT INTO lines SELECT i, 1 + i % 200 FROM i;
       UPDATE orders SET last_line = id;
       ${upTo(10)} INSERT INTO codes SELECT 'c' || i, i FROM i;`,
    )
})
afterEach(() => project.remove())

const configure = (more: Record<string, unknown> = {}) =>
  project.configure({
    servers: { files: { url: 'sqlite:./tenants' } },
    tenants: ['one', 'two'].map((slug) => ({ slug, database: slug })),
    sampleDb: { keep },
    ...more,
  })

async function open(name: string) {
  const server = { name: 'files', dialect: 'sqlite' as const, host: '', port: 0, tls: null, directory: folder }
  const limits = { maxConcurrency: 8, maxConcurrencyPerDatabase: 4 }
  return sqlite.connect({ ...server, ...limits }, name, { connectTimeoutMs: 5000, applicationName: 'test' })
}

async function ask(name: string, sql: string): Promise<Record<string, unknown>[]> {
  const connection = await open(name)
  try {
    return await connection.run(sql)
  } finally {
    await connection.close()
  }
}
const sample = (options: SampleDbOptions = { tenant: 'one', confirm: true }): Promise<SampleDbReport> =>
  project.use((tenantry) => tenantry.sampleDb(options))
const counts = async (name = 'one') => {
  const tables = ['roles', 'users', 'orders', 'lines', 'codes', 'log', 'schema_migrations']
  const parts = tables.map((table) => `SELECT '${table}' AS t, count(*) AS n FROM ${table}`)
  return Object.fromEntries((await ask(name, parts.join(' UNION ALL '))).map(({ t, n }) => [t, Number(n)]))
}
const full = { roles: 2, users: 50, orders: 200, lines: 600, codes: 10, log: 0, schema_migrations: 1 }

test('what stays, what goes, what a trigger writes; a dump; nothing of another file', async () => {
  expect((await sample({ tenant: 'one', dryRun: true })).error).toBeNull()
  const report = await sample({ tenant: 'one', confirm: true, dump: 'sample.db' })
  expect(report.error).toBeNull()
  expect(report).toMatchObject({ ok: true, target: 'files/one.db', database: 'one.db', removed: 49 + 200 + 600 + 8 })
  expect(await counts()).toEqual({ roles: 2, users: 1, orders: 0, lines: 0, codes: 2, log: 0, schema_migrations: 1 })
  expect(await ask('one', 'SELECT id FROM users')).toEqual([{ id: 9 }])
  expect(await ask('one', "SELECT name, seq FROM sqlite_sequence WHERE name <> 'schema_migrations'")).toEqual([
    { name: 'users', seq: 9 },
  ])
  expect(await counts('two')).toEqual(full)
  const file = join(project.dir, 'sample.db')
  expect(report.dump).toEqual({ file, bytes: statSync(file).size })
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(await sample()).toMatchObject({ ok: true, removed: 0, sequences: [] })
})

test('refused: no name, no confirmation, another name, kept rows that point to others', async () => {
  await expect(sample({ confirm: true })).rejects.toMatchObject({ code: 'USAGE' })
  expect((await sample({ tenant: 'one' })).error?.code).toBe('CONFIRMATION_MISSING')
  const wrong = await sample({ tenant: 'one', confirm: true, database: 'two' })
  expect(wrong.error).toMatchObject({ code: 'SAMPLE_REFUSED', context: { typed: 'two', database: 'one.db' } })
  configure({ sampleDb: { keep: ['roles', 'orders', { table: 'users', where: 'id = 30' }] } })
  const broken = await sample()
  expect(broken.brokenKeys).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ table: 'users', columns: ['manager_id'], to: 'users', rows: 1, example: ['29'] }),
      expect.objectContaining({ table: 'orders', columns: ['user_id'], to: 'users', rows: 196 }),
      expect.objectContaining({ table: 'orders', to: 'lines', rows: 200 }),
    ]),
  )
  expect(await counts()).toEqual(full)
})

test('a file that somebody writes to: waited for, then left alone', async () => {
  configure({ lockTimeoutMs: 300, lockRetryBudgetMs: 800 })
  const writer = await open('one')
  try {
    await writer.query('BEGIN IMMEDIATE')
    await writer.query("UPDATE users SET role = 'Clerk' WHERE id = 1")
    expect(await sample()).toMatchObject({ ok: false, removed: null, error: { code: 'LOCK_TIMEOUT' } })
  } finally {
    await writer.close()
  }
  expect(await counts()).toEqual(full)
})
