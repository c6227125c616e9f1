import type { ErrorDocument } from './errors.ts'

export type TargetResultKind = 'applied' | 'undone' | 'up-to-date' | 'pending' | 'failed' | 'skipped' | 'stopped'

export interface WaveRule {
  name: string
  /** Targets in this wave; or a share of all; neither: the rest. */
  count?: number
  percent?: number
}

/** How a rollout is carried out. */
export interface Policy {
  waves: readonly WaveRule[]
  /** Failures that are tolerated: a number, a percentage of all targets, or null for no limit. */
  maxFailures: { count: number } | { percent: number } | null
  /** A failure in one wave keeps the next from starting; the wave itself is finished. Absent: false. */
  stopAfterFailedWave?: boolean
}

/** The outcome of one target in one set. The JSON documents print exactly this. */
export interface TargetResult {
  target: string
  tenants: readonly string[]
  set: string
  result: TargetResultKind
  applied: readonly string[]
  undone: readonly string[]
  pending: readonly string[]
  failed: readonly string[]
  changed: readonly string[]
  missing: readonly string[]
  outOfOrder: readonly string[]
  unverified: readonly string[]
  durationMs: number
  error: ErrorDocument | null
}

export interface Summary {
  targets: number
  applied: number
  undone: number
  upToDate: number
  pending: number
  failed: number
  skipped: number
  stopped: number
  durationMs: number
}

export interface WaveResult {
  name: string
  state: 'pending' | 'running' | 'done' | 'failed' | 'stopped'
  targets: number
  failed: number
}
