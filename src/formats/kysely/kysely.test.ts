import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FormatOptions } from '../../model/format.ts'
import { detectFormat } from '../registry.ts'
import { kysely } from './kysely.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tenantry-kysely-'))
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
const up = 'export async function up(db) {}\n'
const ids = async (more: Partial<FormatOptions> = {}) =>
  (await kysely.load(options(more))).migrations.map(({ id }) => id)

describe('detect', () => {
  const detect = async (text: string, name = '001_a.js') => {
    await write({ [`migrations/${name}`]: text })
    return (await detectFormat(join(root, 'migrations')))?.name ?? null
  }

  it.each([
    ['TypeScript', "import { Kysely, sql } from 'kysely'\nexport async function up(db: Kysely<any>): Promise<void> {}"],
    ['a comment of types', '/** @param {import("kysely").Kysely<any>} db */\nexports.up = async (db) => {}'],
    [
      'its builder alone',
      "export async function up(db) {\n  await db.schema\n    .createTable('a')\n    .addColumn('id', 'integer')\n    .execute()\n}",
    ],
    ['rows alone', "exports.up = async (db) => { await db.insertInto('a').values({ id: 1 }).execute() }"],
    ['SQL alone', 'export const up = async (db) => { await sql`select 1`.execute(db) }'],
  ])('knows %s', async (_, text) => {
    expect(await detect(text)).toBe('kysely')
  })

  it.each([
    ['knex', 'exports.up = async (knex) => { await knex.schema.createTable("a", (t) => t.increments()) }'],
    ['knex', 'exports.up = (db) => db.schema.createTable("a", (t) => t.increments())'],
    [
      'sequelize',
      'module.exports = { async up(queryInterface, Sequelize) { await queryInterface.addColumn("a", "b") } }',
    ],
    ['node-pg-migrate', 'exports.up = (pgm) => { pgm.createTable("a", { id: "id" }) }'],
  ])('leaves %s alone', async (format, text) => {
    expect(await detect(text)).toBe(format)
  })
})

describe('files', () => {
  it('are ordered as Kysely orders them: by code units, without their endings', async () => {
    await write({
      'migrations/10_b.ts': up,
      'migrations/2_a.js': up,
      'migrations/1_Z.mjs': up,
      'migrations/1_a.cts': up,
      'migrations/1_a.d.ts': 'export declare function up(db: unknown): Promise<void>\n',
      'migrations/1.a.cjs': up,
      'migrations/readme.md': '',
    })
    // As `Object.keys(…).sort()`; `localeCompare` would put 1_a before 1_Z.
    expect(await ids()).toEqual(['1.a', '10_b', '1_Z', '1_a', '2_a'])
  })

  it('that export no `up` are left out, with a word about it; a number in front makes a migration of any', async () => {
    await write({
      'migrations/001_a.ts': up,
      'migrations/columns.ts': 'export const id = 1\n',
      'migrations/002_b.ts': '',
    })
    const { migrations, notices } = await kysely.load(options())
    expect(migrations.map(({ id, keys }) => [id, keys])).toEqual([
      ['001_a', ['001_a']],
      ['002_b', ['002_b']],
    ])
    expect(notices).toMatchObject([{ rule: 'kysely-no-up', file: 'migrations/columns.ts' }])
  })

  it('of one name are refused, with what to do about compiled ones', async () => {
    await write({ 'migrations/001_a.ts': up, 'migrations/001_a.js': up })
    await expect(kysely.load(options())).rejects.toMatchObject({
      code: 'MIGRATION_DUPLICATE',
      hint: expect.stringContaining('migrations.ignore'),
    })
    expect(await ids({ ignore: /\.js$/ })).toEqual(['001_a'])
    // kysely-ctl reads TypeScript only, unless its config says otherwise.
    await write({ 'kysely.config.ts': 'export default { migrations: {} }' })
    expect(await ids()).toEqual(['001_a'])
  })
})

