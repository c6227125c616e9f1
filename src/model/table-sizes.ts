/** A table that is asked for. `schema` null: the target's own. */
export interface TableQuestion {
  schema: string | null
  name: string
}

/** How large a table is, as cheaply as the server tells it: estimates, and never a count of its rows. */
export interface TableSize {
  /** null: its server keeps no statistics of it. */
  rows: number | null
  /** Its rows, with what is stored beside them. */
  bytes: number
  /** Its indexes. */
  indexBytes: number
}

/** Sizes of one target's tables, in the order asked for; null: there is no such table. */
export type TargetSizes = readonly (TableSize | null)[]

/**
 * How large these tables are in each of these targets of one database: one query for all of them. Waits for no lock
 * longer than `lockTimeoutMs`; what is locked longer is told from statistics. Throws `DatabaseError`.
 */
export type ReadTableSizes<Connection> = (
  connection: Connection,
  /** Schemas of the targets; null: the connection's own. */
  targets: readonly (string | null)[],
  tables: readonly TableQuestion[],
  lockTimeoutMs: number,
) => Promise<readonly TargetSizes[]>
