import { beforeAll, describe, expect, test } from 'vitest'
import { adaptText } from '../../../test/fixtures/adapt/adapt-text.ts'
import { loadParser } from './parse.ts'

beforeAll(loadParser)

const own = `
  CREATE TABLE public.t (id serial PRIMARY KEY, c text, "Odd Name" int);
  CREATE TABLE "Users" (id int);
  CREATE TABLE parts (id int) PARTITION BY LIST (id);
  CREATE TYPE "Status" AS ENUM ('a');
  CREATE DOMAIN d AS int;
  CREATE VIEW v AS SELECT 1 AS n;
  CREATE MATERIALIZED VIEW m AS SELECT 1 AS n;
  CREATE SEQUENCE s;
  CREATE INDEX t_i ON t (c);
  CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'select 1';
  CREATE FUNCTION trg() RETURNS trigger LANGUAGE plpgsql AS 'begin return new; end';
  CREATE OPERATOR @@@ (LEFTARG = int, RIGHTARG = int, FUNCTION = f);
  CREATE COLLATION co (LOCALE = 'C');
  CREATE TEXT SEARCH CONFIGURATION conf (COPY = english);
  CREATE STATISTICS stats ON id, c FROM t;`

/** `<` and `>` mark what moves: `ALTER TABLE <public>.t` becomes `ALTER TABLE "we""ird".t`. */
function moves(marked: string): void {
  const before = marked.replaceAll(/⟨([^⟩]*)⟩/g, '$1')
  const after = marked.replaceAll(/⟨[^⟩]*⟩/g, '"we""ird"')
  const adapted = adaptText(before, { with: own, schema: 'we"ird' })
  expect(adapted.text).toBe(after)
  expect(adapted.problems).toEqual([])
}

