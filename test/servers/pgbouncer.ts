/** The real PgBouncer, in transaction mode. Use it inside `needs('pgbouncer')(…)`. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectPostgres, findFreePort } from '../../scripts/lib/postgres.mjs'
import { findCacheDir, findServerUser } from '../../scripts/lib/postgres-binaries.mjs'
import { findProgram } from './need.ts'
import type { PostgresAddress, PostgresClient } from './postgres.ts'

export interface PgBouncerOptions {
  /** Lines of the `[pgbouncer]` section; they win over those here. Default: transaction mode, 20 server connections. */
  settings?: Record<string, string>
  /** Further users that may log in. Default: the superuser of the server only. */
  users?: readonly { user: string; password: string }[]
}

/** `url` and `query` go through the pooler. */
export interface PgBouncer extends PostgresClient {
  stop(): Promise<void>
}

/**
 * Starts PgBouncer on a free port in front of a server; every database of the server can be reached through it.
 *
 * @throws when it is not installed, or does not come up, with its log
 */
export async function startPgBouncer(server: PostgresAddress, options: PgBouncerOptions = {}): Promise<PgBouncer> {
  const program = findProgram('pgbouncer')
  if (!program) throw new Error('PgBouncer is not installed. Run: apt-get install pgbouncer')
  // It refuses to run as root, too.
  const user = findServerUser()
  const dir = mkdtempSync(path.join(findCacheDir(user), 'b'))
  const logFile = path.join(dir, 'pgbouncer.log')
  const port = await findFreePort()

  writeFileSync(path.join(dir, 'users.txt'), listUsers([server, ...(options.users ?? [])]), { mode: 0o600 })
  writeFileSync(path.join(dir, 'pgbouncer.ini'), writeConfig(server, port, dir, options.settings))
  if (user.uid !== undefined && user.gid !== undefined) {
    for (const file of ['.', 'users.txt', 'pgbouncer.ini']) chownSync(path.join(dir, file), user.uid, user.gid)
  }

  const child = spawn(program, [path.join(dir, 'pgbouncer.ini')], { ...user, cwd: dir, stdio: 'ignore' })
  const onExit = () => end(child, dir)
  process.once('exit', onExit)
  try {
    await waitForPort(child, port)
  } catch (cause) {
    const log = readLog(logFile)
    process.removeListener('exit', onExit)
    end(child, dir)
    throw new Error(`PgBouncer did not start: ${log}`, { cause })
  }
  return {
    ...connectPostgres({ host: '127.0.0.1', port, user: server.user, password: server.password }),
    async stop() {
      process.removeListener('exit', onExit)
      if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, 'exit')
        child.kill('SIGKILL')
        await ended
      }
      end(child, dir)
    },
  }
}

function listUsers(users: readonly { user: string; password: string }[]): string {
  const quote = (text: string) => `"${text.replaceAll('"', '""')}"`
  return users.map(({ user, password }) => `${quote(user)} ${quote(password)}\n`).join('')
}

function writeConfig(
  server: PostgresAddress,
  port: number,
  dir: string,
  settings: Record<string, string> = {},
): string {
  const all: Record<string, string> = {
    listen_addr: '127.0.0.1',
    listen_port: String(port),
    unix_socket_dir: '',
    auth_type: 'scram-sha-256',
    auth_file: path.join(dir, 'users.txt'),
    admin_users: server.user,
    logfile: path.join(dir, 'pgbouncer.log'),
    pool_mode: 'transaction',
    default_pool_size: '20',
    max_client_conn: '500',
    ...settings,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`)
  return `[databases]\n* = host=${server.host} port=${server.port}\n\n[pgbouncer]\n${lines.join('\n')}\n`
}

async function waitForPort(child: ChildProcess, port: number): Promise<void> {
  let failure: Error | undefined
  child.once('error', (error) => {
    failure = error
  })
  const deadline = Date.now() + 10_000
  while (!(await canConnect(port))) {
    if (failure) throw failure
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`exit code ${child.exitCode}`)
    await sleep(10)
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

function readLog(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return 'it wrote no log'
  }
}

function end(child: ChildProcess, dir: string): void {
  child.kill('SIGKILL')
  rmSync(dir, { recursive: true, force: true })
}
