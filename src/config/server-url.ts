import { isIPv6 } from 'node:net'
import { basename, dirname, resolve } from 'node:path'
import type { AddedDialect } from '../model/added-dialect.ts'
import { isDatabaseFile } from '../model/database-file.ts'
import type { DialectName } from '../model/server.ts'
import { decodePart, readUrlParameters, splitSocketPath, type UrlParameters } from './url-parameters.ts'

/** A URL taken apart. Values are decoded; the password is still plain text, so keep this short-lived. */
export interface ServerUrl {
  dialect: DialectName
  /** Name of the dialect of the config that answers to its scheme. Absent: a built-in one. */
  addedDialect?: string
  host: string
  port: number
  socketPath: string | null
  user: string | null
  password: string | null
  database: string | null
  /** SQLite: absolute path of the folder that databases are files in. */
  directory?: string
  parameters: UrlParameters
}

const schemes: Readonly<Record<string, { dialect: DialectName; port: number }>> = {
  postgres: { dialect: 'postgres', port: 5432 },
  postgresql: { dialect: 'postgres', port: 5432 },
  mysql: { dialect: 'mysql', port: 3306 },
  mariadb: { dialect: 'mysql', port: 3306 },
  libsql: { dialect: 'sqlite', port: 443 },
  sqlite: { dialect: 'sqlite', port: 0 },
  file: { dialect: 'sqlite', port: 0 },
}

/** Schemes that no dialect of a config may answer to. */
export const builtInSchemes: readonly string[] = Object.keys(schemes)

/** Stands for the database in the host of a libSQL server where each database has a host of its own. */
const hostMark = '{database}'

export const defaultPorts: Readonly<Record<DialectName, number>> = { postgres: 5432, mysql: 3306, sqlite: 0 }

const encode =
  'write `@` `:` `/` `?` `#` and `%` of a user name or password percent-encoded (`%40 %3A %2F %3F %23 %25`)'

/**
 * Takes a server's URL apart: the one place where that is done.
 *
 * Passwords may hold anything that is percent-encoded, and also raw characters as long as only one reading is
 * possible. Where it isn't, the result is a sentence that says what is wrong; no part of the URL is in it.
 * Paths of files are relative to `root`. `added`: the dialects of the config.
 */
export function parseServerUrl(text: string, root: string, added: readonly AddedDialect[] = []): ServerUrl | string {
  const url = text.trim()
  if (url === '') return 'is empty'
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(url)?.[1]?.toLowerCase()
  const own = added.find(({ schemes: names }) => scheme !== undefined && names.includes(scheme))
  const known = own === undefined ? schemes[scheme ?? ''] : placeOf(own)
  if (scheme === undefined || known === undefined) return describeScheme(scheme, added)
  const rest = url.slice(scheme.length + 1)
  const addedDialect = own === undefined ? {} : { addedDialect: own.name }
  if (known.port === 0) {
    const file = parseFileUrl(rest, root)
    return typeof file === 'string' ? file : { ...file, ...addedDialect }
  }
  if (!rest.startsWith('//')) return `must start with \`${scheme}://\``

  const [authority, path, query] = splitUrl(rest.slice(2))
  // An `@` after the host's place means that the host's place was found wrongly: in `u:a/b@host` it would be `u:a`.
  if (path.includes('@') || query.includes('@'))
    return `can be read in two ways, since an \`@\` comes late in it; ${encode}`
  if (query.includes('#') || path.includes('#')) return `holds a \`#\`; ${encode}, and of a database name too`

  const at = authority.lastIndexOf('@')
  const login = readLogin(at === -1 ? '' : authority.slice(0, at))
  const place = readPlace(authority.slice(at + 1), scheme === 'libsql' ? hostMark : '')
  const databasePath = path.slice(1)
  const parameters = readUrlParameters(query)
  if (typeof login === 'string') return login
  if (typeof place === 'string') return place
  if (typeof parameters === 'string') return parameters
  const database = decodePart(databasePath)
  if (database === null) return 'has a `%` in the database name that is not followed by two hexadecimal digits'
  if (databasePath.includes('/')) return 'has more than one part after the host; write a `/` of a database name as %2F'

  const port = readPort(parameters.port ?? place.port, known.port)
  if (typeof port === 'string') return port
  const overridingHost = parameters.host ?? place.host
  const isSocket = overridingHost.startsWith('/')
  const host = isSocket || overridingHost === '' ? 'localhost' : overridingHost
  if (parameters.host !== undefined && !isSocket && !isHost(parameters.host)) return describeHost(parameters.host)
  const socketText = parameters.socketPath ?? (isSocket ? overridingHost : null)
  const socket =
    socketText === null || known.dialect !== 'postgres'
      ? { directory: socketText, port: null }
      : splitSocketPath(socketText)

  const values = [login.user, login.password, database, host, ...Object.values(parameters).flat()]
  if (values.some((value) => value?.includes('\0'))) return 'holds a NUL character (%00), which no server accepts'
  return {
    dialect: known.dialect,
    ...addedDialect,
    host,
    port: socket.port ?? port,
    socketPath: socket.directory,
    user: parameters.user ?? login.user,
    password: parameters.password ?? parameters.authToken ?? login.password,
    // A libSQL server is one database, and its host is all the name it has.
    database:
      parameters.database ??
      (database !== '' ? database : scheme === 'libsql' && !host.includes(hostMark) ? host : null),
    parameters,
  }
}

