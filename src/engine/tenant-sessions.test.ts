import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Connection } from '../model/dialect.ts'
import { TenantSessions } from './tenant-sessions.ts'

let open = 0

beforeEach(() => {
  vi.useFakeTimers()
  open = 0
})
afterEach(() => vi.useRealTimers())

/** Each session answers after a moment, so that those asked at once are lent at once. */
function pool(max: number, min: number): TenantSessions {
  const connect = async () => {
    open++
    return {
      broken: false,
      query: async () => {
        await new Promise((resolve) => setTimeout(resolve, 10))
        return []
      },
      close: async () => {
        open--
      },
    } as unknown as Connection
  }
  return new TenantSessions(connect, { max, min, idleMs: 30_000 })
}

async function ask(sessions: TenantSessions, times: number): Promise<void> {
  const asked = Promise.all(Array.from({ length: times }, () => sessions.query('select 1')))
  await vi.advanceTimersByTimeAsync(10 * times)
  await asked
}

describe('sessions of a tenant', () => {
  test.each([
    { max: 4, min: 0, left: 0 },
    { max: 4, min: 2, left: 2 },
    { max: 4, min: 4, left: 4 },
  ])('are $max at most; after half a minute of rest $left of them stay, with at least $min', async (sizes) => {
    const sessions = pool(sizes.max, sizes.min)
    await ask(sessions, 9)
    expect(open).toBe(sizes.max)
    await vi.advanceTimersByTimeAsync(29_000)
    expect(open).toBe(sizes.max)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(open).toBe(sizes.left)
    await ask(sessions, 1)
    await sessions.close()
    expect(open).toBe(0)
  })

  test('no more than were needed are opened, whatever the least is', async () => {
    const sessions = pool(4, 3)
    await ask(sessions, 1)
    expect(open).toBe(1)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(open).toBe(1)
    await sessions.close()
  })
})
