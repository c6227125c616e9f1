import { expect, test } from 'vitest'
import type { LintFinding } from '../../model/lint.ts'
import type { StepCost } from '../../model/statement-facts.ts'
import type { Target } from '../../model/tenant.ts'
import { estimateMs } from './estimate.ts'
import { rankFindings, tableOf } from './rank.ts'

const mebibyte = 1024 * 1024
const target = (name: string) => ({ name }) as Target

function finding(rule: string, table: string | null, work: StepCost['work'] | null, more: Partial<LintFinding> = {}) {
  const cost: StepCost | null = work === null ? null : { lock: 'SHARE', blocks: 'writes', work }
  const place = { set: 'tenant', migration: '001', direction: 'up', severity: 'warning' }
  return { rule, table, cost, ...place, ...more } as LintFinding
}

test('an estimate follows the work', () => {
  const size = { rows: 1_000_000, bytes: 200 * mebibyte, indexBytes: 50 * mebibyte }
  expect(estimateMs('moment', size)).toBe(0)
  expect(estimateMs('scan', size)).toBe(1000)
  expect(estimateMs('build', size)).toBe(3000)
  expect(estimateMs('rewrite', size)).toBe(5000)
  // Rows of a hundred bytes are assumed where they are not known.
  expect(estimateMs('build', { ...size, rows: null, bytes: 100 * 500_000 })).toBe(1238)
})

test('sorts by the time of all targets, then by severity, then as they came', () => {
  const sizes: Record<string, number> = { 'a orders': 400, 'b orders': 200, 'a notes': 200 }
  const ranked = rankFindings(
    [
      finding('unclear-name', null, null, { severity: 'info' }),
      finding('drop-column', 'orders', 'moment'),
      finding('check', 'notes', 'scan'),
      finding('syntax-error', null, null, { severity: 'error' }),
      finding('set-not-null', 'orders', 'scan'),
      finding('set-not-null', 'gone', 'scan'),
      finding('set-not-null', 'orders', 'scan', { direction: 'down' }),
    ],
    {
      lacking: () => ['a', 'b', 'c'].map(target),
      sizeOf: (one, { name }) => {
        const megabytes = sizes[`${one.name} ${name}`]
        return megabytes === undefined ? null : { rows: 1, bytes: megabytes * mebibyte, indexBytes: 0 }
      },
    },
  )
  expect(ranked.map(({ rule, fleet }) => [rule, fleet?.targets, fleet?.totalMs])).toEqual([
    ['set-not-null', 2, 3000],
    ['check', 1, 1000],
    ['syntax-error', undefined, undefined],
    ['drop-column', 2, 0],
    ['set-not-null', 0, 0],
    ['set-not-null', undefined, undefined],
    ['unclear-name', undefined, undefined],
  ])
  expect(ranked[0]?.fleet?.worst).toEqual([
    { target: 'a', rows: 1, bytes: 400 * mebibyte, estimateMs: 2000 },
    { target: 'b', rows: 1, bytes: 200 * mebibyte, estimateMs: 1000 },
  ])
})

test('only five are named', () => {
  const [ranked] = rankFindings([finding('set-not-null', 'orders', 'scan')], {
    lacking: () => Array.from({ length: 9 }, (_, i) => target(`t${i}`)),
    sizeOf: ({ name }) => ({ rows: null, bytes: Number(name.slice(1)) * 200 * mebibyte, indexBytes: 0 }),
  })
  expect(ranked?.fleet).toMatchObject({ targets: 9, totalMs: 36_000 })
  expect(ranked?.fleet?.worst.map((one) => one.target)).toEqual(['t8', 't7', 't6', 't5', 't4'])
})

test('the table is asked for in its own schema, or the one that is written', () => {
  expect(tableOf(finding('x', 'orders', 'scan'))).toEqual({ schema: null, name: 'orders' })
  expect(tableOf(finding('x', 'audit.events', 'scan'))).toEqual({ schema: 'audit', name: 'events' })
  expect(tableOf(finding('x', 'orders', null))).toBeNull()
  expect(tableOf(finding('unbatched-change', 'orders', null))).toEqual({ schema: null, name: 'orders' })
})
