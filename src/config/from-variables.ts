import { databaseFile } from '../model/database-file.ts'
import type { DialectName, ServerAddress } from '../model/server.ts'
import type { Tenant } from '../model/tenant.ts'
import { checkName } from './names.ts'
import { type Findings, suggest } from './problem.ts'
import type { TenantSource } from './resolved.ts'
import { makeServer, readServer, type ServerOrigin, type ServerReading } from './server-address.ts'
import { defaultPorts, isHost, parseServerUrl, type ServerUrl } from './server-url.ts'
import { readSslMode } from './url-parameters.ts'

type Env = Readonly<Record<string, string | undefined>>

/** What variables alone say about servers and tenants. */
export interface VariablesReading {
  servers: Map<string, ServerAddress>
  tenants: TenantSource
}

/** Server of a config that is made from variables; the registry's is `registry`. */
const serverName = 'main'

const dialects: Readonly<Record<string, DialectName>> = {
  postgres: 'postgres',
  postgresql: 'postgres',
  pg: 'postgres',
  mysql: 'mysql',
  mysql2: 'mysql',
  mariadb: 'mysql',
  sqlite: 'sqlite',
  sqlite3: 'sqlite',
  libsql: 'sqlite',
}

/**
 * Without a config file: the registry of TENANT_REGISTRY_DB_URL, else the database of DATABASE_URL, else that of DB_*
 * as one dedicated tenant named after the database. TLS as for URLs; PGSSLMODE and PGSSLROOTCERT are taken where the
 * URL says nothing. DB_POOL_* are never read. null: none of them is set, or what is set has problems.
 */
export function readVariables(env: Env, root: string, findings: Findings): VariablesReading | null {
  const registry = textOf(env, 'TENANT_REGISTRY_DB_URL')
  const url = textOf(env, 'DATABASE_URL')
  const hasParts = textOf(env, 'DB_HOST') !== undefined || textOf(env, 'DB_NAME') !== undefined
  if (registry !== undefined) {
    if (url !== undefined || hasParts) {
      const other = url === undefined ? 'DB_HOST and DB_NAME' : 'DATABASE_URL'
      notice(`TENANT_REGISTRY_DB_URL is used, and ${other} not: a registry beats a single database.`)
    }
    const reading = readServer('registry', { url: registry }, makeOrigin('TENANT_REGISTRY_DB_URL'), findings)
    if (reading === null) return null
    return { servers: new Map([['registry', reading.address]]), tenants: { from: 'registry' } }
  }
  if (url === undefined && !hasParts) return null
  const parts = hasParts ? readParts(env, root, url === undefined ? findings : { problems: [], notices: [] }) : null
  if (url === undefined) {
    const reading = parts === null ? null : makeServer(serverName, parts, {}, makeOrigin('DB_HOST'), findings)
    return reading === null ? null : makeReading(reading, 'DB_NAME', findings)
  }
  const reading = readServer(serverName, { url }, makeOrigin('DATABASE_URL'), findings)
  if (reading === null) return null
  if (parts !== null && differ(parts, reading.address))
    notice('DATABASE_URL is used, and DB_*, which say otherwise, are not.')
  return makeReading(reading, 'DATABASE_URL', findings)

  function notice(message: string): void {
    findings.notices.push({ rule: 'override', message })
  }

  function makeOrigin(variable: string): ServerOrigin {
    const mode = textOf(env, 'PGSSLMODE')
    const sslMode = mode === undefined ? null : readSslMode(mode)
    if (mode !== undefined && sslMode === null)
      findings.problems.push({ path: 'PGSSLMODE', message: 'is no such mode' })
    const sslRootCert = textOf(env, 'PGSSLROOTCERT')
    return {
      path: variable,
      urlPath: variable,
      root,
      fallback: { ...(sslMode === null ? {} : { sslMode }), ...(sslRootCert === undefined ? {} : { sslRootCert }) },
    }
  }
}

/** An empty variable counts as unset, as docker compose passes unset ones on. */
function textOf(env: Env, name: string): string | undefined {
  const value = env[name]
  return value === undefined || value.trim() === '' ? undefined : value
}

