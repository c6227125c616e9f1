import { ulid } from 'ulid'
import { refuseHistory } from '../engine/refuse-history.ts'
import { isTenantryError, TenantryError } from '../model/errors.ts'
import type { Migration, Notice } from '../model/migration.ts'
import type { SetPlan, TargetPlan } from '../model/plan.ts'
import type { BaselineOptions, FleetReport } from '../model/report.ts'
import type { TargetResult } from '../model/rollout.ts'
import { baselineSet, chooseMarks, markApplied, markRolledBack } from './baseline.ts'
import { type Fleet, type FleetSet, resolveInSets } from './fleet.ts'
import { proveMarks, type Unproven } from './prove-baseline.ts'
import { refuseRemains, refuseTraces } from './prove-dirty.ts'
import { refuseUnknownName } from './rename.ts'
import { summarise } from './report.ts'

/**
 * Writes histories without running anything: marks migrations as applied where the schema really has them, records a new
 * name, or records a failed one as rolled back. Throws USAGE, MIGRATION_UNKNOWN.
 */
export async function runBaseline(fleet: Fleet, options: BaselineOptions): Promise<FleetReport> {
  const startedAt = performance.now()
  const { sets } = await fleet.view(options.selectors ?? {}, { whole: true })
  const rollout = `r_${ulid()}`
  const notices: Notice[] = []
  const targets =
    options.rolledBack === undefined
      ? await markSets(fleet, sets, options, rollout, notices)
      : await rollBackSets(fleet, sets, options.rolledBack, options, rollout)
  const summary = summarise(targets, Math.round(performance.now() - startedAt))
  return {
    command: 'baseline',
    rollout: null,
    ok: summary.failed === 0,
    summary,
    targets,
    waves: [],
    notices,
    error: null,
    interrupted: false,
  }
}

/** Looked at only. A function of its own for each read: what was decided is kept by it. */
const planNothing = () => () => ({ steps: [], error: null })

async function markSets(
  fleet: Fleet,
  sets: readonly FleetSet[],
  options: BaselineOptions,
  rollout: string,
  notices: Notice[],
): Promise<TargetResult[]> {
  const name = options.migration ?? options.to ?? options.rename?.to
  if (name === undefined) throw new TenantryError('USAGE', '`baseline` needs to know what to mark.')
  const results: TargetResult[] = []
  for (const [set, migration] of resolveInSets(sets, name)) {
    const plan = await fleet.plan(set, planNothing())
    const from = options.rename?.from
    if (from !== undefined) refuseUnknownName(plan, from, migration)
    const upTo = options.migration === undefined ? set.migrations.indexOf(migration) + 1 : 0
    const wanted = upTo > 0 && from === undefined ? set.migrations.slice(0, upTo) : [migration]
    const unproven: Unproven[] = []
    // A new name says nothing about the schema.
    const mustProve = options.force !== true && from === undefined
    const act = async (target: TargetPlan) => {
      const change = chooseMarks(target.standing, set.migrations, wanted, from ?? null)
      const unusable = refuseHistory(set.shape, target.historyTable, target.standing, change.mark)
      if (unusable !== null) throw unusable
      if (mustProve && change.mark.length > 0) await refuseRemains(fleet, set, target, change.mark)
      if (mustProve && change.mark.length > 0) unproven.push(await prove(fleet, set, target, change.mark))
      return markApplied(fleet, set, target, change, rollout)
    }
    results.push(...(await baselineSet(fleet, plan, act)))
    notices.push(...describeUnproven(unproven))
  }
  return results
}

async function prove(fleet: Fleet, set: FleetSet, target: TargetPlan, marks: readonly Migration[]): Promise<Unproven> {
  const { server, database } = target.target.placement
  const lease = await fleet.pool.lease(server, database)
  try {
    return await proveMarks(fleet, set, target, marks, lease.connection)
  } finally {
    await lease.release()
  }
}

/** What went through because the catalog could not tell: a person should know how much that was. */
function describeUnproven(all: readonly Unproven[]): Notice[] {
  const notices: Notice[] = []
  const doubtful = all.filter(({ unknown }) => unknown > 0)
  const [worst] = [...doubtful].sort((a, b) => b.unknown - a.unknown)
  if (worst !== undefined) {
    notices.push({
      rule: 'baseline-unseen',
      message: `The catalog cannot tell of ${worst.unknown} of ${worst.statements} statements whether they were carried out${doubtful.length === 1 ? '' : ` (in ${doubtful.length} targets)`}: rows that they change, blocks, and what later migrations take away again.`,
      hint: 'look at one target by hand before you go on with the others',
    })
  }
  const unread = new Map(all.flatMap((one) => [...one.unread]))
  for (const [migration, why] of unread) {
    const message = `Not all of what ${migration} makes could be looked up, since its code did not come to its end on a session that only reads (${why.replace(/\.$/, '')}).`
    notices.push({ rule: 'baseline-unread', migration, message })
  }
  return notices
}

async function rollBackSets(
  fleet: Fleet,
  sets: readonly FleetSet[],
  name: string,
  options: BaselineOptions,
  rollout: string,
): Promise<TargetResult[]> {
  const able = sets.filter(
    ({ shape }) => shape.rolledBackAt !== null || shape.flag?.no === 'failed' || shape.mark === true,
  )
  const [set] = sets
  if (able.length === 0) {
    throw new TenantryError(
      'USAGE',
      `The history table ${set?.table ?? ''} has no failed rows to record as rolled back.`,
      {
        hint: 'That is for Prisma, Flyway and golang-migrate. A migration of another tool that stopped half-way goes on with `tenantry up`.',
      },
    )
  }
  const results: TargetResult[] = []
  let isKnown = false
  for (const one of able) {
    const id = idOf(one, name)
    const plan = await fleet.plan(one, planNothing())
    if (isFailedSomewhere(plan, id)) isKnown = true
    const act = async (target: TargetPlan) => {
      if (options.force !== true) await refuseTraces(fleet, one, target, id)
      return markRolledBack(fleet, one, target, id, rollout)
    }
    results.push(...(await baselineSet(fleet, plan, act)))
  }
  if (isKnown || results.some(({ error }) => error !== null)) return results
  throw new TenantryError('MIGRATION_UNKNOWN', `No target has a failed migration ${JSON.stringify(name)}.`, {
    hint: '`tenantry status` lists what failed where. One that is applied is undone with `tenantry down`.',
  })
}

/** A failed row may have lost its file: then its own name is meant. */
function idOf(set: FleetSet, name: string): string {
  try {
    return [...resolveInSets([set], name).values()][0]?.id ?? name
  } catch (error) {
    if (isTenantryError(error) && error.code === 'MIGRATION_UNKNOWN' && error.context.migrations === undefined)
      return name
    throw error
  }
}

function isFailedSomewhere({ targets }: SetPlan, id: string): boolean {
  return targets.some(({ standing }) =>
    standing.halfDone.some((half) => half.migration === id && half.direction === 'up'),
  )
}
