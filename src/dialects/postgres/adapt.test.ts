import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { adaptText } from '../../../test/fixtures/adapt/adapt-text.ts'
import { adaptFile, breaksDollarQuotes, collectOwnObjects, verifyAdaptation } from './adapt.ts'
import { renderEdits } from './adapt-verify.ts'
import type { Edit } from './edits.ts'
import { loadParser, type ParsedSql, parseSql } from './parse.ts'
import { quoteIdentifier } from './quote.ts'

beforeAll(loadParser)

const options = { file: 'f.sql', migration: 'f', targetsPerDatabase: 2, sharedSchema: 'public' }

/** Up to 63 bytes of anything, with what is dangerous made likely; `Qz` at an end, so that no data spells it. */
const schemaName = fc
  .tuple(
    fc.array(
      fc.oneof(
        fc.constantFrom('"', "'", '\\', '%', '.', ' ', '😀', 'ü', 'a', 'B', '_', '--', '/*', '*/', ';', '$1'),
        fc.string({ unit: 'grapheme', maxLength: 3 }),
      ),
      { maxLength: 30 },
    ),
    fc.boolean(),
  )
  .map(([parts, isFirst]) => {
    const rest = [...parts.join('').replaceAll('\0', '')].reduce(
      (name, c) => (Buffer.byteLength(name + c) <= 61 ? name + c : name),
      '',
    )
    return isFirst ? `Qz${rest}` : `${rest}Qz`
  })

const own = `CREATE TABLE public.t (id serial, c text); CREATE TYPE e AS ENUM ('a'); CREATE SEQUENCE s; CREATE FUNCTION f() RETURNS int RETURN 1;`

const blank = fc.constantFrom(
  ' ',
  '\n',
  '\t',
  ' -- public.t\n',
  ' /* "public".t /* public. */ \' $$ */ ',
  ' /* 😀 */ ',
  " -- ü'\n",
)
const data = fc.constantFrom(
  "'public.t'",
  "'public'",
  "'it''s public.t 😀'",
  "E'\\'public.t\\n'",
  '$$public.t$$',
  "$ü$public.t 'x$ü$",
  "''",
  'public',
)
const moved = fc.constantFrom('public.t', '"public"."t"', 'PUBLIC . t', 'public/* x */./* public. */t')
const statement = fc.oneof(
  fc.tuple(moved, data).map(([t, d]) => ['SELECT', d === 'public' ? '1' : d, 'FROM', t]),
  fc.tuple(moved, data).map(([t, d]) => ['INSERT INTO', t, '(c) VALUES (', d === 'public' ? '1' : d, ')']),
  fc
    .tuple(moved, data)
    .map(([t, d]) => ['SELECT public.c', ',', d === 'public' ? 'public.public' : d, 'FROM', t, 'AS public']),
  moved.map((t) => [
    'ALTER TABLE',
    t,
    'ADD COLUMN',
    'x',
    'public.e',
    'DEFAULT',
    "'a'::public.e,",
    'ADD y public.citext',
  ]),
  fc.constant(['SELECT', "nextval('public.s'),", "'public.t'::regclass,", 'public.f(),', 'public.uuid_generate_v4()']),
  fc.constant(['SELECT FROM pg_tables WHERE', 'schemaname', '=', "'public'"]),
  fc.constant(['GRANT USAGE ON SCHEMA', 'public', 'TO', 'PUBLIC']),
  fc.constant(['COMMENT ON TABLE', 'public.t', 'IS', "'public.t'"]),
  moved.map((t) => ['CREATE TRIGGER g BEFORE INSERT ON', t, 'EXECUTE FUNCTION', 'public.f()']),
)
const script = (pieces: fc.Arbitrary<readonly string[]>): fc.Arbitrary<string> =>
  fc
    .tuple(pieces, fc.array(blank, { minLength: 12, maxLength: 12 }))
    .map(([words, blanks]) => words.map((word, i) => word + (blanks[i] ?? ' ')).join(''))
const sqlStatement = script(statement)
const body = fc
  .tuple(fc.array(sqlStatement, { minLength: 1, maxLength: 3 }), fc.constantFrom('$body$', "'"))
  .filter(([statements, quote]) => quote === "'" || !statements.some((text) => text.includes(quote)))
  .map(([statements, quote]) => {
    const text = ` BEGIN ${statements.map((s) => `${s};`).join('\n')} END `
    return `DO ${quote}${quote === "'" ? text.replaceAll("'", "''") : text}${quote}`
  })
const file = fc
  .array(fc.oneof(sqlStatement, body), { minLength: 1, maxLength: 6 })
  .map((statements) => statements.join(';\n'))

/** The tree without places, and with every spelling of the schema in names and texts as `public`. */
function shapeOf(sql: ParsedSql, schema: string): string {
  const spellings = [0, 1, 2, 3]
    .map((depth) => quoteIdentifier(schema).replaceAll("'", "'".repeat(2 ** depth)))
    .reverse()
  const plain = (text: string): string => {
    if (text === schema) return 'public'
    const named = spellings.reduce((result, spelling) => result.replaceAll(spelling, 'public'), text)
    return named
      .replaceAll(`'${schema.replaceAll("'", "''")}'`, "'public'")
      .replaceAll('"public"', 'public')
      .replaceAll(/public/gi, 'public')
  }
  return JSON.stringify(
    sql.statements.map(({ type, node }) => ({ type, node })),
    (key, value) => {
      if (/location$|list_start$|list_end$/.test(key)) return undefined
      return typeof value === 'string' ? plain(value) : value
    },
  )
}

