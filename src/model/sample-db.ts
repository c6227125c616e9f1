import type { ErrorDocument } from './errors.ts'
import type { Notice } from './migration.ts'

/** One table of the plan. */
export interface SampleTablePlan {
  /** Its name, with the schema where that is not the target's own. */
  table: string
  action: 'keep' | 'reduce' | 'empty'
  /** Rows now. */
  rows: number
  /** There are more: counting stopped, since the limit is passed. Absent: `rows` is exact. */
  more?: true
  /** Rows that stay. */
  kept: number
  /** Why it is kept although the config does not list it; null: it does, or it is not kept. */
  reason: 'bookkeeping' | null
}

/** Kept rows that point to rows which would be removed. */
export interface SampleBrokenKey {
  /** Name of the foreign key. */
  key: string
  table: string
  columns: readonly string[]
  to: string
  /** Kept rows that point there. */
  rows: number
  /** Values of `columns` in one of them. */
  example: readonly string[]
}

export interface SampleDbOptions {
  /** Id, slug, or unique schema or database name. Default: the only target, else the config's default database. */
  tenant?: string
  /** Carry it out without a question. */
  confirm?: boolean
  /** Asked before anything is removed, where `confirm` is not given. Absent too: CONFIRMATION_MISSING. */
  ask?: (plan: SampleDbReport) => Promise<boolean>
  /** Told of the plan before anything is removed. Must not throw. */
  onPlan?: (plan: SampleDbReport) => void
  /** Name of the database, typed: needed where it is marked as production, or holds more rows than `maxRows`. */
  database?: string
  /** The plan alone. */
  dryRun?: boolean
  /** File to write a dump to afterwards, relative to the working directory; not there yet. */
  dump?: string
}

/** What `sampleDb` returns; `--json` prints it as it is. */
export interface SampleDbReport {
  command: 'sample-db'
  ok: boolean
  dryRun: boolean
  target: string
  /** As the server calls it; the config's name where it was not asked. */
  database: string
  /** Empty where it was refused before the tables were looked at. */
  plan: readonly SampleTablePlan[]
  /** Empty: no kept row points to one that goes. */
  brokenKeys: readonly SampleBrokenKey[]
  /** Rows that were removed; null: nothing was changed. */
  removed: number | null
  /** Counters that were set back, and what the next row gets. */
  sequences: readonly { sequence: string; next: string }[]
  dump: { file: string; bytes: number } | null
  notices: readonly Notice[]
  error: ErrorDocument | null
}
