import { describe, expect, test } from 'vitest'
import type { CompileOptions } from '../../model/dialect.ts'
import type { Body, Migration } from '../../model/migration.ts'
import type { Script, Segment } from '../../model/script.ts'
import { compileMigrations } from './compile.ts'

const database: CompileOptions = { schemaTargets: false, targetsPerDatabase: 1, sharedSchema: 'public' }
const schemas: CompileOptions = { schemaTargets: true, targetsPerDatabase: 5, sharedSchema: 'public' }

function migration(up: string, change: Partial<Migration> = {}): Migration {
  const body: Body = { kind: 'sql', text: up, file: 'migrations/001_x.sql' }
  return {
    id: '001_x',
    number: '001',
    checksum: '',
    otherChecksums: [],
    description: null,
    keys: [],
    up: body,
    down: null,
    transaction: 'auto',
    ...change,
  }
}

function compile(sql: string, options = database, change: Partial<Migration> = {}): Promise<Script> {
  const one = migration(sql, change)
  return compileMigrations([one], options).up(one)
}

/** `T` transaction, `A` autocommit, `X` exclusive, `U` unparsed; settings in braces. */
function outline(script: Script, schema: string | null = null): string[] {
  const letter = ({ kind, exclusive }: Segment) => (exclusive ? 'X' : kind.charAt(0).toUpperCase())
  return script.segments.map((segment) => {
    const settings = segment.settings.map((setting) => `{${setting.text(schema)}} `).join('')
    return `${letter(segment)}: ${settings}${segment.statements.map((statement) => statement.text(schema)).join('; ')}`
  })
}

const rules = (notices: Script['notices']) => notices.map(({ rule }) => rule)

describe('one transaction', () => {
  test.each([
    ['SELECT 1; SELECT 2', ['T: SELECT 1; SELECT 2']],
    ['BEGIN;\nSELECT 1;\nCOMMIT;\n', ['T: SELECT 1']],
    ['start transaction; SELECT 1; end', ['T: SELECT 1']],
    [
      'SET a.b = 1; BEGIN; SELECT 1; COMMIT; RESET a.b;',
      ['T: SET LOCAL a.b = 1; SELECT 1; SET LOCAL "a"."b" TO DEFAULT'],
    ],
    ['SELECT 1; COMMIT;', ['T: SELECT 1']],
    ['BEGIN; SAVEPOINT a; SELECT 1; ROLLBACK TO a; COMMIT', ['T: SAVEPOINT a; SELECT 1; ROLLBACK TO a']],
    ['CALL p()', ['T: CALL p()']],
    ['', ['T: ']],
    [' \r\n', ['T: ']],
    ['-- nothing\n/* here /* at all */ */', ['T: ']],
    [';;', ['T: ']],
    ['BEGIN; COMMIT;', ['T: ']],
  ])('%j', async (sql, expected) => {
    const script = await compile(sql)
    expect(outline(script)).toEqual(expected)
    expect(script.mode).toBe('transaction')
    expect(script.problems).toEqual([])
    expect(script.notices).toEqual([])
  })

  test('says why', async () => {
    expect((await compile('SELECT 1; SELECT 2')).reason).toBe(
      'one transaction: all 2 statements can run in a transaction block',
    )
    expect((await compile('')).reason).toBe('one transaction: the file has no statements')
  })

  test('a BEGIN without COMMIT is committed, and said', async () => {
    const script = await compile('BEGIN; SELECT 1')
    expect(outline(script)).toEqual(['T: SELECT 1'])
    expect(rules(script.notices)).toEqual(['open-transaction'])
  })

  test('an isolation level cannot be kept, and that is said', async () => {
    for (const sql of [
      'BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT 1; COMMIT',
      'BEGIN; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1; COMMIT',
    ]) {
      const script = await compile(sql)
      expect(outline(script)).toEqual(['T: SELECT 1'])
      expect(rules(script.notices)).toEqual(['isolation-level'])
    }
    const usual = await compile('BEGIN ISOLATION LEVEL READ COMMITTED; SET TRANSACTION READ WRITE; SELECT 1; COMMIT')
    expect(outline(usual)).toEqual(['T: SET TRANSACTION READ WRITE; SELECT 1'])
    expect(usual.notices).toEqual([])
  })
})

