import { expect, test } from 'vitest'
import type { DatabaseFailure } from '../model/dialect.ts'
import { Retries } from './retries.ts'

const failure = (kind: DatabaseFailure['kind']): DatabaseFailure => ({
  kind,
  message: 'x',
  detail: null,
  sqlstate: null,
  position: null,
})
const settings = { targetLockWaitMs: 60_000, lockTimeoutMs: 2000, lockRetryBudgetMs: 20_000 } as ConstructorParameters<
  typeof Retries
>[0]

/** How long a failure is retried, when it comes again each time. */
function waited(kind: DatabaseFailure['kind'], more: Partial<typeof settings> = {}): number {
  let now = 0
  const retries = new Retries(
    { ...settings, ...more },
    () => 0.5,
    () => now,
  )
  for (;;) {
    const next = retries.next(failure(kind))
    if (next === null) return now
    now += Math.max(1, next.delayMs)
  }
}

test("the tool's own lock is waited for a few seconds, and never longer than a lock of ours", () => {
  expect(waited('native-locked')).toBeGreaterThanOrEqual(5000)
  expect(waited('native-locked')).toBeLessThan(6000)
  expect(waited('native-locked', { targetLockWaitMs: 300 })).toBeLessThan(1000)
  expect(waited('locked')).toBeGreaterThanOrEqual(60_000)
})

test('the budget begins anew with each migration', () => {
  let now = 0
  const retries = new Retries(
    settings,
    () => 0,
    () => now,
  )
  expect(retries.next(failure('native-locked'))).not.toBeNull()
  now = 6000
  expect(retries.next(failure('native-locked'))).toBeNull()
  retries.progressed()
  expect(retries.next(failure('native-locked'))).not.toBeNull()
})

test('what the server refused is not tried again', () => {
  expect(waited('statement')).toBe(0)
  expect(waited('already-exists')).toBe(0)
})
