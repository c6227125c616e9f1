/** Real schemas are compared with what the migrations really make: what was done by hand is named, and nothing else. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { scratchPrefix } from '../../src/checks/scratch.ts'
import { postgres } from '../../src/dialects/postgres/index.ts'
import type { DriftOptions, DriftReport } from '../../src/model/check-report.ts'
import { freshDatabase, sharedServer, type TestDatabase } from '../servers/shared.ts'
import { createSchemas, makeProject, type Project, schemaTenants } from './project.ts'

const migrations = {
  'migrations/001_clients.sql': `CREATE TABLE clients (id serial PRIMARY KEY, name text NOT NULL, state text DEFAULT 'new');
CREATE VIEW open_clients AS SELECT id, name FROM clients WHERE state = 'new';`,
  'migrations/002_orders.sql': `CREATE TABLE orders (id serial PRIMARY KEY, client_id int NOT NULL REFERENCES clients (id), total numeric(10,2) DEFAULT 0);
CREATE INDEX orders_client_idx ON orders (client_id);
CREATE FUNCTION order_count() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM orders';`,
}

let database: TestDatabase
let project: Project

const configure = (count: number, more: Record<string, unknown> = {}) =>
  project.configure({
    servers: { main: { url: database.url } },
    scratch: { server: 'main' },
    tenants: schemaTenants(count, database.name),
    ...more,
  })
const drift = (options: DriftOptions = {}): Promise<DriftReport> => project.use((tenantry) => tenantry.drift(options))
const outliers = ({ clusters }: DriftReport) => clusters.filter(({ reference }) => !reference)
/** `1 missing index orders_client_idx`. */
const told = (report: DriftReport) =>
  outliers(report).map(({ targets, differences }) =>
    [targets, ...differences.map(({ change, kind, object }) => `${change} ${kind} ${object}`)].join(' '),
  )
const scratchDatabases = async () => {
  const rows = await sharedServer().query('SELECT datname FROM pg_database ORDER BY 1')
  return rows.map(({ datname }) => String(datname)).filter((name) => name.startsWith(scratchPrefix))
}
/** Those of one process: other tests may be trying things out, too. */
const scratchOf = async (pid: number) =>
  (await scratchDatabases()).filter((name) => name.split('_')[3] === pid.toString(36))

async function applied(count: number): Promise<void> {
  await database.query(createSchemas(count))
  const report = await project.up()
  expect(report.targets.filter(({ error }) => error !== null)).toEqual([])
}

beforeEach(async () => {
  database = await freshDatabase('drift')
  project = makeProject()
  project.write(migrations)
})
afterEach(async () => {
  project?.remove()
  await database?.drop()
  expect(await scratchOf(process.pid)).toEqual([])
})

test('an index dropped in one of 200 tenants and a default changed in another are named, and nothing else', async () => {
  configure(200)
  await applied(200)
  expect(await drift()).toMatchObject({ ok: true, clusters: [{ targets: 200, reference: true }], failures: [] })
  await database.query('DROP INDEX t_77.orders_client_idx')
  await database.query("ALTER TABLE t_142.clients ALTER COLUMN state SET DEFAULT 'old'")
  const report = await drift()
  expect(report).toMatchObject({ command: 'drift', ok: false, failures: [], behind: [] })
  expect(report.clusters).toMatchObject([
    { set: 'tenant', targets: 198, reference: true, differences: [] },
    {
      targets: 1,
      reference: false,
      names: [`main/${database.name}/t_77`],
      differences: [{ change: 'missing', kind: 'index', object: 'orders_client_idx' }],
    },
    {
      targets: 1,
      sample: [`main/${database.name}/t_142`],
      differences: [{ change: 'changed', kind: 'column', object: 'clients.state' }],
    },
  ])
  expect(report.clusters[2]?.differences[0]?.detail).toMatch(/default: .*new.* → .*old/)
  const shown = await project.run(['drift'])
  expect(shown.code).toBe(3)
  expect(shown.stdout).toContain('198 of 200 targets equal the reference; 1 misses index orders_client_idx')
  expect(shown.stdout).toContain(`main/${database.name}/t_142`)
  expect(shown.stdout).toContain('changed column clients.state')
  const document = JSON.parse((await project.run(['drift', '--json'])).stdout)
  expect(document.clusters).toHaveLength(3)
  expect((await project.run(['drift', 't1'])).code).toBe(0)
})

