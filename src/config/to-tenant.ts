import type { AddedDialect } from '../model/added-dialect.ts'
import type { ServerAddress } from '../model/server.ts'
import type { Placement, Tenant, TenantState, TopologyName } from '../model/tenant.ts'
import { nameInFolder } from './database-file.ts'
import { checkName, schemaDialects } from './names.ts'
import { type Findings, makeConfigError, showName, suggest } from './problem.ts'
import { isRecord, type UnknownRecord } from './record.ts'
import { readServer } from './server-address.ts'

/** Where a tenant is read from, and what it leaves out. */
export interface TenantOrigin {
  /** For messages: `tenants[2]`, `row 17 of the tenants query`. */
  path: string
  /** Server of a tenant that names none. Default: the only server, if there is one. */
  server?: string
  /** Database of a tenant with a schema that names none. Default: the one in its server's URL. */
  database?: string
  /** Folder that paths in a tenant's URL are relative to. */
  root?: string
  /** The dialects of the config, for a tenant with a URL. Absent: none. */
  dialects?: readonly AddedDialect[]
  /** Takes the server of a tenant with a `url`, named after its slug. Absent: such a tenant is refused. */
  addServer?: (server: ServerAddress) => void
}

export const topologyNames = ['dedicated', 'database', 'schema', 'shared'] as const satisfies TopologyName[]
export const stateNames = [
  'provisioning',
  'active',
  'suspended',
  'failed',
  'archived',
  'removing',
] as const satisfies TenantState[]

/** Keys that a tenant of a list may have. */
export const tenantKeys = [
  'slug',
  'id',
  'name',
  'topology',
  'server',
  'database',
  'schema',
  'url',
  'labels',
  'state',
] as const

/** Servers by name; null: it is in the config and has problems of its own. */
export type KnownServers = ReadonlyMap<string, ServerAddress | null>

/**
 * Makes a tenant of a query's row or of what an iterable gives. Other keys are ignored, null counts as absent.
 * Defaults: `id` the slug, `state` active, `topology` from what is given.
 * Throws CONFIG_INVALID with everything that is wrong with it.
 */
export function toTenant(input: unknown, servers: KnownServers, origin: TenantOrigin): Tenant {
  const findings: Findings = { problems: [], notices: [] }
  const tenant = readTenant(input, servers, origin, findings)
  if (tenant !== null && findings.problems.length === 0) return tenant
  throw makeConfigError(findings.problems, 'A tenant', null)
}

