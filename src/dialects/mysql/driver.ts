import { isIP } from 'node:net'
import { checkServerIdentity, connect as openTls } from 'node:tls'
import type { Connection as Client, ConnectionOptions, QueryError, QueryOptions } from 'mysql2'
import type { ConnectOptions } from '../../model/dialect.ts'
import { TenantryError } from '../../model/errors.ts'
import type { ServerAddress, TlsSettings } from '../../model/server.ts'

export type Driver = typeof import('mysql2')
export type { Client, QueryError, QueryOptions }

/** What the driver keeps and does not type. */
export interface ClientInside {
  stream: import('node:net').Socket
  packetParser: { execute(data: Buffer): void }
  startTLS(onSecure: (error?: Error) => void): void
  _handleNetworkError(error: Error): void
  _handshakePacket?: { serverVersion?: string } | null
  /** COM_RESET_CONNECTION; absent in older versions of the driver. */
  reset?(callback: (error: QueryError | null) => void): void
}

export async function loadDriver(): Promise<Driver> {
  try {
    const loaded = await import('mysql2')
    return (loaded.default ?? loaded) as Driver
  } catch (cause) {
    throw new TenantryError('DRIVER_MISSING', 'The MySQL driver "mysql2" is not installed.', {
      hint: 'Install it beside tenantry: npm install mysql2',
      cause,
    })
  }
}

/** A client that has begun to connect. Everything but what is named here is as a migration's own tool would have it. */
export function openClient(driver: Driver, server: ServerAddress, database: string, options: ConnectOptions): Client {
  const tls = server.socketPath === undefined ? server.tls : null
  const config: ConnectionOptions = {
    ...(server.socketPath === undefined ? { host: server.host, port: server.port } : { socketPath: server.socketPath }),
    user: server.user ?? process.env.USER ?? 'root',
    ...(server.password === undefined ? {} : { password: server.password.reveal() }),
    ...(database === '' ? {} : { database }),
    charset: 'utf8mb4',
    connectTimeout: options.connectTimeoutMs,
    enableKeepAlive: true,
    // Else the system asks a silent peer after two hours for the first time.
    keepAliveInitialDelay: 30_000,
    multipleStatements: true,
    // The driver's default changes what names of functions mean; a server must not read files of this machine.
    flags: ['-IGNORE_SPACE', '-LOCAL_FILES'],
    connectAttributes: { program_name: options.applicationName },
    ...(tls === null ? {} : { ssl: { rejectUnauthorized: tls.verify !== 'none' } }),
  }
  const client = driver.createConnection(config)
  if (tls !== null) secure(client as unknown as ClientInside, server.host, tls)
  return client
}

/** For `mysql2.createPool(…)`. */
export function driverOptions(server: ServerAddress, database: string): Record<string, unknown> {
  const tls = server.socketPath === undefined ? server.tls : null
  return {
    ...(server.socketPath === undefined ? { host: server.host, port: server.port } : { socketPath: server.socketPath }),
    user: server.user ?? process.env.USER ?? 'root',
    ...(server.password === undefined ? {} : { password: server.password.reveal() }),
    database,
    charset: 'utf8mb4',
    ...(tls === null
      ? {}
      : {
          ssl: {
            rejectUnauthorized: tls.verify !== 'none',
            verifyIdentity: tls.verify === 'full',
            ...(tls.ca === undefined ? {} : { ca: tls.ca }),
            ...(tls.cert === undefined ? {} : { cert: tls.cert }),
            ...(tls.key === undefined ? {} : { key: tls.key.reveal() }),
          },
        }),
  }
}

/**
 * The driver checks the certificate against the host it connects to, or for an IP address against "localhost", and can
 * be given no other name. So TLS is opened here, by the same rules as everywhere in this project.
 */
function secure(inside: ClientInside, host: string, tls: TlsSettings): void {
  const name = tls.servername ?? host
  inside.startTLS = (onSecure) => {
    const plain = inside.stream
    plain.removeAllListeners('data')
    let isSecure = false
    const socket = openTls({
      socket: plain,
      rejectUnauthorized: tls.verify !== 'none',
      ...(isIP(name) === 0 ? { servername: name } : {}),
      ...(tls.ca === undefined ? {} : { ca: tls.ca }),
      ...(tls.cert === undefined ? {} : { cert: tls.cert }),
      ...(tls.key === undefined ? {} : { key: tls.key.reveal() }),
      checkServerIdentity: (_name, certificate) =>
        tls.verify === 'full' ? checkServerIdentity(name, certificate) : undefined,
    })
    socket.once('secureConnect', () => {
      isSecure = true
      onSecure()
    })
    socket.on('error', (error) => {
      if (isSecure) inside._handleNetworkError(error)
      else onSecure(error)
    })
    socket.on('data', (data: Buffer) => inside.packetParser.execute(data))
    inside.stream = socket
  }
}
