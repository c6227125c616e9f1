import type { ResolvedConfig } from '../config/resolved.ts'
import type { Dialect } from '../model/dialect.ts'
import { TenantryError } from '../model/errors.ts'
import type { TenantRecord, TenantStore } from '../model/registry.ts'
import type { ServerAddress } from '../model/server.ts'

/** What may not be dropped because of where the project's own things are. */
export interface RemovalRules {
  config: Pick<ResolvedConfig, 'servers' | 'registry' | 'sharedSchema'>
  server(name: string): ServerAddress
}

/** `database main/acme`, `schema main/app/t_acme`. */
export function describePlace({ placement: { server, database, schema } }: Pick<TenantRecord, 'placement'>): string {
  return schema === undefined ? `database ${server}/${database}` : `schema ${server}/${database}/${schema}`
}

/**
 * Throws SHARED_TARGET where dropping the tenant's place would take away more than its own data: tables shared with
 * others, a database with other tenants' schemas, the registry itself, what belongs to the server.
 */
export async function refuseSharedPlace(
  tenant: TenantRecord,
  store: Pick<TenantStore, 'list' | 'leftOut'>,
  dialect: Dialect,
  rules: RemovalRules,
): Promise<void> {
  const { slug, placement, topology } = tenant
  const place = describePlace(tenant)
  const refuse = (why: string, hint: string, context: Record<string, unknown> = {}) =>
    new TenantryError('SHARED_TARGET', `The data of ${slug} is not dropped: ${why}.`, {
      hint,
      context: { tenant: slug, target: place.split(' ')[1] as string, ...context },
    })
  const archive = `\`tenantry tenants archive ${slug}\` takes it out of service and keeps its data.`
  if (dialect.removal.isOfServer(placement.database, placement.schema ?? null))
    throw refuse(`${place} belongs to the server itself`, archive)
  const { registry, sharedSchema } = rules.config
  const own = rules.server(placement.server)
  if (placement.schema !== undefined && placement.schema === sharedSchema)
    throw refuse(`${place} holds what all schemas of the database use`, archive)
  if (registry !== null && samePlace(own, placement.database, registry.server, registry.database)) {
    const within = placement.schema === undefined || placement.schema === (registry.schema ?? 'public')
    if (within) throw refuse(`${place} is where the registry is`, archive)
  }
  const isHome = [...rules.config.servers.values()].some(
    (server) => server.database !== undefined && samePlace(own, placement.database, server, server.database),
  )
  if (isHome && placement.schema === undefined)
    throw refuse(`${place} is the one that a server of the config is reached by`, archive)
  const leftOut = placement.schema === undefined ? ((await store.leftOut?.(tenant)) ?? []) : []
  if (leftOut.length > 0) {
    const rows = leftOut.slice(0, 5).join(', ')
    throw refuse(`${place} is named by rows, too, that are no tenants here (${rows})`, archive, { rows: leftOut })
  }
  const others: string[] = []
  for await (const other of store.list()) {
    if (other.id === tenant.id) continue
    const server = rules.config.servers.get(other.placement.server)
    const sameDatabase =
      server === undefined
        ? other.placement.server === placement.server && other.placement.database === placement.database
        : samePlace(own, placement.database, server, other.placement.database)
    if (!sameDatabase) continue
    if (placement.schema === undefined || (other.placement.schema ?? 'public') === placement.schema)
      others.push(other.slug)
  }
  if (topology === 'shared' || others.length > 0) {
    const shared =
      others.length === 0
        ? `${place} has tables that are made to be shared`
        : `${place} holds data of ${others.length === 1 ? 'another tenant' : `${others.length} other tenants`}, too (${others.slice(0, 5).join(', ')}${others.length > 5 ? ', …' : ''})`
    throw refuse(
      shared,
      topology === 'shared'
        ? `Delete its rows by its id (${tenant.id}) as your application would, then ${archive.charAt(0).toLowerCase()}${archive.slice(1)}`
        : archive,
      { others: others.slice(0, 100) },
    )
  }
}

/** Two names of the config may mean the same server. */
function samePlace(a: ServerAddress, database: string, b: ServerAddress, otherDatabase: string): boolean {
  const key = ({ dialect, host, port, socketPath }: ServerAddress) =>
    JSON.stringify([
      dialect,
      socketPath ?? host.replace(/^localhost$/, '127.0.0.1'),
      socketPath === undefined ? port : 0,
    ])
  return database === otherDatabase && key(a) === key(b)
}
