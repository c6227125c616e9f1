import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { FormatOptions } from '../../model/format.ts'
import type { Migration } from '../../model/migration.ts'
import { detectFormat } from '../registry.ts'
import { compareNames } from './file-order.ts'
import { nodePgMigrate } from './node-pg-migrate.ts'
import { splitSql } from './split-sql.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tenantry-npm-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
}

const options = (more: Partial<FormatOptions> = {}): FormatOptions => ({
  root,
  dirs: [join(root, 'migrations')],
  ignore: null,
  placeholders: {},
  ...more,
})
const load = async () => (await nodePgMigrate.load(options())).migrations

async function build(migration: Migration | undefined, direction: 'up' | 'down' = 'up') {
  const body = migration?.[direction]
  if (body?.kind !== 'code') throw new Error('It is not code.')
  return (await body.load()).build?.()
}

test('numbers in front are compared as the tool does: 17 digits are a time, and names follow', () => {
  const names = [
    '10_b',
    '2_a',
    '1704153600000_ms',
    '20240101000000000_utc',
    '20240103000000000_utc',
    '2_B',
    '2_a10',
    '2_a9',
  ]
  expect(names.sort(compareNames)).toEqual([
    '2_a',
    '2_a9',
    '2_a10',
    '2_B',
    '10_b',
    '20240101000000000_utc',
    '1704153600000_ms',
    '20240103000000000_utc',
  ])
})

test.each([
  ['-- Up Migration\nA;\n-- Down Migration\nB;\n', '\nA;\n', '\n\n\nB;\n'],
  ['--- down migration ---\nB;\n  --UP migration\nA;', '\n\n\nA;', '\nB;\n'],
  ['A;\n', 'A;\n', null],
  ['A;\n-- Down Migration\nB;\n', 'A;\n-- Down Migration\nB;\n', '\n\nB;\n'],
  ["INSERT INTO a VALUES ('-- up migration');\n", "INSERT INTO a VALUES ('-- up migration');\n", null],
])('%j is taken apart as the tool does', (text, up, down) => {
  const split = splitSql(text)
  expect([split.up, split.down]).toEqual([up, down])
})

describe('what code builds', () => {
  test('is SQL with the shorthands of all files before it, and only files that have some are imported for that', async () => {
    write({
      'migrations/1_a.js': "exports.shorthands = { id: { type: 'uuid', primaryKey: true } }\nexports.up = () => {}\n",
      'migrations/2_b.js': "exports.shorthands = undefined\nthrow new Error('imported')\nexports.up = () => {}\n",
      'migrations/3_c.mjs': `export const shorthands = { word: 'text' }
export const up = async (pgm) => {
  await null
  pgm.sql('SELECT 1 -- one')
  pgm.createTable('c', { id: 'id', name: 'word' })
}
`,
    })
    const built = await build((await load())[2])
    expect(built?.text).toBe('SELECT 1 -- one;\n;\nCREATE TABLE "c" (\n  "id" uuid PRIMARY KEY,\n  "name" text\n);')
    expect(built?.transaction).toBe(true)
  })

  test('is not known beforehand where it asks the database, or differs each time', async () => {
    write({
      'migrations/1_a.js': "exports.up = async (pgm) => { pgm.noTransaction(); await pgm.db.query('SELECT 1') }\n",
      'migrations/2_b.js': "exports.up = (pgm) => { pgm.db.query('SELECT 1'); pgm.sql('SELECT 2') }\n",
      'migrations/3_c.js': 'exports.up = (pgm) => pgm.sql("SELECT " + Date.now())\n',
      'migrations/4_d.js':
        "exports.up = async (pgm) => { try { await pgm.db.select('SELECT 1') } catch {}\n if (process.env.NEVER) pgm.noTransaction() }\n",
    })
    const built = []
    for (const migration of await load()) built.push(await build(migration))
    expect(built).toEqual([
      { text: null, transaction: false },
      { text: null, transaction: true },
      { text: null, transaction: true },
      { text: null, transaction: false },
    ])
  })

  test('backwards is what `up` builds, where there is no `down`; `false` is no undo', async () => {
    write({
      'migrations/1_a.js':
        "exports.up = (pgm, run) => { pgm.createTable('a', { id: 'int' }); pgm.createIndex('a', 'id'); setImmediate(run) }\n",
      'migrations/2_b.js': "exports.up = (pgm) => pgm.sql('SELECT 1')\n",
      'migrations/3_c.js': "exports.up = (pgm) => pgm.sql('SELECT 1')\nexports.down = false\n",
      'migrations/4_d.sql': 'SELECT 1;\n',
    })
    const migrations = await load()
    expect((await build(migrations[0], 'down'))?.text).toBe('DROP INDEX "a_id_index";\nDROP TABLE "a";')
    await expect(build(migrations[1], 'down')).rejects.toMatchObject({
      message: expect.stringContaining('none can be inferred'),
      hint: expect.stringContaining('exports.down = false'),
    })
    const none = migrations[2]?.down
    expect(none?.kind === 'code' && (await none.load()).run).toBeNull()
    expect(migrations[3]?.down).toBeNull()
  })
})

