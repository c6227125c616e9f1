import type { AuditEntry, StoredCredential, TenantRecord, TenantStore } from '../model/registry.ts'
import type { Tenant } from '../model/tenant.ts'
import type { CredentialSummary, ShowTenantReport, TenantStanding } from '../model/tenant-report.ts'
import { findTenant, listCommands } from '../registry/lifecycle.ts'
import { showReference } from '../registry/resolve-reference.ts'
import { isSealed, keyIdOf } from '../registry/seal.ts'
import { toItem } from '../registry/tenant-item.ts'
import { describeBehind } from './tenant-standing.ts'

/** What showing works with. */
export interface ShowTools {
  store: TenantStore
  /** Looks into the tenant's target as if it were active. Never throws. */
  look(tenant: Tenant): Promise<readonly TenantStanding[]>
}

/** Everything that is known of one tenant; nothing is opened, and nothing changed. Throws TENANT_UNKNOWN. */
export async function showTenant({ store, look }: ShowTools, idOrSlug: string): Promise<ShowTenantReport> {
  const record = await findTenant(store, idOrSlug)
  const [credentials, audit] = await Promise.all([store.readCredentials([record.id]), store.audit(record.id)])
  const hasPlace = record.state === 'active' || record.state === 'suspended' || record.state === 'archived'
  const migrations = hasPlace ? await look(record) : null
  const behind = record.state === 'active' && migrations !== null ? describeBehind(record, migrations).next : []
  return {
    command: 'tenants show',
    ok: true,
    tenant: describeTenant(record),
    credential: summarise(credentials.get(record.id)),
    migrations,
    audit: audit.filter((entry: AuditEntry) => entry.tenantId === record.id),
    next: [...behind, ...listCommands(record.slug, record.state)],
  }
}

function describeTenant(record: TenantRecord): ShowTenantReport['tenant'] {
  const { placement, address, createdAt, updatedAt } = record
  return { ...toItem(record), placement, address, createdAt, updatedAt }
}

function summarise(stored: StoredCredential | undefined): CredentialSummary {
  const { user = null, sealed = null, reference = null } = stored ?? {}
  if (reference !== null) return { kind: 'reference', user, keyId: null, reference: showReference(reference) }
  if (sealed === null) return { kind: 'none', user, keyId: null, reference: null }
  return isSealed(sealed)
    ? { kind: 'sealed', user, keyId: keyIdOf(sealed), reference: null }
    : { kind: 'cbc', user, keyId: null, reference: null }
}
