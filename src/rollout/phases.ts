import { TenantryError } from '../model/errors.ts'
import type { Migration, Notice } from '../model/migration.ts'
import type { ChangePhases, PhaseCount } from '../model/phase-report.ts'
import type { SetPlan, Standing } from '../model/plan.ts'

/** A set's files, and where each of its targets stands. */
export type PhasedSet = Pick<SetPlan, 'set' | 'migrations' | 'targets'>

/** What stands in the way of the contract step of a change. */
export interface HeldChange {
  change: string
  /** Its contract steps, by id. */
  contracts: readonly string[]
  /** Targets that lack an earlier step, and which. */
  behind: readonly { target: string; missing: readonly string[] }[]
}

/** Targets in which something else belongs to the migrate phase and has not ended, by change. */
export type Unfinished = ReadonlyMap<string, readonly { target: string; missing: string }[]>

const sampleLimit = 3

/** Does any set hold contract steps that are pending somewhere in these targets? */
export function hasPendingContract(sets: readonly PhasedSet[]): boolean {
  return sets.some(
    ({ migrations, targets }) =>
      migrations.some(({ phase }) => phase?.kind === 'contract') &&
      distinct(targets).some(({ pending }) => pending.some(({ phase }) => phase?.kind === 'contract')),
  )
}

/**
 * Changes whose contract steps must wait.
 * @param fleet every active target of every set, whichever were selected: running code serves all of them
 */
export function findHeld(fleet: readonly PhasedSet[], unfinished: Unfinished = new Map()): HeldChange[] {
  const held: HeldChange[] = []
  for (const [change, steps] of groupByChange(fleet)) {
    const contracts = steps.filter(({ phase }) => phase?.kind === 'contract').map(({ id }) => id)
    if (contracts.length === 0) continue
    const others = (unfinished.get(change) ?? []).map(({ target, missing }) => ({ target, missing: [missing] }))
    const behind = [...findBehind(fleet, change), ...others]
    if (behind.length > 0) held.push({ change, contracts, behind })
  }
  return held
}

function findBehind(fleet: readonly PhasedSet[], change: string): HeldChange['behind'] {
  const behind: { target: string; missing: readonly string[] }[] = []
  for (const { targets, migrations } of fleet) {
    const earlier = migrations.filter(({ phase }) => phase?.change === change && phase.kind !== 'contract')
    if (earlier.length === 0) continue
    const known = new Map<Standing, readonly string[]>()
    for (const { target, standing, error } of targets) {
      let missing = known.get(standing)
      if (missing === undefined) {
        missing = missingOf(standing, earlier)
        known.set(standing, missing)
      }
      // What could not be read cannot be believed to be past anything.
      if (missing.length === 0 && error !== null && standing.applied.length === 0) missing = earlier.map(({ id }) => id)
      if (missing.length > 0) behind.push({ target: target.name, missing })
    }
  }
  return behind
}

/** Which of these steps a history lacks, or has only half. */
function missingOf({ pending, halfDone }: Standing, steps: readonly Migration[]): readonly string[] {
  const open = new Set([...pending.map(({ id }) => id), ...halfDone.map(({ migration }) => migration)])
  return steps.filter(({ id }) => open.has(id)).map(({ id }) => id)
}

/** The error that a run ends with when it left contract steps alone. */
export function refuseHeld(held: readonly HeldChange[]): TenantryError | null {
  const [first] = held
  if (first === undefined) return null
  const names = [...new Set(first.behind.map(({ target }) => target))]
  const missing = [...new Set(first.behind.flatMap((behind) => behind.missing))]
  const more =
    held.length === 1 ? '' : ` ${held.length - 1} more ${held.length === 2 ? 'change waits' : 'changes wait'}.`
  return new TenantryError(
    'PHASE_BLOCKED',
    `${first.contracts.join(', ')} (contract of ${first.change}) was left alone, and what comes after it: when this run began, ${names.length} ${names.length === 1 ? 'target was' : 'targets were'} not past ${missing.slice(0, sampleLimit).join(', ')}${missing.length > sampleLimit ? ', …' : ''} (${names.slice(0, sampleLimit).join(', ')}${names.length > sampleLimit ? ', …' : ''}).${more}`,
    {
      hint: '`tenantry phase status` shows how far each change is. Once every active tenant is past those steps, and no running code uses what the contract step takes away, run `tenantry up` again.',
      context: {
        migration: first.contracts[0] ?? '',
        change: first.change,
        behind: names.length,
        targets: names.slice(0, 20),
        changes: held.map(({ change }) => change),
      },
    },
  )
}

