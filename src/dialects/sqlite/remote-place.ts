import { Agent as PlainAgent } from 'node:http'
import { Agent as SecureAgent } from 'node:https'
import { isIPv6 } from 'node:net'
import { type ConnectionOptions, checkServerIdentity } from 'node:tls'
import { TenantryError } from '../../model/errors.ts'
import type { ServerAddress } from '../../model/server.ts'
import { missing } from './missing.ts'

/** Stands for the database in the host of a URL: `libsql://{database}-acme.turso.io`. */
export const hostMark = '{database}'

/** The namespace that a server has from the start; one that keeps no namespaces has no other. */
export const defaultNamespace = 'default'

/** Where one remote database is. */
export interface RemotePlace {
  readonly server: ServerAddress
  readonly host: string
  /** Sent along, so that the server knows which database is meant; null: the host says it. */
  readonly namespace: string | null
  readonly agent: PlainAgent | SecureAgent
}

/** Neither a header nor a host takes more than this; a name may come from a table. */
const nameShape = /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$/

/**
 * A database is a host of its own (`{database}` in the host), the only one of its host (no name, or the host's), or else
 * a namespace. Throws `DatabaseError` for a name that can be neither.
 */
export function placeOf(server: ServerAddress, database: string): RemotePlace {
  const isWhole = database === '' || database === server.host
  const isHostOfItsOwn = server.host.includes(hostMark)
  if ((!isWhole || isHostOfItsOwn) && !nameShape.test(database)) {
    throw missing(`"${database}" is no name of a libSQL database: letters, digits, \`-\` and \`_\`, 63 of them at most`)
  }
  return {
    server,
    host: server.host.replaceAll(hostMark, database),
    namespace: isWhole || isHostOfItsOwn ? null : database,
    agent: agentOf(server),
  }
}

/** Its host is no other database's. */
export function hasOwnHost({ server }: RemotePlace): boolean {
  return server.host.includes(hostMark)
}

/** Throws CONFIG_INVALID: what makes, copies or drops databases is for files. */
export function refuseMaking({ name }: ServerAddress): never {
  throw new TenantryError(
    'CONFIG_INVALID',
    `Server "${name}" is a remote libSQL server: no databases are made, copied or dropped there.`,
    {
      hint: 'Make and delete them with its own tools (`POST /v1/namespaces/NAME/create` of the admin API of sqld, or `turso db create`). For `scratch` name a folder: `sqlite:./scratch`.',
    },
  )
}

/** With its port, as the header `Host` has it. */
function authority(host: string, { port, tls }: ServerAddress): string {
  const name = isIPv6(host) ? `[${host}]` : host
  return port === (tls === null ? 80 : 443) ? name : `${name}:${port}`
}

/**
 * Headers that say who asks, and for which database. `sqld` takes the namespace from the first label of `Host`; newer
 * ones look at `x-namespace` before that. Source: libsql-server, http/user/db_factory.rs.
 */
export function headersOf({ server, host, namespace }: RemotePlace): Record<string, string> {
  const { user, password } = server
  const login =
    password === undefined
      ? {}
      : user === undefined
        ? { authorization: `Bearer ${password.reveal()}` }
        : { authorization: `Basic ${Buffer.from(`${user}:${password.reveal()}`).toString('base64')}` }
  if (namespace === null) return { host: authority(host, server), ...login }
  // An address in brackets can have no label before it.
  const label = `${namespace}.${authority(isIPv6(host) ? 'localhost' : host, server)}`
  return { host: label, 'x-namespace': namespace, ...login }
}

const agents = new WeakMap<ServerAddress, PlainAgent | SecureAgent>()

/** One for all databases of a server, so that its sockets are used again. */
function agentOf(server: ServerAddress): PlainAgent | SecureAgent {
  const known = agents.get(server)
  if (known !== undefined) return known
  // An idle socket is let go before whatever stands in between does it, perhaps just as something is being sent.
  const options = { keepAlive: true, keepAliveMsecs: 30_000, timeout: 4000, maxFreeSockets: 64 }
  const agent =
    server.tls === null ? new PlainAgent(options) : new SecureAgent({ ...options, ...tlsOptions(server, server.tls) })
  agents.set(server, agent)
  return agent
}

function tlsOptions(server: ServerAddress, tls: NonNullable<ServerAddress['tls']>): ConnectionOptions {
  const { verify, ca, cert, key, servername } = tls
  return {
    rejectUnauthorized: verify !== 'none',
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key: key.reveal() }),
    ...(servername === undefined ? {} : { servername }),
    checkServerIdentity: (host, certificate) =>
      verify === 'full'
        ? checkServerIdentity(servername ?? (server.host.includes(hostMark) ? host : server.host), certificate)
        : undefined,
  }
}

/** For an application: `url` and `authToken` as `createClient` of `@libsql/client` takes them. */
export function remoteOptions(server: ServerAddress, database: string): Record<string, unknown> {
  const { host, namespace } = placeOf(server, database)
  const scheme = server.tls === null ? 'http' : 'https'
  const url = `${scheme}://${namespace === null ? '' : `${namespace}.`}${authority(host, server)}`
  return { url, ...(server.password === undefined ? {} : { authToken: server.password.reveal() }) }
}
