import type { Made } from '../model/places.ts'
import type { Making } from './making.ts'
import { applyAll } from './reach-head.ts'
import type { TenantSets } from './tenant-sets.ts'

/** A database that a new tenant's is copied from, and the hash of what is in it. */
export interface FoundTemplate {
  name: string
  hash: string
}

/** null: there is none for this kind of place, or none is wanted. */
export async function findTemplate(_making: Making, _tenantSets: TenantSets): Promise<FoundTemplate | null> {
  return null
}

/** Fills a place with everything that the folders hold. */
export async function fillPlace(
  making: Making,
  { sets }: TenantSets,
  _place: { from: FoundTemplate | null; made: Made },
): Promise<void> {
  await applyAll(making, sets)
  making.source ??= 'replay'
}
