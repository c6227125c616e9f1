import { createColors } from 'picocolors'
import { describe, expect, test } from 'vitest'
import type { Blocker } from '../../model/dialect.ts'
import type { TenantryEvent } from '../../model/events.ts'
import type { TargetResult } from '../../model/rollout.ts'
import { drawLiveLine, liveText } from './live.ts'
import { writeEventLines } from './output.ts'
import { writePlainLines } from './plain.ts'
import { foldProgress, paceOf, startProgress } from './state.ts'

const blocker: Blocker = {
  sessionId: 4711,
  applicationName: 'psql',
  user: 'app',
  since: '2026-01-01T00:00:00Z',
  state: 'idle in transaction',
}

function finished(target: string, change: Partial<TargetResult> = {}): TenantryEvent {
  const lists = { undone: [], pending: [], failed: [], changed: [], missing: [], outOfOrder: [], unverified: [] }
  return {
    type: 'target-finished',
    set: 's',
    result: {
      target,
      tenants: [],
      set: 's',
      result: 'applied',
      applied: ['001_init'],
      ...lists,
      durationMs: 12,
      error: null,
      ...change,
    },
  }
}

function failed(target: string, message: string): TenantryEvent {
  return finished(target, {
    result: 'failed',
    applied: [],
    error: { code: 'MIGRATION_FAILED', message, hint: null, context: {} },
  })
}

function started(targets: number): TenantryEvent[] {
  return [
    { type: 'fleet-read', tenants: targets, targets, databases: 1 },
    { type: 'rollout-started', rollout: 'r_1', command: 'up', targets, waves: 1 },
  ]
}

/** Collects what is written, under a clock that the test sets. */
function collector(verbose = false) {
  const clock = { nowMs: 0 }
  const written: string[] = []
  const stream = { write: (text: string) => written.push(text), columns: 60 }
  const options = { colors: createColors(false), verbose, now: () => clock.nowMs }
  return { clock, written, stream, options }
}

describe('plain lines', () => {
  test('a small fleet: a line per target', () => {
    const { written, stream, options } = collector()
    const output = writePlainLines(stream, options)
    for (const event of [...started(2), finished('m/a/t_1'), failed('m/a/t_2', 'no such table\nDETAIL: x')]) {
      output.emit(event)
    }
    expect(written.join('')).toBe(
      [
        'Found 2 targets in 1 database; the fleet has 2 tenants',
        'Rollout r_1: up on 2 targets',
        '✔ m/a/t_1: applied 001_init (12 ms)',
        '✖ m/a/t_2: MIGRATION_FAILED no such table',
        '',
      ].join('\n'),
    )
  })

  test('900 targets: every failure, and how far it is every five seconds', () => {
    const { clock, written, stream, options } = collector()
    const output = writePlainLines(stream, options)
    for (const event of started(900)) output.emit(event)
    written.length = 0
    for (let i = 0; i < 140; i++) {
      clock.nowMs = (i + 1) * 100
      output.emit(i % 70 === 69 ? failed(`m/a/t_${i}`, 'no') : finished(`m/a/t_${i}`))
    }
    expect(written).toEqual([
      '50/900 done: 50 applied, 0 failed; 10.0/s, about 1 min 25 s left\n',
      '✖ m/a/t_69: MIGRATION_FAILED no\n',
      '100/900 done: 99 applied, 1 failed; 10.0/s, about 1 min 20 s left\n',
      '✖ m/a/t_139: MIGRATION_FAILED no\n',
    ])
  })

  test('who blocks: pid, application and since when; the same wait once per 15 seconds', () => {
    const { clock, written, stream, options } = collector()
    const output = writePlainLines(stream, options)
    const waiting = (attempt: number): TenantryEvent => ({
      type: 'target-waiting',
      set: 's',
      target: 'm/a/t_1',
      reason: 'lock-timeout',
      attempt,
      delayMs: 250,
      blockers: [blocker],
    })
    for (let attempt = 1; attempt <= 40; attempt++) {
      clock.nowMs += 500
      output.emit(waiting(attempt))
    }
    expect(written).toEqual([
      '… m/a/t_1: waiting, a lock was not free in time, next try in 250 ms; blocked by pid 4711 (psql, user app, idle in transaction, since 2026-01-01T00:00:00Z)\n',
      '… m/a/t_1: waiting, a lock was not free in time, try 31, next try in 250 ms; blocked by pid 4711 (psql, user app, idle in transaction, since 2026-01-01T00:00:00Z)\n',
    ])
  })

  test('a process that holds a file has no user', () => {
    const { written, stream, options } = collector()
    const blockers = [{ ...blocker, applicationName: 'node', user: '', state: null, since: null }]
    const output = writePlainLines(stream, options)
    const waiting = { reason: 'lock-timeout', attempt: 1, delayMs: 250, blockers } as const
    output.emit({ type: 'target-waiting', set: 's', target: 'm/t.db', ...waiting })
    expect(written[0]).toContain('; blocked by pid 4711 (node)\n')
  })

  test('waves are named where there are several', () => {
    const { written, stream, options } = collector()
    const output = writePlainLines(stream, options)
    const wave = { set: 's', wave: 'all', targets: 2 }
    for (const event of started(2)) output.emit(event)
    output.emit({ type: 'wave-started', ...wave })
    expect(written).toHaveLength(2)
    output.emit({ type: 'rollout-started', rollout: 'r_2', command: 'up', targets: 2, waves: 2 })
    written.length = 0
    output.emit({ type: 'wave-started', ...wave, wave: 'canary' })
    output.emit({ type: 'wave-finished', ...wave, wave: 'canary', failed: 1 })
    expect(written).toEqual(['Wave canary: 2 targets\n', 'Wave canary: 2 targets done, 1 failed\n'])
  })

  test('a slow migration says so', () => {
    const { written, stream, options } = collector()
    writePlainLines(stream, options).emit({
      type: 'target-slow',
      set: 's',
      target: 'm/a/t_1',
      migration: '002_x',
      runningMs: 30_000,
      blockers: [],
    })
    expect(written).toEqual(['… m/a/t_1: 002_x has been running for 30.0 s\n'])
  })

  test('verbose adds each migration', () => {
    const { written, stream, options } = collector(true)
    writePlainLines(stream, options).emit({
      type: 'migration-finished',
      set: 's',
      target: 't',
      migration: '001',
      direction: 'down',
      durationMs: 5,
    })
    expect(written).toEqual(['  t: undone 001 (5 ms)\n'])
  })
})

