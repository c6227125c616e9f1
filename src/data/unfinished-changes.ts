import type { Fleet } from '../rollout/fleet.ts'
import type { Unfinished } from '../rollout/phases.ts'
import { loadChanges } from './load-changes.ts'
import { lookAtChanges } from './look-at-changes.ts'

/** Data changes that are the migrate phase of a change, and where they have not ended. Asks no server where there are none. */
export async function findUnfinished(fleet: Fleet): Promise<Unfinished> {
  const { config } = fleet
  const marked = (await loadChanges(config.dataChanges, config.root)).filter(({ phase }) => phase !== undefined)
  const unfinished = new Map<string, { target: string; missing: string }[]>()
  for (const { name, phase } of marked) {
    const { targets } = await lookAtChanges(fleet, { change: name })
    const open = targets.filter(({ state }) => state !== 'done')
    if (phase === undefined || open.length === 0) continue
    const known = unfinished.get(phase.change) ?? []
    unfinished.set(phase.change, [...known, ...open.map(({ target }) => ({ target, missing: `data change ${name}` }))])
  }
  return unfinished
}
