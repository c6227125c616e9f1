import type { CodeContext, LoadedCode } from './code.ts'
import type { Notice } from './migration.ts'

/** One SQL statement of a file, ready to be sent for a target. */
export interface ScriptStatement {
  /** 1-based number within the file (transaction control counts). */
  index: number
  /** What it is, for people: `CREATE INDEX CONCURRENTLY`. */
  kind: string
  /** Text to send. `schema` is the target's schema, null for a target that is a whole database. */
  text(schema: string | null): string
  /**
   * Place in the file. `position` is the server's 1-based code point within `text(schema)`; absent: the
   * statement's first character. Both results are 1-based; columns count characters.
   */
  locate(schema: string | null, position?: number): { line: number; column: number }
}

/**
 * Statements that are carried out together.
 * `transaction`: in one transaction of ours, with progress and history rows in it.
 * `autocommit`: one statement that the server refuses in a transaction block, or that commits by itself.
 * `unparsed`: the whole file as one message, since the parser does not know its grammar.
 */
export interface Segment {
  kind: 'transaction' | 'autocommit' | 'unparsed'
  statements: readonly ScriptStatement[]
  /**
   * Session settings that earlier statements of the file made and that still hold here. Sent before `statements`,
   * every time the segment runs (also when a run resumes at it), and not counted as statements: `SET LOCAL …` inside
   * the transaction; plain `SET …` on the session before an `autocommit` statement, which is reset afterwards.
   */
  settings: readonly ScriptStatement[]
  /** It waits for every running statement of the database (concurrent index builds): runs alone per database. */
  exclusive: boolean
}

/** Something a script takes away for good. */
export interface DestructiveStep {
  kind: 'drop-table' | 'drop-column' | 'drop-schema' | 'truncate' | 'delete' | 'change-type' | 'drop-other'
  /** Schema as written, null when unqualified or when it is the tenant's own. */
  schema: string | null
  /** Table or other object. */
  object: string
  column: string | null
  statement: number
  /** With `drop-table`: columns whose values were copied elsewhere before, for the table to be built anew. Absent: none. */
  keeps?: readonly string[]
}

/** One direction of one migration, compiled for a dialect and a kind of target (schema or whole database). */
export interface Script {
  migration: string
  direction: 'up' | 'down'
  file: string
  /** `transaction`: exactly one `transaction` segment; it can be packed with others into one round trip. */
  mode: 'transaction' | 'steps' | 'code'
  /** Why this mode, in a sentence for `plan --verbose`. */
  reason: string
  segments: readonly Segment[]
  /** With mode `code`: what is run instead of segments, and whether inside a transaction of ours. */
  code?: {
    run: (context: CodeContext) => Promise<void>
    transaction: boolean
    session?: LoadedCode['session']
  }
  /** Its text was built by code: its lines are not those of a file. Absent: false. */
  built?: true
  /** Statements in all segments; 0 for code, which is not known beforehand. */
  statementCount: number
  /** Hash of each prefix of statements is taken over these texts, so that an edit of what already ran is noticed. */
  prefixHash(statements: number): string
  /** It may leave session settings behind that could not be made local to its transaction. */
  leavesSession: boolean
  /** What it makes can only be used once its transaction is committed (a label added to an enum). Absent: false. */
  mustCommit?: boolean
  /** It changes the role: history rows must be written after the role is reset. */
  changesRole: boolean
  destructive: readonly DestructiveStep[]
  /** Extensions it creates; installed once per database beforehand. */
  extensions: readonly { name: string; schema: string | null; version: string | null }[]
  notices: readonly Notice[]
  /** What makes it impossible to run here. Not empty: targets that need it fail before they are touched. */
  problems: readonly Notice[]
}