test('outliers that differ in the same way are one cluster, whatever else', async () => {
  configure(320)
  await applied(320)
  for (let from = 1; from <= 300; from += 50) {
    const alter = Array.from(
      { length: 50 },
      (_, i) => `DROP INDEX t_${from + i}.orders_client_idx; ALTER TABLE t_${from + i}.clients ADD COLUMN tmp int;`,
    )
    await database.query(alter.join('\n'))
  }
  const report = await drift()
  expect(told(report)).toEqual(['300 extra column clients.tmp missing index orders_client_idx'])
  expect(outliers(report)[0]?.sample).toHaveLength(10)
  const shown = await project.run(['drift'])
  expect(shown.stdout.split('\n').length).toBeLessThan(15)
})

test('--between needs no scratch server: most are right', async () => {
  configure(5, { scratch: undefined })
  await applied(5)
  await database.query('DROP VIEW t_2.open_clients')
  expect(told(await drift({ between: true }))).toEqual(['1 missing view open_clients'])
  await expect(drift()).rejects.toMatchObject({ code: 'SCRATCH_MISSING' })
  const refused = await project.run(['drift'])
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('scratch: { server:')])
  const alone = await drift({ between: true, selectors: { tenants: ['t2'] } })
  expect(alone).toMatchObject({ ok: true, notices: [{ rule: 'nothing-to-compare' }] })
})

test('targets with pending migrations are compared as far as they are', async () => {
  configure(4)
  await applied(4)
  project.write({ 'migrations/003_notes.sql': 'CREATE TABLE notes (id int);' })
  await project.use((tenantry) => tenantry.up({ selectors: { tenants: ['t1', 't2'] } }))
  await database.query('DROP TABLE t_2.notes; DROP INDEX t_3.orders_client_idx')
  const report = await drift()
  expect(told(report).sort()).toEqual(['1 missing index orders_client_idx', '1 missing table notes'])
  expect(report.behind).toEqual([`main/${database.name}/t_3`, `main/${database.name}/t_4`])
  expect(report.clusters[0]).toMatchObject({ targets: 2, reference: true })
})

test('what no folder builds is said to be incomparable', async () => {
  configure(3)
  await applied(3)
  project.write({
    'migrations/000_late.sql': 'CREATE TABLE late (id int);',
    'migrations/003_steps.sql': 'CREATE INDEX CONCURRENTLY steps_idx ON clients (name); SELECT 1/0;',
  })
  await project.use((tenantry) => tenantry.up({ selectors: { tenants: ['t2'] }, to: '000_late' }))
  await project.use((tenantry) => tenantry.up({ selectors: { tenants: ['t2'] } }))
  const report = await drift()
  expect(report.ok).toBe(false)
  expect(report.failures.map(({ target, error }) => [target.split('/').at(-1), error.code])).toEqual([
    ['t_1', 'OUT_OF_ORDER'],
    ['t_2', 'MIGRATION_HALF_APPLIED'],
    ['t_3', 'OUT_OF_ORDER'],
  ])
  const shown = await project.run(['drift'])
  expect(shown.code).toBe(3)
  expect(shown.stdout).toContain('000_late is pending')
})

test('what is ignored is said, with its reason', async () => {
  configure(3, {
    drift: { ignore: [{ kind: 'index', object: '^orders_client', reason: 'dropped for the import' }] },
  })
  await applied(3)
  await database.query('DROP INDEX t_2.orders_client_idx')
  const report = await drift()
  expect(report).toMatchObject({ ok: true, clusters: [{ targets: 3, reference: true }] })
  expect(report.notices).toMatchObject([
    { rule: 'drift-ignored', message: expect.stringContaining('dropped for the import') },
  ])
  const shown = await project.run(['drift'])
  expect(shown).toMatchObject({ code: 0, stdout: expect.stringContaining('dropped for the import') })
  await database.query('DROP VIEW t_2.open_clients')
  expect(told(await drift())).toEqual(['1 missing view open_clients'])
  configure(3, { drift: { kinds: ['table', 'column'] } })
  expect((await drift()).ok).toBe(true)
})

test('owner, default privileges and a grant by hand make no tenant differ', async () => {
  const role = `drift_${database.name}`
  await database.query(`CREATE ROLE ${role}`)
  try {
    configure(2)
    await database.query(`${createSchemas(2)} ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO ${role}`)
    await project.up()
    await database.query(`ALTER TABLE t_1.orders OWNER TO ${role}; GRANT ALL ON t_2.orders TO ${role}`)
    expect(await drift()).toMatchObject({ ok: true })
  } finally {
    await database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
  }
})

