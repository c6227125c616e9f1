import { setTimeout as sleep } from 'node:timers/promises'
import { type Blocker, type Connection, DatabaseError } from '../../model/dialect.ts'
import { isMariadb } from './versions.ts'

export interface SessionRow {
  id: unknown
  user?: unknown
  state?: unknown
  since?: unknown
  program?: unknown
}

/**
 * Sessions that block the given one right now: for rows what InnoDB says, for whole tables what the server's list of
 * metadata locks says. MariaDB keeps that list in a plug-in (`METADATA_LOCK_INFO`); where it is not loaded, the
 * transactions that are open in the same database are named, as candidates.
 */
export async function blockers(connection: Connection, sessionId: number): Promise<Blocker[]> {
  const inMariadb = isMariadb(connection.version)
  const questions = inMariadb ? mariadbQuestions(sessionId) : mysqlQuestions(sessionId)
  for (let left = inMariadb ? mostTries : 1; left > 0; left--) {
    const ids = new Set<number>()
    for (const sql of questions) for (const row of await ask(connection, sql)) ids.add(Number(row.id))
    ids.delete(sessionId)
    if (ids.size > 0) return (await sessionsById(connection, [...ids])).map((row) => readBlocker(row))
    const found = inMariadb ? await candidates(connection, sessionId) : []
    if (found.length > 0 || left === 1) return found
    await sleep(unreadMs + Math.random() * unreadMs)
  }
  return []
}

/**
 * InnoDB answers questions about its transactions from a copy, which it renews only when nobody has read it for 100 ms
 * (`CACHE_MIN_IDLE_TIME_NS` in its `trx0i_s.cc`): asked more often, by however many sessions, it tells the same old story.
 */
const unreadMs = 110
const mostTries = 3

function mariadbQuestions(sessionId: number): string[] {
  return [
    `SELECT b.trx_mysql_thread_id AS id FROM information_schema.INNODB_LOCK_WAITS w
       JOIN information_schema.INNODB_TRX r ON r.trx_id = w.requesting_trx_id
       JOIN information_schema.INNODB_TRX b ON b.trx_id = w.blocking_trx_id WHERE r.trx_mysql_thread_id = ${sessionId}`,
  ]
}

function mysqlQuestions(sessionId: number): string[] {
  return [
    `SELECT b.PROCESSLIST_ID AS id FROM performance_schema.data_lock_waits w
       JOIN performance_schema.threads r ON r.THREAD_ID = w.REQUESTING_THREAD_ID
       JOIN performance_schema.threads b ON b.THREAD_ID = w.BLOCKING_THREAD_ID WHERE r.PROCESSLIST_ID = ${sessionId}`,
    `SELECT b.PROCESSLIST_ID AS id FROM performance_schema.metadata_locks p
       JOIN performance_schema.threads r ON r.THREAD_ID = p.OWNER_THREAD_ID
       JOIN performance_schema.metadata_locks g ON g.OBJECT_TYPE = p.OBJECT_TYPE AND g.OBJECT_SCHEMA = p.OBJECT_SCHEMA
         AND g.OBJECT_NAME = p.OBJECT_NAME AND g.LOCK_STATUS = 'GRANTED' AND g.OWNER_THREAD_ID <> p.OWNER_THREAD_ID
       JOIN performance_schema.threads b ON b.THREAD_ID = g.OWNER_THREAD_ID
     WHERE p.LOCK_STATUS = 'PENDING' AND r.PROCESSLIST_ID = ${sessionId}`,
  ]
}

async function candidates(connection: Connection, sessionId: number): Promise<Blocker[]> {
  const rows = await ask(
    connection,
    `SELECT ${sessionColumns} FROM information_schema.PROCESSLIST w
       JOIN information_schema.PROCESSLIST p ON p.DB = w.DB AND p.ID NOT IN (w.ID, CONNECTION_ID())
       JOIN information_schema.INNODB_TRX t ON t.trx_mysql_thread_id = p.ID
     WHERE w.ID = ${sessionId} AND w.STATE LIKE 'Waiting for%metadata lock' ORDER BY t.trx_started`,
  )
  return rows.map((row) =>
    readBlocker(row as unknown as SessionRow, 'an open transaction in this database, perhaps this one'),
  )
}

/** InnoDB notes the start of a transaction in the time zone of the machine. */
const sessionColumns = `p.ID AS id, p.USER AS user, p.COMMAND AS state,
  DATE_FORMAT(CONVERT_TZ(t.trx_started, 'SYSTEM', '+00:00'), '%Y-%m-%dT%H:%i:%sZ') AS since`

/** What may be seen of sessions; of other accounts' only with the PROCESS privilege. */
export async function sessionsById(connection: Connection, ids: readonly number[]): Promise<SessionRow[]> {
  const list = ids.join(', ')
  const full = await ask(
    connection,
    `SELECT ${sessionColumns} FROM information_schema.PROCESSLIST p
       LEFT JOIN information_schema.INNODB_TRX t ON t.trx_mysql_thread_id = p.ID WHERE p.ID IN (${list})`,
  )
  const rows =
    full.length > 0
      ? full
      : await ask(
          connection,
          `SELECT p.ID AS id, p.USER AS user, p.COMMAND AS state FROM information_schema.PROCESSLIST p WHERE p.ID IN (${list})`,
        )
  const programs = await ask(
    connection,
    `SELECT PROCESSLIST_ID AS id, ATTR_VALUE AS program FROM performance_schema.session_connect_attrs
       WHERE ATTR_NAME = 'program_name' AND PROCESSLIST_ID IN (${list})`,
  )
  const names = new Map(programs.map((row) => [Number(row.id), row.program]))
  return rows.map((row) => ({ ...(row as unknown as SessionRow), program: names.get(Number(row.id)) }))
}

/** A question that an account may not be allowed to ask, or a version does not know: then there is no answer. */
async function ask(connection: Connection, sql: string): Promise<Record<string, unknown>[]> {
  try {
    return await connection.query(sql)
  } catch (error) {
    if (error instanceof DatabaseError && error.failure.kind === 'statement') return []
    throw error
  }
}

export function readBlocker(row: SessionRow, state?: string): Blocker {
  return {
    sessionId: Number(row.id),
    applicationName: row.program == null ? '' : String(row.program),
    user: row.user == null ? '' : String(row.user),
    since: row.since == null ? null : String(row.since),
    state: state ?? stateOf(row.state),
  }
}

/** "Sleep" is what the server calls a session that waits for its client. */
function stateOf(command: unknown): string | null {
  if (command == null) return null
  return command === 'Sleep' ? 'idle' : 'active'
}