describe('live line', () => {
  test('one line over itself, failures above it, nothing left at the end', () => {
    const { clock, written, stream, options } = collector()
    const output = drawLiveLine(stream, options)
    for (const event of started(900)) output.emit(event)
    clock.nowMs = 2000
    output.emit(failed('m/a/t_1', 'no'))
    output.close()
    const text = written.join('')
    expect(text).toContain('\r\x1b[2K✖ m/a/t_1: MIGRATION_FAILED no\n1/900 done: 1 failed')
    expect(text.endsWith('\r\x1b[2K')).toBe(true)
  })

  test('is cut to the width of the terminal', () => {
    const { written, stream, options } = collector()
    const output = drawLiveLine({ ...stream, columns: 20 }, options)
    for (const event of started(900)) output.emit(event)
    expect(written.at(-1)).toBe('0/900 done: 0 fail…')
    output.close()
  })

  test('shows the wave, what runs, and what has been at it for longest', () => {
    const state = startProgress(0)
    const events: TenantryEvent[] = [
      { type: 'rollout-started', rollout: 'r_1', command: 'up', targets: 900, waves: 2 },
      { type: 'wave-started', set: 's', wave: 'canary', targets: 5 },
      { type: 'target-started', set: 's', target: 'm/a/t_1' },
      { type: 'target-started', set: 's', target: 'm/a/t_2' },
      { type: 'migration-started', set: 's', target: 'm/a/t_2', migration: '002_x', direction: 'up' },
    ]
    for (const event of events) foldProgress(state, event, 1000)
    for (let i = 3; i < 7; i++) foldProgress(state, finished(`m/a/t_${i}`), 2000)
    foldProgress(state, { type: 'target-started', set: 's', target: 'm/a/t_9' }, 8000)
    foldProgress(state, finished('m/a/t_1'), 8000)
    expect(liveText(state, 11_000)).toBe(
      'wave canary · 5/900 done: 5 applied, 0 failed; 0.5/s, about 29 min 50 s left · 2 running · slowest: m/a/t_2 002_x for 10.0 s',
    )
  })
})

test('a name cannot steer the terminal', () => {
  const { written, stream, options } = collector()
  writePlainLines(stream, options).emit(failed('m/a/\u001b[2J', 'no'))
  expect(written.join('')).not.toContain('\u001b')
})

test('JSON lines carry the event and the time', () => {
  const { written, stream } = collector()
  const output = writeEventLines(stream, () => 0)
  output.emit({ type: 'target-started', set: 's', target: 't' })
  output.say('stopping')
  expect(written.map((line) => JSON.parse(line))).toEqual([
    { time: '1970-01-01T00:00:00.000Z', type: 'target-started', set: 's', target: 't' },
    { time: '1970-01-01T00:00:00.000Z', type: 'message', message: 'stopping' },
  ])
})

test('no pace is guessed from two targets, and several sets count on', () => {
  const state = startProgress(0)
  for (const event of [...started(2), finished('a'), finished('b')]) foldProgress(state, event, 0)
  expect(paceOf(state, 5000)).toBe(null)
  for (const set of ['first', 'second']) {
    foldProgress(state, { type: 'set-started', set, targets: 2, migrations: 1 }, 0)
  }
  expect(state.total).toBe(4)
  foldProgress(state, finished('a', { set: 'second' }), 5000)
  expect([state.total, paceOf(state, 5000)]).toEqual([4, { perSecond: 0.6, remainingMs: 5000 / 3 }])
})
