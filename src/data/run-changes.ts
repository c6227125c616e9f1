import { setMaxListeners } from 'node:events'
import { ulid } from 'ulid'
import { showPath } from '../formats/list-folder.ts'
import type { DataChangeProgress, DataChangeReport, DataChangeRunOptions } from '../model/data-change.ts'
import type { Notice } from '../model/migration.ts'
import type { RunSignals } from '../model/report.ts'
import { engineSettings } from '../rollout/carry-out.ts'
import type { Fleet } from '../rollout/fleet.ts'
import { runBounded } from '../rollout/schedule.ts'
import { chooseTargets, findRequired, goesByTenant, type TargetChanges } from './choose-targets.ts'
import type { DataChange } from './data-change.ts'
import { loadChanges } from './load-changes.ts'
import { progressOf, reportOf } from './progress-report.ts'
import { runTarget } from './run-target.ts'
import type { Run } from './walk.ts'

/** Nobody interrupts. */
export const never: RunSignals = { drain: new AbortController().signal, cancel: new AbortController().signal }

/** Carries out data changes over the fleet. A failed target stops no other. */
export async function runChanges(fleet: Fleet, options: DataChangeRunOptions): Promise<DataChangeReport> {
  const startedAt = performance.now()
  const { config, emit } = fleet
  const dryRun = options.dryRun === true
  const changes = await loadChanges(config.dataChanges, config.root, options.change)
  const entries = await chooseTargets(fleet, changes, options.selectors ?? {}, { look: dryRun })
  const missing = await findMissing(fleet, entries, changes)
  const run: Run = {
    id: `d_${ulid()}`,
    startedAt,
    settings: engineSettings(fleet),
    restart: options.restart === true,
    allowChanged: options.allowChanged === true,
    signal: options.signal ?? never,
    healthQuery: config.dataChanges.healthQuery,
    maxReplicaLagMs: config.dataChanges.maxReplicaLagMs,
    emit,
  }
  // One for each target at work.
  setMaxListeners(0, run.signal.drain, run.signal.cancel)
  const notices: Notice[] = [...config.notices]
  const notice = (one: Notice) => {
    notices.push(one)
    emit({ type: 'notice', notice: one })
  }
  if (changes.length === 0) {
    const { dir } = config.dataChanges
    const message = `There are no data changes in ${showPath(config.root, dir)}.`
    notice({ rule: 'no-data-changes', message, hint: 'docs/data-changes.md tells how to write one' })
  }
  const results = new Map<TargetChanges, DataChangeProgress[]>()
  const task = { fleet, run, book: new Map(), dryRun, missing, notice }
  await runBounded(
    entries,
    ({ target }) => target.placement,
    fleet.limits,
    async (entry) => void results.set(entry, await runTarget(entry, task)),
    () => run.signal.drain.aborted,
    ({ server, database }) => void fleet.pool.closeDatabase(server, database),
  )
  const targets = entries.flatMap((entry) => results.get(entry) ?? unstarted(entry))
  const interrupted = run.signal.drain.aborted && targets.some(({ state }) => state === 'pending')
  return reportOf('backfill-data run', targets, {
    dryRun,
    run: dryRun ? null : run.id,
    interrupted,
    notices,
    startedAt,
  })
}

function unstarted({ target, changes }: TargetChanges): DataChangeProgress[] {
  return changes.flatMap((change) => {
    const tenants = goesByTenant(target, change) ? target.tenants.map(({ slug }) => slug) : [null]
    return tenants.map((tenant) => progressOf(change, target.name, tenant, null))
  })
}

/** Which migration a change waits for, by target. Histories are read only where a change asks for one. */
async function findMissing(
  fleet: Fleet,
  entries: readonly TargetChanges[],
  changes: readonly DataChange[],
): Promise<(entry: TargetChanges, change: DataChange) => string | null> {
  const sets = [...new Set(entries.flatMap((entry) => entry.sets))]
  const required = findRequired(sets, changes)
  const applied = new Map<string, ReadonlySet<string>>()
  for (const set of new Set([...required.values()].flatMap((own) => [...own.keys()]))) {
    const { targets } = await fleet.plan(set, () => ({ steps: [], error: null }))
    for (const { target, standing } of targets)
      applied.set(`${set.config.name}\0${target.name}`, new Set(standing.applied.map(({ id }) => id)))
  }
  return ({ target, sets: own }, change) => {
    const wanted = required.get(change)
    if (wanted === undefined) return null
    for (const [set, id] of wanted) {
      if (own.includes(set) && applied.get(`${set.config.name}\0${target.name}`)?.has(id) !== true) return id
    }
    return null
  }
}