describe('any mixture of comments, strings and quotes', () => {
  test('differs before and after in schema names only', () => {
    fc.assert(
      fc.property(file, schemaName, (text, schema) => {
        const adapted = adaptText(text, { with: own, schema })
        expect(adapted.problems).toEqual([])
        expect(adapted.edits.every(({ kind }) => kind === 'schema')).toBe(true)
        expect(shapeOf(parseSql(adapted.text), schema)).toBe(shapeOf(parseSql(text), 'public'))
        const comments = (sql: string): string[] => sql.match(/--.*|\/\* .*? \*\//g) ?? []
        if (!/--|\/\*|\*\//.test(schema)) expect(comments(adapted.text)).toEqual(comments(text))
      }),
      { numRuns: 300 },
    )
  })

  test('leaves no reference to an own object behind', () => {
    fc.assert(
      fc.property(file, (text) => {
        const trees = JSON.stringify(parseSql(adaptText(text, { with: own }).text).statements)
        expect(trees).not.toContain('"schemaname":"public","relname":"t"')
        expect(trees).not.toMatch(/\{"sval":"public"\}\},\{"String":\{"sval":"[ef]"\}/)
      }),
      { numRuns: 100 },
    )
  })
})

describe('fixtures', () => {
  const folder = new URL('../../../test/fixtures/adapt/', import.meta.url)
  const names = readdirSync(folder).filter((name) => name.endsWith('.sql'))

  test.each(names)('%s differs before and after in schema names only', (name) => {
    const sql = parseSql(readFileSync(new URL(name, folder), 'utf8'))
    const adaptation = adaptFile(sql, collectOwnObjects([sql]), options)
    expect(adaptation.problems).toEqual([])
    for (const schema of ['we"ird', "a'b", '😀'.repeat(15), 'order']) {
      // what is put in front of unqualified names is looked at by verifyAdaptation and on a real server
      const edits = adaptation.edits.filter(({ kind, start, end }) => kind === 'schema' && end > start)
      expect(shapeOf(parseSql(renderEdits(sql, edits, schema)), schema)).toBe(shapeOf(sql, 'public'))
      parseSql(renderEdits(sql, adaptation.edits, schema))
    }
    const lines = (text: string): number => text.split('\n').length
    expect(lines(renderEdits(sql, adaptation.edits, 't_1'))).toBe(lines(sql.text))
  })
})

describe('verification', () => {
  const edit = (sql: ParsedSql, from: string, to: Edit['parts'], kind: Edit['kind'] = 'schema'): Edit => {
    const start = sql.bytes.indexOf(from)
    return { start, end: start + Buffer.byteLength(from), parts: to, kind }
  }
  const slot = { as: 'identifier', quoteDepth: 0 } as const

  test('passes a schema name, and one put in front of a name', () => {
    const sql = parseSql('SELECT 1; DROP TABLE public.t, u')
    expect(verifyAdaptation(sql, [edit(sql, 'public', [slot])])).toBeNull()
    expect(verifyAdaptation(sql, [{ ...edit(sql, 'u', []), start: 31, end: 31, parts: [slot, '.'] }])).toBeNull()
  })

  test.each([
    ['SELECT public.c FROM x', 'x', [slot, '.y'], 'changed in more'],
    ['SELECT 1 FROM t WHERE c = 1', '= 1', ['= 2'], 'changed in more'],
    ["SELECT 'public.t'", 'public', [slot], 'zero-length'],
    ["SELECT 'data'", 'data', [{ as: 'name', quoteDepth: 1 } as const], 'changed in more'],
    ['SELECT 1', '1', ['1; SELECT 2'], 'number of statements'],
    ['SELECT 1', 'SELECT', ['SELEC'], 'syntax error'],
  ] as const)('refuses another change: %s', (text, from, to, why) => {
    const sql = parseSql(text)
    expect(verifyAdaptation(sql, [edit(sql, from, to)])).toMatch(new RegExp(why))
  })

  test('other edits may change the tree, but must parse', () => {
    const sql = parseSql('SELECT 1 FROM pg_class')
    expect(verifyAdaptation(sql, [edit(sql, 'pg_class', ['(SELECT * FROM pg_class) AS x'], 'scope')])).toBeNull()
    expect(verifyAdaptation(sql, [edit(sql, 'pg_class', ['(SELECT'], 'scope')])).toMatch(/syntax error/)
  })

  test('edits that overlap are refused', () => {
    const sql = parseSql('SELECT 1')
    expect(verifyAdaptation(sql, [edit(sql, 'SELECT', ['x']), edit(sql, 'ELECT', ['x'])])).toMatch(/overlap/)
  })
})

test('a name that would end a dollar quote is told', () => {
  const { dollarTags } = adaptText('DO $$ BEGIN DELETE FROM public.t; END $$', { with: own })
  expect(breaksDollarQuotes(dollarTags, 'a$$b')).toBe(true)
  expect(breaksDollarQuotes(dollarTags, 'a$b$c')).toBe(false)
  expect(breaksDollarQuotes([], 'a$$b')).toBe(false)
})

test('a file with nothing to adapt is not even scanned', () => {
  const sql = parseSql('CREATE TABLE t (id int); '.repeat(2000))
  const objects = collectOwnObjects([sql])
  const scanned = {
    ...sql,
    get bytes(): Buffer {
      throw new Error('it looked at the bytes')
    },
  }
  expect(adaptFile(scanned, objects, options)).toMatchObject({ edits: [], notices: [], problems: [] })
})