describe('the reference is kept', () => {
  test('for as long as no file changes; what is unreadable is built again', async () => {
    const made = vi.spyOn(postgres.scratch, 'createDatabase')
    try {
      configure(2)
      await applied(2)
      const state = join(project.dir, '.tenantry/references')
      await drift()
      expect(made).toHaveBeenCalledTimes(1)
      expect(readdirSync(state)).toHaveLength(1)
      await drift()
      expect(made).toHaveBeenCalledTimes(1)
      const [file = ''] = readdirSync(state)
      const text = readFileSync(join(state, file), 'utf8')
      for (const broken of ['', text.slice(0, 99), text.replace('orders_client_idx', 'orders_clients_idx')]) {
        writeFileSync(join(state, file), broken)
        expect(await drift()).toMatchObject({ ok: true })
      }
      expect(made).toHaveBeenCalledTimes(4)
      project.write({
        'migrations/002_orders.sql': `${migrations['migrations/002_orders.sql']}\nCREATE TABLE more (id int);`,
      })
      expect(told(await drift())).toEqual(['2 missing table more'])
      expect(made).toHaveBeenCalledTimes(5)
      rmSync(join(project.dir, '.tenantry'), { recursive: true })
      writeFileSync(join(project.dir, '.tenantry'), 'no folder')
      expect((await project.run(['drift'])).stderr).toContain('could not be kept')
    } finally {
      made.mockRestore()
    }
  })

  test('a migration that fails there is a clear error, and the place is removed', async () => {
    configure(1)
    await database.query(`${createSchemas(1)} CREATE TABLE public.countries (id int PRIMARY KEY)`)
    project.write({
      'migrations/003_country.sql': 'ALTER TABLE clients ADD country int REFERENCES public.countries (id);',
    })
    expect((await project.up()).ok).toBe(true)
    await expect(drift()).rejects.toMatchObject({
      code: 'REFERENCE_FAILED',
      message: expect.stringMatching(/tenant up to 003_country.*scratch server "main".*countries/s),
      hint: expect.stringContaining('--between'),
      context: { migration: '003_country', cause: 'MIGRATION_FAILED' },
    })
    expect((await project.run(['drift'])).code).toBe(1)
    expect((await drift({ between: true })).ok).toBe(true)
  })

  test('what schemas build on is built around them, by the set that makes it', async () => {
    project.write({ 'platform/001_countries.sql': 'CREATE TABLE countries (id int PRIMARY KEY);' })
    project.write({
      'migrations/003_country.sql': 'ALTER TABLE clients ADD country int REFERENCES public.countries (id);',
    })
    configure(2, {
      migrations: [
        { name: 'platform', dir: './platform', tenants: { label: 'kind=platform' } },
        { name: 'tenant', dir: './migrations' },
      ],
      tenants: [
        { slug: 'platform', server: 'main', database: database.name, labels: { kind: 'platform' } },
        ...schemaTenants(2, database.name),
      ],
    })
    await applied(2)
    expect(await drift()).toMatchObject({ ok: true, failures: [] })
    await database.query('ALTER TABLE countries ADD iso text')
    const report = await drift({ selectors: { sets: ['tenant'] } })
    expect(report).toMatchObject({ ok: true, clusters: [{ set: 'tenant', targets: 2 }] })
    expect(told(await drift())).toEqual(['1 extra column countries.iso'])
  })

  test('all sets of a target make its schema, whichever is selected', async () => {
    project.write({ 'extra/001_extra.sql': 'CREATE TABLE extra (id int, client int REFERENCES clients (id));' })
    configure(2, {
      migrations: [
        { name: 'core', dir: './migrations' },
        { name: 'extra', dir: './extra', history: { table: 'extra_migrations' } },
      ],
    })
    await applied(2)
    const report = await drift({ selectors: { sets: ['core'] } })
    expect(report).toMatchObject({ ok: true, clusters: [{ set: 'core, extra', targets: 2, reference: true }] })
    await database.query('ALTER TABLE t_2.extra DROP COLUMN client')
    expect(told(await drift())).toHaveLength(1)
  })

  test('a run that is killed while it builds leaves a place, and the next run removes it', async () => {
    configure(1)
    await applied(1)
    project.write({ 'migrations/000_slow.sql': 'SELECT pg_sleep(30);' })
    await project.use((tenantry) => tenantry.baseline({ migration: '000_slow' }))
    const child = project.start(['drift'])
    const pid = child.pid ?? 0
    await expect.poll(() => scratchOf(pid)).toHaveLength(1)
    const [left = ''] = await scratchOf(pid)
    const sleeping = `SELECT pid FROM pg_stat_activity WHERE datname = '${left}' AND query LIKE '%pg_sleep%' AND wait_event = 'PgSleep'`
    await expect.poll(() => database.query(sleeping)).toHaveLength(1)
    const ended = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGKILL')
    await ended
    project.write({ 'migrations/000_slow.sql': 'SELECT 1;' })
    // While the server still works on it, it is in use.
    await drift().catch(() => {})
    expect(await scratchOf(pid)).toEqual([left])
    await database.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${left}'`)
    project.write({ 'migrations/000_slow.sql': 'SELECT 2;' })
    await drift().catch(() => {})
    expect(await scratchOf(pid)).toEqual([])
  })

  test('an interrupt removes what is being built', async () => {
    configure(1)
    await applied(1)
    project.write({ 'migrations/000_slow.sql': 'SELECT pg_sleep(30);' })
    await project.use((tenantry) => tenantry.baseline({ migration: '000_slow' }))
    const child = project.start(['drift'])
    const pid = child.pid ?? 0
    await expect.poll(() => scratchOf(pid)).toHaveLength(1)
    const code = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGINT')
    expect(await code).toBe(130)
    expect(await scratchOf(pid)).toEqual([])
  })
})

