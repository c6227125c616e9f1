import { ulid } from 'ulid'
import { applyTarget } from '../engine/apply-target.ts'
import { newKey } from '../engine/history-sql.ts'
import { spellingsOf } from '../engine/match-history.ts'
import { needsLedger, readStanding } from '../engine/plan.ts'
import { planDown } from '../engine/plan-down.ts'
import { planUp } from '../engine/plan-up.ts'
import type { HistoryEntry } from '../model/history.ts'
import type { Migration } from '../model/migration.ts'
import type { TargetPlan } from '../model/plan.ts'
import type { RunSignals } from '../model/report.ts'
import type { TargetResult } from '../model/rollout.ts'
import type { Target } from '../model/tenant.ts'
import { describeWork } from './carry-out.ts'
import type { Fleet, FleetSet } from './fleet.ts'
import type { FleetQuestion } from './read-fleet.ts'

/** What is to be done to one target; the last migration of `up`, or the one that is undone. */
export type OneTask =
  | { direction: 'up'; to: Migration | null }
  | { direction: 'down'; migration: Migration; allowChanged?: boolean }

/**
 * Migrates one target that need not be a tenant's, as `up` or `down` would: same locks, transactions and history rows.
 * No rollout is recorded, and nothing is said while it runs. A failure is in the result.
 */
export async function migrateOne(
  fleet: Fleet,
  set: FleetSet,
  target: Target,
  task: OneTask,
  signal?: RunSignals,
): Promise<TargetResult> {
  return (await migrateFrom(fleet, set, target, task, signal, null)).result
}

/**
 * The same for a target that nobody else migrates: what was left behind is told, and need not be read the next time.
 * @param known what the task before has told; null: the history is read
 */
export async function migrateFrom(
  fleet: Fleet,
  set: FleetSet,
  target: Target,
  task: OneTask,
  signal: RunSignals | undefined,
  known: TargetPlan | null,
): Promise<{ result: TargetResult; known: TargetPlan | null }> {
  const decide: FleetQuestion['decide'] = (standing) =>
    task.direction === 'up'
      ? planUp(standing, set.migrations, { to: task.to, allowChanged: false, strictOrder: false })
      : planDown(standing, set.migrations, { migration: task.migration, allowChanged: task.allowChanged ?? false })
  const plan = known === null ? await fleet.planTarget(set, decide, target) : { ...known, ...decide(known.standing) }
  const work = { command: task.direction, fleet, set, decide, backup: undefined, signal }
  const result = await applyTarget({ ...describeWork(work, plan, `r_${ulid()}`), emit: () => {} })
  return { result, known: result.error === null ? planAfter(set, plan, result) : null }
}

/**
 * What a reading of the history would tell after one step; null: it has to be read. Should it be wrong all the same, the
 * guard of the next transaction says so, and the history is read then.
 */
function planAfter(set: FleetSet, plan: TargetPlan, { applied, undone }: TargetResult): TargetPlan | null {
  const { snapshot, halfDone } = plan.standing
  const [step, ...others] = plan.steps
  if (step === undefined || others.length > 0 || applied.length + undone.length !== 1) return null
  const { migration, direction } = step
  const isCode = migration.up.kind === 'code' || migration.down?.kind === 'code'
  const isWhole = snapshot.columns !== null && snapshot.hasLedger
  if (isCode || !isWhole || snapshot.ledger.length > 0 || halfDone.length > 0) return null
  const keys = new Set(spellingsOf(migration, snapshot.entries))
  const added: HistoryEntry = {
    key: newKey(migration, plan.standing, set.shape),
    checksum: set.shape.checksum === null ? null : migration.checksum,
    state: 'applied',
  }
  const entries =
    direction === 'up' ? [...snapshot.entries, added] : snapshot.entries.filter(({ key }) => !keys.has(key))
  const standing = readStanding(set.migrations, { ...snapshot, entries }, set.shape)
  return needsLedger(standing) ? null : { ...plan, standing }
}
