/**
 * What statements do, as data: a dialect reads it out of SQL, and rules that know no SQL decide on it. Facts say what is
 * written; whether that is good or bad is not said here.
 */

/** A table or another object as a statement names it. */
export interface ObjectName {
  /** As written; null: unqualified, or the default schema (`public`), which is the tenant's own. */
  schema: string | null
  name: string
}

/** What a step does to everybody else while it runs on a table that holds rows. */
export interface StepCost {
  /** The lock in the server's own words (`ACCESS EXCLUSIVE`), on the table that the fact names. */
  lock: string
  /** What others cannot do meanwhile. */
  blocks: 'nothing' | 'writes' | 'everything'
  /**
   * How long: `moment` does not depend on the rows; `scan` reads them all; `build` reads and sorts them; `rewrite` writes
   * the whole table again.
   */
  work: 'moment' | 'scan' | 'build' | 'rewrite'
}

interface AnyFact {
  /** Where in the file, 1-based; absent: at the statement's own place. */
  at?: { line: number; column: number }
  /** The safe way to the same end, as SQL of this dialect with the names put in; absent: there is none of its own. */
  rewrite?: string
}

/** A column as CREATE TABLE or ADD COLUMN writes it. */
export interface ColumnFacts {
  name: string
  /** Its type as written, in lower case and single spaces: `varchar(20)`. */
  type: string
  notNull: boolean
  /** `unknown`: a call of a function that is not the server's own. `sequence`: serial, identity, AUTO_INCREMENT. */
  default: 'none' | 'constant' | 'stable' | 'volatile' | 'unknown' | 'sequence'
  generated: 'no' | 'stored' | 'virtual'
}

export type ConstraintType = 'primary-key' | 'unique' | 'exclusion' | 'foreign-key' | 'check' | 'not-null'

/** IF [NOT] EXISTS: `impossible` where the server has no such words. */
export type ExistenceGuard = 'present' | 'missing' | 'impossible'

export type StatementFact =
  | (AnyFact & {
      kind: 'create-table'
      table: ObjectName
      temporary: boolean
      guard: ExistenceGuard
      /** null: they are not written here (`AS SELECT`, `PARTITION OF`, `LIKE`, `OF`). */
      columns: readonly ColumnFacts[] | null
      constraints: readonly Omit<ConstraintFact, 'kind' | 'table'>[]
    })
  | (AnyFact & { kind: 'create-view'; view: ObjectName })
  | (AnyFact & { kind: 'create-enum'; type: string; labels: readonly string[] })
  | (AnyFact & { kind: 'drop-table'; table: ObjectName; cost: StepCost })
  | (AnyFact & { kind: 'drop-column'; table: ObjectName; column: string; cost: StepCost })
  | (AnyFact & { kind: 'drop-object'; object: string; name: ObjectName })
  | (AnyFact & { kind: 'truncate'; table: ObjectName; cost: StepCost })
  | (AnyFact & { kind: 'rename-table'; table: ObjectName; to: string; cost: StepCost })
  | (AnyFact & { kind: 'rename-column'; table: ObjectName; column: string; to: string; cost: StepCost })
  | (AnyFact & {
      kind: 'add-column'
      table: ObjectName
      column: ColumnFacts
      guard: ExistenceGuard
      cost: StepCost
    })
  | (AnyFact & { kind: 'set-not-null'; table: ObjectName; column: string; cost: StepCost })
  | (AnyFact & {
      kind: 'change-type'
      table: ObjectName
      column: string
      type: string
      /** What the dialect can tell without the type that it was; `depends`: ask {@link TypeChanges.keepsRows}. */
      rewrites: 'yes' | 'no' | 'depends'
      cost: StepCost
    })
  /** SET LOGGED, CLUSTER, VACUUM FULL, CONVERT TO CHARACTER SET, …: `how` is that. */
  | (AnyFact & { kind: 'rewrite-table'; table: ObjectName | null; how: string; cost: StepCost })
  | (AnyFact & {
      kind: 'create-index'
      table: ObjectName
      index: string | null
      unique: boolean
      guard: ExistenceGuard
      cost: StepCost
    })
  | (AnyFact & { kind: 'drop-index'; index: ObjectName; table: ObjectName | null; cost: StepCost })
  /** `table`: it is about all indexes of this one. */
  | (AnyFact & { kind: 'reindex'; object: string; table?: ObjectName; cost: StepCost })
  | ConstraintFact
  | (AnyFact & { kind: 'validate-constraint'; table: ObjectName; constraint: string; cost: StepCost })
  | (AnyFact & { kind: 'drop-constraint'; table: ObjectName; constraint: string })
  | (AnyFact & { kind: 'add-enum-label'; type: string; label: string })
  /** The label is written in a later statement of the file; `addedAt`: index of the statement that adds it. */
  | (AnyFact & { kind: 'use-new-enum-label'; label: string; addedAt: number })
  | (AnyFact & { kind: 'rename-type'; type: string; to: string })
  | (AnyFact & { kind: 'rename-enum-label'; type: string; label: string; to: string })
  /** The labels of an enum column, all of them (MySQL). `catalog`: the server's own table of labels is written to. */
  | (AnyFact & { kind: 'set-enum-labels'; table: ObjectName; column: string; labels: readonly string[] })
  | (AnyFact & { kind: 'edit-enum-catalog' })
  | (AnyFact & {
      kind: 'change-data'
      verb: 'INSERT' | 'UPDATE' | 'DELETE' | 'MERGE' | 'COPY'
      table: ObjectName
      /** It has a condition, or writes its rows itself: it does not go over the whole table. */
      limited: boolean
    })
  /** A constant that a column of whom the row belongs to is compared with, or filled with. */
  | (AnyFact & { kind: 'tenant-value'; column: string; value: string })
  /** A setting that outlasts its transaction in a session of the tool that the file was written for. */
  | (AnyFact & { kind: 'session-setting'; setting: string; local: boolean })
  /** Temporary tables, session locks, prepared statements, …: `what` is that. */
  | (AnyFact & { kind: 'session-rest'; what: string })
  /** `current_schema()`, `DATABASE()`; `inSchema`: in a statement that changes the schema. */
  | (AnyFact & { kind: 'tenant-dependent'; expression: string; inSchema: boolean })
  /** A name written with the default schema in front, where targets are schemas. */
  | (AnyFact & { kind: 'default-schema-name'; name: string; moves: boolean; isTable: boolean })
  /** Syntax that servers have from this major version on. */
  | (AnyFact & { kind: 'newer-syntax'; syntax: string; since: number })
  | (AnyFact & { kind: 'lock-table'; table: ObjectName; cost: StepCost })

