/** `plan --verbose` says where `down` would have nothing to run. */
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { makeProject, type Project } from './project.ts'

let database: TestDatabase
let project: Project
beforeEach(async () => {
  database = await freshDatabase('plan undo')
  project = makeProject()
  symlinkSync(join(process.cwd(), 'node_modules'), join(project.dir, 'node_modules'))
  project.configure({
    servers: { main: { url: database.url } },
    tenants: [{ slug: 'one', topology: 'database', database: database.name }],
  })
})
afterEach(async () => {
  project.remove()
  await database.drop()
})

const up = (table: string) => `exports.up = (knex) => knex.schema.createTable('${table}', (t) => t.increments())\n`

test('of code: there, missing, empty; and `down` refuses what is missing before it touches anything', async () => {
  project.write({
    'migrations/001_a.js': `${up('a')}exports.down = (knex) => knex.schema.dropTable('a')\n`,
    'migrations/002_b.js': up('b'),
    'migrations/003_c.js': `${up('c')}exports.down = async (knex) => {\n  // nothing\n}\n`,
  })
  const plan = await project.use((tenantry) => tenantry.plan())
  expect(plan.migrations.map(({ migration, mode, undo, hasUndo }) => [migration, mode, undo, hasUndo])).toEqual([
    ['001_a', 'code', 'present', true],
    ['002_b', 'code', 'missing', false],
    ['003_c', 'code', 'empty', false],
  ])
  const verbose = await project.run(['plan', '--verbose'])
  expect(verbose.stdout).toContain('undo: there is none, so `down` will refuse it')
  expect(verbose.stdout).toContain('undo: there is one and it does nothing, so `down` will refuse it')
  expect((await project.run(['plan'])).stdout).not.toContain('will refuse it')
  await project.up()
  for (const migration of ['002_b', '003_c']) {
    const refused = await project.run(['down', migration])
    expect([refused.code === 0, `${refused.stdout}${refused.stderr}`]).toEqual([
      false,
      expect.stringContaining('UNDO_MISSING'),
    ])
  }
  expect(await database.query("select count(*)::int as n from pg_tables where tablename in ('a', 'b', 'c')")).toEqual([
    { n: 3 },
  ])
})

test('of SQL', async () => {
  project.write({
    'migrations/001_a.sql': 'create table a ();',
    'migrations/002_b.sql': 'create table b ();',
    'migrations/rollbacks/001_a.sql': 'drop table a;',
  })
  const plan = await project.use((tenantry) => tenantry.plan())
  expect(plan.migrations.map(({ undo }) => undo)).toEqual(['present', 'missing'])
})
