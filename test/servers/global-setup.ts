import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import { type PostgresAddress, startPostgres } from './postgres.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The run's server. */
    postgres: PostgresAddress
  }
}

const builder = fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url))

/** Brings `dist` up to date, since tests run the built command line, and starts the server that all tests share. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  // Sources that do not compile are said and tested as they are; `npm test` refuses them before it comes here.
  spawnSync(process.execPath, [builder], { stdio: ['ignore', 2, 2] })
  const server = await startPostgres({ settings: { max_connections: '200' } })
  // Vitest has no handler for it, and without one the server would outlive the run.
  process.once('SIGTERM', () => process.exit(143))
  const { host, port, user, password } = server
  project.provide('postgres', { host, port, user, password })
  return () => server.stop()
}
