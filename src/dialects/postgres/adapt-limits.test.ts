import { beforeAll, describe, expect, test } from 'vitest'
import { adaptText } from '../../../test/fixtures/adapt/adapt-text.ts'
import { loadParser } from './parse.ts'

beforeAll(loadParser)

describe('what cannot run once per schema', () => {
  test.each([
    'CREATE EVENT TRIGGER x ON ddl_command_end EXECUTE FUNCTION f()',
    'CREATE ROLE app',
    'CREATE USER app',
    `CREATE TABLESPACE x LOCATION '/x'`,
    'CREATE DATABASE x',
    'CREATE PUBLICATION x FOR ALL TABLES',
    `CREATE SUBSCRIPTION x CONNECTION 'x' PUBLICATION y`,
    'CREATE FOREIGN DATA WRAPPER x',
    'CREATE SERVER x FOREIGN DATA WRAPPER y',
    'CREATE LANGUAGE plperl',
    'CREATE CAST (text AS int) WITH INOUT',
    'CREATE SCHEMA audit',
    'CREATE TABLE audit.log (id int)',
    'CREATE INDEX ON audit.log (id)',
    'CREATE FUNCTION audit.f() RETURNS int RETURN 1',
    `CREATE TYPE audit.e AS ENUM ('a')`,
    'ALTER TABLE audit.log ADD COLUMN x int',
    'ALTER TABLE t SET SCHEMA audit',
    'ALTER DATABASE app SET timezone = utc',
    'ALTER DATABASE app CONNECTION LIMIT 5',
    `ALTER SYSTEM SET work_mem = '1MB'`,
    'ALTER SCHEMA public RENAME TO old',
    'DROP SCHEMA public CASCADE',
    'DROP SCHEMA IF EXISTS public CASCADE',
    'DROP SCHEMA audit',
    'DROP PUBLICATION x',
    'DROP ROLE app',
    'DROP OWNED BY app',
    'REASSIGN OWNED BY app TO other',
  ])('%s', (text) => {
    const adapted = adaptText(`SELECT 1;\n  ${text}`)
    expect(adapted.text).toBe(`SELECT 1;\n  ${text}`)
    expect(adapted.problems).toMatchObject([{ rule: 'not-per-schema', line: 2, column: 3, hint: expect.any(String) }])
    expect(adapted.problems[0]?.message).toMatch(/^\S.* cannot run once per schema: \S/)
    const alone = adaptText(text, { targetsPerDatabase: 1 })
    expect(alone.rules).toEqual(['not-per-schema'])
  })

  test('DROP SCHEMA public in a body', () => {
    const text = 'DO $$ BEGIN DROP SCHEMA IF EXISTS public CASCADE; END $$'
    expect(adaptText(text)).toMatchObject({ text, rules: ['not-per-schema!'] })
  })

  test.each([
    'CREATE SCHEMA IF NOT EXISTS public',
    'DO $$ BEGIN CREATE ROLE app; EXCEPTION WHEN duplicate_object THEN NULL; END $$',
    'CREATE SERVER IF NOT EXISTS x FOREIGN DATA WRAPPER y',
    'DROP ROLE IF EXISTS app',
    'DROP PUBLICATION IF EXISTS x',
    'CREATE TABLE IF NOT EXISTS audit.log (id int)',
    'CREATE INDEX IF NOT EXISTS i ON audit.log (id)',
    'CREATE OR REPLACE VIEW audit.v AS SELECT 1',
    'CREATE OR REPLACE FUNCTION audit.f() RETURNS int RETURN 1',
    'ALTER TABLE audit.log ADD COLUMN IF NOT EXISTS x int',
    'CREATE TEMP TABLE x (); CREATE TABLE pg_temp.y ()',
    'CREATE TYPE e AS (a int); CREATE CAST (e AS text) WITH INOUT',
  ])('can: %s', (text) => {
    expect(adaptText(text).rules).toEqual([])
  })

  test('a schema of their own that can be made again, and a role that is changed, are only said', () => {
    expect(adaptText('CREATE SCHEMA IF NOT EXISTS audit').rules).toEqual(['own-schema'])
    expect(adaptText('ALTER ROLE app NOLOGIN').rules).toEqual(['shared-role'])
  })
})

describe('extensions', () => {
  test.each([
    [
      'CREATE EXTENSION "uuid-ossp"',
      'CREATE EXTENSION IF NOT EXISTS "uuid-ossp" SCHEMA "Sh""ared"',
      'uuid-ossp',
      null,
      null,
    ],
    [
      'CREATE EXTENSION IF NOT EXISTS citext',
      'CREATE EXTENSION IF NOT EXISTS citext SCHEMA "Sh""ared"',
      'citext',
      null,
      null,
    ],
    [
      `CREATE EXTENSION citext WITH SCHEMA public VERSION '1.6' CASCADE`,
      `CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA "Sh""ared" VERSION '1.6' CASCADE`,
      'citext',
      null,
      '1.6',
    ],
    [
      'CREATE EXTENSION /* a */ citext VERSION "1.6" -- b',
      'CREATE EXTENSION IF NOT EXISTS /* a */ citext SCHEMA "Sh""ared" VERSION "1.6" -- b',
      'citext',
      null,
      '1.6',
    ],
    [
      'CREATE EXTENSION IF NOT EXISTS plpgsql WITH SCHEMA pg_catalog',
      'CREATE EXTENSION IF NOT EXISTS plpgsql WITH SCHEMA pg_catalog',
      'plpgsql',
      'pg_catalog',
      null,
    ],
    [
      `DO 'BEGIN CREATE EXTENSION citext; END'`,
      `DO 'BEGIN CREATE EXTENSION IF NOT EXISTS citext SCHEMA "Sh""ared"; END'`,
      'citext',
      null,
      null,
    ],
  ])('%s', (before, after, name, schema, version) => {
    const adapted = adaptText(before, { sharedSchema: 'Sh"ared' })
    expect(adapted.text).toBe(after)
    expect(adapted.extensions).toEqual([{ name, schema, version }])
    expect(adapted.edits.every((edit) => edit.kind === 'extension')).toBe(true)
    expect(adapted.problems).toEqual([])
  })

  test('DROP EXTENSION is left out, lines kept', () => {
    const adapted = adaptText('SELECT 1;\nDROP EXTENSION\n  citext;\nSELECT 2')
    expect(adapted.text.replaceAll(/ +/g, ' ')).toBe('SELECT 1;\n \n ;\nSELECT 2')
    expect(adapted.edits).toMatchObject([{ kind: 'blank' }])
    expect(adapted.notices).toMatchObject([{ rule: 'shared-extension', line: 2 }])
  })

  test.each([
    'ALTER EXTENSION citext UPDATE',
    `COMMENT ON EXTENSION citext IS 'x'`,
    'ALTER EXTENSION citext SET SCHEMA public',
  ])('%s is said', (text) => {
    const adapted = adaptText(text)
    expect(adapted.text).toBe(text)
    expect(adapted.rules).toEqual(['shared-extension'])
  })
})
