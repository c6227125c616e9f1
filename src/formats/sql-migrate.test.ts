import { describe, expect, it } from 'vitest'
import { isFault } from './sections/sections.ts'
import { splitDirections } from './sql-migrate.ts'

function split(...lines: string[]) {
  const found = splitDirections(lines.join('\n'))
  if (isFault(found)) throw new Error(found.message)
  return found
}

describe('directions of a file', () => {
  it('takes them in any order and more than once, each statement on its line', () => {
    const { up, down } = split(
      'anything',
      '-- +migrate Down notransaction',
      'SELECT 1;',
      '-- +migrate Up',
      'SELECT 2',
      '  , 3; -- end',
      '-- +migrate Down',
      'SELECT 4;',
      '-- +migrate Up',
      'SELECT 5;',
    )
    expect(up).toEqual({ text: '\n\n\n\nSELECT 2\n  , 3; -- end\n\n\n\nSELECT 5;\n', noTransaction: false })
    expect(down).toEqual({ text: '\n\nSELECT 1;\n\n\n\n\nSELECT 4;\n', noTransaction: true })
  })

  it('ends blocks that have no semicolon', () => {
    const { up, down } = split(
      '-- +migrate Up',
      '-- +migrate StatementBegin',
      'BEGIN; END',
      '-- +migrate StatementEnd',
      'SELECT 1;',
    )
    expect(up.text).toBe('\n\nBEGIN; END\n;\nSELECT 1;\n')
    expect(down).toBeNull()
  })

  it.each([
    ['no annotation', ['SELECT 1;'], 'has neither', null],
    ['no semicolon', ['-- +migrate Up', 'SELECT 1', '-- +migrate Down'], 'does not end', 2],
    ['no semicolon at the end', ['-- +migrate Up', '', 'SELECT 1', '-- so'], 'does not end', 3],
    ['a block without end', ['-- +migrate Up', '-- +migrate StatementBegin', 'x;'], 'without its StatementEnd', 2],
  ])('refuses what sql-migrate refuses: %s', (_, lines, message, line) => {
    const found = splitDirections(lines.join('\n'))
    expect(isFault(found) && found).toMatchObject({ message: expect.stringContaining(message), line })
  })
})
