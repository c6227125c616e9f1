import type { PlanOptions } from '../model/report.ts'
import { readSelectors, type SelectorFlags } from './flags.ts'

/** The flags that `up` and `plan` share. */
export interface PlanFlags extends SelectorFlags {
  to?: string
  allowChanged?: boolean
  strictOrder?: boolean
}

export function readPlanOptions(tenants: readonly string[], flags: PlanFlags): PlanOptions {
  return {
    selectors: readSelectors(tenants, flags),
    ...(flags.to !== undefined && { to: flags.to }),
    ...(flags.allowChanged && { allowChanged: true }),
    ...(flags.strictOrder && { strictOrder: true }),
  }
}
