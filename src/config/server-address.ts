import type { AddedDialect } from '../model/added-dialect.ts'
import { Secret } from '../model/secret.ts'
import type { ServerAddress } from '../model/server.ts'
import type { Findings } from './problem.ts'
import { isRecord, textAt } from './record.ts'
import { parseServerUrl, type ServerUrl } from './server-url.ts'
import { readTlsSettings } from './tls-settings.ts'
import type { SslMode } from './url-parameters.ts'

export const defaultMaxConcurrency = 8
export const defaultMaxConcurrencyPerDatabase = 4

/** A server that was read, and the schema that its URL names (Prisma's `?schema=`). */
export interface ServerReading {
  address: ServerAddress
  schema: string | null
}

/** Where a server is read from. */
export interface ServerOrigin {
  /** Place in the config of the server, and of its URL: `servers.main`, `servers.main.url`. */
  path: string
  urlPath: string
  root: string
  /** The dialects of the config. Absent: none. */
  dialects?: readonly AddedDialect[]
  /** Used where the URL says nothing: `PGSSLMODE`, `PGSSLROOTCERT`. */
  fallback?: { sslMode?: SslMode; sslRootCert?: string }
}

/** Reads one server: its `url`, `tls` and bounds. null: it has problems, which are among the findings. */
export function readServer(
  name: string,
  value: unknown,
  origin: ServerOrigin,
  findings: Findings,
): ServerReading | null {
  if (!isRecord(value)) return null
  const text = textAt(value, 'url')
  if (text === undefined) {
    if (value.url === undefined || value.url === null) {
      findings.problems.push({
        path: origin.urlPath,
        message: 'is not set; the variable it is read from may be missing',
      })
    }
    return null
  }
  const url = parseServerUrl(text, origin.root, origin.dialects)
  if (typeof url === 'string') {
    findings.problems.push({ path: origin.urlPath, message: url })
    return null
  }
  return makeServer(name, url, value, origin, findings)
}

/** The address for a URL that is already taken apart. */
export function makeServer(
  name: string,
  url: ServerUrl,
  value: Readonly<Record<string, unknown>>,
  origin: ServerOrigin,
  findings: Findings,
): ServerReading | null {
  const problemsBefore = findings.problems.length
  const { fallback } = origin
  const tls =
    url.host === ''
      ? null
      : readTlsSettings(
          {
            host: url.host,
            socketPath: url.socketPath,
            parameters: { ...fallback, ...url.parameters },
            tls: isRecord(value.tls) ? value.tls : undefined,
            root: origin.root,
            path: origin.path,
            urlPath: origin.urlPath,
          },
          findings,
        )
  if (findings.problems.length > problemsBefore) return null
  for (const parameter of url.parameters.unknown) {
    findings.notices.push({
      rule: 'url-parameter',
      message: `${origin.urlPath}: the parameter \`${parameter}\` is not known here and has no effect.`,
    })
  }
  const address: ServerAddress = {
    name,
    dialect: url.dialect,
    ...(url.addedDialect === undefined ? {} : { addedDialect: url.addedDialect }),
    host: url.host,
    port: url.port,
    tls,
    maxConcurrency: bound(value.maxConcurrency, defaultMaxConcurrency),
    maxConcurrencyPerDatabase: bound(value.maxConcurrencyPerDatabase, defaultMaxConcurrencyPerDatabase),
    ...(url.socketPath === null ? {} : { socketPath: url.socketPath }),
    ...(url.user === null ? {} : { user: url.user }),
    ...(url.password === null ? {} : { password: new Secret(url.password) }),
    ...(url.directory === undefined ? {} : { directory: url.directory }),
    ...(url.database === null ? {} : { database: url.database }),
  }
  return { address, schema: url.parameters.schema ?? null }
}

function bound(value: unknown, fallback: number): number {
  return typeof value === 'number' ? value : fallback
}
