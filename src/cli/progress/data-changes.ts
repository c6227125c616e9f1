import type { DataChangeProgress } from '../../model/data-change.ts'
import type { TenantryEvent } from '../../model/events.ts'
import { type Colors, formatCount, formatDuration } from '../text.ts'

/** `main/app/pool for acme`, `main/app/t_1`. */
export function nameWalk({ target, tenant }: Pick<DataChangeProgress, 'target' | 'tenant'>): string {
  return tenant === null ? target : `${target} for ${tenant}`
}

/** `12,000 of about 1,000,000 rows (1%)`. */
export function describeRows(rowsDone: number, rowsTotal: number | null): string {
  if (rowsTotal === null || rowsTotal <= rowsDone) return `${formatCount(rowsDone)} rows`
  return `${formatCount(rowsDone)} of about ${formatCount(rowsTotal)} rows (${Math.floor((rowsDone * 100) / rowsTotal)}%)`
}

/** A line on a data change; null: another event, or one that is not worth a line. `each`: also targets that went well. */
export function describeDataChange(event: TenantryEvent, colors: Colors, each: boolean): string | null {
  switch (event.type) {
    case 'data-change-started':
      return each && event.rowsDone > 0
        ? colors.dim(`${nameWalk(event)}: ${event.change} goes on after ${formatCount(event.rowsDone)} rows`)
        : null
    case 'data-change-progress': {
      const left = event.etaMs === null ? '' : `, about ${formatDuration(event.etaMs)} left`
      const size = `${formatCount(event.batchRows)} rows per batch of ${formatDuration(event.batchMs)}`
      return `${nameWalk(event)}: ${event.change} ${describeRows(event.rowsDone, event.rowsTotal)}, ${size}${left}`
    }
    case 'data-change-waiting':
      return `${colors.yellow('…')} ${nameWalk(event)}: ${event.change} waits: ${event.message}`
    case 'data-change-finished': {
      const { state, change, rowsDone, error } = event.progress
      const name = `${nameWalk(event.progress)}: ${change}`
      if (state === 'failed' || state === 'stuck')
        return `${colors.red('✖')} ${name} ${error?.code ?? state} ${error?.message.split('\n')[0] ?? ''}`
      if (!each) return null
      return state === 'done'
        ? `${colors.green('✔')} ${name} done, ${formatCount(rowsDone)} rows`
        : `${colors.yellow('-')} ${name} ${state}, ${formatCount(rowsDone)} rows so far`
    }
    default:
      return null
  }
}
