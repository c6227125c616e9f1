import type { DialectName, ServerAddress } from '../model/server.ts'
import type { Findings } from './problem.ts'
import { makeServer } from './server-address.ts'

/** Name of the server that a row's own host and port stand for. */
export function nameOfPlace({ host, port }: { host: string; port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** What a server that only a tenant's row names is derived from. */
export interface Derivation {
  dialect: DialectName
  root: string
  /** Servers of the config: one at the same place lends all of its settings, its role too. */
  servers: Iterable<ServerAddress>
  /** The registry's own: at the same place it lends its TLS, never its role. */
  registry: ServerAddress | null
}

/**
 * The server at a host and port that a row of the registry names, called `host:port`. TLS as for URLs: remote hosts are
 * checked in full. Throws nothing; what speaks against it is among the findings, and the server is null.
 */
export function deriveServer(
  place: { host: string; port: number },
  { dialect, root, servers, registry }: Derivation,
  findings: Findings,
): ServerAddress | null {
  const name = nameOfPlace(place)
  const isThere = (server: ServerAddress) =>
    server.host === place.host && server.port === place.port && server.dialect === dialect
  for (const server of servers) {
    if (!isThere(server) || server.name === name) continue
    const { database: _database, ...settings } = server
    return { ...settings, name }
  }
  const origin = { path: `server ${name} of the registry`, urlPath: `server ${name} of the registry`, root }
  const url = {
    dialect,
    ...place,
    socketPath: null,
    user: null,
    password: null,
    database: null,
    parameters: { unknown: [] },
  }
  const made = makeServer(name, url, {}, origin, findings)
  if (made === null || registry === null || !isThere(registry)) return made?.address ?? null
  return { ...made.address, tls: registry.tls }
}
