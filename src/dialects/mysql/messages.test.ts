import { expect, test } from 'vitest'
import { dealMessages, joinStatements } from './messages.ts'
import { resetMark } from './phrases.ts'

const deal = (...statements: string[]) => dealMessages(statements, 1000).map((message) => message.statements)

test('statements with one result each travel together', () => {
  expect(deal('START TRANSACTION READ WRITE', '-- why\n/* x */ insert INTO t VALUES (1)', 'COMMIT')).toHaveLength(1)
})

test.each([
  'CALL p()',
  'EXECUTE s',
  'BEGIN NOT ATOMIC SELECT 1; SELECT 2; END',
  '/*!50001 SET @a = 1 */',
  '/*M! CALL p() */',
])('what may have several results travels alone: %s', (text) => {
  expect(deal('SELECT 1', text, 'SELECT 2', 'SELECT 3')).toEqual([['SELECT 1'], [text], ['SELECT 2', 'SELECT 3']])
})

test('a reset is a message of its own', () => {
  const messages = dealMessages(['COMMIT', resetMark], 1000)
  expect(messages.map(({ from, isReset }) => [from, isReset])).toEqual([
    [0, false],
    [1, true],
  ])
})

test('a message stays below the limit, counted in bytes', () => {
  const text = `SELECT '${'ж'.repeat(200)}'`
  expect(deal(text, text, text).map((statements) => statements.length)).toEqual([2, 1])
  expect(deal(`SELECT '${'x'.repeat(5000)}'`, 'SELECT 1')).toHaveLength(2)
})

test('a comment at the end of a statement does not swallow the next one', () => {
  expect(joinStatements(['SELECT 1 -- one', 'SELECT 2'])).toBe('SELECT 1 -- one\n;\nSELECT 2')
})
