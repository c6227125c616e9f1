import type { DataChangeProgress, DataChangeReport } from '../model/data-change.ts'
import { DatabaseError } from '../model/dialect.ts'
import type { Selectors } from '../model/report.ts'
import type { Fleet } from '../rollout/fleet.ts'
import { runBounded } from '../rollout/schedule.ts'
import { type ChangeRow, changeRows, hasChangeTable, readRow, tenantKey } from './change-rows.ts'
import { chooseTargets, goesByTenant, type TargetChanges } from './choose-targets.ts'
import { loadChanges } from './load-changes.ts'
import { progressOf, reportOf } from './progress-report.ts'
import { unreached } from './run-target.ts'
import { changeLockKey, TargetSession } from './target-session.ts'

/** Behind a pooler, where no session holds a lock, a run that lives is told by its last batch. */
const aliveMs = 30_000

/** How far each change is in each target, and whether somebody is at work there. Changes nothing. */
export async function lookAtChanges(
  fleet: Fleet,
  options: { change?: string; selectors?: Selectors },
): Promise<DataChangeReport> {
  const startedAt = performance.now()
  const { config } = fleet
  const changes = await loadChanges(config.dataChanges, config.root, options.change)
  const entries = await chooseTargets(fleet, changes, options.selectors ?? {}, { look: true })
  const results = new Map<TargetChanges, DataChangeProgress[]>()
  await runBounded(
    entries,
    ({ target }) => target.placement,
    fleet.limits,
    async (entry) => void results.set(entry, await lookAtTarget(fleet, entry)),
    undefined,
    ({ server, database }) => void fleet.pool.closeDatabase(server, database),
  )
  const targets = entries.flatMap((entry) => results.get(entry) ?? [])
  return reportOf('backfill-data status', targets, {
    dryRun: false,
    run: null,
    interrupted: false,
    notices: config.notices,
    startedAt,
  })
}

async function lookAtTarget(fleet: Fleet, entry: TargetChanges): Promise<DataChangeProgress[]> {
  const { target, changes } = entry
  const session = new TargetSession(fleet, target)
  const dialect = fleet.pool.dialect(target.placement.server)
  const { batches } = dialect
  try {
    const connection = await session.connect()
    const schema = target.placement.schema ?? null
    const known = batches !== undefined && (await hasChangeTable(batches, connection, schema))
    const key = changeLockKey(target, fleet.config.sharedSchema)
    const holder = known ? await dialect.lockHolder(connection, key) : null
    const seesLock = !(await connection.isPooled())
    const results: DataChangeProgress[] = []
    for (const change of changes) {
      const read =
        known && batches !== undefined
          ? (await connection.query(changeRows({ ...dialect, batches }, schema).read(change.name))).map(readRow)
          : []
      const rows = new Map(read.map((row) => [row.tenant, row]))
      for (const tenant of goesByTenant(target, change) ? target.tenants : [null]) {
        const row = rows.get(tenantKey(tenant?.id ?? null)) ?? null
        const state = row?.state === 'running' && holder === null && (seesLock || !isFresh(row)) ? 'pending' : undefined
        results.push(progressOf(change, target.name, tenant?.slug ?? null, row, state === undefined ? {} : { state }))
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

function isFresh({ beatMsAgo }: ChangeRow): boolean {
  return beatMsAgo !== null && beatMsAgo < aliveMs
}
