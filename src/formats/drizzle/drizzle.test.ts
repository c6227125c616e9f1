import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { FormatOptions } from '../../model/format.ts'
import { detectFormat } from '../registry.ts'
import { writeTemplate } from '../write-template.ts'
import { endAtBreakpoints } from './breakpoints.ts'
import { drizzle } from './drizzle.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tenantry-drizzle-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const options = (more: Partial<FormatOptions> = {}): FormatOptions => ({
  root,
  dirs: [join(root, 'drizzle')],
  ignore: null,
  placeholders: {},
  dialects: ['postgres'],
  ...more,
})
async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
}
const journal = (...entries: [string, number][]) =>
  JSON.stringify({
    version: '7',
    dialect: 'postgresql',
    entries: entries.map(([tag, when], idx) => ({ idx, version: '7', when, tag, breakpoints: true })),
  })
const first = 'CREATE TABLE a (id int);\n--> statement-breakpoint\nCREATE TABLE b (id int)'
const folder = {
  'drizzle/meta/_journal.json': journal(['0000_init', 1_700_000_000_123], ['0001_more', 1_700_000_001_000]),
  'drizzle/0000_init.sql': first,
  'drizzle/0001_more.sql': '-- Description: more\nALTER TABLE a ADD c int;',
}

describe('a folder with a journal', () => {
  test('is read as Drizzle reads it: names, times, hashes, order', async () => {
    await write({ ...folder, 'drizzle/rollbacks/0001_more.sql': 'ALTER TABLE a DROP c;' })
    expect((await detectFormat(join(root, 'drizzle')))?.name).toBe('drizzle')
    const { migrations, notices, shape, history } = await drizzle.load(options())
    expect([notices, shape, history]).toEqual([[], undefined, undefined])
    const native = readMigrationFiles({ migrationsFolder: join(root, 'drizzle') })
    expect(migrations.map(({ checksum, row }) => [checksum, row?.up.created_at])).toEqual(
      native.map(({ hash, folderMillis }) => [hash, folderMillis]),
    )
    expect(migrations[0]).toMatchObject({
      id: '0000_init',
      number: '0000',
      down: null,
      keys: ['0000_init', '0000_init.sql', '1700000000123', '20231114221320_init', '0000'],
    })
    expect(migrations[1]).toMatchObject({ description: 'more', down: { text: 'ALTER TABLE a DROP c;' } })
  })

  test('keeps the order of the journal, and says what Drizzle would pass over', async () => {
    await write({
      ...folder,
      'drizzle/meta/_journal.json': journal(['0001_more', 20], ['0000_init', 10]),
      'drizzle/0007_lost.sql': '',
      'drizzle/rollbacks/0009_gone.sql': 'SELECT 1',
    })
    const { migrations, notices } = await drizzle.load(options())
    expect(migrations.map(({ id }) => id)).toEqual(['0001_more', '0000_init'])
    expect(notices.map(({ rule }) => rule)).toEqual([
      'file-passed-over',
      'undo-without-migration',
      'drizzle-passes-over',
    ])
    expect(notices[0]?.message).toContain('drizzle/0007_lost.sql')
    expect(notices[2]).toMatchObject({ migration: '0000_init', message: expect.stringContaining('earlier `when`') })
  })

  test.each([
    [
      'no file for an entry',
      { 'drizzle/meta/_journal.json': journal(['0009_gone', 5]) },
      /0009_gone\.sql is not there/,
    ],
    ['no journal', { 'drizzle/meta/_journal.json': '' }, /_journal\.json is no JSON/],
    ['a merge conflict', { 'drizzle/meta/_journal.json': '<<<<<<< ours\n{}' }, /marks of a merge conflict/],
    ['no entries', { 'drizzle/meta/_journal.json': '{}' }, /no list `entries`/],
    ['an entry without a time', { 'drizzle/meta/_journal.json': '{"entries":[{"tag":"x"}]}' }, /in entry 1/],
    ['one time twice', { 'drizzle/meta/_journal.json': journal(['0000_init', 5], ['0001_more', 5]) }, /same `when`/],
    ['one name twice', { 'drizzle/meta/_journal.json': journal(['0000_init', 5], ['0000_init', 6]) }, /0000_init/],
    ['a folder of Drizzle 1 beside it', { 'drizzle/20250101000000_x/migration.sql': '' }, /migration of Drizzle 1/],
  ])('is refused: %s', async (_, files: Record<string, string>, message) => {
    await write({ ...folder, ...files })
    await expect(drizzle.load(options())).rejects.toMatchObject({ message: expect.stringMatching(message), hint: /./ })
  })

  test('is refused for servers of another kind, and files without a journal are', async () => {
    await write(folder)
    await expect(drizzle.load(options({ dialects: ['sqlite'] }))).rejects.toThrow(/written for postgresql/)
    rmSync(join(root, 'drizzle/meta'), { recursive: true })
    await expect(drizzle.load(options())).rejects.toThrow(/no meta\/_journal\.json beside drizzle\/0000_init\.sql/)
  })

  test('gets new migrations that Drizzle takes, behind the last one, with a snapshot', async () => {
    await write({ ...folder, 'drizzle/meta/0001_snapshot.json': '{"id":"one","prevId":"zero","tables":{"a":1}}' })
    const now = new Date(1_600_000_000_000)
    for (const name of ['Add users!', 'again']) {
      for (const file of await drizzle.template(options(), name, { description: 'Why', now })) await writeTemplate(file)
    }
    const { migrations, notices } = await drizzle.load(options())
    expect(notices).toMatchObject([{ rule: 'undo-not-written' }, { rule: 'undo-not-written' }])
    expect(migrations.map(({ id }) => id).slice(2)).toEqual(['0002_add_users', '0003_again'])
    expect(migrations[2]).toMatchObject({ description: 'Why', row: { up: { created_at: 1_700_000_001_001 } } })
    const native = readMigrationFiles({ migrationsFolder: join(root, 'drizzle') })
    expect(native.map(({ hash }) => hash)).toEqual(migrations.map(({ checksum }) => checksum))
    const [two, three] = await Promise.all(
      ['0002', '0003'].map(async (name) =>
        JSON.parse(await readFile(join(root, `drizzle/meta/${name}_snapshot.json`), 'utf8')),
      ),
    )
    expect([two.prevId, three.prevId, three.tables]).toEqual(['one', two.id, { a: 1 }])
  })

  test('a journal that was changed meanwhile is not written over', async () => {
    await write(folder)
    const files = await drizzle.template(options(), 'x', { description: null, now: new Date() })
    await write({ 'drizzle/meta/_journal.json': journal(['0000_init', 1]) })
    const last = files.at(-1)
    if (last === undefined) throw new Error('nothing was made')
    await expect(writeTemplate(last)).rejects.toMatchObject({ code: 'USAGE' })
  })

  test('a first migration begins a journal', async () => {
    const details = { description: null, now: new Date() }
    for (const file of await drizzle.template(options({ dialects: ['mysql'] }), 'init', details))
      await writeTemplate(file)
    const { migrations } = await drizzle.load(options({ dialects: ['mysql'] }))
    expect(migrations.map(({ id }) => id)).toEqual(['0000_init'])
  })
})

