/**
 * Real PostgreSQL servers for tests. For an ordinary test take a database of the run's server instead (`shared.ts`);
 * a server of one's own is for restarts, crashes, TLS and settings.
 */
import { startPostgres as start } from '../../scripts/lib/postgres.mjs'

export type PostgresOptions = import('../../scripts/lib/postgres.mjs').PostgresOptions
export type PostgresServer = import('../../scripts/lib/postgres.mjs').PostgresServer
export type PostgresClient = import('../../scripts/lib/postgres.mjs').PostgresClient
export type PostgresAddress = import('../../scripts/lib/postgres.mjs').PostgresAddress

/**
 * Starts a PostgreSQL 18 of its own on 127.0.0.1, root or not; about a third of a second. Stop it in `afterAll`; if the
 * process dies first, the server goes with it.
 *
 * @throws when it does not come up, with the server's log
 */
export function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  return start(options)
}
