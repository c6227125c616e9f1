import { readFileSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import { resolve } from 'node:path'
import { Secret } from '../model/secret.ts'
import type { TlsSettings } from '../model/server.ts'
import type { Findings } from './problem.ts'
import { textAt, type UnknownRecord } from './record.ts'
import type { SslMode, UrlParameters } from './url-parameters.ts'

/** What decides how a connection is secured. */
export interface TlsRequest {
  host: string
  socketPath: string | null
  parameters: UrlParameters
  /** The server's `tls` part. */
  tls: UnknownRecord | undefined
  /** Paths are relative to it. */
  root: string
  /** Place of the server in the config, and of its URL. */
  path: string
  urlPath: string
}

/** True for addresses that never leave the machine. Names other than `localhost` are looked up, so they may. */
export function isLoopback(host: string): boolean {
  const plain = host.toLowerCase().replace(/^::ffff:/, '')
  return (
    plain === 'localhost' ||
    plain === '::1' ||
    plain === '0:0:0:0:0:0:0:1' ||
    (isIPv4(plain) && plain.startsWith('127.'))
  )
}

/**
 * Remote hosts: TLS with the chain and the host name checked, also for `require`, `prefer` and `allow`, which ask for
 * less; `verify-ca` leaves out the host name; `disable` is obeyed with a notice. Loopback: no TLS unless asked for.
 * Sockets: none. The check is only skipped by `tls.unsafeSkipVerification: true`.
 */
export function readTlsSettings(request: TlsRequest, findings: Findings): TlsSettings | null {
  const { parameters, tls, path, urlPath } = request
  const mode = parameters.sslMode
  const skip = tls?.unsafeSkipVerification === true
  const files = readFiles(request, findings)
  if (mode === 'no-verify' && !skip) {
    findings.problems.push({
      path: urlPath,
      message:
        'asks for TLS without checking the certificate; give the authority in `tls.ca` (or `sslrootcert`), or, if anybody in between may read everything, set `tls.unsafeSkipVerification: true`',
    })
    return null
  }
  if (request.socketPath !== null) {
    if (tls !== undefined || isDemand(mode))
      notice('a Unix socket is never encrypted, so `tls` and `sslmode` change nothing')
    return null
  }
  const remote = !isLoopback(request.host)
  if (mode === 'disable') {
    if (tls !== undefined) {
      findings.problems.push({
        path: `${path}.tls`,
        message: 'contradicts `sslmode=disable` in the URL; remove one of them',
      })
    } else if (remote) notice('`sslmode=disable`: passwords and data travel in clear to a remote host')
    return null
  }
  const asked = tls !== undefined || isDemand(mode) || files.ca !== undefined || files.cert !== undefined
  if (!remote && !asked) return null
  if (skip && remote)
    notice('`unsafeSkipVerification`: whoever gets in between can read everything, the password included')
  const servername = textAt(tls ?? {}, 'servername') ?? parameters.sslServername
  return {
    verify: skip ? 'none' : mode === 'verify-ca' ? 'ca' : 'full',
    ...files,
    ...(servername === undefined ? {} : { servername }),
  }

  function notice(message: string): void {
    findings.notices.push({ rule: 'tls', message: `${urlPath}: ${message}.` })
  }
}

function isDemand(mode: SslMode | undefined): boolean {
  return mode === 'require' || mode === 'verify-ca' || mode === 'verify-full' || mode === 'no-verify'
}

function readFiles({ parameters, tls = {}, root, path, urlPath }: TlsRequest, findings: Findings) {
  // libpq: `system` is the system's trust store, which is the default here.
  const rootCert = parameters.sslRootCert === 'system' ? undefined : parameters.sslRootCert
  const ca = read('ca', rootCert, 'sslrootcert', /-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----/, 'certificate')
  const cert = read('cert', parameters.sslCert, 'sslcert', /-----BEGIN (X509 )?CERTIFICATE-----/, 'certificate')
  const key = read('key', parameters.sslKey, 'sslkey', /-----BEGIN ([A-Z]+ )?PRIVATE KEY-----/, 'private key')
  const given = (name: string, parameter: string | undefined) => tls[name] !== undefined || parameter !== undefined
  if (given('cert', parameters.sslCert) !== given('key', parameters.sslKey)) {
    findings.problems.push({ path: `${path}.tls`, message: 'a client certificate needs both `cert` and `key`' })
  }
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key: new Secret(key) }),
  }

  function read(
    key: string,
    parameter: string | undefined,
    name: string,
    pem: RegExp,
    what: string,
  ): string | undefined {
    const fromConfig = textAt(tls, key)
    const value = fromConfig ?? parameter
    if (value === undefined) return undefined
    const where = fromConfig === undefined ? `${urlPath} (${name})` : `${path}.tls.${key}`
    const problem = (message: string) => {
      findings.problems.push({ path: where, message })
      return undefined
    }
    let text = value
    if (value.includes('-----BEGIN')) {
      // A variable often holds PEM text in one line, with its line ends written as \n.
      if (!value.includes('\n')) text = value.replaceAll('\\n', '\n')
    } else {
      // Key material without its PEM header must not end up in a message as if it were a path.
      if (value.trim() === '' || /\n/.test(value) || value.length > 255)
        return problem(`is neither a path nor PEM text of a ${what}`)
      try {
        text = readFileSync(resolve(root, value), 'utf8')
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
        return problem(`cannot read ${JSON.stringify(resolve(root, value))} (${code})`)
      }
      if (!pem.test(text)) return problem(`${JSON.stringify(resolve(root, value))} holds no ${what} in PEM form`)
    }
    return pem.test(text) ? text : problem(`holds no ${what} in PEM form`)
  }
}
