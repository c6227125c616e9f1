import type { TenantryEvent } from '../../model/events.ts'
import { countResult, emptySummary } from '../../rollout/report.ts'

/** What runs in one target right now. */
export interface RunningTarget {
  set: string
  target: string
  migration: string | null
  sinceMs: number
  /** Why it does not get on, as of the last event that said so. */
  note: string | null
}

/** How far a run is: a fold over its events. Holds what runs now, never what has ended. */
export interface ProgressState {
  command: 'up' | 'down' | null
  tenants: number
  databases: number
  total: number
  /** Results that the sets begun so far will bring. */
  announced: number
  startedAtMs: number
  counts: ReturnType<typeof emptySummary>
  running: Map<string, RunningTarget>
  /** More than one: their names are worth a word. */
  waves: number
  wave: string | null
  stopping: string | null
}

export function startProgress(nowMs: number): ProgressState {
  return {
    command: null,
    tenants: 0,
    databases: 0,
    total: 0,
    announced: 0,
    startedAtMs: nowMs,
    counts: emptySummary(),
    running: new Map(),
    waves: 0,
    wave: null,
    stopping: null,
  }
}

/** Works one event into the state, in place. */
export function foldProgress(state: ProgressState, event: TenantryEvent, nowMs: number): void {
  switch (event.type) {
    case 'fleet-read':
      state.tenants = event.tenants
      state.databases = event.databases
      state.total = event.targets
      break
    case 'rollout-started':
      state.command = event.command
      state.waves = event.waves
      state.total = event.targets
      state.startedAtMs = nowMs
      break
    case 'set-started':
      // A fleet with several sets has more results than targets.
      state.announced += event.targets
      state.total = Math.max(state.total, state.announced)
      break
    case 'wave-started':
      state.wave = event.wave
      break
    case 'target-started':
      state.running.set(keyOf(event), {
        set: event.set,
        target: event.target,
        migration: null,
        sinceMs: nowMs,
        note: null,
      })
      break
    case 'migration-started': {
      const running = state.running.get(keyOf(event))
      if (running) Object.assign(running, { migration: event.migration, sinceMs: nowMs, note: null })
      break
    }
    case 'migration-finished': {
      const running = state.running.get(keyOf(event))
      if (running) Object.assign(running, { migration: null, sinceMs: nowMs, note: null })
      break
    }
    case 'target-waiting': {
      const running = state.running.get(keyOf(event))
      if (running) running.note = event.reason
      break
    }
    case 'target-slow': {
      const running = state.running.get(keyOf(event))
      if (running) Object.assign(running, { migration: event.migration, sinceMs: nowMs - event.runningMs })
      break
    }
    case 'target-finished':
      state.running.delete(`${event.set}\n${event.result.target}`)
      countResult(state.counts, event.result)
      state.total = Math.max(state.total, state.counts.targets)
      break
    case 'rollout-stopping':
      state.stopping = event.message
      break
    default:
  }
}

function keyOf(event: { set: string; target: string }): string {
  return `${event.set}\n${event.target}`
}

/** Targets per second so far, and how long the rest takes at that rate; null while that would be a guess. */
export function paceOf(state: ProgressState, nowMs: number): { perSecond: number; remainingMs: number } | null {
  const done = state.counts.targets
  const elapsedMs = nowMs - state.startedAtMs
  if (done < 3 || elapsedMs < 1000) return null
  const perSecond = (done * 1000) / elapsedMs
  return { perSecond, remainingMs: ((state.total - done) / perSecond) * 1000 }
}

/** The target that has been at one thing for longest, if that is at least `atLeastMs`. */
export function slowestOf(state: ProgressState, nowMs: number, atLeastMs: number): RunningTarget | null {
  let slowest: RunningTarget | null = null
  for (const running of state.running.values()) {
    if (nowMs - running.sinceMs < atLeastMs) continue
    if (slowest === null || running.sinceMs < slowest.sinceMs) slowest = running
  }
  return slowest
}
