import type { TenantryEvent } from '../../model/events.ts'
import { type Colors, formatDuration } from '../text.ts'

/** A line for what becomes of a tenant that is made; null: none. */
export function describeProvision(event: TenantryEvent, colors: Colors): string | null {
  if (event.type === 'provision-step' && event.state === 'done')
    return colors.dim(`  ${event.tenant}: ${event.step} (${formatDuration(event.durationMs)})`)
  if (event.type !== 'provision-waiting') return null
  const whom = event.for === 'up' ? 'the up that brings the fleet to newer migrations' : 'the process that is making it'
  return `${colors.yellow('…')} ${event.tenant}: waiting for ${whom}`
}
