import { describe, expect, it } from 'vitest'
import { splitBlocks } from './dbmate.ts'
import { isFault } from './sections/sections.ts'

function split(...lines: string[]) {
  const found = splitBlocks(lines.join('\n'))
  if (isFault(found)) throw new Error(found.message)
  return found
}

describe('blocks of a file', () => {
  it('keeps every statement on its line', () => {
    const { up, down } = split('-- why', '-- migrate:up', 'SELECT 1;', '', '-- migrate:down', 'SELECT 2;')
    expect(up).toEqual({ text: '\n\nSELECT 1;\n', noTransaction: false })
    expect(down).toEqual({ text: '\n\n\n\n\nSELECT 2;\n', noTransaction: false })
  })

  it('hears the wish for no transaction, of each direction', () => {
    const { up, down } = split('-- migrate:up transaction:false foo:bar', 'SELECT 1;', '--  migrate:down', 'SELECT 2;')
    expect([up.noTransaction, down?.noTransaction]).toEqual([true, false])
  })

  it('joins several pairs in the order of the file, and ends what was left open', () => {
    const { up, down } = split(
      '-- migrate:up',
      'SELECT 1 -- no end',
      '-- migrate:down',
      'SELECT 2;',
      '-- migrate:up',
      'SELECT 3;',
      '-- migrate:down',
      'SELECT 4',
    )
    expect(up.text).toBe('\nSELECT 1 -- no end\n;\n\n\nSELECT 3;\n')
    expect(down?.text).toBe('\n\n\nSELECT 2;\n\n\n\nSELECT 4\n')
  })

  it('gives blocks with a transaction their own where others ask for none', () => {
    const { up } = split(
      '-- migrate:up transaction:false',
      'VACUUM',
      '-- migrate:down',
      '-- nothing',
      '-- migrate:up',
      'SELECT 1',
      '-- migrate:down',
      '',
      '-- migrate:up',
      '-- nothing',
      '-- migrate:down',
    )
    expect(up.noTransaction).toBe(true)
    expect(up.text.split('\n').filter((line) => line !== '')).toEqual([
      'VACUUM',
      ';',
      'BEGIN;',
      'SELECT 1',
      ';COMMIT;',
      '-- nothing',
    ])
    expect(up.text.split('\n').indexOf('SELECT 1')).toBe(5)
  })

  it.each([
    ['nothing of it', ['SELECT 1;'], 'has a statement before'],
    ['comments only', ['-- x'], 'has no `-- migrate:up`'],
    ['a statement first', ['SELECT 1;', '-- migrate:up', '-- migrate:down'], 'has a statement before'],
    ['an undo first', ['-- migrate:down', '-- migrate:up'], 'has a down block that no up block precedes'],
    ['no undo', ['-- migrate:up', 'SELECT 1;'], 'has an up block that no down block follows'],
    [
      'two undos',
      ['-- migrate:up', '-- migrate:down', '-- migrate:down'],
      'has a down block that no up block precedes',
    ],
    ['an undo missing', ['-- migrate:up', '-- migrate:up', '-- migrate:down'], 'has an up block that no down'],
    ['another word', ['-- migrate:upward', '-- migrate:down'], 'has a down block that no up'],
  ])('refuses what dbmate refuses: %s', (_, lines, message) => {
    const found = splitBlocks(lines.join('\n'))
    expect(isFault(found) && found.message).toContain(message)
  })
})
