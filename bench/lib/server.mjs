import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { startPostgres } from '../../scripts/lib/postgres.mjs'
import { withClient } from './fleet.mjs'
import { findMedian, time } from './statistics.mjs'

/** Durable, as in production: a commit costs what it costs. Everything else is PostgreSQL's default. */
const settings = { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' }

/** Starts the server that everything is measured on. */
export async function startServer() {
  const server = await startPostgres({ settings })
  const [row] = await server.query('SELECT version() AS version')
  return {
    url: (database) => server.url(database),
    query: (sql, database) => server.query(sql, database),
    port: server.port,
    version: String(row.version).split(' on ')[0],
    settings,
    stop: () => server.stop(),
  }
}

/**
 * A way to the server that takes `delayMs` each way. A process of its own, so that its work is not done on the time of
 * the tool that is measured.
 */
export async function startDelay(server, delayMs) {
  const { port, stop } = await startTcpDelay(server.port, delayMs, 'postgres')
  function reach(database) {
    const url = new URL(server.url(database))
    url.port = String(port)
    return url.href
  }
  return {
    url: reach,
    roundTripMs: await measureRoundTrip(reach('postgres')),
    stop,
  }
}

/** The same for any port of this machine. */
export async function startTcpDelay(serverPort, delayMs, protocol) {
  const script = fileURLToPath(new URL('./delay-process.mjs', import.meta.url))
  const child = spawn(process.execPath, [script, String(serverPort), String(delayMs), protocol], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const [line] = await once(createInterface({ input: child.stdout }), 'line')
  return {
    port: Number(line),
    async stop() {
      const ended = once(child, 'exit')
      child.stdin.end()
      await ended
    },
  }
}

/** What a message and its answer really take: timers and a busy machine add to the delay that was asked for. */
async function measureRoundTrip(url) {
  return withClient(url, async (client) => {
    const times = []
    for (let index = 0; index < 30; index++) times.push(await time(() => client.query('SELECT 1')))
    return findMedian(times)
  })
}