export type ConstraintFact = AnyFact & {
  kind: 'add-constraint'
  table: ObjectName
  name: string | null
  type: ConstraintType
  columns: readonly string[]
  /** The table that a foreign key points to. */
  references: ObjectName | null
  /** Existing rows are not looked at. */
  notValid: boolean
  /** A check that says only that this column is not null. */
  assuresNotNull: string | null
  cost: StepCost
}

export type FactOf<Kind extends StatementFact['kind']> = Extract<StatementFact, { kind: Kind }>

export interface StatementFacts {
  /** 1-based number within the file. */
  index: number
  /** What it is, for people: `ALTER TABLE`. */
  kind: string
  /** Its first character, 1-based; columns count characters. */
  line: number
  column: number
  facts: readonly StatementFact[]
  /** Why not all of it was read: `a DO block is a program`; null: it was. */
  unread: string | null
}

/** A comment that begins a line. */
export interface FileComment {
  /** Without the marks of the comment, trimmed. */
  text: string
  line: number
  column: number
  /** Index of the statement that it stands before or in; null: none follows. */
  statement: number | null
  /** Before the first statement, with an empty line in between: it is about the file. */
  isHeader: boolean
}

/** One body, read. */
export interface FileFacts {
  statements: readonly StatementFacts[]
  comments: readonly FileComment[]
  /** All of it runs in one transaction, where the dialect has such for schema changes. */
  oneTransaction: boolean
  /** Why it could not be read; nothing else is known then. */
  syntaxError: { message: string; line: number; column: number } | null
}

export interface FactsRequest {
  /** Targets are schemas: names with the default schema in front may be moved. */
  schemaTargets: boolean
  sharedSchema: string
  /** Columns that say whose row it is. */
  tenantColumns: readonly string[]
}

/** A body to be read: SQL text, and what to call it. */
export interface FactsFile {
  migration: string
  file: string
  direction: 'up' | 'down'
  text: string
}

/** A dialect's part in linting. */
export interface StatementReader {
  /** Reads the files of a set, in their order. Throws nothing for what a file says. Asks no server. */
  read(files: readonly FactsFile[], request: FactsRequest): Promise<readonly FileFacts[]>
  /** Does a column of this type become that one without its rows being written again? null: it cannot be told. */
  keepsRows(from: string, to: string): boolean | null
  /** What reads this SQL, for people: `PostgreSQL 18's grammar`. */
  grammar: string
  /** The npm package of a kept linter that knows this SQL, too; null: there is none. */
  companion: 'squawk-cli' | null
}
