import { setTimeout as sleep } from 'node:timers/promises'
import { DatabaseError, type DatabaseFailure, failureCodes } from '../model/dialect.ts'
import { type ErrorCode, isTenantryError, TenantryError } from '../model/errors.ts'
import type { WaitReport } from '../model/report.ts'
import type { ServerAddress } from '../model/server.ts'
import type { Fleet } from './fleet.ts'

/** Something that must answer before a run begins. */
export interface Awaited {
  server: string
  /** Opens a session and closes it again. */
  connect(): Promise<void>
}

export interface WaitOptions {
  timeoutMs: number
  signal?: AbortSignal
}

/** A server that says this is up; what it says may be a mistake, or be done by what follows. */
const answers: ReadonlySet<DatabaseFailure['kind']> = new Set(['database-missing'])

/** What will not come right by waiting: a person has to mend it. */
const final: ReadonlySet<DatabaseFailure['kind']> = new Set(['tls'])

/** The same where the one who connects has told it already. */
const waitedFor: ReadonlySet<ErrorCode> = new Set([
  'SERVER_UNREACHABLE',
  'AUTHENTICATION_FAILED',
  'CONNECTION_LOST',
  'DATABASE_UNUSABLE',
])

const [firstPauseMs, longestPauseMs] = [200, 2000]

/** The servers of a config, each by the database of its URL or the one that every server has. */
export function awaitServers(fleet: Fleet): Awaited[] {
  return [...fleet.config.servers.values()].map((server) => ({
    server: server.name,
    connect: () => knock(fleet, server),
  }))
}

async function knock({ pool }: Fleet, server: ServerAddress): Promise<void> {
  const connection = await pool.another(server.name, server.database ?? pool.dialect(server.name).scratch.home)
  await connection.close()
}

/**
 * Waits until each of them answers, at most `timeoutMs` in all. A password that is refused is waited for, too: a server
 * that is being set up does not know its accounts yet.
 */
export async function waitForServers(
  awaited: readonly Awaited[],
  { timeoutMs, signal }: WaitOptions,
): Promise<WaitReport> {
  const until = Date.now() + timeoutMs
  const servers = await Promise.all(awaited.map((one) => waitFor(one, until, signal)))
  const failed = servers.find(({ error }) => error !== null)
  return { command: 'wait', ok: failed === undefined, servers, error: failed?.error ?? null }
}

async function waitFor({ server, connect }: Awaited, until: number, signal: AbortSignal | undefined) {
  const startedAt = Date.now()
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 1.5, longestPauseMs)) {
    try {
      await connect()
      return { server, waitedMs: Date.now() - startedAt, error: null }
    } catch (error) {
      const failure = error instanceof DatabaseError ? error.failure : null
      const hasAnswered =
        failure === null ? isTenantryError(error) && error.code === 'DATABASE_MISSING' : answers.has(failure.kind)
      if (hasAnswered) return { server, waitedMs: Date.now() - startedAt, error: null }
      const isFinal = failure === null ? !isTenantryError(error) || !waitedFor.has(error.code) : final.has(failure.kind)
      const leftMs = until - Date.now()
      if (isFinal || leftMs <= 0 || signal?.aborted === true) {
        return { server, waitedMs: Date.now() - startedAt, error: describe(server, error, isFinal).toJSON() }
      }
      await sleep(Math.min(pauseMs, leftMs), undefined, signal === undefined ? {} : { signal }).catch(() => {})
    }
  }
}

function describe(server: string, error: unknown, isFinal: boolean): TenantryError {
  if (isTenantryError(error)) return error
  if (!(error instanceof DatabaseError)) throw error
  const { kind, message } = error.failure
  return new TenantryError(
    failureCodes[kind],
    `Server "${server}" did not answer in time: ${message.replace(/\.$/, '')}.`,
    {
      hint: isFinal
        ? 'Waiting does not help: mend its `tls` in the config.'
        : 'Check its address and that it runs, or wait longer with --timeout.',
      context: { server },
    },
  )
}