describe('settings', () => {
  const history = async (more: Partial<FormatOptions> = {}) => (await nodePgMigrate.load(options(more))).history

  test('come from config/default.json, from a config file and from scripts, the latter believed first', async () => {
    write({
      'migrations/1_a.sql': '',
      'config/default.json': JSON.stringify({
        db: { 'migrations-table': 'one', schema: ['app', 'public'], 'check-order': false },
      }),
    })
    expect(await history()).toEqual({ table: 'one', schema: 'app' })
    expect(await nodePgMigrate.load(options())).not.toHaveProperty('strictOrder')
    write({ 'tool.json': JSON.stringify({ 'migrations-table': 'two', 'migrations-schema': 'meta' }) })
    expect(await history({ toolConfig: join(root, 'tool.json') })).toEqual({ table: 'two', schema: 'meta' })
    write({
      'package.json': JSON.stringify({
        scripts: {
          migrate: "DATABASE_URL=x node-pg-migrate -f tool.json -m 'db/files' --migrations-table=three --check-order",
          other: 'x',
        },
      }),
    })
    expect(await history()).toEqual({ table: 'three', schema: 'meta' })
    expect(await nodePgMigrate.load(options())).toHaveProperty('strictOrder')
    expect(await nodePgMigrate.findDirs?.(options())).toEqual([join(root, 'db/files')])
  })

  test('a folder is not taken for another one, and what is no migration is told', async () => {
    write({
      'migrations/1_a.sql': 'SELECT 1;',
      'migrations/2_b.ts':
        "import type { MigrationBuilder } from 'node-pg-migrate'\nexport const up = (b: MigrationBuilder) => {}\n",
      'migrations/2_b.d.ts': '',
      'migrations/README.md': '',
    })
    expect((await detectFormat(join(root, 'migrations')))?.name).toBe('node-pg-migrate')
    const { migrations, notices } = await nodePgMigrate.load(options())
    expect(migrations.map(({ id }) => id)).toEqual(['1_a', '2_b'])
    expect(notices).toMatchObject([{ rule: 'file-passed-over', message: expect.stringContaining('README.md') }])
    write({ 'migrations/late.js': '', 'migrations/2_b.js': '' })
    await expect(load()).rejects.toMatchObject({
      message: expect.stringMatching(/late\.js: no number[\s\S]*2 files are the migration 2_b/),
    })
  })

  test('a pair of files is one migration', async () => {
    write({ 'migrations/1_a.up.sql': 'SELECT 1;', 'migrations/1_a.down.sql': 'SELECT 2;', 'migrations/2_b.sql': '' })
    const migrations = await load()
    expect(migrations.map(({ id, down }) => [id, down?.kind === 'sql' && down.text])).toEqual([
      ['1_a', 'SELECT 2;'],
      ['2_b', false],
    ])
  })
})

describe('a new migration', () => {
  const now = new Date('2031-05-06T07:08:09.123Z')
  const make = async (name = 'add  two_users') => {
    const [file] = await nodePgMigrate.template(options(), name, { description: null, now })
    return file?.path.slice(root.length + 1)
  }

  test.each([
    [{}, '1935817689123_add-two-users.js'],
    [{ 'migrations/1_a.ts': '' }, '2_add-two-users.ts'],
    [{ 'migrations/0009_a.mjs': '', 'migrations/0010_b.sql': '' }, '0011_add-two-users.sql'],
    [{ 'migrations/20240101000000000_a.cjs': '' }, '20310506070809123_add-two-users.cjs'],
    [{ 'migrations/1935817689999_a.js': '' }, '1935817690000_add-two-users.js'],
    [{ 'migrations/20240101000000_a.js': '' }, '20310506070809_add-two-users.js'],
    [
      {
        'migrations/1_a.js': '',
        'config/default.json': '{"db":{"migration-filename-format":"utc","migration-file-language":"ts"}}',
      },
      '20310506070809123_add-two-users.ts',
    ],
  ])('beside %j is %s', async (files, name) => {
    mkdirSync(join(root, 'migrations'))
    write(files as unknown as Record<string, string>)
    expect(await make()).toBe(`migrations/${name}`)
  })
})
