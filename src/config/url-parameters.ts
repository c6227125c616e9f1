import { isAbsolute } from 'node:path'

export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full' | 'no-verify'

/** What the part after `?` says. */
export interface UrlParameters {
  host?: string
  port?: string
  user?: string
  password?: string
  database?: string
  /** Directory of a Unix socket, or for MySQL the socket itself. */
  socketPath?: string
  /** Prisma's: the schema that the application works in. */
  schema?: string
  authToken?: string
  sslMode?: SslMode
  /** Paths. */
  sslRootCert?: string
  sslCert?: string
  sslKey?: string
  sslServername?: string
  /** Names that mean nothing here. */
  unknown: readonly string[]
}

/** Names that are fine in a URL and change nothing about migrations. */
const withoutEffect = new Set([
  'application_name',
  'fallback_application_name',
  'channel_binding',
  'client_encoding',
  'charset',
  'collation',
  'connect_timeout',
  'connecttimeout',
  'connectionlimit',
  'connection_limit',
  'datestrings',
  'gssencmode',
  'keepalives',
  'keepalives_count',
  'keepalives_idle',
  'keepalives_interval',
  'multiplestatements',
  'pgbouncer',
  'pool_timeout',
  'socket_timeout',
  'statement_cache_size',
  'supa',
  'supportbignumbers',
  'timezone',
  'uselibpqcompat',
])

const names: Readonly<Record<string, keyof UrlParameters>> = {
  host: 'host',
  port: 'port',
  user: 'user',
  password: 'password',
  dbname: 'database',
  socket: 'socketPath',
  socketpath: 'socketPath',
  unix_socket: 'socketPath',
  schema: 'schema',
  authtoken: 'authToken',
  sslrootcert: 'sslRootCert',
  sslcert: 'sslCert',
  sslkey: 'sslKey',
  sslservername: 'sslServername',
  // MySQL's words.
  sslca: 'sslRootCert',
  'ssl-ca': 'sslRootCert',
  'ssl-cert': 'sslCert',
  'ssl-key': 'sslKey',
}

/** libpq's words, node-postgres' `no-verify`, MySQL's words, and the switches of other drivers. */
const sslModes: Readonly<Record<string, SslMode>> = {
  disable: 'disable',
  disabled: 'disable',
  false: 'disable',
  '0': 'disable',
  allow: 'allow',
  prefer: 'prefer',
  preferred: 'prefer',
  require: 'require',
  required: 'require',
  true: 'require',
  '1': 'require',
  strict: 'require',
  'verify-ca': 'verify-ca',
  verify_ca: 'verify-ca',
  'verify-full': 'verify-full',
  verify_full: 'verify-full',
  verify_identity: 'verify-full',
  'no-verify': 'no-verify',
  accept_invalid_certs: 'no-verify',
}

/** The value of an `sslmode`; null: no such mode. `ssl={"rejectUnauthorized":true}` is how mysql2 is told. */
export function readSslMode(value: string): SslMode | null {
  if (/^\s*\{/.test(value)) return /"rejectUnauthorized"\s*:\s*false/.test(value) ? 'no-verify' : 'require'
  return sslModes[value.toLowerCase()] ?? null
}

/** Reads the part after `?`. A string is what is wrong with it; it shows no value. */
export function readUrlParameters(query: string): UrlParameters | string {
  const parameters: Record<string, string> = {}
  const unknown: string[] = []
  let sslMode: SslMode | undefined
  for (const pair of query.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const rawName = equals === -1 ? pair : pair.slice(0, equals)
    const value = decodePart(equals === -1 ? '' : pair.slice(equals + 1))
    const name = /^[A-Za-z][\w-]{0,40}$/.test(rawName) ? rawName : null
    if (name === null) return 'has a parameter after `?` whose name is not a word'
    if (value === null) return `has a parameter \`${name}\` with a \`%\` that is not followed by two hexadecimal digits`
    const lowerName = name.toLowerCase()
    if (['sslmode', 'ssl-mode', 'ssl', 'sslaccept', 'tls'].includes(lowerName)) {
      const mode = readSslMode(value)
      if (mode === null) {
        return `has a \`${name}\` that is none of disable, allow, prefer, require, verify-ca, verify-full`
      }
      // Prisma writes both `sslmode=require` and `sslaccept=strict`; the stricter word must not be lost.
      if (lowerName !== 'sslaccept' || mode === 'no-verify' || sslMode === undefined) sslMode = mode
    } else if (names[lowerName] !== undefined) parameters[names[lowerName]] = value
    else if (!withoutEffect.has(lowerName)) unknown.push(name)
  }
  return { ...parameters, ...(sslMode === undefined ? {} : { sslMode }), unknown }
}

/** Percent-decoding; null: malformed. A plus sign stays one, as in libpq. */
export function decodePart(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

/** A directory for PostgreSQL; the socket file's own path is taken too (`…/.s.PGSQL.5433`). */
export function splitSocketPath(path: string): { directory: string; port: number | null } {
  const match = /^(.*)\/\.s\.PGSQL\.(\d+)$/.exec(path)
  if (match?.[1] === undefined || !isAbsolute(path)) return { directory: path, port: null }
  return { directory: match[1], port: Number(match[2]) }
}
