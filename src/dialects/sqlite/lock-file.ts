import { createHash, randomBytes } from 'node:crypto'
import { closeSync, existsSync, openSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import type { Blocker } from '../../model/dialect.ts'
import { type Handle, loadDriver } from './driver.ts'
import { isBusy, resultCode } from './failure.ts'

/** The key that nearly every target has: the schema that its history is in. */
const usualKey = 'main'

const ending = '-tenantry-lock'

/** Beside the database itself, so that everybody who can reach the one reaches the other, by whichever link. */
function lockPath(named: string, key: string): string {
  const path = resolveLinks(named)
  const mark = key === usualKey ? '' : `-${createHash('sha256').update(key).digest('hex').slice(0, 12)}`
  return `${path}${ending}${mark}`
}

function resolveLinks(path: string): string {
  try {
    return realpathSync.native(path)
  } catch {
    return path
  }
}

/** Every lock file of a database, with what SQLite keeps beside them. */
export function lockFiles(path: string): string[] {
  if (!existsSync(dirname(path))) return []
  const start = `${basename(path)}${ending}`
  return readdirSync(dirname(path))
    .filter((name) => name.startsWith(start))
    .map((name) => join(dirname(path), name))
}

/** A target's lock, held over several transactions. */
export interface HeldLock {
  release(): void
}

function identity(path: string): string | null {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true })
  return found === undefined ? null : `${found.dev}:${found.ino}`
}

/** Makes the file where it is missing. One that is there is not opened: that would let go of locks on it. */
function makeSure(path: string): void {
  try {
    closeSync(openSync(path, 'wx'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/**
 * One try for the lock; null: somebody holds it. The lock is one of the operating system's, by way of SQLite: it ends
 * with the process, however that ends. The file holds who has it, which can be read while it is held.
 */
export function takeLock(path: string, key: string, applicationName: string): HeldLock | null {
  const file = lockPath(path, key)
  for (let tries = 0; tries < 10; tries++) {
    makeSure(file)
    const before = identity(file)
    if (before === null) continue
    const handle = tryOpen(file)
    if (handle === null) continue
    try {
      const token = randomBytes(9).toString('base64url')
      // Nothing in it has to survive anything.
      handle.exec('PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY')
      handle.exec('BEGIN IMMEDIATE')
      handle.exec(
        'CREATE TABLE IF NOT EXISTS holder (token TEXT, pid INTEGER, host TEXT, application TEXT, since TEXT); DELETE FROM holder',
      )
      handle.all("INSERT INTO holder VALUES (?, ?, ?, ?, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))", [
        token,
        process.pid,
        hostname(),
        applicationName,
      ])
      // Others can read it once it is committed; that lets go of the lock for a moment, in which somebody may come.
      handle.exec('COMMIT; BEGIN IMMEDIATE')
      const [row] = handle.all('SELECT token FROM holder', [])
      // Whoever had it before may have removed the file after it was opened here.
      if (row?.token === token && identity(file) === before) {
        return {
          release() {
            rmSync(file, { force: true })
            closeHandle(handle)
          },
        }
      }
      closeHandle(handle)
    } catch (error) {
      closeHandle(handle)
      if (isBusy(error)) return null
      // A process that was killed while it wrote leaves half a file, which nobody can hold a lock on.
      if (!damaged.has(resultCode(error) ?? 0)) throw error
      rmSync(file, { force: true })
    }
  }
  return null
}

/** SQLITE_CORRUPT, SQLITE_NOTADB. */
const damaged = new Set([11, 26])

/** Does somebody hold it? Costs next to nothing where nobody does. */
export function isLocked(path: string, key: string): boolean {
  return existsSync(lockPath(path, key)) && readHolder(path, key) !== null
}

/** Who holds it; null: nobody. */
export function readHolder(path: string, key: string): Blocker | null {
  const file = lockPath(path, key)
  const before = identity(file)
  const handle = before === null ? null : tryOpen(file)
  if (handle === null) return null
  try {
    handle.exec('BEGIN IMMEDIATE')
    // What a killed process left. Nobody takes it away or makes another as long as we have this one.
    if (identity(file) === before) rmSync(file, { force: true })
    return null
  } catch (error) {
    if (damaged.has(resultCode(error) ?? 0)) return null
    if (!isBusy(error)) throw error
    const [row] = readRows(handle)
    return {
      sessionId: Number(row?.pid ?? 0),
      applicationName: String(row?.application ?? 'tenantry'),
      user: row === undefined ? '' : `pid ${row.pid} on ${row.host}`,
      since: row === undefined ? null : String(row.since),
      state: null,
    }
  } finally {
    closeHandle(handle)
  }
}

/** Nothing: it is being written right now. */
function readRows(handle: Handle) {
  try {
    return handle.all('SELECT pid, host, application, since FROM holder', [])
  } catch {
    return []
  }
}

function tryOpen(file: string): Handle | null {
  try {
    return loadDriver().open({ existing: file })
  } catch (error) {
    if (existsSync(file)) throw error
    return null
  }
}

function closeHandle(handle: Handle): void {
  if (handle.inTransaction) handle.exec('ROLLBACK')
  handle.close()
}
