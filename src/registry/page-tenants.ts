import { TenantryError } from '../model/errors.ts'
import type { TenantRecord, TenantStore } from '../model/registry.ts'
import type { ListTenantsOptions } from '../model/tenant-report.ts'
import { findTenant } from './lifecycle.ts'

/** The first page is small, so that whoever waits sees something. */
const firstPage = 100
const laterPages = 1000

/** Tenants in the order of ids, read in pages as they are asked for. Throws TENANT_UNKNOWN for `after`, USAGE. */
export async function* pageTenants(
  store: Pick<TenantStore, 'page' | 'find'>,
  { states, labels = [], limit = Number.POSITIVE_INFINITY, after }: ListTenantsOptions,
): AsyncIterable<TenantRecord> {
  const wanted = labels.map(splitLabel)
  let last = after === undefined ? null : (await findTenant(store, after)).id
  let left = limit
  for (let size = firstPage; left > 0; size = laterPages) {
    const rows = wanted.length === 0 ? Math.min(size, left) : size
    const page = await store.page(states === undefined ? {} : { states }, last, rows)
    for (const tenant of page) {
      if (!wanted.every(([key, value]) => Object.hasOwn(tenant.labels, key) && tenant.labels[key] === value)) continue
      yield tenant
      left--
      if (left === 0) return
    }
    const end = page.at(-1)
    if (end === undefined || page.length < rows) return
    last = end.id
  }
}

function splitLabel(text: string): [string, string] {
  const at = text.indexOf('=')
  if (at < 1) throw new TenantryError('USAGE', `A label is given as key=value, not ${JSON.stringify(text)}.`)
  return [text.slice(0, at), text.slice(at + 1)]
}
