import type { DatabaseFailure } from './dialect.ts'
import type { RegistryValue } from './registry.ts'

/** Columns of our own tables, in a dialect's words. */
export interface RegistryColumnTypes {
  /** Text compared byte for byte, short enough for a unique index. */
  key: string
  text: string
  bigint: string
  /** Primary key that counts up by itself. */
  counter: string
}

/** A column of any table, as the catalog has it. */
export interface TableColumn {
  name: string
  /** The server's own word: `character varying(255)`, `uuid`, `int(11)`. */
  type: string
  /** NOT NULL. */
  required: boolean
  /** Gets a value where an INSERT names none: a default, a counter, an expression. */
  filled: boolean
}

/** What the book of tenants asks of a kind of database, beside what migrations do. */
export interface RegistryWords {
  /** What stands for the n-th value of a statement, from 1. */
  placeholder(number: number): string
  /** Opens a transaction in which reading first and writing then is safe; others may have to run again. */
  begin: readonly string[]
  commit: string
  rollback: string
  types: RegistryColumnTypes
  /**
   * Opens what one process at a time does to the tables, and ends it; in a transaction where DDL is transactional. The
   * rows of the last statement may say `got`: 0 or null, the lock was not free within a minute.
   */
  openMigration: readonly string[]
  closeMigration: readonly string[]
  /** Expression for the server's clock in ms since 1970, as an integer. */
  nowMs: string
  /** Ends an INSERT whose row may be there: the columns in `update` get the new values. All are quoted. */
  orUpdate(key: string, update: readonly string[]): string
  /** Columns of a table or view, in their order; none: there is no such table. Rows as {@link TableColumn}, 1 for true. */
  columns(schema: string | null, table: string): { sql: string; values: readonly RegistryValue[] }
  /** A unique index refused a row. */
  isDuplicate(failure: DatabaseFailure): boolean
}
