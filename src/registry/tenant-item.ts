import type { Tenant } from '../model/tenant.ts'
import type { TenantItem } from '../model/tenant-report.ts'

/** A tenant as documents name it. */
export function toItem({ id, slug, name, state, topology, placement, labels }: Tenant): TenantItem {
  const { server, database, schema } = placement
  const target = [server, database, ...(schema === undefined ? [] : [schema])].join('/')
  return { id, slug, name: name ?? null, state, topology, target, labels }
}
