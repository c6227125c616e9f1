import { expect, test } from 'vitest'
import type { HistoryEntry } from '../model/history.ts'
import type { Migration } from '../model/migration.ts'
import { findOddRows } from './odd-rows.ts'

const migration = (id: string, file: string): Migration => ({
  id,
  number: null,
  checksum: '',
  otherChecksums: [],
  description: null,
  keys: [file, id],
  up: { kind: 'sql', text: '', file: `migrations/${file}` },
  down: null,
  transaction: 'auto',
})
const migrations = [migration('001_a', '001_a.js'), migration('002_b', '002_b.js')]
const entries = (...keys: string[]): HistoryEntry[] =>
  keys.map((key) => ({ key, checksum: null, state: 'applied' as const }))

test('rows as the files are named are not odd, nor are those of files that are gone', () => {
  expect(findOddRows(migrations, entries('001_a.js', '002_b', '000_lost.js'))).toEqual({ keys: new Set(), texts: [] })
})

test('another letter case or ending is, and so is what is there twice', () => {
  const { keys, texts } = findOddRows(migrations, entries('001_A.js', '002_b.ts', '002_b.js', '002_b.js'))
  expect([...keys]).toEqual(['001_A.js', '002_b.ts'])
  expect(texts).toEqual([
    '001_A.js (the file is 001_a.js)',
    '002_b.ts (the file is 002_b.js)',
    '002_b is recorded 2 times',
  ])
})
