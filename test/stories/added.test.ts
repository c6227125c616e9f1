/**
 * What the pages on adding a format and a dialect show, run as it stands there: the suites of the built-in ones over it,
 * and whole fleets, through nothing but a config.
 */
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { AddedDialect } from '../../src/model/added-dialect.ts'
import type { UpOptions } from '../../src/model/report.ts'
import { filesOfPage, importPageFile } from '../cli/page-files.ts'
import { describeDialect } from '../conformance/dialect.ts'
import { describeFormat, type FormatSample } from '../conformance/format.ts'
import { postgresSample } from '../conformance/postgres-sample.ts'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { makeProject, type Project, resultOf } from './project.ts'

const formatPage = filesOfPage('add-a-format.md')
const dialectPage = filesOfPage('add-a-dialect.md')

const shown = makeProject()
shown.write({ ...formatPage, ...dialectPage })
afterAll(() => shown.remove())

const { sample } = await importPageFile<{ sample: FormatSample }>(join(shown.dir, 'sample.ts'))
describeFormat(sample)

const { pgtoken } = await importPageFile<{ pgtoken: AddedDialect }>(join(shown.dir, 'pgtoken.ts'))
describeDialect({ ...postgresSample, dialect: await pgtoken.load() })

let project: Project
let database: TestDatabase
const setVariable = (name: string, value: string) => vi.stubEnv(name, value)

/** A project and a database for each test of a `describe`; the suites above bring their own. */
function useProject(): void {
  beforeEach(async () => {
    project = makeProject()
    database = await freshDatabase('added')
    await database.query('CREATE SCHEMA tenant_a; CREATE SCHEMA tenant_b')
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    project.remove()
    await database.drop()
  })
}

const up = (options?: UpOptions) => project.use((tenantry) => tenantry.up(options))
const down = () => project.use((tenantry) => tenantry.down({ unproven: true, allowDataLoss: true }))

