/** `down --batch` on the command line; that a batch is Knex's own is in the stories of parity. */
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { createSchemas, makeProject, type Project, schemaTenants } from './project.ts'

let database: TestDatabase
let project: Project
beforeEach(async () => {
  database = await freshDatabase('down batch')
  await database.query(createSchemas(2))
  project = makeProject()
  symlinkSync(join(process.cwd(), 'node_modules'), join(project.dir, 'node_modules'))
})
afterEach(async () => {
  project.remove()
  await database.drop()
})

const make = (table: string) => `
exports.up = (knex) => knex.schema.createTable('${table}', (t) => t.increments())
exports.down = (knex) => knex.schema.dropTable('${table}')
`

test('the last batch of each target is undone, where it has several migrations too', async () => {
  project.configure({ servers: { main: { url: database.url } }, tenants: schemaTenants(2, database.name) })
  project.write({ 'migrations/001_a.js': make('a') })
  await project.use((tenantry) => tenantry.up({ selectors: { tenants: ['t1'] } }))
  project.write({ 'migrations/002_b.js': make('b'), 'migrations/003_c.js': make('c') })
  await project.up()
  const done = await project.run(['down', '--batch', '--unproven', '--json'])
  expect(done.code).toBe(0)
  const { targets } = JSON.parse(done.stdout)
  expect(targets.map(({ undone }: Record<string, unknown>) => undone)).toEqual([
    ['003_c', '002_b'],
    ['003_c', '002_b', '001_a'],
  ])
  const again = await project.run(['down', '--batch', 't1', '--json'])
  expect(JSON.parse(again.stdout).targets[0].undone).toEqual(['001_a'])
  const empty = await project.run(['down', '--batch'])
  expect([empty.code, empty.stdout]).toEqual([0, expect.stringContaining('2 up-to-date')])
})

test('where nobody counts batches it is refused before anything is touched', async () => {
  project.configure({ servers: { main: { url: database.url } }, tenants: schemaTenants(1, database.name) })
  project.write({ 'migrations/001_a.sql': 'create table a ();', 'migrations/rollbacks/001_a.sql': 'drop table a;' })
  await project.up()
  const refused = await project.run(['down', '--batch'])
  expect(refused.code).toBe(2)
  expect(refused.stderr).toContain('schema_migrations of set tenant does not count batches')
  expect(refused.stderr).toContain('--steps <n>')
  expect(await database.query("select to_regclass('t_1.a') is not null as there")).toEqual([{ there: true }])
})
