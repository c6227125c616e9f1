import type { Connection } from './dialect.ts'

/**
 * Kinds of things that a schema holds. A `table` is its name and its own properties; what belongs to it is listed by
 * itself, so that a difference is named as small as it is.
 */
export const objectKinds = [
  'table',
  'column',
  'primary-key',
  'unique',
  'foreign-key',
  'check',
  'exclusion',
  'index',
  'view',
  'materialized-view',
  'sequence',
  'enum',
  'domain',
  'composite',
  'range',
  'function',
  'procedure',
  'aggregate',
  'trigger',
  'rule',
  'policy',
  'statistics',
  'event',
  'grant',
  'comment',
] as const

export type ObjectKind = (typeof objectKinds)[number]

/** One thing in a schema, described so that equal things have equal descriptions, in whatever schema they are. */
export interface PictureObject {
  kind: ObjectKind
  /** `users`, `users.email`, `orders_client_idx`, `users.users_email_check`, `total(integer, text)`; never with the schema. */
  name: string
  /** Table, view or other object that it belongs to and goes away with; null: it stands by itself. */
  of: string | null
  /**
   * What it is like: `{ type: 'integer', nullable: 'no', default: '0' }`. The target's own schema is written as
   * {@link ownSchema} wherever a definition names it. Order of columns, owner and statistics are not in it; order of
   * enum labels, validity of indexes and constraints are.
   */
  properties: Readonly<Record<string, string>>
}

/** Stands for the target's own schema in descriptions and in statements: cannot be in a name or a text of SQL. */
export const ownSchema = '\u0001'

/** Everything that counts in one target's schema, sorted by kind and name. */
export interface SchemaPicture {
  /** Hash over all objects: equal pictures, equal hashes, for one version of this code and one kind of server. */
  hash: string
  objects: readonly PictureObject[]
}

/** What is looked at, and what is passed over. */
export interface PictureScope {
  kinds: readonly ObjectKind[]
  /** Tables that belong to no migration: the history table, the ledger, a native lock. Their parts are passed over, too. */
  exceptTables: readonly string[]
  /** Names that match (a regular expression that both JavaScript and the server read the same way) are passed over. */
  ignore: readonly { kind: ObjectKind | null; name: string }[]
}

/** Hashes of many targets of one database. */
export interface FingerprintReading {
  /** In the order asked for; null: there is no such schema. */
  hashes: readonly (string | null)[]
}

/** Statements that make an object, in the order they must run; {@link ownSchema} stands for the schema. */
export interface Creation {
  kind: ObjectKind
  name: string
  statements: readonly string[]
}

/** How two pictures differ in one object. */
export interface Difference {
  change: 'missing' | 'extra' | 'changed'
  kind: ObjectKind
  object: string
  /** For `changed`: which property, from what (the reference) to what; else the definition in short. */
  detail: string
}

/** How a dialect looks at schemas. */
export interface Pictures {
  /**
   * Hashes of many targets of one database (schemas; null: the connection's database or default schema), in as few
   * messages as the server's memory and lock table allow; nothing of the schemas themselves travels. Throws `DatabaseError`.
   */
  fingerprint(
    connection: Connection,
    targets: readonly (string | null)[],
    scope: PictureScope,
  ): Promise<FingerprintReading>
  /** One target's schema; its `hash` is what {@link fingerprint} gives for it. null: there is no such schema. */
  describe(connection: Connection, target: string | null, scope: PictureScope): Promise<SchemaPicture | null>
  /**
   * What makes these objects, read from the target that has them. Objects that come with another one (a column with its
   * new table) are left out where that one is asked for, too. In an order in which they can be made.
   */
  creations(connection: Connection, target: string | null, objects: readonly PictureObject[]): Promise<Creation[]>
}

/** How a dialect makes and removes places for trying things out. Names are made by the caller, and new. */
export interface Scratch {
  /** A database that every server has, to give commands from. */
  readonly home: string
  /**
   * `connection` is to any database of the server. Throws `DatabaseError`.
   * @param defaults what {@link defaultsOf} told of a database that it should be like; null: the server's own
   */
  createDatabase(connection: Connection, name: string, defaults?: string | null): Promise<void>
  /** What a database was made with that its tables take over unsaid, and that is told only where they differ; null: nothing. */
  defaultsOf(connection: Connection): Promise<string | null>
  /** Ends sessions that are in it. Nothing happens where there is none. */
  dropDatabase(connection: Connection, name: string): Promise<void>
  createSchema(connection: Connection, name: string): Promise<void>
  dropSchema(connection: Connection, name: string): Promise<void>
  /** Databases whose name begins so: what killed runs left behind is among them. */
  listDatabases(connection: Connection, prefix: string): Promise<string[]>
  /** Is anybody connected to it? */
  isInUse(connection: Connection, name: string): Promise<boolean>
}
