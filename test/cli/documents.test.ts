/** What the command line prints: text for people, one document for programs, and the exit code that goes with it. */
import { chmodSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { TargetResult } from '../../src/model/rollout.ts'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { createSchemas, makeProject, type Project, schemaTenants } from '../stories/project.ts'

let database: TestDatabase
let project: Project

beforeAll(async () => {
  database = await freshDatabase('documents')
})

afterAll(() => database?.drop())

beforeEach(async () => {
  await database.query(
    'drop schema if exists t_1 cascade; drop schema if exists t_2 cascade; drop schema if exists t_3 cascade',
  )
  await database.query(createSchemas(3))
  project = makeProject()
  project.write({
    'migrations/001_contact.sql': '-- Description: People we know\ncreate table contact (id int primary key);\n',
    'migrations/002_vendor.sql': 'create table vendor (id int primary key);\n',
    'migrations/rollbacks/002_vendor.sql': 'drop table vendor;\n',
  })
  configure(3)
})

afterEach(() => project?.remove())

function configure(count: number, more: Record<string, unknown> = {}): void {
  project.configure({ servers: { main: { url: database.url } }, tenants: schemaTenants(count, database.name), ...more })
}

const lists = [
  'tenants',
  'applied',
  'undone',
  'pending',
  'failed',
  'changed',
  'missing',
  'outOfOrder',
  'unverified',
] as const
const kinds = ['applied', 'undone', 'up-to-date', 'pending', 'failed', 'skipped', 'stopped']

/** Runs with `--json` and checks that stdout is one document of the shape that every fleet report has. */
async function fleetDocument(argv: readonly string[], code: number) {
  const ended = await project.run([...argv, '--json'])
  expect([argv, ended.code, ended.code === code ? '' : ended.stderr + ended.stdout]).toEqual([argv, code, ''])
  const document = JSON.parse(ended.stdout)
  expect(document.command).toBe(argv[0] === 'up' && argv.includes('--dry-run') ? 'plan' : argv[0])
  expect(typeof document.ok).toBe('boolean')
  for (const count of ['targets', 'applied', 'undone', 'upToDate', 'failed', 'skipped', 'stopped', 'durationMs'])
    expect(Number.isInteger(document.summary[count])).toBe(true)
  expect(document.summary.targets).toBe(document.targets.length)
  for (const target of document.targets as TargetResult[]) {
    expect(kinds).toContain(target.result)
    expect(target.target).toMatch(/^main\/[^/]+\/t_\d+$/)
    expect([typeof target.set, typeof target.durationMs]).toEqual(['string', 'number'])
    for (const list of lists) expect(Array.isArray(target[list])).toBe(true)
    if (target.error === null) continue
    expect(Object.keys(target.error).sort()).toEqual(['code', 'context', 'hint', 'message'])
  }
  return document
}

describe('documents and exit codes', () => {
  test('of a folder without migrations, which must not look like a fleet that has them all', async () => {
    project.write({ 'image/.gitkeep': '' })
    configure(3, { migrations: { dir: './image' } })
    const up = await fleetDocument(['up'], 0)
    expect(up.notices).toMatchObject([{ rule: 'no-migrations', message: 'There are no migrations in image.' }])
  })

  test('of a fleet that is new, broken, mended, undone', async () => {
    const plan = await fleetDocument(['plan'], 0)
    expect(plan).toMatchObject({ ok: true, rollout: null, summary: { pending: 3 }, error: null })
    expect(plan.targets[0]).toMatchObject({ result: 'pending', pending: ['001_contact', '002_vendor'] })
    await fleetDocument(['check'], 3)
    await fleetDocument(['status'], 0)
    await database.query('create table t_2.vendor (other int)')
    const up = await fleetDocument(['up'], 1)
    expect(up).toMatchObject({ ok: false, summary: { applied: 2, failed: 1 } })
    expect(up.rollout).toMatch(/^r_[0-9A-Z]{26}$/)
    expect(up.targets[1]).toMatchObject({
      result: 'failed',
      applied: ['001_contact'],
      pending: ['002_vendor'],
      failed: ['002_vendor'],
      error: { code: 'ALREADY_EXISTS', context: { migration: '002_vendor', statement: 1, line: 1, column: 1 } },
    })
    const explained = await project.run(['explain', 't2', '--json'])
    expect(explained.code).toBe(0)
    expect(JSON.parse(explained.stdout)).toMatchObject({
      command: 'explain',
      targets: [
        {
          last: { error: { code: 'ALREADY_EXISTS' } },
          next: expect.arrayContaining([expect.objectContaining({ command: 'tenantry up t2' })]),
        },
      ],
    })
    const marked = await fleetDocument(['baseline', 't2', '--migration', '002'], 0)
    expect(marked).toMatchObject({ ok: true, summary: { applied: 1 } })
    await fleetDocument(['check'], 0)
    expect(await fleetDocument(['up'], 0)).toMatchObject({ ok: true, summary: { upToDate: 3 } })
    expect(await fleetDocument(['down', 't1'], 0)).toMatchObject({ summary: { undone: 1 } })
    expect(await fleetDocument(['up', '--dry-run'], 0)).toMatchObject({ summary: { pending: 1 } })
    const list = await project.run(['rollout', 'list', '--json'])
    const { rollouts } = JSON.parse(list.stdout)
    expect(rollouts.map(({ command, state }: Record<string, string>) => `${command} ${state}`)).toEqual([
      'down done',
      'up done',
      'up failed',
    ])
    const show = await project.run(['rollout', 'show', up.rollout, '--json'])
    expect(show.code).toBe(0)
    expect(JSON.parse(show.stdout)).toMatchObject({
      rollout: up.rollout,
      state: 'failed',
      summary: { applied: 2, failed: 1 },
      waves: [{ state: 'failed', targets: 3, failed: 1 }],
    })
    expect(await database.query('select description from t_1.schema_migrations')).toEqual([
      { description: 'People we know' },
    ])
  })

  test('of what is refused: one document on stdout, whatever the error', async () => {
    for (const [argv, code, exit] of [
      [['up', '--to', '009'], 'MIGRATION_UNKNOWN', 2],
      [['up', 'nobody'], 'TENANT_UNKNOWN', 2],
      [['down', '--steps', '2', '--to', '001'], 'USAGE', 2],
      [['baseline'], 'USAGE', 2],
      [['rollout', 'show', 'r_NOTHING'], 'ROLLOUT_UNKNOWN', 2],
      [['plan', '--config', 'nowhere.ts'], 'CONFIG_NOT_FOUND', 2],
      [['up', '--max-failures', 'many'], 'USAGE', 2],
      [['plan', '--out', 'no/such/folder/plan.json'], 'USAGE', 2],
      [['make'], 'USAGE', 2],
      [['explain', 'nobody'], 'TENANT_UNKNOWN', 2],
    ] as const) {
      const ended = await project.run([...argv, '--json'])
      expect([argv, ended.code, JSON.parse(ended.stdout)]).toMatchObject([argv, exit, { ok: false, error: { code } }])
      const text = await project.run(argv)
      expect([argv, text.code, text.stdout]).toEqual([argv, exit, ''])
      expect(text.stderr).toContain(`(${code})`)
    }
  }, 120_000)

  test('a server that is away is 1, for every command that asks it', async () => {
    configure(1, { servers: { main: { url: 'postgres://x:y@127.0.0.1:1/app' } }, connectTimeoutMs: 1000 })
    for (const command of ['plan', 'check', 'status', 'up']) {
      const document = await fleetDocument([command], 1)
      expect(document.targets[0].error.code).toBe('SERVER_UNREACHABLE')
    }
    const explained = await project.run(['explain', 't1'])
    expect([explained.code, explained.stdout]).toEqual([1, expect.stringContaining('Last: failed')])
  })

  test('explain says why nothing is known of a tenant that no rollout has met', async () => {
    configure(4)
    const { code, stdout } = await project.run(['explain', 't4'])
    expect(code).toBe(0)
    expect(stdout).toContain('Now: SCHEMA_MISSING')
    expect(stdout).toContain('hint: Create the schema')
  })

  test('a changed file is a finding of plan, and none where it is allowed', async () => {
    await project.up()
    project.write({ 'migrations/001_contact.sql': 'create table contact (id bigint primary key);\n' })
    expect(await fleetDocument(['plan'], 3)).toMatchObject({ ok: false, summary: { failed: 3 } })
    expect(await fleetDocument(['plan', '--allow-changed'], 0)).toMatchObject({ ok: true, summary: { upToDate: 3 } })
    await fleetDocument(['check'], 3)
  })
})

test('plan --out keeps what --json prints; the same plan has the same hash', async () => {
  const { stdout } = await project.run(['plan', '--out', 'plan.json', '--json'])
  const kept = JSON.parse(readFileSync(join(project.dir, 'plan.json'), 'utf8'))
  expect(kept).toEqual(JSON.parse(stdout))
  expect(kept.migrations[0]).toMatchObject({
    set: 'tenant',
    migration: '001_contact',
    direction: 'up',
    targets: 3,
    mode: 'transaction',
    hasUndo: false,
  })
  expect(kept.hash).toMatch(/^[0-9a-f]{64}$/)
  expect(JSON.parse((await project.run(['plan', '--json'])).stdout).hash).toBe(kept.hash)
  project.write({ 'migrations/002_vendor.sql': 'create table vendor (id bigint primary key);\n' })
  expect(JSON.parse((await project.run(['plan', '--json'])).stdout).hash).not.toBe(kept.hash)
})

test('plan, status, check and explain write nothing, and a role that may only read is enough', async () => {
  await project.run(['up', 't1'])
  const role = `reader_${database.name}`
  await database.query(`create role "${role}" login password 'reading'; grant usage on schema t_1, t_2, t_3 to "${role}";
    grant select on all tables in schema t_1 to "${role}"; revoke temporary on database "${database.name}" from public`)
  try {
    const url = database.server.url(database.name, { user: role, password: 'reading' })
    configure(3, { servers: { main: { url } } })
    const picture = () =>
      database.query(`select (select string_agg(oid::text || relname, ',' order by oid) from pg_class where relnamespace::regnamespace::text like 't\\_%') as c,
        (select string_agg(xmin::text || version, ',') from t_1.schema_migrations) as h, (select count(*) from pg_namespace) as n`)
    const before = await picture()
    expect((await fleetDocument(['plan'], 0)).summary).toMatchObject({ pending: 2, upToDate: 1 })
    await fleetDocument(['status'], 0)
    await fleetDocument(['check'], 3)
    expect((await project.run(['explain', 't1'])).code).toBe(0)
    expect(await picture()).toEqual(before)
    const shut = await fleetDocument(['status', 't1'], 0)
    expect(shut.targets[0].unverified).toEqual([])
  } finally {
    await database.query(`drop owned by "${role}"; drop role "${role}"`)
  }
})

test('--quiet says only what failed and the last line; --log-format json is a line for each event', async () => {
  await database.query('create table t_2.vendor (other int)')
  const quiet = await project.run(['up', '--quiet'])
  expect([quiet.code, quiet.stderr]).toEqual([1, ''])
  expect(quiet.stdout).toContain('ALREADY_EXISTS')
  expect(quiet.stdout.trimEnd().split('\n').at(-1)).toMatch(/2 applied.*1 failed/)
  expect(quiet.stdout).not.toContain('Next:')
  await database.query('drop table t_2.vendor')
  const logged = await project.run(['up', '--log-format', 'json', '--json'])
  const events = logged.stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(events.map(({ type }) => type)).toEqual(
    expect.arrayContaining([
      'fleet-read',
      'rollout-started',
      'target-finished',
      'migration-finished',
      'rollout-finished',
    ]),
  )
  for (const event of events) expect(Number.isNaN(Date.parse(event.at ?? event.time))).toBe(false)
  expect(JSON.parse(logged.stdout).summary.applied).toBe(1)
})

test('status of a thousand schemas is one page', async () => {
  const many = await freshDatabase('thousand')
  try {
    for (let i = 0; i < 1000; i += 100) {
      await many.query(Array.from({ length: 100 }, (_, at) => `create schema t_${i + at + 1};`).join(''))
    }
    project.configure({ servers: { main: { url: many.url } }, tenants: schemaTenants(1000, many.name) })
    await project.run(['up', '--limit', '3'])
    await many.query(
      "update t_2.schema_migrations set version = '000_gone' where version = '001_contact'; drop table t_2.tenantry_ledger",
    )
    const startedAt = performance.now()
    const { code, stdout } = await project.run(['status'])
    const tookMs = performance.now() - startedAt
    expect(code).toBe(0)
    expect(stdout.split('\n').length).toBeLessThanOrEqual(40)
    expect(stdout).toMatch(/1,000 targets/)
    expect(stdout).toContain('997 targets')
    expect(tookMs).toBeLessThan(15_000)
    expect((await project.run(['status', '--all'])).stdout.split('\n').length).toBeGreaterThan(1000)
    expect((await project.run(['check'])).code).toBe(3)
  } finally {
    await many.drop()
  }
}, 120_000)

describe('make', () => {
  const made = async (files: Record<string, string>, argv: string[], dir = 'own') => {
    project.write(files)
    project.configure({ servers: { main: { url: database.url } }, migrations: { dir: `./${dir}` }, tenants: [] })
    const { code, stdout, stderr } = await project.run(['make', ...argv, '--json'])
    expect([code, stderr]).toEqual([0, ''])
    return JSON.parse(stdout).files as string[]
  }
  const sql = 'select 1;\n'

  test.each<[string, Record<string, string>, (RegExp | string)[]]>([
    [
      'counters',
      { 'own/001_a.sql': sql, 'own/002_b.sql': sql, 'own/rollbacks/001_a.sql': sql },
      ['own/003_add_email.sql', 'own/rollbacks/003_add_email.sql'],
    ],
    [
      'pairs',
      { 'own/9_a.up.sql': sql, 'own/9_a.down.sql': sql },
      ['own/10_add_email.up.sql', 'own/10_add_email.down.sql'],
    ],
    [
      'time stamps',
      { 'own/20250101120000_a.sql': sql },
      [/^own\/\d{14}_add_email\.sql$/, /^own\/rollbacks\/\d{14}_add_email\.sql$/],
    ],
    [
      'days',
      { 'own/20250101_a.sql': sql },
      [/^own\/20\d{6}_add_email\.sql$/, /^own\/rollbacks\/20\d{6}_add_email\.sql$/],
    ],
    [
      'Prisma folders',
      { 'own/20250101120000_a/migration.sql': sql, 'own/migration_lock.toml': 'provider = "postgresql"\n' },
      [/^own\/\d{14}_add_email\/migration\.sql$/, /^own\/\d{14}_add_email\/rollback\.sql$/],
    ],
  ])('%s', async (_, files, expected) => {
    const written = await made(files, ['add email', '--description', 'Login by email'])
    expect(written).toHaveLength(expected.length)
    written.forEach((file, i) => {
      expect(file).toMatch(expected[i] as string)
    })
    const text = readFileSync(join(project.dir, written[0] as string), 'utf8')
    expect(text).toMatch(/^-- Migration: .*\n-- Created at: .*\n-- Description: Login by email\n/)
    const again = await made({}, ['--name', 'add_email_again'])
    expect((again[0] as string) > (written[0] as string) || again[0]?.startsWith('own/11')).toBe(true)
  })

  test('in a Prisma project its own Prisma writes it, and what it said instead is told', async () => {
    const script = (body: string) => `#!${process.execPath}\n${body}`
    const program = join(project.dir, 'node_modules/.bin/prisma')
    project.write({
      'package.json': '{}',
      'own/20250101120000_a/migration.sql': sql,
      'own/migration_lock.toml': 'provider = "postgresql"\n',
      'node_modules/.bin/prisma': script(
        `const fs = require('node:fs')
         fs.mkdirSync('own/20990101000000_' + process.argv[6])
         fs.writeFileSync('own/20990101000000_' + process.argv[6] + '/migration.sql', 'CREATE TABLE "b" ();')`,
      ),
    })
    chmodSync(program, 0o755)
    project.configure({ servers: { main: { url: database.url } }, migrations: { dir: './own' }, tenants: [] })
    const done = await project.run(['make', 'Add b'])
    expect([done.code, done.stderr]).toEqual([0, ''])
    expect(done.stdout).toContain(
      'wrote own/20990101000000_add_b/migration.sql\nwrote own/20990101000000_add_b/rollback.sql',
    )
    expect(done.stdout).toContain('Prisma wrote own/20990101000000_add_b/migration.sql; nothing was applied.')
    expect(readFileSync(join(project.dir, 'own/20990101000000_add_b/rollback.sql'), 'utf8')).toContain(
      '-- Rollback for:',
    )
    project.write({
      'node_modules/.bin/prisma': script(
        "console.error('Error: P1001: no server at postgres://app:hunter2@db/app'); process.exit(1)",
      ),
    })
    const failed = await project.run(['make', 'add_c', '--json'])
    expect([failed.code, failed.stderr]).toEqual([0, ''])
    const report = JSON.parse(failed.stdout)
    expect(report.files).toHaveLength(2)
    expect(report.notices).toMatchObject([{ rule: 'prisma-not-asked', message: expect.stringContaining('P1001') }])
    expect(failed.stdout).not.toContain('hunter2')
  })

  test('an empty folder', async () => {
    expect(await made({ 'own/.gitkeep': '' }, ['first'])).toEqual(['own/001_first.sql', 'own/rollbacks/001_first.sql'])
    expect(readdirSync(join(project.dir, 'own')).sort()).toEqual(['.gitkeep', '001_first.sql', 'rollbacks'])
  })

  test('a folder that is not there yet', async () => {
    expect(await made({}, ['first'], 'fresh')).toEqual(['fresh/001_first.sql', 'fresh/rollbacks/001_first.sql'])
  })
})
