/**
 * Real MariaDB servers for tests. For an ordinary test take a database of the run's server instead
 * (`shared-mariadb.ts`); a server of one's own is for restarts, crashes, TLS and settings, inside
 * `needs('mariadb-server')('…', () => { … })`.
 */
import { startMariadb as start } from '../../scripts/lib/mariadb.mjs'

export type MariadbOptions = import('../../scripts/lib/mariadb.mjs').MariadbOptions
export type MariadbServer = import('../../scripts/lib/mariadb.mjs').MariadbServer
export type MariadbClient = import('../../scripts/lib/mariadb.mjs').MariadbClient
export type MariadbAddress = import('../../scripts/lib/mariadb.mjs').MariadbAddress

/**
 * Starts a MariaDB of its own on 127.0.0.1, root or not. Stop it in `afterAll`; if the process dies first, the server
 * goes with it.
 *
 * @throws when it is not installed or does not come up, with the server's log
 */
export function startMariadb(options: MariadbOptions = {}): Promise<MariadbServer> {
  return start(options)
}
