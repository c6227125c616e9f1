import { spawn, spawnSync } from 'node:child_process'
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
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectMariadb } from './mariadb-client.mjs'
import { findFreePort } from './postgres.mjs'
import { findCacheDir, publishDir, run } from './postgres-binaries.mjs'
import { claimDir, sweepAbandoned } from './postgres-sweep.mjs'

/**
 * @typedef {object} MariadbOptions
 * @property {Record<string, string>} [settings] Server variables by their option names (`max_connections`). They win
 *   over the defaults here: nothing is flushed to the disk, since only the server crashes here, never the machine; what
 *   was committed survives `kill()`.
 * @property {{ ca?: string, cert: string, key: string }} [tls] Paths of PEM files. The server then offers TLS.
 * @property {number} [port] Default: a free one.
 * @property {string} [password] Of the account `admin`@`%`, which may do everything. Default: random.
 */

/** @typedef {import('./mariadb-client.mjs').MariadbAddress} MariadbAddress */
/** @typedef {import('./mariadb-client.mjs').MariadbClient} MariadbClient */

/**
 * @typedef {object} MariadbOwn
 * @property {string} dir home of the server
 * @property {string} dataDir
 * @property {string} socketPath
 * @property {string} logFile
 * @property {number} pid changes with a restart
 * @property {() => string} log what the server wrote so far
 * @property {() => Promise<void>} stop Ends the server at once and removes its directory. May be called twice.
 * @property {() => Promise<void>} restart Same data and port; also brings back a server that was killed or halted.
 * @property {() => Promise<void>} halt Ends the server in an orderly way, keeps its data; connections are refused until `restart()`.
 * @property {() => Promise<void>} kill SIGKILL, as a crash would: data stays, `restart()` recovers.
 */

/** @typedef {MariadbClient & MariadbOwn} MariadbServer */

const account = 'admin'

/**
 * Starts a real MariaDB of its own on 127.0.0.1, from Debian's `mariadb-server`, root or not; in about half a second. It
 * ends with this process; after a kill -9 the next start of any server clears it away.
 * @param {MariadbOptions} [options]
 * @returns {Promise<MariadbServer>}
 * @throws when the server is not installed or does not come up, with its log
 */
export async function startMariadb(options = {}) {
  const binary = findServer()
  if (binary === undefined) throw new Error('MariaDB is not installed. Run: apt-get install mariadb-server')
  const user = findMysqlUser()
  const cacheDir = findCacheDir(user)
  sweepAbandoned(cacheDir)

  const dir = path.join(cacheDir, `m${randomBytes(4).toString('hex')}`)
  const dataDir = path.join(dir, 'data')
  const logFile = path.join(dir, 'server.log')
  const socketPath = path.join(dir, 'mariadb.sock')
  const password = options.password ?? randomBytes(16).toString('base64url')

  mkdirSync(dir, { recursive: true, mode: 0o755 })
  own(dir, user)
  claimDir(dir)
  /** @type {import('node:child_process').ChildProcess | undefined} */
  let child
  let port = options.port ?? 0

  function removeNow() {
    child?.kill('SIGKILL')
    rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
  }

  async function launch() {
    const from = existsSync(logFile) ? statSync(logFile).size : 0
    const log = openSync(logFile, 'a')
    const started = spawn(/** @type {string} */ (binary), serverArguments(dir, dataDir, socketPath, port, options), {
      ...user,
      cwd: dir,
      stdio: ['ignore', log, log],
      detached: true,
      env: { PATH: process.env.PATH },
    })
    closeSync(log)
    child = started
    /** @type {Error | undefined} */
    let spawnError
    started.once('error', (error) => {
      spawnError = error
    })
    const deadline = Date.now() + 60_000
    for (;;) {
      const wrote = readFileSync(logFile).subarray(from).toString('utf8')
      if (/ready for connections/.test(wrote)) return
      if (spawnError || started.exitCode !== null || started.signalCode !== null || Date.now() > deadline) {
        started.kill('SIGKILL')
        throw new Error(
          `MariaDB did not start: ${spawnError?.message ?? wrote.trim().split('\n').slice(-20).join('\n')}`,
        )
      }
      await sleep(10)
    }
  }

  /** @param {NodeJS.Signals} signal */
  async function end(signal) {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    const patience = setTimeout(() => child?.kill('SIGKILL'), 15_000)
    await ended
    clearTimeout(patience)
  }

  process.once('exit', removeNow)
  try {
    run('cp', ['-Rp', path.join(findTemplate(user, cacheDir), 'data'), dataDir])
    writeInit(dir, password, user)
    if (options.tls) placeCertificates(dir, options.tls, user)
    for (let attempt = 1; ; attempt++) {
      port = options.port ?? (await findFreePort())
      try {
        await launch()
        break
      } catch (error) {
        // Another process may have taken the free port in between.
        const isTaken = /Bind on TCP\/IP port|Address already in use/.test(String(error))
        if (options.port !== undefined || attempt === 5 || !isTaken) throw error
      }
    }
  } catch (error) {
    process.removeListener('exit', removeNow)
    removeNow()
    throw error
  }

  const address = { host: '127.0.0.1', port, user: account, password }
  /** @type {MariadbOwn} */
  const mine = {
    dir,
    dataDir,
    socketPath,
    logFile,
    get pid() {
      return child?.pid ?? 0
    },
    log: () => readFileSync(logFile, 'utf8'),
    async stop() {
      process.removeListener('exit', removeNow)
      await end('SIGKILL')
      removeNow()
    },
    async restart() {
      await end('SIGTERM')
      await launch()
    },
    halt: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  }
  const client = connectMariadb(address)
  return /** @type {MariadbServer} */ (Object.defineProperties(mine, Object.getOwnPropertyDescriptors(client)))
}

