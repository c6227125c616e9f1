/** What is read from the texts of a file, against what SQLite itself says of what they made. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCreateTable } from '../../src/dialects/sqlite/create-table.ts'
import { sqlite } from '../../src/dialects/sqlite/index.ts'
import type { Connection } from '../../src/model/dialect.ts'
import { objectKinds, type PictureObject } from '../../src/model/picture.ts'
import { makeFolder, type SqliteFolder } from './sqlite-files.ts'
import { pictureSchema } from './sqlite-picture-cases.ts'

let folder: SqliteFolder
beforeAll(() => {
  folder = makeFolder()
})
afterAll(() => folder.remove())

/** Texts that are easy to misread. */
const hard: readonly string[] = [
  'CREATE TABLE p (id INTEGER PRIMARY KEY, code TEXT UNIQUE, a INT, b INT, UNIQUE (a, b))',
  "CREATE TABLE a1 (a INT DEFAULT -5, b TEXT DEFAULT 'it''s, (not) -- a comment', c DEFAULT (1 + (2 * 3)), d DEFAULT \"quoted\", e DEFAULT bare, f DEFAULT TRUE, g DEFAULT x'0A', h DEFAULT CURRENT_DATE, i DEFAULT +1.5e3, j DEFAULT NULL)",
  'CREATE TABLE a2 (a, b INT, c VARCHAR ( 10 ), d DECIMAL(10,-2), e "strange type", f LONG INTEGER UNSIGNED, g [int], h DOUBLE PRECISION NOT NULL)',
  'CREATE TABLE a3 (a INT CONSTRAINT x NOT NULL CONSTRAINT y UNIQUE CONSTRAINT z CHECK (a > 0) CHECK (a < 9) DEFAULT 3 COLLATE nocase, b TEXT NULL)',
  'CREATE TABLE a4 (a INT, b INT, CONSTRAINT k PRIMARY KEY (b COLLATE NOCASE, a DESC) ON CONFLICT IGNORE, CONSTRAINT spare, UNIQUE (a) CHECK (a) CONSTRAINT c CHECK (b)) WITHOUT ROWID',
  'CREATE TABLE a5 (id INTEGER, x INT, PRIMARY KEY (id AUTOINCREMENT))',
  'CREATE TABLE a6 (id INTEGER PRIMARY KEY DESC, b INTEGER)',
  'CREATE TABLE a7 (id INTEGER, PRIMARY KEY (id DESC))',
  'CREATE TABLE a8 (id INT PRIMARY KEY, b)',
  'CREATE TABLE a9 (key INT, "primary" INT, [check] INT, `unique` INT, desc INT, asc INT, generated INT, always INT, stored INT, virtual INT, rowid_ INT, replace INT, "references" INT)',
  'CREATE TABLE b1 (a INT REFERENCES p, b INT REFERENCES p (id) ON DELETE SET NULL ON UPDATE CASCADE MATCH SIMPLE DEFERRABLE INITIALLY DEFERRED NOT NULL, c TEXT REFERENCES p(code) NOT DEFERRABLE UNIQUE)',
  'CREATE TABLE b2 (a INT, b INT, c INT, FOREIGN KEY (a, b) REFERENCES p (a, b) ON UPDATE RESTRICT ON DELETE SET DEFAULT, CONSTRAINT q FOREIGN KEY (c) REFERENCES "p" DEFERRABLE)',
  "CREATE TABLE b3 (a INT, b AS (a + 1), c INT GENERATED ALWAYS AS (a * (b + 2)) STORED, d TEXT AS (a || ')') VIRTUAL NOT NULL, e INT AS (1) UNIQUE)",
  'CREATE TABLE b4 (a INTEGER PRIMARY KEY, b ANY NOT NULL, c BLOB) STRICT, WITHOUT ROWID',
  "CREATE TABLE 'b5' ('a' INT, \"b\" 'INT', [c d] INT) -- the end",
  'CREATE TABLE b6 AS SELECT 1 AS "x y", CAST(2 AS TEXT) AS z, a.b FROM (SELECT 3 AS b) a',
  'CREATE TABLE b7 (a TEXT /* , b INT */, -- c INT,\n d INT)',
  'CREATE TABLE "b8" ("a""b" INT, "c,d" INT, "e(f" INT CHECK ("e(f" IN (1, (2))), "g)" INT)',
  'CREATE TABLE été (naïve INT, ☺ TEXT, 名前 TEXT PRIMARY KEY)',
  'CREATE TABLE c2 (a INT UNIQUE ON CONFLICT ROLLBACK, b INT NOT NULL ON CONFLICT FAIL, c INT, UNIQUE (c) ON CONFLICT REPLACE)',
]

interface Told {
  columns: unknown[]
  keys: unknown[]
  foreign: unknown[]
}

