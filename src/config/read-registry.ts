import { join, resolve } from 'node:path'
import type { ServerAddress } from '../model/server.ts'
import { schemaDialects } from './names.ts'
import type { Findings } from './problem.ts'
import type { Added } from './read-added.ts'
import { readMappedTenants } from './read-mapped-tenants.ts'
import { isRecord, textAt } from './record.ts'
import type { ResolvedRegistry } from './resolved.ts'
import { readServer } from './server-address.ts'
import { readSets } from './sets.ts'

export interface RegistryContext {
  root: string
  added: Added
  env: Readonly<Record<string, string | undefined>>
  servers: ReadonlyMap<string, ServerAddress | null>
  /** Tenants come from the registry: there is one, if only the embedded one. */
  needsRegistry: boolean
}

const defaultPool = 5

/**
 * Reads `registry`: where it is (its `url`, else TENANT_REGISTRY_DB_URL, else a SQLite file in the state folder), the
 * team's own migrations of it, the team's own table. null: nothing asks for one.
 */
export function readRegistry(value: unknown, context: RegistryContext, findings: Findings): ResolvedRegistry | null {
  const { root, env, added } = context
  const variable = textOf(env, 'TENANT_REGISTRY_DB_URL')
  const given = isRecord(value) ? value : null
  if (given === null && variable === undefined && !context.needsRegistry) return null
  const configured = given === null ? undefined : textAt(given, 'url')
  if (given !== null && 'url' in given && given.url === undefined && variable === undefined)
    findings.problems.push({ path: 'registry.url', message: 'is not set; the variable it is read from may be missing' })
  if (configured !== undefined && variable !== undefined && configured !== variable)
    findings.notices.push({ rule: 'override', message: 'TENANT_REGISTRY_DB_URL is used, and `registry.url` not.' })
  const url = variable ?? configured
  const isEmbedded = url === undefined
  const stateDir = textOf(env, 'TENANTRY_STATE_DIR')
  const file = join(stateDir === undefined ? join(root, '.tenantry') : resolve(stateDir), 'registry.db')
  const path = variable === undefined ? 'registry' : 'TENANT_REGISTRY_DB_URL'
  const urlPath = variable === undefined ? 'registry.url' : 'TENANT_REGISTRY_DB_URL'
  const settings = { url: url ?? `sqlite:${encodeURI(file)}`, ...(given?.tls === undefined ? {} : { tls: given.tls }) }
  const reading = readServer('registry', settings, { path, urlPath, root, dialects: added.dialects }, findings)
  const schema = (given === null ? undefined : textAt(given, 'schema')) ?? null
  if (reading === null) return null
  const { address } = reading
  if (address.database === undefined) {
    const message = 'names no database; write it after the host: `…@host:5432/registry`'
    findings.problems.push({ path: urlPath, message })
    return null
  }
  if (schema !== null && !schemaDialects.has(address.dialect)) {
    findings.problems.push({
      path: 'registry.schema',
      message: `does not work here: databases of ${address.dialect} hold no schemas`,
    })
  }
  const mapped = given?.tenants === undefined ? null : readMappedTenants(given.tenants, context.servers, findings)
  if (mapped?.schema != null && !schemaDialects.has(address.dialect)) {
    findings.problems.push({
      path: 'registry.tenants.schema',
      message: `does not work here: databases of ${address.dialect} hold no schemas`,
    })
  }
  return {
    server: address,
    database: address.database,
    isEmbedded,
    schema: schema ?? (reading.schema === 'public' ? null : reading.schema),
    poolMax: readPool(env, findings),
    sets: given?.migrations === undefined ? [] : readSets(given.migrations, root, findings, added.formats).map(nameSet),
    mapped,
  }
}

/** A set of the registry that was given no name is not called as the tenants' is. */
function nameSet<T extends { name: string }>(set: T): T {
  return set.name === 'tenant' ? { ...set, name: 'registry' } : set
}

function readPool(env: RegistryContext['env'], findings: Findings): number {
  const value = textOf(env, 'REGISTRY_DB_POOL_MAX')
  if (value === undefined) return defaultPool
  if (/^\d{1,4}$/.test(value) && Number(value) > 0) return Number(value)
  // As with DB_POOL_*: the size of a pool must not keep migrations from running.
  const message = 'REGISTRY_DB_POOL_MAX is no whole number from 1, and is not used.'
  findings.notices.push({ rule: 'variable', message })
  return defaultPool
}

function textOf(env: RegistryContext['env'], name: string): string | undefined {
  const value = env[name]?.trim()
  return value === undefined || value === '' ? undefined : value
}
