/** Several runs at once, and runs that are killed, over migrations that are Knex code: each runs once per target. */
import { once } from 'node:events'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { withNative } from './knex-native.ts'
import { createSchemas, makeProject, type Project, schemaTenants } from './project.ts'

const tenants = 8
let database: TestDatabase
let project: Project

beforeAll(async () => {
  database = await freshDatabase('knex_runners')
})
afterAll(() => database?.drop())

beforeEach(async () => {
  const schemas = Array.from({ length: tenants }, (_, i) => `t_${i + 1}`)
  await database.query(`DROP SCHEMA IF EXISTS ${schemas.join(', ')} CASCADE`)
  await database.query(createSchemas(tenants))
  project = makeProject()
  symlinkSync(join(process.cwd(), 'node_modules'), join(project.dir, 'node_modules'))
  project.configure({
    servers: { main: { url: database.url } },
    tenants: schemaTenants(tenants, database.name),
    targetLockWaitMs: 60_000,
  })
  project.write({
    'migrations/000_marks.js':
      'exports.up = (k) => k.schema.createTable("marks", (t) => t.text("name"))\nexports.down = (k) => k.schema.dropTable("marks")\n',
  })
})
afterEach(() => project?.remove())

/**
 * Marks are not unique: what runs twice is seen. Every third one runs without a transaction; its rows have one of their
 * own then, with the progress in it, since no catalog tells whether a row was written.
 */
function addMigration(number: number): string {
  const stem = `${String(number).padStart(3, '0')}_m`
  const alone = number % 3 === 0
  project.write({
    [`migrations/${stem}.js`]: `
exports.config = { transaction: ${!alone} }
exports.up = async (knex) => {
  await knex.raw('select pg_sleep(0.02)')
  await knex.transaction((trx) => trx('marks').insert({ name: '${stem} begun' }))
  await knex.schema.createTable('m_${number}', (t) => { t.increments(); t.integer('size') })
  ${alone ? `await knex.raw('CREATE INDEX CONCURRENTLY m_${number}_size ON m_${number} (size)')` : ''}
  await knex.transaction((trx) => trx('marks').insert({ name: '${stem} done' }))
}
exports.down = (knex) => knex.schema.dropTable('m_${number}')
`,
  })
  return stem
}

async function expectEachOnce(stems: readonly string[]): Promise<void> {
  for (let tenant = 1; tenant <= tenants; tenant++) {
    const marks = await database.query(`SELECT name FROM t_${tenant}.marks ORDER BY name`)
    expect(marks.map(({ name }) => name)).toEqual(stems.flatMap((stem) => [`${stem} begun`, `${stem} done`]))
    const rows = await database.query(`SELECT name FROM t_${tenant}.knex_migrations ORDER BY id`)
    expect(rows.map(({ name }) => name)).toEqual(['000_marks.js', ...stems.map((stem) => `${stem}.js`)])
    expect(await database.query(`SELECT is_locked FROM t_${tenant}.knex_migrations_lock`)).toEqual([{ is_locked: 0 }])
    const invalid = `SELECT 1 FROM pg_index WHERE NOT indisvalid AND indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 't_${tenant}'::regnamespace)`
    expect(await database.query(invalid)).toEqual([])
  }
}

test('three runs at once, and Knex between them', async () => {
  const stems = [1, 2, 3, 4, 5].map(addMigration)
  await withNative({ client: 'pg', url: database.url, schema: 't_3' }, (knex) => knex.migrate.list(), {
    migrations: { directory: join(project.dir, 'migrations') },
  })
  const native = async () => {
    const refused: string[] = []
    for (let tries = 0; tries < 12; tries++) {
      await withNative({ client: 'pg', url: database.url, schema: 't_3' }, (knex) => knex.migrate.latest(), {
        migrations: { directory: join(project.dir, 'migrations') },
      }).catch((error: Error) => refused.push(error.message))
      await sleep(20)
    }
    return refused
  }
  const [first, second, third, refused] = await Promise.all([
    project.run(['up', '--json']),
    project.run(['up', '--json']),
    project.up(),
    native(),
  ])
  expect([first.code, second.code, third.ok]).toEqual([0, 0, true])
  expect(refused.every((message) => message.includes('already locked'))).toBe(true)
  await expectEachOnce(stems)
})

test('runs that are killed at random moments', { timeout: 180_000 }, async () => {
  const stems: string[] = []
  let kills = 0
  for (let round = 1; kills < 12; round++) {
    stems.push(addMigration(2 * round - 1), addMigration(2 * round))
    const child = project.start(['up'])
    const ended = once(child, 'exit')
    await Promise.race([ended, sleep(350 + Math.random() * 900)])
    if (child.exitCode === null) {
      child.kill('SIGKILL')
      kills++
    }
    await ended
  }
  const report = await project.up()
  expect(report.targets.filter(({ error }) => error !== null)).toEqual([])
  await expectEachOnce(stems)
})
