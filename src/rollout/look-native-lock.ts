import { describeBlocker } from '../engine/describe-failure.ts'
import { advisoryLockOf, nativeLockTable } from '../model/history.ts'
import type { TargetPlan } from '../model/plan.ts'
import type { Fleet, FleetSet } from './fleet.ts'

/** Who holds the adopted tool's own lock and since when, in words; null: nobody, or the tool has none. */
export async function describeNativeLock(fleet: Fleet, { shape }: FleetSet, plan: TargetPlan): Promise<string | null> {
  const { nativeLock } = shape
  if (nativeLock === null || plan.historySchema === '') return null
  const { server, database } = plan.target.placement
  const dialect = fleet.pool.dialect(server)
  return fleet.pool.look(server, database, async (side) => {
    if (nativeLock.kind !== 'row') {
      const { quoteIdentifier: quote } = dialect
      const advisory = advisoryLockOf(shape, `${quote(plan.historySchema)}.${quote(plan.historyTable)}`)
      const holder = advisory === null ? null : await dialect.lockHolder(side, { advisory })
      return holder === null ? null : `held by ${describeBlocker(holder)}; it is free again when that session ends`
    }
    const table = nativeLockTable(plan.historyTable, nativeLock)
    const state = await dialect.readNativeLock(side, plan.historySchema, table, nativeLock)
    if (state === null || state.held === 'free') return null
    const who = state.held === 'own' ? 'a run of tenantry' : 'the tool itself'
    return `${table} was taken by ${who} ${describeAge(state.since)}`
  })
}

/** `5 minutes ago (2025-01-10T12:00:00Z)`. */
export function describeAge(since: string | null, now: number = Date.now()): string {
  const at = since === null ? Number.NaN : Date.parse(since)
  if (Number.isNaN(at)) return 'at a time that the server does not keep'
  const seconds = Math.max(0, Math.round((now - at) / 1000))
  const [count, unit] =
    seconds < 120
      ? [seconds, 'second']
      : seconds < 7200
        ? [Math.round(seconds / 60), 'minute']
        : seconds < 172_800
          ? [Math.round(seconds / 3600), 'hour']
          : [Math.round(seconds / 86_400), 'day']
  return `${count} ${unit}${count === 1 ? '' : 's'} ago (${since})`
}
