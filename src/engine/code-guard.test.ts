import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { refuseExit } from '../formats/refuse-exit.ts'
import { guardCode, takeStray } from './code-guard.ts'

const events = ['uncaughtException', 'unhandledRejection'] as const
let kept: ((...args: unknown[]) => void)[][]
let exit: typeof process.exit
const exits = vi.fn()

// The test runner's own would take what is thrown here on purpose for its own failure.
beforeEach(() => {
  kept = events.map((event) => process.listeners(event as 'exit') as never)
  for (const event of events) process.removeAllListeners(event)
  exit = process.exit
  process.exit = exits as never
  exits.mockReset()
})
afterEach(() => {
  for (const [i, event] of events.entries()) {
    process.removeAllListeners(event)
    for (const listener of kept[i] ?? []) process.on(event as 'exit', listener)
  }
  process.exit = exit
})

const none = (error: unknown) => {
  throw new Error(`nothing should be told here: ${error}`)
}

test('gives what the code gives, and leaves nothing behind', async () => {
  expect(await guardCode(async () => 7, none)).toBe(7)
  await expect(guardCode(() => Promise.reject(new Error('mine')), none)).rejects.toThrow('mine')
  await expect(
    guardCode(() => {
      throw new Error('at once')
    }, none),
  ).rejects.toThrow('at once')
  expect(events.map((event) => process.listenerCount(event))).toEqual([0, 0])
  process.exit(3)
  expect(exits).toHaveBeenCalledWith(3)
})

test('process.exit fails the run of which it was called, and only that', async () => {
  const other = guardCode(async () => {
    await sleep(30)
    return 'other'
  }, none)
  await expect(guardCode(async () => process.exit(1), none)).rejects.toMatchObject({ kind: 'exit' })
  expect(await other).toBe('other')
  expect(exits).not.toHaveBeenCalled()
})

test('however the code takes it', async () => {
  const swallowed = guardCode(async () => {
    try {
      process.exit()
    } catch {
      return 'as if nothing had been'
    }
  }, none)
  await expect(swallowed).rejects.toMatchObject({ kind: 'exit', message: 'it called process.exit()' })
  const hanging = guardCode(async () => {
    setTimeout(() => process.exit(2), 5)
    await new Promise(() => {})
  }, none)
  await expect(hanging).rejects.toMatchObject({ kind: 'exit', message: 'it called process.exit(2)' })
  const loose = guardCode(async () => {
    void (async () => process.exit(0))()
    return 'done'
  }, none)
  await expect(loose).rejects.toMatchObject({ kind: 'exit' })
  expect(exits).not.toHaveBeenCalled()
})

test('from elsewhere it is as ever while code runs', async () => {
  const guarded = guardCode(() => sleep(20), none)
  process.exit(5)
  expect(exits).toHaveBeenCalledWith(5)
  await guarded
})

test('while a file is imported, whichever of the two begins or ends first', async () => {
  const before = process.exit
  for (const imported of ['first', 'last']) {
    const allow = imported === 'first' ? refuseExit() : null
    let end = () => {}
    const guarded = guardCode(async () => {
      await new Promise<void>((resolve) => {
        end = resolve
      })
      process.exit(1)
    }, none)
    const allowToo = allow ?? refuseExit()
    expect(() => process.exit(4)).toThrow('it calls process.exit')
    if (imported === 'first') allowToo()
    end()
    await expect(guarded).rejects.toMatchObject({ kind: 'exit' })
    allowToo()
    expect(process.exit).toBe(before)
  }
  expect(exits).not.toHaveBeenCalled()
})

test('three at once: each has its own strays, told once', async () => {
  const strays: string[][] = [[], [], []]
  const results = await Promise.allSettled(
    [0, 1, 2].map((n) =>
      guardCode(
        async () => {
          await sleep(n)
          if (n !== 1) void Promise.reject(new Error(`stray ${n}`))
          if (n === 1) setTimeout(() => process.exit(1), 1)
          await sleep(30)
          return n
        },
        (error) => strays[n]?.push((error as Error).message),
      ),
    ),
  )
  expect(strays).toEqual([['stray 0'], [], ['stray 2']])
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(events.map((event) => process.listenerCount(event))).toEqual([0, 0])
})

test('an exception that nobody can catch fails the run, which may never come back', async () => {
  const guarded = guardCode(
    () =>
      new Promise(() => {
        setTimeout(() => {
          throw new Error('in a timer')
        }, 1)
      }),
    none,
  )
  await expect(guarded).rejects.toThrow('in a timer')
})

test('a rejection in the last moment is still told', async () => {
  const strays: unknown[] = []
  await guardCode(
    async () => {
      void Promise.reject(new Error('last'))
    },
    (error) => strays.push(error),
  )
  expect(strays).toHaveLength(1)
})

test('what is nobody’s is told to all that run, and ends nothing', async () => {
  const strays: unknown[] = []
  const both = [1, 2].map(() =>
    guardCode(
      () => sleep(40),
      (error) => strays.push(error),
    ),
  )
  setTimeout(() => {
    throw new Error('nobody’s')
  }, 1)
  void Promise.reject(new Error('nobody’s either'))
  await Promise.all(both)
  expect(strays).toHaveLength(4)
})

test('what a finished run left behind is told to it, while another one runs', async () => {
  const strays: unknown[] = []
  await guardCode(
    async () => {
      setTimeout(() => {
        throw new Error('late')
      }, 10)
    },
    (error) => strays.push((error as Error).message),
  )
  await guardCode(() => sleep(30), none)
  expect(strays).toEqual(['late'])
})

test('whoever else hears of it can ask whether it is the code of a migration, also when that is over', async () => {
  const answers: boolean[] = []
  const listen = (error: unknown) => answers.push(takeStray(error))
  for (const event of events) process.on(event, listen)
  const strays: unknown[] = []
  await guardCode(
    async () => {
      setTimeout(() => Promise.reject(new Error('late')), 5)
      setTimeout(() => {
        throw new Error('later')
      }, 10)
    },
    (error) => strays.push(error),
  )
  await sleep(40)
  expect(answers).toEqual([true, true])
  expect(strays).toMatchObject([{ message: 'late' }, { message: 'later' }])
  expect(takeStray(new Error('of nobody'))).toBe(false)
})