describe('the format of the page', () => {
  useProject()
  const rows = async (schema: string) =>
    (await database.query(`SELECT version, md5, run_at FROM ${schema}.schemaversion ORDER BY version`)).map(
      ({ version, md5, run_at }) => `${version} ${md5 ?? '-'} ${run_at === null ? 'never' : 'then'}`,
    )
  const columns = (schema: string) =>
    database.query(
      `SELECT column_name, data_type, is_nullable, column_default FROM information_schema.columns
       WHERE table_schema = '${schema}' AND table_name = 'schemaversion' ORDER BY column_name`,
    )

  beforeEach(async () => {
    setVariable('DATABASE_URL', database.url)
    project.write({
      ...formatPage,
      'migrations/001.do.customers.sql': '-- Description: Who buys\nCREATE TABLE customers (id int PRIMARY KEY);',
      'migrations/001.undo.customers.sql': 'DROP TABLE customers;',
      'migrations/2.do.name.sql': 'ALTER TABLE customers ADD name text;',
      'migrations/2.undo.name.sql': 'ALTER TABLE customers DROP name;',
      'migrations/010.do.own_history.sql': `CREATE TABLE seen AS SELECT max(version) AS version FROM schemaversion;
ALTER TABLE schemaversion ADD note text;
GRANT SELECT ON schemaversion TO PUBLIC;`,
      'migrations/010.undo.own_history.sql': 'ALTER TABLE schemaversion DROP note;\nDROP TABLE seen;',
    })
    // As `ensureTable` and `persistActionSql` of postgrator 8 leave it after two migrations.
    await database.query(`SET search_path = tenant_a;
CREATE TABLE "schemaversion" (version BIGINT PRIMARY KEY);
INSERT INTO "schemaversion" (version) VALUES (0);
ALTER TABLE "schemaversion" ADD COLUMN name TEXT;
ALTER TABLE "schemaversion" ADD COLUMN md5 TEXT;
ALTER TABLE "schemaversion" ADD COLUMN run_at TIMESTAMP WITH TIME ZONE;
CREATE TABLE customers (id int PRIMARY KEY);
ALTER TABLE customers ADD name text;
INSERT INTO "schemaversion" (version, name, md5, run_at) VALUES (1, 'customers', 'a1', '2025-01-02 03:04:05.678');
INSERT INTO "schemaversion" (version, name, md5, run_at) VALUES (2, 'name', 'b2', '2025-01-02 03:04:05.789');`)
  })

  test('is found out, goes on with what the tool applied, and leaves what the tool would', async () => {
    const adopted = await project.use((tenantry) => tenantry.adopt())
    expect(adopted.sets).toMatchObject([{ format: 'postgrator' }])
    expect(adopted.sets[0]?.tables).toContainEqual({ table: 'schemaversion', targets: 1 })
    expect(await rows('tenant_a')).toEqual(['0 - never', '1 a1 then', '2 b2 then'])

    const report = await up()
    expect(resultOf(report, 'tenant_a')).toMatchObject({ error: null, applied: ['010.own_history'] })
    expect(resultOf(report, 'tenant_b')).toMatchObject({
      error: null,
      applied: ['001.customers', '2.name', '010.own_history'],
    })
    expect(await rows('tenant_a')).toEqual(['0 - never', '1 a1 then', '2 b2 then', '10 - then'])
    expect(await rows('tenant_b')).toEqual(['0 - never', '1 - then', '2 - then', '10 - then'])
    expect(await columns('tenant_b')).toEqual(await columns('tenant_a'))
    expect(await database.query('SELECT version::int FROM tenant_b.seen')).toEqual([{ version: 2 }])

    const status = await project.use((tenantry) => tenantry.status())
    expect(status.targets.map(({ result }) => result)).toEqual(['up-to-date', 'up-to-date'])
    expect(await project.use((tenantry) => tenantry.drift())).toMatchObject({ ok: true })

    for (const undone of ['010.own_history', '2.name'])
      expect((await down()).targets.map((target) => target.undone)).toEqual([[undone], [undone]])
    expect(await rows('tenant_b')).toEqual(['0 - never', '1 - then'])
    expect(await up()).toMatchObject({ ok: true })

    await database.query('ALTER TABLE tenant_b.customers ADD by_hand int')
    const drift = await project.use((tenantry) => tenantry.drift())
    expect(drift.ok).toBe(false)
    expect(JSON.stringify(drift)).toContain('by_hand')
  })

  test('a broken, an edited and a late file are found as in any format', async () => {
    project.write({
      'migrations/011.do.broken.sql': 'CREATE TABLE fine (id int);\n\nCREATE TABLE broken (id nothing);',
    })
    const { error } = resultOf(await up(), 'tenant_b')
    expect(error).toMatchObject({
      code: 'MIGRATION_FAILED',
      context: { file: 'migrations/011.do.broken.sql', migration: '011.broken', line: 3 },
    })
    expect(await rows('tenant_b')).toEqual(['0 - never', '1 - then', '2 - then', '10 - then'])
    rmSync(join(project.dir, 'migrations/011.do.broken.sql'))

    project.write({ 'migrations/2.do.name.sql': 'ALTER TABLE customers ADD name varchar(10);' })
    expect(resultOf(await up(), 'tenant_b').error).toMatchObject({ code: 'MIGRATION_CHANGED' })
    project.write({ 'migrations/2.do.name.sql': 'ALTER TABLE customers ADD name text;' })

    project.write({ 'migrations/003.do.late.js': 'exports.generateSql = () => "SELECT 1"' })
    await expect(up()).rejects.toMatchObject({ code: 'MIGRATIONS_UNREADABLE', context: { file: /late\.js/ } })
  })

  test('the built program knows it, and writes its files', async () => {
    const env = { DATABASE_URL: database.url }
    const made = await project.run(['make', 'Add orders'], env)
    expect([made.code, made.stderr]).toEqual([0, ''])
    expect(readFileSync(join(project.dir, 'migrations/011.do.add_orders.sql'), 'utf8')).toContain('Add orders')
    const ended = await project.run(['up', '--json'], env)
    expect(JSON.parse(ended.stdout)).toMatchObject({ ok: true, summary: { targets: 2, applied: 2 } })
  })

  test('its history table can be kept for files of another format', async () => {
    project.write({
      'tenantry.config.ts': (formatPage['tenantry.config.ts'] ?? '').replace(
        'formats: [postgrator],',
        "formats: [postgrator],\n  migrations: { dir: './plain', format: 'sql', history: { kind: 'postgrator' } },",
      ),
      'plain/001_customers.sql': 'CREATE TABLE customers (id int PRIMARY KEY);',
      'plain/002_name.sql': 'ALTER TABLE customers ADD name text;',
      'plain/003_orders.sql': 'CREATE TABLE orders (id int);',
    })
    const report = await up()
    expect(resultOf(report, 'tenant_a').applied).toEqual(['003_orders'])
    expect(resultOf(report, 'tenant_b').applied).toHaveLength(3)
    expect(await rows('tenant_a')).toEqual(['0 - never', '1 a1 then', '2 b2 then', '3 - then'])
  })
})

