import type { PhaseReport } from '../model/phase-report.ts'
import type { SetPlan } from '../model/plan.ts'
import type { FleetReport } from '../model/report.ts'
import type { Fleet, FleetSet } from './fleet.ts'
import {
  describeChanges,
  findHeld,
  type HeldChange,
  hasPendingContract,
  refuseHeld,
  type Unfinished,
} from './phases.ts'

/**
 * Changes whose contract steps must not run now. Every active tenant counts, whichever were selected; the fleet is read
 * whole only where a contract step is pending.
 */
export async function holdContracts(
  fleet: Fleet,
  sets: readonly FleetSet[],
  plans: readonly SetPlan[],
  findUnfinished: () => Promise<Unfinished>,
): Promise<HeldChange[]> {
  if (!hasPendingContract(plans)) return []
  return findHeld(await readWhole(fleet, sets, plans), await findUnfinished())
}

/** Plans of every active target; those given are taken where they are of all of them. */
async function readWhole(fleet: Fleet, sets: readonly FleetSet[], plans: readonly SetPlan[]): Promise<SetPlan[]> {
  const whole = await fleet.view({}, { whole: false, quiet: true })
  const read: SetPlan[] = []
  for (const set of whole.sets) {
    const i = sets.findIndex(({ config }) => config.name === set.config.name)
    const known = plans[i]
    const isWhole = known !== undefined && known.targets.length === set.targets.length
    read.push(isWhole ? known : await fleet.plan(set, () => ({ steps: [], error: null })))
  }
  return read
}

/** The report of a run that left contract steps alone says so, and is not ok. */
export function reportHeld(report: FleetReport, held: readonly HeldChange[]): FleetReport {
  const error = refuseHeld(held)
  return error === null ? report : { ...report, ok: false, error: report.error ?? error.toJSON() }
}

/** How far each change is, over all active tenants. */
export async function reportPhases(fleet: Fleet, unfinished: Unfinished): Promise<PhaseReport> {
  const { sets } = await fleet.view({}, { whole: false })
  const plans: SetPlan[] = []
  for (const set of sets) plans.push(await fleet.plan(set, () => ({ steps: [], error: null })))
  const changes = describeChanges(plans, unfinished)
  const waits = changes.some(
    ({ state, phases }) =>
      state === 'under-way' && phases.some(({ phase, migrations }) => phase === 'contract' && migrations.length > 0),
  )
  return { command: 'phase status', ok: !waits, changes, notices: plans.flatMap(({ notices }) => notices) }
}