/** The same for `plan`, where nothing is refused yet. */
export function describeHeld(held: readonly HeldChange[]): Notice[] {
  return held.flatMap(({ change, contracts, behind }) =>
    contracts.map((migration) => ({
      rule: 'phase-blocked',
      migration,
      message: `${migration} (contract of ${change}) will be left alone: ${behind.length} ${behind.length === 1 ? 'target is' : 'targets are'} not past the steps before it.`,
      hint: '`tenantry phase status` shows which',
    })),
  )
}

/** Ids that may not run in a set. */
export function heldIds(held: readonly HeldChange[]): ReadonlySet<string> {
  return new Set(held.flatMap(({ contracts }) => contracts))
}

/** How far each change is, in the order in which the changes begin. */
export function describeChanges(fleet: readonly PhasedSet[], unfinished: Unfinished = new Map()): ChangePhases[] {
  const held = new Map(findHeld(fleet, unfinished).map((change) => [change.change, change]))
  return [...groupByChange(fleet)].map(([change, steps]) => {
    const phases = (['expand', 'migrate', 'contract'] as const).map((kind): PhaseCount => {
      const ids = steps.filter(({ phase }) => phase?.kind === kind).map(({ id }) => id)
      return { phase: kind, migrations: ids, ...countTargets(fleet, ids) }
    })
    const behind = held.get(change)?.behind ?? findBehind(fleet, change)
    const contract = phases[2] as PhaseCount
    const state =
      contract.migrations.length > 0 && contract.done === contract.targets
        ? 'contracted'
        : behind.length > 0
          ? 'under-way'
          : contract.migrations.length === 0
            ? 'migrated'
            : 'ready'
    return {
      change,
      state,
      phases,
      behind: behind.slice(0, 20).map(({ target, missing }) => ({ target, missing })),
      behindCount: behind.length,
    }
  })
}

function countTargets(fleet: readonly PhasedSet[], ids: readonly string[]): { targets: number; done: number } {
  if (ids.length === 0) return { targets: 0, done: 0 }
  let [targets, done] = [0, 0]
  for (const set of fleet) {
    const own = ids.filter((id) => set.migrations.some((migration) => migration.id === id))
    if (own.length === 0) continue
    const verdicts = new Map<Standing, boolean>()
    for (const { standing } of set.targets) {
      let isDone = verdicts.get(standing)
      if (isDone === undefined) {
        const applied = new Set(standing.applied.map(({ id }) => id))
        const half = new Set(standing.halfDone.map(({ migration }) => migration))
        isDone = own.every((id) => applied.has(id) && !half.has(id))
        verdicts.set(standing, isDone)
      }
      targets++
      if (isDone) done++
    }
  }
  return { targets, done }
}

function groupByChange(fleet: readonly PhasedSet[]): Map<string, Migration[]> {
  const changes = new Map<string, Migration[]>()
  for (const { migrations } of fleet) {
    for (const migration of migrations) {
      if (migration.phase === undefined) continue
      const group = changes.get(migration.phase.change)
      if (group === undefined) changes.set(migration.phase.change, [migration])
      else group.push(migration)
    }
  }
  return changes
}

function distinct(targets: SetPlan['targets']): Standing[] {
  return [...new Set(targets.map(({ standing }) => standing))]
}
