import type { DataChangeInfo, DataChanges } from '../model/data-change.ts'
import type { Fleet } from '../rollout/fleet.ts'
import type { DataChange } from './data-change.ts'
import { loadChanges } from './load-changes.ts'
import { lookAtChanges } from './look-at-changes.ts'
import { pauseChanges } from './pause-changes.ts'
import { runChanges } from './run-changes.ts'

/** The data changes of a fleet. */
export function openDataChanges(fleet: Fleet): DataChanges {
  const { config } = fleet
  return {
    async list() {
      const changes = await loadChanges(config.dataChanges, config.root)
      return { command: 'backfill-data list', ok: true, changes: changes.map(describe), notices: config.notices }
    },
    run: (options = {}) => runChanges(fleet, options),
    pause: (options = {}) => pauseChanges(fleet, options),
    status: (options = {}) => lookAtChanges(fleet, options),
  }
}

function describe({ name, file, body, table, key, chunkMs, after, set, scope }: DataChange): DataChangeInfo {
  return { change: name, file, kind: body.kind, table, key, chunkMs, after, set, scope }
}