/** As the schemes above. A dialect of files has no port. */
function placeOf({ family, defaultPort }: AddedDialect): { dialect: DialectName; port: number } {
  return { dialect: family, port: defaultPort ?? defaultPorts[family] }
}

/** Splits what follows `//` into the host's place, the path with its slash, and the text after `?`. */
function splitUrl(text: string): [string, string, string] {
  const authorityEnd = text.search(/[/?#]/)
  if (authorityEnd === -1) return [text, '', '']
  const tail = text.slice(authorityEnd)
  const question = tail.indexOf('?')
  const path = question === -1 ? tail : tail.slice(0, question)
  return [text.slice(0, authorityEnd), path, question === -1 ? '' : tail.slice(question + 1)]
}

function readLogin(text: string): { user: string | null; password: string | null } | string {
  const colon = text.indexOf(':')
  const user = decodePart(colon === -1 ? text : text.slice(0, colon))
  const password = colon === -1 ? '' : decodePart(text.slice(colon + 1))
  if (user === null || password === null) {
    return `has a \`%\` in the user name or password that is not followed by two hexadecimal digits; ${encode}`
  }
  return { user: user === '' ? null : user, password: password === '' ? null : password }
}

/** @param mark what may stand in a host for the name of a database; `''`: nothing */
function readPlace(text: string, mark: string): { host: string; port: string | undefined } | string {
  if (text.includes(',')) return 'names several hosts; give the one that accepts writes'
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/s.exec(text)
  if (bracketed?.[1] !== undefined) {
    const address = decodePart(bracketed[1])
    if (address === null || !isIPv6(address)) return 'has something in `[…]` that is not an IPv6 address'
    return { host: address, port: bracketed[2] }
  }
  if (text.split(':').length > 2)
    return `has more than one \`:\` in the host; write an IPv6 address in \`[…]\`, and ${encode}`
  const [rawHost = '', port] = text.split(':')
  const host = decodePart(rawHost)
  const named = host !== null && mark !== '' ? host.replaceAll(mark, 'x') : host
  if (host === null || named === null || !(named === '' || named.startsWith('/') || isHost(named)))
    return describeHost(rawHost)
  return { host, port }
}

/** True for host names and addresses. */
export function isHost(text: string): boolean {
  return isIPv6(text) || /^[\p{L}\p{N}]([\p{L}\p{N}._-]*[\p{L}\p{N}.])?$/u.test(text)
}

function describeHost(text: string): string {
  return text.includes(',')
    ? 'names several hosts; give the one that accepts writes'
    : `has characters in the host that no host name has; ${encode}`
}

function readPort(text: string | undefined, fallback: number): number | string {
  if (text === undefined || text === '') return fallback
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  return port >= 1 && port <= 65_535 ? port : `has a port that is not a number from 1 to 65535; ${encode}`
}

/**
 * `sqlite:./tenants`, a folder with a file for each database; `sqlite:./a.db`, `sqlite:///srv/a.db`, `file:a.db`: one
 * file, and the folder that it is in. The ending alone tells which (`.db`, `.sqlite`, `.sqlite3`, …), whatever is there.
 */
function parseFileUrl(rest: string, root: string): ServerUrl | string {
  const question = rest.indexOf('?')
  const rawPath = (question === -1 ? rest : rest.slice(0, question)).replace(/^\/\//, '')
  const path = decodePart(rawPath)
  const parameters = readUrlParameters(question === -1 ? '' : rest.slice(question + 1))
  if (typeof parameters === 'string') return parameters
  if (path === null) return 'has a `%` in the path that is not followed by two hexadecimal digits'
  if (path === '' || path.includes('\0')) return 'names no file'
  if (path === ':memory:') return 'is a database in memory, which ends with the command; name a file or a folder'
  const place = resolve(root, path)
  const isFile = isDatabaseFile(path)
  return {
    dialect: 'sqlite',
    host: '',
    port: 0,
    socketPath: null,
    user: null,
    password: parameters.authToken ?? null,
    database: isFile ? basename(place) : null,
    directory: isFile ? dirname(place) : place,
    parameters,
  }
}

/** Only words from this list are repeated: an unknown scheme may be the start of a password. */
function describeScheme(scheme: string | undefined, added: readonly AddedDialect[]): string {
  const others = ['jdbc', 'http', 'https', 'mongodb', 'mssql', 'sqlserver', 'oracle', 'redis', 'cockroachdb']
  const own = added.flatMap(({ schemes: names }) => names.map((name) => `${name}:, `)).join('')
  const understood = `${own}postgres:, postgresql:, mysql:, mariadb:, sqlite:, file: or libsql:`
  if (scheme === 'jdbc') return `is a JDBC URL; leave out \`jdbc:\`, so that it starts with ${understood}`
  if (scheme === 'prisma+postgres' || scheme === 'prisma') {
    return "goes through Prisma's proxy; give the database's own URL, which starts with postgres:"
  }
  if (scheme !== undefined && others.includes(scheme))
    return `starts with ${scheme}:, which is not supported; it must be ${understood}`
  return `must start with ${understood}`
}
