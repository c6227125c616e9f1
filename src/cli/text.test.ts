import { expect, test } from 'vitest'
import { chooseColors, formatDuration, listSome, quoteWord, redact, showControls, table } from './text.ts'

test.each([
  [0, '0 ms'],
  [999.4, '999 ms'],
  [1000, '1.0 s'],
  [59_949, '59.9 s'],
  [59_960, '1 min 00 s'],
  [125_000, '2 min 05 s'],
  [3_720_000, '1 h 02 min'],
])('%d ms is %s', (durationMs, expected) => {
  expect(formatDuration(durationMs)).toBe(expected)
})

test.each<[boolean, boolean, NodeJS.ProcessEnv, boolean]>([
  [true, true, {}, true],
  [false, true, {}, false],
  [true, false, {}, false],
  [true, true, { NO_COLOR: '1' }, false],
  [true, true, { NO_COLOR: '' }, true],
  [true, true, { TERM: 'dumb' }, false],
  [false, true, { FORCE_COLOR: '1' }, true],
  [false, false, { FORCE_COLOR: '1' }, false],
  [false, true, { CI: '1' }, false],
])('terminal %s, wanted %s, %j: colors %s', (isTty, wanted, env, expected) => {
  expect(chooseColors(isTty, wanted, env).isColorSupported).toBe(expected)
})

test('lists a few and counts the rest', () => {
  expect(listSome(['a', 'b', 'c'], 2)).toBe('a, b, c')
  expect(listSome(['a', 'b', 'c', 'd'], 2)).toBe('a, b and 2 more')
})

test('quotes what a shell would take apart', () => {
  expect(quoteWord('main/app/t_1')).toBe('main/app/t_1')
  expect(quoteWord('it\'s "a" $x')).toBe(`'it'\\''s "a" $x'`)
  expect(quoteWord('')).toBe("''")
})

test.each([
  ['postgres://me:hunter2@db:5432/x', 'postgres://me:[secret]@db:5432/x'],
  ['at postgres://me:p:w@h and mysql://u:x@h', 'at postgres://me:[secret]@h and mysql://u:[secret]@h'],
  ["host=h password='a b' user=u", 'host=h password=[secret] user=u'],
  ['PGPASSWORD=abc pg_dump', 'PGPASSWORD=[secret] pg_dump'],
  ['http://localhost:80/a', 'http://localhost:80/a'],
])('redacts %s', (text, expected) => {
  expect(redact(text)).toBe(expected)
})

test('shows control characters, keeps newlines and other values', () => {
  expect(showControls({ a: ['x\u001b[2J\ny\r\n'], n: 1, z: null })).toEqual({ a: ['x\\u001b[2J\ny\n'], n: 1, z: null })
})

test('aligns columns by characters', () => {
  expect(
    table(
      [
        ['🐘', '1', 'x'],
        ['ab', '10', ''],
      ],
      [1],
    ),
  ).toEqual(['🐘    1  x', 'ab  10'])
})
