import type { Submittable, Connection as WireConnection } from 'pg'

/** node-postgres hands a submittable its connection; only what is used here is named. */
interface Wire {
  stream: { write(bytes: Buffer): void }
  sendCopyFail(message: string): void
}

// Frontend messages, from PostgreSQL's manual 54.7. Lengths count themselves and not the type byte.
const bindToUnnamed = Buffer.from('B\0\0\0\x0c\0\0\0\0\0\0\0\0', 'latin1') // portal, statement, 0 formats, 0 values, 0 formats
const executeUnnamed = Buffer.from('E\0\0\0\x09\0\0\0\0\0', 'latin1') // portal, no row limit
const flush = Buffer.from('H\0\0\0\x04', 'latin1')
const sync = Buffer.from('S\0\0\0\x04', 'latin1')
/** Parse: type, length, unnamed statement, the text and its NUL, no parameter types. */
const parseOverhead = 1 + 4 + 1 + 1 + 2

/**
 * Parse, Bind and Execute for each statement, a Flush after each COMMIT so that answers come as transactions end, and
 * one Sync; as one buffer, since a write per message costs more than the messages.
 */
export function encodePipeline(statements: readonly string[]): Buffer {
  let size = sync.length
  const lengths = statements.map((text) => {
    const length = Buffer.byteLength(text)
    size +=
      parseOverhead + length + bindToUnnamed.length + executeUnnamed.length + (text === 'COMMIT' ? flush.length : 0)
    return length
  })
  const bytes = Buffer.allocUnsafe(size)
  let at = 0
  statements.forEach((text, i) => {
    const length = lengths[i] as number
    bytes[at] = 0x50 // P
    bytes.writeInt32BE(parseOverhead - 1 + length, at + 1)
    bytes[at + 5] = 0
    bytes.write(text, at + 6)
    bytes.fill(0, at + 6 + length, at + parseOverhead + length)
    at += parseOverhead + length
    at += bindToUnnamed.copy(bytes, at)
    at += executeUnnamed.copy(bytes, at)
    if (text === 'COMMIT') at += flush.copy(bytes, at)
  })
  sync.copy(bytes, at)
  return bytes
}

/**
 * Many statements, one round trip. After an error the server skips everything up to the Sync, so that nothing runs
 * behind a failure. Unlike one Query message, a syntax error in a late statement does not stop the early ones.
 * Source: PostgreSQL manual 54.2.3 and 54.2.4.
 */
export class Pipeline implements Submittable {
  readonly #statements: readonly string[]
  readonly #onDone: ((index: number) => void) | undefined
  readonly #settle: (done: number, error: unknown) => void
  #done = 0
  #failed = false

  constructor(
    statements: readonly string[],
    onDone: ((index: number) => void) | undefined,
    settle: (done: number, error: unknown) => void,
  ) {
    this.#statements = statements
    this.#onDone = onDone
    this.#settle = settle
  }

  submit(connection: WireConnection): undefined {
    ;(connection as unknown as Wire).stream.write(encodePipeline(this.#statements))
  }

  handleCommandComplete(): void {
    this.#onDone?.(this.#done)
    this.#done++
  }

  handleEmptyQuery(): void {
    this.handleCommandComplete()
  }

  handleError(error: unknown): void {
    if (this.#failed) return
    this.#failed = true
    this.#settle(this.#done, error)
  }

  handleReadyForQuery(): void {
    if (!this.#failed) this.#settle(this.#done, null)
  }

  handleCopyInResponse(connection: WireConnection): void {
    ;(connection as unknown as Wire).sendCopyFail('no data')
  }

  handleRowDescription(): void {}
  handleDataRow(): void {}
  handlePortalSuspended(): void {}
  handleCopyData(): void {}
}
