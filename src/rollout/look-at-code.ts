import type { Migration } from '../model/migration.ts'
import type { Standing, TargetPlan } from '../model/plan.ts'
import type { Script } from '../model/script.ts'
import type { Fleet, FleetSet } from './fleet.ts'
import { previewScript } from './preview-code.ts'

/** What a migration that is code would send to a target, as a script; `why`: that cannot be told. */
export type LookAtCode = (set: FleetSet, plan: TargetPlan, migration: Migration) => Promise<Script | { why: string }>

/**
 * Looks at code in one target of those whose history is the same, and believes it of the others: what code sends seldom
 * hangs on the rows it meets. Throws `DatabaseError`.
 */
export function lookAtCode(fleet: Fleet, direction: 'up' | 'down'): LookAtCode {
  const known = new Map<Standing, Map<string, Promise<Script | { why: string }>>>()
  return (set, plan, migration) => {
    const { server, schema } = plan.target.placement
    const own = known.get(plan.standing) ?? new Map<string, Promise<Script | { why: string }>>()
    known.set(plan.standing, own)
    const key = JSON.stringify([plan.set, migration.id, fleet.pool.dialect(server).name, schema === undefined])
    const seen = own.get(key) ?? look(fleet, set, plan, migration, direction)
    own.set(key, seen)
    return seen
  }
}

async function look(
  fleet: Fleet,
  set: FleetSet,
  plan: TargetPlan,
  migration: Migration,
  direction: 'up' | 'down',
): Promise<Script | { why: string }> {
  const { server, database } = plan.target.placement
  const lease = await fleet.pool.lease(server, database)
  try {
    return await previewScript(fleet, set, plan, migration, direction, lease.connection)
  } finally {
    await lease.release()
  }
}
