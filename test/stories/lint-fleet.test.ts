/** `lint --fleet`: what the files would do to the tenants that are there. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { postgres } from '../../src/dialects/postgres/index.ts'
import type { LintOptions, LintReport } from '../../src/model/lint.ts'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { freshMariadb, withMariadb } from '../servers/shared-mariadb.ts'
import { makeProject, type Project } from './project.ts'
import { openClient } from './raw-client.ts'

const schemas = ['t_small', 't_big', 't_idle']
const init = {
  'migrations/001_orders.sql': 'CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, note text);\n',
  'migrations/002_notes.sql': 'CREATE INDEX orders_note_idx ON orders (note);\n',
}
const pending = {
  'migrations/003_unclear_hint.sql': '-- tenantry:phase contract of notes\nALTER TABLE orders DROP COLUMN note;\n',
  'migrations/004_index.sql': 'CREATE INDEX orders_customer_idx ON orders (customer_id);\n',
  'migrations/005_state.sql':
    'ALTER TABLE orders ADD COLUMN state uuid DEFAULT gen_random_uuid();\nUPDATE orders SET customer_id = 1;\n',
}

let app: TestDatabase
let project: Project

beforeAll(async () => {
  app = await freshDatabase('lint fleet')
})

afterAll(() => app?.drop())

beforeEach(async () => {
  await app.query(schemas.map((name) => `DROP SCHEMA IF EXISTS ${name} CASCADE; CREATE SCHEMA ${name};`).join(''))
  project = makeProject()
  project.write(init)
  configure()
  await project.up()
  await app.query(`INSERT INTO t_big.orders SELECT n, n % 100, 'a note' FROM generate_series(1, 40000) n;
    INSERT INTO t_small.orders VALUES (1); ANALYZE t_big.orders; ANALYZE t_small.orders`)
  project.write(pending)
})

afterEach(() => project?.remove())

function configure(more: Record<string, unknown>[] = [], servers: Record<string, unknown> = {}): void {
  const tenants = schemas.map((schema) => ({
    ...{ slug: schema.slice(2), topology: 'schema', server: 'main', schema },
    ...(schema === 't_idle' && { state: 'suspended' }),
  }))
  project.configure({
    servers: { main: { url: app.url }, ...servers },
    tenants: [...tenants, ...more],
    lint: { squawk: false },
  })
}

const lint = (options: LintOptions = {}) => project.use((tenantry) => tenantry.lint({ fleet: true, ...options }))
const rulesOf = ({ findings }: LintReport) =>
  findings.filter(({ severity }) => severity !== 'info').map(({ rule }) => rule)
const at = (report: LintReport, rule: string) => report.findings.find((one) => one.rule === rule)

test('what takes longest in real tenants comes first; sizes are read by one query', async () => {
  const asked = vi.spyOn(postgres, 'tableSizes')
  try {
    const report = await lint()
    expect(asked).toHaveBeenCalledTimes(1)
    expect(report.fleet).toMatchObject({ targets: 2, failures: [], leftOut: 2 })
    expect(report.fleet?.assumed.scanBytesPerSecond).toBeGreaterThan(0)
    expect(report.summary.migrations).toBe(3)
    const times = report.findings.map(({ fleet }) => fleet?.totalMs ?? 0)
    expect(times).toEqual([...times].sort((a, b) => b - a))
    const index = at(report, 'index-blocks-writes')?.fleet
    expect(index).toMatchObject({
      targets: 2,
      worst: [{ target: `main/${app.name}/t_big` }, { target: `main/${app.name}/t_small`, rows: 1 }],
    })
    expect(index?.worst[0]?.rows).toBeGreaterThan(38_000)
    expect(index?.worst[0]?.bytes).toBeGreaterThan(1_000_000)
    expect(index?.worst[0]?.estimateMs).toBeGreaterThan(50)
    // A change of all rows locks no table; it takes its time all the same.
    expect(at(report, 'unbatched-change')?.fleet?.totalMs).toBeGreaterThan(10)
    expect(at(report, 'drop-column')?.fleet).toMatchObject({ targets: 2, totalMs: 0 })
    expect(at(report, 'missing-undo')?.fleet).toBeNull()
    expect(report.notices).toContainEqual(expect.objectContaining({ rule: 'idle-targets-not-read' }))
    expect(report.notices.find(({ rule }) => rule === 'tenants-not-read')).toBeUndefined()
  } finally {
    asked.mockRestore()
  }
})

test('only tenants that lack the migration count; what all have is left out, unless it is asked for', async () => {
  await app.query('DELETE FROM t_big.orders')
  await project.use((tenantry) => tenantry.up({ selectors: { tenants: ['big'] }, to: '004' }))
  const report = await lint()
  // The contract step was held back (there is no earlier step), or not: 004 is applied in one, and pending in the other.
  const index = at(report, 'index-blocks-writes')
  expect(index?.fleet?.worst.map(({ target }) => target)).toEqual([`main/${app.name}/t_small`])
  expect(report.findings.some(({ migration }) => migration === '002_notes')).toBe(false)

  const all = await lint({ all: true })
  expect(all.fleet?.leftOut).toBe(0)
  expect(all.summary.migrations).toBe(5)
  const old = all.findings.find(({ migration, rule }) => migration === '002_notes' && rule === 'index-blocks-writes')
  expect(old?.fleet).toEqual({ targets: 0, worst: [], totalMs: 0 })
  const named = await lint({ migrations: ['002'] })
  expect(named.summary.migrations).toBe(1)
  expect(rulesOf(named)).toContain('index-blocks-writes')
})

test('a migration that was edited after it was applied is an error, left out or not; it can be waived', async () => {
  project.write({ 'migrations/002_notes.sql': 'CREATE INDEX orders_note_idx ON orders (note, id);\n' })
  const report = await lint()
  const finding = at(report, 'changed-after-applied')
  expect(finding).toMatchObject({ severity: 'error', file: 'migrations/002_notes.sql', migration: '002_notes' })
  expect(finding?.message).toBe(`002_notes is not what was applied in main/${app.name}/t_big and 1 more`)
  expect(report.fleet?.leftOut).toBe(2)
  expect(await project.use((tenantry) => tenantry.lint()).then(rulesOf)).not.toContain('changed-after-applied')

  const reason = 'it differs in a comment'
  project.write({
    'migrations/002_notes.sql': `-- tenantry:ignore changed-after-applied because ${reason}\n\nCREATE INDEX orders_note_idx ON orders (note);\n`,
  })
  const waived = await lint()
  expect(rulesOf(waived)).not.toContain('changed-after-applied')
  expect(waived.ignored).toContainEqual(expect.objectContaining({ rule: 'changed-after-applied', reason }))
  // Without the fleet nothing is found there, and the comment is no mistake.
  expect(rulesOf(await project.use((tenantry) => tenantry.lint()))).not.toContain('ignore-unused')
})

test('a server that is away is said; the rest is linted and ranked, and the exit code is 1', async () => {
  const gone = { slug: 'gone', topology: 'database', server: 'away', database: 'gone' }
  configure([gone], { away: { url: 'postgres://u:sesame-4711@127.0.0.1:1/gone' } })
  const report = await lint()
  expect(report.fleet).toMatchObject({ targets: 2, leftOut: 2, failures: [{ target: 'away/gone' }] })
  expect(report.fleet?.failures[0]?.error.code).toBe('SERVER_UNREACHABLE')
  expect(at(report, 'index-blocks-writes')?.fleet?.targets).toBe(2)
  expect(JSON.stringify(report)).not.toContain('sesame')

  const ended = await project.run(['lint', '--fleet'])
  expect(ended.code).toBe(1)
  expect(ended.stdout).toMatch(/not read: away\/gone could not be read: /)
  expect(ended.stdout).toMatch(
    /fleet: 2 targets, for a moment; largest: main\/.*\/t_big \(about 40,000 rows, [\d.]+ MB\)/,
  )
  expect(ended.stdout).toContain('times are estimates')
  expect(ended.stdout).toContain('2 targets read · 2 migrations that they all have left out')
})

test('where no server answers, everything is linted as without it', async () => {
  project.configure({
    servers: { main: { url: 'postgres://127.0.0.1:1/app' } },
    tenants: { from: 'schemas', server: 'main', database: 'app', like: 't\\_%' },
    lint: { squawk: false },
  })
  const report = await lint()
  expect(report.fleet).toMatchObject({ targets: 0, leftOut: 0, failures: [{ target: null }] })
  expect(report.summary.migrations).toBe(5)
  expect(rulesOf(report)).toContain('index-blocks-writes')
  expect((await project.run(['lint', '--fleet', '--json'])).code).toBe(1)
})

test('a table that somebody has locked does not hold it up', async () => {
  const other = await openClient(app.url)
  try {
    await other.query('BEGIN; LOCK TABLE t_big.orders')
    const config = JSON.stringify({
      servers: { main: { url: app.url } },
      tenants: [{ slug: 'big', topology: 'schema', server: 'main', schema: 't_big' }],
      lockTimeoutMs: 200,
      lint: { squawk: false },
    })
    project.write({ 'tenantry.config.json': config })
    const report = await lint()
    expect(report.fleet?.failures).toEqual([])
    expect(at(report, 'index-blocks-writes')?.fleet?.worst[0]?.rows).toBeGreaterThan(38_000)
  } finally {
    await other.end()
  }
})

test('annotations and SARIF say it, too; `--all` needs `--fleet`', async () => {
  const github = await project.run(['lint', '--fleet', '--format', 'github'])
  expect(github.code).toBe(3)
  expect(github.stdout).toMatch(/index-blocks-writes::.*fleet: 2 targets/)
  const sarif = JSON.parse((await project.run(['lint', '--fleet', '--format', 'sarif'])).stdout)
  const texts = sarif.runs[0].results.map(({ message }: { message: { text: string } }) => message.text)
  expect(texts.some((text: string) => text.includes('fleet: 2 targets'))).toBe(true)
  const wrong = await project.run(['lint', '--all'])
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('`--all` goes with `--fleet`')])
})

withMariadb('on MariaDB', () => {
  test('sizes of every database rank what copies a table', async () => {
    const databases = [await freshMariadb('lint_fleet_a'), await freshMariadb('lint_fleet_b')]
    try {
      const tenants = databases.map(({ name }, i) => ({
        slug: `m${i}`,
        topology: 'database',
        server: 'main',
        database: name,
      }))
      project.configure({ servers: { main: { url: databases[0]?.server.url() } }, tenants })
      project.write({
        'migrations/001_orders.sql': 'CREATE TABLE orders (id BIGINT PRIMARY KEY, amount INT);\n',
        'migrations/002_notes.sql': 'ALTER TABLE orders ADD COLUMN note TEXT;\n',
        'migrations/003_unclear_hint.sql': 'SELECT 1;\n',
        'migrations/004_index.sql': 'SELECT 1;\n',
        'migrations/005_state.sql': 'SELECT 1;\n',
      })
      await project.up()
      await databases[1]?.query('INSERT INTO orders (id, amount) SELECT seq, seq FROM seq_1_to_5000')
      await databases[1]?.query('ANALYZE TABLE orders')
      project.write({ 'migrations/006_amount.sql': 'ALTER TABLE orders MODIFY amount BIGINT;\n' })
      const report = await lint()
      expect(report.fleet).toMatchObject({ targets: 2, failures: [], leftOut: 5 })
      const fleet = at(report, 'change-type')?.fleet
      expect(fleet?.worst.map(({ target }) => target)).toEqual([
        `main/${databases[1]?.name}`,
        `main/${databases[0]?.name}`,
      ])
      expect(fleet?.worst[0]?.rows).toBeGreaterThan(4500)
    } finally {
      await Promise.all(databases.map((database) => database.drop()))
    }
  })
})
