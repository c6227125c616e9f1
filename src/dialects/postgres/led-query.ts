import type { Client, QueryResult, Submittable, Connection as WireConnection } from 'pg'
import { encodePipeline } from './pipeline.ts'

/** The driver's own query object; only what is used here is named. */
interface DriverQuery {
  callback: (error: unknown, result?: QueryResult) => void
  name?: string
  submit(connection: WireConnection): Error | null
  requiresPreparation(): boolean
  handleError(error: unknown, connection: WireConnection): void
  handleReadyForQuery(connection: WireConnection): void
  handleRowDescription(message: unknown): void
  handleDataRow(message: unknown): void
  handleCommandComplete(message: unknown, connection: WireConnection): void
  handleEmptyQuery(connection: WireConnection): void
  handlePortalSuspended(connection: WireConnection): void
  handleCopyInResponse(connection: WireConnection): void
  handleCopyData(message: unknown, connection: WireConnection): void
}

interface Wire {
  stream: { cork(): void; uncork(): void; write(bytes: Buffer): void }
}

type Outcome = { result: QueryResult } | { error: unknown; at: number }

/**
 * Statements whose answers nobody waits for, and a query behind them, in one round trip: an error in one of them makes
 * the server skip the query. `at` tells which failed; their number is the query's own. null: this driver, or this
 * query, cannot be sent so.
 */
export function sendLed(
  client: Client,
  texts: readonly string[],
  config: Record<string, unknown>,
): Promise<Outcome> | null {
  const { Query } = client.constructor as unknown as { Query?: new (config: object) => DriverQuery }
  // A prepared one is kept by its name, and the driver takes the first answer for its own.
  if (Query === undefined || typeof Query !== 'function' || config.name !== undefined || config.rows !== undefined)
    return null
  const query = new Query({ ...config, queryMode: 'extended' })
  if (typeof query.requiresPreparation !== 'function' || !query.requiresPreparation()) return null
  return new Promise((resolve) => {
    const led = new LedQuery(texts, query, (error, at) => resolve({ error, at }))
    query.callback = (error, result) =>
      error ? resolve({ error, at: texts.length }) : resolve({ result: result as QueryResult })
    client.query(led)
  })
}

class LedQuery implements Submittable {
  readonly #texts: readonly string[]
  readonly #query: DriverQuery
  readonly #fail: (error: unknown, at: number) => void
  #done = 0

  constructor(texts: readonly string[], query: DriverQuery, fail: (error: unknown, at: number) => void) {
    this.#texts = texts
    this.#query = query
    this.#fail = fail
  }

  /** Set by the driver on whatever it is given. */
  get callback() {
    return this.#query.callback
  }

  get #leads(): boolean {
    return this.#done < this.#texts.length
  }

  submit(connection: WireConnection): Error | null {
    const { stream } = connection as unknown as Wire
    const sync = 5
    stream.cork()
    try {
      // The query ends with a Sync of its own.
      const bytes = encodePipeline(this.#texts)
      stream.write(bytes.subarray(0, bytes.length - sync))
      return this.#query.submit(connection)
    } finally {
      stream.uncork()
    }
  }

  handleError(error: unknown, connection: WireConnection): void {
    if (this.#leads) this.#fail(error, this.#done)
    else this.#query.handleError(error, connection)
  }

  handleReadyForQuery(connection: WireConnection): void {
    if (!this.#leads) this.#query.handleReadyForQuery(connection)
  }

  handleCommandComplete(message: unknown, connection: WireConnection): void {
    if (this.#leads) this.#done++
    else this.#query.handleCommandComplete(message, connection)
  }

  handleEmptyQuery(connection: WireConnection): void {
    if (this.#leads) this.#done++
    else this.#query.handleEmptyQuery(connection)
  }

  handleRowDescription(message: unknown): void {
    if (!this.#leads) this.#query.handleRowDescription(message)
  }

  handleDataRow(message: unknown): void {
    if (!this.#leads) this.#query.handleDataRow(message)
  }

  handlePortalSuspended(connection: WireConnection): void {
    this.#query.handlePortalSuspended(connection)
  }

  handleCopyInResponse(connection: WireConnection): void {
    this.#query.handleCopyInResponse(connection)
  }

  handleCopyData(message: unknown, connection: WireConnection): void {
    this.#query.handleCopyData(message, connection)
  }
}
