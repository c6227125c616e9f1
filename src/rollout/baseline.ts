import { describeFailure } from '../engine/describe-failure.ts'
import {
  clearBegunSql,
  createTablesSql,
  deleteHistorySql,
  deleteLedgerSql,
  type HistoryPlace,
  insertHistorySql,
  removeHistorySql,
  rollBackFailedSql,
  writeLedgerSql,
} from '../engine/history-sql.ts'
import { plannedResult } from '../engine/target-result.ts'
import { advisoryMark, lockKeyOf } from '../engine/work.ts'
import { DatabaseError, type Dialect } from '../model/dialect.ts'
import { TenantryError } from '../model/errors.ts'
import type { Migration } from '../model/migration.ts'
import type { TransactionGuard, TransactionMark } from '../model/phrases.ts'
import type { SetPlan, Standing, TargetPlan } from '../model/plan.ts'
import type { TargetResult } from '../model/rollout.ts'
import { engineSettings } from './carry-out.ts'
import type { Fleet, FleetSet } from './fleet.ts'
import { historyPlace } from './history-place.ts'
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
  if (standing.marked === true) refuseGaps(standing, migrations, open, from)
  if (from === null) return { mark: open, remove: [] }
  const remove = findOldRows(standing, from)
  if (remove.length === 0 || open.length === 0) return { mark: [], remove: [] }
  for (const migration of open) refuseRename(standing, migrations, from, migration)
  return { mark: open, remove }
}

/** A mark says that everything before it is applied, and knows no names. Throws USAGE. */
function refuseGaps(
  standing: Standing,
  migrations: readonly Migration[],
  open: readonly Migration[],
  from: string | null,
): void {
  const last = open.at(-1)
  if (last === undefined) return
  if (from !== null) {
    throw new TenantryError('USAGE', `The history is one number, in which ${from} has no name that could be changed.`, {
      hint: 'A file that keeps its number may be renamed as it is.',
    })
  }
  const late = new Set(standing.late)
  const before = migrations.slice(0, migrations.indexOf(last))
  const skipped = before.filter((one) => !standing.applied.includes(one) && !open.includes(one) && !late.has(one))
  if (skipped.length === 0) return
  throw new TenantryError(
    'USAGE',
    `${last.id} cannot be marked as applied without ${skipped.map(({ id }) => id).join(', ')}: the history is one number.`,
    { hint: `\`tenantry baseline --to ${last.id}\` marks all of them.`, context: { migration: last.id } },
  )
}

/** What one target's part of a baseline did: ids. */
export interface BaselineOutcome {
  applied: readonly string[]
  undone: readonly string[]
}

/**
 * Carries out one target after the other of a set, each in one transaction under its lock, in which only rows are
 * written. What `act` throws is the failure of its target.
 */
export async function baselineSet(
  fleet: Fleet,
  plan: SetPlan,
  act: (target: TargetPlan) => Promise<BaselineOutcome>,
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
      const done = await act(target).catch((reason: unknown) => {
        if (reason instanceof DatabaseError)
          return describeFailure(reason.failure, { target: target.target, set: plan.set })
        if (reason instanceof TenantryError) return reason.toJSON()
        throw reason
      })
      const durationMs = Math.round(performance.now() - startedAt)
      results.set(
        target,
        'code' in done ? { ...base, result: 'failed', durationMs, error: done } : after(base, done, durationMs),
      )
    },
  )
  return plan.targets.map((target) => results.get(target) as TargetResult)
}

function after(base: TargetResult, { applied, undone }: BaselineOutcome, durationMs: number): TargetResult {
  if (applied.length + undone.length === 0) return { ...base, result: 'up-to-date', error: null }
  const done = new Set([...applied, ...undone])
  const left = (list: readonly string[]) => list.filter((id) => !done.has(id))
  return {
    ...base,
    result: undone.length > 0 ? 'undone' : 'applied',
    applied,
    undone,
    pending: [...left(base.pending), ...undone],
    failed: left(base.failed),
    outOfOrder: left(base.outOfOrder),
    durationMs,
    error: null,
  }
}

