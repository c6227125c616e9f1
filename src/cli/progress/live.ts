import type { TenantryEvent } from '../../model/events.ts'
import { type Colors, showControls } from '../text.ts'
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
import { foldProgress, type ProgressState, startProgress } from './state.ts'

const drawEveryMs = 100
/** A page of failures on the screen; the summary groups them all. */
const mostFailureLines = 20

export interface LiveOptions {
  colors: Colors
  verbose: boolean
  now: () => number
}

/** One line that is drawn over itself, with what needs a person printed above it. */
export function drawLiveLine(stream: TextStream, options: LiveOptions): ProgressOutput {
  const { colors, verbose, now } = options
  const state = startProgress(now())
  let drawn = false
  let drawnAtMs = 0
  let failureLines = 0
  let lastWaiting = ''
  // Redrawn without events too: a run that waits must not look dead.
  const timer = setInterval(draw, 1000)
  timer.unref()

  function erase(): void {
    if (drawn) stream.write('\r\x1b[2K')
    drawn = false
  }

  function draw(): void {
    if (state.command === null) return
    drawnAtMs = now()
    erase()
    // A terminal that does not know its width says 0.
    stream.write(cutToWidth(liveText(state, now()), (stream.columns || 80) - 1))
    drawn = true
  }

  function say(line: string): void {
    erase()
    stream.write(`${line}\n`)
  }

  function sayWhatMatters(event: TenantryEvent): void {
    const milestone =
      describeMilestone(event, colors) ??
      describeDataChange(event, colors, verbose || state.total <= 20) ??
      describeSeeded(event, colors, verbose || state.total <= 20) ??
      describeProvision(event, colors)
    if (milestone !== null) say(milestone)
    else if (event.type === 'target-slow') say(`${colors.yellow('…')} ${describeSlow(event)}`)
    else if (event.type === 'target-waiting' && event.reason !== 'exclusive') {
      const line = describeWaiting({ ...event, attempt: 1, delayMs: 0 })
      if (line !== lastWaiting) say(`${colors.yellow('…')} ${line}`)
      lastWaiting = line
    } else if (event.type === 'wave-finished' && event.failed > 0) {
      say(`Wave ${event.wave}: ${event.failed} of ${event.targets} failed`)
    } else if (event.type === 'target-finished' && (verbose || event.result.result === 'failed')) {
      failureLines++
      if (verbose || failureLines <= mostFailureLines) say(describeResult(event.result, colors))
      else if (failureLines === mostFailureLines + 1) say(colors.dim('  further failures are in the summary'))
    }
  }

  function emit(received: TenantryEvent): void {
    const event = showControls(received)
    foldProgress(state, event, now())
    sayWhatMatters(event)
    if (!drawn || now() - drawnAtMs >= drawEveryMs) draw()
  }

  function close(): void {
    clearInterval(timer)
    erase()
    state.command = null
  }

  return { emit, say, close }
}

/** The text of the line, without the cursor's movements. */
export function liveText(state: ProgressState, nowMs: number): string {
  const wave = state.wave === null || state.waves < 2 ? '' : `wave ${state.wave}`
  const running = state.running.size > 0 ? `${state.running.size} running` : ''
  const parts = [wave, describeProgress(state, nowMs), running, describeSlowest(state, nowMs)]
  return `${state.stopping === null ? '' : 'stopping: '}${parts.filter((part) => part !== '').join(' · ')}`
}

function cutToWidth(text: string, columns: number): string {
  const characters = [...text]
  return characters.length <= columns ? text : `${characters.slice(0, Math.max(columns - 1, 0)).join('')}…`
}
