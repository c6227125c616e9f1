import type { Notice } from '../model/migration.ts'
import type { StatusReport } from '../model/report.ts'
import type { Tenant } from '../model/tenant.ts'
import type { NextStep, TenantStanding } from '../model/tenant-report.ts'

/** What the histories of one tenant's target say, per set. */
export function toStandings({ targets, details }: StatusReport): TenantStanding[] {
  return targets.map(({ set, target, pending, failed, error }) => ({
    set,
    target,
    applied: details.find((detail) => detail.set === set && detail.target === target)?.applied.length ?? 0,
    pending,
    failed,
    error,
  }))
}

/** The place is not there, as far as any set found. */
export function isPlaceMissing(standings: readonly TenantStanding[]): boolean {
  return standings.some(({ error }) => error?.code === 'DATABASE_MISSING' || error?.code === 'SCHEMA_MISSING')
}

/** What an active tenant lacks, and what brings it up: migrations left it out as long as it was not active. */
export function describeBehind(
  { slug }: Pick<Tenant, 'slug'>,
  standings: readonly TenantStanding[],
): { notices: Notice[]; next: NextStep[] } {
  const pending = standings.flatMap((standing) => standing.pending)
  const failed = standings.flatMap((standing) => standing.failed)
  const [unread] = standings.filter(({ error }) => error !== null)
  if (failed.length > 0) {
    return {
      notices: [{ rule: 'tenant-behind', message: `${slug} has a migration that is half-done: ${failed.join(', ')}.` }],
      next: [{ command: `tenantry explain ${slug}`, why: 'what happened, and how it goes on' }],
    }
  }
  if (pending.length > 0) {
    const names = `${pending.slice(0, 3).join(', ')}${pending.length > 3 ? ` and ${pending.length - 3} more` : ''}`
    const count = pending.length === 1 ? 'a migration' : `${pending.length} migrations`
    const message = `${slug} is behind: it lacks ${count} (${names}). Until it has them, code that needs them must not serve it.`
    return {
      notices: [{ rule: 'tenant-behind', message }],
      next: [{ command: `tenantry up ${slug}`, why: 'brings it to where the others are' }],
    }
  }
  if (unread?.error != null) {
    const message = `Whether ${slug} is behind could not be looked at: ${unread.error.message}`
    return {
      notices: [{ rule: 'tenant-unread', message }],
      next: [{ command: `tenantry status ${slug}`, why: 'looks again' }],
    }
  }
  return { notices: [], next: [] }
}
