import type { ServerAddress } from '../model/server.ts'
import { type Findings, showName, suggest } from './problem.ts'
import { isRecord, textAt } from './record.ts'
import type { ResolvedProvisioning } from './resolved.ts'
import { topologyNames } from './to-tenant.ts'

/** Reads `provision`: how new tenants are made. */
export function readProvisioning(
  value: unknown,
  servers: ReadonlyMap<string, ServerAddress | null>,
  findings: Findings,
): ResolvedProvisioning {
  const given = isRecord(value) ? value : {}
  const server = textAt(given, 'server') ?? null
  if (server !== null && !servers.has(server)) {
    const message = `there is no server ${showName(server)}${suggest(server, servers.keys())}`
    findings.problems.push({ path: 'provision.server', message })
  }
  const naming = textAt(given, 'naming') ?? '{slug}_{digits8}'
  const unknown = naming.match(/\{[^}]*\}/g)?.filter((part) => part !== '{slug}' && part !== '{digits8}') ?? []
  if (unknown.length > 0 || !naming.includes('{slug}')) {
    const message = unknown.length > 0 ? `does not know ${unknown.join(', ')}` : 'must contain `{slug}`'
    findings.problems.push({ path: 'provision.naming', message: `${message}; there are {slug} and {digits8}` })
  }
  return {
    topology: topologyNames.find((name) => name === given.topology) ?? null,
    server,
    database: textAt(given, 'database') ?? null,
    naming,
    role: given.role !== false,
    extensions: Array.isArray(given.extensions) ? given.extensions.filter((name) => typeof name === 'string') : [],
    from: given.from === 'replay' ? 'replay' : 'auto',
    firstRows: typeof given.firstRows === 'function' ? (given.firstRows as ResolvedProvisioning['firstRows']) : null,
  }
}
