import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dealWaves, stopReason } from './waves.ts'

describe('dealWaves', () => {
  const items = Array.from({ length: 25 }, (_, i) => i)

  test('by count, by percent, and the rest', () => {
    const rules = [{ name: 'canary', count: 2 }, { name: 'tenth', percent: 10 }, { name: 'rest' }]
    const waves = dealWaves(items, rules)
    expect(waves.map(({ name, items: own }) => [name, own.length])).toEqual([
      ['canary', 2],
      ['tenth', 3],
      ['rest', 20],
    ])
  })

  test('every item is in exactly one wave, in order', () => {
    const rule = fc.record(
      { name: fc.string(), count: fc.nat({ max: 9 }), percent: fc.integer({ min: 1, max: 100 }) },
      { requiredKeys: ['name'] },
    )
    fc.assert(
      fc.property(fc.array(fc.nat()), fc.array(rule, { minLength: 1, maxLength: 5 }), (list, rules) => {
        expect(dealWaves(list, rules).flatMap((wave) => wave.items)).toEqual(list)
      }),
    )
  })
})

describe('stopReason', () => {
  const policy = (maxFailures: { count: number } | { percent: number } | null) => ({ waves: [], maxFailures })

  test.each([
    [null, 1000, false],
    [{ count: 0 }, 0, false],
    [{ count: 0 }, 1, true],
    [{ count: 2 }, 2, false],
    [{ count: 2 }, 3, true],
    [{ percent: 5 }, 10, false],
    [{ percent: 5 }, 11, true],
  ] as const)('%j with %i of 200 failed: stops %s', (maxFailures, failed, stops) => {
    expect(stopReason(policy(maxFailures), failed, 200) !== null).toBe(stops)
  })
})