/** Records migrations as applied that were not run. A half-done one that is marked counts as finished. */
export async function markApplied(
  fleet: Fleet,
  set: FleetSet,
  plan: TargetPlan,
  { mark, remove }: BaselineChange,
  rollout: string,
): Promise<BaselineOutcome> {
  if (mark.length === 0) return { applied: [], undone: [] }
  const dialect = fleet.pool.dialect(plan.target.placement.server)
  const place = historyPlace(set, plan, dialect)
  const record = {
    statementsDone: 0,
    statementsTotal: 0,
    prefix: '',
    rollout,
    appliedBy: engineSettings(fleet).appliedBy,
  }
  const fresh = !plan.standing.snapshot.hasLedger
  const half = plan.standing.halfDone.some(({ migration }) => mark.some(({ id }) => id === migration))
  const marking = markOf(fleet, set, plan, rollout)
  // Half-done and renamed rows are replaced; what must not have appeared meanwhile is an applied one.
  const keys = remove.length > 0 ? [''] : mark.flatMap((migration) => migration.keys)
  const writeRows = mark.flatMap((migration) => [
    ...(plan.standing.snapshot.columns === null ? [] : clearFailed(dialect, place, migration.keys)),
    ...writeLedgerSql(dialect, place, migration, { ...record, state: 'applied' }, marking, fresh),
    ...insertHistorySql(dialect, place, plan.standing, migration, 0, rollout),
  ])
  await writeRowsOf(fleet, set, plan, marking, keys, [
    ...(remove.length > 0 ? [deleteHistorySql(dialect, place, remove), deleteLedgerSql(dialect, place, remove)] : []),
    ...writeRows,
    ...(half ? dialect.phrases.markHalfDone(plan.historySchema, null) : []),
  ])
  return { applied: mark.map(({ id }) => id), undone: [] }
}

/** A row that says "failed" must not stay beside the one that says "applied": as rolled back, where the tool knows that. */
function clearFailed(dialect: Dialect, place: HistoryPlace, keys: readonly string[]): string[] {
  if (place.shape.mark === true) return []
  if (place.shape.flag?.no === 'failed') return clearBegunSql(dialect, place, keys)
  const rolledBack = rollBackFailedSql(dialect, place, keys)
  return rolledBack.length > 0 ? rolledBack : [deleteHistorySql(dialect, place, keys)]
}

/**
 * Records a failed migration as rolled back, as the tool itself does: its row stays, and it is pending again. What our
 * ledger knew of it is forgotten. Where it is not failed nothing is done.
 */
export async function markRolledBack(
  fleet: Fleet,
  set: FleetSet,
  plan: TargetPlan,
  id: string,
  rollout: string,
): Promise<BaselineOutcome> {
  const half = plan.standing.halfDone.find((one) => one.migration === id && one.direction === 'up')
  if (half === undefined) return { applied: [], undone: [] }
  const dialect = fleet.pool.dialect(plan.target.placement.server)
  const place = historyPlace(set, plan, dialect)
  const keys = set.migrations.find((migration) => migration.id === id)?.keys ?? [id]
  const migration = set.migrations.find((one) => one.id === id)
  await writeRowsOf(fleet, set, plan, markOf(fleet, set, plan, rollout), keys, [
    ...(place.shape.mark === true && migration !== undefined
      ? removeHistorySql(dialect, place, plan.standing, migration)
      : place.shape.flag?.no === 'failed'
        ? clearBegunSql(dialect, place, keys)
        : rollBackFailedSql(dialect, place, keys)),
    deleteLedgerSql(dialect, place, [id]),
    ...dialect.phrases.markHalfDone(plan.historySchema, null),
  ])
  return { applied: [], undone: [id] }
}

function markOf(fleet: Fleet, set: FleetSet, plan: TargetPlan, rollout: string): TransactionMark {
  const dialect = fleet.pool.dialect(plan.target.placement.server)
  const lockKey = lockKeyOf(plan.target, plan.historySchema)
  return { lockKey, token: rollout, ...advisoryMark(dialect, historyPlace(set, plan, dialect)) }
}

/** A mark must not have moved since it was read. */
function standsNow({ standing }: TargetPlan): Pick<TransactionGuard, 'mark'> {
  if (standing.marked !== true) return {}
  const last = standing.snapshot.entries.at(-1)
  if (last?.state === 'failed') return { mark: { at: last.key, begun: last.key } }
  return { mark: { at: last?.key ?? null, begun: null } }
}

/** One transaction under the target's lock; `keys` must not be recorded as applied meanwhile. */
async function writeRowsOf(
  fleet: Fleet,
  set: FleetSet,
  plan: TargetPlan,
  mark: TransactionMark,
  keys: readonly string[],
  rows: readonly string[],
): Promise<void> {
  const { server, database, schema } = plan.target.placement
  const dialect = fleet.pool.dialect(server)
  const { phrases } = dialect
  const place = historyPlace(set, plan, dialect)
  const tables = createTablesSql(dialect, place, plan.standing.snapshot)
  // Where DDL commits by itself it ends the transaction it is in.
  const together = dialect.features.transactionalDdl || tables.length === 0
  const settings = { ...engineSettings(fleet), schema: schema ?? null, session: set.config.session }
  const guard: TransactionGuard = { expect: 'absent', history: { ...place, keys }, notHalfDone: [], ...standsNow(plan) }
  const lease = await fleet.pool.lease(server, database)
  try {
    const begin = phrases.begin(settings, mark, lease.connection.version)
    const { failure } = await lease.connection.pipeline([
      ...begin,
      ...tables,
      ...(together ? [] : [phrases.commit, ...begin]),
      phrases.guard(guard),
      ...rows,
      phrases.commit,
    ])
    if (failure !== null) throw new DatabaseError(failure)
  } finally {
    await lease.release()
  }
}
