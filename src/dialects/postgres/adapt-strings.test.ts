import { beforeAll, describe, expect, test } from 'vitest'
import { adaptText } from '../../../test/fixtures/adapt/adapt-text.ts'
import { loadParser } from './parse.ts'

beforeAll(loadParser)

const own = `
  CREATE TABLE t (id serial, c text); CREATE TABLE "Users" (id int); CREATE SEQUENCE s; CREATE TYPE e AS ENUM ('a');
  CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'select 1';`

/** `⟨public⟩` is a schema read as an identifier, `«public»` one read as it is. */
function becomes(marked: string): void {
  const before = marked.replaceAll(/[⟨«]([^⟩»]*)[⟩»]/g, '$1')
  const after = marked.replaceAll(/⟨[^⟩]*⟩/g, '"we""ird"').replaceAll(/«[^»]*»/g, 'we"ird')
  const adapted = adaptText(before, { with: own, schema: 'we"ird' })
  expect(adapted.text).toBe(after)
  expect(adapted.problems).toEqual([])
}

function leaves(text: string, rules: string[]): void {
  const adapted = adaptText(text, { with: own })
  expect(adapted.text).toBe(text)
  expect(adapted.rules).toEqual(rules)
}

describe('a string that names an object', () => {
  test.each([
    `SELECT '⟨public⟩.s'::regclass, '⟨"public"⟩."Users"'::pg_catalog.regclass, ('⟨public⟩.t'::text)::regclass`,
    `SELECT CAST('⟨public⟩.s' AS regclass), regclass '⟨public⟩.s', CAST('⟨public⟩.e' AS pg_catalog.regtype)`,
    `SELECT '⟨public⟩.e'::regtype, '⟨public⟩.f'::regproc, '⟨public⟩.f(⟨public⟩.e)'::regprocedure, '⟨public⟩'::regnamespace`,
    `SELECT nextval('⟨public⟩.s'), currval('⟨public⟩.s'::text), setval('⟨public⟩.s', 1, false), pg_catalog.nextval('⟨public⟩.s')`,
    `SELECT to_regclass('⟨public⟩.t'), to_regtype('⟨public⟩.e'), to_regproc('⟨public⟩.f'), to_regnamespace('⟨public⟩')`,
    `SELECT pg_get_serial_sequence('⟨public⟩.t', 'id'), pg_relation_size('⟨public⟩.t'), pg_total_relation_size('⟨"public".⟩"Users"')`.replace(
      '⟨"public".⟩',
      '⟨"public"⟩.',
    ),
    `SELECT has_table_privilege('⟨public⟩.t', 'SELECT'), has_table_privilege('me', '⟨public⟩.t', 'SELECT')`,
    `SELECT has_schema_privilege('«public»', 'USAGE')`,
    `CREATE TABLE x (id int DEFAULT nextval('⟨public⟩.s'::regclass))`,
    `SELECT '⟨public⟩.s'::regclass -- 'public.s'::regclass`,
    `CREATE FUNCTION g(r regclass DEFAULT '⟨public⟩.t', x text DEFAULT 'public') RETURNS int RETURN 1`,
    `DO $$ DECLARE r regclass := '⟨public⟩.t'; BEGIN NULL; END $$`,
    `SELECT FROM pg_constraint WHERE conrelid::regclass = '⟨public⟩.t'`,
  ])('%s', becomes)

  test.each([
    [`SELECT nextval('public.shared_seq'), 'public.citext'::regtype, 'other.t'::regclass, 's'::regclass`, []],
    [`SELECT nextval('public.' || x), 'public.t' || 'x'`, ['name-in-string']],
    [`SELECT 'public.e'::regproc`, []],
  ])('stays: %s', leaves)

  test('a string with E or in dollar quotes is written so that the name cannot break it', () => {
    const options = { with: own, schema: "a\\'b" }
    expect(adaptText(`SELECT E'public.s'::regclass`, options).text).toBe(`SELECT '"a\\''b".s'::regclass`)
    expect(adaptText('SELECT $$public$$::regnamespace', options).text).toBe(`SELECT '"a\\''b"'::regnamespace`)
    expect(adaptText('SELECT nextval($x$public.s$x$)', options)).toMatchObject({ dollarTags: ['$x$'] })
    leaves(`SELECT nextval(E'public.\\x73')`, [])
    leaves(`SELECT nextval(E'public.s\\n')`, ['name-in-string'])
  })
})

