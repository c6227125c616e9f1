/** Kysely migrations that misbehave: a clear error for their own target, in the right state, and the others go on. */
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { FleetReport } from '../../src/model/report.ts'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { files, mustSucceed, withMigrator } from './kysely-native.ts'
import { createSchemas, makeProject, type Project, resultOf, schemaTenants } from './project.ts'
import { openClient } from './raw-client.ts'

let database: TestDatabase
let project: Project

beforeAll(async () => {
  database = await freshDatabase('kysely_faults')
})
afterAll(() => database?.drop())

beforeEach(async () => {
  await database.query('DROP SCHEMA IF EXISTS t_1, t_2, t_3 CASCADE')
  await database.query(createSchemas(3))
  project = makeProject()
  symlinkSync(join(process.cwd(), 'node_modules'), join(project.dir, 'node_modules'))
  project.write({
    'package.json': '{ "type": "module" }',
    'migrations/001_ok.ts': `import type { Kysely } from 'kysely'
export async function up(db: Kysely<any>): Promise<void> {
  await db.schema.createTable('ok').addColumn('id', 'serial', (col) => col.primaryKey()).execute()
}
`,
  })
})
afterEach(() => project?.remove())

function configure(more: Record<string, unknown> = {}): void {
  project.configure({ servers: { main: { url: database.url } }, tenants: schemaTenants(3, database.name), ...more })
}

/** A migration that makes a table everywhere, and then does something only in `t_2`. */
const inSecond = (code: string, more = '') => `import { Kysely, PostgresDialect, sql } from 'kysely'
${more}
export async function up(db) {
  await db.schema.createTable('made').addColumn('id', 'integer').execute()
  const { rows: [{ name }] } = await sql\`select current_schema() as name\`.execute(db)
  if (name !== 't_2') return
  ${code}
}
export async function down(db) { await db.schema.dropTable('made').execute() }
`

const tables = async (schema: string) => {
  const rows = await database.query(`SELECT tablename FROM pg_tables WHERE schemaname = '${schema}' ORDER BY 1`)
  return rows.map(({ tablename }) => tablename).filter((name) => !/^(kysely_|tenantry_)/.test(String(name)))
}
const names = async (schema: string) => {
  const rows = await database.query(`SELECT name FROM ${schema}.kysely_migration ORDER BY timestamp, name`)
  return rows.map(({ name }) => name)
}

/** The second tenant failed and is as it was before; the others have it all. */
async function expectOnlySecond(report: FleetReport): Promise<NonNullable<FleetReport['error']>> {
  const { error, result } = resultOf(report, 't2')
  expect(result).toBe('failed')
  for (const [slug, schema] of [
    ['t1', 't_1'],
    ['t3', 't_3'],
  ] as const) {
    expect(resultOf(report, slug)).toMatchObject({ result: 'applied', error: null })
    expect([await tables(schema), await names(schema)]).toEqual([
      ['made', 'ok'],
      ['001_ok', '002_bad'],
    ])
  }
  expect([await tables('t_2'), await names('t_2')]).toEqual([['ok'], ['001_ok']])
  if (error === null) throw new Error('It has no error.')
  return error
}

describe.each<[string, string, string, string | RegExp]>([
  ['throws', 'throw new Error("boom")', 'MIGRATION_FAILED', /at line 7.*it threw: boom/],
  [
    'sends what the server refuses',
    'await db.insertInto("nowhere").values({ a: "secret-value" }).execute()',
    'MIGRATION_FAILED',
    'nowhere',
  ],
  ['never comes back', 'await new Promise(() => {})', 'MIGRATION_TIMEOUT', '002_bad'],
  ['ends the process', 'process.exit(0)', 'MIGRATION_FAILED', 'process.exit'],
  ['commits in SQL', 'await sql`commit`.execute(db)', 'LEFT_TRANSACTION', 'it tried to end'],
  [
    'rolls back in SQL, and swallows it',
    'await sql`rollback`.execute(db).catch(() => {})',
    'LEFT_TRANSACTION',
    'it tried to end',
  ],
  [
    'leaves a transaction open',
    'await (await db.startTransaction().execute()).schema.createTable("x").addColumn("id", "integer").execute()',
    'LEFT_TRANSACTION',
    'did not end it',
  ],
  [
    'forgets to await what fails',
    'db.insertInto("nowhere").values({ a: "secret-value" }).execute().catch(() => {})',
    'MIGRATION_FAILED',
    'nowhere',
  ],
  [
    'opens a connection, and hides it',
    `await sql\`select 1\`.execute(other).catch(() => {})`,
    'MIGRATION_UNSUPPORTED',
    'a connection of its own',
  ],
  [
    'swallows the failure of a statement',
    'await sql`select 1/0`.execute(db).catch(() => {})',
    'MIGRATION_FAILED',
    'division by zero',
  ],
])('a migration that %s', (_, code, errorCode, message) => {
  test(`fails with ${errorCode} in its own target`, async () => {
    configure({ migrationTimeoutMs: 1500 })
    // As an application's own module makes it.
    const other = `const other = new Kysely({ dialect: new PostgresDialect({ pool: { connect() { throw new Error('asked') } } }) })`
    project.write({ 'migrations/002_bad.js': inSecond(code, other) })
    const error = await expectOnlySecond(await project.up())
    expect(error).toMatchObject({ code: errorCode, message: expect.stringMatching(message) })
    expect(error.context).toMatchObject({ migration: '002_bad', file: 'migrations/002_bad.js' })
    expect(error.hint).toBeTruthy()
    // Kysely's files have no setting of their own for it.
    if (errorCode === 'LEFT_TRANSACTION' && code.includes('commit')) expect(error.hint).toContain('disableTransactions')
    expect(JSON.stringify(error)).not.toContain('secret-value')
  })
})

