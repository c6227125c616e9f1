import { linkSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'

/**
 * Runs work while no other process does work under the same lock file. Waits for the owner; an owner that died is passed over.
 * @template T
 * @param {string} file
 * @param {(pid: number) => void} onWait called once, when it takes longer than a second
 * @param {() => T} work
 * @returns {T}
 */
export function withLock(file, onWait, work) {
  const own = `${file}.${process.pid}`
  writeFileSync(own, String(process.pid))
  try {
    take(own, file, onWait)
    try {
      return work()
    } finally {
      rmSync(file, { force: true })
    }
  } finally {
    rmSync(own, { force: true })
  }
}

/**
 * @param {string} own
 * @param {string} file
 * @param {(pid: number) => void} onWait
 */
function take(own, file, onWait) {
  for (let waitedMs = 0; ; waitedMs += 50) {
    try {
      // A link appears with its content in one step: nobody reads a lock that does not say whose it is.
      linkSync(own, file)
      return
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error
    }
    const owner = readOwner(file)
    if (owner !== undefined && !isAlive(owner)) dropLock(file, owner)
    else {
      if (waitedMs === 1000 && owner !== undefined) onWait(owner)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
    }
  }
}

/**
 * @param {string} file
 * @param {number} owner
 */
function dropLock(file, owner) {
  const aside = `${file}.dead.${process.pid}`
  try {
    renameSync(file, aside)
    // Another process was quicker, and this is its lock: back with it.
    if (readOwner(aside) !== owner) linkSync(aside, file)
    unlinkSync(aside)
  } catch {
    // It is gone, which is as good.
  }
}

/** @param {string} file */
function readOwner(file) {
  try {
    return Number(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

/** @param {number} pid */
export function isAlive(pid) {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM'
  }
  return !isZombie(pid)
}

/**
 * It has ended, and nobody has asked for its exit code: in a container whose first process does not, it stays so.
 *
 * @param {number} pid
 */
function isZombie(pid) {
  try {
    // The name in parentheses may hold anything; the state is the letter after the last of them.
    return /\) Z [^)]*$/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
