import type { LoadedCode } from './code.ts'
import type { RowColumns } from './history.ts'

/** Something a person should know; nothing stops because of it. */
export interface Notice {
  /** Stable kebab-case name, such as `numbering-gap`. */
  rule: string
  message: string
  /** Only for who asks for details (`plan --verbose`): nothing is unusual about it. Absent: for everybody. */
  detail?: true
  hint?: string
  file?: string
  migration?: string
  line?: number
  column?: number
}

/** What one direction of a migration does. Fixed at load: nobody asks later where it came from. */
export type Body =
  | {
      kind: 'sql'
      text: string
      /** Path for messages, relative to the project. */
      file: string
      /** This direction asks for no transaction. Absent: as the migration says. */
      transaction?: 'never'
    }
  | {
      kind: 'code'
      file: string
      /** It only builds SQL, as a rule: what it loads has a `build`. Absent: it does not. */
      builds?: true
      /**
       * Imports the file, once. Only what is pending is imported: a file that cannot be imported fails the targets that
       * need it, and no others. Throws MIGRATIONS_UNREADABLE with the file and what was wrong.
       */
      load: () => Promise<LoadedCode>
    }

/**
 * A step of a change that running code must survive: `expand` adds what new code needs, `migrate` brings the data over,
 * `contract` takes away what only old code used.
 */
export interface MigrationPhase {
  kind: 'expand' | 'migrate' | 'contract'
  /** Name of the change; its steps may lie releases apart. */
  change: string
}

/** One change. */
export interface Migration {
  /** File stem or folder name: `001_init`, `20250101120000_add_x`. */
  id: string
  /** Leading digits of the id as written (`001`), or null. */
  number: string | null
  /** SHA-256 in hex, as this format computes it. */
  checksum: string
  /** Checksums of the same content by other recipes (raw bytes, CRLF, trimmed): a match means unchanged. */
  otherChecksums: readonly string[]
  description: string | null
  /** Every spelling of this migration that a history row may hold (`001_init`, `001_init.sql`, `001`). */
  keys: readonly string[]
  /** A row in other letter case is this migration's, too: file systems do not agree on whether it matters. Absent: false. */
  ignoresCase?: boolean
  /** A row whose number differs within its second only is this migration's, too: Drizzle 1 cut milliseconds off. Absent: false. */
  ignoresMillis?: boolean
  up: Body
  /** null: there is no undo. */
  down: Body | null
  /** `never`: the file asks for no transaction (`-- tenantry:no-transaction`). */
  transaction: 'auto' | 'never'
  /** Applied again whenever it is not what was applied last, after all others; it has no undo. Absent: applied once. */
  repeats?: true
  /** Columns of its history row that only the format knows: of the one that says "applied", and of one that undoes it. */
  row?: { up: RowColumns; down?: RowColumns }
  /** `-- tenantry:phase … of …`. Absent: it is no step of such a change. */
  phase?: MigrationPhase
}
