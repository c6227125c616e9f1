import { readdirSync, readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { adaptFile, collectOwnObjects } from '../../src/dialects/postgres/adapt.ts'
import { renderEdits } from '../../src/dialects/postgres/adapt-verify.ts'
import type { Edit } from '../../src/dialects/postgres/edits.ts'
import { loadParser, type ParsedSql, parseSql } from '../../src/dialects/postgres/parse.ts'
import { quoteIdentifier, quoteLiteral } from '../../src/dialects/postgres/quote.ts'
import { freshDatabase, postgresMajor, type TestDatabase } from '../servers/shared.ts'

const folder = new URL('../fixtures/adapt/', import.meta.url)
const fixtures = readdirSync(folder)
  .filter((name) => name.endsWith('.sql'))
  // It holds a MERGE.
  .filter((name) => name !== 'standard-bodies.sql' || postgresMajor >= 15)
  .map((name) => ({ name, text: readFileSync(new URL(name, folder), 'utf8') }))

/** Names that are hard to quote, and one that is the start of the other. */
const tenants = [`we"ird ' 50% Ünïx`, 'we"ird', '😀'.repeat(15)]

beforeAll(loadParser)

interface Adapted {
  sql: ParsedSql
  adaptation: ReturnType<typeof adaptFile>
}

function adapt(name: string, text: string): Adapted {
  const sql = parseSql(text)
  const options = { file: name, migration: name, targetsPerDatabase: 2, sharedSchema: 'public' }
  return { sql, adaptation: adaptFile(sql, collectOwnObjects([sql]), options) }
}

async function applyTo(database: TestDatabase, tenant: string, { sql, adaptation }: Adapted): Promise<void> {
  const path = `SET search_path = ${quoteIdentifier(tenant)}, public;\n`
  await database.query(path + renderEdits(sql, adaptation.edits, tenant))
}

async function makeTenants(database: TestDatabase): Promise<void> {
  for (const tenant of tenants) await database.query(`CREATE SCHEMA ${quoteIdentifier(tenant)}`)
}

/** Everything that is in a schema, as `kind name definition`, with the schema's own name taken out. */
async function listObjects(database: TestDatabase, schema: string): Promise<string[]> {
  const oid = `${quoteLiteral(quoteIdentifier(schema))}::regnamespace`
  const rows = await database.query(`
    SELECT 'relation ' || relkind::text || ' ' || relname || ' ' || coalesce(
             CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(oid) WHEN relkind IN ('i', 'I') THEN pg_get_indexdef(oid) END, '')
             || ' ' || relrowsecurity || coalesce(obj_description(oid, 'pg_class'), '') || coalesce(relacl::text, '') AS object
      FROM pg_class WHERE relnamespace = ${oid}
    UNION ALL SELECT 'type ' || typtype::text || ' ' || typname || coalesce(
             (SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid), '')
      FROM pg_type t WHERE typnamespace = ${oid}
    UNION ALL SELECT 'routine ' || proname || ' ' || coalesce(CASE WHEN prokind <> 'a' THEN pg_get_functiondef(oid) END, '')
      FROM pg_proc WHERE pronamespace = ${oid}
    UNION ALL SELECT 'constraint ' || conname::text || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = ${oid}
    UNION ALL SELECT 'column ' || relname || '.' || attname || ' ' || format_type(atttypid, atttypmod) || ' ' || attnotnull
             || coalesce(pg_get_expr(adbin, adrelid), '') || coalesce(col_description(c.oid, attnum), '')
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND attnum > 0 AND NOT attisdropped
      LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum WHERE relnamespace = ${oid}
    UNION ALL SELECT 'trigger ' || tgname || ' ' || pg_get_triggerdef(g.oid)
      FROM pg_trigger g JOIN pg_class c ON c.oid = tgrelid WHERE relnamespace = ${oid} AND NOT tgisinternal
    UNION ALL SELECT 'policy ' || polname || ' ' || coalesce(pg_get_expr(polqual, polrelid), '')
      FROM pg_policy JOIN pg_class c ON c.oid = polrelid WHERE relnamespace = ${oid}
    UNION ALL SELECT 'operator ' || oprname || ' ' || oprcode::regprocedure::text FROM pg_operator WHERE oprnamespace = ${oid}
    UNION ALL SELECT 'collation ' || collname FROM pg_collation WHERE collnamespace = ${oid}
    UNION ALL SELECT 'statistics ' || stxname FROM pg_statistic_ext WHERE stxnamespace = ${oid}
    UNION ALL SELECT 'text search ' || cfgname FROM pg_ts_config WHERE cfgnamespace = ${oid}
    UNION ALL SELECT 'schema ' || coalesce(nspacl::text, '') || coalesce(obj_description(oid, 'pg_namespace'), '')
      FROM pg_namespace WHERE oid = ${oid}
    UNION ALL SELECT 'default privileges ' || defaclobjtype::text || defaclacl::text FROM pg_default_acl WHERE defaclnamespace = ${oid}`)
  const identifier = quoteIdentifier(schema)
  const inTemplate = identifier.replaceAll("'", "''").replaceAll('%', '%%')
  const spellings = [inTemplate, identifier.replaceAll("'", "''"), identifier, quoteLiteral(schema), schema]
  return rows
    .map(({ object }) => spellings.reduce((text, spelling) => text.replaceAll(spelling, 'TENANT'), String(object)))
    .sort()
}

/** Objects of one tenant that use objects of another, or of `public` beyond what extensions brought. */
async function listLeaks(database: TestDatabase): Promise<unknown[]> {
  return database.query(`
    WITH uses AS (
      SELECT (pg_identify_object(d.classid, d.objid, 0)).schema AS user_schema, (pg_identify_object(d.classid, d.objid, 0)).identity AS user_name,
             u.schema AS used_schema, u.identity AS used_name
      FROM pg_depend d, pg_identify_object(d.refclassid, d.refobjid, 0) u
      WHERE d.deptype <> 'e' AND d.objid >= 16384 AND d.refobjid >= 16384
        AND NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.classid = d.refclassid AND e.objid = d.refobjid AND e.deptype = 'e'))
    SELECT * FROM uses WHERE user_schema <> used_schema AND user_schema NOT LIKE 'pg\\_%' AND used_schema NOT LIKE 'pg\\_%'`)
}

describe('files written for schema public, applied to tenants of one database', () => {
  for (const fixture of fixtures) {
    test(fixture.name, async () => {
      const database = await freshDatabase(`adapt ${fixture.name}`)
      await makeTenants(database)
      const adapted = adapt(fixture.name, fixture.text)
      expect(adapted.adaptation.problems).toEqual([])
      for (const { name, schema, version } of adapted.adaptation.extensions) {
        expect({ schema, version }).toEqual({ schema: null, version: null })
        await database.query(`CREATE EXTENSION IF NOT EXISTS ${quoteIdentifier(name)} SCHEMA public`)
      }
      const shared = await listObjects(database, 'public')
      for (const tenant of tenants) await applyTo(database, tenant, adapted)

      expect(await listObjects(database, 'public')).toEqual(shared)
      const [first, ...others] = await Promise.all(tenants.map((tenant) => listObjects(database, tenant)))
      expect(first?.length).toBeGreaterThan(1)
      for (const other of others) expect(other).toEqual(first)
      expect(await listLeaks(database)).toEqual([])
      await database.drop()
    })
  }
})

function namesPublic({ kind, start, end }: Edit): boolean {
  return kind === 'schema' && end > start
}

test('unadapted, the second tenant fails on every one of them that names public', async () => {
  const naming = fixtures.filter(({ name, text }) => adapt(name, text).adaptation.edits.some(namesPublic))
  expect(naming.length).toBeGreaterThan(10)
  for (const { name, text } of naming) {
    const database = await freshDatabase('unadapted')
    await makeTenants(database)
    const { sql, adaptation } = adapt(name, text)
    const untouched = { sql, adaptation: { ...adaptation, edits: [] } }
    const outcome = async (): Promise<void> => {
      for (const tenant of tenants) await applyTo(database, tenant, untouched)
      if ((await listLeaks(database)).length > 0) throw new Error('a tenant uses what is not its own')
      if ((await listObjects(database, 'public')).length > 1) throw new Error('public is not empty')
    }
    await expect(outcome(), name).rejects.toThrow()
    await database.drop()
  }
})

test("a default's sequence is the tenant's own: every tenant counts from the start", async () => {
  const database = await freshDatabase('sequences')
  await makeTenants(database)
  const adapted = adapt(
    'tickets.sql',
    `CREATE SEQUENCE public.numbers; CREATE TABLE public.tickets (id int DEFAULT nextval('public.numbers'::regclass), other serial);`,
  )
  for (const tenant of tenants) await applyTo(database, tenant, adapted)
  for (const tenant of tenants) {
    const rows = await database.query(
      `INSERT INTO ${quoteIdentifier(tenant)}.tickets DEFAULT VALUES RETURNING id, other`,
    )
    expect(rows).toEqual([{ id: 1, other: 1 }])
  }
  await database.drop()
})

test("a guard by bare name does not see another tenant's object, and still sees its own", async () => {
  const database = await freshDatabase('guards')
  await makeTenants(database)
  const guard = `DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = 'a_check') THEN
    ALTER TABLE public.a ADD CONSTRAINT a_check CHECK (n > 0); END IF; END $$;`
  const adapted = adapt('guard.sql', `CREATE TABLE IF NOT EXISTS public.a (n int); ${guard} ${guard}`)
  for (const tenant of tenants) await applyTo(database, tenant, adapted)
  const rows = await database.query(`SELECT count(*)::int AS n FROM pg_constraint WHERE conname = 'a_check'`)
  expect(rows).toEqual([{ n: tenants.length }])
  await database.drop()
})

test('DROP … IF EXISTS spares an object of the same name in the shared schema', async () => {
  const database = await freshDatabase('spared')
  await makeTenants(database)
  await database.query(
    'CREATE TABLE public.t (); CREATE TYPE public.e AS ENUM (); CREATE FUNCTION public.f() RETURNS int RETURN 1',
  )
  const adapted = adapt('drops.sql', 'DROP TABLE IF EXISTS t; DROP TYPE IF EXISTS e; DROP FUNCTION IF EXISTS f(), f2;')
  for (const tenant of tenants) await applyTo(database, tenant, adapted)
  expect(await database.query(`SELECT 't'::regclass::text, 'e'::regtype::text, 'f'::regproc::text`)).toHaveLength(1)
  await database.drop()
})