/** As {@link toTenant}, but collects problems. null: it cannot be used. */
export function readTenant(
  input: unknown,
  servers: KnownServers,
  origin: TenantOrigin,
  findings: Findings,
): Tenant | null {
  const problemsBefore = findings.problems.length
  const problem = (key: string, message: string) => {
    findings.problems.push({ path: key === '' ? origin.path : `${origin.path}.${key}`, message })
  }
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    problem('', 'must be an object with a `slug`')
    return null
  }
  const given: UnknownRecord = { ...input }
  const text = (key: string): string | null => {
    const value = given[key]
    if (value === undefined || value === null) return null
    if (typeof value === 'string') return value
    if (key === 'id' && (typeof value === 'number' || typeof value === 'bigint')) return String(value)
    problem(key, 'must be a string')
    return null
  }
  const slug = text('slug')
  const [id, name, serverName, database, schema, url] = [
    text('id'),
    text('name'),
    text('server'),
    text('database'),
    text('schema'),
    text('url'),
  ]
  const topologyGiven = pick(given, 'topology', topologyNames, problem)
  const state = pick(given, 'state', stateNames, problem) ?? 'active'
  const labels = readLabels(given.labels, problem)

  if (given.slug === undefined || given.slug === null) problem('slug', 'is missing')
  if (id === '') problem('id', 'is empty')
  if ('url' in given && given.url === undefined)
    problem('url', 'is not set; the variable it is read from may be missing')

  const hasUrl = 'url' in given && given.url !== null
  const topology = topologyGiven ?? (schema !== null ? 'schema' : hasUrl ? 'dedicated' : 'database')
  const place = hasUrl ? placeByUrl() : placeByServer()
  const dialect = place?.dialect ?? null
  if (slug !== null) report('slug', checkName(slug, 'slug', dialect))
  if (database !== null) report('database', checkName(database, 'database', dialect))
  if (schema !== null) report('schema', checkName(schema, 'schema', dialect))

  if (topology === 'schema' && schema === null) problem('schema', 'is missing; the topology `schema` needs it')
  if (topology === 'database' && schema !== null) {
    problem('schema', 'does not go with the topology `database`; leave it out, or use the topology `schema`')
  }
  if (schema !== null && dialect !== null && !schemaDialects.has(dialect)) {
    problem('schema', `does not work here: databases of ${dialect} hold no schemas`)
  }
  const resolvedDatabase = database ?? place?.database ?? null
  if (resolvedDatabase === null && place !== null) problem('database', describeMissingDatabase())
  const named = resolvedDatabase === null ? null : nameDatabase(resolvedDatabase)
  if (slug === null || place === null || named === null || findings.problems.length > problemsBefore) return null
  const resolvedSchema = schema ?? place.schema
  const placement: Placement = {
    server: place.server,
    database: named,
    ...(resolvedSchema === null ? {} : { schema: resolvedSchema }),
  }
  return { id: id ?? slug, slug, ...(name === null ? {} : { name }), topology, labels, state, placement }

  function report(key: string, message: string | null): void {
    if (message !== null) problem(key, message)
  }

  function nameDatabase(database: string): string | null {
    const folder = place === null ? undefined : servers.get(place.server)?.directory
    const name = folder === undefined ? database : nameInFolder(folder, database)
    if (name === null) problem('database', "is a file outside of its server's folder")
    return name
  }

  function describeMissingDatabase(): string {
    if (place?.dialect === 'sqlite' && hasUrl)
      return 'is missing: the URL names a folder; give a file, `sqlite:./app.db`'
    if (hasUrl) return 'is missing: neither the URL nor `database` names one'
    return topology === 'dedicated'
      ? 'is missing; the topology `dedicated` needs `url`, or `server` and `database`'
      : `is missing; the topology \`${topology}\` needs it`
  }

  function placeByUrl() {
    if (serverName !== null) problem('server', 'does not go with `url`; give one of them')
    if (topology !== 'dedicated')
      problem('url', 'goes with the topology `dedicated` only; name a server and a database instead')
    if (slug === null) return null
    if (servers.has(slug))
      problem('slug', `a server is named ${showName(slug)} too, which a tenant with a \`url\` needs for itself`)
    if (origin.addServer === undefined) {
      problem('url', 'cannot be used here; name a server of the config and a database')
      return null
    }
    const { path, root, dialects = [] } = origin
    const urlOrigin = { path, urlPath: `${path}.url`, root: root ?? process.cwd(), dialects }
    const reading = url === null ? null : readServer(slug, { url }, urlOrigin, findings)
    if (reading === null) return null
    const { address, schema: urlSchema } = reading
    if (findings.problems.length === problemsBefore) origin.addServer(address)
    return {
      server: slug,
      dialect: address.dialect,
      database: address.database ?? null,
      schema: urlSchema === 'public' ? null : urlSchema,
    }
  }

  function placeByServer() {
    const only = servers.size === 1 ? [...servers.keys()][0] : undefined
    const server = serverName ?? origin.server ?? only
    if (server === undefined && topologyGiven === 'dedicated') {
      problem('', 'needs `url`, or `server` and `database`, since its topology is `dedicated`')
      return null
    }
    if (server === undefined) {
      problem(
        'server',
        servers.size === 0 ? 'is missing, and the config has no servers' : 'is missing; there are several servers',
      )
      return null
    }
    const address = servers.get(server)
    if (address === undefined) {
      problem('server', `there is no server ${showName(server)}${suggest(server, servers.keys())}`)
      return null
    }
    const fallback = topology === 'schema' || topology === 'shared' ? (origin.database ?? address?.database) : undefined
    return {
      server,
      dialect: address?.dialect ?? null,
      database: address === null ? (fallback ?? '') : (fallback ?? null),
      schema: null,
    }
  }
}

function pick<T extends string>(
  given: UnknownRecord,
  key: string,
  allowed: readonly T[],
  problem: (key: string, message: string) => void,
): T | null {
  const value = given[key]
  if (value === undefined || value === null) return null
  const found = allowed.find((candidate) => candidate === value)
  if (found === undefined) {
    const hint = typeof value === 'string' ? suggest(value, allowed) : ''
    problem(key, `must be one of ${allowed.join(', ')}${hint}`)
  }
  return found ?? null
}

function readLabels(value: unknown, problem: (key: string, message: string) => void): Record<string, string> {
  if (value === undefined || value === null) return {}
  if (!isRecord(value)) {
    problem('labels', 'must be an object of strings')
    return {}
  }
  const labels: Record<string, string> = {}
  for (const [key, label] of Object.entries(value)) {
    if (typeof label === 'string') labels[key] = label
    else if (typeof label === 'number' || typeof label === 'boolean') labels[key] = String(label)
    else problem(`labels.${key}`, 'must be a string')
  }
  return labels
}
