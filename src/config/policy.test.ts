import { describe, expect, it } from 'vitest'
import { parseMaxFailures, readPolicy } from './policy.ts'
import type { Findings } from './problem.ts'

function read(rollout: unknown) {
  const findings: Findings = { problems: [], notices: [] }
  return { policy: readPolicy(rollout, findings), problems: findings.problems.map((problem) => problem.path) }
}

describe('parseMaxFailures', () => {
  it.each([
    [0, { count: 0 }],
    [2, { count: 2 }],
    ['2', { count: 2 }],
    ['5%', { percent: 5 }],
    [' 0.5 % ', { percent: 0.5 }],
    ['100%', { percent: 100 }],
    ['101%', null],
    ['1.5', null],
    [1.5, null],
    [-1, null],
    ['-1', null],
    ['', null],
    ['many', null],
    [Number.NaN, null],
    [null, null],
  ])('%j: %j', (value, expected) => {
    expect(parseMaxFailures(value)).toEqual(expected)
  })
})

describe('readPolicy', () => {
  const waves = [{ name: 'canary', count: 2 }, { name: 'rest' }]
  it.each([
    [undefined, { waves: [{ name: 'all' }], maxFailures: null }],
    [{ maxFailures: 0 }, { waves: [{ name: 'all' }], maxFailures: { count: 0 } }],
    [{ waves }, { waves, maxFailures: null, stopAfterFailedWave: true }],
    [
      { waves, maxFailures: '5%' },
      { waves, maxFailures: { percent: 5 } },
    ],
    [{ waves: [{ name: 'only' }] }, { waves: [{ name: 'only' }], maxFailures: null }],
    [
      {
        waves: [
          { name: 'a', percent: 10 },
          { name: 'b', percent: 100 },
        ],
        maxFailures: 1,
      },
      { waves: [{ name: 'a', percent: 10 }, { name: 'b' }], maxFailures: { count: 1 } },
    ],
  ])('%j', (rollout, policy) => {
    expect(read(rollout)).toEqual({ policy, problems: [] })
  })

  it.each([
    [{ waves: [{ name: 'a', count: 2 }] }, ['rollout.waves']],
    [{ waves: [{ name: 'a', percent: 60 }, { name: 'b', percent: 50 }, { name: 'c' }] }, ['rollout.waves']],
    [{ waves: [{ name: 'a', percent: 0 }, { name: 'b' }] }, ['rollout.waves[0].percent']],
    [{ waves: [{ name: 'a', percent: 100 }, { name: 'b' }] }, ['rollout.waves[0].percent']],
    [{ waves: [{ name: 'a' }, { name: 'b' }] }, ['rollout.waves[0]']],
    [{ maxFailures: 'all' }, ['rollout.maxFailures']],
  ])('%j is a problem', (rollout, problems) => {
    expect(read(rollout).problems).toEqual(problems)
  })
})
