import type { Lease } from '../engine/pool.ts'
import type { Connection, Dialect, TargetLock } from '../model/dialect.ts'
import type { Target } from '../model/tenant.ts'
import type { Fleet } from '../rollout/fleet.ts'

/**
 * What the lock of a target's data changes is named by: not the migrations' one, since a deploy must not wait for a walk
 * of hours. One for all changes of a target, so that at most one batch is in flight there.
 */
export function changeLockKey({ placement }: Target, sharedSchema: string): string {
  return `data-change:${placement.schema ?? sharedSchema}`
}

/**
 * The session of a run in one target, with the target's lock of data changes; made anew where the connection was lost.
 * Behind a transaction pooler no session can hold a lock: `lockKey` is then taken by each transaction.
 */
export class TargetSession {
  readonly #fleet: Fleet
  readonly #target: Target
  readonly #dialect: Dialect
  #lease: Lease | null = null
  #lock: TargetLock | null = null
  /** For each transaction; null: the session holds it. */
  lockKey: string | null = null

  constructor(fleet: Fleet, target: Target) {
    this.#fleet = fleet
    this.#target = target
    this.#dialect = fleet.pool.dialect(target.placement.server)
  }

  get connection(): Connection {
    if (this.#lease === null) throw new Error('the session is not open')
    return this.#lease.connection
  }

  get broken(): boolean {
    return this.#lease === null || this.#lease.connection.broken
  }

  /** Connects without the lock: enough for looking. Throws `DatabaseError`. */
  async connect(): Promise<Connection> {
    await this.close()
    const { server, database } = this.#target.placement
    this.#lease = await this.#fleet.pool.lease(server, database)
    return this.#lease.connection
  }

  /** Connects, anew where it was connected, and takes the lock. False: another run holds it. Throws `DatabaseError`. */
  async open(): Promise<boolean> {
    const connection = await this.connect()
    const { server, database } = this.#target.placement
    const key = changeLockKey(this.#target, this.#fleet.config.sharedSchema)
    if (await connection.isPooled()) {
      this.lockKey = key
      return true
    }
    this.#lock = await this.#dialect.lockTarget(connection, key, () => this.#fleet.pool.another(server, database))
    if (this.#lock !== null) return true
    await this.close()
    return false
  }

  /** Forgets what changes may have left in the session, and gives it back. */
  async close(): Promise<void> {
    const lease = this.#lease
    const lock = this.#lock
    this.#lease = null
    this.#lock = null
    if (lease === null) return
    if (lock !== null) await lock.release().catch(() => {})
    const clean = lease.connection.broken
      ? false
      : (await lease.connection.pipeline(this.#dialect.phrases.reset)).failure === null
    await lease.release(!clean)
  }

  /** Closes it in the middle of whatever runs there: the server undoes that. */
  async discard(): Promise<void> {
    const lease = this.#lease
    this.#lease = null
    this.#lock = null
    await lease?.release(true)
  }
}
