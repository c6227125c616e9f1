/** Fast ways with folders of tools: their own history comes along, and the tools agree with it. */
import { createHash } from 'node:crypto'
import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { freshDatabase, sharedServer, type TestDatabase } from '../servers/shared.ts'
import { migrateNatively } from './drizzle-native.ts'
import { catalogOf } from './postgres-catalog.ts'
import { makeProvisionProject, type ProvisionProject } from './provision-project.ts'
import { readStatus, sequelizeCli } from './sequelize.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const fixtures = join(root, 'test/fixtures')

let app: TestDatabase
const projects: ProvisionProject[] = []
const registries: TestDatabase[] = []
const slug = `f${Math.random().toString(36).slice(2, 9)}`

beforeEach(async () => {
  app = await freshDatabase('provision_formats')
})
afterEach(async () => {
  for (const project of projects.splice(0)) {
    for await (const { placement } of project.registry.tenants.list()) {
      if (placement.schema === undefined)
        await sharedServer().query(`DROP DATABASE IF EXISTS "${placement.database}" WITH (FORCE)`)
    }
    project.remove()
  }
  for (const registry of registries.splice(0)) await registry.drop()
  await app?.drop()
})

async function start(config: string, fixture: string): Promise<ProvisionProject> {
  const registry = await freshDatabase('provision_formats_registry')
  registries.push(registry)
  const servers = { main: { url: app.url } }
  const project = await makeProvisionProject(servers, registry.url, `scratch: { server: 'main' }, ${config}`, {})
  projects.push(project)
  symlinkSync(join(root, 'node_modules'), join(project.dir, 'node_modules'))
  writeFileSync(join(project.dir, 'package.json'), '{ "name": "shop", "private": true }\n')
  cpSync(join(fixtures, fixture), join(project.dir, 'migrations'), { recursive: true })
  return project
}

/** A tenant by the fast way and one that ran every migration, in fleets of their own. */
async function makeBoth(topology: 'schema' | 'database', format: string, fixture: string) {
  const migrations = `migrations: { dir: './migrations', format: '${format}' },`
  const fast = await start(`${migrations} provision: { topology: '${topology}' },`, fixture)
  const slow = await start(`${migrations} provision: { topology: '${topology}', from: 'replay' },`, fixture)
  const source = topology === 'schema' ? 'snapshot' : 'template'
  expect(await fast.provision({ slug: `${slug}a` })).toMatchObject({ source, verified: true, notices: [] })
  expect(await slow.provision({ slug: `${slug}b` })).toMatchObject({ source: 'replay', verified: true, notices: [] })
  expect((await fast.up()).summary).toMatchObject({ targets: 1, upToDate: 1 })
  expect(await fast.open((tenantry) => tenantry.status())).toMatchObject({ ok: true })
  const placeOf = async ({ registry }: ProvisionProject, name: string) => {
    const tenant = await registry.tenants.find(name)
    if (tenant === null) throw new Error(`There is no tenant ${name}.`)
    const { database, schema = 'public' } = tenant.placement
    const ask = (sql: string) => sharedServer().query(sql.replaceAll('@', `"${schema}".`), database)
    return { database, schema, ask }
  }
  return { fast, made: await placeOf(fast, `${slug}a`), replayed: await placeOf(slow, `${slug}b`) }
}
type Place = Awaited<ReturnType<typeof makeBoth>>['made']

/** Definitions, as the catalog tells them; but for the numbers that columns which were dropped leave out. */
async function catalog({ database, schema }: Place): Promise<Record<string, string[]>> {
  const raw = async (sql: string) => ({ rows: await sharedServer().query(sql, database) })
  const found = Object.entries(await catalogOf({ raw }, schema))
  return Object.fromEntries(found.map(([name, rows]) => [name, rows.map((row) => row.replace(/"attnum":\d+,/, ''))]))
}

