// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how goose writes variables
import { afterEach, describe, expect, it, vi } from 'vitest'
import { replaceVariables } from './goose/replace-variables.ts'
import { splitAnnotated } from './goose.ts'
import { isFault } from './sections/sections.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

function split(...lines: string[]) {
  const found = splitAnnotated(lines.join('\n'))
  if (isFault(found)) throw new Error(found.message)
  return found
}

describe('annotations', () => {
  it('keeps every statement on its line, and ends blocks that have no semicolon', () => {
    const { up, down } = split(
      '-- why',
      '',
      '--+goose up',
      'SELECT 1; -- one',
      '-- +goose StatementBegin',
      'SELECT ";',
      '" -- x',
      '-- +goose StatementEnd',
      '-- +goose Down',
      '-- nothing to do',
    )
    expect(up).toEqual({ text: '\n\n\nSELECT 1; -- one\n\nSELECT ";\n" -- x\n;\n', noTransaction: false })
    expect(down?.text.trim()).toBe('-- nothing to do')
  })

  it('hears NO TRANSACTION anywhere, for both directions', () => {
    const { up, down } = split('-- +goose Up', 'VACUUM;', '-- +goose NO TRANSACTION', '-- +goose Down', 'VACUUM;')
    expect([up.noTransaction, down?.noTransaction]).toEqual([true, true])
    expect(split('-- +goose Up').down).toBeNull()
  })

  it('puts variables in where that is switched on, and nowhere else', () => {
    vi.stubEnv('GOOSE_TEST', 'a')
    const { up } = split(
      '-- +goose Up',
      'SELECT $GOOSE_TEST;',
      '-- +goose ENVSUB ON',
      'SELECT $GOOSE_TEST;',
      '-- +goose StatementBegin',
      'SELECT ${GOOSE_TEST};',
      '-- +goose ENVSUB OFF',
      'SELECT $$b$$',
      '-- +goose StatementEnd',
    )
    expect(up.text.split('\n').filter(Boolean)).toEqual([
      'SELECT $GOOSE_TEST;',
      'SELECT a;',
      'SELECT a;',
      'SELECT $$b$$',
      ';',
    ])
  })

  it.each([
    ['no annotation', ['-- x'], 'has no `-- +goose Up`', null],
    ['a statement first', ['SELECT 1;', '-- +goose Up'], 'has a statement before', 1],
    ['Down first', ['-- +goose Down', '-- +goose Up'], 'has a `-- +goose Down` in the wrong place', 1],
    ['Up twice', ['-- +goose Up', '-- +goose Up'], 'has a second', 2],
    ['an unknown one', ['-- +goose Up', '-- +goose Sideways'], 'does not know: -- +goose Sideways', 2],
    ['one that is moved in', ['-- +goose Up', '  -- +goose Down'], 'does not begin its line', 2],
    ['no semicolon', ['-- +goose Up', 'SELECT 1', '', '-- +goose Down'], 'does not end', 2],
    ['no semicolon at the end', ['-- +goose Up', '-- +goose Down', 'SELECT 1'], 'does not end', 3],
    ['a block without end', ['-- +goose Up', '-- +goose StatementBegin', 'SELECT 1;'], 'without its StatementEnd', 2],
    ['an end without block', ['-- +goose Up', '-- +goose StatementEnd'], 'without its StatementBegin', 2],
  ])('refuses what goose refuses: %s', (_, lines, message, line) => {
    const found = splitAnnotated(lines.join('\n'))
    expect(isFault(found) && found).toMatchObject({ message: expect.stringContaining(message), line })
  })
})

describe('variables', () => {
  const env = { A: 'a', EMPTY: '' }
  it.each([
    ['$A ${A} $A_ $1 $', 'a a  $1 $'],
    ['${A:-b} ${EMPTY:-b} ${NONE:-b}', 'a b b'],
    ['${A-b} ${EMPTY-b} ${NONE-b} ${NONE-}', 'a  b '],
    ['${A?why} \\$A $$A', 'a $A $A'],
    ['${NONE} $NONE.', ' .'],
  ])('%s', (line, expected) => {
    expect(replaceVariables(line, env)).toBe(expected)
  })

  it('refuses what must be set, and expansions that are not known', () => {
    expect(replaceVariables('${NONE?it is the region}', env)).toEqual({
      problem: 'needs the variable NONE: it is the region',
    })
    for (const line of ['${A:1:2}', '${A:?why}', '${}', '${1}']) {
      expect(replaceVariables(line, env)).toEqual({ problem: expect.any(String) })
    }
  })
})
