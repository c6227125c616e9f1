import type { CodeFailure } from '../model/code.ts'

/** Remembers what the server refused, before a tool wraps the error or writes into it. */
export class CodeFailures {
  readonly #byError = new WeakMap<object, CodeFailure>()
  readonly #all: { message: string; failure: CodeFailure }[] = []

  /** How many there were. */
  get count(): number {
    return this.#all.length
  }

  record(error: unknown, failure: CodeFailure): CodeFailure {
    this.#all.push({ message: failure.failure.message, failure })
    this.attach(error, failure)
    return failure
  }

  /** The same failure, told once more by another error. */
  attach(error: unknown, failure: CodeFailure): void {
    if (typeof error === 'object' && error !== null) this.#byError.set(error, failure)
  }

  /** Looks through the wrappings; then for the server's own words at the end of a message. */
  find(error: unknown): CodeFailure | null {
    const messages: string[] = []
    const seen = new Set<unknown>()
    const open = [error]
    while (open.length > 0 && seen.size < 50) {
      const next = open.shift()
      if (typeof next !== 'object' || next === null || seen.has(next)) continue
      seen.add(next)
      const known = this.#byError.get(next)
      if (known !== undefined) return known
      const { cause, parent, original, errors, message } = next as Record<string, unknown>
      if (typeof message === 'string') messages.push(message)
      open.push(cause, parent, original, ...(Array.isArray(errors) ? errors : []))
    }
    if (typeof error === 'string') messages.push(error)
    const said = this.#all.findLast(({ message }) => message !== '' && messages.some((text) => text.endsWith(message)))
    return said?.failure ?? null
  }
}

/** A copy to throw to somebody else: tools write the statement into the message of what they are thrown. */
export function copyError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  return Object.create(Object.getPrototypeOf(error), Object.getOwnPropertyDescriptors(error))
}
