import { showName } from '../config/problem.ts'
import type { IdentifiedTenant } from './check-new.ts'
import { placeKey } from './check-new-tenant.ts'

/** Who is there already. */
export interface Holder {
  id: string
  slug: string
  /** null: its place may be shared. */
  place: string | null
}

/** What of new tenants others have, a phrase each. */
export function describeTaken(tenants: readonly IdentifiedTenant[], holders: readonly Holder[]): string[] {
  const slugs = new Set(holders.map(({ slug }) => slug))
  const ids = new Map(holders.map(({ id, slug }) => [id, slug]))
  const places = new Map(holders.flatMap(({ place, slug }) => (place === null ? [] : [[place, slug] as const])))
  return tenants.flatMap(({ id, slug, topology, placement }) => {
    const byId = ids.get(id)
    const byPlace = topology === 'shared' ? undefined : places.get(placeKey(placement))
    return [
      ...(slugs.has(slug) ? [`slug ${showName(slug)} is taken`] : []),
      ...(byId === undefined ? [] : [`id ${showName(id)} is the one of ${showName(byId)}`]),
      ...(byPlace === undefined ? [] : [`place of ${showName(slug)} is the one of ${showName(byPlace)}`]),
    ]
  })
}
