/** Certificates for tests, made on the spot by the `openssl` program. Use it inside `needs('openssl')(…)`. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { findProgram } from './need.ts'

/** Paths of PEM files. */
export interface KeyPair {
  cert: string
  key: string
}

export interface TlsFixture {
  /** The certificate authority that signed `server` and `client`. */
  ca: string
  /** An authority that signed nothing of ours. */
  strangerCa: string
  /** For `localhost` and `127.0.0.1`. */
  server: KeyPair
  /** For the host `elsewhere.example` only. */
  otherHost: KeyPair
  /** Its common name is the `clientName` asked for. */
  client: KeyPair
  remove(): void
}

/**
 * Makes an authority, server certificates and a client certificate; half a second.
 *
 * @param clientName common name of the client's certificate: the PostgreSQL role it logs in as. Default `postgres`.
 */
export function tlsFixture(clientName = 'postgres'): TlsFixture {
  const dir = mkdtempSync(path.join(tmpdir(), 'tenantry-tls-'))
  const remove = () => rmSync(dir, { recursive: true, force: true })
  process.once('exit', remove)
  const openssl = findProgram('openssl') ?? 'openssl'

  function run(...args: string[]): void {
    execFileSync(openssl, args, { cwd: dir, stdio: 'pipe' })
  }
  function makeKey(name: string): string[] {
    return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${name}.key`]
  }
  function writeConfig(name: string, subject: string, extensions: string): string {
    const text = `[req]\ndistinguished_name = subject\nx509_extensions = ext\nprompt = no\n[subject]\nCN = ${subject}\n[ext]\n${extensions}\n`
    writeFileSync(path.join(dir, `${name}.cnf`), text)
    return `${name}.cnf`
  }
  function makeAuthority(name: string): string {
    const config = writeConfig(name, name, 'basicConstraints = critical, CA:TRUE\nkeyUsage = keyCertSign')
    run('req', '-x509', '-config', config, ...makeKey(name), '-days', '30', '-out', `${name}.crt`)
    return path.join(dir, `${name}.crt`)
  }
  function makePair(name: string, subject: string, extensions: string): KeyPair {
    const config = writeConfig(name, subject, extensions)
    run('req', '-new', '-config', config, ...makeKey(name), '-out', `${name}.csr`)
    const signer = ['-CA', 'authority.crt', '-CAkey', 'authority.key', '-CAcreateserial']
    const extension = ['-extfile', config, '-extensions', 'ext']
    run('x509', '-req', '-in', `${name}.csr`, ...signer, ...extension, '-days', '30', '-out', `${name}.crt`)
    return { cert: path.join(dir, `${name}.crt`), key: path.join(dir, `${name}.key`) }
  }

  return {
    ca: makeAuthority('authority'),
    strangerCa: makeAuthority('stranger'),
    server: makePair('server', 'localhost', 'subjectAltName = DNS:localhost, IP:127.0.0.1'),
    otherHost: makePair('other-host', 'elsewhere.example', 'subjectAltName = DNS:elsewhere.example'),
    client: makePair('client', clientName, 'extendedKeyUsage = clientAuth'),
    remove,
  }
}
