import { historyShapes } from '../formats/history-shapes.ts'
import { DatabaseError } from '../model/dialect.ts'
import type { Notice } from '../model/migration.ts'
import type { TargetPlan } from '../model/plan.ts'
import type { AdoptedSet, AdoptedTarget, AdoptReport, Selectors } from '../model/report.ts'
import type { Fleet, FleetSet } from './fleet.ts'
import { findOddRows } from './odd-rows.ts'
import { findLanded } from './prove-baseline.ts'
import { runBounded } from './schedule.ts'

/** How much of a first migration is looked up where there is no history. */
const mostLookups = 3

/**
 * Shows what is there before it is believed: format, folders and history of each set, and of each target what its
 * history says and what it does not explain. Changes nothing. `ok`: nothing of it needs a person.
 */
export async function adoptFleet(fleet: Fleet, selectors: Selectors): Promise<Omit<AdoptReport, 'config' | 'written'>> {
  const { sets } = await fleet.view(selectors, { whole: false })
  const adopted: AdoptedSet[] = []
  const notices: Notice[] = []
  const own = new Set(sets.map(({ table }) => table))
  for (const set of sets) {
    const one = await adoptSet(fleet, set)
    adopted.push(one)
    notices.push(...set.notices, ...findOtherHistories(one, own), ...findNewcomers(one))
  }
  const strange = notices.some(({ rule }) => rule === 'other-history')
  const ok = !strange && adopted.every(({ targets }) => targets.every((target) => !needsPerson(target)))
  return { command: 'adopt', ok, sets: adopted, notices }
}

/** Does this target have something that nobody but a person can settle? */
export function needsPerson(target: AdoptedTarget): boolean {
  const { missing, failed, odd, changed, unexplained, error } = target
  return error !== null || missing.length + failed.length + odd.length + changed.length + unexplained.length > 0
}

async function adoptSet(fleet: Fleet, set: FleetSet): Promise<AdoptedSet> {
  const names = [
    ...new Set([set.table, ...historyShapes(fleet.config.added.formats).map((shape) => shape.defaultTable)]),
  ]
  const { targets } = await fleet.plan(set, () => ({ steps: [], error: null }), { requiredTables: names })
  const found = new Map<TargetPlan, AdoptedTarget>()
  await runBounded(
    targets,
    ({ target }) => target.placement,
    fleet.limits,
    async (plan) => {
      found.set(plan, await adoptTarget(fleet, set, plan))
    },
  )
  const read = targets.filter(({ historySchema }) => historySchema !== '')
  const tables = names.map((table) => ({
    table,
    // The set's own may be in a schema beside the others.
    targets: read.filter(({ missingTables, standing }) =>
      table === set.table ? standing.snapshot.columns !== null : !missingTables.includes(table),
    ).length,
  }))
  return {
    set: set.config.name,
    format: set.format.name,
    dirs: set.options.dirs,
    history: { kind: set.shape.kind, table: set.table, schema: set.historySchema },
    tables: tables.filter((one) => one.targets > 0),
    migrations: set.migrations.length,
    targets: targets.map((plan) => found.get(plan) as AdoptedTarget),
  }
}

async function adoptTarget(fleet: Fleet, set: FleetSet, plan: TargetPlan): Promise<AdoptedTarget> {
  const { target, standing, error } = plan
  const odd = findOddRows(set.migrations, standing.snapshot.entries)
  return {
    target: target.name,
    tenants: target.tenants.map(({ slug }) => slug),
    hasHistory: standing.snapshot.columns !== null,
    applied: standing.applied.length,
    pending: standing.pending.map(({ id }) => id),
    missing: [...standing.missing, ...standing.renamed.map(({ from }) => from)].filter((key) => !odd.keys.has(key)),
    failed: standing.halfDone.map(({ migration }) => migration),
    odd: odd.texts,
    changed: standing.changed.map(({ id }) => id),
    unexplained: error === null ? await findUnexplained(fleet, set, plan) : [],
    error,
  }
}

/** Where nothing is recorded: is what the first migration makes there all the same? */
async function findUnexplained(fleet: Fleet, set: FleetSet, plan: TargetPlan): Promise<string[]> {
  const { entries } = plan.standing.snapshot
  const [first] = plan.standing.pending
  if (entries.length > 0 || first === undefined) return []
  const { server, database } = plan.target.placement
  const lease = await fleet.pool.lease(server, database)
  try {
    return await findLanded(fleet, set, plan, first, lease.connection, mostLookups)
  } catch (error) {
    if (error instanceof DatabaseError) return []
    throw error
  } finally {
    await lease.release()
  }
}

/** A history of another tool beside ours: somebody has to say which of them is true. */
function findOtherHistories({ set, tables, history }: AdoptedSet, own: ReadonlySet<string>): Notice[] {
  return tables
    .filter(({ table }) => !own.has(table))
    .map(({ table, targets }) => ({
      rule: 'other-history',
      message: `Set ${set} keeps its history in ${history.table}, and ${targets} ${targets === 1 ? 'target has' : 'targets have'} ${table} as well.`,
      hint: 'Say which one is true with `migrations.history.kind` (or `table`), and drop the other one when you are sure.',
    }))
}

function findNewcomers({ set, targets, history }: AdoptedSet): Notice[] {
  const without = targets.filter(({ hasHistory, error }) => !hasHistory && error === null)
  if (without.length === 0 || without.length === targets.length) return []
  return [
    {
      rule: 'no-history',
      message: `${without.length} of ${targets.length} targets of set ${set} have no ${history.table}: ${without
        .slice(0, 3)
        .map(({ target }) => target)
        .join(', ')}${without.length > 3 ? ' …' : ''}.`,
      hint: 'New tenants get everything with `tenantry up`; others are marked with `tenantry baseline`.',
    },
  ]
}
