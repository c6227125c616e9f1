import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive } from './lock.mjs'

/**
 * Says whose a server's directory is: without its owner it may be swept away.
 * @param {string} dir
 */
export function claimDir(dir) {
  // The id of a process says nothing in another container that shares the temporary directory.
  writeFileSync(path.join(dir, 'owner'), `${process.pid}\n${hostname()}\n`)
}

/**
 * Ends and removes the servers that earlier processes left behind when they were killed. A server belongs to the process
 * in its `owner` file; kept servers have none and are left alone.
 * @param {string} cacheDir
 */
export function sweepAbandoned(cacheDir) {
  for (const name of readdirSync(cacheDir)) {
    const dir = path.join(cacheDir, name)
    try {
      if (!isAbandoned(dir)) continue
      const postmaster = findPostmaster(dir)
      if (postmaster !== undefined) process.kill(postmaster, 'SIGQUIT')
      const mariadb = findServer(dir, 'mariadbd.pid')
      if (mariadb !== undefined) process.kill(mariadb, 'SIGKILL')
      rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
    } catch {
      // Another process sweeps at the same time, or the server is still ending: the next start tries again.
    }
  }
}

/** @param {string} dir */
function isAbandoned(dir) {
  const file = path.join(dir, 'owner')
  if (!existsSync(file)) return false
  const [pid, host] = readFileSync(file, 'utf8').split('\n')
  return Number(pid) > 0 && host === hostname() && !isAlive(Number(pid))
}

/**
 * Ends a kept server that another process started, and waits for it. Its directory stays.
 * @param {string} dir the server's home
 * @returns {Promise<boolean>} whether one was running
 */
export async function endKeptServer(dir) {
  const postmaster = findPostmaster(dir)
  if (postmaster === undefined) return false
  process.kill(postmaster, 'SIGINT')
  for (let waitedMs = 0; findPostmaster(dir) !== undefined; waitedMs += 20) {
    if (waitedMs > 15_000) throw new Error(`The PostgreSQL server in ${dir} (process ${postmaster}) does not end.`)
    await sleep(20)
  }
  return true
}

/**
 * @param {string} dir the server's home
 * @returns {number | undefined} its postmaster, if it runs
 */
function findPostmaster(dir) {
  return findServer(dir, 'postmaster.pid')
}

/**
 * @param {string} dir the server's home
 * @param {string} pidFile its name in the data directory
 * @returns {number | undefined} the server's process, if it runs
 */
function findServer(dir, pidFile) {
  const pid = readNumber(path.join(dir, 'data', pidFile))
  return pid !== undefined && readCommandLine(pid).includes(path.join(dir, 'data')) ? pid : undefined
}

/**
 * @param {string} file
 * @returns {number | undefined} the number in its first line
 */
function readNumber(file) {
  if (!existsSync(file)) return undefined
  const number = Number.parseInt(readFileSync(file, 'utf8'), 10)
  return Number.isInteger(number) && number > 0 ? number : undefined
}

/**
 * @param {number} pid
 * @returns {string} empty if there is no such process
 */
function readCommandLine(pid) {
  try {
    // Slim Linux images have no ps.
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    return execFileSync('ps', ['-p', String(pid), '-o', 'args='], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  } catch {
    return ''
  }
}
