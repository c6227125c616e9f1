/** How large tables are, as servers tell it without counting. */
import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { mysql } from '../../src/dialects/mysql/index.ts'
import { postgres } from '../../src/dialects/postgres/index.ts'
import { quoteIdentifier } from '../../src/dialects/postgres/quote.ts'
import { sqlite } from '../../src/dialects/sqlite/index.ts'
import type { Connection } from '../../src/model/dialect.ts'
import type { TableSize } from '../../src/model/table-sizes.ts'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { freshMariadb, withMariadb } from '../servers/shared-mariadb.ts'
import { openMysql } from './mysql-connection.ts'
import { adaptClient, openClient } from './raw-client.ts'
import { makeFolder } from './sqlite-files.ts'

const own = (...names: string[]) => names.map((name) => ({ schema: null, name }))
/** Estimates: within a tenth. */
const about = (size: TableSize | null | undefined, rows: number) => {
  expect(size?.rows).toBeGreaterThan(rows * 0.9)
  expect(size?.rows).toBeLessThan(rows * 1.1)
}

describe('PostgreSQL', () => {
  const odd = `t'"\\ 😀`
  let database: TestDatabase
  let client: Client
  let connection: Connection

  beforeAll(async () => {
    database = await freshDatabase('table sizes')
    client = await openClient(database.url)
    connection = adaptClient(client) as Connection
    const schema = quoteIdentifier(odd)
    await client.query(`
      CREATE SCHEMA ${schema}; CREATE SCHEMA t_2; CREATE SCHEMA audit;
      CREATE TABLE ${schema}.orders (id bigint PRIMARY KEY, note text);
      INSERT INTO ${schema}.orders SELECT n, 'a note' FROM generate_series(1, 20000) n;
      CREATE TABLE ${schema}.parts (id bigint) PARTITION BY RANGE (id);
      CREATE TABLE ${schema}.parts_1 PARTITION OF ${schema}.parts FOR VALUES FROM (0) TO (1000);
      CREATE TABLE ${schema}.parts_2 PARTITION OF ${schema}.parts FOR VALUES FROM (1000) TO (3000) PARTITION BY RANGE (id);
      CREATE TABLE ${schema}.parts_2a PARTITION OF ${schema}.parts_2 FOR VALUES FROM (1000) TO (3000);
      INSERT INTO ${schema}.parts SELECT n FROM generate_series(0, 2999) n;
      CREATE TABLE t_2.orders (id bigint PRIMARY KEY, note text); CREATE VIEW t_2.parts AS SELECT 1 AS id;
      CREATE TABLE t_2.wide (doc text); ALTER TABLE t_2.wide ALTER COLUMN doc SET STORAGE EXTERNAL;
      INSERT INTO t_2.wide SELECT repeat('x', 100000) FROM generate_series(1, 20);
      CREATE TABLE audit.events (id int); INSERT INTO audit.events SELECT n FROM generate_series(1, 100) n;
      CREATE TABLE public.plain (id int); INSERT INTO public.plain VALUES (1);`)
    await client.query('ANALYZE')
  })

  afterAll(async () => {
    await client?.end()
    await database?.drop()
  })

  test('rows and bytes of every target, with partitions and what is stored beside the rows', async () => {
    const tables = [...own('orders', 'parts', 'wide', 'nowhere'), { schema: 'audit', name: 'events' }]
    const [first, second, gone] = await postgres.tableSizes(connection, [odd, 't_2', 't_gone'], tables, 1000)
    about(first?.[0], 20_000)
    expect(first?.[0]?.bytes).toBeGreaterThan(20_000 * 30)
    expect(first?.[0]?.indexBytes).toBeGreaterThan(20_000 * 10)
    about(first?.[1], 3000)
    expect([first?.[2], first?.[3]]).toEqual([null, null])
    expect(second?.[0]).toMatchObject({ rows: 0, bytes: expect.any(Number) })
    // A view of that name is no table, and TOAST counts.
    expect(second?.[1]).toBeNull()
    expect(second?.[2]?.bytes).toBeGreaterThan(20 * 100_000)
    expect([first, second, gone].map((sizes) => sizes?.[4]?.rows)).toEqual([100, 100, 100])
    expect(gone?.slice(0, 4)).toEqual([null, null, null, null])
  })

  test("null is the connection's own schema; growth since the last ANALYZE is seen, and rows before the first", async () => {
    await client.query("INSERT INTO t_2.orders SELECT n, repeat('y', 50) FROM generate_series(1, 30000) n")
    await client.query('CREATE TABLE IF NOT EXISTS t_2.fresh AS SELECT n FROM generate_series(1, 500) n')
    const read = () => postgres.tableSizes(connection, ['t_2', null], own('orders', 'fresh', 'plain'), 1000)
    await expect.poll(async () => (await read())[0]?.[0]?.rows).toBe(30_000)
    await expect.poll(async () => (await read())[0]?.[1]?.rows).toBe(500)
    expect((await read())[1]?.[2]?.rows).toBe(1)
  })

  test('a locked table is waited for within the limit, and then told from statistics', async () => {
    const other = await openClient(database.url)
    try {
      await other.query(`BEGIN; LOCK TABLE ${quoteIdentifier(odd)}.orders`)
      const [sizes] = await postgres.tableSizes(connection, [odd], own('orders', 'parts'), 100)
      about(sizes?.[0], 20_000)
      expect(sizes?.[0]?.bytes).toBeGreaterThan(20_000 * 30)
      expect(sizes?.[0]?.indexBytes).toBeGreaterThan(20_000 * 10)
      about(sizes?.[1], 3000)
      // The setting was the query's own.
      expect((await client.query('SHOW lock_timeout')).rows).toEqual([{ lock_timeout: '0' }])
    } finally {
      await other.end()
    }
  })

  test('functions and operators of a schema in front are not run', async () => {
    await client.query(`CREATE SCHEMA bad; SET search_path TO bad, pg_catalog;
      CREATE FUNCTION bad.pg_table_size(regclass) RETURNS bigint LANGUAGE plpgsql AS $$BEGIN RAISE 'run'; END$$;
      CREATE FUNCTION bad.pg_table_size(oid) RETURNS bigint LANGUAGE plpgsql AS $$BEGIN RAISE 'run'; END$$;
      CREATE FUNCTION bad.sum(float8) RETURNS float8 LANGUAGE plpgsql AS $$BEGIN RAISE 'run'; END$$;
      CREATE FUNCTION bad.minus(bigint, integer) RETURNS bigint LANGUAGE plpgsql AS $$BEGIN RAISE 'run'; END$$;
      CREATE OPERATOR bad.- (LEFTARG = bigint, RIGHTARG = integer, FUNCTION = bad.minus);
      CREATE FUNCTION bad.same(oid, oid) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE 'run'; END$$;
      CREATE OPERATOR bad.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = bad.same);
      CREATE FUNCTION bad.same("char", "char") RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE 'run'; END$$;
      CREATE OPERATOR bad.= (LEFTARG = "char", RIGHTARG = "char", FUNCTION = bad.same);
      CREATE FUNCTION bad.same("char", text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE 'run'; END$$;
      CREATE OPERATOR bad.= (LEFTARG = "char", RIGHTARG = text, FUNCTION = bad.same);`)
    try {
      const [sizes] = await postgres.tableSizes(connection, [odd], own('orders'), 1000)
      about(sizes?.[0], 20_000)
    } finally {
      await client.query('RESET search_path; DROP SCHEMA bad CASCADE')
    }
  })
})

