import type { Fleet } from '../rollout/fleet.ts'
import type { Unfinished } from '../rollout/phases.ts'
import { loadChanges } from './load-changes.ts'
import { lookAtChanges } from './look-at-changes.ts'

/** Data changes that are the migrate phase of a change, and where they have not ended. Asks no server where there are none. */
export async function findUnfinished(fleet: Fleet): Promise<Unfinished> {
  const { config } = fleet
  const marked = (await loadChanges(config.dataChanges, config.root)).filter(({ phase }) => phase !== undefined)
  const unfinished = new Map<string, { target: string; missing: string }[]>()
  if (marked.length === 0) return unfinished
  const changes = new Map(marked.map(({ name, phase }) => [name, phase?.change]))
  // One look at each target tells of all of them.
  for (const { change: name, target, state } of (await lookAtChanges(fleet, {})).targets) {
    const change = changes.get(name)
    if (change === undefined || state === 'done') continue
    unfinished.set(change, [...(unfinished.get(change) ?? []), { target, missing: `data change ${name}` }])
  }
  return unfinished
}
