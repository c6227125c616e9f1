import type { DataChangeProgress, DataChangeReport } from '../model/data-change.ts'
import { type Connection, DatabaseError, type Dialect } from '../model/dialect.ts'
import type { Selectors } from '../model/report.ts'
import type { Fleet } from '../rollout/fleet.ts'
import { runBounded } from '../rollout/schedule.ts'
import { changeRows, hasChangeTable, readRow, tenantKey } from './change-rows.ts'
import { chooseTargets, goesByTenant, type TargetChanges } from './choose-targets.ts'
import { firstRows } from './chunk-size.ts'
import { send } from './in-transaction.ts'
import { loadChanges } from './load-changes.ts'
import { progressOf, reportOf } from './progress-report.ts'
import { unreached } from './run-target.ts'
import { changeLockKey, TargetSession } from './target-session.ts'

/**
 * Asks every run for a pause, where it is at work and where it has not come yet. In the targets themselves, so that runs
 * on other machines hear of it. The next run goes on.
 */
export async function pauseChanges(
  fleet: Fleet,
  options: { change?: string; selectors?: Selectors },
): Promise<DataChangeReport> {
  const startedAt = performance.now()
  const { config } = fleet
  const changes = await loadChanges(config.dataChanges, config.root, options.change)
  const entries = await chooseTargets(fleet, changes, options.selectors ?? {}, { look: false })
  const results = new Map<TargetChanges, DataChangeProgress[]>()
  await runBounded(
    entries,
    ({ target }) => target.placement,
    fleet.limits,
    async (entry) => void results.set(entry, await pauseTarget(fleet, entry)),
    undefined,
    ({ server, database }) => void fleet.pool.closeDatabase(server, database),
  )
  const targets = entries.flatMap((entry) => results.get(entry) ?? [])
  const rest = { dryRun: false, run: null, interrupted: false, notices: config.notices, startedAt }
  return reportOf('backfill-data pause', targets, rest)
}

async function pauseTarget(fleet: Fleet, entry: TargetChanges): Promise<DataChangeProgress[]> {
  const { target, changes } = entry
  const session = new TargetSession(fleet, target)
  const dialect = fleet.pool.dialect(target.placement.server)
  try {
    const connection = await session.connect()
    const holder = await dialect.lockHolder(connection, changeLockKey(target, fleet.config.sharedSchema))
    const isAtWork = holder !== null || (await connection.isPooled())
    const results: DataChangeProgress[] = []
    for (const change of changes) {
      const tenants = goesByTenant(target, change) ? target.tenants : [null]
      const rows = await askForPause(dialect, connection, entry, change, tenants, isAtWork)
      for (const tenant of tenants) {
        const row = rows.find((one) => one.tenant === tenantKey(tenant?.id ?? null)) ?? null
        results.push(progressOf(change, target.name, tenant?.slug ?? null, row))
      }
    }
    return results
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    return changes.map((change) =>
      progressOf(change, target.name, null, null, { state: 'failed', error: unreached(change, target, error.failure) }),
    )
  } finally {
    await session.close()
  }
}

async function askForPause(
  dialect: Dialect,
  connection: Connection,
  { target }: TargetChanges,
  change: TargetChanges['changes'][number],
  tenants: readonly (TargetChanges['target']['tenants'][number] | null)[],
  isAtWork: boolean,
) {
  const { batches } = dialect
  if (batches === undefined) return []
  const schema = target.placement.schema ?? null
  const sql = changeRows({ ...dialect, batches }, schema)
  if (!(await hasChangeTable(batches, connection, schema))) await connection.query(sql.create)
  for (const tenant of tenants) {
    const key = tenantKey(tenant?.id ?? null)
    // Whoever is at work says itself when it has stopped; what is done stays done.
    const stopped = isAtWork ? "('pending', 'failed', 'stuck')" : "('pending', 'running', 'failed', 'stuck')"
    await send(connection, [
      sql.make(change.name, key, change.checksum, firstRows),
      sql.set(change.name, key, {
        pause_asked_ms: { sql: batches.nowMs },
        state: { sql: `CASE WHEN state IN ${stopped} THEN 'paused' ELSE state END` },
      }),
    ])
  }
  return (await connection.query(sql.read(change.name))).map(readRow)
}
