import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { LedgerEntry } from '../model/history.ts'
import type { Script } from '../model/script.ts'
import { fitsPrefix, prefixOf, refusedPrefixOf, refusesWhole, wasRefused } from './ledger-prefix.ts'

function scriptOf(...texts: string[]): Script {
  const prefixHash = (count: number) => createHash('sha256').update(texts.slice(0, count).join('\0')).digest('hex')
  return { statementCount: texts.length, prefixHash } as Script
}

const entry = (prefix: string, statementsDone: number) => ({ prefix, statementsDone }) as LedgerEntry
const script = scriptOf('a', 'b', 'c')

describe('what the ledger keeps of the statements that are done', () => {
  it('fits a script whose later statements were edited, refused or not', () => {
    for (const prefix of [prefixOf(script, 2), refusedPrefixOf(script, 2)]) {
      expect(prefix).toHaveLength(16)
      expect(fitsPrefix(entry(prefix, 2), scriptOf('a', 'b', 'x'))).toBe(true)
      expect(fitsPrefix(entry(prefix, 2), scriptOf('a', 'x', 'c'))).toBe(false)
      expect(fitsPrefix(entry(prefix, 2), scriptOf('a'))).toBe(false)
    }
  })

  it('tells a refused statement from an interrupted one', () => {
    expect(wasRefused(entry(refusedPrefixOf(script, 1), 1))).toBe(true)
    expect(wasRefused(entry(prefixOf(script, 1), 1))).toBe(false)
  })
})

describe('an error of a statement', () => {
  it.each(['ALTER TABLE', 'CREATE INDEX CONCURRENTLY', 'TRUNCATE', 'DROP TABLE', 'DOMAIN'])(
    '%s: nothing was done',
    (kind) => {
      expect(refusesWhole(kind)).toBe(true)
    },
  )
  it.each(['CALL', 'DO', 'EXECUTE', 'BEGIN NOT ATOMIC'])('%s: part of it may be committed', (kind) => {
    expect(refusesWhole(kind)).toBe(false)
  })
})
