import { planDown } from '../engine/plan-down.ts'
import { isTenantryError, TenantryError } from '../model/errors.ts'
import type { LedgerEntry } from '../model/history.ts'
import type { Notice } from '../model/migration.ts'
import type { SetPlan, TargetPlan } from '../model/plan.ts'
import type { RolloutReport } from '../model/report.ts'
import type { Fleet, FleetSet } from './fleet.ts'
import type { RolloutStore } from './store.ts'

/** What a rollout applied: ids per target and set, as the machine that ran it recorded them. */
type Applied = ReadonlyMap<string, readonly string[]>

/**
 * Plans the undo of exactly what one rollout applied. The record of the machine that ran it and the targets' ledgers are
 * put together: a run that was killed may have recorded less than it did. What another rollout undid or applied again
 * since is left alone, and said. Throws ROLLOUT_UNKNOWN, USAGE.
 */
export async function planRolloutUndo(
  fleet: Fleet,
  store: RolloutStore,
  sets: readonly FleetSet[],
  id: string,
  allowChanged: boolean,
): Promise<SetPlan[]> {
  const record = readRecord(store, id)
  if (record?.command === 'down') {
    throw new TenantryError('USAGE', `Rollout ${id} is an undo itself; it applied nothing.`, {
      hint: '`tenantry up` applies again what it undid.',
    })
  }
  const applied = record === null ? null : appliedBy(record)
  const whole = record !== null && record.finishedAt !== null
  const left = new Map<string, string[]>()
  const plans: SetPlan[] = []
  for (const set of sets) {
    // What it did not touch need not be read; a run that was cut off may have touched more than it recorded.
    const targets = whole
      ? set.targets.filter(({ name }) => applied?.has(placeKey(set.config.name, name)))
      : set.targets
    const read = await fleet.plan({ ...set, targets }, () => ({ steps: [], error: null }), { ledger: true })
    plans.push({
      ...read,
      targets: read.targets.map((plan) => planTarget(plan, set, id, applied, left, allowChanged)),
    })
  }
  if (record === null && !plans.some(({ targets }) => targets.some((plan) => rowsOf(plan, id).length > 0)))
    throw unknown(store, id, plans)
  const notices = [...(await noticeGone(fleet, id, applied)), ...noticeLeft(left), ...noticeRunning(record, id)]
  for (const notice of notices) fleet.emit({ type: 'notice', notice })
  const [first, ...rest] = plans
  return first === undefined ? [] : [{ ...first, notices: [...first.notices, ...notices] }, ...rest]
}

function readRecord(store: RolloutStore, id: string): RolloutReport | null {
  try {
    return store.read(id)
  } catch (error) {
    if (isTenantryError(error) && error.code === 'ROLLOUT_UNKNOWN') return null
    throw error
  }
}

const placeKey = (set: string, target: string) => JSON.stringify([set, target])

function appliedBy({ targets }: RolloutReport): Applied {
  const applied = new Map<string, readonly string[]>()
  for (const result of targets) {
    if (result.applied.length === 0) continue
    const key = placeKey(result.set, result.target)
    applied.set(key, [...(applied.get(key) ?? []), ...result.applied])
  }
  return applied
}

function rowsOf({ standing }: TargetPlan, id: string): LedgerEntry[] {
  return standing.snapshot.ledger.filter((row) => row.rollout === id)
}

function planTarget(
  plan: TargetPlan,
  set: FleetSet,
  id: string,
  applied: Applied | null,
  left: Map<string, string[]>,
  allowChanged: boolean,
): TargetPlan {
  if (plan.error !== null) return plan
  const { standing, target } = plan
  const own = rowsOf(plan, id)
  const recorded = applied?.get(placeKey(plan.set, target.name)) ?? []
  const only = new Set(own.filter(({ state }) => state === 'applied').map(({ migration }) => migration))
  for (const migration of recorded) {
    const reason = whyLeft(plan, migration, id)
    if (reason === null) only.add(migration)
    else {
      const key = JSON.stringify([migration, reason])
      left.set(key, [...(left.get(key) ?? []), target.name])
    }
  }
  const begun = own.some(({ state }) => state === 'running')
  if (only.size === 0 && !begun) return plan
  return { ...plan, ...planDown(standing, set.migrations, { only: [...only], allowChanged }) }
}

/** Why a migration that the rollout applied is not its own any more; null: it is. */
function whyLeft({ standing }: TargetPlan, migration: string, id: string): string | null {
  const row = standing.snapshot.ledger.find((one) => one.migration === migration)
  if (standing.halfDone.some((half) => half.migration === migration)) return null
  const by = row?.rollout == null || row.rollout === '' ? '' : ` by rollout ${row.rollout}`
  const there = standing.applied.some((one) => one.id === migration)
  const orphan = [...standing.missing, ...standing.renamed.map(({ from }) => from)].some(
    (key) => key === migration || key.startsWith(`${migration}.`),
  )
  if (!there && !orphan) return row?.state === 'undone' ? `was undone since${by}` : 'is not applied any more'
  if (row?.state === 'undone') return `was undone since${by}, and applied again by something else`
  return row === undefined || row.rollout === id ? null : `was applied again since${by}`
}

function unknown(store: RolloutStore, id: string, plans: readonly SetPlan[]): TenantryError {
  const unread = plans.flatMap(({ targets }) => targets).filter(({ error }) => error !== null).length
  const but = unread === 0 ? '' : ` ${unread} of them could not be read.`
  return new TenantryError(
    'ROLLOUT_UNKNOWN',
    `Rollout ${id} is not recorded in ${store.dir}, and no ledger of the selected targets has anything that it applied.${but}`,
    {
      hint: '`tenantry rollout list` shows the ones of this machine. A ledger forgets a rollout once all that it applied was undone, or applied again by another one.',
      context: { rollout: id, unread },
    },
  )
}

const shownTargets = 10

function listTargets(names: readonly string[]): string {
  const more = names.length - shownTargets
  return `${names.slice(0, shownTargets).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

function noticeLeft(left: ReadonlyMap<string, readonly string[]>): Notice[] {
  return [...left].map(([key, targets]) => {
    const [migration, reason] = JSON.parse(key) as [string, string]
    return {
      rule: 'rollout-left-alone',
      migration,
      message: `${migration} ${reason}, so it is left alone in ${listTargets(targets)}.`,
    }
  })
}

async function noticeGone(fleet: Fleet, id: string, applied: Applied | null): Promise<Notice[]> {
  if (applied === null) return []
  const known = await fleet.targetNames()
  const touched = new Set([...applied.keys()].map((key) => (JSON.parse(key) as [string, string])[1]))
  const gone = [...touched].filter((name) => !known.has(name))
  const asleep = [...touched].filter((name) => known.get(name) === false)
  const say = (names: readonly string[], what: string): Notice[] =>
    names.length === 0
      ? []
      : [
          {
            rule: 'rollout-target-gone',
            message: `${listTargets(names)}: ${what}, so what rollout ${id} applied there is not undone.`,
          },
        ]
  return [...say(gone, 'no longer in the fleet'), ...say(asleep, 'no tenant is active')]
}

function noticeRunning(record: RolloutReport | null, id: string): Notice[] {
  if (record?.state !== 'running') return []
  return [
    {
      rule: 'rollout-still-running',
      message: `Rollout ${id} is still running: what it applies from now on is not undone.`,
      hint: 'end it, then run this again',
    },
  ]
}