describe.each(['schema', 'database'] as const)('into a %s', (topology) => {
  test('Prisma: its rows are there as it writes them, and nothing is left to do', async () => {
    const { fast, made, replayed } = await makeBoth(topology, 'prisma', 'prisma-folders')
    const rows = (place: Place) =>
      place.ask(
        'SELECT migration_name, checksum, finished_at IS NOT NULL AS finished, rolled_back_at, logs, applied_steps_count FROM @_prisma_migrations ORDER BY started_at, migration_name',
      )
    const found = await rows(made)
    expect(found).toEqual(await rows(replayed))
    const dir = join(fast.dir, 'migrations')
    const folders = readdirSync(dir).filter((name) => !name.endsWith('.toml'))
    // What `prisma migrate` compares: the name, and SHA-256 of the file.
    const expected = folders.map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(join(dir, name, 'migration.sql')))
        .digest('hex'),
    ])
    expect(found.map(({ migration_name, checksum }) => [migration_name, checksum]).sort()).toEqual(expected.sort())
    expect(found.every(({ finished, rolled_back_at }) => finished === true && rolled_back_at === null)).toBe(true)
    expect(await catalog(made)).toEqual(await catalog(replayed))
    // What comes next lands on it.
    fast.write({ 'migrations/20260101000000_more/migration.sql': 'CREATE TABLE "more" ("id" INT);\n' })
    expect((await fast.up()).summary).toMatchObject({ targets: 1, applied: 1 })
    expect(await made.ask('SELECT count(*)::int AS n FROM @_prisma_migrations')).toEqual([{ n: folders.length + 1 }])
  })

  test('Sequelize: its names and rows are there, and the tool agrees where it can look', async () => {
    const { fast, made, replayed } = await makeBoth(topology, 'sequelize', 'sequelize-shop/migrations')
    const files = readdirSync(join(fast.dir, 'migrations')).sort()
    const names = (place: Place) => place.ask('SELECT name FROM @"SequelizeMeta" ORDER BY name')
    expect((await names(made)).map(({ name }) => name)).toEqual(files)
    expect(await names(made)).toEqual(await names(replayed))
    expect(await catalog(made)).toEqual(await catalog(replayed))
    const users = (place: Place) => place.ask('SELECT count(*)::int AS n FROM @users')
    expect(await users(made)).toEqual(await users(replayed))
    if (topology === 'schema') return
    const url = sharedServer().url(made.database)
    const status = readStatus(await sequelizeCli(fast.dir, ['db:migrate:status', '--url', url]))
    expect(status).toEqual(Object.fromEntries(files.map((name) => [name, 'up'])))
    expect(await sequelizeCli(fast.dir, ['db:migrate:undo', '--url', url])).toMatchObject({ code: 0 })
    expect((await fast.up()).summary).toMatchObject({ targets: 1, applied: 1 })
  })
})

describe.each(['schema', 'database'] as const)('Drizzle, a %s for each tenant', (topology) => {
  test('has what the migrations make, with the rows of its history, and Drizzle finds nothing to do', async () => {
    const { made, replayed } = await makeBoth(topology, 'drizzle', 'drizzle-shop')
    const table = topology === 'database' ? 'drizzle.__drizzle_migrations' : '@__drizzle_migrations'
    const rows = (place: Place) => place.ask(`SELECT id, hash, created_at::text FROM ${table} ORDER BY id`)
    expect(await rows(made)).toHaveLength(2)
    expect(await rows(made)).toEqual(await rows(replayed))
    expect(await catalog(made)).toEqual(await catalog(replayed))
    const { database, schema, ask } = made
    const own = { url: sharedServer().url(database), schema: topology === 'schema' ? schema : null }
    const place = { kind: 'postgres' as const, ...own, query: ask, catalog: async () => ({}) }
    await migrateNatively('journal', place, join(fixtures, 'drizzle-shop'))
    expect(await rows(made)).toHaveLength(2)
  })
})
