import type { Connection } from './dialect.ts'

/** A foreign key, as far as rows are concerned. */
export interface EmptyingKey {
  name: string
  columns: readonly string[]
  /** `id` of the table that it points to. */
  to: string
  toColumns: readonly string[]
  /** How each pair of columns is compared. */
  operators: readonly string[]
}

/** A table as far as taking its rows away is concerned. */
export interface EmptyingTable {
  /** Unique: its name, with the schema where that is not the target's own. */
  id: string
  name: string
  /** Quoted, with its schema: what stands behind FROM. Tables that inherit from it are not meant. */
  place: string
  /** Quoted columns that tell its rows apart and order them; empty: nothing does. */
  rowKey: readonly string[]
  /** To tables that are listed, too. */
  keys: readonly EmptyingKey[]
  /** Not the target's own, and never changed: it is listed because a key of it points into the target. */
  isOutside: boolean
  /** Why no row of it can be taken away, and back again; null: it can. */
  obstacle: string | null
}

/** What gives numbers to new rows. Numbers are decimal texts: they may be larger than JavaScript's. */
export interface EmptyingCounter {
  /** For people. */
  name: string
  /** Quoted, for {@link Emptying.setCounter}. */
  place: string
  start: string
  step: string
  /** What the next row would get. */
  next: string
  /** Columns that are filled from it. `isNumber` false: what it has given cannot be read back from them. */
  uses: readonly { table: string; column: string; isNumber: boolean }[]
}

/**
 * How a dialect takes rows away from many tables at once. In conditions `x` stands for the table, and
 * `kept(i)` is the name of a temporary table with the row keys (`k0`, `k1` …) that stay. Throws `DatabaseError`.
 */
export interface Emptying {
  /** What the database and its default schema are called in truth, behind any alias of a pooler. */
  whereAmI(connection: Connection): Promise<{ database: string; schema: string }>
  /** @param schema null: the whole database. Tables of extensions are left out. */
  tables(connection: Connection, schema: string | null): Promise<EmptyingTable[]>
  counters(connection: Connection, schema: string | null, tables: readonly EmptyingTable[]): Promise<EmptyingCounter[]>
  /** Before the transaction begins. `look`: nothing will be changed, and nobody is to be held up. */
  before(mode: 'look' | 'empty', version: number): readonly string[]
  /** First in the transaction. */
  readonly opening: readonly string[]
  /** Nobody changes these from here on, until the transaction ends; empty: `before` has seen to it. */
  lock(changed: readonly EmptyingTable[], read: readonly EmptyingTable[]): readonly string[]
  /** Keeps the result of a query, whose columns are `k0`, `k1` …, until the session or the transaction ends. */
  keepKeys(index: number, columns: number, query: string): readonly string[]
  /** Two names, since a query may not be able to read one temporary table twice. */
  kept(index: number, side: 'child' | 'parent'): string
  /** How row keys are compared. */
  readonly equals: string
  /** Absent: there is no such statement that can be taken back. All of them at once. */
  readonly truncate?: (tables: readonly EmptyingTable[]) => string
  /** @param condition null: every row */
  remove(table: EmptyingTable, condition: string | null): string
  /**
   * The same for tables whose keys form a circle, or that point to themselves: keys count when all of it is done.
   */
  removeTogether(parts: readonly { table: EmptyingTable; condition: string | null }[]): readonly string[]
  /** Statement that makes a counter go on at a number. */
  setCounter(counter: EmptyingCounter, next: string): string
  /** `after-commit`: setting a counter ends the transaction, so that it is a step of its own. */
  readonly countersAre: 'in-transaction' | 'after-commit'
}
