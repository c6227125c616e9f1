import type { TextStream } from './progress/output.ts'

/** Writes to a stream that may be a pipe, and waits until it takes more. False: nobody reads it any more. */
export async function writeText(stream: TextStream, text: string): Promise<boolean> {
  const pipe = stream as TextStream & Partial<NodeJS.WriteStream>
  if (pipe.destroyed === true) return false
  if (stream.write(text) !== false || pipe.once === undefined) return true
  await new Promise<void>((resolve) => {
    const done = () => {
      for (const event of ['drain', 'close', 'error'] as const) pipe.off?.(event, done)
      resolve()
    }
    for (const event of ['drain', 'close', 'error'] as const) pipe.once?.(event, done)
  })
  return (pipe.destroyed as boolean | undefined) !== true
}
