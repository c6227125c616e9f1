import { type Blocker, type Connection, DatabaseError, type TargetLock } from '../../model/dialect.ts'
import type { AdvisoryLock } from '../../model/history.ts'
import { advisoryKey } from './phrases.ts'

/**
 * One try for a target's lock, held until released. Direct: a session lock on this connection. Behind a transaction
 * pooler session locks mean nothing (two clients can hold the same one), so a second connection keeps a transaction
 * open that holds it; such a transaction has no snapshot and does not hold up concurrent index builds.
 */
export async function lockTarget(
  connection: Connection,
  lockKey: string,
  another: () => Promise<Connection>,
): Promise<TargetLock | null> {
  const key = advisoryKey(lockKey)
  if (!(await connection.isPooled())) {
    const [row] = await connection.query(`SELECT pg_try_advisory_lock(${key}) AS got`)
    if (row?.got !== true) return null
    return {
      freedByReset: true,
      async release() {
        if (!connection.broken) await connection.query(`SELECT pg_advisory_unlock(${key})`).catch(() => [])
      },
    }
  }
  const holder = await another()
  try {
    await holder.query('BEGIN')
    await holder.query("SELECT set_config('idle_in_transaction_session_timeout', '0', true)")
    const [row] = await holder.query(`SELECT pg_try_advisory_xact_lock(${key}) AS got`)
    if (row?.got === true) {
      await checkSpare(connection, holder)
      return { freedByReset: false, release: () => holder.close() }
    }
  } catch (error) {
    await holder.close()
    throw error
  }
  await holder.close()
  return null
}

/** Unequal on purpose: of two that wait for each other, one gives way first and the other goes on. */
const spareWaitMs = () => 250 + Math.round(Math.random() * 750)

/**
 * The lock takes one of the pooler's server connections; the work needs another. Where several runs have taken them
 * all as locks, each would wait for ever: who finds none to spare gives way.
 */
async function checkSpare(connection: Connection, holder: Connection): Promise<void> {
  const waitMs = spareWaitMs()
  let timer: NodeJS.Timeout | undefined
  const waited = new Promise<'none'>((resolve) => {
    timer = setTimeout(() => resolve('none'), waitMs)
  })
  const asked = connection.query('SELECT 1')
  try {
    if ((await Promise.race([asked, waited])) !== 'none') return
    await holder.close()
    await asked
    throw new DatabaseError({
      kind: 'locked',
      message: `the pooler had no server connection to spare for ${waitMs} ms, beside the one that holds the lock`,
      detail: null,
      sqlstate: null,
      position: null,
    })
  } finally {
    clearTimeout(timer)
  }
}

const sessionColumns = `a.pid, a.application_name, a.usename, a.state,
  to_char(a.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS since`

/** Who holds a target's lock. The text of the other session's query is never read. */
export async function lockHolder(
  connection: Connection,
  lockKey: string | { advisory: AdvisoryLock },
): Promise<Blocker | null> {
  const own = typeof lockKey === 'string' ? BigInt(advisoryKey(lockKey)) : BigInt(lockKey.advisory.key)
  const key = BigInt.asUintN(64, own)
  const [row] = await connection.query(
    `SELECT ${sessionColumns} FROM pg_locks l JOIN pg_stat_activity a USING (pid)
     WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.pid <> pg_backend_pid()
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND l.classid = '${key >> 32n}' AND l.objid = '${key & 0xffff_ffffn}' LIMIT 1`,
  )
  return row === undefined ? null : readBlocker(row)
}

/**
 * Sessions that block the given one right now. Only asked of a session of ours that waits for a lock: the question is
 * not free for the server, and the id that a pooler gives may be that of a stranger.
 */
export async function blockers(connection: Connection, sessionId: number): Promise<Blocker[]> {
  const rows = await connection.query(
    `SELECT ${sessionColumns} FROM pg_stat_activity a WHERE a.pid = ANY(ARRAY(
       SELECT unnest(pg_blocking_pids(w.pid)) FROM pg_stat_activity w WHERE w.pid = $1
         AND w.wait_event_type = 'Lock' AND w.application_name = current_setting('application_name')))
     ORDER BY a.xact_start`,
    [sessionId],
  )
  return rows.map(readBlocker)
}

function readBlocker(row: Record<string, unknown>): Blocker {
  return {
    sessionId: Number(row.pid),
    applicationName: String(row.application_name ?? ''),
    user: String(row.usename ?? ''),
    since: row.since === null || row.since === undefined ? null : String(row.since),
    state: row.state === null || row.state === undefined ? null : String(row.state),
  }
}
