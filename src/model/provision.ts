import type { AddTenantOptions, TenantReport } from './tenant-report.ts'

/** What making a tenant consists of, in order. Each may be run again. */
export const provisionSteps = [
  'reserve', // its row and its names, in state `provisioning`
  'role',
  'place', // its database or schema, marked as ours
  'extensions',
  'schema', // from a template, a snapshot, or by every migration
  'grants',
  'head', // what the fleet was migrated to meanwhile
  'seed',
  'first-rows',
  'verify',
  'active',
] as const

/** `await-head`: an `up` of newer files has to take it along. */
export type ProvisionStep = (typeof provisionSteps)[number] | 'await-head'

/** What its schema was made from. */
export type ProvisionSource = 'template' | 'snapshot' | 'replay'

export interface ProvisionOptions extends Omit<AddTenantOptions, 'state'> {
  slug: string
  /** How long another provisioner of the same slug, or an `up` with newer files, is waited for. Default: 300,000. */
  waitMs?: number
  signal?: AbortSignal
}

export interface ProvisionReport extends TenantReport {
  command: 'tenants provision'
  /** This call made it; false: it was active already, or another process finished it. */
  made: boolean
  /** null: nothing was filled by this call. */
  source: ProvisionSource | null
  /** Its schema was compared with what the migrations make. */
  verified: boolean
  durationMs: number
}