describe('steps', () => {
  test.each([
    [
      'SELECT 1; CREATE INDEX CONCURRENTLY i ON t (a); SELECT 2; SELECT 3',
      ['T: SELECT 1', 'X: CREATE INDEX CONCURRENTLY i ON t (a)', 'T: SELECT 2', 'T: SELECT 3'],
      'statement by statement: CREATE INDEX CONCURRENTLY (line 1) cannot run in a transaction block',
    ],
    [
      'REINDEX TABLE t',
      ['A: REINDEX TABLE t'],
      'REINDEX TABLE (line 1) cannot run in a transaction block if the table is',
    ],
    [
      'BEGIN; SELECT 1; SELECT 2; COMMIT; BEGIN; SELECT 3; COMMIT',
      ['T: SELECT 1; SELECT 2', 'T: SELECT 3'],
      'in 2 trans',
    ],
    ['SELECT 0; BEGIN; SELECT 1; COMMIT; SELECT 2', ['T: SELECT 0', 'T: SELECT 1', 'T: SELECT 2'], 'in 3 transactions'],
    [
      'SELECT 1; SELECT 2; COMMIT; SELECT 3; SELECT 4',
      ['T: SELECT 1; SELECT 2', 'T: SELECT 3; SELECT 4'],
      'COMMIT (line 1)',
    ],
    [
      'SELECT 1; COMMIT; VACUUM t; SELECT 2; SELECT 3; BEGIN; SELECT 4; COMMIT',
      ['T: SELECT 1', 'A: VACUUM t', 'T: SELECT 2; SELECT 3', 'T: SELECT 4'],
      'in 4 steps: VACUUM (line 1)',
    ],
    ['BEGIN; SELECT 1; COMMIT AND CHAIN; SELECT 2; COMMIT', ['T: SELECT 1', 'T: SELECT 2'], 'in 2 transactions'],
    ['BEGIN; BEGIN; SELECT 1; COMMIT; SELECT 2; COMMIT', ['T: SELECT 1', 'T: SELECT 2'], 'in 2 transactions'],
    [
      'DO $$ BEGIN COMMIT; END $$; SELECT 1',
      ['A: DO $$ BEGIN COMMIT; END $$', 'T: SELECT 1'],
      'DO (line 1) commits by itself',
    ],
  ])('%s', async (sql, expected, reason) => {
    const script = await compile(sql)
    expect(outline(script)).toEqual(expected)
    expect(script.mode).toBe('steps')
    expect(script.reason).toContain(reason)
    expect(script.statementCount).toBe(script.segments.flatMap((segment) => segment.statements).length)
    expect(script.problems).toEqual([])
  })

  test('what a file rolls back is rolled back', async () => {
    const script = await compile('BEGIN; SELECT 1; ROLLBACK; SELECT 2')
    expect(outline(script)).toEqual([
      'T: SAVEPOINT tenantry_rollback; SELECT 1; ROLLBACK TO SAVEPOINT tenantry_rollback',
      'T: SELECT 2',
    ])
    expect(rules(script.notices)).toEqual(['rolled-back'])
  })

  test.each([
    ['BEGIN; CREATE INDEX CONCURRENTLY i ON t (a); COMMIT', 'refused-in-block'],
    ['BEGIN; DO $$ BEGIN COMMIT; END $$; COMMIT', 'refused-in-block'],
    ["BEGIN; SELECT 1; PREPARE TRANSACTION 'x'", 'prepared-transaction'],
  ])('%s can never run', async (sql, rule) => {
    expect(rules((await compile(sql)).problems)).toEqual([rule])
  })

  test.each([
    '-- tenantry:no-transaction\n%',
    '/* x */\n--tenantry:no-transaction because of CALL\n%',
    'SELECT 0;\n-- tenantry:no-transaction\n%',
    '% -- tenantry:no-transaction',
  ])('directive in %j', async (frame) => {
    const script = await compile(frame.replace('%', 'CALL p(); SELECT 1; BEGIN; SELECT 2; SELECT 3; COMMIT; SELECT 4'))
    expect(outline(script).slice(-4)).toEqual([
      'A: CALL p()',
      'T: SELECT 1',
      'T: SELECT 2; SELECT 3',
      expect.stringMatching(/^T: SELECT 4/),
    ])
    expect(script.reason).toBe('statement by statement: the file asks for no transaction')
  })

  test.each([
    "SELECT '\n-- tenantry:no-transaction\n'",
    '/*\n-- tenantry:no-transaction\n*/ SELECT 1',
    'SELECT 1\n-- tenantry:no-transaction\n, 2',
  ])('no directive in %j', async (sql) => {
    expect((await compile(sql)).mode).toBe('transaction')
  })

  test('asked for by the migration', async () => {
    expect((await compile('SELECT 1; SELECT 2', database, { transaction: 'never' })).segments).toHaveLength(2)
  })
})

