/** Ctrl-C on the real process: the first finishes what is in flight, the second cancels it in the server. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { createSchemas, makeProject, type Project, schemaTenants } from './project.ts'
import { openClient } from './raw-client.ts'

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

let database: TestDatabase
let project: Project

beforeEach(async () => {
  database = await freshDatabase('interrupts')
  await database.query(createSchemas(3))
  project = makeProject()
})

afterEach(async () => {
  project.remove()
  await database.drop()
})

function configure(tenants: number): void {
  project.configure({
    servers: { main: { url: database.url } },
    tenants: schemaTenants(tenants, database.name),
    concurrency: 1,
  })
}

/** Starts `tenantry up` and waits until the server carries out a statement that holds the word. */
async function startUp(word: string) {
  const child = spawn(process.execPath, [main, 'up'], {
    cwd: project.dir,
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text))
  const closed = once(child, 'close')
  await expect.poll(() => running(word), { timeout: 30_000 }).toBe(1)
  return {
    said,
    /** Sends SIGINT and waits until it was answered. */
    async interrupt(answer: string) {
      child.kill('SIGINT')
      await expect.poll(() => said.stderr, { timeout: 10_000 }).toContain(answer)
    },
    async end() {
      const [code] = await closed
      return { code, lines: `${said.stdout}${said.stderr}`.trimEnd().split('\n'), ...said }
    },
  }
}

async function running(word: string): Promise<number> {
  const [row] = await database.query(
    `SELECT count(*)::int AS n FROM pg_stat_activity
     WHERE state = 'active' AND datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%' || $1 || '%'`,
    [word],
  )
  return Number(row?.n)
}

const sessions = () =>
  database.query(
    "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'tenantry' AND datname = current_database()",
  )

const goesOn = /tenantry up/

test('the first finishes and records what is in flight, and starts nothing new', async () => {
  configure(2)
  project.write({
    'migrations/001_slow.sql': 'CREATE TABLE slow ();\nSELECT pg_sleep(1);\n',
    'migrations/002_next.sql': 'CREATE TABLE next ();\n',
  })
  const up = await startUp('pg_sleep')
  await up.interrupt('finishing what is in flight')
  const { code, lines, stdout } = await up.end()
  expect(code).toBe(130)
  expect(lines.filter((line) => goesOn.test(line)).length).toBeGreaterThan(0)
  expect(stdout.trimEnd().split('\n').at(-1)).toMatch(goesOn)
  const tables = await database.query(
    "SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE tablename IN ('slow', 'next') ORDER BY 1",
  )
  expect(tables).toEqual([{ name: 't_1.next' }, { name: 't_1.slow' }])
  expect(await database.query('SELECT version FROM t_1.schema_migrations ORDER BY id')).toEqual([
    { version: '001_slow' },
    { version: '002_next' },
  ])
  const again = await project.run(['up', '--json'])
  expect(again.code).toBe(0)
  expect(JSON.parse(again.stdout).summary).toMatchObject({ applied: 1, upToDate: 1 })
})

test('the second cancels in the server: a transaction is rolled back, nothing is half-done', async () => {
  configure(2)
  project.write({ 'migrations/001_slow.sql': 'CREATE TABLE slow ();\nSELECT pg_sleep(60);\n' })
  const up = await startUp('pg_sleep')
  await up.interrupt('finishing what is in flight')
  expect(await running('pg_sleep')).toBe(1)
  await up.interrupt('Cancelling')
  const { code, stdout } = await up.end()
  expect(code).toBe(130)
  expect(stdout.trimEnd().split('\n').at(-1)).toMatch(goesOn)
  expect(await running('pg_sleep')).toBe(0)
  await expect.poll(sessions).toEqual([{ n: 0 }])
  expect(
    await database.query("SELECT to_regclass('t_1.slow') AS slow, to_regclass('t_1.schema_migrations') AS h"),
  ).toEqual([{ slow: null, h: null }])
  project.write({ 'migrations/001_slow.sql': 'CREATE TABLE slow ();\n' })
  const status = JSON.parse((await project.run(['status', '--json'])).stdout)
  expect(status.targets.map(({ failed }: { failed: string[] }) => failed)).toEqual([[], []])
  expect((await project.run(['up'])).code).toBe(0)
})

test('the second cancels a statement outside a transaction, and the next run goes on from there', async () => {
  configure(1)
  const text = (seconds: number) =>
    `-- tenantry:no-transaction\nCREATE TABLE marks (n int);\nINSERT INTO marks VALUES (1);\nSELECT pg_sleep(${seconds});\nINSERT INTO marks VALUES (2);\n`
  project.write({ 'migrations/001_steps.sql': text(60) })
  const up = await startUp('pg_sleep')
  await up.interrupt('finishing what is in flight')
  await up.interrupt('Cancelling')
  const { code, stdout, stderr } = await up.end()
  expect(code).toBe(130)
  expect(`${stdout}${stderr}`).toContain('cancel')
  expect(await running('pg_sleep')).toBe(0)
  expect(await database.query('SELECT state, statements_done FROM t_1.tenantry_ledger')).toEqual([
    { state: 'running', statements_done: 2 },
  ])
  project.write({ 'migrations/001_steps.sql': text(0) })
  expect((await project.run(['up'])).code).toBe(0)
  expect(await database.query('SELECT n FROM t_1.marks ORDER BY n')).toEqual([{ n: 1 }, { n: 2 }])
})

test('the second cancels a concurrent build; the next run builds it anew', async () => {
  configure(1)
  await database.query('CREATE TABLE t_1.t (a int); INSERT INTO t_1.t VALUES (1)')
  project.write({ 'migrations/001_i.sql': 'CREATE INDEX CONCURRENTLY i ON t (a);\n' })
  const writer = await openClient(database.url)
  try {
    await writer.query('BEGIN; INSERT INTO t_1.t VALUES (2)')
    const up = await startUp('CREATE INDEX CONCURRENTLY')
    await up.interrupt('finishing what is in flight')
    await up.interrupt('Cancelling')
    expect((await up.end()).code).toBe(130)
    expect(await database.query("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('t_1.i')")).toEqual([
      { indisvalid: false },
    ])
    await writer.query('COMMIT')
    expect((await project.run(['up'])).code).toBe(0)
    expect(await database.query("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_1.i'::regclass")).toEqual([
      { indisvalid: true },
    ])
  } finally {
    await writer.end()
  }
})

test('waiting for a lock is cancelled at once', async () => {
  configure(1)
  await database.query('CREATE TABLE t_1.t (a int)')
  project.write({ 'migrations/001_t.sql': 'ALTER TABLE t ADD COLUMN b int;\n' })
  const holder = await openClient(database.url)
  try {
    await holder.query('BEGIN; LOCK TABLE t_1.t')
    const up = await startUp('ADD COLUMN b')
    await up.interrupt('finishing what is in flight')
    await up.interrupt('Cancelling')
    const { code, stdout, stderr } = await up.end()
    expect(code).toBe(130)
    expect(`${stdout}${stderr}`).not.toContain('INTERNAL')
  } finally {
    await holder.end()
  }
})
