import type { Blocker, ConnectOptions } from '../../model/dialect.ts'
import { DatabaseError } from '../../model/dialect.ts'
import type { Row } from './driver.ts'
import { readServerError, readWireError } from './remote-failure.ts'
import {
  describeHolder,
  giveUp,
  holderSql,
  isAbandoned,
  type Lease,
  newLease,
  releaseSql,
  renewEveryMs,
  renewSql,
  takeSql,
} from './remote-lease.ts'
import type { RemotePlace } from './remote-place.ts'
import { exchange, type ServerError } from './remote-wire.ts'

/** What this process does in one database, and holds there: its sessions must not be in each other's way. */
interface Presence {
  /** Messages under way, and sessions with a transaction open: see {@link LeaseBook.renew}. */
  messages: number
  open: Set<LeaseBook>
  held: Set<Lease>
  /** To be renewed as soon as nothing is under way. */
  due: Set<Lease>
}

const presences = new Map<string, Presence>()

function presenceOf({ host, server, namespace }: RemotePlace): Presence {
  const key = JSON.stringify([host, server.port, namespace])
  const known = presences.get(key) ?? { messages: 0, open: new Set(), held: new Set(), due: new Set() }
  presences.set(key, known)
  return known
}

/** The locks of one session: rows that are good for a while, and are renewed. */
export class LeaseBook {
  /** Taken for transactions of a pipeline only. */
  readonly passing: Lease[] = []
  readonly #place: RemotePlace
  readonly #options: ConnectOptions
  readonly #presence: Presence
  readonly #isInside: () => boolean
  readonly #held = new Map<string, { lease: Lease; timer: NodeJS.Timeout }>()

  /** @param isInside does its session have a transaction open? */
  constructor(place: RemotePlace, options: ConnectOptions, isInside: () => boolean) {
    this.#place = place
    this.#options = options
    this.#isInside = isInside
    this.#presence = presenceOf(place)
  }

  async busyWith<T>(work: () => Promise<T>): Promise<T> {
    const presence = this.#presence
    presence.messages++
    try {
      return await work()
    } finally {
      presence.messages--
      if (this.#isInside()) presence.open.add(this)
      else presence.open.delete(this)
      for (const lease of presence.due) this.renew(lease)
    }
  }

  /** All that this process holds in this database: each of its transactions makes sure of it. */
  inForce(): readonly Lease[] {
    return [...this.#presence.held]
  }

  holds(key: string): boolean {
    return this.#held.has(key)
  }

  /** Sends statements in a session of their own. */
  async #send(statements: readonly string[]): Promise<{ rows: Row[]; error: ServerError | null; sql: string }> {
    const steps = statements.map((sql, i) => ({
      sql,
      wantsRows: true,
      condition: i === 0 ? null : ({ type: 'ok', step: i - 1 } as const),
    }))
    try {
      const options = { closes: true, connectTimeoutMs: this.#options.connectTimeoutMs }
      const { batches } = await exchange(this.#place, null, [steps], options)
      const [batch] = batches
      if (batch === undefined || 'error' in batch)
        return { rows: [], error: batch?.error ?? { message: 'no answer', code: '' }, sql: '' }
      const at = batch.steps.findIndex(({ done }) => done === null)
      return at === -1
        ? { rows: batch.steps.at(-1)?.done?.rows ?? [], error: null, sql: '' }
        : { rows: [], error: batch.steps[at]?.error ?? null, sql: statements[at] ?? '' }
    } catch (error) {
      throw readWireError(error, true, this.#place.host)
    }
  }

  /** One try; false: somebody has it. Throws {@link DatabaseError}. */
  async take(key: string): Promise<boolean> {
    if (this.#held.has(key)) return true
    for (let tries = 0; ; tries++) {
      const lease = newLease(key)
      try {
        const { error, sql } = await this.#send(takeSql(lease, this.#options.applicationName))
        if (error === null) {
          this.#keep(lease)
          return true
        }
        giveUp(lease)
        const failure = readServerError(error, sql)
        if (failure.kind !== 'locked') throw new DatabaseError(failure)
      } catch (error) {
        giveUp(lease)
        throw error
      }
      if (tries > 0 || !(await this.clearAbandoned(key))) return false
    }
  }

  #keep(lease: Lease): void {
    const timer = setInterval(() => this.renew(lease), renewEveryMs)
    timer.unref()
    this.#held.set(lease.key, { lease, timer })
    this.#presence.held.add(lease)
  }

  /**
   * Put off while this process writes there: waiting for a transaction of our own, the renewal would make the server end
   * it. Where it fails there is a next time, and each transaction looks for itself.
   */
  renew(lease: Lease): void {
    const { messages, open, due, held } = this.#presence
    if (!held.has(lease)) due.delete(lease)
    else if (messages > 0 || open.size > 0) due.add(lease)
    else {
      due.delete(lease)
      this.#send([renewSql(lease)]).catch(() => null)
    }
  }

  async release(key: string): Promise<void> {
    const held = this.#held.get(key)
    if (held === undefined) return
    clearInterval(held.timer)
    this.#held.delete(key)
    this.#presence.held.delete(held.lease)
    this.#presence.due.delete(held.lease)
    // Whoever cannot be told finds out by the lease's end.
    await this.#send([releaseSql(held.lease)]).catch(() => null)
    giveUp(held.lease)
  }

  async releaseAll(): Promise<void> {
    if (!this.#isInside()) this.#presence.open.delete(this)
    for (const key of [...this.#held.keys()]) await this.release(key)
    if (this.passing.length > 0) await this.#send(this.passing.map(releaseSql)).catch(() => null)
    this.forgetPassing()
  }

  newPassing(key: string): Lease {
    const lease = newLease(key)
    this.passing.push(lease)
    return lease
  }

  forgetPassing(): void {
    for (const lease of this.passing.splice(0)) giveUp(lease)
  }

  /** Takes a lease away whose process is known to have ended; false: there is none. */
  async clearAbandoned(key: string): Promise<boolean> {
    const row = await this.#readHolder(key)
    if (row === null || !isAbandoned(row)) return false
    await this.#send([releaseSql({ key, holder: String(row.holder) })])
    return true
  }

  async #readHolder(key: string): Promise<Row | null> {
    const { rows, error, sql } = await this.#send([holderSql(key)])
    if (error === null) return rows[0] ?? null
    if (/no such table/.test(error.message)) return null
    throw new DatabaseError(readServerError(error, sql))
  }

  /** Who else holds it. Throws {@link DatabaseError}. */
  async holder(key: string): Promise<Blocker | null> {
    if (this.holds(key)) return null
    const row = await this.#readHolder(key)
    return row === null || isAbandoned(row) ? null : describeHolder(row)
  }
}
