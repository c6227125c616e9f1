import { describeFailure } from '../engine/describe-failure.ts'
import {
  createTablesSql,
  deleteHistorySql,
  deleteLedgerSql,
  type HistoryPlace,
  insertHistorySql,
  writeLedgerSql,
} from '../engine/history-sql.ts'
import { refuseHistory } from '../engine/refuse-history.ts'
import { plannedResult } from '../engine/target-result.ts'
import { lockKeyOf } from '../engine/work.ts'
import { DatabaseError, type TransactionGuard } from '../model/dialect.ts'
import { TenantryError } from '../model/errors.ts'
import type { Migration } from '../model/migration.ts'
import type { SetPlan, Standing, TargetPlan } from '../model/plan.ts'
import type { TargetResult } from '../model/rollout.ts'
import { engineSettings } from './carry-out.ts'
import type { Fleet, FleetSet } from './fleet.ts'
import { findOldRows, refuseRename } from './rename.ts'
import { runBounded } from './schedule.ts'

/** What to write into a target's history without running anything. */
export interface BaselineChange {
  mark: readonly Migration[]
  /** Keys of rows to take away first (a rename). */
  remove: readonly string[]
}

/** What of `wanted` a target does not have yet; `from`: where it is recorded under that name. Throws as `refuseRename`. */
export function chooseMarks(
  standing: Standing,
  migrations: readonly Migration[],
  wanted: readonly Migration[],
  from: string | null,
): BaselineChange {
  const half = new Set(standing.halfDone.map(({ migration }) => migration))
  const open = wanted.filter((one) => !standing.applied.includes(one) || half.has(one.id))
  if (from === null) return { mark: open, remove: [] }
  const remove = findOldRows(standing, from)
  if (remove.length === 0 || open.length === 0) return { mark: [], remove: [] }
  for (const migration of open) refuseRename(standing, migrations, from, migration)
  return { mark: open, remove }
}

/**
 * Marks migrations as applied in every target of a set, each target in one transaction under its lock. Only rows are
 * written. A half-done migration that is marked counts as finished.
 */
export async function baselineSet(
  fleet: Fleet,
  set: FleetSet,
  plan: SetPlan,
  changeFor: (target: TargetPlan) => BaselineChange,
  rollout: string,
): Promise<TargetResult[]> {
  const results = new Map<TargetPlan, TargetResult>()
  await runBounded(
    plan.targets,
    ({ target }) => target.placement,
    fleet.limits,
    async (target) => {
      const startedAt = performance.now()
      const base = plannedResult(target)
      if (target.error !== null && target.historySchema === '') {
        results.set(target, base)
        return
      }
      let ids: string[] = []
      const change = async () => {
        const { mark, remove } = changeFor(target)
        ids = mark.map(({ id }) => id)
        const unusable = refuseHistory(set.shape, target.historyTable, target.standing, mark)
        if (unusable !== null) throw unusable
        if (mark.length > 0) await writeBaseline(fleet, set, target, { mark, remove }, rollout)
      }
      const error = await change().then(
        () => null,
        (reason: unknown) => {
          if (reason instanceof DatabaseError)
            return describeFailure(reason.failure, { target: target.target, set: plan.set })
          if (reason instanceof TenantryError) return reason.toJSON()
          throw reason
        },
      )
      if (error === null && ids.length === 0) {
        results.set(target, { ...base, result: 'up-to-date', error: null })
        return
      }
      const left = (list: readonly string[]) => (error === null ? list.filter((id) => !ids.includes(id)) : list)
      results.set(target, {
        ...base,
        result: error === null ? 'applied' : 'failed',
        applied: error === null ? ids : [],
        pending: left(base.pending),
        failed: left(base.failed),
        outOfOrder: left(base.outOfOrder),
        durationMs: Math.round(performance.now() - startedAt),
        error,
      })
    },
  )
  return plan.targets.map((target) => results.get(target) as TargetResult)
}

async function writeBaseline(
  fleet: Fleet,
  set: FleetSet,
  plan: TargetPlan,
  change: BaselineChange,
  rollout: string,
): Promise<void> {
  const { server, database, schema } = plan.target.placement
  const dialect = fleet.pool.dialect(server)
  const place: HistoryPlace = { shape: set.shape, schema: plan.historySchema, table: plan.historyTable }
  const engine = engineSettings(fleet)
  const settings = { ...engine, schema: schema ?? null, session: set.config.session }
  const mark = { lockKey: lockKeyOf(plan.target, plan.historySchema), token: rollout }
  const guard: TransactionGuard = {
    expect: 'absent',
    // Half-done and renamed rows are replaced below; what must not have appeared meanwhile is an applied one.
    history: { ...place, keys: change.remove.length > 0 ? [''] : change.mark.flatMap(({ keys }) => keys) },
    notHalfDone: [],
  }
  const record = { statementsDone: 0, statementsTotal: 0, prefix: '', rollout, appliedBy: engine.appliedBy }
  const fresh = !plan.standing.snapshot.hasLedger
  const half = plan.standing.halfDone.some(({ migration }) => change.mark.some(({ id }) => id === migration))
  const lease = await fleet.pool.lease(server, database)
  try {
    const { failure } = await lease.connection.pipeline([
      ...dialect.phrases.begin(settings, mark, lease.connection.version),
      ...createTablesSql(dialect, place, plan.standing.snapshot),
      dialect.phrases.guard(guard),
      ...(change.remove.length > 0
        ? [deleteHistorySql(dialect, place, change.remove), deleteLedgerSql(dialect, place, change.remove)]
        : []),
      ...change.mark.flatMap((migration) => [
        // A row that says "failed" (Prisma's) must not stay beside the one that says "applied".
        ...(plan.standing.snapshot.columns === null ? [] : [deleteHistorySql(dialect, place, migration.keys)]),
        ...writeLedgerSql(dialect, place, migration, { ...record, state: 'applied' }, mark, fresh),
        insertHistorySql(dialect, place, plan.standing, migration, 0, rollout),
      ]),
      ...(half ? dialect.phrases.markHalfDone(plan.historySchema, null) : []),
      dialect.phrases.commit,
    ])
    if (failure !== null) throw new DatabaseError(failure)
  } finally {
    await lease.release()
  }
}
