import { describe, expect, test } from 'vitest'
import type { ErrorDocument } from '../model/errors.ts'
import type { TargetResult } from '../model/rollout.ts'
import { maskMessage } from './mask.ts'
import { groupFailures, summarise } from './report.ts'

function result(target: string, change: Partial<TargetResult> = {}): TargetResult {
  const tenant = target.split('/').at(-1) ?? target
  return {
    target,
    tenants: [tenant],
    set: 'tenant',
    result: 'applied',
    applied: [],
    undone: [],
    pending: [],
    failed: [],
    changed: [],
    missing: [],
    outOfOrder: [],
    unverified: [],
    durationMs: 1,
    error: null,
    ...change,
  }
}

function failure(target: string, error: Partial<ErrorDocument>): TargetResult {
  const document: ErrorDocument = { code: 'MIGRATION_FAILED', message: 'no', hint: null, context: {}, ...error }
  return result(target, { result: 'failed', error: document })
}

describe('summarise', () => {
  test('counts every kind of result once', () => {
    const kinds = ['applied', 'applied', 'undone', 'up-to-date', 'pending', 'failed', 'skipped', 'stopped'] as const
    expect(
      summarise(
        kinds.map((kind, i) => result(`main/app/t_${i}`, { result: kind })),
        1234,
      ),
    ).toEqual({
      targets: 8,
      applied: 2,
      undone: 1,
      upToDate: 1,
      pending: 1,
      failed: 1,
      skipped: 1,
      stopped: 1,
      durationMs: 1234,
    })
  })

  test('of nothing is nothing', () => {
    expect(summarise([], 0).targets).toBe(0)
  })
})

describe('groupFailures', () => {
  const context = { migration: '0042_add_email', file: 'migrations/0042_add_email.sql', line: 12, column: 5 }

  test('shows the same error of 200 targets once, with a count and three samples', () => {
    const results = Array.from({ length: 200 }, (_, i) =>
      failure(`eu/app/t_${i}`, {
        message: `Migration 0042_add_email failed in eu/app/t_${i} at line 12, column 5: relation "t_${i}.users" does not exist`,
        hint: `tenantry explain t_${i}`,
        context: { ...context, target: `eu/app/t_${i}` },
      }),
    )
    const groups = groupFailures(results)
    expect(groups).toHaveLength(1)
    expect(groups[0]).toMatchObject({
      count: 200,
      code: 'MIGRATION_FAILED',
      message:
        'Migration 0042_add_email failed in <target> at line 12, column 5: relation "<tenant>.users" does not exist',
      hint: 'tenantry explain <tenant>',
      migration: '0042_add_email',
      file: 'migrations/0042_add_email.sql',
      line: 12,
      column: 5,
    })
    expect(groups[0]?.samples.map(({ target }) => target)).toEqual(['eu/app/t_0', 'eu/app/t_1', 'eu/app/t_2'])
  })

  test('a single failure keeps its own words', () => {
    const [group] = groupFailures([failure('eu/app/acme', { message: 'acme is broken', hint: 'look at acme' })])
    expect(group).toMatchObject({ count: 1, message: 'acme is broken', hint: 'look at acme' })
  })

  test('keeps other codes, places and messages apart, largest group first', () => {
    const groups = groupFailures([
      failure('eu/app/a1', { message: 'x', context: { ...context, line: 1 } }),
      failure('eu/app/a2', { message: 'x', context: { ...context, line: 2 } }),
      failure('eu/app/a3', { message: 'x', context: { ...context, line: 2 } }),
      failure('eu/app/a4', { code: 'LOCK_TIMEOUT', message: 'x', context: { ...context, line: 2 } }),
    ])
    expect(groups.map(({ code, count, line }) => [code, count, line])).toEqual([
      ['MIGRATION_FAILED', 2, 2],
      ['MIGRATION_FAILED', 1, 1],
      ['LOCK_TIMEOUT', 1, 2],
    ])
  })

  test('a lock that other sessions held groups in spite of pid and time', () => {
    const groups = groupFailures(
      [11, 12].map((pid) =>
        failure(`eu/app/t_${pid}`, { message: `held by pid ${pid} since 2026-01-01T00:00:${pid}Z for ${pid} s` }),
      ),
    )
    expect(groups.map(({ message, count }) => [message, count])).toEqual([
      ['held by pid <n> since <time> for <duration>', 2],
    ])
  })

  test('targets that were only stopped are no failures', () => {
    const stopped = result('eu/app/z', {
      result: 'stopped',
      error: { code: 'STOPPED', message: 'stopped', hint: null, context: {} },
    })
    expect(groupFailures([stopped, result('eu/app/y')])).toEqual([])
  })
})

describe('maskMessage', () => {
  test.each([
    [
      'a name inside a longer word stays',
      'acme_2 and acme',
      { target: 's/acme', tenants: [] },
      'acme_2 and <database>',
    ],
    [
      'a numeric tenant is not a line',
      'line 12 of "12"',
      { target: 's/d/12', tenants: ['12'] },
      'line 12 of "<tenant>"',
    ],
    ['special characters are literal', 'in we"ird.$x!', { target: 's/d/we"ird.$x', tenants: [] }, 'in <schema>!'],
    ['an emoji name', 'in 🐘', { target: 's/d/🐘', tenants: [] }, 'in 🐘'],
    ['a quoted emoji name', 'in "🐘"', { target: 's/d/🐘', tenants: [] }, 'in "<schema>"'],
    ['the server alone stays', 'main: refused', { target: 'main/app', tenants: ['acme'] }, 'main: refused'],
  ])('%s', (_, message, names, expected) => {
    expect(maskMessage(message, names)).toBe(expected)
  })
})
