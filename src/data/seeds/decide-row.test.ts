import { expect, test } from 'vitest'
import { decideRow, type RowStanding } from './decide-row.ts'
import { hashValue } from './seed-book.ts'

const row = (label: string | null, more: Record<string, string | null> = {}) =>
  new Map(Object.entries({ name: 'Admin', label, ...more }))
const entry = (label: string | null, given = 'v1') => ({
  given,
  wrote: { name: hashValue('Admin'), label: hashValue(label) },
})

const cases: [string, RowStanding, string][] = [
  ['new', { mode: 'initial', entry: null, given: 'v1', before: null }, 'insert'],
  ['deleted by somebody', { mode: 'initial', entry: entry('a'), given: 'v1', before: null }, 'deleted since'],
  ['deleted, and owned', { mode: 'owned', entry: entry('a'), given: 'v1', before: null }, 'insert'],
  ['as it was', { mode: 'initial', entry: entry('a'), given: 'v1', before: row('a') }, 'unchanged'],
  ['edited', { mode: 'initial', entry: entry('a'), given: 'v1', before: row('b') }, 'edited: label'],
  ['edited to NULL', { mode: 'initial', entry: entry('a'), given: 'v1', before: row(null) }, 'edited: label'],
  ['NULL filled by somebody', { mode: 'initial', entry: entry(null), given: 'v1', before: row('') }, 'edited: label'],
  ['edited, and owned', { mode: 'owned', entry: entry('a'), given: 'v1', before: row('b') }, 'change'],
  ['a new value', { mode: 'initial', entry: entry('a'), given: 'v2', before: row('a') }, 'change'],
  [
    'a new value, tried',
    { mode: 'initial', entry: entry('a'), given: 'v2', before: row('a'), after: row('c') },
    'change',
  ],
  [
    'edited, a new value, tried',
    { mode: 'initial', entry: entry('a'), given: 'v2', before: row('b'), after: row('c') },
    'edited: label',
  ],
  [
    'edited to the new value',
    { mode: 'initial', entry: entry('a'), given: 'v2', before: row('c'), after: row('c') },
    'change',
  ],
  ['there before, equal', { mode: 'initial', entry: null, given: 'v1', before: row('a'), after: row('a') }, 'change'],
  [
    'there before, different',
    { mode: 'initial', entry: null, given: 'v1', before: row('b'), after: row('a') },
    'there before, and different: label',
  ],
  [
    'a new column, empty so far',
    {
      mode: 'initial',
      entry: entry('a'),
      given: 'v2',
      before: row('a', { color: null }),
      after: row('a', { color: 'red' }),
    },
    'change',
  ],
  [
    'a new column that somebody filled',
    {
      mode: 'initial',
      entry: entry('a'),
      given: 'v2',
      before: row('a', { color: 'blue' }),
      after: row('a', { color: 'red' }),
    },
    'filled by somebody else: color',
  ],
]

test.each(cases)('a row that is %s', (_, standing, expected) => {
  const decision = decideRow(standing)
  expect(decision.kind === 'kept' ? decision.why : decision.kind).toBe(expected)
})
