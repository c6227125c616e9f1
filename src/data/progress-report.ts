import type { DataChangeProgress, DataChangeReport, DataChangeState } from '../model/data-change.ts'
import type { ErrorDocument } from '../model/errors.ts'
import type { Notice } from '../model/migration.ts'
import type { ChangeRow } from './change-rows.ts'
import type { DataChange } from './data-change.ts'
import { etaMs } from './pace.ts'

/** How far a change is, as its row tells it. */
export function progressOf(
  change: DataChange,
  target: string,
  tenant: string | null,
  row: ChangeRow | null,
  known: {
    state?: DataChangeState
    error?: ErrorDocument | null
    rowsTotal?: number | null
    rowsLeft?: number | null
  } = {},
): DataChangeProgress {
  const state = known.state ?? row?.state ?? 'pending'
  const error =
    known.error !== undefined ? known.error : (row?.error ?? null) === null ? null : readError(row?.error as string)
  const rowsDone = row?.rowsDone ?? 0
  const rowsTotal = known.rowsTotal ?? row?.rowsTotal ?? null
  return {
    change: change.name,
    target,
    tenant,
    state,
    rowsDone,
    // An estimate, or rows that came while it walked.
    rowsTotal: rowsTotal === null ? null : state === 'done' ? rowsDone : Math.max(rowsTotal, rowsDone),
    rowsLeft: known.rowsLeft ?? null,
    batches: row?.batches ?? 0,
    etaMs: row === null || state !== 'running' ? null : etaOf(row),
    run: row?.run ?? null,
    startedAt: row?.startedAt ?? null,
    updatedAt: row?.updatedAt ?? null,
    finishedAt: row?.finishedAt ?? null,
    by: row?.by ?? null,
    changed: row !== null && row.batches > 0 && row.checksum !== change.checksum,
    error,
  }
}

function readError(text: string): ErrorDocument | null {
  try {
    return JSON.parse(text) as ErrorDocument
  } catch {
    return null
  }
}

function etaOf({ rowsDone, rowsTotal, runRows, runAt, updatedAt }: ChangeRow): number | null {
  if (runAt === null || updatedAt === null) return null
  return etaMs(rowsDone, rowsTotal, rowsDone - runRows, Date.parse(updatedAt) - Date.parse(runAt))
}

/** The whole document. */
export function reportOf(
  command: DataChangeReport['command'],
  targets: readonly DataChangeProgress[],
  rest: Pick<DataChangeReport, 'dryRun' | 'run' | 'interrupted'> & { notices?: readonly Notice[]; startedAt: number },
): DataChangeReport {
  const count = (state: DataChangeState) => targets.filter((one) => one.state === state).length
  const summary = {
    done: count('done'),
    pending: count('pending'),
    running: count('running'),
    paused: count('paused'),
    failed: count('failed'),
    stuck: count('stuck'),
    rows: targets.reduce((sum, { rowsDone }) => sum + rowsDone, 0),
  }
  const isGood = summary.failed === 0 && summary.stuck === 0 && targets.every(({ error }) => error === null)
  // Whoever waits for a run wants to know that all is done.
  const isComplete = command !== 'backfill-data run' || rest.dryRun || summary.done === targets.length
  const { startedAt, notices = [], ...facts } = rest
  return {
    command,
    ok: isGood && isComplete && !rest.interrupted,
    ...facts,
    summary,
    targets,
    notices,
    durationMs: Math.round(performance.now() - startedAt),
  }
}