const lower = (value: unknown) => String(value).toLowerCase()

/** What SQLite says of a table. */
async function ask(connection: Connection, table: string): Promise<Told> {
  const rows = (sql: string) => connection.query(sql, [table])
  const info = await rows('SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?)')
  const columns = info.map((row) => ({
    name: row.name,
    type: lower(row.type).replaceAll(/[\s]/g, ''),
    notNull: Number(row.notnull) === 1,
    hasDefault: row.dflt_value !== null && row.dflt_value !== 'NULL',
    generated: { 0: null, 2: 'virtual', 3: 'stored' }[Number(row.hidden)] ?? null,
  }))
  const pk = info
    .filter((row) => Number(row.pk) > 0)
    .sort((a, b) => Number(a.pk) - Number(b.pk))
    .map(({ name }) => name)
  const uniques = await rows(
    `SELECT (SELECT group_concat(name) FROM (SELECT i.name FROM pragma_index_info(l.name) i ORDER BY i.seqno)) AS columns
     FROM pragma_index_list(?) l WHERE l.origin = 'u' ORDER BY 1`,
  )
  const foreign = await rows(
    `SELECT "table" AS parent, on_update, on_delete, group_concat("from") AS own, group_concat("to") AS other
     FROM pragma_foreign_key_list(?) GROUP BY id ORDER BY own`,
  )
  return {
    columns,
    keys: [pk.join(), ...uniques.map((one) => one.columns)],
    foreign: foreign.map(({ parent, on_update, on_delete, own, other }) => [parent, own, other, on_delete, on_update]),
  }
}

/** The same, from the text. */
function read(sql: string): Told {
  const table = readCreateTable(sql)
  if (table === null) throw new Error(`not read: ${sql}`)
  const nameOf = (words: readonly { text: string }[]) => {
    const name = (words[0]?.text ?? '').replace(/^["'`[](.*)["'`\]]$/s, '$1').replaceAll('""', '"')
    return table.columns.find((column) => lower(column.name) === lower(name))?.name ?? name
  }
  return {
    columns: table.columns.map((column) => ({
      name: column.name,
      type: column.type
        .map(({ text }) => lower(text).replace(/^["'`[](.*)["'`\]]$/s, '$1'))
        .join('')
        .replaceAll(/\s/g, ''),
      notNull:
        column.notNull ||
        (table.withoutRowid && table.primaryKey?.parts.some(({ words }) => nameOf(words) === column.name) === true),
      hasDefault: column.default !== null && column.default[0]?.key !== 'NULL',
      generated: column.generated === null ? null : column.generated.stored ? 'stored' : 'virtual',
    })),
    keys: [
      (table.primaryKey?.parts ?? []).map(({ words }) => nameOf(words)).join(),
      ...table.uniques.map(({ parts }) => parts.map(({ words }) => nameOf(words)).join()).sort(),
    ],
    foreign: table.foreignKeys
      .map((one) => [
        one.parent,
        one.columns.join(),
        one.to.length === 0 ? null : one.to.join(),
        one.onDelete,
        one.onUpdate,
      ])
      .sort((a, b) => (String(a[1]) < String(b[1]) ? -1 : 1)),
  }
}

test.each([
  ['hard', hard],
  ['ordinary', pictureSchema],
])('%s texts are read as SQLite reads them', async (name, statements) => {
  await folder.make(name, statements)
  await folder.within(name, async (connection) => {
    const tables = await connection.query(
      "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql LIKE 'create table%' AND name NOT LIKE 'posts%' AND name NOT LIKE 'sqlite_%'",
    )
    expect(tables.length).toBeGreaterThan(4)
    for (const { name: table, sql } of tables) {
      expect(read(String(sql)), String(sql)).toEqual(await ask(connection, String(table)))
    }
  })
})

test('numbers of rows are where SQLite has them', async () => {
  await folder.make('numbers', hard)
  await folder.within('numbers', async (connection) => {
    const picture = await sqlite.pictures.describe(connection, null, {
      kinds: objectKinds,
      exceptTables: [],
      ignore: [],
    })
    const keys = (picture?.objects ?? []).filter(({ kind }) => kind === 'primary-key')
    for (const { of, properties } of keys as PictureObject[]) {
      // A key that is the row's number has no index; one of a table without rowid is the table.
      const [row] = await connection.query(
        `SELECT (SELECT count(*) FROM pragma_index_list(t.name) WHERE origin = 'pk') AS indexes, t.wr AS wr FROM pragma_table_list t WHERE t.name = ?`,
        [of],
      )
      const isNumber = Number(row?.wr) === 0 && Number(row?.indexes) === 0
      expect([of, properties.rowid ?? 'no']).toEqual([of, isNumber ? 'yes' : 'no'])
    }
  })
})