describe('kysely.config', () => {
  const config = (text: string, name = 'kysely.config.ts') =>
    write({ [name]: `export default ${text}\n`, 'migrations/001_a.ts': up })

  it('names the folder and the tables, in the part of an environment, too', async () => {
    await config(
      `{ migrations: { migrationFolder: 'a', migrationTableName: 'one', migrationTableSchema: 's', migrationLockTableName: 'lock' },
         $production: { migrations: { migrationTableName: 'two' } }, $env: { staging: { migrations: { migrationFolder: 'b' } } } }`,
    )
    expect(await kysely.findDirs?.(options())).toEqual([join(root, 'a')])
    expect(await kysely.findDirs?.(options({ environment: 'staging' }))).toEqual([join(root, 'b')])
    const loaded = await kysely.load(options())
    expect(loaded).toMatchObject({ history: { table: 'one', schema: 's' }, shape: { beside: { table: 'lock' } } })
    expect((await kysely.load(options({ environment: 'production' }))).history).toEqual({ table: 'two', schema: 's' })
  })

  it('is found in .config, whose folders are relative to the one above', async () => {
    await config('() => ({})', '.config/kysely.config.mjs')
    expect(await kysely.findDirs?.(options())).toEqual([join(root, 'migrations')])
    expect(await kysely.load(options())).not.toHaveProperty('history')
  })

  it('with a provider or a migrator of its own says that those cannot be asked', async () => {
    await config('{ migrations: { migrator: () => null } }')
    expect(await kysely.findDirs?.(options())).toBeNull()
    const { migrations, notices } = await kysely.load(options())
    expect(migrations).toHaveLength(1)
    expect(notices).toMatchObject([{ rule: 'kysely-provider', hint: expect.stringContaining('migrations.history') }])
  })

  it('that fails is told by its name', async () => {
    await config('(() => { throw new Error("nothing set") })()')
    await expect(kysely.load(options())).rejects.toMatchObject({
      code: 'MIGRATIONS_UNREADABLE',
      message: expect.stringMatching(/kysely\.config\.ts.*nothing set/),
    })
  })
})

describe('make', () => {
  const now = new Date('2031-05-06T07:08:09.010Z')
  const make = async (last: string | null, text = up) => {
    if (last !== null) await write({ [`migrations/${last}`]: text })
    const [file] = await kysely.template(options(), 'add users', { description: null, now })
    return [file?.path.slice(join(root, 'migrations').length + 1), file?.text ?? '']
  }

  it.each([
    [null, '20310506070809_add_users.ts'],
    ['20240101000000_a.ts', '20310506070809_add_users.ts'],
    ['20240101000000-a.js', '20310506070809-add_users.js'],
    ['1704067200000_a.ts', '1935817689010_add_users.ts'],
    ['2024-01-01T00-00-00_a.ts', '2031-05-06T07-08-09_add_users.ts'],
    ['2024-01-01_a.mjs', '2031-05-06_add_users.mjs'],
    ['0009_a.cjs', '0010_add_users.cjs'],
    ['20310506070809_z.ts', '20310506070810_add_users.ts'],
  ])('after %s comes %s', async (last, file) => {
    expect((await make(last))[0]).toBe(file)
  })

  it('follows the kind of module', async () => {
    expect((await make('001_a.js', 'exports.up = async () => {}'))[1]).toContain('exports.up = ')
    expect((await make('002_a.js'))[1]).toContain('export async function up(db) {')
    expect((await make('003_a.ts'))[1]).toContain('up(db: Kysely<any>): Promise<void>')
  })

  it('asks kysely-ctl’s config for the prefix, or takes its usual one', async () => {
    await write({ 'kysely.config.js': 'module.exports = { migrations: { getMigrationPrefix: async () => "7_" } }' })
    expect((await make(null))[0]).toBe('7_add_users.ts')
    await rm(join(root, 'kysely.config.js'))
    await write({ 'kysely.config.cjs': 'module.exports = {}' })
    expect((await make(null))[0]).toBe('1935817689010_add_users.ts')
  })
})
