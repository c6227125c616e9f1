import type { ErrorDocument } from '../model/errors.ts'
import { isPauseFor, rowKey } from './carry-out-batch.ts'
import { type ChangeRow, hasChangeTable, readRow } from './change-rows.ts'
import { firstRows } from './chunk-size.ts'
import { refusal, takenError } from './describe-batch.ts'
import { inTransaction } from './in-transaction.ts'
import { schemaOfWalk, type Walk } from './walk.ts'

/** Behind a pooler no lock tells that a run lives: one whose last batch is longer ago than this does not. */
const aliveMs = 30_000

export type Claim =
  | { kind: 'go'; row: ChangeRow }
  | { kind: 'done' | 'paused'; row: ChangeRow }
  | { kind: 'refused'; error: ErrorDocument }

/** Makes our table where it is missing. Throws `DatabaseError`. */
export async function makeChangeTable(walk: Walk): Promise<void> {
  const schema = schemaOfWalk(walk)
  if (await hasChangeTable(walk.batches, walk.session.connection, schema)) return
  try {
    await inTransaction(walk, 'change', (connection) => connection.query(walk.rows.create))
  } catch (error) {
    // Two that make it at the same moment: one of them fails, and finds it.
    if (!(await hasChangeTable(walk.batches, walk.session.connection, schema))) throw error
  }
}

/** The walk's row; null: it was never begun. Throws `DatabaseError`. */
export async function readWalkRow(walk: Walk): Promise<ChangeRow | null> {
  if (!(await hasChangeTable(walk.batches, walk.session.connection, schemaOfWalk(walk)))) return null
  const rows = (await walk.session.connection.query(walk.rows.read(walk.change.name))).map(readRow)
  return rows.find(({ tenant }) => tenant === rowKey(walk)) ?? null
}

/** Makes the walk this run's own, unless it is done, paused since the run began, or was begun with another text. */
export async function claimWalk(walk: Walk): Promise<Claim> {
  const { change, run, rows, session } = walk
  const tenant = rowKey(walk)
  await makeChangeTable(walk)
  return inTransaction(walk, 'change', async (connection): Promise<Claim> => {
    await connection.query(rows.make(change.name, tenant, change.checksum, firstRows))
    const [raw] = await connection.query(rows.hold(change.name, tenant))
    const row = readRow(raw as Record<string, unknown>)
    if (isPauseFor(walk, row)) {
      await connection.query(rows.set(change.name, tenant, { state: 'paused' }))
      return { kind: 'paused', row: { ...row, state: 'paused' } }
    }
    if (row.state === 'done' && !run.restart) return { kind: 'done', row }
    const isAlive = row.beatMsAgo !== null && row.beatMsAgo < aliveMs
    if (session.lockKey !== null && row.state === 'running' && row.run !== run.id && isAlive)
      return { kind: 'refused', error: takenError(walk, row.by) }
    const isBegun = row.batches > 0
    if (isBegun && row.checksum !== change.checksum && !run.restart && !run.allowChanged)
      return { kind: 'refused', error: changedError(walk) }
    const now = new Date().toISOString()
    const rowsDone = run.restart ? 0 : row.rowsDone
    await connection.query(
      rows.set(change.name, tenant, {
        checksum: change.checksum,
        state: 'running',
        rows_done: rowsDone,
        ...(run.restart ? { at_key: null, batches: 0, rows_total: null } : {}),
        pause_asked_ms: null,
        beat_ms: { sql: walk.batches.nowMs },
        run: run.id,
        run_by: run.settings.appliedBy.slice(0, 190),
        started_at: run.restart ? now : (row.startedAt ?? now),
        run_at: now,
        run_rows: rowsDone,
        updated_at: now,
        finished_at: null,
        error: null,
      }),
    )
    const fresh = run.restart ? { cursor: null, batches: 0, rowsTotal: null } : {}
    return { kind: 'go', row: { ...row, ...fresh, rowsDone, run: run.id } }
  })
}

function changedError(walk: Walk): ErrorDocument {
  return refusal(
    walk,
    `${walk.change.file} is not what it was when the walk began`,
    'Restore the file; or --allow-changed goes on where it is with the new text, --restart walks again from the first row.',
  )
}