describe('drizzle.config', () => {
  test('names folder, table and schema', async () => {
    await write({
      'db/meta/_journal.json': journal(['0000_a', 1]),
      'db/0000_a.sql': '',
      'drizzle.config.ts': `const table: string = 'my_' + 'rows'
export default { out: './db', dialect: 'postgresql', migrations: { table, schema: 'books', prefix: 'timestamp' } }`,
    })
    expect(await drizzle.findDirs?.(options())).toEqual([join(root, 'db')])
    const found = options({ dirs: [join(root, 'db')] })
    expect((await drizzle.load(found)).history).toEqual({ table: 'my_rows', schema: 'books' })
    const [file] = await drizzle.template(found, 'x', { description: null, now: new Date('2031-05-06T07:08:09Z') })
    expect(file?.path).toBe(join(root, 'db/20310506070809_x.sql'))
    // What it says of another folder says nothing here.
    await write(folder)
    expect((await drizzle.load(options())).history).toBeUndefined()
  })

  test('that cannot be imported is believed where it is plain, and refused where it is not', async () => {
    const begin = "import { defineConfig } from 'not-installed-here'\nexport default defineConfig({"
    await write({ ...folder, 'drizzle.config.ts': `${begin} dbCredentials: { url: process.env.X! } })` })
    expect((await drizzle.load(options())).history).toBeUndefined()
    await write({ 'drizzle.config.ts': `${begin} // migrations: { schema: 'old' }\n migrations: { table: 'rows' } })` })
    expect((await drizzle.load(options())).history).toEqual({ table: 'rows' })
    await write({ 'drizzle.config.ts': `${begin} migrations: { table: process.env.TABLE } })` })
    await expect(drizzle.load(options())).rejects.toMatchObject({
      code: 'MIGRATIONS_UNREADABLE',
      message: expect.stringContaining('drizzle.config.ts'),
      hint: expect.stringContaining('plain texts'),
    })
  })
})

describe('folders of Drizzle 1', () => {
  test('two of one second are told apart by name; rows without one by second', async () => {
    await write({
      'drizzle/20231114221320_b/migration.sql': 'SELECT 2',
      'drizzle/20231114221320_a/migration.sql': 'SELECT 1',
      'drizzle/20231114221321_c/migration.sql': 'SELECT 3',
    })
    const { migrations, shape } = await drizzle.load(options())
    expect(migrations.map(({ id, keys }) => [id, keys.length])).toEqual([
      ['20231114221320_a', 1],
      ['20231114221320_b', 1],
      ['20231114221321_c', 3],
    ])
    expect(migrations[0]?.checksum).toBe(createHash('sha256').update('SELECT 1').digest('hex'))
    expect(shape?.columns.map(({ name }) => name)).toEqual(['id', 'hash', 'created_at', 'name', 'applied_at'])
  })

  test('a name without a time is refused', async () => {
    await write({ 'drizzle/init/migration.sql': '', 'drizzle/20231114221321_c/migration.sql': '' })
    await expect(drizzle.load(options())).rejects.toThrow(/drizzle\/init has no time of 14 digits/)
  })
})

test.each([
  ['a;--> statement-breakpoint\nb', 'a;                        \nb'],
  ['a--> statement-breakpoint\nb', 'a;                       \nb'],
  ['a -- c --> statement-breakpoint\nb', 'a -- c \n;b'],
  ['a;\n--> statement-breakpoint\nb;', 'a;\n                        \nb;'],
  ['no breakpoint', 'no breakpoint'],
])('%j ends its statements: %j', (text, expected) => {
  expect(endAtBreakpoints(text)).toBe(expected)
})
