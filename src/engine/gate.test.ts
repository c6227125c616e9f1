import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Gate } from './gate.ts'

test('exclusive work runs alone, everything runs once, nobody starves', async () => {
  const gate = new Gate()
  let shared = 0
  let exclusive = 0
  let ran = 0
  const violations: string[] = []
  const look = () => {
    if (exclusive > 1 || (exclusive === 1 && shared > 0)) violations.push(`${shared} shared, ${exclusive} exclusive`)
  }
  const work = Array.from({ length: 200 }, async (_, i) => {
    await sleep(i % 7)
    if (i % 5 === 0) {
      await gate.runExclusive(async () => {
        exclusive++
        look()
        await sleep(1)
        exclusive--
        ran++
      })
    } else {
      await gate.runShared(async () => {
        shared++
        look()
        await sleep(i % 3)
        shared--
        ran++
      })
    }
  })
  await Promise.all(work)
  expect(violations).toEqual([])
  expect(ran).toBe(200)
})

test('a failure inside opens the gate again', async () => {
  const gate = new Gate()
  await expect(gate.runExclusive(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
  await expect(gate.runShared(async () => 1)).resolves.toBe(1)
})
