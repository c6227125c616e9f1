import type { AddedDialect } from '../model/added-dialect.ts'
import type { ServerAddress } from '../model/server.ts'
import { describeThrown } from '../model/thrown.ts'
import { schemaDialects } from './names.ts'
import { type Findings, showName, suggest } from './problem.ts'
import { isExpression, isIterable, isRecord, textAt, type UnknownRecord } from './record.ts'
import type { TenantInput, TenantSource } from './resolved.ts'
import { makeThrownError } from './thrown.ts'
import { readTenant, tenantKeys } from './to-tenant.ts'

/** Servers read so far; a tenant with a URL adds its own. null: the server has problems. */
type Servers = Map<string, ServerAddress | null>

/** What paths are relative to, and whose values no message may show. */
export interface SourceContext {
  root: string
  /** The dialects that the config adds. */
  dialects: readonly AddedDialect[]
  env: Readonly<Record<string, string | undefined>>
}

/** Reads `tenants`. null: it has problems, which are among the findings. */
export function readTenantSource(
  value: unknown,
  servers: Servers,
  { root, env, dialects }: SourceContext,
  findings: Findings,
): TenantSource | null {
  if (value === undefined) {
    findings.problems.push({
      path: 'tenants',
      message:
        "is missing; give a list, `{ from: 'schemas', … }`, `{ from: 'query', … }`, `{ from: 'registry' }` or a function",
    })
    return null
  }
  if (Array.isArray(value)) return readList(value, servers, { root, dialects }, findings)
  if (typeof value === 'function') return { from: 'function', iterate: () => iterate(() => value(), env) }
  if (isIterable(value)) return { from: 'function', iterate: () => iterate(() => value, env) }
  if (!isRecord(value)) return null
  if (value.from === 'schemas') return readSchemas(value, servers, findings)
  if (value.from === 'query') return readQuery(value, servers, findings)
  if (value.from === 'registry') return { from: 'registry' }
  return null
}

function readList(
  list: readonly unknown[],
  servers: Servers,
  place: Pick<SourceContext, 'root' | 'dialects'>,
  findings: Findings,
): TenantSource {
  const tenants = []
  const seen = { slug: new Map<unknown, number>(), id: new Map<unknown, number>() }
  const keys: readonly string[] = tenantKeys
  const configured: Servers = new Map(servers)
  for (const [index, value] of list.entries()) {
    const path = `tenants[${index}]`
    if (isRecord(value)) {
      for (const key of Object.keys(value)) {
        if (!keys.includes(key))
          findings.problems.push({ path: `${path}.${key}`, message: `unknown key${suggest(key, keys)}` })
      }
      for (const key of ['slug', 'id'] as const) {
        const given = value[key]
        const first = given === undefined ? undefined : seen[key].get(given)
        if (first === undefined) seen[key].set(given, index)
        else findings.problems.push({ path: `${path}.${key}`, message: `is the ${key} of tenants[${first}] too` })
      }
    }
    const addServer = (server: ServerAddress) => servers.set(server.name, server)
    const tenant = readTenant(value, configured, { path, ...place, addServer }, findings)
    if (tenant !== null) tenants.push(tenant)
  }
  return { from: 'list', tenants }
}

function readSchemas(value: UnknownRecord, servers: Servers, findings: Findings): TenantSource | null {
  const place = readPlace(value, servers, findings)
  const like = textAt(value, 'like')
  const match = isExpression(value.match) ? translateExpression(value.match, findings) : textAt(value, 'match')
  if ((value.like === undefined) === (value.match === undefined)) {
    const message = value.like === undefined ? 'needs `like` or `match`' : 'has both `like` and `match`; give one'
    findings.problems.push({ path: 'tenants', message })
  }
  const dialect = place === null ? undefined : servers.get(place.server)?.dialect
  if (dialect !== undefined && !schemaDialects.has(dialect)) {
    findings.problems.push({
      path: 'tenants.from',
      message: `does not work here: databases of ${dialect} hold no schemas`,
    })
  }
  if (place === null) return null
  if (like !== undefined) return { from: 'schemas', ...place, match: { like } }
  return match === undefined ? null : { from: 'schemas', ...place, match: { regex: match } }
}

/** The server carries the expression out, in its own dialect: only `i` has a counterpart there. */
function translateExpression({ source, flags }: RegExp, findings: Findings): string {
  const others = flags.replace(/[ium]/g, '')
  if (others !== '') {
    findings.problems.push({
      path: 'tenants.match',
      message: `has the flag \`${others}\`, which the server does not know`,
    })
  }
  return flags.includes('i') ? `(?i)${source}` : source
}

function readQuery(value: UnknownRecord, servers: Servers, findings: Findings): TenantSource | null {
  const place = readPlace(value, servers, findings)
  const sql = textAt(value, 'sql')
  return place === null || sql === undefined ? null : { from: 'query', ...place, sql }
}

function readPlace(
  value: UnknownRecord,
  servers: Servers,
  findings: Findings,
): { server: string; database: string } | null {
  const only = servers.size === 1 ? [...servers.keys()][0] : undefined
  const server = textAt(value, 'server') ?? only
  if (server === undefined) {
    const message =
      servers.size === 0 ? 'is missing, and the config has no servers' : 'is missing; there are several servers'
    findings.problems.push({ path: 'tenants.server', message })
    return null
  }
  const address = servers.get(server)
  if (address === undefined) {
    const message = `there is no server ${showName(server)}${suggest(server, servers.keys())}`
    findings.problems.push({ path: 'tenants.server', message })
    return null
  }
  if (address === null) return null
  const database = textAt(value, 'database') ?? address.database
  if (database === undefined) {
    findings.problems.push({ path: 'tenants.database', message: "is missing, and the server's URL names no database" })
    return null
  }
  return { server, database }
}

/** What a function or an iterable of the config gives; its failures are the config's. */
async function* iterate(give: () => unknown, env: SourceContext['env']): AsyncGenerator<TenantInput> {
  let failure: unknown
  try {
    const given: unknown = await give()
    if (!isIterable(given)) throw new TypeError('it gives nothing that can be iterated; return a list or yield tenants')
    for await (const tenant of given) yield tenant as TenantInput
    return
  } catch (error) {
    failure = error
  }
  throw makeThrownError('`tenants` of the config failed', describeThrown(failure, env), null)
}
