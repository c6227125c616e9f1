/** Seeds beside others: runs that are killed or meet, people who change rows at the same moment, code that fails. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { expect, test } from 'vitest'
import type { SeedOptions, SeedReport } from '../../src/model/seed.ts'
import type { OpenOptions } from '../../src/tenantry.ts'
import { freshDatabase } from '../servers/shared.ts'
import { createSchemas, makeProject, schemaTenants } from './project.ts'
import { onEach, openPostgres, type SeedPlace } from './seed-places.ts'

const seed = (
  place: Pick<SeedPlace, 'project'>,
  options: SeedOptions = {},
  open: Partial<OpenOptions> = {},
): Promise<SeedReport> => place.project.use((tenantry) => tenantry.seed(options), open)
const errorsOf = (report: SeedReport) => report.targets.flatMap(({ error }) => error ?? [])
const rolesTable = 'CREATE TABLE roles (name varchar(100) PRIMARY KEY, label varchar(100));'
const rolesFile = (names: readonly string[], label = 'seeded', more: Record<string, unknown> = {}) =>
  JSON.stringify({ table: 'roles', key: ['name'], ...more, rows: names.map((name) => ({ name, label })) })
const many = Array.from({ length: 2000 }, (_, i) => `role ${i}`)

async function migrate(place: SeedPlace): Promise<void> {
  place.project.write({ 'migrations/001_roles.sql': rolesTable })
  expect((await place.project.up()).ok).toBe(true)
}
const countRows = async (place: SeedPlace, table = 'roles') =>
  Number((await place.ask(`SELECT count(*) AS n FROM ${table}`))[0]?.n)

onEach(
  'killed at random moments, then run again: every row is there once, and known',
  async (place) => {
    await migrate(place)
    for (let i = 0; i < 4; i++)
      place.project.write({ [`seeds/0${i}0_roles.json`]: rolesFile(many.map((name) => `${name} of ${i}`)) })
    let kills = 0
    for (let i = 0; i < 30; i++) {
      const child = place.project.start(['seed'])
      const ended = once(child, 'exit').then(() => 'ended')
      const first = await Promise.race([
        ended,
        sleep(kills < 6 ? 350 + Math.random() * 900 : 60_000).then(() => 'killed'),
      ])
      if (first === 'ended') break
      child.kill('SIGKILL')
      await ended
      kills++
      const there = await place.ask('SELECT count(*) AS n FROM roles')
      // A file is there whole or not at all.
      expect(Number(there[0]?.n) % 2000).toBe(0)
    }
    expect(kills).toBeGreaterThan(0)
    const last = await seed(place)
    expect(errorsOf(last)).toEqual([])
    expect(await countRows(place)).toBe(8000)
    expect(await countRows(place, 'tenantry_seeds')).toBe(8000)
    expect((await seed(place)).summary).toMatchObject({ unchanged: 8000, inserted: 0, updated: 0, kept: 0 })
  },
  240_000,
)

onEach('three runs at once put each row in once', async (place) => {
  await migrate(place)
  place.project.write({
    'seeds/010_roles.json': rolesFile(many.slice(0, 300)),
    'seeds/020_once.sql': "INSERT INTO roles (name) VALUES ('once');",
  })
  const reports = await Promise.all([seed(place), seed(place), seed(place)])
  expect(reports.flatMap(errorsOf)).toEqual([])
  expect(reports.reduce((sum, { summary }) => sum + summary.inserted, 0)).toBe(300)
  expect(await countRows(place)).toBe(301)
})

test('somebody who changes or adds a row at the same moment keeps it', async () => {
  const place = await openPostgres(null)
  const client = new pg.Client({ connectionString: await urlOf(place) })
  try {
    await migrate(place)
    place.project.write({ 'seeds/010_roles.json': rolesFile(['Admin']) })
    await seed(place)
    await client.connect()
    const waiting = () =>
      expect
        .poll(
          async () => (await place.ask("SELECT FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'")).length,
          {
            timeout: 20_000,
            interval: 20,
          },
        )
        .toBeGreaterThan(0)

    await client.query("BEGIN; UPDATE roles SET label = 'mine' WHERE name = 'Admin'")
    place.project.write({ 'seeds/010_roles.json': rolesFile(['Admin'], 'seeded anew') })
    const changing = seed(place)
    await waiting()
    await client.query('COMMIT')
    expect((await changing).targets[0]?.seeds[0]?.rows).toEqual([
      { row: 'name=Admin', state: 'kept', why: 'edited: label' },
    ])

    await client.query("BEGIN; INSERT INTO roles VALUES ('Owner', 'mine')")
    place.project.write({ 'seeds/010_roles.json': rolesFile(['Admin', 'Owner'], 'seeded anew') })
    const adding = seed(place)
    await waiting()
    await client.query('COMMIT')
    const report = await adding
    expect(errorsOf(report)).toEqual([])
    expect(report.summary).toMatchObject({ kept: 2, inserted: 0 })
    expect((await place.ask('SELECT DISTINCT label FROM roles')).map(({ label }) => label)).toEqual(['mine'])
  } finally {
    await client.end()
    await place.close()
  }
})

test('a migration that runs is waited for, within the limit', async () => {
  const place = await openPostgres(null)
  try {
    await migrate(place)
    place.project.write({
      'seeds/010_roles.json': rolesFile(['Admin']),
      'migrations/002_slow.sql': 'SELECT pg_sleep(3); CREATE TABLE slow (id int);',
    })
    place.configure({ targetLockWaitMs: 200 })
    const running = place.project.up()
    const isSleeping = async () => (await place.ask("SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'")).length
    await expect.poll(isSleeping, { timeout: 15_000, interval: 20 }).toBe(1)
    const [error] = errorsOf(await seed(place))
    expect(error).toMatchObject({ code: 'TARGET_LOCKED' })
    expect(error?.hint).toContain('`tenantry seed`')
    place.configure({ targetLockWaitMs: 20_000 })
    expect(errorsOf(await seed(place))).toEqual([])
    expect((await running).ok).toBe(true)
    expect(await countRows(place)).toBe(1)
  } finally {
    await place.close()
  }
})

test('on the command line: what would change, what changed, what was kept, what failed', async () => {
  const place = await openPostgres('t_acme')
  try {
    await migrate(place)
    const none = await place.project.run(['seed'])
    expect(none).toMatchObject({ code: 0 })
    expect(none.stdout).toContain('There are no seeds')
    place.project.write({ 'seeds/010_roles.json': rolesFile(['Admin', 'Owner']) })
    const dry = await place.project.run(['seed', '--dry-run'])
    expect(dry).toMatchObject({ code: 0 })
    expect(dry.stdout).toContain('1 would change · 2 inserted')
    expect(await countRows(place)).toBe(0)
    expect((await place.project.run(['seed', 'acme', '--only', '010_roles'])).stdout).toContain('1 seeded · 2 inserted')
    await place.ask("UPDATE roles SET label = 'mine' WHERE name = 'Admin'")
    const kept = await place.project.run(['seed'])
    expect(kept.stdout).toContain('kept name=Admin (edited: label)')
    const json = await place.project.run(['seed', '--json'])
    expect(json.code).toBe(0)
    expect(JSON.parse(json.stdout)).toMatchObject({
      command: 'seed',
      ok: true,
      targets: [{ tenants: ['acme'], result: 'up-to-date', seeds: [{ inserted: 0, unchanged: 1, kept: 1 }] }],
    })
    place.project.write({ 'seeds/010_roles.json': rolesFile(['Broken'], 'x'.repeat(200)) })
    const failed = await place.project.run(['seed'])
    expect(failed.code).toBe(1)
    expect(failed.stdout).toContain('SEED_FAILED')
    expect(failed.stdout).toContain('at the row name=Broken (seeds/010_roles.json:1)')
    place.project.write({ 'seeds/010_roles.json': '{' })
    const unreadable = await place.project.run(['seed'])
    expect(unreadable.code).toBe(2)
    expect(unreadable.stderr).toContain('seeds/010_roles.json:1')
    expect((await place.project.run(['seed', '--only', 'x'])).code).toBe(2)
    const password = new URL(await urlOf(place)).password
    for (const { stdout, stderr } of [none, dry, kept, json, failed, unreadable])
      if (password !== '') expect(stdout + stderr).not.toContain(password)
  } finally {
    await place.close()
  }
})

test('one failing target stops no other; an interrupt begins nothing new', async () => {
  const database = await freshDatabase('seeds_fleet')
  const project = makeProject()
  try {
    await database.query(createSchemas(3))
    project.write({
      'migrations/001_roles.sql': rolesTable.replace('roles', 'public.roles'),
      'seeds/010_roles.json': rolesFile(['Admin']),
      'seeds/020_more.sql':
        "INSERT INTO public.roles (name) VALUES ('By SQL in ' || current_schema()) ON CONFLICT DO NOTHING;",
    })
    const config = { servers: { main: { url: database.url } }, tenants: schemaTenants(3, database.name) }
    project.configure(config)
    expect((await project.up()).ok).toBe(true)
    // Of the same name, and nobody's.
    await database.query('DROP TABLE t_2.roles; CREATE TABLE public.roles (name text PRIMARY KEY, label text)')
    const report = await seed({ project })
    expect(report.targets.map(({ result }) => result)).toEqual(['applied', 'failed', 'applied'])
    expect(errorsOf(report)).toMatchObject([{ code: 'SEED_REFUSED', context: { target: `main/${database.name}/t_2` } }])
    const names = async (schema: string) =>
      (await database.query(`SELECT name FROM ${schema}.roles ORDER BY 1`)).map(({ name }) => name)
    expect([await names('t_1'), await names('t_3'), await names('public')]).toEqual([
      ['Admin', 'By SQL in t_1'],
      ['Admin', 'By SQL in t_3'],
      [],
    ])
    expect(
      await project.use((tenantry) => tenantry.drift({ between: true, selectors: { exclude: ['t2'] } })),
    ).toMatchObject({
      ok: true,
    })

    project.write({ 'seeds/030_more.json': rolesFile(['Later']) })
    const drain = new AbortController()
    project.configure({ ...config, concurrency: 1 })
    const cut = await seed(
      { project },
      { signal: { drain: drain.signal, cancel: new AbortController().signal }, selectors: { exclude: ['t2'] } },
      { emit: (event) => (event.type === 'seed-target-finished' ? drain.abort() : undefined) },
    )
    expect(cut).toMatchObject({ ok: false, interrupted: true })
    expect(cut.targets.map(({ result }) => result)).toEqual(['applied', 'stopped'])
  } finally {
    project.remove()
    await database.drop()
  }
})

onEach(
  'a module that throws, commits, exits or swallows a failure leaves nothing, and prints no secret',
  async (place) => {
    await migrate(place)
    const secret = 'pa55-word-of-the-application'
    process.env.APP_TOKEN = secret
    const insert = `await query("INSERT INTO roles (name) VALUES ('x')")`
    const bodies = {
      throws: `${insert}; throw new Error('no luck with ' + process.env.APP_TOKEN)`,
      commits: `${insert}; await query('COMMIT')`,
      exits: `${insert}; process.exit(0)`,
      swallows: `${insert}; await query('SELECT * FROM nowhere').catch(() => {})`,
      late: `setTimeout(() => {}, 1); ${insert}; query("INSERT INTO roles (name) VALUES ('x')").catch(() => {})`,
    }
    try {
      for (const [name, body] of Object.entries(bodies)) {
        place.project.write({ [`seeds/${name}.mjs`]: `export default { async run({ query }) { ${body} } }` })
        const report = await seed(place, { only: [name] })
        expect(`${name} ${errorsOf(report)[0]?.code}`).toBe(`${name} SEED_FAILED`)
        expect(JSON.stringify(report)).not.toContain(secret)
        expect(`${name} ${await countRows(place)}`).toBe(`${name} 0`)
      }
    } finally {
      delete process.env.APP_TOKEN
    }
  },
)

onEach('what has no place in a seed is refused', async (place) => {
  await migrate(place)
  place.project.write({
    'seeds/010_x.sql': "INSERT INTO roles (name) VALUES ('a');\nCOMMIT;\nINSERT INTO roles (name) VALUES ('b');",
  })
  expect(errorsOf(await seed(place))).toMatchObject([{ code: 'SEED_REFUSED' }])
  place.project.write({
    'seeds/010_x.sql': 'SELECT 1',
    'seeds/020_roles.json': JSON.stringify({
      table: 'roles',
      key: ['name'],
      rows: [{ name: 'a', no_such: 1, label: 'x', other: 2 }],
    }),
  })
  const [error] = errorsOf(await seed(place))
  expect(error).toMatchObject({ code: 'SEED_REFUSED', hint: expect.stringContaining('name, label') })
  expect(error?.message).toContain('roles has no column no_such, other')
  expect(await countRows(place)).toBe(0)
})

async function urlOf(place: SeedPlace): Promise<string> {
  const { readFileSync } = await import('node:fs')
  const config = JSON.parse(readFileSync(`${place.project.dir}/tenantry.config.json`, 'utf8')) as {
    servers: { main: { url: string } }
  }
  return config.servers.main.url
}
