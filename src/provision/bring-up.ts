import { loadChanges } from '../data/load-changes.ts'
import { TenantryError } from '../model/errors.ts'
import type { FleetReport, Tenantry } from '../model/report.ts'
import type { Fleet } from '../rollout/fleet.ts'

/** A fleet that consists of one tenant. */
export type AloneFleet = Pick<Tenantry, 'up' | 'dataChanges'>

/**
 * Migrates a tenant that comes back before anybody serves it: what the others have by now was left out while it was not
 * active. Where a change is made in phases, its data changes are run before its contract step, as for the others.
 * Gives what was applied. Throws what stopped it; the tenant is then as far as it came, and no more active than before.
 */
export async function bringUp(fleet: Fleet, alone: AloneFleet, slug: string): Promise<string[]> {
  const applied: string[] = []
  let tried = ''
  for (;;) {
    const report = await alone.up()
    const now = report.targets.flatMap((target) => target.applied)
    applied.push(...now)
    const failed = report.targets.find(({ error }) => error !== null)?.error ?? null
    if (failed !== null) throw stopped(slug, failed)
    if (report.ok) return applied
    const held = heldBy(report)
    // The same steps again, and nothing came of it: nothing that is run here brings it past them.
    if (held === null || (now.length === 0 && tried === held.join('\0'))) throw stopped(slug, report.error)
    tried = held.join('\0')
    await runDataChanges(fleet, alone, held, slug)
  }
}

/** Changes whose contract steps wait; null: it was something else that stopped the run. */
function heldBy({ error }: FleetReport): readonly string[] | null {
  const changes = error?.code === 'PHASE_BLOCKED' ? error.context.changes : null
  return Array.isArray(changes) ? changes.filter((name) => typeof name === 'string') : null
}

async function runDataChanges(
  { config }: Fleet,
  { dataChanges }: AloneFleet,
  held: readonly string[],
  slug: string,
): Promise<void> {
  for (const { name, phase } of await loadChanges(config.dataChanges, config.root)) {
    if (phase === undefined || !held.includes(phase.change)) continue
    const { ok, targets } = await dataChanges.run({ change: name })
    if (!ok) throw stopped(slug, targets.find(({ error }) => error !== null)?.error ?? null)
  }
}

function stopped(slug: string, error: FleetReport['error']): TenantryError {
  const { code, message, hint, context } = error ?? {
    code: 'INTERNAL' as const,
    message: 'nothing says why.',
    hint: null,
    context: {},
  }
  const then = `Then \`tenantry tenants activate ${slug}\` again; \`--no-migrate\` makes it active as it is.`
  return new TenantryError(code, `${slug} was not made active, since it could not be migrated first: ${message}`, {
    hint: hint === null ? then : `${hint.replace(/([^.!?])$/, '$1.')} ${then}`,
    context: { ...context, tenant: slug },
  })
}
