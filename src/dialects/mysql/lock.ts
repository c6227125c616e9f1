import type { Blocker, Connection, TargetLock } from '../../model/dialect.ts'
import type { AdvisoryLock } from '../../model/history.ts'
import { readBlocker, type SessionRow, sessionsById } from './blockers.ts'
import { lockName } from './lock-name.ts'
import { quoteLiteral } from './quote.ts'

/** One try for a target's lock: a lock of this session, which the server frees when the session ends. */
export async function lockTarget(connection: Connection, lockKey: string): Promise<TargetLock | null> {
  // The name is asked for, since a migration's USE would change what the expression means by the time of the release.
  const [row] = await connection.query(
    `SELECT n.name, GET_LOCK(n.name, 0) AS got FROM (SELECT ${lockName(lockKey)} AS name) n`,
  )
  if (Number(row?.got) !== 1) return null
  const name = quoteLiteral(String(row?.name))
  return {
    freedByReset: true,
    async release() {
      if (!connection.broken) await connection.query(`SELECT RELEASE_LOCK(${name})`).catch(() => [])
    },
  }
}

/** Who holds a target's lock. What the other session runs is never read. */
export async function lockHolder(
  connection: Connection,
  lockKey: string | { advisory: AdvisoryLock },
): Promise<Blocker | null> {
  const named = typeof lockKey === 'string' ? null : lockKey.advisory.name
  if (named === undefined) return null
  const name = typeof lockKey === 'string' ? lockName(lockKey) : quoteLiteral(String(named))
  const [row] = await connection.query(`SELECT IS_USED_LOCK(${name}) AS id, CONNECTION_ID() AS own`)
  if (row?.id == null || Number(row.id) === Number(row.own)) return null
  const sessionId = Number(row.id)
  const [session] = await sessionsById(connection, [sessionId])
  // Without the PROCESS privilege other accounts' sessions are not shown: their number is all there is.
  return readBlocker(session ?? ({ id: sessionId } as SessionRow))
}
