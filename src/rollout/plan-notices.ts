import type { ScriptBook } from '../model/dialect.ts'
import { isTenantryError } from '../model/errors.ts'
import type { Notice } from '../model/migration.ts'
import type { PlannedStep, SetPlan, Standing } from '../model/plan.ts'
import type { Script } from '../model/script.ts'
import type { Fleet, FleetSet } from './fleet.ts'

/** Older files that run after newer ones, each once, with the number of its targets. */
export function findLateNotices({ targets }: SetPlan): Notice[] {
  const counts = new Map<string, number>()
  const late = new Map<Standing, readonly string[]>()
  for (const { standing, steps } of targets) {
    if (steps.length === 0 || standing.outOfOrder.length === 0) continue
    let ids = late.get(standing)
    if (ids === undefined) {
      const planned = new Set(steps.map(({ migration }) => migration))
      ids = standing.outOfOrder.filter((migration) => planned.has(migration)).map(({ id }) => id)
      late.set(standing, ids)
    }
    for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  return [...counts].map(([migration, count]) => ({
    rule: 'out-of-order',
    migration,
    message: `${migration} comes late: in ${count} ${count === 1 ? 'target' : 'targets'} newer migrations are applied already, and it runs after them.`,
    hint: '`--strict-order` refuses that',
  }))
}

/** What a script has to say, in the set that it belongs to. */
export function noticesOf(set: FleetSet, { migration, mode, reason, notices }: Script): readonly Notice[] {
  if (set.config.transaction !== 'target' || mode === 'transaction') return notices
  const alone: Notice = {
    rule: 'not-one-transaction',
    migration,
    message: `${migration} runs by itself, so what is pending is not applied all or nothing: ${reason}`,
    hint: 'what comes before it is committed first',
  }
  return [...notices, alone]
}

/** Everything to be said before a plan is carried out. */
export async function findPlanNotices(
  fleet: Fleet,
  sets: readonly FleetSet[],
  plans: readonly SetPlan[],
): Promise<Notice[]> {
  const found: Notice[] = []
  for (const plan of plans) {
    const set = sets.find(({ config }) => config.name === plan.set) as FleetSet
    found.push(...findLateNotices(plan), ...(await findScriptNotices(fleet, set, plan)))
  }
  return found
}

/**
 * What the scripts that are about to run have to say, before the first of them does; each once. One that cannot be
 * compiled is passed over: its targets say why.
 */
async function findScriptNotices(fleet: Fleet, set: FleetSet, plan: SetPlan): Promise<Notice[]> {
  const notices = new Map<string, Notice>()
  const seen = new Map<ScriptBook, Set<readonly PlannedStep[]>>()
  const scripts = new Set<Script>()
  for (const { target, steps } of plan.targets) {
    const book = fleet.book(set, target)
    const known = seen.get(book) ?? new Set()
    seen.set(book, known)
    // Equal histories share one list of steps.
    if (known.has(steps)) continue
    known.add(steps)
    for (const { migration, direction } of steps) {
      try {
        const script = direction === 'up' ? await book.up(migration) : await book.down(migration)
        if (script !== null) scripts.add(script)
      } catch (error) {
        if (!isTenantryError(error)) throw error
      }
    }
  }
  for (const script of scripts) {
    for (const notice of noticesOf(set, script).filter(({ detail }) => !detail))
      notices.set(JSON.stringify(notice), { migration: script.migration, ...notice })
  }
  return [...notices.values()]
}
