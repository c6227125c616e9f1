import { inTransaction } from './in-transaction.ts'
import type { Walk } from './walk.ts'

/** Why a walk has to wait. */
export interface Hindrance {
  reason: 'lock-wait' | 'replica-lag' | 'health-query'
  message: string
}

/** The questions are not free, and MariaDB renews its answer only where it is not asked all the time. */
const askEveryMs = 500

/** Looks, every so often, whether more work would do harm. */
export class Throttle {
  readonly #walk: Walk
  #askedAt = Number.NEGATIVE_INFINITY

  constructor(walk: Walk) {
    this.#walk = walk
  }

  /** Something was waited for: look again at once. */
  askAgain(): void {
    this.#askedAt = Number.NEGATIVE_INFINITY
  }

  /** null: go on. Throws `DatabaseError`, also for a health query that the server refuses. */
  async findHindrance(): Promise<Hindrance | null> {
    if (performance.now() - this.#askedAt < askEveryMs) return null
    const walk = this.#walk
    const { healthQuery, maxReplicaLagMs } = walk.run
    const { lockWaits, replicaLagMs } = await walk.batches.pressure(walk.session.connection, walk.table)
    if (lockWaits !== null && lockWaits > 0) {
      const who = lockWaits === 1 ? 'a session waits' : `${lockWaits} sessions wait`
      return { reason: 'lock-wait', message: `${who} for a lock on ${walk.change.table}` }
    }
    if (replicaLagMs !== null && replicaLagMs > maxReplicaLagMs) {
      const seconds = (replicaLagMs / 1000).toFixed(1)
      return {
        reason: 'replica-lag',
        message: `a replica is ${seconds} s behind (\`maxReplicaLagMs\` is ${maxReplicaLagMs})`,
      }
    }
    if (healthQuery !== null) {
      const rows = await inTransaction(walk, 'look', (connection) => connection.query(healthQuery))
      const value = Object.values(rows[0] ?? {})[0]
      if (!isGood(value)) return { reason: 'health-query', message: `the health query says ${describe(value)}` }
    }
    this.#askedAt = performance.now()
    return null
  }
}

/** Servers spell a truth in several ways. */
function isGood(value: unknown): boolean {
  return value === true || /^(t|true|on|yes|ok)$/i.test(String(value ?? '')) || Number(value ?? 0) > 0
}

/** Never a text of the database: whatever the query reads may be somebody's data. */
function describe(value: unknown): string {
  if (value === undefined) return 'nothing'
  return value === null || ['boolean', 'number', 'bigint'].includes(typeof value) ? String(value) : 'no'
}
