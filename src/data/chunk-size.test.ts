import { expect, test } from 'vitest'
import { fewerRows, firstRows, nextRows } from './chunk-size.ts'

test('comes to rest below the limit, whatever a row takes', () => {
  for (const rowMs of [0.001, 0.02, 0.4, 7]) {
    let rows = firstRows
    let longest = 0
    for (let batch = 0; batch < 30; batch++) {
      const tookMs = 2 + rows * rowMs
      if (batch > 10) longest = Math.max(longest, tookMs)
      rows = nextRows(rows, tookMs, 100, 50_000)
    }
    expect(longest).toBeLessThanOrEqual(100)
    if (rowMs < 1 && rows < 50_000) expect(longest).toBeGreaterThan(50)
  }
})

test('never fewer than one row, never more than fit', () => {
  expect(nextRows(1, 60_000, 100, 50_000)).toBe(1)
  expect(nextRows(40_000, 1, 100, 50_000)).toBe(50_000)
  expect(nextRows(100, 0, 100, 50_000)).toBe(200)
  expect([fewerRows(200), fewerRows(3), fewerRows(1)]).toEqual([50, 1, 1])
})
