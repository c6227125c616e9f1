import { setMaxListeners } from 'node:events'
import type { Blocker, Connection } from '../model/dialect.ts'
import type { TargetWork } from './work.ts'

/** Looks at a session from beside while it works. */
export interface Supervision {
  /** Sessions that last blocked it. */
  readonly blockers: readonly Blocker[]
  /** The migration's own limit ended it. */
  readonly timedOut: boolean
  /** Aborted when the migration's limit is over or the run is cancelled. */
  readonly ended: AbortSignal
  /** Tells that the next migration has begun; its limit starts anew. */
  next(migration: string): void
  /** It waits for its turn in the database: that is not the migration's time, until `resume()`. */
  pause(): void
  resume(): void
  /** Waits for a cancel request that is under way, so that it cannot hit what the session does next. */
  stop(): Promise<void>
}

type Supervised = Pick<TargetWork, 'settings' | 'pool' | 'target' | 'dialect' | 'set' | 'emit' | 'cancel'>

/** A cancel request that comes between two statements is lost on the server: it is sent again until all is still. */
const cancelAgainMs = 250

/**
 * Notices what blocks a running migration (looked at from a second session, only when it takes long), says every
 * `slowAfterMs` that it still runs, ends it at `migrationTimeoutMs`, and passes a cancel on to the server.
 */
export function supervise(
  work: Supervised,
  connection: Connection,
  firstMigration: string,
  slowAfterMs = 30_000,
): Supervision {
  const { settings, pool, target, dialect, set, emit, cancel } = work
  // A lock wait ends at lockTimeoutMs, whenever in the migration it began: look often enough to see each of them.
  const lookMs = Math.max(
    50,
    Math.min(1000, slowAfterMs, settings.lockTimeoutMs > 0 ? settings.lockTimeoutMs / 2 : 1000),
  )
  let migration = firstMigration
  let startedAt = Date.now()
  let saidAt = startedAt
  let seenAt = 0
  let leftMs = settings.migrationTimeoutMs
  let pausedAt: number | null = null
  let blockers: readonly Blocker[] = []
  let timedOut = false
  const ending = new AbortController()
  let stopped = false
  let lookTimer: NodeJS.Timeout | undefined
  let limitTimer: NodeJS.Timeout | undefined
  let cancelTimer: NodeJS.Timeout | undefined
  let cancelling: Promise<void> = Promise.resolve()

  const cancelNow = () => {
    ending.abort()
    clearTimeout(cancelTimer)
    cancelling = connection.cancel().catch(() => {})
    void cancelling.then(() => {
      if (!stopped) cancelTimer = setTimeout(cancelNow, cancelAgainMs)
    })
  }
  // All targets of a run listen to the same one, and Node would warn from the eleventh on.
  setMaxListeners(0, cancel)
  cancel.addEventListener('abort', cancelNow)
  if (cancel.aborted) cancelNow()

  const look = async () => {
    try {
      const { sessionId } = connection
      if (sessionId !== null && pausedAt === null) {
        const { server, database } = target.placement
        const seen = await pool.look(server, database, (side) => dialect.blockers(side, sessionId))
        if (seen.length > 0) {
          blockers = seen
          seenAt = Date.now()
        } else if (Date.now() - seenAt > settings.lockTimeoutMs) blockers = []
      }
    } catch {
      // Looking is a courtesy: a full or unreachable server must not fail what runs.
    }
    if (stopped) return
    if (pausedAt === null && Date.now() - saidAt >= slowAfterMs) {
      saidAt = Date.now()
      emit({ type: 'target-slow', set, target: target.name, migration, runningMs: Date.now() - startedAt, blockers })
    }
    lookTimer = setTimeout(look, lookMs)
  }
  lookTimer = setTimeout(look, lookMs)

  const limit = () => {
    clearTimeout(limitTimer)
    if (settings.migrationTimeoutMs <= 0) return
    limitTimer = setTimeout(() => {
      timedOut = true
      cancelNow()
    }, leftMs)
  }
  limit()

  return {
    get blockers() {
      return blockers
    },
    ended: ending.signal,
    get timedOut() {
      return timedOut
    },
    next(id) {
      migration = id
      startedAt = Date.now()
      saidAt = startedAt
      leftMs = settings.migrationTimeoutMs
      if (pausedAt === null) limit()
    },
    pause() {
      if (pausedAt !== null) return
      pausedAt = Date.now()
      clearTimeout(limitTimer)
      leftMs = Math.max(1, settings.migrationTimeoutMs - (pausedAt - startedAt))
    },
    resume() {
      if (pausedAt === null) return
      const waitedMs = Date.now() - pausedAt
      pausedAt = null
      startedAt += waitedMs
      saidAt += waitedMs
      limit()
    },
    async stop() {
      stopped = true
      for (const timer of [lookTimer, limitTimer, cancelTimer]) clearTimeout(timer)
      cancel.removeEventListener('abort', cancelNow)
      await cancelling
    },
  }
}
