/** `make` writes what sequelize-cli writes. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Project } from './project.ts'
import { makeSequelizeProject, sequelizeCli } from './sequelize.ts'

let project: Project
beforeEach(() => {
  project = makeSequelizeProject(null)
  project.write({
    '.sequelizerc': `module.exports = { 'migrations-path': require('path').resolve('db', 'steps') }`,
    'config/config.json': '{ "development": { "dialect": "postgres" } }',
  })
  project.configure({
    migrations: { format: 'sequelize' },
    tenants: [{ slug: 'one', topology: 'dedicated', url: 'postgres://nobody@127.0.0.1:1/none' }],
  })
})
afterEach(() => project?.remove())

const make = (name: string) => project.use((tenantry) => tenantry.make(name))
const folder = () => readdirSync(join(project.dir, 'db/steps')).sort()
const read = (name: string) => readFileSync(join(project.dir, 'db/steps', name), 'utf8')

test('name, place and text are those of `migration:generate`', async () => {
  const native = await sequelizeCli(project.dir, ['migration:generate', '--name', 'add-users_2'])
  expect(native).toMatchObject({ code: 0 })
  const [theirs = ''] = folder()
  const { files } = await make('add-users_2')
  const ours = folder().find((name) => name !== theirs) ?? ''
  expect(files).toEqual([`db/steps/${ours}`])
  expect(theirs).toMatch(/^\d{14}-add-users_2\.js$/)
  expect(ours).toMatch(/^\d{14}-add-users_2\.js$/)
  expect(read(ours)).toBe(read(theirs))
  // Later than the last one, also when it was made in the same second.
  expect(ours > theirs).toBe(true)
  expect(Number(ours.slice(0, 14)) - Number(theirs.slice(0, 14))).toBeLessThan(60)
  await make('Größe & Form')
  expect(folder().at(-1)).toMatch(/^\d{14}-grosse-form\.js$|^\d{14}-gro-e-form\.js$/)
})

test.each([
  [
    '20240101000000-a.ts',
    'export async function up(queryInterface) {}',
    /^\d{14}-b\.ts$/,
    /^import type \{ DataTypes, QueryInterface \} from 'sequelize'/,
  ],
  [
    '20240101000000-a.mjs',
    'export const up = async (queryInterface) => {}',
    /^\d{14}-b\.mjs$/,
    /^\/\*\*.*\n?export async function up\(queryInterface, Sequelize\)/,
  ],
  [
    '2024.01.01T00.00.00.a.js',
    'exports.up = async ({ context: queryInterface }) => {}',
    /^\d{4}\.\d\d\.\d\dT\d\d\.\d\d\.\d\d\.b\.js$/,
    /exports\.up = async \(\{ context: queryInterface \}\)/,
  ],
  [
    '2024.01.01T00.00.00.a.ts',
    'export const up = async ({ context }) => {}',
    /\.b\.ts$/,
    /MigrationFn<QueryInterface> = async \(\{ context/,
  ],
])('a folder like %s goes on in its way', async (name, text, expectedName, expectedText) => {
  project.write({ [`db/steps/${name}`]: text })
  await make('b')
  const made = folder().at(-1) ?? ''
  expect(made).toMatch(expectedName)
  expect(read(made)).toMatch(expectedText)
})
