import type { RunSignals } from '../model/report.ts'

/** Where signals come from: the process, or a test. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: () => void): unknown
  off(signal: NodeJS.Signals, listener: () => void): unknown
}

export interface InterruptOptions {
  source: SignalSource
  say(line: string): void
  /** Ends the process at once. */
  exit(code: 130): void
  /** What to type after the last rung, as a sentence. */
  goOn: string
}

export interface Interrupts {
  signals: RunSignals
  stop(): void
}

/**
 * The ladder of Ctrl-C (SIGTERM counts the same): the first drains, the second cancels in the servers, the third
 * leaves at once. Nothing is lost on any rung; the next run goes on from what the targets recorded.
 */
export function watchInterrupts({ source, say, exit, goOn }: InterruptOptions): Interrupts {
  const drain = new AbortController()
  const cancel = new AbortController()
  const step = () => {
    if (!drain.signal.aborted) {
      say('Interrupted: finishing what is in flight, starting nothing new. Press Ctrl-C again to cancel it.')
      drain.abort()
    } else if (!cancel.signal.aborted) {
      say('Cancelling what runs in the servers. Press Ctrl-C again to leave at once.')
      cancel.abort()
    } else {
      say(`Left at once: what was sent may still finish on the servers. ${goOn}`)
      exit(130)
    }
  }
  source.on('SIGINT', step)
  source.on('SIGTERM', step)
  return {
    signals: { drain: drain.signal, cancel: cancel.signal },
    stop: () => {
      source.off('SIGINT', step)
      source.off('SIGTERM', step)
    },
  }
}

/** For commands that change nothing that could be half-done: the first Ctrl-C leaves. */
export function leaveOnInterrupt({ source, say, exit }: Omit<InterruptOptions, 'goOn'>): () => void {
  const leave = () => {
    say('Interrupted. Nothing is left half-done: the same command starts over.')
    exit(130)
  }
  source.on('SIGINT', leave)
  source.on('SIGTERM', leave)
  return () => {
    source.off('SIGINT', leave)
    source.off('SIGTERM', leave)
  }
}