describe('enum labels', () => {
  const added = "ALTER TYPE s ADD VALUE 'x'"

  test('are committed before they are used', async () => {
    const script = await compile(`BEGIN;\nSELECT 1;\n${added};\nSELECT 2;\nINSERT INTO t VALUES ('x');\nCOMMIT;`)
    expect(outline(script)).toEqual(['T: SELECT 1', `T: ${added}`, "T: SELECT 2; INSERT INTO t VALUES ('x')"])
    expect(script.reason).toContain("enum label 'x' is added in line 3 and used in line 5")
  })

  test.each([
    `${added}; ALTER TABLE t ALTER c SET DEFAULT 'x'`,
    `${added}; CREATE TABLE t (c s CHECK (c <> 'x'))`,
    `${added}; CREATE VIEW v AS SELECT 'x'::s`,
    `${added}; CREATE FUNCTION f() RETURNS s LANGUAGE sql AS $$ SELECT 'x'::s $$`,
    `${added}; DO $$ BEGIN INSERT INTO t VALUES ('x'); END $$`,
  ])('are used in %s', async (sql) => {
    expect((await compile(sql)).segments).toHaveLength(2)
  })

  test.each([
    `${added}; INSERT INTO t VALUES ('y')`,
    `${added}; SELECT * FROM t WHERE c::text = 'x'::text`,
    `${added}; CREATE FUNCTION f() RETURNS s LANGUAGE plpgsql AS $$ BEGIN RETURN 'x'; END $$`,
    `CREATE TYPE s AS ENUM ('a'); ${added}; INSERT INTO t VALUES ('x')`,
    "ALTER TYPE s RENAME VALUE 'a' TO 'x'; INSERT INTO t VALUES ('x')",
    `INSERT INTO t VALUES ('x'); ${added}`,
  ])('are not in the way in %s', async (sql) => {
    expect((await compile(sql)).mode).toBe('transaction')
  })
})

