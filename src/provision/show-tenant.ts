import type { AuditEntry, StoredCredential, TenantRecord } from '../model/registry.ts'
import type { Tenant } from '../model/tenant.ts'
import type { CredentialSummary, ShowTenantReport, TenantStanding } from '../model/tenant-report.ts'
import { findTenant, listCommands } from '../registry/lifecycle.ts'
import { isGone } from '../registry/process-name.ts'
import type { Registry } from '../registry/registry.ts'
import { showReference } from '../registry/resolve-reference.ts'
import { isSealed, keyIdOf } from '../registry/seal.ts'
import { toItem } from '../registry/tenant-item.ts'
import { readRow, silentAfterMs } from './provision-record.ts'
import { describeBehind } from './tenant-standing.ts'

type ReadRow = NonNullable<Awaited<ReturnType<typeof readRow>>>

/** What showing works with. */
export interface ShowTools {
  registry: Registry
  /** Looks into the tenant's target as if it were active. Never throws. */
  look(tenant: Tenant): Promise<readonly TenantStanding[]>
}

/** Everything that is known of one tenant; nothing is opened, and nothing changed. Throws TENANT_UNKNOWN. */
export async function showTenant({ registry, look }: ShowTools, idOrSlug: string): Promise<ShowTenantReport> {
  const { tenants: store, database } = registry
  const record = await findTenant(store, idOrSlug)
  const [credentials, audit] = await Promise.all([store.readCredentials([record.id]), store.audit(record.id)])
  const row = await readRow(registry, database.query.bind(database), record.id)
  const hasPlace = record.state === 'active' || record.state === 'suspended' || record.state === 'archived'
  const migrations = hasPlace ? await look(record) : null
  const behind = record.state === 'active' && migrations !== null ? describeBehind(record, migrations).next : []
  return {
    command: 'tenants show',
    ok: true,
    tenant: describeTenant(record),
    credential: summarise(credentials.get(record.id)),
    provision: row === null ? null : describeMaking(row),
    migrations,
    audit: audit.filter((entry: AuditEntry) => entry.tenantId === record.id),
    next: [...behind, ...listCommands(record.slug, record.state)],
  }
}

function describeTenant(record: TenantRecord): ShowTenantReport['tenant'] {
  const { placement, address, createdAt, updatedAt } = record
  return { ...toItem(record), placement, address, createdAt, updatedAt }
}

function describeMaking({ step, attempts, error, owner, silentMs }: ReadRow): ShowTenantReport['provision'] {
  const isRunning = owner !== null && !isGone(owner) && silentMs < silentAfterMs
  return { step, attempts, isRunning, error }
}

function summarise(stored: StoredCredential | undefined): CredentialSummary {
  const { user = null, sealed = null, reference = null } = stored ?? {}
  if (reference !== null) return { kind: 'reference', user, keyId: null, reference: showReference(reference) }
  if (sealed === null) return { kind: 'none', user, keyId: null, reference: null }
  return isSealed(sealed)
    ? { kind: 'sealed', user, keyId: keyIdOf(sealed), reference: null }
    : { kind: 'cbc', user, keyId: null, reference: null }
}
