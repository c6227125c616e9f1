import { beforeAll, describe, expect, test } from 'vitest'
import { adaptText } from '../../../test/fixtures/adapt/adapt-text.ts'
import { loadParser } from './parse.ts'

beforeAll(loadParser)

const own = `
  CREATE TABLE t (id serial PRIMARY KEY, c text CONSTRAINT c_check CHECK (c <> ''), other_id int REFERENCES t);
  CREATE TYPE e AS ENUM ('a', 'b'); CREATE VIEW v AS SELECT 1; CREATE MATERIALIZED VIEW m AS SELECT 1; CREATE SEQUENCE s;
  CREATE INDEX t_i ON t (c); CREATE POLICY p ON t; CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'begin end';
  CREATE TRIGGER g BEFORE INSERT ON t EXECUTE FUNCTION f();`
const schema = `we"i'rd`
const oid = `'"we""i''rd"'::pg_catalog.regnamespace`
const name = `'we"i''rd'`
const inClass = `IN (SELECT oid FROM pg_catalog.pg_class WHERE relnamespace = ${oid})`

describe('a look-up by bare name of what the tenants own', () => {
  test.each([
    ['pg_constraint', `conname = 'c_check'`, 'pg_catalog.pg_constraint', `connamespace = ${oid}`],
    ['pg_constraint', `'t_other_id_fkey' = conname`, 'pg_catalog.pg_constraint', `connamespace = ${oid}`],
    ['pg_catalog.pg_class', `relname = 't' AND relkind = 'r'`, 'pg_catalog.pg_class', `relnamespace = ${oid}`],
    ['pg_class', `relname IN ('t', 't_i')`, 'pg_catalog.pg_class', `relnamespace = ${oid}`],
    ['pg_class', `relname = ANY (ARRAY['t'])`, 'pg_catalog.pg_class', `relnamespace = ${oid}`],
    ['pg_type', `typname = 'e'`, 'pg_catalog.pg_type', `typnamespace = ${oid}`],
    ['pg_proc', `proname = 'f'`, 'pg_catalog.pg_proc', `pronamespace = ${oid}`],
    ['pg_indexes', `indexname = 't_i'`, 'pg_catalog.pg_indexes', `schemaname = ${name}`],
    ['pg_tables', `tablename = 't'`, 'pg_catalog.pg_tables', `schemaname = ${name}`],
    ['pg_views', `viewname = 'v'`, 'pg_catalog.pg_views', `schemaname = ${name}`],
    ['pg_matviews', `matviewname = 'm'`, 'pg_catalog.pg_matviews', `schemaname = ${name}`],
    ['pg_sequences', `sequencename = 't_id_seq'`, 'pg_catalog.pg_sequences', `schemaname = ${name}`],
    ['pg_policies', `policyname = 'p' AND tablename = 't'`, 'pg_catalog.pg_policies', `schemaname = ${name}`],
    ['pg_policy', `polname = 'p'`, 'pg_catalog.pg_policy', `polrelid ${inClass}`],
    ['pg_trigger', `tgname = 'g' AND NOT tgisinternal`, 'pg_catalog.pg_trigger', `tgrelid ${inClass}`],
    ['pg_attribute', `attname = 'other_id'`, 'pg_catalog.pg_attribute', `attrelid ${inClass}`],
    [
      'pg_enum',
      `enumlabel = 'b'`,
      'pg_catalog.pg_enum',
      `enumtypid IN (SELECT oid FROM pg_catalog.pg_type WHERE typnamespace = ${oid})`,
    ],
    ['information_schema.tables', `table_name = 't'`, 'information_schema.tables', `table_schema = ${name}`],
    [
      'information_schema.columns',
      `column_name = 'c' AND table_name = 't'`,
      'information_schema.columns',
      `table_schema = ${name}`,
    ],
    [
      'information_schema.table_constraints',
      `constraint_name = 'c_check'`,
      'information_schema.table_constraints',
      `constraint_schema = ${name}`,
    ],
    ['information_schema.routines', `routine_name = 'f'`, 'information_schema.routines', `routine_schema = ${name}`],
    ['information_schema.triggers', `trigger_name = 'g'`, 'information_schema.triggers', `trigger_schema = ${name}`],
  ])('%s WHERE %s', (relation, condition, full, limit) => {
    const bare = relation.split('.').at(-1)
    for (const [before, after] of [
      ['', ` AS ${bare}`],
      [' AS x', ' AS x'],
      [' x', ' x'],
    ]) {
      const query = (from: string): string => `SELECT 1 FROM ${from} WHERE ${condition}`
      const adapted = adaptText(query(relation + before), { with: own, schema })
      expect(adapted.text).toBe(query(`(SELECT * FROM ${full} WHERE ${limit})${after}`))
      expect(adapted.problems).toEqual([])
      expect(adapted.notices).toEqual([])
    }
  })

  test('in a DO body, dollar-quoted and single-quoted', () => {
    const guard = `BEGIN IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = 'c_check') THEN ALTER TABLE t ADD CHECK (true); END IF; END`
    const scoped = (q: string): string =>
      `FROM (SELECT * FROM pg_catalog.pg_constraint WHERE connamespace = ${q}"t'1"${q}::pg_catalog.regnamespace) AS pg_constraint`
    const dollar = adaptText(`DO $$ ${guard} $$`, { with: own, schema: "t'1" })
    expect(dollar.text).toContain(scoped("'").replace("t'1", "t''1"))
    const single = adaptText(`DO '${guard.replaceAll("'", "''")}'`, { with: own, schema: "t'1" })
    expect(single.text).toContain(scoped("''").replace("t'1", "t''''1"))
    expect([...dollar.problems, ...single.problems]).toEqual([])
  })

  test('joined: each relation whose name is asked for', () => {
    const text = `SELECT FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid WHERE r.relname = 't' AND c.conname = 'c_check'`
    const adapted = adaptText(text, { with: own })
    expect(adapted.text).toContain(
      `FROM (SELECT * FROM pg_catalog.pg_constraint WHERE connamespace = '"t_1"'::pg_catalog.regnamespace) c JOIN`,
    )
    expect(adapted.text).toContain(
      `(SELECT * FROM pg_catalog.pg_class WHERE relnamespace = '"t_1"'::pg_catalog.regnamespace) r ON`,
    )
  })

  test('a condition that only leaves schemas out does not scope it', () => {
    const text = `SELECT FROM pg_tables WHERE tablename = 't' AND schemaname NOT IN ('pg_catalog', 'information_schema')`
    expect(adaptText(text, { with: own }).text).toContain(`WHERE schemaname = 't_1') AS pg_tables WHERE`)
  })

  test('inside a change of the catalog', () => {
    const text = `DELETE FROM pg_enum WHERE enumlabel = 'a' AND enumtypid = (SELECT oid FROM pg_type WHERE typname = 'e')`
    const adapted = adaptText(text, { with: own })
    expect(adapted.text).toContain(
      `DELETE FROM pg_enum WHERE enumlabel = 'a' AND enumtypid = (SELECT oid FROM (SELECT *`,
    )
    expect(adapted.rules).toEqual([])
  })

  test('in a subquery of its own', () => {
    const text = `DELETE FROM t WHERE EXISTS (SELECT FROM pg_class WHERE relname = 't') AND c = 'pg_class'`
    expect(adaptText(text, { with: own }).text).toContain('FROM (SELECT * FROM pg_catalog.pg_class WHERE')
  })
})

