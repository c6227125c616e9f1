import { type Derivation, deriveServer, nameOfPlace } from '../config/derived-server.ts'
import { type Findings, makeConfigError } from '../config/problem.ts'
import type { ServerAddress } from '../model/server.ts'
import type { Tenant } from '../model/tenant.ts'
import type { Registry } from './registry.ts'

/** The servers that tenants of the registry bring along are added to these. */
export interface RegistrySource extends Omit<Derivation, 'servers'> {
  servers: Map<string, ServerAddress>
}

/** Every tenant of the registry, whatever its state, in pages. Throws what the registry throws, CONFIG_INVALID. */
export async function* listRegistryTenants(registry: Registry, source: RegistrySource): AsyncIterable<Tenant> {
  for await (const record of registry.tenants.list()) {
    if (record.address !== null) addServer(record.address, source)
    yield record
  }
}

/** Makes the server known that a tenant's row names by its host. Throws CONFIG_INVALID. */
export function addServer(place: { host: string; port: number }, source: RegistrySource): void {
  const { servers } = source
  if (servers.has(nameOfPlace(place))) return
  const findings: Findings = { problems: [], notices: [] }
  // Without a config the registry's server is the only one there, and its role is not the tenants'.
  const { registry } = source
  const isRegistry = ({ name, host, port, user }: ServerAddress) =>
    name === registry?.name && host === registry.host && port === registry.port && user === registry.user
  const given = [...servers.values()].filter((server) => !isRegistry(server))
  const server = deriveServer(place, { ...source, servers: given }, findings)
  if (server === null) throw makeConfigError(findings.problems, 'The registry', null)
  servers.set(server.name, server)
}
