import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Files that may stay open behind our back before something is done about it. */
const mostLeftOpen = 64

let leftOpen = 0
let collecting: Promise<void> | null = null
let collect: (() => void) | null = null

/**
 * `libsql` closes a file only once the last statement prepared for it has been collected as garbage, which may be
 * thousands of files later: more than a process may have open.
 * @param prepared statements prepared for the file that has just been closed
 */
export function noteClosed(prepared: number): void {
  if (prepared > 0) leftOpen++
}

/**
 * Called before a file is opened: where many are left open, has the garbage collected, and waits until what was found
 * is closed, which Node does between two turns of its loop.
 */
export async function boundHandles(): Promise<void> {
  if (leftOpen >= mostLeftOpen) collecting ??= closeLeft()
  await collecting
}

async function closeLeft(): Promise<void> {
  leftOpen = 0
  if (collect === null) {
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('gc') as () => void
    setFlagsFromString('--no-expose-gc')
  }
  collect()
  for (let turn = 0; turn < 3; turn++) await setImmediate()
  collecting = null
}
