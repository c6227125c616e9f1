import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { compileMigrations } from './compile.ts'
import { gapsOf } from './directives.ts'
import { outlineSql } from './outline.ts'
import { loadParser, parseSql } from './parse.ts'

beforeAll(loadParser)

const statements = [
  'SELECT 1',
  "SELECT 'a;b''c;' AS \"x;y\"",
  "SELECT E'it\\'s; \\\\'",
  'SELECT $$a;b$$, $tag$ $$;$$ ; $tag$',
  'SELECT $é$;$é$, 1 AS a$b$',
  'SELECT /* a; /* nested; */ b; */ 1',
  'SELECT 1 -- c; d\n + 2',
  "SELECT '😀;é'",
  "SELECT U&'d\\0061t;a'",
  'CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END',
  "CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS $fn$\nBEGIN\n  IF 'x;' = $1 THEN RETURN NULL; END IF;\nEND\n$fn$",
  "DO 'BEGIN PERFORM ''a;''; END'",
  'CREATE RULE r AS ON INSERT TO t DO ALSO (INSERT INTO u VALUES (1); DELETE FROM v)',
  'CREATE TABLE t (\r\n  a int\r\n)',
  'ALTER TABLE t ADD COLUMN c text',
  'CREATE PROCEDURE p() LANGUAGE sql BEGIN ATOMIC INSERT INTO t VALUES (1); END',
]
const gaps = [' ', '\n', '\r\n', ' ;; ', '/* x; /* y */ 😀 */', "-- é; $$ '\n", "\n-- tenant's\r\n", '\t']

const files = fc.record({
  parts: fc.array(fc.tuple(fc.array(fc.constantFrom(...gaps), { maxLength: 3 }), fc.constantFrom(...statements)), {
    maxLength: 8,
  }),
  tail: fc.array(fc.constantFrom(...gaps), { maxLength: 3 }),
})

test('a file is exactly its statements and the gaps between them', () => {
  fc.assert(
    fc.property(files, ({ parts, tail }) => {
      const text = parts.map(([gap, sql]) => `${gap.join('')}${sql};`).join('') + tail.join('')
      const parsed = parseSql(text)
      const slice = ({ start, end }: { start: number; end: number }) => parsed.bytes.toString('utf8', start, end)
      expect(parsed.statements.map(slice)).toEqual(parts.map(([, sql]) => sql))
      const found = gapsOf(parsed)
      expect(
        found.map((gap, i) => slice(gap) + (parsed.statements[i] ? slice(parsed.statements[i]) : '')).join(''),
      ).toBe(text)
      for (const gap of found) expect(outlineSql(slice(gap)).code).toMatch(/^[\s;]*$/)
      for (const statement of parsed.statements) {
        expect(parseSql(slice(statement)).statements.map(({ type }) => type)).toEqual([statement.type])
      }
    }),
  )
})

test('a script holds every statement once, in order, and places are true', async () => {
  const options = { schemaTargets: false, targetsPerDatabase: 1, sharedSchema: 'public' }
  await fc.assert(
    fc.asyncProperty(files, fc.boolean(), async ({ parts, tail }, steps) => {
      const text = parts.map(([gap, sql]) => `${gap.join('')}${sql};`).join('') + tail.join('')
      const migration = {
        id: 'x',
        number: null,
        checksum: '',
        otherChecksums: [],
        description: null,
        keys: [],
        up: { kind: 'sql' as const, text, file: 'x.sql' },
        down: null,
        transaction: steps ? ('never' as const) : ('auto' as const),
      }
      const script = await compileMigrations([migration], options).up(migration)
      const sent = script.segments.flatMap((segment) => segment.statements)
      expect(sent.map((statement) => statement.text(null))).toEqual(parts.map(([, sql]) => sql))
      expect(sent.map(({ index }) => index)).toEqual(parts.map((_, i) => i + 1))
      const lines = text.split('\n')
      for (const statement of sent) {
        const { line, column } = statement.locate(null)
        const rest = [[...(lines[line - 1] ?? '')].slice(column - 1).join(''), ...lines.slice(line)].join('\n')
        expect(rest.startsWith(statement.text(null))).toBe(true)
      }
    }),
    { numRuns: 50 },
  )
})

test('an outline keeps its length and hides nothing but strings, quoted names and comments', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...statements, ...gaps)), (pieces) => {
      const text = pieces.join('')
      expect(outlineSql(text).code).toHaveLength(text.length)
      expect(outlineSql(text, 'strings').code).toHaveLength(text.length)
    }),
  )
  const sql = "a 'b' \"c\" $$d$$ --e\nE'f\\'g' h$i$ /* j /* k */ */ l"
  expect(outlineSql(sql).code.replace(/ +/g, ' ')).toBe('a \n h$i$ l')
})