test('transactions, schemas, parallel and forgotten queries and a destroyed instance work as with Kysely', async () => {
  configure()
  project.write({
    'migrations/002_a.js': `import { sql } from 'kysely'
export async function up(db) {
  await db.transaction().setIsolationLevel('serializable').execute(async (trx) => {
    await trx.schema.createTable('a').addColumn('id', 'integer').addColumn('full_name', 'text').execute()
    await trx.insertInto('a').values({ id: 1, full_name: 'x' }).execute()
  })
  await db.transaction().execute(async (trx) => {
    await trx.insertInto('a').values({ id: 2 }).execute()
    throw new Error('taken back')
  }).catch(() => {})
  const trx = await db.startTransaction().execute()
  await trx.insertInto('a').values({ id: 3 }).execute()
  await trx.rollback().execute()
  await Promise.all([4, 5].map((id) => db.insertInto('a').values({ id }).execute()))
  await db.connection().execute((one) => sql\`insert into a (id) values (6)\`.execute(one))
  const [{ schema }] = (await db.introspection.getTables()).filter(({ name }) => name === 'ok')
  const { numUpdatedRows } = await db.withSchema(schema).updateTable('a').set({ full_name: schema }).executeTakeFirst()
  if (numUpdatedRows !== 4n) throw new Error('rows: ' + numUpdatedRows)
  await db.destroy()
}
export async function down(db) { await db.schema.dropTable('a').execute() }
`,
    'migrations/003_forgets.js': `export function up(db) {
  db.schema.createTable('b').addColumn('id', 'integer').execute().then(() => db.insertInto('b').values({ id: 1 }).execute())
}`,
  })
  const report = await project.up()
  for (const slug of ['t1', 't2', 't3'])
    expect(resultOf(report, slug)).toMatchObject({ result: 'applied', error: null })
  expect(await database.query('SELECT id, full_name FROM t_3.a ORDER BY id')).toEqual(
    [1, 4, 5, 6].map((id) => ({ id, full_name: 't_3' })),
  )
  expect(await database.query('SELECT id FROM t_2.b')).toEqual([{ id: 1 }])
})

test('one without `down` is not undone, and says so', async () => {
  configure()
  await project.up()
  const report = await project.use((tenantry) => tenantry.down({ unproven: true, allowDataLoss: true }))
  expect(resultOf(report, 't1').error).toMatchObject({ message: expect.stringContaining('001_ok') })
  expect(await names('t_1')).toEqual(['001_ok'])
})

