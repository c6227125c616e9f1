import type { Emit } from '../../model/events.ts'

/** Where events go while a command works. `close` leaves the terminal clean for the result. */
export interface ProgressOutput {
  emit: Emit
  /** A line from the command line itself, such as what an interrupt does. */
  say(line: string): void
  close(): void
}

/** A stream to print on: `process.stderr`, or a buffer in tests. */
export interface TextStream {
  write(text: string): unknown
  isTTY?: boolean | undefined
  columns?: number | undefined
}

/** For `--quiet`: events vanish, what the command line itself has to say does not. */
export function ignoreEvents(stream: TextStream): ProgressOutput {
  return { emit: () => {}, say: (line) => stream.write(`${line}\n`), close: () => {} }
}

/** For `--log-format json`: each event is one line, with the time it was seen. */
export function writeEventLines(stream: TextStream, now: () => number): ProgressOutput {
  const write = (value: object) =>
    stream.write(`${JSON.stringify({ time: new Date(now()).toISOString(), ...value })}\n`)
  return { emit: write, say: (message) => write({ type: 'message', message }), close: () => {} }
}
