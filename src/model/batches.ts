import type { Connection } from './dialect.ts'

/** A column of a key, in this dialect's words. */
export interface KeyColumn {
  /** Quoted. */
  name: string
  /** Expression for its value as text, from which {@link literal} makes the same value again. */
  asText: string
  literal(text: string): string
  /** The text as people and functions of data changes are given it. Absent: as it is. */
  value?(text: string): string
}

/** A table as far as a walk over its rows is concerned. */
export interface WalkedTable {
  /** Quoted, with its schema. */
  place: string
  /** The schema it is in: part of the name of the target's lock. */
  schema: string
  key: readonly KeyColumn[]
  /** Why these columns cannot be walked: no such column, NULLs, no unique index, values without an exact text. null: fine. */
  obstacle: string | null
  /** It has the column that says whose row it is. */
  hasTenantColumn: boolean
  /** As the server's own statistics have it; null: it has none. */
  estimatedRows: number | null
  /** Policies hide rows from this session's role. */
  rowSecurity: boolean
  /** Settings that these policies ask for (`app.tenant_id`), as far as they can be read. */
  policySettings: readonly string[]
}

/** What speaks against more work right now. */
export interface Pressure {
  /** Sessions that wait for a lock on the table or its rows; null: it cannot be seen. */
  lockWaits: number | null
  /** How far the slowest replica is behind; null: there is none, or it cannot be seen from here. */
  replicaLagMs: number | null
}

/** A parameter in a text: `:from`. Places are offsets. */
export interface TextParameter {
  name: string
  start: number
  end: number
}

/** How a dialect walks over the rows of a table in batches. */
export interface Batches {
  /**
   * Looks a table up where an unqualified name finds it.
   * @param schema the target's; null: the connection's default
   * @param key none: it is repeated while rows remain
   * @returns null: there is no such table. Throws `DatabaseError`.
   */
  table(
    connection: Connection,
    schema: string | null,
    table: string,
    key: readonly string[],
    tenantColumn: string,
  ): Promise<WalkedTable | null>
  /** Condition for rows behind a key, in the order of the key; its index serves it. */
  after(key: readonly KeyColumn[], cursor: readonly string[]): string
  /** Parameters of a text, outside of strings, names and comments. */
  parameters(text: string): TextParameter[]
  /** What stands for the n-th parameter (from 0) while a text is compiled, such that the compiler takes it for a value. */
  mark(index: number): string
  /** Stands before a list of rows of several values in `IN (…)`. Absent: nothing. */
  beforeRows?: string
  pressure(connection: Connection, table: WalkedTable): Promise<Pressure>
  /**
   * Makes policies see this tenant, for the open transaction only. null: nobody; a statement whose rows a policy would
   * hide then fails instead of passing them over. Empty: the server has no such policies.
   */
  actAs(setting: string, tenant: string | null): string[]
  /** Expression for the server's clock, in ms, as an integer: only differences mean something. */
  nowMs: string
  /** Ends a SELECT that finds one row and keeps others from changing it. */
  forUpdate: string
  /** Type of an integer of 64 bits. */
  bigint: string
}
