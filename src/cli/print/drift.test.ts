import { createColors } from 'picocolors'
import { expect, test } from 'vitest'
import type { DriftCluster, DriftReport } from '../../model/check-report.ts'
import type { Difference } from '../../model/picture.ts'
import { printDrift } from './drift.ts'
import type { PrintStyle } from './style.ts'

const style: PrintStyle = { colors: createColors(false), verbose: false, quiet: false, shell: 'tenantry', again: '' }
const names = (count: number, from = 1) => Array.from({ length: count }, (_, i) => `main/app/t_${from + i}`)
const cluster = (list: readonly string[], differences: readonly Difference[], set = 'tenant'): DriftCluster => ({
  set,
  targets: list.length,
  reference: differences.length === 0,
  sample: list.slice(0, 10),
  names: list,
  differences,
})
const report = (clusters: DriftCluster[], change: Partial<DriftReport> = {}): DriftReport => ({
  command: 'drift',
  ok: clusters.every(({ reference }) => reference),
  clusters,
  failures: [],
  behind: [],
  notices: [],
  durationMs: 1234,
  ...change,
})
const index: Difference = {
  change: 'missing',
  kind: 'index',
  object: 'orders_client_idx',
  detail: 'CREATE INDEX ON orders (client_id)',
}
const column: Difference = { change: 'extra', kind: 'column', object: 'users.tmp', detail: 'type integer' }

test('what the outliers have in common is in the first line, the differences below', () => {
  const lines = printDrift(
    report([cluster(names(1961), []), cluster(names(7, 3000), [index]), cluster(names(2, 4000), [column])]),
    style,
  )
  expect(lines.slice(0, 9)).toEqual([
    '✖ 1,961 of 1,970 targets equal the reference; 7 miss index orders_client_idx: main/app/t_3000, main/app/t_3001 and 5 more; 2 have an extra column users.tmp: main/app/t_4000, main/app/t_4001',
    'in 1.2 s',
    '',
    '✖ 7 targets: main/app/t_3000, main/app/t_3001, main/app/t_3002 and 4 more',
    '  - missing index orders_client_idx: CREATE INDEX ON orders (client_id)',
    '',
    '✖ 2 targets: main/app/t_4000, main/app/t_4001',
    '  + extra column users.tmp: type integer',
    '',
  ])
})

test('all equal is one line; several sets are told apart', () => {
  expect(printDrift(report([cluster(names(1), [])]), style)).toEqual(['✔ 1 target equals the reference', 'in 1.2 s'])
  const sets = [cluster(names(3), []), cluster(['main/app'], [], 'platform')]
  expect(printDrift(report(sets, { behind: ['main/app/t_1'] }), style)).toEqual([
    '✔ Set tenant: all 3 targets equal the reference',
    '✔ Set platform: 1 target equals the reference',
    '1 target with pending migrations, compared as far as applied · in 1.2 s',
  ])
})

test('a thousand kinds of difference stay readable, and --verbose shows them', () => {
  const many = Array.from({ length: 1000 }, (_, i) => cluster(names(1, i), [{ ...column, object: `users.c_${i}` }]))
  const wide = cluster(
    names(1, 5000),
    Array.from({ length: 40 }, (_, i) => ({ ...column, object: `wide.c_${i}` })),
  )
  const short = printDrift(report([wide, ...many]), style)
  expect(short.length).toBeLessThan(110)
  expect(short.join('\n')).toContain('and 28 more differences (--verbose shows them)')
  expect(short.join('\n')).toContain('and 976 more kinds of difference (--verbose shows them)')
  expect(printDrift(report([wide, ...many]), { ...style, verbose: true }).join('\n')).toContain('users.c_999')
})

test('what could not be compared is said, the same reason once', () => {
  const failures = names(3).map((target) => ({
    target,
    error: { code: 'OUT_OF_ORDER' as const, message: `${target} cannot be compared.`, hint: 'do it', context: {} },
  }))
  const lines = printDrift(report([], { failures, ok: false }), style)
  expect(lines).toEqual([
    '3 not compared · in 1.2 s',
    '',
    '✖ 3 targets: main/app/t_1, main/app/t_2, main/app/t_3  OUT_OF_ORDER',
    '  <target> cannot be compared.',
    '  hint: do it',
  ])
})