describe('qualified names of what the tenants own move, in every kind of statement', () => {
  test.each([
    'SELECT * FROM ⟨public⟩.t, ⟨"public"⟩."Users" u JOIN ⟨PUBLIC⟩ . v ON true',
    'SELECT ⟨public⟩.t.c, ⟨public⟩.t.*, ⟨public⟩.f(1) FROM ⟨public⟩.t',
    `SELECT 'a'::⟨public⟩."Status", CAST(NULL AS ⟨public⟩.d), ARRAY[]::⟨"public"⟩."Status"[], ⟨public⟩.d '1'`,
    `SELECT 1 OPERATOR(⟨public⟩.@@@) 2, 'a' COLLATE ⟨public⟩.co`,
    `INSERT INTO ⟨public⟩.t (c) SELECT c FROM ⟨public⟩.t ON CONFLICT DO NOTHING RETURNING id`,
    'UPDATE ONLY ⟨public⟩.t SET c = x.n FROM ⟨public⟩.v x WHERE ⟨public⟩.t.id = 1',
    'DELETE FROM ⟨public⟩.t USING ⟨public⟩.v',
    'TRUNCATE ⟨public⟩.t, ⟨public⟩.parts',
    'LOCK TABLE ⟨public⟩.t',
    'CREATE TABLE ⟨public⟩.fresh (LIKE ⟨public⟩.t INCLUDING ALL, s ⟨public⟩."Status", FOREIGN KEY (id) REFERENCES ⟨public⟩.t (id))',
    'CREATE TABLE IF NOT EXISTS ⟨public⟩.fresh () INHERITS (⟨public⟩.t)',
    'CREATE UNLOGGED TABLE ⟨public⟩.fresh AS SELECT 1 AS n',
    'CREATE TABLE ⟨public⟩.parts_1 PARTITION OF ⟨public⟩.parts FOR VALUES IN (1)',
    'ALTER TABLE ⟨public⟩.parts ATTACH PARTITION ⟨public⟩.t FOR VALUES IN (2)',
    `ALTER TABLE ONLY ⟨public⟩.t ADD COLUMN x ⟨public⟩."Status" DEFAULT 'a'::⟨public⟩."Status", ALTER c TYPE ⟨public⟩.d USING c::⟨public⟩.d`,
    'ALTER TABLE ⟨public⟩.t RENAME TO u',
    'ALTER TABLE elsewhere.x SET SCHEMA ⟨public⟩',
    'ALTER SEQUENCE ⟨public⟩.s OWNED BY ⟨public⟩.t.id',
    `ALTER TYPE ⟨public⟩."Status" ADD VALUE 'b'`,
    'ALTER FUNCTION ⟨public⟩.f(int) OWNER TO CURRENT_USER',
    'ALTER INDEX ⟨public⟩.t_i RENAME TO t_j',
    'CREATE UNIQUE INDEX CONCURRENTLY i ON ⟨public⟩.t (⟨public⟩.f(id)) WHERE c IS NOT NULL',
    'CREATE VIEW ⟨public⟩.w AS SELECT n FROM ⟨public⟩.v',
    'REFRESH MATERIALIZED VIEW CONCURRENTLY ⟨public⟩.m',
    'CREATE TRIGGER g BEFORE INSERT ON ⟨public⟩.t FOR EACH ROW EXECUTE FUNCTION ⟨public⟩.trg()',
    'CREATE POLICY p ON ⟨public⟩.t TO PUBLIC USING (EXISTS (SELECT FROM ⟨public⟩.v))',
    'CREATE RULE r AS ON INSERT TO ⟨public⟩.t DO ALSO (DELETE FROM ⟨public⟩.v; SELECT 1)',
    'CREATE FUNCTION ⟨public⟩.g(a ⟨public⟩.t.c%TYPE, b ⟨public⟩."Status") RETURNS SETOF ⟨public⟩.t RETURN NULL',
    'CREATE AGGREGATE ⟨public⟩.agg (int) (SFUNC = ⟨public⟩.f, STYPE = ⟨public⟩.d)',
    'CREATE OPERATOR ⟨public⟩.### (LEFTARG = ⟨public⟩.d, RIGHTARG = int, FUNCTION = ⟨public⟩.f)',
    'CREATE TYPE ⟨public⟩.r AS RANGE (SUBTYPE = ⟨public⟩.d)',
    'CREATE STATISTICS ⟨public⟩.more ON id, c FROM ⟨public⟩.t',
    'DROP TABLE a, ⟨public⟩.t; SELECT public.x FROM y AS public',
    'DROP TABLE ⟨public⟩.t, elsewhere.x, ⟨public⟩.parts CASCADE',
    'DROP FUNCTION ⟨public⟩.f(⟨public⟩.d, int), other.f(⟨public⟩.d)',
    'DROP TYPE ⟨public⟩."Status", ⟨public⟩.d',
    'DROP TRIGGER g ON ⟨public⟩.t',
    'DROP OPERATOR ⟨public⟩.@@@ (int, int)',
    'DROP COLLATION ⟨public⟩.co',
    'DROP TEXT SEARCH CONFIGURATION ⟨public⟩.conf',
    'DROP STATISTICS ⟨public⟩.stats',
    `COMMENT ON TABLE ⟨public⟩.t IS 'public.t'`,
    `COMMENT ON COLUMN ⟨public⟩.t.c IS 'x'`,
    `COMMENT ON CONSTRAINT t_pkey ON ⟨public⟩.t IS 'x'`,
    `COMMENT ON SCHEMA ⟨public⟩ IS 'x'`,
    'GRANT SELECT ON ⟨public⟩.t, ⟨public⟩.v TO PUBLIC',
    'GRANT USAGE ON SCHEMA other, ⟨public⟩ TO PUBLIC',
    'REVOKE ALL ON ALL TABLES IN SCHEMA ⟨public⟩ FROM PUBLIC',
    'GRANT USAGE ON TYPE ⟨public⟩."Status" TO public',
    'ALTER DEFAULT PRIVILEGES IN SCHEMA ⟨public⟩ GRANT SELECT ON TABLES TO public',
    'ALTER SCHEMA ⟨public⟩ OWNER TO CURRENT_USER',
    'ANALYZE ⟨public⟩.t (c)',
    'EXPLAIN SELECT FROM ⟨public⟩.t',
    'WITH x AS (DELETE FROM ⟨public⟩.t RETURNING *) SELECT * FROM x',
    'MERGE INTO ⟨public⟩.t USING ⟨public⟩.v ON false WHEN MATCHED THEN DELETE',
    'IMPORT FOREIGN SCHEMA public FROM SERVER s INTO ⟨public⟩',
  ])('%s', moves)

  test('names that PostgreSQL makes up are known: serial and identity sequences, keys', () => {
    const text = 'CREATE TABLE public.made (a serial PRIMARY KEY, b int GENERATED ALWAYS AS IDENTITY UNIQUE);'
    const names = ['made_a_seq', 'made_b_seq', 'made_pkey', 'made_b_key']
    const uses = names.map((name) => `COMMENT ON INDEX public.${name} IS NULL;`).join('\n')
    expect(adaptText(`${text}\n${uses}`).text).not.toContain('public')
  })

  test('names as long as PostgreSQL allows are cut as it cuts them', () => {
    const table = 'a'.repeat(63)
    const text = `CREATE TABLE public.${table} (${'b'.repeat(63)} serial);`
    const sequence = `${'a'.repeat(29)}_${'b'.repeat(29)}_seq`
    expect(adaptText(`${text}SELECT nextval('public.${sequence}')`).text).toContain(`nextval('"t_1".${sequence}')`)
  })

  test('a rename adds its new name', () => {
    const text = 'ALTER TABLE public.t RENAME TO u; SELECT FROM public.u'
    expect(adaptText(text, { with: own }).text).toBe('ALTER TABLE "t_1".t RENAME TO u; SELECT FROM "t_1".u')
  })

  test("what only a DO block or the text of an EXECUTE creates is the tenants' too", () => {
    const guarded = `DO $$ BEGIN
      CREATE TYPE public.mood AS ENUM ('x'); EXCEPTION WHEN duplicate_object THEN NULL; END $$;
      DO $$ BEGIN IF true THEN CREATE TABLE made (); END IF; EXECUTE 'CREATE TABLE executed ()'; END $$;`
    const text = `${guarded} SELECT NULL::public.mood FROM public.made, public.executed`
    expect(adaptText(text).text).toContain('SELECT NULL::"t_1".mood FROM "t_1".made, "t_1".executed')
  })
})

