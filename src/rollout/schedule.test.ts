import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { runBounded } from './schedule.ts'

interface Item {
  server: string
  database: string
  ms: number
}

const item = fc.record({
  server: fc.constantFrom('a', 'b', 'c'),
  database: fc.constantFrom('1', '2', '3', '4'),
  ms: fc.integer({ min: 0, max: 3 }),
})

test('everything runs once, and no limit is ever passed', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(item, { maxLength: 60 }),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 3 }),
      async (items, fleet, perServer, perDatabase) => {
        const running = new Map<string, number>()
        const count = (key: string, by: number) => {
          const now = (running.get(key) ?? 0) + by
          running.set(key, now)
          return now
        }
        const done: Item[] = []
        const drained: string[] = []
        await runBounded(
          items,
          (one) => one,
          { fleet, perServer: () => perServer, perDatabase: () => perDatabase },
          async (one) => {
            expect(count('fleet', 1)).toBeLessThanOrEqual(fleet)
            expect(count(one.server, 1)).toBeLessThanOrEqual(perServer)
            expect(count(`${one.server}/${one.database}`, 1)).toBeLessThanOrEqual(perDatabase)
            await sleep(one.ms)
            for (const key of ['fleet', one.server, `${one.server}/${one.database}`]) count(key, -1)
            done.push(one)
          },
          () => false,
          (place) => drained.push(`${place.server}/${place.database}`),
        )
        expect(done).toHaveLength(items.length)
        expect(new Set(done).size).toBe(items.length)
        expect(drained.sort()).toEqual([...new Set(items.map((one) => `${one.server}/${one.database}`))].sort())
      },
    ),
    { numRuns: 60 },
  )
})

test('one slow target holds nobody up', async () => {
  const finished: string[] = []
  const slow = { server: 's', database: 'slow' }
  const others = Array.from({ length: 20 }, (_, i) => ({ server: 's', database: `d${i}` }))
  await runBounded(
    [slow, ...others],
    (one) => one,
    { fleet: 2, perServer: () => 2, perDatabase: () => 1 },
    async (one) => {
      await sleep(one === slow ? 150 : 1)
      finished.push(one.database)
    },
  )
  expect(finished.at(-1)).toBe('slow')
})

test('after stop nothing new starts, and what runs is waited for', async () => {
  let started = 0
  let ended = 0
  await runBounded(
    Array.from({ length: 50 }, (_, i) => i),
    (i) => ({ server: 's', database: String(i) }),
    { fleet: 4, perServer: () => 4, perDatabase: () => 4 },
    async () => {
      started++
      await sleep(5)
      ended++
    },
    () => started >= 6,
  )
  expect(ended).toBe(started)
  expect(started).toBeLessThan(12)
})

test('an error starts nothing new, waits for what runs, and comes out', async () => {
  const started: number[] = []
  const ended: number[] = []
  const run = async (i: number) => {
    started.push(i)
    if (i === 1) throw new Error('the second one')
    await sleep(5)
    ended.push(i)
  }
  const limits = { fleet: 2, perServer: () => 2, perDatabase: () => 2 }
  await expect(runBounded([0, 1, 2, 3], () => ({ server: 'a', database: '1' }), limits, run)).rejects.toThrow(
    'the second one',
  )
  expect([started, ended]).toEqual([[0, 1], [0]])
})
