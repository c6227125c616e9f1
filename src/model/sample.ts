import type { Connection } from './dialect.ts'

/** A column as far as rows are concerned. */
export interface SampleColumn {
  name: string
  nullable: boolean
  hasDefault: boolean
  /**
   * The n-th value (n ≥ 0) of its type as an SQL expression: as different ones as the type has, the ordinary ones
   * first. `attempt` > 0: another choice, led by what the column's checks name. null: nothing is known of the type.
   */
  value(n: number, attempt: number): string | null
}

/** Columns that hold a key of another table (or of the same one). */
export interface SampleReference {
  columns: readonly string[]
  /** `id` of the table; null: it is not among those looked at. */
  table: string | null
  to: readonly string[]
}

/** A table as far as rows are concerned. */
export interface SampleTable {
  /** Unique among the tables of one target: its name, with the schema where it is not the target's own. */
  id: string
  /** For statements: quoted, with its schema. */
  place: string
  /** Without those that the server computes. Sorted by name. */
  columns: readonly SampleColumn[]
  references: readonly SampleReference[]
  /** Equal as long as nothing changed that matters to its rows. */
  shape: string
}

/** What a table holds, in whatever order. */
export interface TableContents {
  rows: number
  /** Equal for equal rows. */
  hash: string
  /** A hash of each row, sorted; null: there are too many. */
  each: readonly string[] | null
}

/** How a dialect fills tables for trying things out, and tells whether rows are what they were. */
export interface Samples {
  /** Tables that rows can be put into. `target` null: the connection's database. Throws `DatabaseError`. */
  tables(connection: Connection, target: string | null, except: readonly string[]): Promise<SampleTable[]>
  /** One statement with these values, in the order of the table's columns; null: the column's default. */
  insert(table: SampleTable, rows: readonly (readonly (string | null)[])[]): string
  /** Expression for a column of the `nth` row, where the rows are sorted by `key` from the largest down. */
  keyOf(table: SampleTable, key: readonly string[], column: string, nth: number): string
  /** What these tables hold, in their order. Throws `DatabaseError`. */
  contents(connection: Connection, tables: readonly SampleTable[]): Promise<TableContents[]>
  /** Makes the session take rows in any order, where its role may. */
  readonly beforeCopy: readonly string[]
  /**
   * Reads a table's rows, in batches and in one snapshot per table, as statements for the target `into`. Values are
   * written by the server itself, so that none passes through a type of JavaScript. Read-only. Throws `DatabaseError`.
   */
  copy(connection: Connection, table: SampleTable, into: string | null): AsyncIterable<string>
  /** Statements that set the counters of `into` to where those of this target are. */
  counters(connection: Connection, target: string | null, into: string | null): Promise<string[]>
}
