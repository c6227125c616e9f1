import { describeFailure } from '../engine/describe-failure.ts'
import { DatabaseError } from '../model/dialect.ts'
import { type ErrorDocument, TenantryError } from '../model/errors.ts'
import type { SetPlan, TargetPlan } from '../model/plan.ts'
import type { DestructiveStep } from '../model/script.ts'
import type { Fleet, FleetSet } from './fleet.ts'
import { type LookAtCode, lookAtCode } from './look-at-code.ts'
import { nameDestructive } from './report-plan.ts'
import { runBounded } from './schedule.ts'

/** Rows that an undo would take away from one target. */
export interface DataLoss {
  target: string
  set: string
  migration: string
  /** `drops column users.email`. */
  what: string
  /** null: the server does not let us count them (a policy hides rows, or the role may not read), or see `why`. */
  rows: number | null
  /** Why it cannot be told what code would take away; absent: it can. */
  why?: string
}

/** Of these, rows that cannot be counted count as rows. Of others nothing is ever known beforehand. */
const countable: ReadonlySet<DestructiveStep['kind']> = new Set([
  'drop-table',
  'drop-column',
  'drop-schema',
  'truncate',
])

/** Counts what the planned undos would drop, target by target, before anything is touched. Throws where it cannot look. */
export async function findDataLoss(
  fleet: Fleet,
  sets: readonly FleetSet[],
  plans: readonly SetPlan[],
): Promise<DataLoss[]> {
  const losses: DataLoss[] = []
  let failure: unknown = null
  const lookAt = lookAtCode(fleet, 'down')
  for (const plan of plans) {
    const set = sets.find(({ config }) => config.name === plan.set) as FleetSet
    const working = plan.targets.filter(({ steps, error }) => error === null && steps.length > 0)
    await runBounded(
      working,
      ({ target }) => target.placement,
      fleet.limits,
      async (target) => {
        try {
          losses.push(...(await lossesOf(fleet, set, target, lookAt)))
        } catch (error) {
          failure ??= error instanceof DatabaseError ? describeLooking(target, plan.set, error) : error
        }
      },
      () => failure !== null,
    )
  }
  if (failure !== null) throw failure
  return losses
}

function describeLooking({ target }: TargetPlan, set: string, { failure }: DatabaseError): TenantryError {
  const { code, message, hint, context } = describeFailure(failure, { target, set })
  return new TenantryError(code, `${message} Nothing was undone anywhere.`, { hint: hint ?? undefined, context })
}

async function lossesOf(fleet: Fleet, set: FleetSet, plan: TargetPlan, lookAt: LookAtCode): Promise<DataLoss[]> {
  const { target } = plan
  const steps: { migration: string; step: DestructiveStep }[] = []
  const losses: DataLoss[] = []
  for (const { migration } of plan.steps) {
    const script = await fleet.book(set, target).down(migration)
    const seen = script?.mode === 'code' ? await lookAt(set, plan, migration) : script
    if (seen !== null && 'why' in seen) {
      const what = 'may take rows away: what it would send'
      losses.push({ target: target.name, set: plan.set, migration: migration.id, what, rows: null, why: seen.why })
      continue
    }
    for (const step of seen?.destructive ?? []) steps.push({ migration: migration.id, step })
  }
  if (steps.length === 0) return losses
  const { server, database, schema } = target.placement
  const lease = await fleet.pool.lease(server, database)
  try {
    const counts = await fleet.pool.dialect(server).countRows(
      lease.connection,
      schema ?? null,
      steps.map(({ step }) => step),
    )
    return losses.concat(
      steps.flatMap(({ migration, step }, i) => {
        const rows = counts[i] ?? null
        return (rows === null ? countable.has(step.kind) : rows > 0)
          ? [{ target: target.name, set: plan.set, migration, what: nameDestructive(step), rows }]
          : []
      }),
    )
  } finally {
    await lease.release()
  }
}

const shown = 20

/** The refusal, with what would be lost. */
export function dataLossError(losses: readonly DataLoss[]): TenantryError {
  const lines = losses
    .slice(0, shown)
    .map(({ target, migration, what, rows, why }) => `  ${target}: ${migration} ${what} (${countedRows(rows, why)})`)
  const more = losses.length > shown ? [`  … and ${losses.length - shown} more`] : []
  const targets = new Set(losses.map(({ target }) => target)).size
  return new TenantryError(
    'DATA_LOSS',
    `The undo would take rows away in ${targets} ${targets === 1 ? 'target' : 'targets'}; nothing was touched:\n${[...lines, ...more].join('\n')}`,
    { hint: 'Make a backup, then add --allow-data-loss.', context: { losses } },
  )
}

function countedRows(rows: number | null, why: string | undefined): string {
  if (why !== undefined) return `could not be looked at: ${why}`
  if (rows === null) return 'rows that cannot be counted'
  return `${rows > 1_000_000 ? 'over 1,000,000' : rows} ${rows === 1 ? 'row' : 'rows'}`
}

/** The same, as the error of one target. */
export function targetLossError(losses: readonly DataLoss[], target: string): ErrorDocument | null {
  const own = losses.filter((loss) => loss.target === target)
  return own.length === 0 ? null : dataLossError(own).toJSON()
}