function readParts(env: Env, root: string, findings: Findings): ServerUrl | null {
  const problemsBefore = findings.problems.length
  const problem = (path: string, message: string) => findings.problems.push({ path, message })
  const word = textOf(env, 'DB_DIALECT')?.trim().toLowerCase()
  const portText = textOf(env, 'DB_PORT')?.trim()
  const port = portText === undefined ? null : /^\d{1,5}$/.test(portText) ? Number(portText) : 0
  if (port !== null && !(port >= 1 && port <= 65_535)) problem('DB_PORT', 'must be a number from 1 to 65535')
  const dialect = word === undefined ? (port === 3306 ? 'mysql' : 'postgres') : dialects[word]
  if (dialect === undefined)
    problem('DB_DIALECT', `must be postgres, mysql or sqlite${suggest(word ?? '', Object.keys(dialects))}`)
  const database = textOf(env, 'DB_NAME')
  if (database === undefined) problem('DB_NAME', 'is not set, though DB_HOST is')
  for (const [wrong, right] of [
    ['DB_PASSWORD', 'DB_PASS'],
    ['DB_USERNAME', 'DB_USER'],
    ['DB_DATABASE', 'DB_NAME'],
  ] as const) {
    if (textOf(env, wrong) !== undefined && textOf(env, right) === undefined) {
      findings.notices.push({ rule: 'variable', message: `The variable ${wrong} is not read; did you mean ${right}?` })
    }
  }
  const host = (textOf(env, 'DB_HOST')?.trim() ?? 'localhost').replace(/^\[(.*)\]$/, '$1')
  if (!host.startsWith('/') && !isHost(host))
    problem('DB_HOST', 'is no host name; the port goes to DB_PORT, and a URL to DATABASE_URL')
  if (database === undefined || dialect === undefined || findings.problems.length > problemsBefore) return null
  if (dialect === 'sqlite') {
    const file = parseServerUrl(`sqlite:${encodeURIComponent(databaseFile(database))}`, root)
    return typeof file === 'string' ? null : file
  }
  return {
    dialect,
    host: host.startsWith('/') ? 'localhost' : host,
    port: port ?? defaultPorts[dialect],
    socketPath: host.startsWith('/') ? host : null,
    user: textOf(env, 'DB_USER') ?? null,
    // Spaces at the ends may belong to it.
    password: env.DB_PASS === undefined || env.DB_PASS === '' ? null : env.DB_PASS,
    database,
    parameters: { unknown: [] },
  }
}

function differ(parts: ServerUrl, address: ServerAddress): boolean {
  return (
    parts.dialect !== address.dialect ||
    parts.host !== address.host ||
    parts.port !== address.port ||
    parts.database !== (address.database ?? null) ||
    parts.directory !== address.directory ||
    (parts.user !== null && parts.user !== address.user)
  )
}

function makeReading(
  { address, schema }: ServerReading,
  variable: string,
  findings: Findings,
): VariablesReading | null {
  const database = address.database
  if (database === undefined) {
    const message =
      address.directory === undefined
        ? 'names no database; write it after the host: `…@host:5432/app`'
        : 'names a folder; give the file of the database: `sqlite:./app.db`'
    findings.problems.push({ path: variable, message })
    return null
  }
  const message = checkName(database, 'database', address.dialect)
  if (message !== null) {
    findings.problems.push({ path: variable, message: `the database's name ${message}` })
    return null
  }
  const slug = address.dialect === 'sqlite' ? (database.split('/').at(-1) ?? database) : database
  const tenant: Tenant = {
    id: slug,
    slug,
    topology: 'dedicated',
    labels: {},
    state: 'active',
    // Prisma's URLs end in `?schema=public`, which is where an unqualified name goes anyway.
    placement: { server: address.name, database, ...(schema === null || schema === 'public' ? {} : { schema }) },
  }
  return { servers: new Map([[address.name, address]]), tenants: { from: 'list', tenants: [tenant] } }
}
