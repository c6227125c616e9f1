import { TenantryError } from '../model/errors.ts'
import type { Selectors, UnlockReport } from '../model/report.ts'
import type { Fleet } from './fleet.ts'

/** Frees the adopted tool's lock row. */
export async function unlockFleet(_fleet: Fleet, _selectors: Selectors): Promise<UnlockReport> {
  throw new TenantryError('INTERNAL', 'Not written yet.')
}
