import type { ProveOptions } from '../model/check-report.ts'
import type { Connection } from '../model/dialect.ts'
import { TenantryError } from '../model/errors.ts'
import type { Migration } from '../model/migration.ts'
import type { Target } from '../model/tenant.ts'
import type { FleetSet } from '../rollout/fleet.ts'
import { cloneTarget } from './clone-target.ts'
import { applyAll, describeScratch, type ProofRun, proveAll, say } from './proof-run.ts'
import { kindOf } from './recipe.ts'
import { ScratchServer } from './scratch.ts'

/**
 * Proves what is pending at one tenant, beginning from its schema as it really is. What comes out holds for this schema,
 * so nothing of it is kept for later.
 */
export async function proveLike(run: ProofRun, tenant: string, options: ProveOptions): Promise<void> {
  const { fleet } = run
  const { sets: selected, ...rest } = options.selectors ?? {}
  const selectors = { ...rest, tenants: [tenant], ...(selected === undefined ? {} : { sets: selected }) }
  const { sets } = await fleet.view(selectors, { whole: false })
  run.notices.push(...sets.flatMap(({ notices }) => notices))
  for (const set of sets) {
    for (const target of set.targets) await proveTarget(run, sets, set, target, options.withData === true)
  }
}

async function proveTarget(
  run: ProofRun,
  sets: readonly FleetSet[],
  set: FleetSet,
  target: Target,
  withData: boolean,
): Promise<void> {
  const { fleet } = run
  const plan = await fleet.planTarget(set, () => ({ steps: [], error: null }), target)
  if (plan.error !== null) {
    const { code, message, hint, context } = plan.error
    throw new TenantryError(code, message, { hint: hint ?? undefined, context })
  }
  const pending = plan.standing.pending
  if (pending.length === 0) {
    say(run, { rule: 'nothing-pending', message: `Nothing of set ${set.config.name} is pending in ${target.name}.` })
    return
  }
  const [half] = plan.standing.halfDone
  if (half !== undefined) {
    throw new TenantryError(
      'MIGRATION_HALF_APPLIED',
      `Migration ${half.migration} is half-done in ${target.name}: nothing can be proved from there.`,
      { hint: `\`tenantry explain ${target.name}\` says how to finish it.`, context: { migration: half.migration } },
    )
  }
  const { server } = target.placement
  const kind = kindOf(target, fleet.config.sharedSchema)
  const scratch = new ScratchServer(fleet, fleet.pool.dialect(server).name)
  const extensions = await extensionsOf(run, sets, target)
  const build = async (before: Migration): Promise<Target> => {
    const place = await scratch.make(kind)
    const around: Target = {
      ...place,
      placement: { server: place.placement.server, database: place.placement.database },
    }
    if (kind === 'schema') {
      const key = `${server}\0${target.placement.database}`
      for (const one of (await fleet.view({}, { whole: false })).sets) {
        if (one.wholeDatabases.has(key)) await applyAll(run, one, around, one.migrations.at(-1) ?? null)
      }
    }
    try {
      await onScratch(run, place, async (connection) => {
        const dialect = fleet.pool.dialect(place.placement.server)
        await dialect.ensureExtensions(connection, extensions, fleet.config.sharedSchema)
        const history = { table: set.table, schema: set.historySchema }
        for (const notice of await cloneTarget(fleet, target, place, connection, history, withData)) say(run, notice)
      })
    } catch (error) {
      throw describeScratch(error, scratch.server)
    }
    const last = pending[pending.indexOf(before) - 1] ?? null
    await applyAll(run, set, place, last)
    return place
  }
  try {
    await proveAll(run, { set, kind, pending, build, keepRows: withData, keep: () => {}, scratch })
  } finally {
    await scratch.close().catch(() => {})
  }
}

/** A session of its own: what is set for the copy must not stay in the pool. */
async function onScratch(
  { fleet }: ProofRun,
  { placement: { server, database } }: Target,
  work: (connection: Connection) => Promise<void>,
): Promise<void> {
  const connection = await fleet.pool.another(server, database)
  try {
    await work(connection)
  } finally {
    await connection.close()
  }
}

/** Extensions belong to the database, not to the schema that is cloned: those of the files are installed. */
async function extensionsOf({ fleet }: ProofRun, sets: readonly FleetSet[], target: Target) {
  const found = []
  for (const set of sets) {
    const book = fleet.book(set, target)
    for (const migration of set.migrations) {
      if (migration.up.kind === 'sql') found.push(...(await book.up(migration)).extensions)
    }
  }
  return [...new Map(found.map((extension) => [extension.name, extension])).values()]
}
