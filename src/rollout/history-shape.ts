import type { ResolvedSet } from '../config/resolved.ts'
import type { ConnectionPool } from '../engine/pool.ts'
import { historyShape, historyShapes } from '../formats/history-shapes.ts'
import { DatabaseError } from '../model/dialect.ts'
import { TenantryError } from '../model/errors.ts'
import type { Format } from '../model/format.ts'
import type { HistoryShape } from '../model/history.ts'
import type { Placement, Tenant } from '../model/tenant.ts'

const mostDatabases = 8
const mostSchemas = 500

/**
 * The kind of history that a set's targets keep. `auto` is the format's own table, except that Prisma folders are often
 * run by a home-made runner that keeps `schema_migrations`: then the tables that are there decide. They are looked for
 * in the whole fleet, whatever is selected: a new tenant that is migrated alone must not begin another kind of history,
 * which would make everything look pending elsewhere. Throws CONFIG_INVALID where targets keep different ones.
 */
export async function findHistoryShape(
  pool: ConnectionPool,
  lockTimeoutMs: number,
  { config, format, shape }: { config: ResolvedSet; format: Format; shape?: HistoryShape },
  tenants: readonly Tenant[],
  added: readonly Format[],
): Promise<HistoryShape> {
  const own = shape ?? format.history
  const { kind } = config.history
  if (kind === 'auto' || kind === own.kind) {
    if (kind !== 'auto' || own.kind !== 'prisma' || config.history.table !== null) return own
  } else {
    const named = historyShapes(added).find((shape) => shape.kind === kind)
    if (named === undefined) throw new TenantryError('INTERNAL', `There is no kind of history table ${kind}.`)
    return named
  }
  const other = historyShape('schema_migrations')
  const tables = [own.defaultTable, other.defaultTable]
  const away = new Set<string>()
  for (const { server, database, schemas } of groupPlaces(tenants)) {
    if (away.has(server)) continue
    try {
      const lease = await pool.lease(server, database)
      try {
        const { of, missingTables } = await pool.dialect(server).readHistories(lease.connection, {
          shape: own,
          table: own.defaultTable,
          schema: config.history.schema,
          targets: schemas,
          ledger: false,
          requiredTables: tables,
          lockTimeoutMs,
        })
        const lacks = (i: number, table: string) => of[i] === -1 || (missingTables.get(i) ?? []).includes(table)
        const places = schemas.map((_, i) => i)
        const native = places.find((i) => !lacks(i, own.defaultTable))
        const homeMade = places.find((i) => !lacks(i, other.defaultTable) && lacks(i, own.defaultTable))
        if (native !== undefined && homeMade !== undefined) {
          const name = (i: number) => schemas[i] ?? database
          throw new TenantryError(
            'CONFIG_INVALID',
            `Targets of ${server}/${database} keep different history tables: ${name(native)} has ${own.defaultTable}, ${name(homeMade)} only ${other.defaultTable}.`,
            { hint: "Say which one counts with `migrations.history.kind: 'prisma'` or `'schema_migrations'`." },
          )
        }
        if (native !== undefined) return own
        if (homeMade !== undefined) return other
      } finally {
        await lease.release()
      }
    } catch (error) {
      // The reading of the fleet meets the same trouble and reports it target by target.
      if (!(error instanceof DatabaseError)) throw error
      if (error.failure.kind === 'unreachable') away.add(server)
    }
  }
  return own
}

function groupPlaces(tenants: readonly Tenant[]): { server: string; database: string; schemas: (string | null)[] }[] {
  const groups = new Map<string, Placement & { schemas: Set<string | null> }>()
  for (const { placement } of tenants) {
    const { server, database, schema } = placement
    const key = `${server}\0${database}`
    const known = groups.get(key)
    if (known === undefined && groups.size === mostDatabases) continue
    const group = known ?? { server, database, schemas: new Set() }
    groups.set(key, group)
    if (group.schemas.size < mostSchemas) group.schemas.add(schema ?? null)
  }
  return [...groups.values()].map(({ server, database, schemas }) => ({ server, database, schemas: [...schemas] }))
}
