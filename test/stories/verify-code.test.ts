/** `verify`, `backfill` and `drift` where the migrations are code: the reference is what the code makes. */
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { freshDatabase } from '../servers/shared.ts'
import { makeProject } from './project.ts'

const knex = `exports.up = (knex) => knex.schema.createTable('users', (t) => { t.increments(); t.string('email').index() })
exports.down = (knex) => knex.schema.dropTable('users')`
const sequelize = `exports.up = async (q, S) => {
  await q.createTable('users', { id: { type: S.INTEGER, primaryKey: true, autoIncrement: true }, email: S.STRING })
  await q.addIndex('users', ['email'], { name: 'users_email_index' })
}
exports.down = (q, S) => q.dropTable('users')`

test.each([
  ['knex', knex],
  ['sequelize', sequelize],
])('%s: an index that was dropped by hand is named, and made again', async (format, text) => {
  const database = await freshDatabase(`verify ${format}`)
  await database.query('CREATE SCHEMA t_1; CREATE SCHEMA t_2')
  const project = makeProject()
  try {
    symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(project.dir, 'node_modules'))
    project.configure({
      migrations: { format },
      scratch: { server: 'main' },
      servers: { main: { url: database.url } },
      tenants: ['t_1', 't_2'].map((schema) => ({ slug: schema, topology: 'schema', database: database.name, schema })),
    })
    project.write({ 'migrations/20240101000000-users.js': text })
    expect((await project.use((tenantry) => tenantry.up())).ok).toBe(true)
    await database.query('DROP INDEX t_2.users_email_index')

    const { targets, ok } = await project.use((tenantry) => tenantry.verify())
    expect(ok).toBe(false)
    expect(targets.map(({ findings }) => findings.map(({ rule, object }) => `${rule} ${object}`))).toEqual([
      [],
      ['claimed-and-missing users_email_index'],
    ])
    const made = await project.use((tenantry) => tenantry.backfill())
    expect(made.targets.map((target) => target.made)).toEqual([[], ['index users_email_index']])
    const { clusters } = await project.use((tenantry) => tenantry.drift())
    expect(clusters.map((cluster) => [cluster.targets, cluster.reference])).toEqual([[2, true]])
  } finally {
    project.remove()
    await database.drop()
  }
})
