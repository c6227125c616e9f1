import type { TenantryEvent } from '../../model/events.ts'
import { type Colors, formatDuration, plural, showControls } from '../text.ts'
import { describeDataChange } from './data-changes.ts'
import {
  describeMilestone,
  describeProgress,
  describeResult,
  describeSlow,
  describeSlowest,
  describeWaiting,
} from './describe.ts'
import type { ProgressOutput, TextStream } from './output.ts'
import { describeProvision } from './provision.ts'
import { describeSeeded } from './seeds.ts'
import { foldProgress, startProgress } from './state.ts'

/** Up to this many targets, each gets its line. */
const smallFleet = 50
const progressEveryMs = 5000
const repeatWaitingAfterMs = 15_000

export interface PlainOptions {
  colors: Colors
  verbose: boolean
  now: () => number
}

/**
 * Lines for logs. A small fleet: a line per target. A larger one: every failure, and every five seconds how far it
 * is. A target that keeps waiting says so once per 15 seconds.
 */
export function writePlainLines(stream: TextStream, options: PlainOptions): ProgressOutput {
  const { colors, verbose, now } = options
  const state = startProgress(now())
  const waitingSaidAt = new Map<string, number>()
  let progressSaidAtMs = now()
  const say = (line: string) => stream.write(`${line}\n`)

  function sayWaiting(event: Extract<TenantryEvent, { type: 'target-waiting' }>): void {
    const saidAtMs = waitingSaidAt.get(event.target)
    if (saidAtMs !== undefined && now() - saidAtMs < repeatWaitingAfterMs) return
    waitingSaidAt.set(event.target, now())
    say(`${colors.yellow('…')} ${describeWaiting(event)}`)
  }

  function sayFinished(event: Extract<TenantryEvent, { type: 'target-finished' }>): void {
    waitingSaidAt.delete(event.result.target)
    const { result } = event.result
    if (result === 'failed' || verbose || (state.total <= smallFleet && result !== 'stopped')) {
      say(describeResult(event.result, colors))
    }
  }

  function sayWave(event: Extract<TenantryEvent, { type: 'wave-started' | 'wave-finished' }>): void {
    if (state.waves < 2) return
    const end = event.type === 'wave-finished' ? ` done, ${event.failed} failed` : ''
    say(`Wave ${event.wave}: ${plural(event.targets, 'target')}${end}`)
  }

  function sayProgress(): void {
    if (state.total <= smallFleet || now() - progressSaidAtMs < progressEveryMs) return
    progressSaidAtMs = now()
    const slowest = describeSlowest(state, now())
    say(`${describeProgress(state, now())}${slowest && `; ${slowest}`}`)
  }

  function sayVerbose(event: TenantryEvent): void {
    if (event.type === 'migration-finished') {
      const verb = event.direction === 'up' ? 'applied' : 'undone'
      say(colors.dim(`  ${event.target}: ${verb} ${event.migration} (${formatDuration(event.durationMs)})`))
    } else if (event.type === 'statement-finished') {
      say(colors.dim(`  ${event.target}: ${event.migration} statement ${event.statement} of ${event.of}`))
    }
  }

  function emit(received: TenantryEvent): void {
    const event = showControls(received)
    foldProgress(state, event, now())
    const milestone =
      describeMilestone(event, colors) ??
      describeDataChange(event, colors, verbose || state.total <= smallFleet) ??
      describeSeeded(event, colors, verbose || state.total <= smallFleet) ??
      describeProvision(event, colors)
    if (milestone !== null) say(milestone)
    else if (event.type === 'target-waiting') sayWaiting(event)
    else if (event.type === 'target-slow') say(`${colors.yellow('…')} ${describeSlow(event)}`)
    else if (event.type === 'target-finished') sayFinished(event)
    else if (event.type === 'wave-started' || event.type === 'wave-finished') sayWave(event)
    else if (verbose) sayVerbose(event)
    sayProgress()
  }

  return { emit, say, close: () => {} }
}
