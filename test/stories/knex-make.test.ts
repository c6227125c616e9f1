/** `make` in a Knex project: the file that `knex migrate:make` writes, by the project's own version. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeProject, type Project } from './project.ts'

let project: Project
beforeEach(() => {
  project = makeProject()
  project.configure({
    servers: { main: { url: 'postgres://localhost/none' } },
    tenants: [{ slug: 'a', database: 'a' }],
  })
})
afterEach(() => project?.remove())

function install(packageName: string): void {
  mkdirSync(join(project.dir, 'node_modules'))
  symlinkSync(join(process.cwd(), 'node_modules', packageName), join(project.dir, 'node_modules/knex'))
}

/** The one file in the folder, with the time taken out of its name. */
function takeOnly(): { name: string; text: string } {
  const dir = join(project.dir, 'migrations')
  const [name = '', ...others] = readdirSync(dir)
  expect(others).toEqual([])
  const text = readFileSync(join(dir, name), 'utf8')
  rmSync(join(dir, name))
  return { name: name.replace(/^\d{14}/, '#'), text }
}

test.each([
  ['knex', 'knexfile.js', 'module.exports = { client: "pg", connection: {} }'],
  [
    'knex',
    'knexfile.js',
    'module.exports = { development: { client: "pg", connection: {}, migrations: { extension: "ts" } } }',
  ],
  ['knex', 'knexfile.mjs', 'export default { client: "pg", connection: {} }'],
  ['knex', 'knexfile.js', 'module.exports = { client: "pg", connection: {}, migrations: { extension: "cjs" } }'],
  ['knex', 'knexfile.js', 'module.exports = { client: "pg", connection: {}, migrations: { extension: "js-schema" } }'],
  ['knex', 'knexfile.js', 'module.exports = { client: "pg", connection: {}, migrations: { stub: "./stub.js" } }'],
  ['knex2', 'knexfile.js', 'module.exports = { client: "pg", connection: {} }'],
  ['knex2', 'knexfile.js', 'module.exports = { client: "pg", connection: {}, migrations: { extension: "ts" } }'],
])('%s with %s: %s', async (version, name, text) => {
  install(version)
  project.write({ [name]: text, 'stub.js': '// ours\nexports.up = async () => {}\n', 'migrations/x': '' })
  rmSync(join(project.dir, 'migrations/x'))
  const cli = join(project.dir, 'node_modules/knex/bin/cli.js')
  const ran = spawnSync(process.execPath, [cli, 'migrate:make', 'addUsers_2'], {
    cwd: project.dir,
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  })
  expect(ran.stderr).toBe('')
  const native = takeOnly()
  const config = { servers: { main: { url: 'postgres://localhost/none' } }, migrations: { format: 'knex' } }
  project.configure({ ...config, tenants: [{ slug: 'a', database: 'a' }] })
  await project.use((tenantry) => tenantry.make('addUsers_2'))
  expect(takeOnly()).toEqual(native)
})
