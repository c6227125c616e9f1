import type { Actor, AuditEntry } from '../model/registry.ts'
import { insertRows, type Query, type StoreContext, textOrNull } from './store-context.ts'

/** What is told of a change; when and by whom is added. */
export type AuditedChange = Pick<AuditEntry, 'tenantId' | 'slug' | 'action' | 'from' | 'to'>

const columns = ['at', 'actor', 'tenant_id', 'slug', 'action', 'from_value', 'to_value'] as const

/** Part of the transaction that makes the change: one is never without the other. */
export async function writeAudit(
  { table, quote }: StoreContext,
  query: Query,
  changes: readonly AuditedChange[],
  actor: Actor,
): Promise<void> {
  const at = new Date().toISOString()
  await insertRows(
    query,
    table('audit'),
    columns.map(quote),
    changes.map(({ tenantId, slug, action, from, to }) => [at, actor.name, tenantId, slug, action, from, to]),
  )
}

/** Of a tenant, oldest first; also of one that is gone. */
export async function readAudit({ database, table }: StoreContext, idOrSlug: string): Promise<AuditEntry[]> {
  const rows = await database.query(
    `SELECT at, actor, tenant_id, slug, action, from_value, to_value FROM ${table('audit')} WHERE tenant_id = ? OR slug = ? ORDER BY id`,
    [idOrSlug, idOrSlug],
  )
  return rows.map((row) => ({
    at: String(row.at),
    actor: String(row.actor),
    tenantId: String(row.tenant_id),
    slug: String(row.slug),
    action: String(row.action),
    from: textOrNull(row.from_value),
    to: textOrNull(row.to_value),
  }))
}
