/** Knex's lock row: a run of Knex and a run of ours never meet, and neither stays locked out. */
import { once } from 'node:events'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { type Place, withNative } from './knex-native.ts'
import { createSchemas, makeProject, type Project, resultOf, schemaTenants } from './project.ts'

let database: TestDatabase
let project: Project
const place = (schema: string): Place => ({ client: 'pg', url: database.url, schema })

beforeAll(async () => {
  database = await freshDatabase('knex_lock')
})
afterAll(() => database?.drop())

beforeEach(async () => {
  await database.query('DROP SCHEMA IF EXISTS t_1, t_2 CASCADE')
  await database.query(createSchemas(2))
  project = makeProject()
  symlinkSync(join(process.cwd(), 'node_modules'), join(project.dir, 'node_modules'))
  project.write({ 'migrations/001_a.js': table('a') })
})
afterEach(() => project?.remove())

const table = (name: string, seconds = 0) => `
exports.up = async (knex) => {
  await knex.schema.createTable('${name}', (t) => t.increments())
  await knex.raw('select pg_sleep(${seconds})')
}
exports.down = (knex) => knex.schema.dropTable('${name}')
`
function configure(more: Record<string, unknown> = {}): void {
  project.configure({ servers: { main: { url: database.url } }, tenants: schemaTenants(2, database.name), ...more })
}
const native = (schema: string) =>
  withNative(place(schema), (knex) => knex.migrate.latest(), {
    migrations: { directory: join(project.dir, 'migrations') },
  })
const held = async (schema: string) =>
  (await database.query(`SELECT is_locked FROM ${schema}.knex_migrations_lock`).catch(() => []))[0]?.is_locked
const names = async (schema: string) =>
  (await database.query(`SELECT name FROM ${schema}.knex_migrations ORDER BY id`)).map(({ name }) => name)

async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000
  while (!(await holds())) {
    if (Date.now() > end) throw new Error('It never came to be.')
    await sleep(10)
  }
}

test('a stuck lock of Knex is reported for its target, with the way out, and stops nobody else', async () => {
  configure({ targetLockWaitMs: 300 })
  await native('t_1')
  await database.query('UPDATE t_1.knex_migrations_lock SET is_locked = 1')
  project.write({ 'migrations/002_b.js': table('b') })
  const report = await project.up()
  expect(resultOf(report, 't1').error).toMatchObject({
    code: 'NATIVE_LOCKED',
    hint: expect.stringContaining('tenantry unlock'),
  })
  expect(resultOf(report, 't2')).toMatchObject({ result: 'applied', error: null })
  expect([await held('t_1'), await names('t_1')]).toEqual([1, ['001_a.js']])
  await withNative(place('t_1'), (knex) => knex.migrate.forceFreeMigrationsLock())
  expect(resultOf(await project.up(), 't1').applied).toEqual(['002_b'])
})

test('a run of Knex is waited for', async () => {
  configure({ targetLockWaitMs: 20_000 })
  await native('t_1')
  await database.query('UPDATE t_1.knex_migrations_lock SET is_locked = 1')
  project.write({ 'migrations/002_b.js': table('b') })
  const running = project.up()
  await until(async () => (await names('t_2').catch(() => [])).length === 2)
  expect(await names('t_1')).toEqual(['001_a.js'])
  await database.query('UPDATE t_1.knex_migrations_lock SET is_locked = 0')
  expect(resultOf(await running, 't1')).toMatchObject({ result: 'applied', applied: ['002_b'], error: null })
  expect(await held('t_1')).toBe(0)
})

test('Knex is kept out while a run of ours works, and finds everything done afterwards', async () => {
  configure()
  await native('t_1')
  project.write({ 'migrations/002_b.js': table('b', 1.5), 'migrations/003_c.js': table('c') })
  const running = project.up()
  await until(async () => (await held('t_1')) === 2)
  await expect(native('t_1')).rejects.toThrow('Migration table is already locked')
  expect(resultOf(await running, 't1')).toMatchObject({ result: 'applied', applied: ['002_b', '003_c'] })
  expect(await native('t_1')).toEqual([2, []])
  expect(await held('t_1')).toBe(0)
})

test('Knex and a run of ours at the same time: each migration runs once', async () => {
  configure({ targetLockWaitMs: 30_000 })
  project.write({ 'migrations/002_b.js': table('b', 0.2), 'migrations/003_c.js': table('c', 0.2) })
  for (let round = 0; round < 4; round++) {
    await database.query('DROP SCHEMA t_1, t_2 CASCADE')
    await database.query(createSchemas(2))
    // One of them makes the tables; both would do it at the same moment else, which Knex itself cannot.
    await withNative(place('t_1'), (knex) => knex.migrate.list(), {
      migrations: { directory: join(project.dir, 'migrations') },
    })
    const [ours, theirs] = await Promise.all([
      project.up(),
      sleep(round * 60).then(() => native('t_1').catch((error: Error) => error)),
    ])
    expect(resultOf(ours, 't1').error).toBeNull()
    if (theirs instanceof Error) expect(theirs.message).toContain('already locked')
    expect(await names('t_1')).toEqual(['001_a.js', '002_b.js', '003_c.js'])
    expect(await held('t_1')).toBe(0)
  }
})

test('what a run of ours left locked when it was killed, the next one takes over', async () => {
  configure()
  await native('t_1')
  project.write({ 'migrations/002_b.js': table('b', 2), 'migrations/003_c.js': table('c') })
  const child = project.start(['up'])
  await until(async () => (await held('t_1')) === 2)
  await sleep(200)
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(await held('t_1')).toBe(2)
  await expect(native('t_1')).rejects.toThrow('Migration table is already locked')
  expect(resultOf(await project.up(), 't1')).toMatchObject({ error: null })
  expect([await names('t_1'), await held('t_1')]).toEqual([['001_a.js', '002_b.js', '003_c.js'], 0])
  expect(await native('t_1')).toEqual([expect.any(Number), []])
})
