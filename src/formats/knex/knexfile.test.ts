import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FormatOptions } from '../../model/format.ts'
import { knex } from './knex.ts'
import { findKnexfile, readKnexfile } from './knexfile.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tenantry-knexfile-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), text)
  }
}
const options = (more: Partial<FormatOptions> = {}): FormatOptions => ({
  root,
  dirs: [join(root, 'migrations')],
  ignore: null,
  placeholders: {},
  ...more,
})
const tableOf = async (more: Partial<FormatOptions> = {}) => (await readKnexfile(options(more)))?.migrations.tableName

describe('a knexfile', () => {
  it.each([
    ['knexfile.js', 'module.exports = { migrations: { tableName: "t" } }'],
    ['knexfile.cjs', 'exports.migrations = { tableName: "t" }'],
    ['knexfile.mjs', 'export default async () => ({ migrations: { tableName: "t" } })'],
    ['knexfile.mjs', 'export const migrations = { tableName: "t" }'],
    ['knexfile.ts', 'const config: object = { migrations: { tableName: "t" } }\nexport default config'],
    ['knexfile.ts', 'module.exports = Promise.resolve({ migrations: { tableName: "t" } })'],
    ['knexfile.json', '{ "migrations": { "tableName": "t" } }'],
    [
      'knexfile.js',
      'Object.defineProperty(exports, "__esModule", { value: true }); exports.default = { migrations: { tableName: "t" } }',
    ],
  ])('is read from %s: %s', async (name, text) => {
    await write({ [name]: text })
    expect(await tableOf()).toBe('t')
  })

  it('is looked for from the migrations up to the project, and no further', async () => {
    await write({ 'knexfile.js': 'module.exports = {}', 'back/db/knexfile.js': 'module.exports = {}' })
    const dirs = [join(root, 'back/db/migrations/tenant')]
    expect(await findKnexfile(options({ dirs }))).toBe(join(root, 'back/db/knexfile.js'))
    expect(await findKnexfile(options())).toBe(join(root, 'knexfile.js'))
    expect(await findKnexfile(options({ root: join(root, 'back'), dirs: [join(root, 'back/m')] }))).toBeNull()
    expect(await findKnexfile(options({ toolConfig: '/else/where.js' }))).toBe('/else/where.js')
  })

  it('has parts per environment, development where none is asked for', async () => {
    await write({
      'knexfile.js': `module.exports = {
        development: { client: 'pg', migrations: { tableName: 'dev' } }, production: { client: 'pg', migrations: { tableName: 'prod' } } }`,
    })
    expect(await tableOf()).toBe('dev')
    expect(await tableOf({ environment: 'production' })).toBe('prod')
    await expect(tableOf({ environment: 'staging' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      hint: expect.stringContaining('development, production'),
    })
  })

  it('takes any part for an environment it does not know, where they agree', async () => {
    await write({
      'knexfile.js': `const migrations = { tableName: 'same' }
        module.exports = { a: { client: 'pg', migrations }, b: { client: 'pg', migrations } }`,
    })
    expect(await tableOf({ environment: 'staging' })).toBe('same')
  })

  it('gives up what it connects with, and makes paths absolute', async () => {
    await write({
      'db/knexfile.js': `module.exports = { client: 'pg', connection: 'postgres://u:geheim@h/d', pool: { max: 3 },
        searchPath: ['app', 'public'], seeds: { directory: './s' }, asyncStackTraces: true,
        migrations: { directory: ['./one', '../two'], schemaName: 'meta', tableName: 'done' } }`,
    })
    const toolConfig = join(root, 'db/knexfile.js')
    const knexfile = await readKnexfile(options({ toolConfig }))
    expect(JSON.stringify(knexfile)).not.toContain('geheim')
    expect(knexfile?.config).toEqual({
      client: 'pg',
      asyncStackTraces: true,
      seeds: { directory: join(root, 'db/s') },
      migrations: { directory: [join(root, 'db/one'), join(root, 'two')], schemaName: 'meta', tableName: 'done' },
    })
    expect(await knex.findDirs?.(options({ toolConfig }))).toEqual([join(root, 'db/one'), join(root, 'two')])
    await write({ 'migrations/1.js': '' })
    expect((await knex.load(options({ toolConfig }))).history).toEqual({ table: 'done', schema: 'meta' })
  })

  it('that only connects an application names no folders', async () => {
    await write({ 'knexfile.js': 'module.exports = { client: "pg" }' })
    expect(await knex.findDirs?.(options())).toBeNull()
    await write({ 'migrations/1.js': '' })
    expect(await knex.findDirs?.(options())).toEqual([join(root, 'migrations')])
  })

  it('says which servers it is for, and what is not called', async () => {
    await write({
      'migrations/1.js': '',
      'knexfile.js': 'module.exports = { client: "mysql2", migrations: { beforeAll() {}, afterEach() {} } }',
    })
    const { notices } = await knex.load(options({ dialects: ['postgres'] }))
    expect(notices.map(({ rule }) => rule)).toEqual(['knex-client', 'knex-hooks'])
    expect((await knex.load(options({ dialects: ['mysql'] }))).notices).toHaveLength(1)
  })

  it.each([
    ['throws', 'throw new Error("no DATABASE_URL, had postgres://u:geheim@h/d")', 'no DATABASE_URL'],
    ['is a function that throws', 'module.exports = () => { throw new Error("later") }', 'failed: later'],
    ['has a syntax error', 'module.exports = {{', 'cannot be imported'],
    ['exports nothing of use', 'module.exports = 3', 'exports no settings'],
  ])('that %s is refused by name', async (_, text, message) => {
    await write({ 'knexfile.js': text })
    await expect(readKnexfile(options())).rejects.toMatchObject({
      code: 'MIGRATIONS_UNREADABLE',
      message: expect.stringContaining(message),
      context: { file: 'knexfile.js' },
    })
    await expect(readKnexfile(options())).rejects.not.toMatchObject({ message: expect.stringContaining('geheim') })
  })
})
