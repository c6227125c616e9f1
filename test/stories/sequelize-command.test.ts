/** The command line in a project of sequelize-cli, as a process of its own. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import type { Project } from './project.ts'
import { makeSequelizeProject } from './sequelize.ts'

let database: TestDatabase
let project: Project
beforeEach(async () => {
  database = await freshDatabase('sq_command')
  project = makeSequelizeProject(null)
  project.write({
    'backend/.sequelizerc': `const path = require('path')
      module.exports = { config: path.resolve('config', 'sequelize.config.js'), 'migrations-path': path.resolve('migrations') }`,
    'backend/config/sequelize.config.js': `const common = { dialect: 'postgres', username: 'app', password: process.env.DB_PASS, database: 'mydb' }
      module.exports = { development: common, production: { ...common, dialectOptions: { ssl: { require: true, rejectUnauthorized: false } } } }`,
    'backend/migrations/20260128104444-add_users.js': `'use strict';
      module.exports = {
        up: async (queryInterface, Sequelize) => { await queryInterface.createTable('users', { id: Sequelize.INTEGER }) },
        down: async (queryInterface, Sequelize) => { /** Add reverting commands here. */ },
      }`,
    'backend/migrations/20260130000000-add-name.ts': `import type { QueryInterface } from 'sequelize'
      import { DataTypes } from 'sequelize'
      export const up = async (queryInterface: QueryInterface): Promise<void> => {
        await queryInterface.addColumn('users', 'name', DataTypes.STRING)
      }`,
    'backend/migrations/20260201000000-exits.js': `module.exports = { async up() { process.exit(0) }, async down() {} }`,
  })
})
afterEach(async () => {
  project?.remove()
  await database?.drop()
})

const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  project.run(args, { PATH: process.env.PATH, DATABASE_URL: database.url, ...env })

test('plans, tells which undo is missing or empty, and lives when a file ends the process', async () => {
  project.write({
    'tenantry.config.mjs': `export default { migrations: { dir: './backend/migrations' }, tenants: [{ slug: 'own', topology: 'dedicated', url: process.env.DATABASE_URL }] }`,
  })
  const plan = await run(['plan', '--verbose'])
  expect(plan.stdout + plan.stderr).toMatch(/20260128104444-add_users[\s\S]*20260130000000-add-name/)
  const json = await run(['plan', '--json'])
  expect(JSON.parse(json.stdout).migrations).toMatchObject([
    { migration: '20260128104444-add_users', mode: 'code', undo: 'empty' },
    { migration: '20260130000000-add-name', mode: 'code', undo: 'missing' },
    { migration: '20260201000000-exits', undo: 'empty' },
  ])
  const up = await run(['up'])
  expect(up.code).toBe(1)
  expect(up.stdout + up.stderr).toContain('process.exit')
  expect(await database.query('SELECT name FROM "SequelizeMeta" ORDER BY 1')).toEqual([
    { name: '20260128104444-add_users.js' },
    { name: '20260130000000-add-name.ts' },
  ])
})

test('refuses a config that checks no certificate, where its part is the one that is used', async () => {
  project.write({
    'tenantry.config.mjs': `export default { migrations: { dir: './backend/migrations' }, environments: { production: {} }, tenants: [{ slug: 'own', topology: 'dedicated', url: process.env.DATABASE_URL }] }`,
  })
  for (const refused of [
    await run(['plan', '--env', 'production']),
    await run(['up'], { NODE_ENV: 'production', DB_PASS: 'geheim' }),
  ]) {
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('rejectUnauthorized: false')
    expect(refused.stderr).toContain("tls: { ca: './ca.pem' }")
    expect(refused.stdout + refused.stderr).not.toContain('geheim')
  }
  expect((await run(['plan'])).code).toBe(0)
})
