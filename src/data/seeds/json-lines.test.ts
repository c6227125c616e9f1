import { expect, test } from 'vitest'
import { JsonProblem, parseJsonLines, writeJson } from './json-lines.ts'

test('reads what JSON.parse reads, keeps lines and digits', () => {
  const text = `{ "a": [1, 2.50, -0, 1e3, 12345678901234567890],\n\n "b": { "c": "x\\u00e9\\n\\"", "d": null }, "e": [true, false, {}, []] }\n`
  const node = parseJsonLines(text)
  expect(JSON.parse(writeJson(node))).toEqual(JSON.parse(text))
  expect(writeJson(node)).toContain('[1,2.50,-0,1e3,12345678901234567890]')
  expect(node.kind === 'object' && node.members.get('b')?.line).toBe(3)
})

test.each([
  ['', 1],
  ['{', 1],
  ['{\n"a": 1,\n}', 3],
  ['{\n"a": 1\n"b": 2 }', 3],
  ['[1, 2\n', 2],
  ['{ "a": 1 }\n\nx', 3],
  ["{ 'a': 1 }", 1],
  ['{ "a": "line\nbreak" }', 1],
  ['{ "a": 01 }', 1],
  ['// comment\n{}', 1],
  ['['.repeat(5000), 1],
])('%# is none, and says where', (text, line) => {
  expect(() => JSON.parse(text)).toThrow()
  try {
    parseJsonLines(text)
    expect.unreachable()
  } catch (error) {
    expect(error).toBeInstanceOf(JsonProblem)
    expect((error as JsonProblem).line).toBe(line)
  }
})

test('a member that is there twice is refused, since one of them would be lost', () => {
  expect(() => parseJsonLines('{ "a": 1,\n"a": 2 }')).toThrow(new JsonProblem(2, 'the member "a" is there twice'))
})

test('a long text needs no deep stack', () => {
  const long = `${'\\n'.repeat(500_000)}${'x'.repeat(3_000_000)}`
  const node = parseJsonLines(`"${long}"`)
  expect(node.kind === 'text' && node.text.length).toBe(3_500_000)
})
