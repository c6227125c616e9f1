import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FormatOptions } from '../../model/format.ts'
import type { Body } from '../../model/migration.ts'
import { knex } from './knex.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tenantry-knex-'))
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
const at = (...names: string[]) => names.map((name) => join(root, name))
const up = 'exports.up = (knex) => knex.schema.createTable("a", (t) => t.increments())\n'
const both = `${up}exports.down = (knex) => knex.schema.dropTable("a")\n`
const codeOf = (body: Body | null | undefined) => {
  if (body?.kind !== 'code') throw new Error('It is not code.')
  return body.load()
}
const ids = async (more: Partial<FormatOptions> = {}) =>
  (await knex.load(options(more))).migrations.map((migration) => migration.id)

describe('detect', () => {
  const detect = async (text: string, files: Readonly<Record<string, string>> = {}, name = '001_a.js') => {
    await write({ [`migrations/${name}`]: text, ...files })
    return knex.detect(join(root, 'migrations'))
  }

  it.each([
    ['CommonJS', both],
    ['a module', 'export async function up(knex) { await knex.schema.dropTable("a") }'],
    ['arrow functions', 'export const up = async ({ schema }) => schema.createTable("a")'],
    ['TypeScript', 'import type { Knex } from "knex"\nexport async function up(k: Knex): Promise<void> {}'],
    ['one object', 'module.exports = { up: (db) => db.schema.createTable("a"), down() {} }'],
    ['what says that it was of another tool', `// once in Sequelize\n/* queryInterface */\n${both}`],
    ['SQL alone', 'exports.up = (k) => k.raw("select 1")'],
    ['rows alone', 'exports.up = async (db) => { await db("states").insert({ code: "new" }) }'],
    ['a default export', 'export default { async up(knex) {}, async down(knex) {} }'],
  ])('knows %s', async (_, text) => {
    expect(await detect(text)).toBeGreaterThan(0.5)
  })

  it.each([
    ['Sequelize', 'module.exports = { async up(queryInterface, Sequelize) { await queryInterface.dropTable("a") } }'],
    ['umzug', 'exports.up = async ({ context: db }) => db.dropTable("a")'],
    ['TypeORM', 'export class A implements MigrationInterface { async up(queryRunner: QueryRunner) {} }'],
    ['node-pg-migrate', 'exports.up = (pgm) => { pgm.createTable("a", {}) }'],
    [
      'Kysely',
      'import { Kysely } from "kysely"\nexport async function up(db: Kysely<any>) { db.schema.createTable("a") }',
    ],
    ['no tool', 'exports.up = async () => {}'],
    ['no migration', 'module.exports = { client: "knex" }'],
  ])('does not take %s for it', async (_, text) => {
    expect(await detect(text)).toBe(0)
  })

  it('is surer, and bolder, with a knexfile near by', async () => {
    const alone = await detect(both)
    expect(await detect(both, { 'knexfile.js': 'module.exports = {}' })).toBeGreaterThan(alone)
    expect(await detect('exports.up = async () => {}')).toBeGreaterThan(0)
  })
})