describe('names and places', () => {
  test('names that must be quoted', async () => {
    const schema = 'Größe "x" 1'
    project.write({
      'migrations/003_quoted.sql':
        'CREATE TABLE "Order ""q""" ("Id" int PRIMARY KEY, "it\'s" text DEFAULT \'a\'\'b\'); CREATE INDEX "Ix ""q""" ON "Order ""q""" ("it\'s");',
    })
    configure(1, {
      tenants: [...schemaTenants(1, database.name), { slug: 'q', server: 'main', database: database.name, schema }],
    })
    await database.query(`CREATE SCHEMA "Größe ""x"" 1"`)
    await applied(1)
    expect(await drift()).toMatchObject({ ok: true, clusters: [{ targets: 2 }] })
    await database.query(`DROP INDEX "Größe ""x"" 1"."Ix ""q"""`)
    const report = await drift()
    expect(outliers(report)).toMatchObject([
      { names: [`main/${database.name}/${schema}`], differences: [{ kind: 'index', object: 'Ix "q"' }] },
    ])
  })

  test('a history table in a schema of its own, and a schema that migrations make', async () => {
    project.write({ 'migrations/003_audit.sql': 'CREATE SCHEMA audit; CREATE TABLE audit.log (id int PRIMARY KEY);' })
    configure(0, {
      migrations: { dir: './migrations', history: { schema: 'meta', table: 'done' } },
      tenants: [{ slug: 'solo', server: 'main', database: database.name }],
    })
    await database.query('CREATE SCHEMA meta')
    await project.up()
    expect(await drift()).toMatchObject({ ok: true, clusters: [{ targets: 1 }], failures: [] })
    await database.query('ALTER TABLE audit.log ADD by_hand int')
    expect(told(await drift())).toEqual(['1 extra column audit.log.by_hand'])
  })

  test('a table that somebody holds locked keeps one target from being seen, not the others', async () => {
    configure(3, { lockTimeoutMs: 300 })
    await applied(3)
    const holder = new pg.Client(database.url)
    await holder.connect()
    try {
      await holder.query('BEGIN; LOCK TABLE t_2.clients IN ACCESS EXCLUSIVE MODE')
      const report = await drift()
      expect(report.failures).toMatchObject([{ target: `main/${database.name}/t_2`, error: { code: 'LOCK_TIMEOUT' } }])
      expect(report.clusters).toMatchObject([{ targets: 2, reference: true }])
    } finally {
      await holder.end()
    }
  }, 90_000)

  test('a database per tenant, and one that is away', async () => {
    const others = await Promise.all([freshDatabase('drift_a'), freshDatabase('drift_b')])
    try {
      const tenants = [database, ...others].map(({ name }) => ({ slug: name, server: 'main', database: name }))
      configure(0, { tenants: [...tenants, { slug: 'gone', server: 'main', database: 'no_such_database' }] })
      project.write({ 'migrations/003_ext.sql': 'CREATE EXTENSION IF NOT EXISTS "pgcrypto";' })
      await project.up()
      await others[1]?.query('ALTER TABLE orders DROP CONSTRAINT orders_client_id_fkey')
      const report = await drift()
      expect(told(report)).toEqual(['1 missing foreign-key orders.orders_client_id_fkey'])
      expect(report.failures).toMatchObject([{ target: 'main/no_such_database', error: { code: 'DATABASE_MISSING' } }])
      expect((await project.run(['drift'])).code).toBe(1)
      expect((await project.run(['drift', '--exclude', 'gone'])).code).toBe(3)
    } finally {
      for (const other of others) await other.drop()
    }
  })
})