describe('everything else stays', () => {
  test.each([
    'SELECT public.uuid_generate_v4(), x::public.citext, x OPERATOR(public.=) y',
    'ALTER TABLE t ADD COLUMN e public.citext DEFAULT public.uuid_generate_v4()',
    'SELECT * FROM public.shared_table',
    'SELECT public.id FROM other AS public',
    'SELECT public.c, public.* FROM ⟨public⟩.t AS public',
    'WITH public AS (SELECT 1 AS t) SELECT public.t FROM public',
    'UPDATE t SET public = 1, other = x.public FROM x',
    'SELECT x.public.y, mydb.public.t FROM x',
    'SELECT (x).public, "Public".t, "PUBLIC".t, publica.t FROM x',
    'GRANT SELECT ON t TO PUBLIC',
    'GRANT public TO other',
    'ALTER TABLE t ADD COLUMN public boolean, DROP COLUMN public',
    'CREATE SCHEMA IF NOT EXISTS public',
    `-- public.t\nSELECT 1 /* public.t /* public.t */ */ -- public.t`,
    `SELECT 'it''s public.t', $$public.t$$, E'\\'public.t', U&'public.t', "public.t" FROM t`,
    `INSERT INTO t (c) VALUES ('public'), ('public.t')`,
    `ALTER TABLE t ALTER c SET DEFAULT 'public'`,
    `CREATE TYPE e AS ENUM ('public', 'public.t')`,
  ])('%s', moves)

  test('a type of an extension stays beside a table of the same name, a function beside a type', () => {
    const text = 'SELECT public."Status"(1) FROM t'
    expect(adaptText(text, { with: own }).text).toBe(text)
  })

  test('a name in unicode escapes is the same name', () => {
    expect(adaptText('SELECT * FROM U&"\\0070ublic".t', { with: own }).text).toBe('SELECT * FROM "t_1".t')
  })

  test("a temporary table is not the tenant's", () => {
    const text = 'CREATE TEMP TABLE x (); DROP TABLE IF EXISTS x'
    expect(adaptText(text).text).toBe(text)
  })

  test('a column called public in a body does not keep tables from moving', () => {
    const text =
      'DO $$ BEGIN ALTER TABLE public.t ADD COLUMN public int; PERFORM public.f(1); DROP TABLE a, public.t; END $$'
    expect(adaptText(text, { with: own }).text).toBe(text.replaceAll('public.', '"t_1".'))
  })

  test('changing what no migration creates is said', () => {
    const adapted = adaptText('ALTER TABLE public.legacy ADD COLUMN x int')
    expect(adapted.text).toBe('ALTER TABLE public.legacy ADD COLUMN x int')
    expect(adapted.notices).toMatchObject([{ rule: 'shared-change', line: 1, column: 13 }])
  })
})

