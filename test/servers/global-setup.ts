import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import { type MariadbAddress, startMariadb } from './mariadb.ts'
import { type PostgresAddress, startPostgres } from './postgres.ts'
import { hasProgram } from './programs.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The run's server. */
    postgres: PostgresAddress
    /** The run's MariaDB or MySQL server; null: there is none, and none could be installed. */
    mariadb: MariadbAddress | null
  }
}

const builder = fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url))

/** Brings `dist` up to date, since tests run the built command line, and starts the servers that all tests share. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  // Sources that do not compile are said and tested as they are; `npm test` refuses them before it comes here.
  spawnSync(process.execPath, [builder], { stdio: ['ignore', 2, 2] })
  const [server, mariadb] = await Promise.all([
    startPostgres({ settings: { max_connections: '200' } }),
    findSharedMariadb(),
  ])
  // Vitest has no handler for it, and without one the server would outlive the run.
  process.once('SIGTERM', () => process.exit(143))
  const { host, port, user, password } = server
  project.provide('postgres', { host, port, user, password })
  project.provide('mariadb', mariadb.address)
  return async () => {
    await server.stop()
    await mariadb.stop()
  }
}

/** `TENANTRY_TEST_MYSQL_URL`: a server to use instead of one of our own, as an account that may do everything. */
async function findSharedMariadb(): Promise<{ address: MariadbAddress | null; stop(): Promise<void> }> {
  const url = process.env.TENANTRY_TEST_MYSQL_URL
  if (url) {
    const { hostname, port, username, password } = new URL(url)
    const [user, secret] = [username, password].map(decodeURIComponent) as [string, string]
    return { address: { host: hostname, port: Number(port || 3306), user, password: secret }, stop: async () => {} }
  }
  if (!hasProgram('mariadb-server')) return { address: null, stop: async () => {} }
  const server = await startMariadb()
  const { host, port, user, password } = server
  return { address: { host, port, user, password }, stop: () => server.stop() }
}