describe('session settings', () => {
  test.each([
    ['SET x.y = 1', 'SET LOCAL x.y = 1'],
    ['set/**/x.y = 1', 'set LOCAL/**/x.y = 1'],
    ['SET SESSION x.y TO 1', 'SET LOCAL x.y TO 1'],
    ['SET session.tenant = 1', 'SET LOCAL session.tenant = 1'],
    ['SET LOCAL x.y = 1', 'SET LOCAL x.y = 1'],
    ['SET ROLE bob', 'SET LOCAL ROLE bob'],
    ['SET SESSION AUTHORIZATION bob', 'SET LOCAL SESSION AUTHORIZATION bob'],
    ['SET SESSION SESSION AUTHORIZATION bob', 'SET LOCAL SESSION AUTHORIZATION bob'],
    ["SET TIME ZONE 'UTC'", "SET LOCAL TIME ZONE 'UTC'"],
    ["SET SESSION TIME ZONE 'UTC'", "SET LOCAL TIME ZONE 'UTC'"],
    ["SET search_path = ''", "SET LOCAL search_path = ''"],
    ['RESET search_path', 'SET LOCAL "search_path" TO DEFAULT'],
    ['RESET ROLE', 'SET LOCAL "role" TO DEFAULT'],
    ['SET TRANSACTION READ WRITE', 'SET TRANSACTION READ WRITE'],
    ['SET CONSTRAINTS ALL DEFERRED', 'SET CONSTRAINTS ALL DEFERRED'],
  ])('%s', async (sql, expected) => {
    expect(outline(await compile(sql))).toEqual([`T: ${expected}`])
  })

  test('RESET ALL undoes what the file has set', async () => {
    const script = await compile('SET a.b = 1; SET ROLE r; SET c.d = 2; RESET c.d; RESET ALL')
    expect(script.segments[0]?.statements.at(-1)?.text(null)).toBe('DO \'BEGIN SET LOCAL "a"."b" TO DEFAULT; END\'')
  })

  test('RESET ALL: no name of a schema ends the block that it is written into', async () => {
    const script = await compile("SET search_path = ''; RESET ALL", schemas)
    const text = script.segments[0]?.statements.at(-1)?.text(`a$tenantry_reset$'"b`)
    expect(text).toBe(`DO 'BEGIN SET LOCAL search_path TO "a$tenantry_reset$''""b", "public"; END'`)
  })

  test('hold for the steps that follow', async () => {
    const script = await compile(
      "SET ROLE r; SET lock_timeout = '1s'; CREATE INDEX CONCURRENTLY i ON t (a); RESET ROLE; SET LOCAL a.b = 1; VACUUM; SELECT 1",
    )
    expect(outline(script)).toEqual([
      'T: SET LOCAL ROLE r',
      "T: {SET LOCAL ROLE r} SET LOCAL lock_timeout = '1s'",
      'X: {SET ROLE r} CREATE INDEX CONCURRENTLY i ON t (a)',
      `T: {SET LOCAL ROLE r} {SET LOCAL lock_timeout = '1s'} SET LOCAL "role" TO DEFAULT`,
      "T: {SET LOCAL lock_timeout = '1s'} SET LOCAL a.b = 1",
      "A: {SET lock_timeout = '1s'} VACUUM",
      "T: {SET LOCAL lock_timeout = '1s'} SELECT 1",
    ])
    expect(rules(script.notices)).toEqual(['lock-timeout-not-kept'])
    expect(script).toMatchObject({ changesRole: true, leavesSession: true, statementCount: 7 })
  })

  test('made in what is rolled back hold no longer', async () => {
    const script = await compile('BEGIN; SET a.b = 1; ROLLBACK; VACUUM')
    expect(script.segments[1]?.settings).toEqual([])
  })

  test('in a schema, the default search path is that of the target', async () => {
    const script = await compile('RESET search_path; VACUUM; SET search_path TO DEFAULT', schemas)
    expect(outline(script, 'a"b')).toEqual([
      'T: SET LOCAL search_path TO "a""b", "public"',
      'A: VACUUM',
      'T: SET LOCAL search_path TO "a""b", "public"',
    ])
  })

  test.each([
    ['SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY', 'session-characteristics'],
    ["SET client_encoding = 'LATIN1'", 'client-encoding'],
  ])('%s is left out', async (sql, rule) => {
    const script = await compile(`${sql}; SELECT 1`)
    expect(outline(script)).toEqual(['T: SELECT 1'])
    expect(rules(script.notices)).toEqual([rule])
  })

  test.each([
    ['SELECT 1', false, false],
    ['SET a.b = 1', false, false],
    ['RESET ALL', true, false],
    ['DISCARD TEMP', true, false],
    ["SELECT pg_catalog.set_config('search_path', '', false)", true, false],
    ["SELECT set_config('a.b', '', true)", false, false],
    ["INSERT INTO t SELECT set_config('role', 'r', true)", false, true],
    ['SET LOCAL ROLE r', false, true],
    ['DO $$ BEGIN SET a.b = 1; END $$', true, false],
    ['DO $$ BEGIN SET LOCAL a.b = 1; UPDATE t SET a = 1; END $$', false, false],
    ["DO $$ BEGIN EXECUTE 'SET SESSION ROLE r'; END $$", true, true],
    [
      "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('a.b', f(1), false); END $$",
      true,
      false,
    ],
    [
      "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('a.b', f(1), true); END $$",
      false,
      false,
    ],
    ['CREATE FUNCTION f() RETURNS int LANGUAGE sql SET search_path = public AS $$ SELECT 1 $$', false, false],
    ['CREATE TEMP TABLE x (a int)', true, false],
    ['CREATE TEMP TABLE x (a int) ON COMMIT DROP', false, false],
    ['SELECT pg_advisory_lock(1)', true, false],
    ['SELECT pg_advisory_xact_lock(1)', false, false],
  ])('%s leaves the session: %s, changes the role: %s', async (sql, leavesSession, changesRole) => {
    expect(await compile(sql)).toMatchObject({ leavesSession, changesRole })
  })
})

