import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Files that may stay open behind our back before something is done about it. */
const mostLeftOpen = 32
/** What has survived several collections of the young generation is only found by a whole one. */
const wholeEvery = 8

let leftOpen = 0
let rounds = 0
let collect: ((options: { type: 'minor' | 'major' }) => void) | null = null

/**
 * `libsql` closes a file only once the last statement prepared for it has been collected as garbage, which may be
 * thousands of files later: more than a process may have open. So a collection is asked for now and then.
 * @param prepared statements prepared for the file that has just been closed
 */
export function boundHandles(prepared: number): void {
  if (prepared === 0 || ++leftOpen < mostLeftOpen) return
  leftOpen = 0
  if (collect === null) {
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('gc') as typeof collect
    setFlagsFromString('--no-expose-gc')
  }
  // Less than a millisecond, but for every eighth.
  collect?.({ type: ++rounds % wholeEvery === 0 ? 'major' : 'minor' })
}
