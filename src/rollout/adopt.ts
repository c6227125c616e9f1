import { TenantryError } from '../model/errors.ts'
import type { AdoptReport, Selectors } from '../model/report.ts'
import type { Fleet } from './fleet.ts'

/** Shows what is there, before it is believed. */
export async function adoptFleet(_fleet: Fleet, _selectors: Selectors): Promise<AdoptReport> {
  throw new TenantryError('INTERNAL', 'Not written yet.')
}