describe('bodies', () => {
  test.each([
    'DO $$ BEGIN ALTER TABLE ⟨public⟩.t ADD x ⟨public⟩."Status"; END $$',
    'DO LANGUAGE plpgsql $x$ DECLARE r ⟨public⟩.t%ROWTYPE; c ⟨public⟩.t.c%TYPE; BEGIN SELECT * INTO r FROM ⟨public⟩.t; END $x$',
    `CREATE FUNCTION ⟨public⟩.g() RETURNS int LANGUAGE sql AS $$ SELECT public.id FROM ⟨public⟩.t AS public $$`,
    `CREATE FUNCTION ⟨public⟩.g() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT public.c FROM ⟨public⟩.t AS public); END $$`,
    `CREATE PROCEDURE ⟨public⟩.g() LANGUAGE sql AS 'INSERT INTO ⟨public⟩.t (c) VALUES (''public.t'')'`,
    `CREATE FUNCTION ⟨public⟩.g() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM ⟨public⟩.t -- public.t\n$$`,
    'CREATE FUNCTION ⟨public⟩.g() RETURNS int BEGIN ATOMIC SELECT ⟨public⟩.t.id FROM ⟨public⟩.t; END',
  ])('%s', moves)

  test('quotes of the schema double once for each string around', () => {
    const text = `DO 'BEGIN EXECUTE ''SELECT nextval(''''public.s'''')''; END'`
    const adapted = adaptText(text, { with: own, schema: `a'b"c` })
    expect(adapted.text).toBe(`DO 'BEGIN EXECUTE ''SELECT nextval(''''"a''''''''b""c".s'''')''; END'`)
    expect(adapted.problems).toEqual([])
  })

  test('a body in another language is left, and said', () => {
    const text = `CREATE FUNCTION g() RETURNS int LANGUAGE plpython3u AS $$ plpy.execute("SELECT FROM public.t") $$`
    const adapted = adaptText(text, { with: own })
    expect(adapted.text).toBe(text)
    expect(adapted.rules).toEqual(['body-not-adapted'])
  })

  test('dollar tags that edits stand in are reported', () => {
    const text = 'DO $$ BEGIN PERFORM 1; END $$; DO $body$ BEGIN DELETE FROM public.t; END $body$'
    expect(adaptText(text, { with: own }).dollarTags).toEqual(['$body$'])
  })
})

