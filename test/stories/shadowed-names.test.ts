/** Roles that may create objects in a schema on the search path must not get their functions called by our own SQL. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compareExisting } from '../../src/dialects/postgres/compare-existing.ts'
import { connect } from '../../src/dialects/postgres/connection.ts'
import { countRows } from '../../src/dialects/postgres/count-rows.ts'
import { phrases } from '../../src/dialects/postgres/phrases.ts'
import { probeStatement } from '../../src/dialects/postgres/probe.ts'
import { readHistories } from '../../src/dialects/postgres/read-histories.ts'
import { listSchemas } from '../../src/dialects/postgres/schemas.ts'
import { historyShape } from '../../src/formats/history-shapes.ts'
import type { Connection } from '../../src/model/dialect.ts'
import { ledgerColumns } from '../../src/model/history.ts'
import { Secret } from '../../src/model/secret.ts'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'

let database: TestDatabase
let connection: Connection

/** A function that does what it should, and tells that it was called: by a sequence, which no ROLLBACK takes back. */
function trap(name: string, types: string, result: string, body: string): string {
  const call = `${name}(${types})`
  return `CREATE SEQUENCE public."${call}"; CREATE FUNCTION public.${name}(${types}) RETURNS ${result} LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_catalog.nextval('public."${call}"'); RETURN ${body}; END $$;`
}

function trapOperator(name: string, left: string, right: string, result: string, body: string): string {
  const stem = `${left}_${right}`.replaceAll(/\W/g, '')
  return `${trap(`op_${stem}`, `${left}, ${right}`, result, body)}
    CREATE OPERATOR public.${name} (LEFTARG = ${left}, RIGHTARG = ${right}, FUNCTION = public.op_${stem});`
}

beforeAll(async () => {
  database = await freshDatabase('shadowed names')
  const ledger = ledgerColumns.map((column) => column.join(' ')).join(', ')
  await database.query(`CREATE SCHEMA t1; CREATE TABLE t1.x AS SELECT 1 AS a;
    CREATE TABLE t1.schema_migrations (id serial PRIMARY KEY, version varchar(255), checksum varchar(64));
    INSERT INTO t1.schema_migrations (version, checksum) VALUES ('001_a', 'x');
    CREATE TABLE t1.tenantry_ledger (${ledger});
    INSERT INTO t1.tenantry_ledger VALUES ('schema_migrations', '001_a', 'x', 'applied', 1, 1, '', '', 1, '', now());
    ${trap('concat_ws', 'text, name, bigint, boolean, boolean', 'text', 'pg_catalog.concat_ws($1, $2, $3, $4, $5)')}
    ${trap('concat_ws', 'text, text, text, text', 'text', 'pg_catalog.concat_ws($1, $2, $3, $4)')}
    ${trap('format', 'text, name, name', 'text', 'pg_catalog.format($1, $2, $3)')}
    ${trap('json_build_array', 'boolean, boolean, text[], integer', 'json', 'pg_catalog.json_build_array($1, $2, $3, $4)')}
    ${trapOperator('=', 'text[]', 'text[]', 'boolean', 'pg_catalog.array_eq($1, $2)')}
    ${trap('to_json', 'name[]', 'json', 'pg_catalog.to_json($1)')}
    ${trapOperator('||', 'text[]', 'text', 'text[]', 'pg_catalog.array_append($1, $2)')}
    ${trapOperator('=', 'varchar', 'varchar', 'boolean', '$1::text = $2::text')}
    ${trapOperator('~~', 'name', 'name', 'boolean', '$1::text ~~ $2::text')}
    ${trapOperator('*', 'numeric', 'integer', 'numeric', '$1 * $2::numeric')}`)
  const { hostname, port, username, password } = new URL(database.url)
  connection = await connect(
    {
      name: 'main',
      dialect: 'postgres',
      host: hostname,
      port: Number(port),
      user: username,
      password: new Secret(decodeURIComponent(password)),
      tls: null,
      maxConcurrency: 1,
      maxConcurrencyPerDatabase: 1,
    },
    database.name,
    { applicationName: 'tenantry-test', connectTimeoutMs: 10_000 },
  )
})

afterAll(async () => {
  await connection?.close()
  await database?.drop()
})

async function calls(): Promise<unknown[]> {
  const rows = await database.query(
    "SELECT sequencename AS call FROM pg_sequences WHERE sequencename::text LIKE '%(%' AND last_value IS NOT NULL",
  )
  return rows.map(({ call }) => call)
}

const shape = historyShape('schema_migrations')

test('the traps work: a careless query calls them', async () => {
  await connection.query("SELECT concat_ws(',', relname, 1::bigint, true, true) FROM pg_class LIMIT 1")
  expect(await calls()).toEqual(['concat_ws(text, name, bigint, boolean, boolean)'])
  await database.query(`ALTER SEQUENCE "concat_ws(text, name, bigint, boolean, boolean)" RESTART`)
})

test('reading histories', async () => {
  const request = { shape, table: 'schema_migrations', schema: null, ledger: true, requiredTables: [] }
  const reading = await readHistories(connection, { ...request, targets: ['t1', null], lockTimeoutMs: 1000 })
  expect(reading).toMatchObject({ defaultSchema: 'public', snapshots: [{ hasLedger: true }, { columns: null }] })
  expect(await connection.query('SELECT current_schema() AS schema')).toEqual([{ schema: 'public' }])
  expect(await calls()).toEqual([])
})

test('listing schemas and counting rows', async () => {
  const found: string[] = []
  for await (const schema of listSchemas(connection, { like: 't%' })) found.push(schema)
  expect(found).toEqual(['t1'])
  const step = { kind: 'drop-table', statement: 1, schema: null, object: 'x', column: null } as const
  expect(await countRows(connection, 't1', [step])).toEqual([1])
  expect(await calls()).toEqual([])
})

test('asking whether a statement landed', async () => {
  for (const sql of [
    'CREATE TABLE x (a int)',
    'CREATE INDEX CONCURRENTLY i ON x (a)',
    "CREATE TYPE mood AS ENUM ('a')",
  ])
    await probeStatement(connection, sql, 't1')
  expect(await calls()).toEqual([])
})

test('comparing what is in the way with what a statement makes', async () => {
  expect(await compareExisting(connection, 'CREATE TABLE x (a int)', 't1')).toBe('equal')
  expect(await calls()).toEqual([])
})

test('the guard, and what is written beside it', async () => {
  const guard = phrases.guard({
    expect: 'absent',
    history: { schema: 't1', table: 'schema_migrations', shape, keys: ['002_b'] },
    notHalfDone: ['001_a'],
  })
  expect(await connection.pipeline(['BEGIN', guard, `SELECT ${phrases.elapsedMs}`, 'COMMIT'])).toMatchObject({
    failure: null,
  })
  expect(await calls()).toEqual([])
})