/** @returns {string | undefined} path of `mariadbd`; Debian keeps it where ordinary users do not look */
function findServer() {
  const found = spawnSync('sh', ['-c', 'command -v mariadbd'], {
    encoding: 'utf8',
    env: { PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin:/sbin` },
  })
  return found.status === 0 ? found.stdout.trim() : undefined
}

/**
 * The server does not run as root; the package brings the system user `mysql`.
 * @returns {import('./postgres-binaries.mjs').ServerUser}
 */
function findMysqlUser() {
  if (process.getuid?.() !== 0) return {}
  const [uid, gid] = ['-u', '-g'].map((flag) => spawnSync('id', [flag, 'mysql'], { encoding: 'utf8' }))
  if (uid?.status === 0 && gid?.status === 0) return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
  throw new Error('MariaDB cannot run as root, and there is no system user "mysql". Run: useradd --system mysql')
}

/**
 * @param {string} dir
 * @param {string} dataDir
 * @param {string} socketPath
 * @param {number} port
 * @param {MariadbOptions} options
 */
function serverArguments(dir, dataDir, socketPath, port, options) {
  /** @type {Record<string, string>} */
  const settings = {
    character_set_server: 'utf8mb4',
    collation_server: 'utf8mb4_general_ci',
    innodb_flush_method: 'nosync',
    // Written to the system at each commit: it survives a kill of the server, and waits for no disk.
    innodb_flush_log_at_trx_commit: '2',
    innodb_log_file_size: '16M',
    innodb_buffer_pool_size: '64M',
    // Else it asks the resolver who 127.0.0.1 is, and takes the account `@localhost` for it.
    skip_name_resolve: 'ON',
    max_connections: '200',
    ...(options.tls && { ssl_cert: path.join(dir, 'server.crt'), ssl_key: path.join(dir, 'server.key') }),
    ...(options.tls?.ca && { ssl_ca: path.join(dir, 'ca.crt') }),
    ...options.settings,
  }
  return [
    '--no-defaults',
    `--datadir=${dataDir}`,
    `--socket=${socketPath}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    `--pid-file=${path.join(dataDir, 'mariadbd.pid')}`,
    `--init-file=${path.join(dir, 'init.sql')}`,
    ...Object.entries(settings).map(([name, value]) => `--${name.replaceAll('_', '-')}=${value}`),
  ]
}

/**
 * Run by the server at each start.
 * @param {string} dir
 * @param {string} password
 * @param {import('./postgres-binaries.mjs').ServerUser} user
 */
function writeInit(dir, password, user) {
  const file = path.join(dir, 'init.sql')
  const secret = password.replaceAll('\\', '\\\\').replaceAll("'", "''")
  const lines = [
    `CREATE USER IF NOT EXISTS '${account}'@'%' IDENTIFIED BY '${secret}';`,
    `GRANT ALL PRIVILEGES ON *.* TO '${account}'@'%' WITH GRANT OPTION;`,
  ]
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 })
  own(file, user)
}

/**
 * @param {string} dir
 * @param {{ ca?: string, cert: string, key: string }} tls
 * @param {import('./postgres-binaries.mjs').ServerUser} user
 */
function placeCertificates(dir, { ca, cert, key }, user) {
  const files = [['server.crt', cert], ['server.key', key], ...(ca === undefined ? [] : [['ca.crt', ca]])]
  for (const [name = '', from = ''] of files) {
    const to = path.join(dir, name)
    copyFileSync(from, to)
    chmodSync(to, 0o600)
    own(to, user)
  }
}

/**
 * @param {string} file
 * @param {import('./postgres-binaries.mjs').ServerUser} user
 */
function own(file, user) {
  if (user.uid !== undefined && user.gid !== undefined) chownSync(file, user.uid, user.gid)
}

/**
 * An initialised, never started data directory, made once per machine and version.
 * @param {import('./postgres-binaries.mjs').ServerUser} user
 * @param {string} cacheDir
 */
function findTemplate(user, cacheDir) {
  const version = spawnSync(/** @type {string} */ (findServer()), ['--no-defaults', '--version'], { encoding: 'utf8' })
  const name = /\d+\.\d+\.\d+/.exec(version.stdout)?.[0] ?? 'unknown'
  const place = path.join(cacheDir, `template-mariadb-${name}`)
  const isWhole = () => existsSync(path.join(place, 'whole')) && existsSync(path.join(place, 'data', 'ibdata1'))
  if (isWhole()) return place
  const fresh = `${place}.${process.pid}`
  rmSync(fresh, { recursive: true, force: true })
  mkdirSync(fresh, { mode: 0o755 })
  own(fresh, user)
  const flags = ['--auth-root-authentication-method=normal', '--skip-test-db', '--innodb-log-file-size=16M']
  run('mariadb-install-db', ['--no-defaults', `--datadir=${path.join(fresh, 'data')}`, ...flags], user)
  writeFileSync(path.join(fresh, 'whole'), '')
  publishDir(fresh, place, isWhole)
  return place
}
