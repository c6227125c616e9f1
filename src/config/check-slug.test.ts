import { describe, expect, test } from 'vitest'
import { checkSlug, showSlug } from './check-slug.ts'

test.each(['a', '0', 'acme', 'acme-eu_2', '7eleven', 'a'.repeat(63), 'x--y__z'])('%s is a slug', (slug) => {
  expect(checkSlug(slug)).toBeNull()
})

describe('what is refused, and the character that is at fault', () => {
  test.each<[string, string]>([
    ['', 'empty'],
    ['Acme', 'U+0041 as character 1'],
    ["o'brien", 'U+0027 as character 2'],
    ['a"b', 'U+0022'],
    ['a`b', 'U+0060'],
    ['a;drop', 'U+003B'],
    ['../etc', 'U+002E as character 1'],
    ['a/b', 'U+002F'],
    ['a\\b', 'U+005C'],
    ['a b', 'U+0020'],
    ['a\nb', 'U+000A as character 2'],
    ['a\u0000b', 'U+0000'],
    ['a\u001b[31m', 'U+001B'],
    ['a\u200bb', 'U+200B'],
    ['a\u202eb', 'U+202E'],
    ['\ufeffacme', 'U+FEFF'],
    ['\u0430cme', 'U+0430'], // Cyrillic а
    ['acm\u212f', 'U+212F'],
    ['\uff41cme', 'is not the plain `a`'], // fullwidth
    ['caf\u00e9', 'is not the plain `e`'], // one character
    ['cafe\u0301', 'U+0301 as character 5'], // two
    ['acme\u{1d7d9}', 'is not the plain `1`'],
    ['a\ud800', 'U+D800'],
    ['-acme', 'begins with'],
    ['_acme', 'begins with'],
    ['a'.repeat(64), '64 bytes'],
    ['a'.repeat(300), '300 bytes'],
  ])('%j', (slug, why) => {
    expect(checkSlug(slug)).toContain(why)
  })
})

test('a refused slug is shown without anything that a terminal would act on', () => {
  expect(showSlug('a\u001b[2J\u202e\u0430')).toBe('"a<U+001B>[2J<U+202E><U+0430>"')
  expect(showSlug('x'.repeat(300))).toHaveLength(73)
})
