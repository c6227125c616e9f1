import { afterAll, beforeAll, expect, test } from 'vitest'
import { sqlite } from '../../src/dialects/sqlite/index.ts'
import { comparePictures } from '../../src/engine/compare-pictures.ts'
import { objectKinds, type PictureObject, type SchemaPicture } from '../../src/model/picture.ts'
import { makeFolder, type SqliteFolder } from './sqlite-files.ts'
import { pictureSchema } from './sqlite-picture-cases.ts'

const scope = { kinds: objectKinds, exceptTables: [], ignore: [] }

let folder: SqliteFolder
beforeAll(() => {
  folder = makeFolder()
})
afterAll(() => folder.remove())

const look = (name: string) =>
  folder.within(name, async (one) => (await sqlite.pictures.describe(one, null, scope)) as SchemaPicture)
const creationsOf = (name: string, objects: readonly PictureObject[]) =>
  folder.within(name, (one) => sqlite.pictures.creations(one, null, objects))

/** In the wrong order, and with names that are hard. */
const rich: readonly string[] = [
  'CREATE TABLE z_child (id INTEGER PRIMARY KEY, a INT REFERENCES a_parent (id) ON UPDATE SET NULL)',
  'CREATE TABLE a_parent (id INTEGER PRIMARY KEY AUTOINCREMENT, other INT REFERENCES z_child)',
  'CREATE TABLE types (a ANY, b BLOB DEFAULT x\'00ff\', c REAL DEFAULT -1.50, d TEXT DEFAULT (datetime(\'now\')), e INT DEFAULT (1 + 2) CHECK (e > 0), f TEXT AS (d || \';\') VIRTUAL UNIQUE, g UNSIGNED BIG INT, [h; i] DECIMAL(10,2) CONSTRAINT nn NOT NULL ON CONFLICT REPLACE DEFAULT +5, "j""k" "my type")',
  'CREATE TABLE copied AS SELECT a, c FROM types',
  'CREATE VIEW z_first AS SELECT 1 AS one',
  'CREATE VIEW a_second AS SELECT z_first.one, (SELECT count(*) FROM copied) FROM z_first',
  "CREATE TRIGGER on_view INSTEAD OF DELETE ON a_second WHEN CASE WHEN OLD.one THEN 1 ELSE 0 END BEGIN INSERT INTO copied VALUES (1, ';'); END",
  'CREATE INDEX "i; x" ON types (a COLLATE NOCASE DESC, (b || c)) WHERE a IS NOT NULL',
  'CREATE VIRTUAL TABLE words USING fts5(a, content="copied")',
  'ALTER TABLE types ADD COLUMN late TEXT COLLATE NOCASE DEFAULT NULL REFERENCES a_parent',
]

test.each([
  ['one of everything', pictureSchema],
  ['what is rare', rich],
])('a file of %s is made again', async (title, statements) => {
  await folder.make(title, statements)
  const picture = await look(title)
  await folder.make(
    `${title} again`,
    (await creationsOf(title, picture.objects)).flatMap((one) => one.statements),
  )
  const made = await look(`${title} again`)
  expect(comparePictures(picture, made)).toEqual([])
  expect(made.hash).toBe(picture.hash)
  // Tables alone bring what is in them.
  const alone = await creationsOf(
    title,
    picture.objects.filter(({ of }) => of === null),
  )
  await folder.make(
    `${title} alone`,
    alone.flatMap((one) => one.statements),
  )
  const kinds = new Set(comparePictures(picture, await look(`${title} alone`)).map(({ kind }) => kind))
  expect([...kinds].sort()).toEqual(['index', 'trigger'])
})

test('what is missing is made beside what is there', async () => {
  await folder.make('complete', [
    ...pictureSchema,
    "ALTER TABLE plain ADD COLUMN late /* said; so */ TEXT COLLATE NOCASE DEFAULT 'x, y' CHECK (late <> '') REFERENCES customers (id)",
    'CREATE INDEX late_i ON plain (late)',
  ])
  await folder.make('incomplete', [
    ...pictureSchema,
    'DROP INDEX customers_city',
    'DROP VIEW named',
    'DROP TABLE posts',
  ])
  const complete = await look('complete')
  const there = new Set((await look('incomplete')).objects.map(({ kind, name }) => `${kind} ${name}`))
  const missing = complete.objects.filter(({ kind, name }) => !there.has(`${kind} ${name}`))
  const creations = await creationsOf('complete', missing)
  expect(creations.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    'table posts',
    'column plain.late',
    'check plain (late)',
    'foreign-key plain (late)',
    'index customers_city',
    'index late_i',
    'view named',
    'trigger named.named_in',
  ])
  await folder.run('incomplete', 'PRAGMA foreign_keys = OFF', ...creations.flatMap((one) => one.statements))
  expect(comparePictures(complete, await look('incomplete'))).toEqual([])
})

test('what would need a new table is left out', async () => {
  await folder.make('left out', pictureSchema)
  const { objects } = await look('left out')
  const parts = objects.filter(({ kind }) => ['primary-key', 'unique', 'check', 'foreign-key'].includes(kind))
  expect(parts.length).toBeGreaterThan(8)
  expect(await creationsOf('left out', parts)).toEqual([])
  const columns = objects.filter(({ name }) => ['customers.id', 'customers.email', 'orders.tax'].includes(name))
  expect(await creationsOf('left out', columns)).toEqual([])
  expect(await creationsOf('left out', [])).toEqual([])
})
