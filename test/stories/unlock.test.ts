/** `unlock`: Knex's lock row is freed where a run died, left to a run of ours that lives, and never without a yes otherwise. */
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { freshMariadb, type MariadbDatabase, withMariadb } from '../servers/shared-mariadb.ts'
import { type Place, withNative } from './knex-native.ts'
import { createSchemas, makeProject, type Project, resultOf, schemaTenants } from './project.ts'

const migration = (table: string, seconds = 0) => `
exports.up = async (knex) => {
  await knex.schema.createTable('${table}', (t) => t.increments())
  await knex.raw('select ${seconds === 0 ? '1' : `pg_sleep(${seconds})`}')
}
exports.down = (knex) => knex.schema.dropTable('${table}')
`

let project: Project
beforeEach(() => {
  project = makeProject()
  symlinkSync(join(process.cwd(), 'node_modules'), join(project.dir, 'node_modules'))
  project.write({ 'migrations/001_a.js': migration('a') })
})
afterEach(() => project?.remove())

const latest = (place: Place) =>
  withNative(place, (knex) => knex.migrate.latest(), { migrations: { directory: join(project.dir, 'migrations') } })

describe('on PostgreSQL', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await freshDatabase('unlock')
  })
  afterAll(() => database?.drop())

  beforeEach(async () => {
    await database.query('DROP SCHEMA IF EXISTS t_1, t_2, t_3 CASCADE')
    await database.query(createSchemas(3))
    project.configure({ servers: { main: { url: database.url } }, tenants: schemaTenants(3, database.name) })
    for (const schema of ['t_1', 't_2']) await latest({ client: 'pg', url: database.url, schema })
  })
  const lock = (schema: string, value: number) =>
    database.query(`UPDATE ${schema}.knex_migrations_lock SET is_locked = ${value}`)
  const held = async (schema: string) =>
    (await database.query(`SELECT is_locked FROM ${schema}.knex_migrations_lock`))[0]?.is_locked

  test('what Knex itself took is refused without a yes, and nothing is freed', async () => {
    await lock('t_1', 1)
    await lock('t_2', 2)
    const refused = await project.run(['unlock', '--json'])
    expect(refused.code).toBe(2)
    expect(JSON.parse(refused.stdout).error).toMatchObject({
      code: 'CONFIRMATION_MISSING',
      hint: expect.stringContaining('--yes'),
      context: { held: [{ target: `main/${database.name}/t_1`, since: null }] },
    })
    expect([await held('t_1'), await held('t_2')]).toEqual([1, 2])
    const asked: unknown[] = []
    const confirm = async (locks: unknown) => {
      asked.push(locks)
      return false
    }
    await expect(project.use((tenantry) => tenantry.unlock({ confirm }))).rejects.toMatchObject({
      code: 'CONFIRMATION_MISSING',
    })
    expect(asked).toHaveLength(1)
    expect([await held('t_1'), await held('t_2')]).toEqual([1, 2])
  })

  test('with it each is freed and says who held it; a schema without the table has no lock', async () => {
    await lock('t_1', 1)
    await lock('t_2', 2)
    const done = await project.run(['unlock', '--yes', '--json'])
    expect(done.code).toBe(0)
    const report = JSON.parse(done.stdout)
    expect(report.targets.map((target: Record<string, unknown>) => [target.result, target.heldBy])).toEqual([
      ['freed', 'tool'],
      ['freed', 'own'],
      ['free', null],
    ])
    expect([await held('t_1'), await held('t_2')]).toEqual([0, 0])
    project.write({ 'migrations/002_b.js': migration('b') })
    await latest({ client: 'pg', url: database.url, schema: 't_1' })
    expect(resultOf(await project.up(), 't1').result).toBe('up-to-date')
  })

  test('what a run of ours left is freed without being asked', async () => {
    await lock('t_1', 2)
    const done = await project.run(['unlock', 't1'])
    expect(done.code).toBe(0)
    expect(done.stdout).toContain('a run of tenantry that died')
    expect(done.stdout).toContain('1 freed')
    expect(await held('t_1')).toBe(0)
  })

  test('a live run of ours is left alone, and finishes', async () => {
    project.write({ 'migrations/002_b.js': migration('b', 2) })
    const running = project.use((tenantry) => tenantry.up({ selectors: { tenants: ['t1'] } }))
    await expect.poll(() => held('t_1')).toBe(2)
    const report = await project.use((tenantry) => tenantry.unlock({ selectors: { tenants: ['t1'] }, yes: true }))
    expect(report.targets).toMatchObject([{ result: 'running', heldBy: 'own' }])
    expect(await held('t_1')).toBe(2)
    expect(resultOf(await running, 't1')).toMatchObject({ result: 'applied', applied: ['002_b'] })
    expect(await held('t_1')).toBe(0)
  })

  test('explain tells of a held lock', async () => {
    await lock('t_1', 1)
    const explained = await project.run(['explain', 't1'])
    expect(explained.stdout).toContain('knex_migrations_lock was taken by the tool itself')
    expect((await project.run(['explain', 't2'])).stdout).not.toContain("tool's own lock")
  })

  test('without rights on the table it is the failure of that target', async () => {
    await lock('t_1', 2)
    await lock('t_2', 2)
    const role = `unlock_${database.name}`
    await database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'pw'; GRANT ALL ON SCHEMA t_1, t_2, t_3 TO ${role};
      GRANT ALL ON ALL TABLES IN SCHEMA t_2 TO ${role}; GRANT SELECT ON ALL TABLES IN SCHEMA t_1 TO ${role}`)
    try {
      const url = new URL(database.url)
      Object.assign(url, { username: role, password: 'pw' })
      project.configure({ servers: { main: { url: url.href } }, tenants: schemaTenants(3, database.name) })
      const done = await project.run(['unlock', '--json'])
      expect(done.code).toBe(1)
      const { targets, ok } = JSON.parse(done.stdout)
      expect(ok).toBe(false)
      expect(targets.map(({ result }: Record<string, unknown>) => result)).toEqual(['failed', 'freed', 'free'])
      expect(targets[0].error.message).toContain('permission denied')
    } finally {
      await database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
    }
  })

  test('where the history has no lock that is said, and nothing is done', async () => {
    project.write({ 'sql/001_a.sql': 'select 1;' })
    project.configure({
      servers: { main: { url: database.url } },
      migrations: { dir: './sql' },
      tenants: schemaTenants(1, database.name),
    })
    const done = await project.run(['unlock'])
    expect(done.code).toBe(0)
    expect(done.stdout).toContain('keeps no lock, so there is nothing to free')
  })
})

withMariadb('on MariaDB', () => {
  let database: MariadbDatabase
  beforeEach(async () => {
    database = await freshMariadb('unlock')
  })
  afterEach(() => database?.drop())

  test('a lock row is freed', async () => {
    project.configure({
      servers: { main: { url: database.url } },
      tenants: [{ slug: 'one', topology: 'database', database: database.name }],
    })
    await latest({ client: 'mysql2', url: database.url })
    await database.query('UPDATE knex_migrations_lock SET is_locked = 1')
    expect((await project.run(['unlock'])).code).toBe(2)
    const report = await project.use((tenantry) => tenantry.unlock({ yes: true }))
    expect(report.targets).toMatchObject([{ result: 'freed', heldBy: 'tool' }])
    expect(await database.query('SELECT is_locked FROM knex_migrations_lock')).toMatchObject([{ is_locked: 0 }])
  })
})
