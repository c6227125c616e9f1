import { ulid } from 'ulid'
import { applyTarget } from '../engine/apply-target.ts'
import { planDown } from '../engine/plan-down.ts'
import { planUp } from '../engine/plan-up.ts'
import type { Migration } from '../model/migration.ts'
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
  const decide: FleetQuestion['decide'] = (standing) =>
    task.direction === 'up'
      ? planUp(standing, set.migrations, { to: task.to, allowChanged: false, strictOrder: false })
      : planDown(standing, set.migrations, { migration: task.migration, allowChanged: task.allowChanged ?? false })
  const plan = await fleet.planTarget(set, decide, target)
  const work = { command: task.direction, fleet, set, decide, backup: undefined, signal }
  return applyTarget({ ...describeWork(work, plan, `r_${ulid()}`), emit: () => {} })
}