describe('schemas', () => {
  test('names move, and places are those of the file', async () => {
    const sql = "CREATE TABLE public.a (i int);\n-- é😀\nSELECT '😀', public.a.i FROM\n public.a, public.shared;"
    const script = await compile(sql, schemas)
    const statement = script.segments[0]?.statements[1]
    const text = statement?.text("we'ird") ?? ''
    expect(text).toBe(`SELECT '😀', "we'ird".a.i FROM\n "we'ird".a, public.shared`)
    const position = [...text.slice(0, text.indexOf('shared'))].length + 1
    expect(statement?.locate("we'ird", position)).toEqual({ line: 4, column: 19 })
    expect(statement?.locate("we'ird", [...text.slice(0, text.indexOf('FROM'))].length + 1)).toEqual({
      line: 3,
      column: 24,
    })
    expect(statement?.locate("we'ird")).toEqual({ line: 3, column: 1 })
  })

  test('one file that does not parse makes names in "public" uncertain in the others', async () => {
    const broken = migration('CREATE TABEL a (i int)')
    const named = migration('SELECT * FROM public.a')
    const plain = migration('SELECT 1 -- public.a')
    const book = compileMigrations([broken, named, plain], schemas)
    expect(rules((await book.up(named)).problems)).toEqual(['own-objects-unknown'])
    expect((await book.up(plain)).problems).toEqual([])
  })

  test('own objects are those of all the set, for undo bodies too', async () => {
    const made = migration('CREATE TABLE a (i int)', {
      down: { kind: 'sql', text: 'DROP TABLE public.b', file: 'rollbacks/001_x.sql' },
    })
    const later = migration('CREATE TABLE public.b (i int)')
    const book = compileMigrations([made, later], schemas)
    const script = await book.down(made)
    expect(script && outline(script, 's')).toEqual(['T: DROP TABLE "s".b'])
    expect(script?.destructive).toEqual([{ kind: 'drop-table', schema: null, object: 'b', column: null, statement: 1 }])
    expect(script?.file).toBe('rollbacks/001_x.sql')
    expect(await book.down(later)).toBeNull()
  })

  test('extensions are handed over, not run', async () => {
    const script = await compile('CREATE EXTENSION citext', schemas)
    expect(script.extensions.map(({ name }) => name)).toEqual(['citext'])
    expect((await compile('CREATE EXTENSION citext')).extensions).toEqual([])
  })
})

describe('files that do not parse', () => {
  test('are one message', async () => {
    const script = await compile('SELECT 1;\nSELEKT 2;')
    expect(outline(script)).toEqual(['U: SELECT 1;\nSELEKT 2;'])
    expect(script).toMatchObject({ mode: 'steps', statementCount: 1, leavesSession: true, problems: [] })
    expect(script.notices).toMatchObject([{ rule: 'does-not-parse', line: 2, column: 1, file: 'migrations/001_x.sql' }])
    expect(script.segments[0]?.statements[0]?.locate(null, 11)).toEqual({ line: 2, column: 1 })
  })

  test.each([
    ['SELEKT 1 FROM public.a', ['does-not-parse']],
    ['SELEKT 1 FROM "public" . a', ['does-not-parse']],
    ['CREATE EXTENSION citext; SELEKT 1', ['does-not-parse']],
    ['SELEKT 1 -- public.a', []],
  ])('in schemas: %s', async (sql, expected) => {
    expect(rules((await compile(sql, schemas)).problems)).toEqual(expected)
  })

  test('a NUL character would cut the file', async () => {
    expect(rules((await compile('SELECT 1;\n\0 DROP TABLE a')).problems)).toEqual(['nul-character'])
  })
})

test('prefixes are told apart by their texts', async () => {
  const one = await compile('SELECT 1; SELECT 2; VACUUM')
  const other = await compile('-- comment\nSELECT 1;\n\nSELECT 2  ; VACUUM t')
  expect(one.prefixHash(2)).toBe(other.prefixHash(2))
  expect(one.prefixHash(3)).not.toBe(other.prefixHash(3))
  expect(one.prefixHash(0)).not.toBe(one.prefixHash(1))
  expect((await compile('SELECT 12; SELECT 3')).prefixHash(2)).not.toBe(
    (await compile('SELECT 1; SELECT 23')).prefixHash(2),
  )
})

test('a body is compiled once, and code has no script', async () => {
  const one = migration('SELECT 1')
  const book = compileMigrations([one], database)
  expect(await book.up(one)).toBe(await book.up(one))
  const code = migration('', {
    up: { kind: 'code', file: 'x.js', load: () => Promise.reject(new Error('not asked for')) },
  })
  await expect(book.up(code)).rejects.toMatchObject({ code: 'INTERNAL' })
})

test('a byte order mark is no statement', async () => {
  expect(outline(await compile('\uFEFFSELECT 1'))).toEqual(['T: SELECT 1'])
})
