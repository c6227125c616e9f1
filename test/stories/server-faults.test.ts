import { rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { FleetReport } from '../../src/model/report.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { startProxy } from '../servers/proxy.ts'
import { countResults, createSchemas, makeProject, type Project, resultOf, schemaTenants } from './project.ts'

const tenants = 20

let server: PostgresServer
let project: Project

beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

beforeEach(async () => {
  await server.query('DROP DATABASE IF EXISTS app WITH (FORCE)')
  await server.query('CREATE DATABASE app')
  await server.query(createSchemas(tenants), 'app')
  project = makeProject()
  project.configure({
    servers: { main: { url: server.url('app') } },
    tenants: schemaTenants(tenants, 'app'),
    concurrency: 4,
  })
  project.write({
    'migrations/001_marks.sql': "CREATE TABLE marks (name text);\nINSERT INTO marks VALUES ('1');",
    'migrations/002_slow.sql': "INSERT INTO marks VALUES ('2');\nSELECT pg_sleep(0.15);",
    'migrations/003_index.sql':
      "INSERT INTO marks VALUES ('3a');\nCREATE INDEX CONCURRENTLY marks_name ON marks (name);\nINSERT INTO marks VALUES ('3b');",
    'migrations/004_slow.sql': "INSERT INTO marks VALUES ('4');\nSELECT pg_sleep(0.1);",
  })
})
afterEach(() => project.remove())

/** Runs until the fleet is done, and looks that nothing is there twice. */
async function finish(): Promise<void> {
  let report = await project.up()
  for (let tries = 1; !report.ok && tries < 3; tries++) report = await project.up()
  expect([report.ok, countResults(report)]).toMatchObject([true, {}])
  for (let i = 1; i <= tenants; i++) {
    const [row] = await server.query(
      `SELECT (SELECT string_agg(name, ' ' ORDER BY name) FROM t_${i}.marks) AS marks,
        (SELECT string_agg(version, ' ' ORDER BY version) FROM t_${i}.schema_migrations) AS versions,
        (SELECT bool_and(indisvalid) FROM pg_index WHERE indrelid = 't_${i}.marks'::regclass) AS valid`,
      'app',
    )
    expect(row).toEqual({ marks: '1 2 3a 3b 4', versions: '001_marks 002_slow 003_index 004_slow', valid: true })
  }
}

/** Starts a run; `middle` is when the first migrations are done and more are on their way. */
function startRun(): { run: Promise<FleetReport>; middle: Promise<unknown> } {
  let begun: () => void = () => {}
  const first = new Promise<void>((resolve) => {
    begun = resolve
  })
  const run = project.use((tenantry) => tenantry.up(), {
    emit: (event) => {
      if (event.type === 'migration-finished') begun()
    },
  })
  return { run, middle: Promise.race([first, run]) }
}

function expectClearFailures(report: FleetReport): void {
  for (const { error } of report.targets) {
    if (error === null) continue
    expect(['CONNECTION_LOST', 'SERVER_UNREACHABLE']).toContain(error.code)
    expect(error.hint).toContain('again')
  }
}

test('sessions that are terminated again and again: right or clear, and nothing twice', async () => {
  const { run, middle } = startRun()
  let over = false
  const report = run.finally(() => {
    over = true
  })
  await middle
  for (let i = 0; i < 12 && !over; i++) {
    await sleep(250)
    await server.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'app' AND application_name = 'tenantry'`,
    )
  }
  expectClearFailures(await report)
  await finish()
})

test.each(['fast', 'immediate'] as const)('a server that restarts (%s) in the middle', async (mode) => {
  const { run, middle } = startRun()
  await middle
  await sleep(300)
  await server.restart({ mode })
  expectClearFailures(await run)
  await finish()
})

test('commits that a crash took back are told once, and carried out once', async () => {
  // Else the server writes them down before it is killed.
  await server.query("ALTER SYSTEM SET wal_writer_delay = '10s'")
  await server.restart()
  try {
    project.configure({ servers: { main: { url: server.url('app') } }, tenants: schemaTenants(1, 'app') })
    const code = (i: number, more = '') =>
      `exports.up = async (knex) => { await knex.schema.createTable('made_${i}', (t) => t.increments()); ${more} }`
    symlinkSync(join(process.cwd(), 'node_modules'), join(project.dir, 'node_modules'))
    rmSync(join(project.dir, 'migrations'), { recursive: true })
    project.write({
      'migrations/001_a.js': code(1),
      'migrations/002_b.js': code(2),
      'migrations/003_c.js': code(3, "await knex.raw('select pg_sleep(1.5)')"),
    })
    const { run, middle } = startRun()
    await middle
    await sleep(300)
    await server.restart({ mode: 'immediate' })
    expect(resultOf(await run, 't1')).toMatchObject({ error: null, applied: ['001_a', '002_b', '003_c'] })
    expect(await server.query('SELECT name FROM t_1.knex_migrations ORDER BY id', 'app')).toEqual(
      ['001_a.js', '002_b.js', '003_c.js'].map((name) => ({ name })),
    )
    expect(await server.query('SELECT is_locked FROM t_1.knex_migrations_lock', 'app')).toEqual([{ is_locked: 0 }])
  } finally {
    await server.query('ALTER SYSTEM RESET wal_writer_delay')
    await server.restart()
  }
})

test('servers that refuse connections, or never answer: their tenants fail soon and clearly, the others go on', async () => {
  const [refusing, silent] = await Promise.all([startProxy(server), startProxy(server)])
  await refusing.refuse()
  silent.blackHole()
  try {
    project.configure({
      servers: {
        main: { url: server.url('app') },
        refusing: { url: refusing.url(server.url('app')) },
        silent: { url: silent.url(server.url('app')), maxConcurrency: 2 },
      },
      tenants: [
        ...schemaTenants(3, 'app'),
        ...Array.from({ length: 10 }, (_, i) => ({
          slug: `r${i}`,
          topology: 'database',
          server: 'refusing',
          database: `r${i}`,
        })),
        ...Array.from({ length: 10 }, (_, i) => ({
          slug: `s${i}`,
          topology: 'database',
          server: 'silent',
          database: `s${i}`,
        })),
      ],
      connectTimeoutMs: 300,
    })
    const report = await project.up()
    expect(countResults(report)).toEqual({ applied: 3, 'failed SERVER_UNREACHABLE': 20 })
    expect(resultOf(report, 'r7').error?.message).toContain('connection refused')
    expect(resultOf(report, 's7').error?.message).toContain('no answer within the connect time-out')
    // Not one time-out per tenant.
    expect(silent.totalCount).toBeLessThanOrEqual(5)
  } finally {
    await Promise.all([refusing.stop(), silent.stop()])
  }
})

test('a database and a schema that are dropped in the middle fail alone', async () => {
  await server.query('DROP DATABASE IF EXISTS gone WITH (FORCE)')
  await server.query('CREATE DATABASE gone')
  project.configure({
    servers: { main: { url: server.url('app') } },
    tenants: [...schemaTenants(4, 'app'), { slug: 'gone', topology: 'database', server: 'main', database: 'gone' }],
  })
  project.write({
    'migrations/001_marks.sql': 'CREATE TABLE marks (name text);',
    'migrations/002_slow.sql': 'SELECT pg_sleep(1);',
    'migrations/003_index.sql': 'CREATE INDEX CONCURRENTLY marks_name ON marks (name);',
    'migrations/005_after.sql': 'CREATE TABLE after (id int);',
  })
  const { run, middle } = startRun()
  await middle
  await server.query('DROP DATABASE gone WITH (FORCE)')
  // Whoever drops a schema that is being migrated may be the one that a deadlock hits.
  for (let tries = 1; tries < 5; tries++) {
    const dropped = server.query('DROP SCHEMA IF EXISTS t_2 CASCADE', 'app').then(
      () => true,
      () => false,
    )
    if (await dropped) break
  }
  const report = await run
  expect(countResults(report)).toEqual({ applied: 3, 'failed DATABASE_MISSING': 1, 'failed SCHEMA_MISSING': 1 })
  expect(
    await server.query(`SELECT to_regclass('public.after') AS a, to_regclass('public.marks_name') AS b`, 'app'),
  ).toEqual([{ a: null, b: null }])
})
