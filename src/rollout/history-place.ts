import type { HistoryPlace } from '../engine/history-sql.ts'
import { fitShape } from '../engine/history-sql.ts'
import type { Dialect } from '../model/dialect.ts'
import type { HistoryShape } from '../model/history.ts'
import type { TargetPlan } from '../model/plan.ts'
import type { Placement, Tenant } from '../model/tenant.ts'
import type { LoadedSet } from './fleet.ts'

/**
 * Schema of the history table of a set's targets that are whole databases; null: among their other tables. Tenants in
 * schemas have theirs in their own. `tenants`: those that the set is for; where it is for none yet the servers decide.
 */
export function chooseHistorySchema(
  { config, format, history }: LoadedSet,
  shape: HistoryShape,
  tenants: readonly Tenant[],
  dialects: { of: (server: string) => Dialect; servers: Iterable<string> },
): string | null {
  if (config.history.schema !== null) return config.history.schema
  const said = shape.kind === format.history.kind ? history?.schema : undefined
  const inSchemas = tenants.filter(({ placement }) => placement.schema !== undefined).length
  if (shape.ownSchema === undefined) return inSchemas > 0 ? null : (said ?? null)
  if (tenants.length > 0 && inSchemas === tenants.length) return null
  const servers = tenants.length > 0 ? tenants.map(({ placement }) => placement.server) : dialects.servers
  return [...new Set(servers)].every((server) => dialects.of(server).features.schemas)
    ? (said ?? shape.ownSchema)
    : null
}

/** The fixed schema of the history of a target with this placement; null: it is the target's own. */
export function fixedSchema(historySchema: string | null, { schema }: Placement): string | null {
  return schema === undefined ? historySchema : null
}

/** Where a target's history is, as it was read. */
export function historyPlace(
  { shape, historySchema }: { shape: HistoryShape; historySchema: string | null },
  { target, standing, ...plan }: TargetPlan,
  dialect: Dialect,
): HistoryPlace {
  const makes =
    shape.ownSchema !== undefined && fixedSchema(historySchema, target.placement) !== null && dialect.features.schemas
  return {
    shape: fitShape(shape, standing.snapshot.columns),
    schema: plan.historySchema,
    table: plan.historyTable,
    ...(makes ? { newSchema: true } : {}),
  }
}
