import type { Connection, DatabaseFailure } from '../model/dialect.ts'
import { type ChangeRow, readRow, tenantKey } from './change-rows.ts'
import { type BatchRange, findBatch, plainKey } from './find-batch.ts'
import { failureOf, send } from './in-transaction.ts'
import { runBatchCode } from './run-batch-code.ts'
import { openingOf, schemaOfWalk, type Walk, walkSettings } from './walk.ts'

export type BatchOutcome =
  | { kind: 'done'; range: BatchRange | null; tookMs: number }
  /** No rows are left. */
  | { kind: 'end' }
  /** Somebody asked for a pause. */
  | { kind: 'paused' }
  /** Another run works on it. */
  | { kind: 'taken'; by: string | null }
  | {
      kind: 'failed'
      failure: DatabaseFailure
      range: BatchRange | null
      /** Index of the statement of the file; null: one of ours. */
      statement: number | null
      /** It is over: what the code threw, not the server. */
      final: boolean
    }

/** Key of the walk's row in our table. */
export function rowKey(walk: Walk): string {
  return tenantKey(walk.tenantColumn === null ? null : (walk.tenant?.id ?? null))
}

/** Was a pause asked for since this run began? Both are spans, so that no two clocks are compared. */
export function isPauseFor(walk: Walk, { pausedMsAgo }: ChangeRow): boolean {
  return pausedMsAgo !== null && pausedMsAgo < performance.now() - walk.run.startedAt
}

/**
 * One batch: the cursor is read and held, the next rows are found, changed, and the cursor moved, all in one transaction.
 * So whatever happens in between, the rows and the cursor say the same, and no second run can do the same rows.
 */
export async function carryOutBatch(walk: Walk, rows: number): Promise<BatchOutcome> {
  const { change, dialect, session } = walk
  const { connection } = session
  // What a crash of the server takes away it takes with its cursor: no batch waits for the disk while it holds rows. The
  // transaction that says how the walk ended does, and takes all before it along.
  const { mark, statements: opening } = openingOf(walk, connection.version, { limitMs: null, durable: false })
  const state: { range: BatchRange | null; statement: number | null } = { range: null, statement: null }
  const undo = async () => {
    if (!connection.broken) await connection.query(dialect.phrases.rollback).catch(() => [])
  }
  try {
    await send(connection, opening)
    const held = (await connection.query(walk.rows.hold(change.name, rowKey(walk)))).map(readRow)[0]
    if (held === undefined || held.run !== walk.run.id || isPauseFor(walk, held)) {
      await undo()
      if (held !== undefined && held.run === walk.run.id) return { kind: 'paused' }
      return { kind: 'taken', by: held?.by ?? null }
    }
    if (change.remaining === null) {
      state.range = await findBatch(walk, connection, held.cursor, rows)
      if (state.range === null) {
        await undo()
        return { kind: 'end' }
      }
    }
    // One row takes what it takes. More of them are cut off, so that they hold no lock for long. Finding them holds none.
    const limited = { limitMs: change.chunkMs * 2, durable: false }
    if (rows > 1) await send(connection, dialect.phrases.settings(walkSettings(walk, limited), connection.version))
    const before = performance.now()
    const { range } = state
    const now = new Date().toISOString()
    const moved = walk.rows.set(change.name, rowKey(walk), {
      at_key: range === null ? null : JSON.stringify(range.to),
      rows_done: { sql: `rows_done + ${dialect.phrases.checked(mark, range?.rows ?? 0)}` },
      batches: { sql: 'batches + 1' },
      chunk_rows: rows,
      updated_at: now,
      beat_ms: { sql: walk.batches.nowMs },
    })
    const failed = change.body.kind === 'code' ? await asCode(walk, connection, range as BatchRange, rows) : null
    if (failed !== null) {
      await undo()
      return { kind: 'failed', range, statement: null, ...failed }
    }
    const own = walk.compiled === null ? [] : statementsOf(walk, range, rows)
    const { done, failure } = await connection.pipeline([...own, moved, dialect.phrases.commit])
    if (failure !== null)
      return { kind: 'failed', failure, range, statement: done < own.length ? done : null, final: false }
    return { kind: 'done', range, tookMs: performance.now() - before }
  } catch (error) {
    const failure = failureOf(error)
    await undo()
    if (failure === null) throw error
    return { kind: 'failed', failure, range: state.range, statement: null, final: false }
  }
}

function statementsOf(walk: Walk, range: BatchRange | null, limit: number): string[] {
  return (
    walk.compiled?.statements(schemaOfWalk(walk), {
      key: walk.table.key,
      from: range?.from ?? null,
      to: range?.to ?? null,
      keys: range?.keys ?? [],
      tenant: walk.tenant?.id ?? null,
      limit,
    }) ?? []
  )
}

async function asCode(
  walk: Walk,
  connection: Connection,
  range: BatchRange,
  rows: number,
): Promise<{ failure: DatabaseFailure; final: boolean } | null> {
  const { change, target, tenant, run } = walk
  if (change.body.kind !== 'code') return null
  const plain = (key: readonly string[]) => {
    const parts = plainKey(walk, key)
    return parts.length === 1 ? (parts[0] as string) : parts
  }
  const limitMs = Math.max(60_000, run.settings.idleInTransactionTimeoutMs)
  return runBatchCode(
    change.body.batch,
    connection,
    {
      limitMs,
      cancel: run.signal.cancel,
      discard: () => walk.session.discard(),
      ...(rows > 1 ? { cutMs: change.chunkMs * 2 } : {}),
    },
    {
      from: plain(range.from),
      to: plain(range.to),
      keys: range.keys.map(plain),
      tenant: tenant ?? null,
      target: target.name,
      signal: run.signal.cancel,
    },
  )
}
