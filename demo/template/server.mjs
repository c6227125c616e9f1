/** Starts, stops and removes the demo's PostgreSQL: `node server.mjs start|stop|remove`. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'

const { library, dir, port, password } = JSON.parse(readFileSync(new URL('./server.json', import.meta.url), 'utf8'))
const load = (name) => import(pathToFileURL(path.join(library, name)).href)
const { startPostgres } = await load('postgres.mjs')
const { endKeptServer } = await load('postgres-sweep.mjs')

const commands = {
  async start() {
    // Without its data a start would make a new, empty server.
    if (!existsSync(path.join(dir, 'data', 'PG_VERSION'))) throw new Error(`${dir} is gone: run the demo again.`)
    const wasRunning = await endKeptServer(dir)
    const server = await startPostgres({ dir, port, password, keep: true })
    server.unref()
    console.log(`PostgreSQL ${wasRunning ? 'started again' : 'started'} on port ${port}.`)
  },
  async stop() {
    console.log((await endKeptServer(dir)) ? 'PostgreSQL stopped; the data stays.' : 'PostgreSQL was not running.')
  },
  async remove() {
    await endKeptServer(dir)
    rmSync(dir, { recursive: true, force: true })
    console.log('PostgreSQL stopped and its data removed. This folder can be deleted now.')
  },
}

const command = process.argv[2] ?? ''
try {
  if (!Object.hasOwn(commands, command)) throw new Error('Usage: node server.mjs start|stop|remove')
  await commands[command]()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
