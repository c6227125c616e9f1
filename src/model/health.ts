import type { VerifyFinding } from './check-report.ts'

/** What tables of a target that several tenants share must be like. */
export interface SharedTableRules {
  /** Tables that have this column are looked at; it says whose row it is. */
  column: string
  /** Setting by which row-level policies know the tenant. */
  setting: string
  /** Each of them must be under a row-level policy. Servers without such policies are not asked. */
  rowLevelSecurity: boolean
  /** Tables that may have the column and be otherwise. */
  except: readonly string[]
}

/** A target whose catalog is looked at. */
export interface HealthTarget {
  /** null: the connection's database or default schema. */
  schema: string | null
  /** Several tenants share it: {@link HealthQuestion.sharedTables} holds for it. */
  shared: boolean
}

export interface HealthQuestion {
  /** Tables that tools keep their own books in. */
  exceptTables: readonly string[]
  /** null: nothing is asked of shared tables. */
  sharedTables: SharedTableRules | null
  /** How long to wait for a table that somebody holds locked; what is locked longer is passed over. */
  lockTimeoutMs: number
}

/** What the catalog says of one target; null: there is no such schema. */
export type HealthReading = readonly VerifyFinding[] | null
