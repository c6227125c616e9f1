import { DatabaseError } from '../model/dialect.ts'
import { isTenantryError } from '../model/errors.ts'
import type { Migration, Notice } from '../model/migration.ts'
import type { FleetReport } from '../model/report.ts'
import type { Target } from '../model/tenant.ts'
import { type Fleet, type LoadedSet, resolveInSets } from '../rollout/fleet.ts'
import { runBounded } from '../rollout/schedule.ts'
import { changeRows, hasChangeTable } from './change-rows.ts'
import type { DataChange } from './data-change.ts'
import { send } from './in-transaction.ts'
import { loadChanges } from './load-changes.ts'
import { TargetSession } from './target-session.ts'

/**
 * Where a migration was undone that a data change builds on (its `after`, or the expand step of its change), what the
 * change wrote went with it: it is not done any more, and a contract step has to wait for it again. Throws nothing that
 * a server says: what could not be written is told.
 */
export async function beginAnew(fleet: Fleet, report: FleetReport, targets: readonly Target[]): Promise<FleetReport> {
  const { config } = fleet
  const undone = new Map<string, ReadonlySet<string>>()
  for (const { target, undone: ids } of report.targets)
    if (ids.length > 0) undone.set(target, new Set([...(undone.get(target) ?? []), ...ids]))
  if (undone.size === 0) return report
  const changes = await loadChanges(config.dataChanges, config.root).catch(() => [])
  const bases = await findBases(fleet, changes)
  const places = new Map(targets.flatMap((target) => (undone.has(target.name) ? [[target.name, target]] : [])))
  const notices: Notice[] = []
  const work = [...places.values()].flatMap((target) => {
    const own = changes.filter((change) =>
      [...(bases.get(change) ?? [])].some((id) => undone.get(target.name)?.has(id)),
    )
    return own.length === 0 ? [] : [{ target, own }]
  })
  await runBounded(
    work,
    ({ target }) => target.placement,
    fleet.limits,
    async ({ target, own }) => void notices.push(...(await forget(fleet, target, own))),
  )
  for (const notice of notices) fleet.emit({ type: 'notice', notice })
  return { ...report, notices: [...report.notices, ...notices] }
}

/** Ids of the migrations that each change builds on. */
async function findBases(fleet: Fleet, changes: readonly DataChange[]): Promise<Map<DataChange, Set<string>>> {
  const sets = await fleet.loadSets()
  const phased = sets.flatMap(({ migrations }) => migrations.filter(({ phase }) => phase?.kind === 'expand'))
  return new Map(
    changes.map((change) => {
      const expands = phased.filter(({ phase }) => phase?.change === change.phase?.change)
      return [change, new Set([...expands, ...namedBy(sets, change)].map(({ id }) => id))]
    }),
  )
}

/** Its `after`; empty where there is no such migration any more. */
function namedBy(sets: readonly LoadedSet[], { after }: DataChange): Migration[] {
  if (after === null) return []
  try {
    return [...resolveInSets(sets, after).values()]
  } catch (error) {
    if (isTenantryError(error)) return []
    throw error
  }
}

async function forget(fleet: Fleet, target: Target, changes: readonly DataChange[]): Promise<Notice[]> {
  const session = new TargetSession(fleet, target)
  const dialect = fleet.pool.dialect(target.placement.server)
  const { batches } = dialect
  if (batches === undefined) return []
  const schema = target.placement.schema ?? null
  const rows = changeRows({ ...dialect, batches }, schema)
  const notices: Notice[] = []
  try {
    const connection = await session.connect()
    if (!(await hasChangeTable(batches, connection, schema))) return []
    for (const { name } of changes) {
      const begun = await connection.query(rows.read(name))
      if (begun.length === 0) continue
      await send(connection, [rows.forget(name)])
      notices.push({
        rule: 'data-change-begins-anew',
        message: `${name} is not done any more in ${target.name}: the migration that it builds on was undone.`,
        hint: `after the next \`tenantry up\`, run \`tenantry backfill-data run ${name}\``,
      })
    }
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    const names = changes.map(({ name }) => name).join(', ')
    notices.push({
      rule: 'data-change-begins-anew',
      message: `${names} could not be marked as not done in ${target.name}, where the migration that it builds on was undone: ${error.failure.message}`,
      hint: `after the next \`tenantry up\`, run \`tenantry backfill-data run ${changes[0]?.name} --restart\``,
    })
  } finally {
    await session.close()
  }
  return notices
}
