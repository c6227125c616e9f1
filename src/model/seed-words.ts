import type { Connection } from './dialect.ts'

/** A value of a seed file, before it is one of a column. */
export type SeedLiteral =
  | { kind: 'null' }
  | { kind: 'text'; text: string }
  /** As written in the file, with every digit. */
  | { kind: 'number'; text: string }
  | { kind: 'boolean'; value: boolean }
  /** An object or a list, as JSON. */
  | { kind: 'json'; text: string }
  | { kind: 'bytes'; hex: string }

/** A column that seeds write, in a dialect's words. */
export interface SeedColumn {
  /** As the catalog spells it. */
  name: string
  /** Quoted. */
  quoted: string
  /** Expression for its value as text, the same for the same value whatever the session is set to; NULL for NULL. */
  asText: string
  /** Expression for its value as text, of which {@link copied} makes the same value again. */
  copyText: string
  copied(text: string): string
  literal(value: SeedLiteral): string
}

/** A table that rows are seeded into. */
export interface SeededTable {
  /** Quoted, with its schema. */
  place: string
  columns: readonly SeedColumn[]
  /** Columns of each unique index over plain columns. */
  unique: readonly (readonly string[])[]
  /** Why its rows cannot be seeded (a view, an engine without transactions); null: fine. */
  obstacle: string | null
}

/** How a dialect puts rows of seed files into tables. */
export interface SeedWords {
  /**
   * @param schema null: the first one on the path that has such a table
   * @returns null: there is no such table. Throws `DatabaseError`.
   */
  table(connection: Connection, schema: string | null, table: string): Promise<SeededTable | null>
  /** Expression for the schema that unqualified names lead to. */
  home: string
  /** Type of a text compared byte for byte that may be part of a key. */
  key: string
  /** Type of a text of any length. */
  text: string
}
