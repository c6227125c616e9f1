import type { Connection } from './dialect.ts'
import type { Secret } from './secret.ts'

/** Every mark of a tenant's role or place begins so: it is no part of what migrations make. */
export const markPrefix = 'tenantry tenant '

/** Where a database cannot be marked by a comment, its mark is the one row of this table. */
export const placeTable = 'tenantry_place'

/** What came of making something. `taken`: it exists, and does not carry this mark; it was not touched. */
export type Made = 'made' | 'there' | 'taken'

/** `taken`: it does not carry the mark. */
export type Dropped = 'dropped' | 'gone' | 'taken'

/** Who may use a place. */
export interface PlaceGrant {
  role: string
  database: string
  /** null: the whole database is the tenant's. */
  schema: string | null
  sharedSchema: string
  /** Tables that the role may read and not write: histories, the ledger. Of any schema of the place. */
  books: readonly string[]
}

/**
 * How a dialect makes and removes places of tenants. A mark is one line of text that names a tenant and a token; what
 * is made carries it from the first moment that it can be seen under its name, so that a run that was killed anywhere
 * can be told from something that somebody else made. All of it throws `DatabaseError`, and may be repeated.
 */
export interface Places {
  /** Longest name of a database or schema, in bytes. */
  readonly longestNameBytes: number
  /** Longest name of a role; null: there are none. */
  readonly longestRoleBytes: number | null
  /** A role that may log in, and nothing else. One that is there gets this password. */
  makeRole(connection: Connection, role: { name: string; password: Secret }, mark: string): Promise<Made>
  /**
   * @param connection to any database of the server
   * @param template a database to copy, which nobody is connected to; null: an empty one
   */
  makeDatabase(connection: Connection, name: string, mark: string, template: string | null): Promise<Made>
  makeSchema(connection: Connection, name: string, mark: string): Promise<Made>
  /** What is there and what the connection's role makes later. `connection` is to the database. */
  grant(connection: Connection, grant: PlaceGrant): Promise<void>
  /** @param mark null: whoever made it */
  dropDatabase(connection: Connection, name: string, mark: string | null): Promise<Dropped>
  dropSchema(connection: Connection, name: string, mark: string | null): Promise<Dropped>
  /** @param connection to the database that its place was in, or to any other once that is gone */
  dropRole(connection: Connection, name: string, mark: string): Promise<Dropped>
  /** Databases that new ones are copied from; absent: a dialect copies none. */
  readonly templates?: Templates
  /** A schema written down as text; absent: the dialect cannot. */
  readonly snapshots?: Snapshots
}

/** A database that new ones are copied from. */
export interface Template {
  name: string
  /** What was written about it. */
  note: string
}

export interface Templates {
  /** What it is called while it is built. */
  draftOf(name: string): string
  /** Names begin so. */
  list(connection: Connection, prefix: string): Promise<Template[]>
  /** An empty one, under a name of its own until {@link publish}. What a killed run left under this name is dropped. */
  begin(connection: Connection, name: string): Promise<void>
  /** From now on nobody connects to it, and it is found under its name, with the note. */
  publish(connection: Connection, from: string, name: string, note: string): Promise<void>
  drop(connection: Connection, name: string): Promise<void>
}

/** What makes a place like another one, rows included. */
export interface Snapshot {
  /** Statements, or one text that holds all of them. */
  statements: readonly string[]
  /** What stands for the schema's name in them; null: nothing does. */
  placeholder: string | null
}

export interface Snapshots {
  /**
   * Everything in a place, with its rows. null: it cannot be had here (no program for it); `why` says what would help.
   * @param connection to the database that it is in
   */
  take(connection: Connection, schema: string | null): Promise<Snapshot | { why: string }>
  /** Puts it into an empty place. Where DDL is transactional: whole or not at all. */
  load(connection: Connection, schema: string | null, snapshot: Snapshot): Promise<void>
  /** Can a place of this name be written into a snapshot? */
  fits(schema: string): boolean
}