describe('up --verify', () => {
  /** Looks for a constraint by its bare name: in the second tenant it sees the first one's. */
  const blind = `CREATE OR REPLACE FUNCTION add_once(name text, statement text) RETURNS void LANGUAGE plpgsql AS $f$
BEGIN
  EXECUTE format('DO $d$ BEGIN IF NOT EXISTS (SELECT FROM pg_' || 'constraint WHERE con' || 'name = %L) THEN %s; END IF; END $d$', name, statement);
END $f$;
CREATE TABLE lines (id int, order_id int);
SELECT add_once('lines_order_fkey', 'ALTER TABLE lines ADD CONSTRAINT lines_order_fkey FOREIGN KEY (order_id) REFERENCES orders (id)');`
  const verified = async (argv: readonly string[] = ['--verify']) => {
    const { code, stdout, stderr } = await project.run(['up', '--concurrency', '1', '--json', ...argv])
    return { code, stderr, report: JSON.parse(stdout) }
  }

  beforeEach(async () => {
    project.write({ 'migrations/003_lines.sql': blind })
    await database.query(createSchemas(4))
  })

  test('a foreign key that a check by bare name skipped is reported, and what was applied stays', async () => {
    configure(2)
    const { code, report } = await verified()
    expect(code).toBe(1)
    expect(report.targets).toMatchObject([
      { result: 'applied', error: null },
      {
        result: 'failed',
        applied: ['001_clients', '002_orders', '003_lines'],
        pending: [],
        error: {
          code: 'VERIFY_FAILED',
          message: expect.stringContaining('foreign-key lines.lines_order_fkey is missing'),
          context: { differences: [{ change: 'missing', kind: 'foreign-key' }] },
        },
      },
    ])
    expect(told(await drift())).toEqual(['1 missing foreign-key lines.lines_order_fkey'])
    expect((await verified()).code).toBe(0)
  })

  test('it is not looked for where nobody asked, and a scratch server must be there where somebody did', async () => {
    configure(2)
    expect((await verified([])).code).toBe(0)
    configure(4, { scratch: undefined })
    const { code, report } = await verified()
    expect([code, report.error.code]).toEqual([2, 'SCRATCH_MISSING'])
    expect(await database.query("SELECT FROM pg_tables WHERE schemaname = 't_4'")).toEqual([])
  })

  test('the first of several waves is looked at by default, and a finding there stops the next', async () => {
    const rollout = { waves: [{ name: 'canary', count: 2 }, { name: 'rest' }] }
    configure(4, { rollout })
    const { code, report } = await verified([])
    expect(code).toBe(1)
    expect(report.targets.map(({ result }: { result: string }) => result)).toEqual([
      'applied',
      'failed',
      'stopped',
      'stopped',
    ])
    expect((await verified([])).report.summary).toMatchObject({ applied: 2, upToDate: 2, failed: 0 })
  })

  test('where it cannot look, it says so; --no-verify asks for nothing', async () => {
    const rollout = { waves: [{ name: 'canary', count: 1 }, { name: 'rest' }] }
    configure(4, { rollout, scratch: undefined })
    const { code, report } = await verified([])
    expect(code).toBe(0)
    expect(report.notices).toMatchObject([
      { rule: 'not-verified', message: expect.stringContaining('no scratch server') },
    ])
    project.write({ 'migrations/004_more.sql': 'CREATE TABLE more (id int);' })
    expect((await verified(['--no-verify'])).report.notices).toEqual([])
    configure(4, { rollout })
    project.write({ 'migrations/005_even_more.sql': 'ALTER TABLE public.not_made_here ADD more int;' })
    await database.query('CREATE TABLE public.not_made_here (id int)')
    project.write({ 'migrations/005_even_more.sql': 'CREATE TABLE a AS SELECT id FROM public.not_made_here;' })
    const unbuilt = await verified([])
    expect(unbuilt.code).toBe(0)
    expect(unbuilt.report.notices).toMatchObject([
      { rule: 'not-verified', message: expect.stringContaining('could not be built') },
    ])
    project.write({ 'migrations/006_most.sql': 'CREATE TABLE most (id int);' })
    const asked = await verified()
    expect([asked.code, asked.report.targets[0].error.code]).toEqual([1, 'REFERENCE_FAILED'])
  })
})
