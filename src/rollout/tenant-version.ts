import type { FleetVersion, TenantVersion } from '../model/app.ts'
import type { Migration } from '../model/migration.ts'
import type { SetPlan, Standing, TargetPlan } from '../model/plan.ts'

/** How far a tenant's targets are. Throws what kept a history from being read, as an error document. */
export function describeTenantVersion(tenant: string, plans: readonly SetPlan[]): TenantVersion {
  const own = plans.flatMap(({ set, migrations, targets }) => targets.map((plan) => ({ set, migrations, plan })))
  const sets = own.map(({ set, migrations, plan: { standing } }) => {
    const applied = appliedIds(migrations, standing)
    return {
      set,
      version: migrations.findLast(({ id }) => applied.has(id))?.id ?? null,
      applied: applied.size,
      pending: standing.pending.map(({ id }) => id),
      failed: standing.halfDone.map(({ migration }) => migration),
    }
  })
  return {
    tenant,
    target: own[0]?.plan.target.name ?? '',
    behind: own.some(({ plan }) => isBehind(plan)),
    sets,
  }
}

/** What every target has at least, set by set. */
export function describeFleetVersion(plans: readonly SetPlan[]): FleetVersion {
  return {
    targets: new Set(plans.flatMap(({ targets }) => targets.map(({ target }) => target.name))).size,
    sets: plans.map(({ set, migrations, targets }) => {
      const standings = [...new Set(targets.map(({ standing }) => standing))]
      const lacking = Math.min(...standings.map((standing) => firstMissing(migrations, standing)), migrations.length)
      const isUnknown = targets.some(({ error, standing }) => error !== null && standing.applied.length === 0)
      return {
        set,
        version: isUnknown ? null : (migrations[lacking - 1]?.id ?? null),
        behind: targets.filter(isBehind).length,
      }
    }),
  }
}

/** Has this target the migration, and all of it? */
export function hasMigration({ standing, error }: TargetPlan, migration: Migration): boolean {
  const { pending, halfDone, applied } = standing
  if (error !== null && applied.length === 0) return false
  return !pending.some(({ id }) => id === migration.id) && !halfDone.some((half) => half.migration === migration.id)
}

export function isBehind({ standing, error }: TargetPlan): boolean {
  const { pending, halfDone, changed } = standing
  return error !== null || pending.length + halfDone.length + changed.length > 0
}

function appliedIds(migrations: readonly Migration[], { pending, halfDone }: Standing): Set<string> {
  const open = new Set([...pending.map(({ id }) => id), ...halfDone.map(({ migration }) => migration)])
  return new Set(migrations.filter(({ id }) => !open.has(id)).map(({ id }) => id))
}

function firstMissing(migrations: readonly Migration[], standing: Standing): number {
  const applied = appliedIds(migrations, standing)
  const at = migrations.findIndex(({ id }) => !applied.has(id))
  return at < 0 ? migrations.length : at
}