test('what kysely.config says is kept: folder, tables, plugins, and the prefix of new files', async () => {
  project.write({
    'tools/kysely.config.ts': `import { CamelCasePlugin } from 'kysely'
export default {
  dialect: 'pg',
  dialectConfig: () => { throw new Error('not to be asked') },
  migrations: {
    migrationFolder: '../db/steps', allowJS: true,
    migrationTableName: 'steps', migrationLockTableName: 'steps_lock', getMigrationPrefix: () => 'next_',
  },
  plugins: [new CamelCasePlugin()],
}
`,
    'db/steps/001_a.js': `export async function up(db) {
  await db.schema.createTable('camelCased').addColumn('fullName', 'text').execute()
  await db.insertInto('camelCased').values({ fullName: 'x' }).execute()
  const { fullName } = await db.selectFrom('camelCased').select('fullName').executeTakeFirstOrThrow()
  if (fullName !== 'x') throw new Error('not mapped')
}`,
  })
  project.configure({
    migrations: { format: 'kysely', kyselyConfig: './tools/kysely.config.ts' },
    servers: { main: { url: database.url } },
    tenants: schemaTenants(1, database.name),
  })
  expect(resultOf(await project.up(), 't1')).toMatchObject({ applied: ['001_a'], error: null })
  expect(await database.query('SELECT full_name FROM t_1.camel_cased')).toEqual([{ full_name: 'x' }])
  const place = { kind: 'schema' as const, url: database.url, schema: 't_1' }
  const own = { migrationTableName: 'steps', migrationLockTableName: 'steps_lock' }
  expect(
    await withMigrator(
      place,
      join(project.dir, 'db/steps'),
      async (one) => mustSucceed(await one.migrateToLatest()),
      own,
    ),
  ).toEqual([])
  expect((await tables('t_1')).sort()).toEqual(['camel_cased', 'steps', 'steps_lock'])
  const { files } = await project.use((tenantry) => tenantry.make('more'))
  expect(JSON.stringify(files)).toContain('db/steps/next_more.js')
})

test('drift, verify and proofs', async () => {
  project.write(
    Object.fromEntries(Object.entries(files).map(([name, text]) => [`shop/${name.replace(/js$/, 'ts')}`, text])),
  )
  configure({ migrations: { dir: './shop' }, scratch: { server: 'main' } })
  await project.up()
  const drift = () => project.use((tenantry) => tenantry.drift())
  expect(await drift()).toMatchObject({ ok: true, clusters: [{ targets: 3, reference: true }], failures: [] })
  await database.query('ALTER TABLE t_2.customers ADD COLUMN by_hand integer')
  const found = (await drift()).clusters.filter(({ reference }) => !reference)
  expect(found).toMatchObject([{ targets: 1, differences: [{ object: 'customers.by_hand' }] }])
  const verified = await project.use((tenantry) => tenantry.verify())
  expect(verified).toMatchObject({ ok: true, targets: [{ findings: [] }, { findings: [] }, { findings: [] }] })
  const proof = await project.use((tenantry) => tenantry.prove())
  expect(proof.migrations.map(({ migration, verdict }) => [migration.slice(15), verdict])).toEqual([
    ['customers', 'reversible'],
    ['orders', 'reversible'],
    ['seen', 'reversible'],
    // Its `down` empties a table.
    ['fill', 'lossy'],
  ])
})

describe('the lock of Kysely', () => {
  const key = '3853314791062309107'
  const place = { kind: 'schema' as const, url: '', schema: 't_1' }
  const native = () =>
    withMigrator({ ...place, url: database.url }, join(project.dir, 'steps'), async (one) =>
      mustSucceed(await one.migrateToLatest()),
    )
  const slow = `import { sql } from 'kysely'
export async function up(db) {
  await db.schema.createTable('made').addColumn('id', 'integer').execute()
  await sql\`select pg_sleep(1)\`.execute(db)
}`

  test('keeps a run of Kysely waiting while ours work, which do not wait for each other', async () => {
    project.write({ 'steps/001_slow.js': slow })
    configure({ migrations: { dir: './steps' } })
    const ours = project.up()
    const shared = async () => {
      const sql = `select count(*)::int as n from pg_locks where locktype = 'advisory' and mode = 'ShareLock' and ((classid::bigint << 32) | objid::bigint) = ${key}`
      return Number((await database.query(sql))[0]?.n)
    }
    await expect.poll(shared, { timeout: 20_000, interval: 20 }).toBeGreaterThan(1)
    const tool = native()
    // Were it let in, it would make the same table.
    for (const slug of ['t1', 't2', 't3']) expect(resultOf(await ours, slug)).toMatchObject({ error: null })
    expect(await tool).toEqual([])
  })

  test('is waited for, and who holds it is named', async () => {
    configure({ targetLockWaitMs: 1000 })
    const holder = await openClient(`${database.url}?application_name=kysely-migrator`)
    try {
      await holder.query(`select pg_advisory_lock(${key})`)
      const report = await project.up()
      expect(resultOf(report, 't1').error).toMatchObject({
        code: 'NATIVE_LOCKED',
        message: expect.stringContaining('kysely-migrator'),
      })
      const again = project.up()
      await sleep(300)
      await holder.query(`select pg_advisory_unlock(${key})`)
      expect(resultOf(await again, 't1')).toMatchObject({ result: 'applied', error: null })
    } finally {
      await holder.end()
    }
  })
})