describe('search path', () => {
  const shared = (text: string): string => text.replaceAll('⟨⟩', '"we""ird", "public"')
  test.each([
    ['SET search_path = public', 'SET search_path = ⟨⟩'],
    [`SET LOCAL search_path TO 'public', ext`, 'SET LOCAL search_path TO ⟨⟩, ext'],
    ['SET SESSION SEARCH_PATH TO "$user", "public"', 'SET SESSION SEARCH_PATH TO "$user", ⟨⟩'],
    [`SET SCHEMA 'public'`, 'SET search_path = ⟨⟩'],
    ['ALTER FUNCTION other.f() SET search_path = public', 'ALTER FUNCTION other.f() SET search_path = ⟨⟩'],
    [
      `CREATE FUNCTION g() RETURNS int LANGUAGE sql SET search_path = public, pg_temp AS 'SELECT 1'`,
      `CREATE FUNCTION g() RETURNS int LANGUAGE sql SET search_path = ⟨⟩, pg_temp AS 'SELECT 1'`,
    ],
    [
      `SELECT set_config('search_path', 'public, pg_temp', false)`,
      `SELECT set_config('search_path', '⟨⟩, pg_temp', false)`,
    ],
    [`DO $$ BEGIN SET LOCAL search_path = public; END $$`, `DO $$ BEGIN SET LOCAL search_path = ⟨⟩; END $$`],
    [
      `SELECT pg_catalog.set_config('search_path', '', false)`,
      `SELECT pg_catalog.set_config('search_path', '', false)`,
    ],
    ['SET search_path = other', 'SET search_path = other'],
  ])('%s', (before, after) => {
    const adapted = adaptText(before, { schema: 'we"ird' })
    expect(adapted.text).toBe(shared(after))
    expect(adapted.problems).toEqual([])
  })

  test('a shared schema that is already on it is not added again', () => {
    const adapted = adaptText('SET search_path = public, extensions', { sharedSchema: 'extensions' })
    expect(adapted.text).toBe('SET search_path = "t_1", extensions')
    expect(adaptText('SET search_path = public', { sharedSchema: 'Ext' }).text).toBe('SET search_path = "t_1", "Ext"')
  })

  test('that of a role is shared by every tenant: left and said', () => {
    const adapted = adaptText('ALTER ROLE app SET search_path = public')
    expect(adapted.text).toBe('ALTER ROLE app SET search_path = public')
    expect(adapted.rules).toContain('search-path-of-role')
  })
})

describe('IF EXISTS with an unqualified name', () => {
  test.each([
    ['DROP TABLE IF EXISTS a, "B c", public.t CASCADE', 'DROP TABLE IF EXISTS ⟨⟩.a, ⟨⟩."B c", ⟨⟩.t CASCADE'],
    ['DROP FUNCTION IF EXISTS f(int, x y), g', 'DROP FUNCTION IF EXISTS ⟨⟩.f(int, x y), ⟨⟩.g'],
    ['DROP INDEX CONCURRENTLY IF EXISTS i', 'DROP INDEX CONCURRENTLY IF EXISTS ⟨⟩.i'],
    ['DROP MATERIALIZED VIEW IF EXISTS m', 'DROP MATERIALIZED VIEW IF EXISTS ⟨⟩.m'],
    ['DROP TYPE IF EXISTS a, other.b', 'DROP TYPE IF EXISTS ⟨⟩.a, other.b'],
    ['DROP SEQUENCE IF EXISTS a', 'DROP SEQUENCE IF EXISTS ⟨⟩.a'],
    ['DROP TRIGGER IF EXISTS g ON a', 'DROP TRIGGER IF EXISTS g ON ⟨⟩.a'],
    ['DROP POLICY IF EXISTS p ON a', 'DROP POLICY IF EXISTS p ON ⟨⟩.a'],
    ['ALTER TABLE IF EXISTS ONLY a ADD x int', 'ALTER TABLE IF EXISTS ONLY ⟨⟩.a ADD x int'],
    ['ALTER VIEW IF EXISTS a RENAME TO b', 'ALTER VIEW IF EXISTS ⟨⟩.a RENAME TO b'],
    ['DO $$ BEGIN DROP TABLE IF EXISTS a; END $$', 'DO $$ BEGIN DROP TABLE IF EXISTS ⟨⟩.a; END $$'],
    ['ALTER TABLE a DROP COLUMN IF EXISTS b, DROP CONSTRAINT IF EXISTS c', null],
    ['DROP SCHEMA IF EXISTS a', null],
    ['CREATE TABLE IF NOT EXISTS a ()', null],
    ['SET search_path = other; DROP TABLE IF EXISTS a', null],
  ])('%s', (before, after) => {
    const adapted = adaptText(before, { with: own, schema: '☃' })
    expect(adapted.text).toBe((after ?? before).replaceAll('⟨⟩', '"☃"'))
    expect(adapted.problems).toEqual([])
  })
})
