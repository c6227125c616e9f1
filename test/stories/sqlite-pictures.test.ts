import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sqlite } from '../../src/dialects/sqlite/index.ts'
import { comparePictures } from '../../src/engine/compare-pictures.ts'
import { objectKinds, type PictureScope, type SchemaPicture } from '../../src/model/picture.ts'
import { makeFolder, type SqliteFolder } from './sqlite-files.ts'
import { cosmetic, pictureSchema, planted } from './sqlite-picture-cases.ts'

const everything: PictureScope = { kinds: objectKinds, exceptTables: [], ignore: [] }

let folder: SqliteFolder
let count = 0
beforeAll(() => {
  folder = makeFolder()
})
afterAll(() => folder.remove())

async function look(name: string, scope = everything): Promise<SchemaPicture> {
  return folder.within(name, async (connection) => {
    const picture = await sqlite.pictures.describe(connection, null, scope)
    const { hashes } = await sqlite.pictures.fingerprint(connection, [null, 'main', 'elsewhere'], scope)
    expect(hashes).toEqual([picture?.hash, picture?.hash, null])
    return picture as SchemaPicture
  })
}

/** The schema with statements run in it, or made from a changed text. */
async function built(change: readonly string[] | string | { from: string; to: string } = []): Promise<string> {
  const name = `file_${++count}`
  if (typeof change === 'string' || Array.isArray(change)) {
    await folder.make(name, pictureSchema)
    await folder.run(name, ...(typeof change === 'string' ? [change] : change))
    return name
  }
  const { from, to } = change as { from: string; to: string }
  const at = pictureSchema.findIndex((sql) => sql.includes(from))
  expect(at, from).not.toBe(-1)
  await folder.make(
    name,
    pictureSchema.map((sql, i) => (i === at ? sql.replace(from, () => to) : sql)),
  )
  return name
}