describe('which files', () => {
  const all = {
    'migrations/003_c.ts': 'export const up = 1',
    'migrations/002_b.cjs': up,
    'migrations/001_a.js': up,
    'migrations/001_a.d.ts': 'export {}',
    'migrations/004_d.mjs': '',
    'migrations/readme.md': '',
  }

  it('are those that Knex loads by default, by file name; others are left out, and that is said', async () => {
    await write(all)
    const { migrations, notices } = await knex.load(options())
    expect(migrations.map((one) => one.id)).toEqual(['001_a', '002_b', '003_c'])
    expect(migrations[0]).toMatchObject({
      number: '001',
      keys: ['001_a.js', '001_a', '001_a.cjs', '001_a.mjs', '001_a.ts', '001_a.cts', '001_a.mts'],
      up: { kind: 'code', file: 'migrations/001_a.js' },
      transaction: 'auto',
    })
    expect(notices).toMatchObject([{ rule: 'knex-extension', file: 'migrations/004_d.mjs' }])
  })

  it('are those of loadExtensions', async () => {
    await write({ ...all, 'knexfile.js': 'module.exports = { migrations: { loadExtensions: [".mjs", ".ts"] } }' })
    expect(await ids()).toEqual(['003_c', '004_d'])
  })

  it('are ES modules where there is nothing else', async () => {
    await write({ 'migrations/1_a.mjs': '', 'migrations/2_b.mts': '' })
    expect(await ids()).toEqual(['1_a', '2_b'])
  })

  it('are ordered over all folders, or folder by folder', async () => {
    await write({ 'b/001.js': '', 'b/004.js': '', 'a/002.js': '', 'a/003.js': '' })
    expect(await ids({ dirs: at('b', 'a') })).toEqual(['001', '002', '003', '004'])
    await write({ 'knexfile.json': '{ "migrations": { "sortDirsSeparately": true } }' })
    expect(await ids({ dirs: at('b', 'a') })).toEqual(['001', '004', '002', '003'])
  })

  it('are ignored by name', async () => {
    await write({ 'migrations/001.js': '', 'migrations/index.js': '' })
    expect(await ids({ ignore: /^index/ })).toEqual(['001'])
  })

  it('may not have one name twice', async () => {
    await write({ 'migrations/001_a.js': '', 'migrations/001_a.ts': '', 'other/002.js': '', 'migrations/002.js': '' })
    await expect(knex.load(options({ dirs: at('migrations', 'other') }))).rejects.toMatchObject({
      code: 'MIGRATION_DUPLICATE',
      hint: expect.stringContaining('loadExtensions'),
      context: { problems: [{ files: ['migrations/001_a.js', 'migrations/001_a.ts'] }, {}] },
    })
  })
})

describe('a file', () => {
  const load = async (name: string, text: string) => {
    await write({ [`migrations/${name}`]: text })
    const migration = (await knex.load(options())).migrations.find((one) => one.up.file.endsWith(`/${name}`))
    return { up: () => codeOf(migration?.up), down: () => codeOf(migration?.down) }
  }

  it.each([
    ['a.js', both],
    ['a.cjs', 'module.exports = { up: async (knex) => knex.raw("x"), down: async (knex) => knex.raw("x") }'],
    ['a.mjs', 'export async function up(k) { await k.raw("x") }\nexport const down = (k) => k.raw("x")'],
    [
      'a.ts',
      'export async function up(k: object): Promise<void> { void k }\nexport async function down(k: never) { void k }',
    ],
    ['a.mts', 'export default { up: (k: object) => void k, down: (k: never) => k }'],
    ['b.js', 'export async function up(k) { await k.raw("x") }\nexport async function down(k) { await k.raw("x") }'],
  ])('%s is imported', async (name, text) => {
    const { up: first, down } = await load(name, text)
    const expected = { run: expect.any(Function), transaction: true, empty: false }
    expect([await first(), await down()]).toEqual([expected, expected])
  })

  it('tells whether it wants a transaction, has a function, and whether that does anything', async () => {
    const text = 'exports.config = { transaction: false }\nexports.up = (k) => k.raw("x")\n'
    const { up: first, down } = await load('a.js', text)
    expect(await first()).toMatchObject({ transaction: false, empty: false })
    expect(await down()).toMatchObject({ run: null })
    const other = await load('c.js', `${up}exports.down = async () => { /* one way */ }`)
    expect(await other.down()).toMatchObject({ empty: true, run: expect.any(Function) })
  })

  it('hears disableTransactions, unless it says otherwise itself', async () => {
    await write({ 'knexfile.js': 'module.exports = { migrations: { disableTransactions: true } }' })
    expect(await (await load('a.js', both)).up()).toMatchObject({ transaction: false })
    await rm(join(root, 'migrations/a.js'))
    expect(await (await load('b.js', `exports.config = { transaction: true }\n${both}`)).up()).toMatchObject({
      transaction: true,
    })
  })

  it('that cannot be imported says where and what to do, and hurts nobody before it is needed', async () => {
    const { up: broken } = await load('a.js', 'exports.up = (knex) => {\n  knex.raw(\n}\n')
    await expect(broken()).rejects.toMatchObject({
      code: 'MIGRATIONS_UNREADABLE',
      message: expect.stringContaining('migrations/a.js cannot be imported at line 3'),
    })
    await rm(join(root, 'migrations/a.js'))
    const missing = await load('b.js', 'const x = require("no-such-package")\n')
    await expect(missing.up()).rejects.toMatchObject({ hint: expect.stringContaining('npm install no-such-package') })
    await rm(join(root, 'migrations/b.js'))
    const coffee = await load('c.coffee', 'exports.up = -> 1\n')
    await expect(coffee.up()).rejects.toMatchObject({ hint: expect.stringContaining('Compile it') })
  })

  it('is known by its content, whatever the line ends', async () => {
    const sums = async (text: string) => {
      await load('a.js', text)
      const [one] = (await knex.load(options())).migrations
      return [one?.checksum, ...(one?.otherChecksums ?? [])]
    }
    const plain = await sums('a\nb\n')
    expect(plain).toEqual(expect.arrayContaining([(await sums('a\r\nb\r\n'))[0]]))
    expect(plain).not.toEqual(expect.arrayContaining([(await sums('a\nc\n'))[0]]))
  })
})

