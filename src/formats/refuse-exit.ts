/** How many imports want it refused right now; the process has only one `exit`. */
let holders = 0
let original: typeof process.exit | null = null

/**
 * Makes `process.exit` throw until the function it gives is called: a file that ends the process must not end the run
 * of a whole fleet. May be nested.
 */
export function refuseExit(): () => void {
  if (holders++ === 0) {
    original = process.exit
    process.exit = () => {
      throw new Error('it calls process.exit')
    }
  }
  let held = true
  return () => {
    if (!held) return
    held = false
    if (--holders === 0 && original !== null) process.exit = original
  }
}
