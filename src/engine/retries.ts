import type { DatabaseFailure } from '../model/dialect.ts'
import type { EngineSettings } from './settings.ts'

/** How often a broken connection is made anew, and for how long a server may stay away meanwhile. */
const connectionAttempts = 4
const serverAwayMs = 20_000

/** How often in a row a history may have changed before its target was locked. Others that work beside us finish. */
const mostSurprises = 30

/** How long the adopted tool's own lock is waited for: a short run of it ends in that time, a lock left behind never. */
const nativeLockWaitMs = 5000

/** Decides, failure by failure, whether a target is tried again, and after how long. */
export class Retries {
  readonly #settings: EngineSettings
  readonly #jitter: () => number
  readonly #now: () => number
  #lockSince: number | null = null
  #heldSince: number | null = null
  #nativeSince: number | null = null
  #awaySince: number | null = null
  #lost = 0
  #surprises = 0
  attempts = 0

  constructor(settings: EngineSettings, jitter: () => number = Math.random, now: () => number = Date.now) {
    this.#settings = settings
    this.#jitter = jitter
    this.#now = now
  }

  /** A migration was carried out: the budgets are per migration. */
  progressed(): void {
    this.#lockSince = null
    this.#heldSince = null
    this.#nativeSince = null
    this.#awaySince = null
    this.#lost = 0
    this.#surprises = 0
    this.attempts = 0
  }

  /** null: no. The history is read again before anything is repeated. */
  next(
    failure: DatabaseFailure,
  ): { delayMs: number; reason: 'target-lock' | 'lock-timeout' | 'connection-lost' } | null {
    this.attempts++
    switch (failure.kind) {
      case 'already-applied':
        if (++this.#surprises > mostSurprises) return null
        return { delayMs: this.#surprises < 3 ? 0 : this.#backOff(20, 500), reason: 'target-lock' }
      case 'locked': {
        this.#heldSince ??= this.#now()
        if (this.#now() - this.#heldSince >= this.#settings.targetLockWaitMs) return null
        return { delayMs: this.#backOff(50, 1000), reason: 'target-lock' }
      }
      case 'native-locked': {
        this.#nativeSince ??= this.#now()
        const most = Math.min(nativeLockWaitMs, this.#settings.targetLockWaitMs)
        if (this.#now() - this.#nativeSince >= most) return null
        return { delayMs: this.#backOff(50, 500), reason: 'target-lock' }
      }
      case 'lock-timeout':
      case 'deadlock': {
        // The wait that just timed out counts, too.
        this.#lockSince ??= this.#now() - this.#settings.lockTimeoutMs
        if (this.#now() - this.#lockSince >= this.#settings.lockRetryBudgetMs) return null
        return { delayMs: this.#backOff(200, 5000), reason: 'lock-timeout' }
      }
      case 'connection-lost':
        return ++this.#lost > connectionAttempts
          ? null
          : { delayMs: this.#backOff(100, 2000), reason: 'connection-lost' }
      default:
        return null
    }
  }

  /** After a connection was lost: how long to wait before the next try to connect; null: give up. */
  reconnect(failure: DatabaseFailure): number | null {
    if (this.#lost === 0 && failure.kind !== 'too-many-connections') return null
    if (!['unreachable', 'connection-lost', 'too-many-connections'].includes(failure.kind)) return null
    this.#awaySince ??= this.#now()
    this.attempts++
    return this.#now() - this.#awaySince >= serverAwayMs ? null : this.#backOff(200, 2000)
  }

  /** Full jitter, so that many that failed together do not come back together. */
  #backOff(baseMs: number, mostMs: number): number {
    const ceiling = Math.min(mostMs, baseMs * 2 ** Math.min(this.attempts - 1, 10))
    return Math.round(ceiling / 2 + (this.#jitter() * ceiling) / 2)
  }
}
