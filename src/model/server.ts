import type { Secret } from './secret.ts'

/**
 * The dialects that are built in. Each is also the name of a family: a dialect that a config adds speaks the SQL of one of
 * them, and what depends on the SQL alone asks for the family.
 */
export type DialectName = 'postgres' | 'mysql' | 'sqlite'

/** How a connection is secured. `verify: 'full'` checks the chain and the host name. */
export interface TlsSettings {
  verify: 'full' | 'ca' | 'none'
  /** PEM text. Default: the system's trust store. */
  ca?: string
  cert?: string
  key?: Secret
  /** Host name to check the certificate against; default: the host connected to. */
  servername?: string
}

/** One database server, as the config names it, with everything resolved: no URL and no env lookup is left. */
export interface ServerAddress {
  name: string
  /** The built-in dialect, or the family of the added one. */
  dialect: DialectName
  /** Name of the dialect of the config's `dialects` that its URL asks for. Absent: the built-in one. */
  addedDialect?: string
  host: string
  port: number
  /** Directory of a Unix socket; wins over host and port. */
  socketPath?: string
  user?: string
  password?: Secret
  /** SQLite: absolute path of the folder that this server stands for; databases are files in it. */
  directory?: string
  /** The database named in the URL; targets name their own. */
  database?: string
  /** null: not encrypted (loopback, a socket, or `sslmode=disable`). */
  tls: TlsSettings | null
  /** Most connections to this server at once. */
  maxConcurrency: number
  /** Most connections to one database of this server at once. */
  maxConcurrencyPerDatabase: number
}
