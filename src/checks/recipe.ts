import type { Migration } from '../model/migration.ts'
import type { Standing } from '../model/plan.ts'
import type { Target } from '../model/tenant.ts'
import type { FleetSet } from '../rollout/fleet.ts'
import type { ScratchKind } from './scratch.ts'

/** One set's share in a schema: the first `count` migrations of its folder. */
export interface RecipePart {
  set: FleetSet
  /** `database` in the recipe of a schema: what the schema stands on, in the database around it. */
  kind: ScratchKind
  count: number
}

/** What a target's schema is made from: every set that serves it, in the order they run. */
export interface Recipe {
  dialect: string
  kind: ScratchKind
  parts: readonly RecipePart[]
  /** Of a database: the one schema in it that counts, since others belong to other targets. null: all of it. */
  within: string | null
}

/** Migrations run as they are in a database, and are adapted for a schema; the shared schema counts as the database. */
export function kindOf(target: Target, sharedSchema: string): ScratchKind {
  const { schema } = target.placement
  return schema === undefined || schema === sharedSchema ? 'database' : 'schema'
}

/**
 * How many migrations from the folder's beginning a target has applied; null: what it has applied is no such
 * beginning, or something is half-done, so that no folder builds what should be there.
 */
export function countApplied(standing: Standing, migrations: readonly Migration[]): number | null {
  if (standing.halfDone.length > 0) return null
  const there = new Set([...standing.applied.map(({ id }) => id), ...standing.renamed.map(({ to }) => to)])
  const first = migrations.findIndex(({ id }) => !there.has(id))
  const count = first === -1 ? migrations.length : first
  return count === there.size ? count : null
}

/**
 * The recipe of a target whose sets have applied so much each. Migrations of a schema may use what another set makes in
 * the database around it: that is built first, whole.
 */
export function recipeOf(
  target: Target,
  sets: readonly FleetSet[],
  counts: ReadonlyMap<FleetSet, number>,
  about: { dialect: string; sharedSchema: string; defaultSchema: string },
): Recipe {
  const kind = kindOf(target, about.sharedSchema)
  const database = `${target.placement.server}\0${target.placement.database}`
  const parts = sets.flatMap((set): RecipePart[] => {
    const around = kind === 'schema' && set.wholeDatabases.has(database)
    const count = counts.get(set)
    return [
      ...(around ? [{ set, kind: 'database' as const, count: set.migrations.length }] : []),
      ...(count === undefined ? [] : [{ set, kind, count }]),
    ]
  })
  const divided = sets.some((set) => set.dividedDatabases.has(database))
  const within = kind === 'schema' ? null : (target.placement.schema ?? (divided ? about.defaultSchema : null))
  return { dialect: about.dialect, kind, parts, within }
}

/** Equal for recipes that build the same, within one process. */
export function keyOfRecipe({ dialect, kind, parts, within }: Recipe): string {
  return JSON.stringify([dialect, kind, within, parts.map((part) => [part.set.config.name, part.kind, part.count])])
}

/** `tenant up to 003_orders`, for people. */
export function describeRecipe({ kind, parts }: Recipe): string {
  return parts
    .filter((part) => part.kind === kind)
    .map(
      ({ set, count }) => `${set.config.name} ${count === 0 ? 'without a migration' : `up to ${lastId(set, count)}`}`,
    )
    .join(', ')
}

function lastId({ migrations }: FleetSet, count: number): string {
  return migrations[count - 1]?.id ?? ''
}
