import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareNumbered, readNumber } from './migration-number.ts'

const id = fc
  .tuple(fc.oneof(fc.constant(''), fc.stringMatching(/^\d{1,20}$/)), fc.stringMatching(/^[_-]?[a-z]{0,4}$/))
  .map(([digits, name]) => `${digits}${name}`)
const numbered = id.map((text) => ({ id: text, number: readNumber(text) }))

describe('compareNumbered', () => {
  it('is a total order', () => {
    fc.assert(
      fc.property(numbered, numbered, numbered, (a, b, c) => {
        expect(Math.sign(compareNumbered(a, b))).toBe(-Math.sign(compareNumbered(b, a)) || 0)
        expect(compareNumbered(a, b) === 0).toBe(a.id === b.id)
        if (compareNumbered(a, b) <= 0 && compareNumbered(b, c) <= 0)
          expect(compareNumbered(a, c)).toBeLessThanOrEqual(0)
      }),
    )
  })

  it('compares numbers as numbers, whatever their padding', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat(12), fc.nat(12), (a, b, padA, padB) => {
        const left = `${String(a).padStart(padA, '0')}_z`
        const right = `${String(b).padStart(padB, '0')}_a`
        fc.pre(a !== b)
        const order = compareNumbered({ id: left, number: readNumber(left) }, { id: right, number: readNumber(right) })
        expect(order).toBe(a < b ? -1 : 1)
      }),
    )
  })
})

it.each([
  ['001_init', '001', 'counter', false],
  ['00000001_init', '00000001', 'counter', false],
  ['20251301_x', '20251301', 'counter', false],
  ['20250101_x', '20250101', 'stamp', true],
  ['20250101120000_x', '20250101120000', 'stamp', true],
  ['2025010101_x', '2025010101', 'stamp', false],
  ['1735689600_x', '1735689600', 'stamp', false],
  ['2025-01-01_x', '2025-01-01', 'stamp', true],
  ['2025-13-01_x', '2025', 'counter', false],
])('reads %s', (text, number, kind, mayRepeat) => {
  expect(readNumber(text)).toMatchObject({ text: number, kind, mayRepeat })
})

it('finds no number behind a name', () => {
  expect(readNumber('init_001')).toBeNull()
})
