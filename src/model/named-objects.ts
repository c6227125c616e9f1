/** Something in a target's own schema that statements can name. */
export type ObjectName =
  /** `relation`: everything that shares one space of names with tables. In another schema: `other.users`. */
  { kind: 'relation' | 'type' | 'function'; name: string } | { kind: 'column'; table: string; name: string }

/**
 * What one statement makes, takes away and names. Names are as the server resolves them: folded to their case, without
 * the target's own schema. What a text builds when it runs is not in it.
 */
export interface StatementNames {
  /** `label`: what it is, for people (`table`, `view`, `column`). A table is followed by its columns. */
  makes: readonly (ObjectName & { label: string })[]
  drops: readonly ObjectName[]
  renames: readonly { from: ObjectName; to: ObjectName }[]
  /** What has to be there for the statement to run; a `type` may also be that of a table's rows. */
  names: readonly ObjectName[]
  /** Columns that are named without their table: it is the one of these that has such a column. */
  columns: readonly { tables: readonly string[]; name: string }[]
}
