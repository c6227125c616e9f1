import type { Tenantry } from '../model/report.ts'
import type { OpenOptions } from '../tenantry.ts'

export type OpenTenantry = (options: OpenOptions) => Promise<Tenantry>

/** Loaded on first use: help and usage errors need neither a driver nor a parser. */
export const openTenantryLazily: OpenTenantry = async (options) => {
  const { openTenantry } = await import('../tenantry.ts')
  return openTenantry(options)
}
