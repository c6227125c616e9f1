import type { ResolvedConfig } from './config/resolved.ts'
import { toTenant } from './config/to-tenant.ts'
import { mysql } from './dialects/mysql/index.ts'
import { postgres } from './dialects/postgres/index.ts'
import type { Dialect } from './model/dialect.ts'
import { TenantryError } from './model/errors.ts'
import type { DialectName, ServerAddress } from './model/server.ts'
import type { Tenant } from './model/tenant.ts'
import { listTenants } from './registry/list-tenants.ts'
import type { Fleet } from './rollout/fleet.ts'

const dialects: Partial<Record<DialectName, Dialect>> = { postgres, mysql }

export function dialectOf(config: ResolvedConfig, server: string): Dialect {
  const name = config.servers.get(server)?.dialect ?? 'postgres'
  const dialect = dialects[name]
  if (dialect !== undefined) return dialect
  throw new TenantryError(
    'CONFIG_INVALID',
    `Server "${server}" is a ${name} server, which this version cannot migrate yet.`,
    {
      hint: 'This version migrates PostgreSQL, MySQL and MariaDB.',
    },
  )
}

export function tenantsOf(config: ResolvedConfig, fleet: Fleet): Iterable<Tenant> | AsyncIterable<Tenant> {
  const source = config.tenants
  if (source.from === 'list') return source.tenants
  if (source.from === 'registry') {
    throw new TenantryError('CONFIG_INVALID', 'Tenants from a registry are not part of this version.', {
      hint: 'List them in the config, or read them with a query.',
    })
  }
  return listTenants(source, {
    connect: (server, database) => fleet.pool.another(server, database),
    dialect: (server) => fleet.pool.dialect(server),
    toTenant: (row, path) => toTenant(row, config.servers, { path, root: config.root, ...originOf(config) }),
  })
}

/** What rows of this source may leave out, and whether one may bring a server of its own. */
function originOf({ tenants, servers }: ResolvedConfig) {
  if (tenants.from === 'query') return { server: tenants.server, database: tenants.database }
  const known = servers as Map<string, ServerAddress>
  return { addServer: (server: ServerAddress) => void known.set(server.name, server) }
}