describe('migrationSource', () => {
  const source = `class Source {
    async getMigrations() { return ['one', 'two'] }
    getMigrationName(name) { return name }
    async getMigration(name) {
      if (name === 'two') throw new Error('two is not here')
      return { up: (k) => k.raw('x'), down: async () => {}, config: { transaction: false } }
    }
  }
  module.exports = { client: 'pg', migrations: { migrationSource: new Source() } }`

  it('is read where the knexfile names no folder', async () => {
    await write({ 'knexfile.js': source })
    const dirs = await knex.findDirs?.(options())
    expect(dirs).toEqual([])
    const { migrations } = await knex.load(options({ dirs: dirs ?? [] }))
    expect(migrations.map(({ id, keys }) => [id, keys])).toEqual([
      ['one', ['one']],
      ['two', ['two']],
    ])
    expect(await codeOf(migrations[0]?.up)).toMatchObject({ transaction: false, empty: false })
    expect(await codeOf(migrations[0]?.down)).toMatchObject({ empty: true })
    await expect(codeOf(migrations[1]?.up)).rejects.toMatchObject({
      code: 'MIGRATIONS_UNREADABLE',
      message: expect.stringContaining('two is not here'),
    })
  })

  it('must have its three functions', async () => {
    await write({ 'knexfile.js': 'module.exports = { migrations: { migrationSource: { getMigrations: () => [] } } }' })
    await expect(knex.load(options({ dirs: [] }))).rejects.toMatchObject({
      message: expect.stringContaining('getMigrationName'),
    })
  })
})

describe('make', () => {
  const now = new Date('2031-05-06T07:08:09Z')
  const make = async (name: string) => {
    const [file, ...others] = await knex.template(options(), name, { description: null, now })
    expect(others).toEqual([])
    return { name: file?.path.slice(root.length + 1), text: file?.text ?? '' }
  }

  it('keeps the name as it was given, where a file may have it', async () => {
    expect((await make('addUsers')).name).toBe('migrations/20310506070809_addUsers.js')
    expect((await make('Add users!')).name).toBe('migrations/20310506070809_add_users.js')
    await expect(make('!')).rejects.toMatchObject({ code: 'USAGE' })
  })

  it('comes after the last one', async () => {
    await write({ 'migrations/20310506070809_a.ts': '' })
    expect((await make('a')).name).toBe('migrations/20310506070810_a.ts')
  })

  it("writes the knexfile's ending and stub, to the last of its folders", async () => {
    await write({
      'stubs/own.txt': '// for <%= d.who %>\n',
      'knexfile.js': `module.exports = { migrations: {
        directory: ['./a', './b'], extension: 'ts', stub: './stubs/own.txt', variables: { who: 'us' } } }`,
    })
    const dirs = (await knex.findDirs?.(options())) ?? []
    expect(dirs).toEqual(at('a', 'b'))
    const [file] = await knex.template(options({ dirs }), 'x', { description: null, now })
    expect(file).toEqual({ path: join(root, 'b/20310506070809_x.ts'), text: '// for us\n' })
  })

  it('writes a module where the others are modules', async () => {
    await write({ 'package.json': '{ "type": "module" }', 'migrations/1_a.js': 'export const up = () => {}' })
    expect((await make('b')).text).toContain('export const up')
  })

  it("uses the project's own version", async () => {
    await mkdir(join(root, 'node_modules'))
    await symlink(join(process.cwd(), 'node_modules/knex2'), join(root, 'node_modules/knex'))
    const { text } = await make('b')
    expect(text).toContain('exports.up = function(knex)')
  })
})
