import type { ErrorDocument } from './errors.ts'
import type { Notice } from './migration.ts'
import type { StepCost } from './statement-facts.ts'

export type LintSeverity = 'error' | 'warning' | 'info'

/** Something that `lint` found in one place of a file. */
export interface LintFinding {
  /** Stable kebab-case name; `squawk/…`: a rule of that linter. */
  rule: string
  severity: LintSeverity
  /** Path relative to {@link LintReport.root}. */
  file: string
  /** 1-based; columns count characters. */
  line: number
  column: number
  message: string
  /** What happens if nothing is done. */
  why: string | null
  /** The lock taken, in the server's words; null: none that matters. */
  lock: string | null
  /** How to do it instead: SQL where there is some, else a sentence. */
  rewrite: string | null
  migration: string
  set: string
  direction: 'up' | 'down'
  /** 1-based number of the statement; null: it is about the file. */
  statement: number | null
  /** The line as it stands in the file; null: it is about the file. */
  excerpt: string | null
  /** Table that is locked or changed, with its schema if one is written; null: none, or it is not known. */
  table: string | null
  /** With `lock`: whom it keeps out, and for how long; null: nobody. */
  cost: StepCost | null
  /** What it means for real tenants. null: it is about no table whose size matters. Absent: the fleet was not read. */
  fleet?: FindingFleet | null
}

/** What a statement meets in the targets that lack its migration. */
export interface FindingFleet {
  /** How many of them have the table. */
  targets: number
  /** Up to five of them, those that it takes longest in first. */
  worst: readonly { target: string; rows: number | null; bytes: number; estimateMs: number }[]
  /** Estimates of all of them together. */
  totalMs: number
}

/** What estimates assume of every server, whatever it is. */
export interface LintAssumptions {
  scanBytesPerSecond: number
  rewriteBytesPerSecond: number
  buildRowsPerSecond: number
}

/** What was read of the fleet. */
export interface LintFleet {
  /** Active targets that were read. */
  targets: number
  /** Targets that could not be read. `target` null: it is not even known which there are. */
  failures: readonly { target: string | null; error: ErrorDocument }[]
  /** Migrations that every target has applied, and that were left out for it. */
  leftOut: number
  assumed: LintAssumptions
}

export interface LintReport {
  command: 'lint'
  /** No error, and no more warnings than allowed. What could not be read of a fleet does not count. */
  ok: boolean
  /**
   * By set, then in the order of the migrations, then by place. With `fleet`: what takes longest in all tenants first, then
   * errors before warnings.
   */
  findings: readonly LintFinding[]
  summary: {
    /** Migrations that were looked at. */
    migrations: number
    /** SQL files and texts that were read. */
    files: number
    statements: number
    errors: number
    warnings: number
    infos: number
    ignored: number
  }
  /** Findings that a comment in the file waives, with its reason. */
  ignored: readonly (LintFinding & { reason: string })[]
  /** What no rule has seen, and why. */
  notAnalysed: readonly { file: string; line: number | null; migration: string; set: string; reason: string }[]
  /** Rules that `findings` and `ignored` name. */
  rules: readonly LintRuleDescription[]
  notices: readonly Notice[]
  /** null: it was not asked for. */
  fleet: LintFleet | null
  /** Absolute: what `file` is relative to. */
  root: string
  maxWarnings: number | null
  durationMs: number
}

/** A rule, for reports that explain themselves (SARIF). */
export interface LintRuleDescription {
  id: string
  title: string
  severity: LintSeverity
  why: string
}

export interface LintOptions {
  /** Names of sets; default: all. */
  sets?: readonly string[]
  /** Only these migrations (ids, unique numbers, file names); the ones before them are read to know what is there. */
  migrations?: readonly string[]
  /** Only what comes after this one. Default: `lint.after` of the config, else everything. */
  after?: string
  /** Major version of the oldest PostgreSQL server. Default: `lint.pgVersion` of the config, else not known. */
  pgVersion?: number
  /**
   * Reads the fleet's histories and the sizes of its tables, so that findings are ranked, edits of what is applied are
   * found, and what every active target has applied is left out. Default: no server is asked.
   */
  fleet?: boolean
  /** With `fleet`: also what every active target has applied. Default: not. */
  all?: boolean
  /** More warnings than this make `ok` false. Default: any number is fine. */
  maxWarnings?: number
}