describe("a literal 'public'", () => {
  test.each([
    `SELECT FROM pg_tables WHERE schemaname = '«public»' AND tablename = 'x'`,
    `SELECT FROM pg_tables WHERE '«public»' = schemaname OR pg_tables.schemaname <> '«public»'::name`,
    `SELECT FROM information_schema.columns c WHERE c.table_schema IN ('«public»', 'other') AND table_name = 't'`,
    `SELECT FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', '«public»')`,
    `SELECT FROM information_schema.tables WHERE table_schema = ANY (ARRAY['«public»'::text, 'x'])`,
    `SELECT FROM information_schema.tables WHERE table_schema LIKE '«public»'`,
    `SELECT FROM information_schema.tables WHERE table_schema::text = '«public»'::text`,
    `SELECT FROM information_schema.sequences WHERE sequence_schema = '«public»'`,
    `SELECT FROM information_schema.routines WHERE routine_schema IS NOT DISTINCT FROM '«public»'`,
    `SELECT FROM information_schema.table_constraints WHERE constraint_schema != '«public»'`,
    `SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = '«public»'`,
    `SELECT FROM pg_class WHERE relnamespace = '⟨public⟩'::regnamespace`,
    `SELECT FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = '«public»')`,
    `SELECT FROM pg_class WHERE relnamespace = '⟨public⟩'::pg_catalog.regnamespace`,
    `SELECT FROM pg_tables WHERE current_schema() = '«public»'`,
    `DO $$ DECLARE r record; BEGIN FOR r IN SELECT * FROM pg_tables WHERE schemaname='«public»' LOOP
       IF r.schemaname = '«public»' THEN NULL; END IF; END LOOP; END $$`,
    `CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF TG_TABLE_SCHEMA = '«public»' THEN RETURN NEW; END IF; END $$`,
  ])('compared with a schema moves: %s', becomes)

  test.each([
    `INSERT INTO t (c) VALUES ('public')`,
    `UPDATE t SET c = 'public' WHERE c = 'public'`,
    `UPDATE settings SET schema_name = 'public', table_schema = 'public'`,
    `SELECT 'public' AS schemaname, 'public'::text, coalesce(c, 'public') FROM t WHERE c IN ('public')`,
    `ALTER TABLE t ALTER COLUMN c SET DEFAULT 'public'`,
    `CREATE TYPE visibility AS ENUM ('public', 'private')`,
    `SELECT set_config('app.visibility', 'public', true)`,
    `SELECT FROM pg_roles WHERE rolname = 'public'`,
  ])('is data: %s', (text) => leaves(text, []))

  test('in a list that is itself a string it is only said', () => {
    leaves(`SELECT FROM pg_tables WHERE schemaname = ANY ('{public,other}')`, ['schema-in-string'])
    leaves(`SELECT FROM pg_tables WHERE schemaname LIKE 'public%'`, ['schema-in-string'])
  })
})

describe('SQL in strings of bodies', () => {
  const body = (text: string): string => `DO $$ DECLARE r record; x text; BEGIN ${text} END $$`
  test.each([
    body(`EXECUTE 'SELECT count(*) FROM ⟨public⟩.t WHERE c = ''public''';`),
    body(`EXECUTE 'SELECT nextval(''⟨public⟩.s'')' INTO x;`),
    body(`EXECUTE 'INSERT INTO ⟨public⟩.t (c) VALUES ($1)' USING 'public.t2';`),
    body(`EXECUTE $q$ALTER TABLE ⟨public⟩.t ADD y int$q$;`),
    body(`EXECUTE format('ALTER TABLE ⟨public⟩.t ADD %I int', x);`),
    body(`EXECUTE 'CREATE INDEX ON ⟨public⟩.t (' || x || ')';`),
    body(`EXECUTE 'ALTER TABLE ⟨public⟩.t ALTER c SET DEFAULT ''' || x || '''';`),
    body(`EXECUTE 'GRANT USAGE ON SCHEMA ⟨public⟩ TO ' || x;`),
    body(`EXECUTE format('DROP TABLE %I.%I', '«public»', 't');`),
    body(`FOR r IN SELECT tablename FROM pg_tables WHERE schemaname = '«public»' LOOP
      EXECUTE format('ALTER TABLE ⟨public⟩.%I ADD z int', r.tablename);
      EXECUTE 'TRUNCATE ⟨public⟩.' || quote_ident(r.tablename);
      EXECUTE format('TRUNCATE %1$I.%2$I', '«public»', r.tablename); END LOOP;`),
  ])('%s', (text) => {
    becomes(text)
    const before = text.replaceAll(/[⟨«]([^⟩»]*)[⟩»]/g, '$1')
    expect(adaptText(before, { with: own }).notices).toEqual([])
  })

  test.each([
    [body(`EXECUTE format('ALTER TABLE public.%I ADD x int', x);`), ['name-in-string']],
    [body(`EXECUTE 'TRUNCATE public.' || quote_ident(x);`), ['name-in-string']],
    [body(`EXECUTE format('TRUNCATE %I.%I', 'public', x);`), ['name-in-string']],
    [body(`EXECUTE 'TRUNCATE ' || 'public' || '.' || x;`), ['schema-in-string']],
    [body(`x := 'public'; EXECUTE format('TRUNCATE %I.t', x);`), ['schema-in-string']],
    [body(`x := 'SELECT FROM public.t'; EXECUTE x;`), ['name-in-string']],
    [body(`EXECUTE 'SELECT FROM public.citext_table'; RAISE NOTICE 'public.t %', x;`), []],
  ])('not certain, so left: %s', leaves)

  test('percent signs of the schema double in a template of format()', () => {
    const text = body(`EXECUTE format('ALTER TABLE public.t ADD %I int', x); EXECUTE 'DROP TABLE public.t';`)
    const adapted = adaptText(text, { with: own, schema: '50%' })
    expect(adapted.text).toContain(`format('ALTER TABLE "50%%".t ADD`)
    expect(adapted.text).toContain(`'DROP TABLE "50%".t'`)
  })

  test('a file of data does not drown the others in notices', () => {
    const rows = Array.from({ length: 500 }, (_, i) => `INSERT INTO t (c) VALUES ('public.t ${i}');`).join('\n')
    expect(adaptText(rows, { with: own }).notices).toHaveLength(20)
  })

  test('a notice says where', () => {
    const { notices } = adaptText(`DO $$ BEGIN\n  -- ünï\n  EXECUTE 'TRUNCATE public.' || x;\nEND $$`, { with: own })
    expect(notices).toMatchObject([{ line: 3, column: 21, file: 'migrations/1.sql', migration: '1' }])
  })
})