describe('left alone, and nothing to say', () => {
  test.each([
    `SELECT FROM pg_constraint WHERE conname = 'c_check' AND conrelid = 't'::regclass`,
    `SELECT FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'c'`,
    `SELECT FROM pg_class WHERE relname = 't' AND relnamespace = current_schema()::regnamespace`,
    `SELECT FROM pg_class WHERE relname = 't' AND pg_table_is_visible(oid)`,
    `SELECT FROM pg_tables WHERE tablename = 't' AND schemaname = current_schema()`,
    `SELECT FROM information_schema.tables WHERE table_schema = 'other' AND table_name = 't'`,
    `SELECT FROM pg_extension WHERE extname = 't'`,
    `SELECT FROM pg_roles WHERE rolname = 't'`,
    `SELECT FROM pg_class WHERE relname = 'shared_table'`,
    `SELECT pg_class.relname FROM t AS pg_class`,
    `SELECT FROM t WHERE c = 'pg_constraint'`,
  ])('%s', (text) => {
    const adapted = adaptText(text, { with: own })
    expect(adapted.text).toBe(text)
    expect(adapted.rules).toEqual([])
  })
})

describe('not certain: said, with line and hint', () => {
  test.each([
    `DO $$ DECLARE x text := 't'; BEGIN PERFORM 1 FROM pg_class WHERE relname = x; END $$`,
    `SELECT FROM pg_class WHERE relname LIKE 't%'`,
    `UPDATE pg_enum SET enumlabel = 'z' WHERE enumlabel = 'a'`,
    `DELETE FROM pg_catalog.pg_enum e WHERE e.enumlabel = 'a'`,
    `SELECT FROM pg_class WHERE relname IN ('t', 'shared_table')`,
    `SELECT tableoid FROM pg_class WHERE relname = 't' AND tableoid > 0`.replace('tableoid FROM', '1 FROM'),
    `DO $$ DECLARE r record; BEGIN FOR r IN SELECT tablename FROM pg_tables LOOP NULL; END LOOP; END $$`,
  ])('%s', (text) => {
    const adapted = adaptText(text, { with: own })
    expect(adapted.text).toBe(text)
    expect(adapted.notices).toMatchObject([
      { rule: 'unscoped-lookup', line: 1, hint: expect.stringContaining('current_schema()') },
    ])
  })
})
