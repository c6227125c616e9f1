/** Prisma's advisory lock: a run of Prisma and ours keep each other out, ours among themselves do not. */
import type { Client } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { countResults, makeProject, type Project, resultOf } from './project.ts'
import { openClient } from './raw-client.ts'

/** `ADVISORY_LOCK_ID` of prisma-engines, which runs `SELECT pg_advisory_lock(72707369)` before anything else. */
const key = 72_707_369

let database: TestDatabase
let project: Project
let prisma: Client

beforeAll(async () => {
  database = await freshDatabase('prisma lock')
})
afterAll(() => database?.drop())
afterEach(async () => {
  await prisma.end()
  project?.remove()
})

beforeEach(async () => {
  await database.query(
    'drop schema if exists a cascade; drop schema if exists b cascade; create schema a; create schema b',
  )
  prisma = await openClient(`${database.url}?application_name=prisma-engine`)
  project = makeProject()
  project.write({
    'prisma/migrations/20250101000000_one/migration.sql': 'CREATE TABLE "one" ("id" INT);\n',
    'prisma/migrations/20250102000000_two/migration.sql':
      'CREATE TABLE "two" ("id" INT);\nCREATE INDEX CONCURRENTLY "two_id" ON "two" ("id");\n',
    'prisma/migrations/migration_lock.toml': 'provider = "postgresql"\n',
  })
  project.configure({
    servers: { main: { url: database.url } },
    migrations: { dir: './prisma/migrations' },
    tenants: ['a', 'b'].map((slug) => ({ slug, topology: 'schema', schema: slug })),
  })
})

const free = () => prisma.query(`select pg_advisory_unlock(${key})`)
const nothingThere = async () =>
  expect(await database.query("select to_regclass('a.one') as a, to_regclass('b.one') as b")).toEqual([
    { a: null, b: null },
  ])

test('while Prisma holds it nothing is done; the error names the session, and no command that could not help', async () => {
  await prisma.query(`select pg_advisory_lock(${key})`)
  const startedAt = performance.now()
  const report = await project.up()
  expect(countResults(report)).toEqual({ 'failed NATIVE_LOCKED': 2 })
  const took = performance.now() - startedAt
  expect(took).toBeGreaterThan(4500)
  expect(took).toBeLessThan(15_000)
  const { error } = resultOf(report, 'a')
  const { rows } = await prisma.query('select pg_backend_pid() as pid')
  expect(error?.message).toContain(`Blocked by session ${rows[0].pid} (application "prisma-engine"`)
  expect(error?.hint).toContain(`pg_terminate_backend(${rows[0].pid})`)
  expect(error?.hint).not.toContain('unlock')
  await nothingThere()
  const explained = await project.run(['explain', 'a'])
  expect(explained.stdout).toContain(`the tool's own lock: held by session ${rows[0].pid}`)
  const unlocked = await project.run(['unlock', '--yes'])
  expect(unlocked.code).toBe(0)
  expect(unlocked.stdout).toContain('there is nothing to free')
  await free()
  expect(countResults(await project.up())).toEqual({ applied: 2 })
  expect((await project.run(['explain', 'a'])).stdout).not.toContain("the tool's own lock")
})

test('a short run of Prisma is waited for', async () => {
  await prisma.query(`select pg_advisory_lock(${key})`)
  const run = project.up()
  await new Promise((resolve) => setTimeout(resolve, 1500))
  await nothingThere()
  await free()
  expect(countResults(await run)).toEqual({ applied: 2 })
})

test('baseline keeps out of its way, too', async () => {
  await database.query('create table a.one (id int)')
  await prisma.query(`select pg_advisory_lock(${key})`)
  const options = { migration: '20250101000000_one', selectors: { tenants: ['a'] } }
  const report = await project.use((tenantry) => tenantry.baseline(options))
  expect(resultOf(report, 'a').error?.code).toBe('NATIVE_LOCKED')
})

test('while we run Prisma waits, and gets its turn although more of us come', async () => {
  project.write({
    'prisma/migrations/20250101000000_one/migration.sql': 'CREATE TABLE "one" ("id" INT);\nSELECT pg_sleep(1);\n',
  })
  const runs = [project.up(), project.up(), project.up()]
  await expect
    .poll(
      async () =>
        (
          await database.query(
            `select count(*)::int as n from pg_locks where locktype = 'advisory' and objid = ${key} and mode = 'ShareLock'`,
          )
        )[0]?.n,
    )
    .toBeGreaterThan(0)
  await prisma.query(`select pg_advisory_lock(${key})`)
  await free()
  for (const report of await Promise.all(runs))
    expect(Object.keys(countResults(report)).sort()).not.toContain('failed NATIVE_LOCKED')
  expect(countResults(await project.up())).toEqual({ 'up-to-date': 2 })
})