describe('schemas of SQLite', () => {
  let reference: SchemaPicture
  beforeAll(async () => {
    reference = await look(await built())
  })

  test('every kind of object is seen, and nothing of what SQLite keeps for itself', () => {
    const kinds = 'table column primary-key unique foreign-key check index view trigger'.split(' ')
    expect([...new Set(reference.objects.map(({ kind }) => kind))].sort()).toEqual(kinds.sort())
    const tables = reference.objects.filter(({ kind }) => kind === 'table').map(({ name }) => name)
    expect(tables).toEqual(['customers', 'orders', 'plain', 'posts', 'settings', 'we"ird \'n ☺'])
    expect(
      Object.fromEntries(reference.objects.map(({ kind, name, properties }) => [`${kind} ${name}`, properties])),
    ).toMatchObject({
      'column customers.email': { type: 'text', nullable: 'no', collation: 'nocase' },
      'column customers.id': { type: 'integer', nullable: 'no' },
      'column orders.tax': { type: 'real', nullable: 'yes', generated: '(amount * 0.2) stored' },
      'primary-key customers.PRIMARY': { columns: 'id', rowid: 'yes', autoincrement: 'yes' },
      'foreign-key orders (customer_id)': { references: 'customers (id)', 'on delete': 'CASCADE' },
      'check customers.known_state': { definition: "state IN ('new', 'OLD')" },
      'index customers_city': { columns: 'city, age desc' },
      'trigger orders.orders_total': { fires: 'AFTER UPDATE OF amount, at', when: 'new.amount > 100' },
    })
  })

  test.each(planted)('%s is found, and nothing else', async (_title, change, kindOfChange, kind, object) => {
    const differences = comparePictures(reference, await look(await built(change)))
    expect(differences).toEqual([{ change: kindOfChange, kind, object, detail: expect.stringMatching(/./) }])
  })

  test.each(cosmetic)('%s is no difference', async (_title, change) => {
    const picture = await look(await built(change))
    expect(comparePictures(reference, picture)).toEqual([])
    expect(picture.hash).toBe(reference.hash)
  })

  test('what is passed over takes its parts with it, and only what is asked for is looked at', async () => {
    const name = await built([
      'CREATE TABLE tmp_a (id INTEGER PRIMARY KEY, c INT REFERENCES tmp_a (id))',
      'CREATE INDEX on_tmp ON tmp_a (c)',
      'CREATE TRIGGER tmp_t BEFORE INSERT ON tmp_a BEGIN SELECT 1; END',
      'CREATE TABLE knex_migrations (id INTEGER PRIMARY KEY)',
      'CREATE TRIGGER on_history BEFORE INSERT ON knex_migrations BEGIN SELECT 1; END',
      'ALTER TABLE plain ADD COLUMN spare INT',
      'CREATE INDEX spares ON plain (spare)',
    ])
    const scope: PictureScope = {
      ...everything,
      exceptTables: ['KNEX_migrations'],
      ignore: [
        { kind: null, name: '^tmp_' },
        { kind: 'column', name: '\\.spare$' },
      ],
    }
    expect(comparePictures(reference, await look(name, scope))).toMatchObject([
      { change: 'extra', kind: 'index', object: 'spares' },
    ])
    const few = await look(name, { ...everything, kinds: ['table', 'view'] })
    expect([...new Set(few.objects.map(({ kind }) => kind))]).toEqual(['table', 'view'])
  })

  test('a view whose table is gone is still told', async () => {
    const name = await built(['PRAGMA foreign_keys = OFF', 'DROP TABLE customers'])
    const differences = comparePictures(reference, await look(name))
    expect(differences).toMatchObject([{ change: 'missing', kind: 'table', object: 'customers' }])
  })

  test('tables that extensions keep their own things in are passed over', async () => {
    const name = await built([
      'CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1)',
      'CREATE VIRTUAL TABLE old USING fts4(a, b)',
      'CREATE TABLE posts_other (a)',
    ])
    const extra = comparePictures(reference, await look(name)).map(({ kind, object }) => `${kind} ${object}`)
    expect(extra).toEqual(['table boxes', 'table old', 'table posts_other'])
  })

  test('a file of thousands of objects is read at once, and one like it costs next to nothing', async () => {
    const many = Array.from({ length: 600 }, (_, i) => `CREATE TABLE t${i} (id INTEGER PRIMARY KEY, a INT)`)
    for (const name of ['many', 'more']) await folder.make(name, many)
    const picture = await look('many')
    expect(picture.objects.length).toBe(600 * 4)
    expect((await look('more')).hash).toBe(picture.hash)
    await folder.run('more', 'DROP TABLE t599')
    expect((await look('more')).hash).not.toBe(picture.hash)
  })

  test('a question that holds a wrong pattern is refused, and the session goes on', async () => {
    const name = await built()
    await folder.within(name, async (connection) => {
      const scope = { ...everything, ignore: [{ kind: null, name: '(' }] }
      await expect(sqlite.pictures.describe(connection, null, scope)).rejects.toThrow()
      expect((await sqlite.pictures.describe(connection, null, everything))?.hash).toBe(reference.hash)
    })
  })
})

describe('scratch files', () => {
  test('are made, listed, used and removed', async () => {
    const { scratch } = sqlite
    const home = await sqlite.connect(folder.server, scratch.home, { connectTimeoutMs: 1000, applicationName: 'test' })
    const stem = `scr%ätch_\`"'_`
    const name = `${stem}one`
    await scratch.createDatabase(home, name)
    await scratch.createDatabase(home, `x${name}`)
    await expect(scratch.createDatabase(home, name)).rejects.toThrow()
    expect(await scratch.listDatabases(home, stem)).toEqual([name])
    expect(await scratch.isInUse(home, name)).toBe(false)
    expect(await scratch.isInUse(home, `${stem}none`)).toBe(false)
    await folder.within(name, async (inside) => {
      await inside.run('PRAGMA journal_mode = WAL')
      await inside.run('CREATE TABLE t (a)')
      await inside.query('BEGIN IMMEDIATE')
      expect(await scratch.isInUse(home, name)).toBe(true)
      await inside.query('ROLLBACK')
    })
    await scratch.dropDatabase(home, name)
    await scratch.dropDatabase(home, name)
    await scratch.dropDatabase(home, `x${name}`)
    expect(await scratch.listDatabases(home, '')).not.toContain(name)
    expect(await scratch.listDatabases(home, stem)).toEqual([])
    await home.close()
  })
})
