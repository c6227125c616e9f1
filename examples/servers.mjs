/**
 * A database server to try the examples with, for who has none at hand. It runs until it is stopped.
 *
 *   eval "$(node ../servers.mjs start postgres app)"    or mariadb; makes the databases that are named and sets DB_HOST,
 *                                                       DB_PORT, DB_USER, DB_PASS, SERVER_URL, and DB_NAME to the first
 *   node ../servers.mjs stop                            ends what was started, and removes its data
 */
import { spawn } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const self = fileURLToPath(import.meta.url)
const stateDir = process.env.EXAMPLES_SERVERS ?? path.join(path.dirname(self), '.servers')

const starters = {
  postgres: async () => (await import('../scripts/lib/postgres.mjs')).startPostgres(),
  mariadb: async () => (await import('../scripts/lib/mariadb.mjs')).startMariadb(),
}

/** @type {Record<string, (address: Pick<Started, 'host' | 'port' | 'user' | 'password'>, databases: readonly string[]) => Promise<void>>} */
const makers = {
  async postgres(address, databases) {
    const { connectPostgres } = await import('../scripts/lib/postgres.mjs')
    const server = connectPostgres(address)
    const there = (await server.query('SELECT datname FROM pg_database')).map(({ datname }) => datname)
    for (const name of databases.filter((name) => !there.includes(name)))
      await server.query(`CREATE DATABASE "${name}"`)
  },
  async mariadb(address, databases) {
    const { connectMariadb } = await import('../scripts/lib/mariadb-client.mjs')
    const server = connectMariadb(address)
    for (const name of databases) await server.query(`CREATE DATABASE IF NOT EXISTS \`${name}\``)
  },
}

/** @typedef {keyof typeof starters} Kind */
/** @typedef {{ pid: number, host: string, port: number, user: string, password: string, url: string }} Started */

const [action, kind = 'postgres', ...databases] = process.argv.slice(2)
if (!['start', 'run', 'stop'].includes(action ?? '') || !(kind in starters)) {
  console.error('Usage: node servers.mjs start [postgres|mariadb] [database …]; node servers.mjs stop')
  process.exitCode = 2
} else if (action === 'run') await run(/** @type {Kind} */ (kind))
else if (action === 'start') await start(/** @type {Kind} */ (kind))
else await stop()

/** @param {Kind} kind */
async function run(kind) {
  const server = await starters[kind]()
  const { host, port, user, password } = server
  const started = { pid: process.pid, host, port, user, password, url: server.url('').replace(/\/$/, '') }
  const file = fileOf(kind)
  writeFileSync(`${file}.new`, JSON.stringify(started), { mode: 0o600 })
  renameSync(`${file}.new`, file)
  process.once('SIGTERM', async () => {
    await server.stop()
    rmSync(file, { force: true })
    process.exit(0)
  })
  setInterval(() => {}, 60_000)
}

/** @param {Kind} kind */
async function start(kind) {
  mkdirSync(stateDir, { recursive: true })
  if (read(kind) === null) {
    rmSync(fileOf(kind), { force: true })
    const logFile = path.join(stateDir, `${kind}.log`)
    const log = openSync(logFile, 'w')
    const child = spawn(process.execPath, [self, 'run', kind], { detached: true, stdio: ['ignore', log, log] })
    closeSync(log)
    child.unref()
    for (const until = Date.now() + 60_000; read(kind) === null; await sleep(50)) {
      if (child.exitCode === null && Date.now() < until) continue
      console.error(`The ${kind} server did not start:\n${readFileSync(logFile, 'utf8')}`)
      process.exitCode = 1
      return
    }
  }
  const started = /** @type {Started} */ (read(kind))
  const { host, port, user, password, url } = started
  await makers[kind]?.({ host, port, user, password }, databases)
  const variables = {
    DB_HOST: host,
    DB_PORT: port,
    DB_USER: user,
    DB_PASS: password,
    SERVER_URL: url,
    ...(databases[0] === undefined ? {} : { DB_NAME: databases[0] }),
  }
  console.log(
    `export ${Object.entries(variables)
      .map(([name, value]) => `${name}='${value}'`)
      .join(' ')}`,
  )
}

async function stop() {
  for (const name of existsSync(stateDir) ? readdirSync(stateDir) : []) {
    const kind = /** @type {Kind} */ (name.replace(/\.json$/, ''))
    const started = name.endsWith('.json') ? read(kind) : null
    if (started === null) continue
    process.kill(started.pid, 'SIGTERM')
    for (const until = Date.now() + 30_000; read(kind) !== null && Date.now() < until; ) await sleep(50)
    console.log(`The ${kind} server is stopped, and its data is gone.`)
  }
}

/** @param {Kind} kind */
function fileOf(kind) {
  return path.join(stateDir, `${kind}.json`)
}

/**
 * @param {Kind} kind
 * @returns {Started | null} null: none is running
 */
function read(kind) {
  try {
    const started = JSON.parse(readFileSync(fileOf(kind), 'utf8'))
    process.kill(started.pid, 0)
    return started
  } catch {
    return null
  }
}
