import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { leaveOnInterrupt, watchInterrupts } from './interrupts.ts'

function world() {
  const source = new EventEmitter()
  const said: string[] = []
  const exits: number[] = []
  return {
    source,
    said,
    exits,
    options: {
      source,
      say: (line: string) => void said.push(line),
      exit: (code: 130) => void exits.push(code),
      goOn: '`tenantry up --env staging` continues.',
    },
  }
}

test('first drain, then cancel, then leave with 130 and how to continue', () => {
  const { source, said, exits, options } = world()
  const { signals } = watchInterrupts(options)
  source.emit('SIGINT')
  expect([signals.drain.aborted, signals.cancel.aborted, exits]).toEqual([true, false, []])
  expect(said.at(-1)).toContain('Press Ctrl-C again to cancel')
  source.emit('SIGTERM')
  expect([signals.drain.aborted, signals.cancel.aborted, exits]).toEqual([true, true, []])
  source.emit('SIGINT')
  expect(exits).toEqual([130])
  expect(said.at(-1)).toContain('`tenantry up --env staging` continues')
})

test('nothing listens after stop', () => {
  const { source, options } = world()
  watchInterrupts(options).stop()
  leaveOnInterrupt(options)()
  expect(source.listenerCount('SIGINT') + source.listenerCount('SIGTERM')).toBe(0)
})

test('a command that changes nothing leaves at the first', () => {
  const { source, exits, options } = world()
  leaveOnInterrupt(options)
  source.emit('SIGINT')
  expect(exits).toEqual([130])
})
