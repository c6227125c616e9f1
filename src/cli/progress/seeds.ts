import type { TenantryEvent } from '../../model/events.ts'
import { type Colors, formatCount } from '../text.ts'

type Counts = Record<'inserted' | 'updated' | 'kept' | 'removed' | 'deleted', number>

/** `3 inserted, 1 kept`; empty: no row changed or was kept. */
export function countSeeded(counts: Counts): string {
  const parts = [
    [counts.inserted, 'inserted'],
    [counts.updated, 'updated'],
    [counts.deleted, 'deleted'],
    [counts.kept, 'kept'],
    [counts.removed, 'no longer in the file'],
  ] as const
  return parts.flatMap(([count, name]) => (count === 0 ? [] : [`${formatCount(count)} ${name}`])).join(', ')
}

/** A line on a target that was seeded; null: another event, or it went well and `each` is false. */
export function describeSeeded(event: TenantryEvent, colors: Colors, each: boolean): string | null {
  if (event.type !== 'seed-target-finished') return null
  const { target, result, error } = event.result
  if (result === 'failed')
    return `${colors.red('✖')} ${target}: ${error?.code ?? 'failed'} ${error?.message.split('\n')[0] ?? ''}`
  return each ? `${colors.green('✔')} ${target}: ${result === 'applied' ? 'seeded' : result}` : null
}
