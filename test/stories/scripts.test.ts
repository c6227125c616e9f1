import type { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { compileMigrations } from '../../src/dialects/postgres/compile.ts'
import type { CompileOptions } from '../../src/model/dialect.ts'
import type { Script, ScriptStatement } from '../../src/model/script.ts'
import { freshDatabase, postgresMajor, type TestDatabase } from '../servers/shared.ts'
import { openClient } from './raw-client.ts'

const wholeDatabase: CompileOptions = { schemaTargets: false, targetsPerDatabase: 1, sharedSchema: 'public' }
const schemaTargets: CompileOptions = { schemaTargets: true, targetsPerDatabase: 2, sharedSchema: 'public' }

let database: TestDatabase
let client: Client

beforeAll(async () => {
  database = await freshDatabase('scripts')
  client = await openClient(database.url)
})

afterAll(async () => {
  await client.end()
  await database.drop()
})

beforeEach(async () => {
  await client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
})

function compile(text: string, options = wholeDatabase): Promise<Script> {
  const migration = {
    id: '001_x',
    number: '001',
    checksum: '',
    otherChecksums: [],
    description: null,
    keys: [],
    up: { kind: 'sql' as const, text, file: '001_x.sql' },
    down: null,
    transaction: 'auto' as const,
  }
  return compileMigrations([migration], options).up(migration)
}

/** Sends a script the way an engine does, with the look at the history that comes first in each transaction. */
async function run(script: Script, schema: string | null = null): Promise<void> {
  expect(script.problems).toEqual([])
  const send = async (statements: readonly ScriptStatement[]) => {
    for (const statement of statements) await client.query(statement.text(schema))
  }
  for (const { kind, settings, statements } of script.segments) {
    if (kind === 'transaction') {
      await client.query('BEGIN')
      try {
        await client.query("SELECT set_config('tenantry.step', 'mine', true), count(*) FROM pg_class")
        if (schema !== null) {
          await client.query("SELECT set_config('search_path', quote_ident($1) || ', public', true)", [schema])
        }
        await send(settings)
        await send(statements)
        const { rows } = await client.query("SELECT current_setting('tenantry.step', true) AS step")
        expect(rows).toEqual([{ step: 'mine' }])
        await client.query('COMMIT')
      } catch (error) {
        await client.query('ROLLBACK')
        throw error
      }
    } else {
      await send(settings)
      await send(statements)
      await client.query('RESET SESSION AUTHORIZATION; RESET ALL')
    }
  }
}

async function read(sql: string): Promise<unknown[]> {
  return (await client.query({ text: sql, rowMode: 'array' })).rows.map((row: unknown[]) => row[0])
}

describe('what the compiler keeps out of a transaction block', () => {
  test.each([
    'CREATE INDEX CONCURRENTLY i ON t (a)',
    'DROP INDEX CONCURRENTLY i',
    'REINDEX TABLE CONCURRENTLY t',
    'REINDEX SCHEMA public',
    'VACUUM t',
    'CLUSTER',
    'CREATE DATABASE nowhere',
    'DROP DATABASE nowhere',
    "CREATE TABLESPACE nowhere LOCATION '/nowhere'",
    'DROP TABLESPACE nowhere',
    "ALTER SYSTEM SET work_mem = '4MB'",
    'DISCARD ALL',
    "COMMIT PREPARED 'x'",
    "ROLLBACK PREPARED 'x'",
    "CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1 dbname=nowhere' PUBLICATION p",
    'REINDEX TABLE parts',
    'REINDEX INDEX parts_i',
    // Before 15 it is refused everywhere.
    ...(postgresMajor >= 15 ? ['CLUSTER parts USING parts_i'] : []),
    'ALTER TABLE parts DETACH PARTITION part CONCURRENTLY',
  ])('%s: the server refuses it there', async (sql) => {
    await client.query(`CREATE TABLE t (a int); CREATE INDEX i ON t (a);
      CREATE TABLE parts (a int) PARTITION BY LIST (a); CREATE INDEX parts_i ON parts (a);
      CREATE TABLE part PARTITION OF parts FOR VALUES IN (1)`)
    await client.query('BEGIN')
    try {
      await expect(client.query(sql)).rejects.toMatchObject({ code: '25001' })
    } finally {
      await client.query('ROLLBACK')
    }
    expect((await compile(sql)).segments.map(({ kind }) => kind)).toEqual(['autocommit'])
  })

  test('a DO that commits', async () => {
    await client.query('CREATE TABLE t (a int)')
    const body = 'DO $$ BEGIN INSERT INTO t VALUES (1); COMMIT; INSERT INTO t VALUES (2); END $$'
    await run(await compile(`SELECT 1; ${body}`))
    expect(await read('SELECT a FROM t ORDER BY a')).toEqual([1, 2])
  })
})

describe('session settings', () => {
  test('hold within the file and never outlast it', async () => {
    await client.query('CREATE ROLE scripts_owner')
    try {
      await client.query('CREATE SCHEMA "Other"; GRANT ALL ON SCHEMA public, "Other" TO scripts_owner')
      const before = await read("SELECT current_user || current_setting('search_path') || current_setting('TimeZone')")
      await run(
        await compile(`SET ROLE scripts_owner; SET search_path TO "Other"; SET SESSION TIME ZONE 'Asia/Tokyo';
          CREATE TABLE t (a text DEFAULT current_setting('TimeZone'));
          INSERT INTO t SELECT current_user || current_setting('TimeZone');
          RESET ROLE; RESET ALL;
          CREATE TABLE made (a text); INSERT INTO made VALUES (current_user || current_setting('TimeZone'));`),
      )
      expect(await read('SELECT a FROM "Other".t')).toEqual(['scripts_ownerAsia/Tokyo'])
      expect(await read('SELECT count(*)::int FROM public.made')).toEqual([1])
      expect(await read("SELECT pg_get_userbyid(relowner)::text FROM pg_class WHERE relname = 't'")).toEqual([
        'scripts_owner',
      ])
      expect(
        await read("SELECT current_user || current_setting('search_path') || current_setting('TimeZone')"),
      ).toEqual(before)
    } finally {
      await client.query('DROP SCHEMA "Other" CASCADE; DROP OWNED BY scripts_owner; DROP ROLE scripts_owner')
    }
  })

  test('hold in the steps that follow', async () => {
    await client.query('CREATE SCHEMA other')
    await run(
      await compile(`SET search_path TO other; CREATE TABLE t (a int); CREATE INDEX CONCURRENTLY i ON t (a);
        SELECT set_config('search_path', 'public', false); CREATE TABLE t (b int); VACUUM t;`),
    )
    expect(await read("SELECT schemaname || '.' || tablename FROM pg_tables WHERE tablename = 't' ORDER BY 1")).toEqual(
      ['other.t', 'public.t'],
    )
    await client.query('DROP SCHEMA other CASCADE; RESET ALL')
  })

  test('in a schema, the default is the schema', async () => {
    await client.query('CREATE SCHEMA "we""ird"; CREATE SCHEMA elsewhere')
    await run(
      await compile(
        'SET search_path TO elsewhere; RESET search_path; CREATE TABLE t (a int); RESET ALL',
        schemaTargets,
      ),
      'we"ird',
    )
    expect(await read("SELECT schemaname FROM pg_tables WHERE tablename = 't'")).toEqual(['we"ird'])
    await client.query('DROP SCHEMA "we""ird" CASCADE; DROP SCHEMA elsewhere')
  })

  test('an isolation level is too late, so it is left out', async () => {
    await client.query('BEGIN; SELECT count(*) FROM pg_class')
    await expect(client.query('SET TRANSACTION ISOLATION LEVEL SERIALIZABLE')).rejects.toMatchObject({ code: '25001' })
    await client.query('ROLLBACK')
    await run(await compile('BEGIN; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; CREATE TABLE t (a int); COMMIT'))
    await run(await compile('SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE; DROP TABLE t'))
  })
})

test('what a file rolls back takes no effect, and what follows does', async () => {
  await client.query('CREATE TABLE t (a int)')
  await run(
    await compile(`BEGIN; INSERT INTO t VALUES (1); SAVEPOINT s; INSERT INTO t VALUES (2); ROLLBACK;
      INSERT INTO t VALUES (3); BEGIN; INSERT INTO t VALUES (4); SAVEPOINT s; INSERT INTO t VALUES (5); ROLLBACK TO s; END`),
  )
  expect(await read('SELECT a FROM t ORDER BY a')).toEqual([3, 4])
})

test('an enum label can be used in the file that adds it', async () => {
  await client.query("CREATE TYPE s AS ENUM ('a'); CREATE TABLE t (c s)")
  const script = await compile("BEGIN; ALTER TYPE s ADD VALUE 'b'; ALTER TABLE t ALTER c SET DEFAULT 'b'; COMMIT;")
  await run(script)
  await client.query('INSERT INTO t DEFAULT VALUES')
  expect(await read('SELECT c::text FROM t')).toEqual(['b'])
})

test("the server's position leads to the file", async () => {
  await client.query('CREATE SCHEMA "schema of a tenant"')
  const text = "CREATE TABLE public.t (a int);\r\n-- é\r\nSELECT '😀é', t.a,\r\n  public.t.nothing FROM public.t;"
  const script = await compile(text, schemaTargets)
  const [, statement] = script.segments[0]?.statements ?? []
  await client.query('CREATE TABLE "schema of a tenant".t (a int)')
  const schema = 'schema of a tenant'
  const error: { position?: string } = await client.query(statement?.text(schema) ?? '').then(
    () => ({}),
    (thrown: { position?: string }) => thrown,
  )
  expect(statement?.locate(schema, Number(error.position))).toEqual({ line: 4, column: 3 })
  await client.query('DROP SCHEMA "schema of a tenant" CASCADE')
})
