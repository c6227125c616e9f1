import { expect, test } from 'vitest'
import type { FindingFleet } from '../../model/lint.ts'
import { describeFleet } from './lint-fleet.ts'

const size = (target: string, estimateMs: number, rows: number | null = 12_000_000) => ({
  target,
  rows,
  bytes: 3.1 * 1024 ** 3,
  estimateMs,
})
const describe = (fleet: FindingFleet | null | undefined) => describeFleet(fleet === undefined ? {} : { fleet })

test('tells who, for how long and how large', () => {
  expect(describe(undefined)).toEqual([])
  expect(describe(null)).toEqual([])
  expect(describe({ targets: 0, worst: [], totalMs: 0 })).toEqual(['fleet: no target that lacks it has the table'])
  expect(describe({ targets: 1, worst: [size('main/a', 42_000)], totalMs: 42_000 })).toEqual([
    'fleet: 1 target, ~42.0 s; longest: main/a ~42.0 s (about 12,000,000 rows, 3.1 GB)',
  ])
  const worst = [size('main/a', 240_000), size('main/b', 50, null), size('main/c', 0), size('main/d', 0)]
  expect(describe({ targets: 1204, worst, totalMs: 400_000 })).toEqual([
    'fleet: 1,204 targets, ~6 min 40 s in all; longest: main/a ~4 min 00 s (about 12,000,000 rows, 3.1 GB), main/b a moment (3.1 GB), main/c a moment (about 12,000,000 rows, 3.1 GB), …',
  ])
  expect(describe({ targets: 2, worst: [size('main/a', 0)], totalMs: 0 })).toEqual([
    'fleet: 2 targets, for a moment; largest: main/a (about 12,000,000 rows, 3.1 GB), …',
  ])
})