withMariadb('MariaDB', () => {
  test("InnoDB's statistics, also of another database", async () => {
    const [database, other] = [await freshMariadb('table_sizes'), await freshMariadb('table_sizes_other')]
    const connection = await openMysql(database.server, database.name)
    try {
      await database.query('CREATE TABLE orders (id BIGINT PRIMARY KEY, note TEXT, INDEX (note(20)))')
      await database.query("INSERT INTO orders SELECT seq, CONCAT('note ', seq) FROM seq_1_to_5000")
      await database.query('CREATE VIEW seen AS SELECT 1')
      await other.query('CREATE TABLE books (id INT PRIMARY KEY)')
      await database.query('ANALYZE TABLE orders')
      const tables = [...own('orders', 'nowhere', 'seen'), { schema: other.name, name: 'books' }]
      const [sizes] = await mysql.tableSizes(connection, [null], tables, 1000)
      about(sizes?.[0], 5000)
      expect(sizes?.[0]?.bytes).toBeGreaterThan(5000 * 10)
      expect(sizes?.[0]?.indexBytes).toBeGreaterThan(5000 * 10)
      expect(sizes?.slice(1, 3)).toEqual([null, null])
      expect(sizes?.[3]?.rows).toBe(0)
    } finally {
      await connection.close()
      await Promise.all([database.drop(), other.drop()])
    }
  })
})

test("SQLite: the highest rowid, and the file's bytes by the share of rows", async () => {
  const folder = makeFolder()
  try {
    await folder.make('sizes', [
      'CREATE TABLE Orders (id INTEGER PRIMARY KEY, note TEXT)',
      "INSERT INTO Orders WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000) SELECT i, 'a note of some length' FROM n",
      'CREATE TABLE empty (a)',
      'CREATE TABLE no_rowid (a TEXT PRIMARY KEY) WITHOUT ROWID',
      'CREATE TABLE "o\'d""d" (rowid TEXT)',
      `INSERT INTO "o'd""d" VALUES ('words')`,
      'CREATE VIEW seen AS SELECT 1',
      ...Array.from({ length: 450 }, (_, i) => `CREATE TABLE many_${i} (a)`),
    ])
    const [sizes] = await folder.within('sizes', (connection) =>
      sqlite.tableSizes(connection, [null], own('orders', 'empty', 'no_rowid', `o'd"d`, 'seen', 'many_449'), 1000),
    )
    expect(sizes?.[0]?.rows).toBe(3000)
    expect(sizes?.[0]?.bytes).toBeGreaterThan(3000 * 20)
    expect(sizes?.[1]).toEqual({ rows: 0, bytes: 0, indexBytes: 0 })
    expect(sizes?.[2]).toEqual({ rows: null, bytes: expect.any(Number), indexBytes: 0 })
    expect([sizes?.[3]?.rows, sizes?.[4], sizes?.[5]?.rows]).toEqual([0, null, 0])
  } finally {
    folder.remove()
  }
})