describe('the dialect of the page', () => {
  useProject()
  let role: string
  let asked: string
  const tokenIs = async (token: string) => {
    await database.server.query(`ALTER ROLE ${role} PASSWORD '${token}'`)
    writeFileSync(join(project.dir, 'token'), token)
  }
  const timesAsked = () => readFileSync(asked, 'utf8').trim().split('\n').filter(Boolean).length

  beforeEach(async () => {
    role = `app_${database.name.slice(-8)}`
    asked = join(project.dir, 'asked')
    const command = join(project.dir, 'token.sh')
    const { hostname, port } = new URL(database.url)
    await database.server.query(`CREATE ROLE ${role} LOGIN SUPERUSER`)
    project.write({
      ...dialectPage,
      'token.sh': `#!/bin/sh\necho "$@" >> '${asked}'\ncat '${join(project.dir, 'token')}'\n`,
      asked: '',
      'migrations/001_customers.sql': 'CREATE TABLE customers (id int PRIMARY KEY);',
      'migrations/002_name.sql': 'ALTER TABLE customers ADD name text;',
      'migrations/rollbacks/002_name.sql': 'ALTER TABLE customers DROP name;',
    })
    chmodSync(command, 0o755)
    setVariable('PGTOKEN_COMMAND', command)
    setVariable('DATABASE_URL', `pgtoken://${role}@${hostname}:${port}/${database.name}?sslmode=disable`)
    await tokenIs('planted-first')
  })
  afterEach(async () => {
    await database.server.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`).catch(() => [])
  })

  test('a fleet is migrated, compared and undone with tokens that expire meanwhile', async () => {
    await project.use(async (tenantry) => {
      expect(await tenantry.up()).toMatchObject({ ok: true, summary: { applied: 2 } })
      expect(timesAsked()).toBe(1)
      expect(readFileSync(asked, 'utf8')).toContain(` ${role}\n`)
      const [row] = await database.query(
        "SELECT tableowner FROM pg_tables WHERE schemaname = 'tenant_b' AND tablename = 'customers'",
      )
      expect(row).toEqual({ tableowner: role })

      // The old one is refused from now on, and every session is gone.
      await tokenIs('planted-second')
      await database.server.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${role}'`)
      await expect
        .poll(async () => (await tenantry.status()).targets.map(({ result }) => result))
        .toEqual(['up-to-date', 'up-to-date'])
      expect(timesAsked()).toBe(2)
      expect(await tenantry.drift()).toMatchObject({ ok: true })
      const undone = await tenantry.down({ unproven: true, allowDataLoss: true })
      expect(undone.targets.map((target) => target.undone)).toEqual([['002_name'], ['002_name']])
    })
  })

  test('an application gets a function for its connections', async () => {
    await up()
    await project.use(async (tenantry) => {
      const connection = await tenantry.connectionFor('tenant_a')
      expect(await connection.query('SELECT current_user AS me, current_schema AS here')).toEqual([
        { me: role, here: 'tenant_a' },
      ])
      const pool = new pg.Pool(await connection.driverOptions())
      expect((await pool.query('SELECT current_user AS me')).rows).toEqual([{ me: role }])
      await pool.end()
    })
  })

  test('a token that is refused, and a command that fails, fail their targets and show no credential', async () => {
    await database.server.query(`ALTER ROLE ${role} PASSWORD 'planted-other'`)
    const refused = await up().catch((error: unknown) => error)
    expect(JSON.stringify(refused)).toContain('AUTHENTICATION_FAILED')
    setVariable('PGTOKEN_COMMAND', join(project.dir, 'no-such-command'))
    const failed = await up().catch((error: unknown) => error)
    expect(JSON.stringify(failed)).toContain('PGTOKEN_COMMAND failed')
    expect(JSON.stringify([refused, failed])).not.toContain('planted-')
  })

  test('the built program runs it; a dialect that is not what it says, or throws, is refused', async () => {
    const { PATH, PGTOKEN_COMMAND, DATABASE_URL } = process.env
    const env = { PATH, PGTOKEN_COMMAND, DATABASE_URL }
    expect(await project.run(['up'], env)).toMatchObject({ code: 0, stdout: expect.stringContaining('2 applied') })
    const source = dialectPage['pgtoken.ts'] ?? ''
    for (const [was, is, message] of [
      ["      name: 'pgtoken',\n", '', 'gave postgres of the family postgres'],
      ["await loadDialect('postgres')", "await Promise.reject(new Error('no such luck'))", 'no such luck'],
    ] as const) {
      expect(source).toContain(was)
      // A file is imported once in a process.
      const copy = `${message.replaceAll(' ', '-')}.ts`
      const config = `config-${copy}`
      const text = (dialectPage['tenantry.config.ts'] ?? '').replace('pgtoken.ts', copy)
      project.write({ [copy]: source.replace(was, is), [config]: text })
      await expect(project.use((tenantry) => tenantry.up(), { config })).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining(message),
      })
    }
    project.write(dialectPage)
    setVariable('DATABASE_URL', 'pgtokens://app@localhost/app')
    await expect(up()).rejects.toMatchObject({ message: expect.stringContaining('pgtoken:, postgres:') })
  })
})
