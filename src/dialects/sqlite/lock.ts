import { readFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { type Blocker, type Connection, DatabaseError, type TargetLock } from '../../model/dialect.ts'
import type { AdvisoryLock } from '../../model/history.ts'
import type { SqliteConnection } from './connection.ts'
import { readHolder } from './lock-file.ts'
import { RemoteConnection } from './remote-connection.ts'

/**
 * One try for a target's lock: a lock of the operating system on a file beside the database, which ends with the process.
 * A transaction looks at it once it has begun; so those that were under way before are waited for. On a remote server it
 * is a lease, which ends some time after its process: see remote-lease.ts.
 */
export async function lockTarget(connection: Connection, key: string): Promise<TargetLock | null> {
  if (connection instanceof RemoteConnection) return connection.takeLock(key)
  const session = connection as SqliteConnection
  if (!session.lock(key)) return null
  const { failure } = await session.pipeline(['BEGIN IMMEDIATE', 'ROLLBACK'])
  if (failure !== null) {
    session.unlock(key)
    throw new DatabaseError(failure)
  }
  return {
    freedByReset: true,
    async release() {
      session.unlock(key)
    },
  }
}

/** Who holds a target's lock. SQLite has no tool that takes an advisory one. */
export async function lockHolder(
  connection: Connection,
  key: string | { advisory: AdvisoryLock },
): Promise<Blocker | null> {
  if (connection instanceof RemoteConnection) return typeof key === 'string' ? connection.locks.holder(key) : null
  const session = connection as SqliteConnection
  if (typeof key !== 'string' || session.path === null || session.holds(key)) return null
  return readHolder(session.path, key)
}

/** Bytes that whoever writes has locked: `RESERVED` of the file itself, `WRITE` of the WAL's index. */
const writerBytes = { '': 0x4000_0001, '-shm': 120 }

/**
 * Other processes that write to the file, as the kernel tells: it names them on Linux only, and only those of the same
 * container. Source: proc_locks(5), https://sqlite.org/walformat.html, os.h of SQLite.
 */
export async function blockers(connection: Connection): Promise<Blocker[]> {
  // Nobody can ask a remote server who else writes.
  if (connection instanceof RemoteConnection) return []
  const { path } = connection as SqliteConnection
  if (path === null || process.platform !== 'linux') return []
  const found = new Map<number, Blocker>()
  for (const [ending, byte] of Object.entries(writerBytes)) {
    const file = await stat(`${path}${ending}`).catch(() => null)
    if (file === null) continue
    for (const pid of writersOf(file.ino, byte)) found.set(pid, describe(pid))
  }
  return [...found.values()]
}

function writersOf(inode: number, byte: number): number[] {
  const lines = read('/proc/locks').split('\n')
  return lines.flatMap((line) => {
    const [, pid, ino, start, end] =
      /^\d+: (?:POSIX|OFDLCK) +ADVISORY +WRITE +(\d+) [0-9a-f]+:[0-9a-f]+:(\d+) (\d+) (\d+|EOF)$/.exec(line) ?? []
    const covers = Number(start) <= byte && (end === 'EOF' || Number(end) >= byte)
    return Number(ino) === inode && covers && Number(pid) !== process.pid ? [Number(pid)] : []
  })
}

function describe(pid: number): Blocker {
  return { sessionId: pid, applicationName: read(`/proc/${pid}/comm`).trim(), user: '', since: null, state: null }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
