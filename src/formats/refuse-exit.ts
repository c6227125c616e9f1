/** Throws, or returns where the call is none of its business. */
export type ExitRefusal = (code?: number | string | null) => void

/** The process has only one `exit`, so all who refuse it share what is put in its place. */
const refusals: ExitRefusal[] = []
let original: typeof process.exit = process.exit

function refusable(code?: number | string | null): never {
  for (const refuse of [...refusals]) refuse(code)
  return original.call(process, code)
}

const refuseAny: ExitRefusal = () => {
  throw new Error('it calls process.exit')
}

/**
 * Makes `process.exit` throw until the function it gives is called: a file that ends the process must not end the run
 * of a whole fleet. May be nested, and given back in any order.
 * @param refuse whose calls are refused, and how. It is asked before those that refuse any. Default: any.
 */
export function refuseExit(refuse: ExitRefusal = refuseAny): () => void {
  const own: ExitRefusal = (code) => refuse(code)
  if (refuse === refuseAny) refusals.push(own)
  else refusals.unshift(own)
  if (refusals.length === 1 && process.exit !== refusable) {
    original = process.exit
    process.exit = refusable
  }
  return () => {
    const index = refusals.indexOf(own)
    if (index !== -1) refusals.splice(index, 1)
    // Where somebody has put something around it, it stays, and passes on.
    if (refusals.length === 0 && process.exit === refusable) process.exit = original
  }
}
