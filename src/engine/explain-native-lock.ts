import type { Blocker } from '../model/dialect.ts'
import { advisoryLockOf, nativeLockTable } from '../model/history.ts'
import { schemaOf, type TargetWork } from './work.ts'

/**
 * Who holds the adopted tool's own lock and since when, for the error of a target that did not get it. Empty where that
 * cannot be seen: the failure itself has said that the lock is held.
 */
export async function explainNativeLock(
  work: TargetWork,
): Promise<{ blockers?: readonly Blocker[]; hint?: string; note?: string }> {
  const { dialect, pool, place, target } = work
  const { nativeLock } = place.shape
  const { server, database } = target.placement
  if (nativeLock?.kind === 'row') {
    const table = nativeLockTable(place.table, nativeLock)
    const state = await pool
      .look(server, database, (side) => dialect.readNativeLock(side, schemaOf(work) ?? place.schema, table, nativeLock))
      .catch(() => null)
    return state === null || state.since === null ? {} : { note: `${table} was last written at ${state.since}.` }
  }
  const { quoteIdentifier: quote } = dialect
  const advisory = advisoryLockOf(place.shape, `${quote(place.schema)}.${quote(place.table)}`)
  if (advisory === null) return {}
  const holder = await pool.look(server, database, (side) => dialect.lockHolder(side, { advisory })).catch(() => null)
  const again = 'then run `tenantry up` again'
  if (holder === null) return { hint: `A command of the tool held it until just now; wait for its end, ${again}.` }
  return {
    blockers: [holder],
    hint: `If a command of the tool is running there, wait for it. If none is, its session was left behind (a pooler, a killed container): \`select pg_terminate_backend(${holder.sessionId})\` ends it and frees the lock; ${again}.`,
  }
}
