import { setTimeout as sleep } from 'node:timers/promises'
import type { TenantRecord } from '../model/registry.ts'
import { readHeads } from '../registry/heads.ts'
import { interrupted, type Making } from './making.ts'
import { ProvisionRecord } from './provision-record.ts'
import { behindError, type MissingFiles } from './reach-head.ts'

const pollMs = 200

/** The tenant waits at `await-head`: nobody holds it. */
export class FleetAhead extends Error {
  readonly missing: readonly MissingFiles[]

  constructor(missing: readonly MissingFiles[]) {
    super('the fleet has newer migrations')
    this.missing = missing
  }
}

/**
 * Waits for the `up` that brings the fleet ahead: its last sweep finishes this tenant. null: the fleet is not ahead any
 * more, so that this process can go on. Throws TENANT_BEHIND where no `up` runs; the next one finishes the tenant.
 */
export async function waitForFleet(
  { about, tenant, signal }: Making,
  missing: readonly MissingFiles[],
  deadline: number,
): Promise<TenantRecord | null> {
  const { registry, fleet } = about
  fleet.emit({ type: 'provision-waiting', tenant: tenant.slug, for: 'up' })
  for (let left = missing; ; ) {
    // Looked at before the tenant: an `up` that ends finishes those that wait first.
    const heads = await readHeads(registry, (sql, values) => registry.database.query(sql, values))
    const current = await registry.tenants.find(tenant.id)
    if (current === null) throw behindError(tenant.slug, missing)
    if (current.state === 'active') return current
    left = left.flatMap((one) => {
      const head = heads.get(one.set)
      const ids = one.migrations.filter((id) => head?.migrations.includes(id) === true)
      const running = head?.state === 'running' && head.silentMs < 15_000
      return ids.length === 0 ? [] : [{ ...one, migrations: ids, running }]
    })
    if (left.length === 0) return null
    if (current.state !== 'provisioning') return null
    if (!left.some(({ running }) => running) || performance.now() > deadline) {
      const error = behindError(tenant.slug, left)
      // Unless a sweep has just taken it on.
      const record = await ProvisionRecord.claim(registry, tenant.id, 'await-head')
      if (record !== null) {
        await record.release('await-head', error.toJSON())
        throw error
      }
      if (performance.now() > deadline) throw error
    }
    await sleep(pollMs, undefined, { signal }).catch(() => {})
    if (signal.aborted) throw interrupted(tenant.slug)
  }
}
