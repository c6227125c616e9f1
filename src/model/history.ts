import type { DialectName } from './server.ts'

/** Kinds of history tables, as they are written in a config. */
export const historyKinds = [
  'schema_migrations',
  'prisma',
  'knex',
  'sequelize',
  'dbmate',
  'sql-migrate',
  'goose',
  'golang-migrate',
  'node-pg-migrate',
  'drizzle',
  'typeorm',
  'kysely',
  'flyway',
] as const

export type HistoryKind = (typeof historyKinds)[number]

/** Column types in words; each dialect has its own SQL for them. */
export type ColumnType =
  | 'serial-key'
  | 'serial'
  | 'row-id'
  | 'uuid-text-key'
  | 'name-key'
  | 'version-key'
  | 'text-key'
  | 'varchar255-key'
  | 'generated-id'
  | 'varchar'
  | 'datetime'
  | 'identity-key'
  | 'stamp'
  | 'bigint'
  | 'bigint-key'
  | 'boolean'
  | 'varchar255'
  | 'varchar64'
  | 'varchar20'
  | 'varchar50'
  | 'varchar100'
  | 'varchar200'
  | 'varchar1000'
  | 'int'
  | 'bool'
  | 'stamp-now'
  | 'text'
  | 'timestamp'
  | 'timestamptz'
  | 'epoch-ms'
  | 'row-time'
  | 'integer'

export interface HistoryColumn {
  name: string
  type: ColumnType
  notNull?: boolean
  unique?: boolean
  default?: 'now' | '0'
}

/** A value for a new history row. */
export type HistoryValue = string | number | null | 'now()'

/** Columns of a history row that a format fills by itself. */
export type RowColumns = Readonly<Record<string, string | number | null>>

/** A new row, before the shape turns it into columns. */
export interface NewHistoryRow {
  /** The key as this target's rows spell it (id, number or file name). */
  key: string
  checksum: string
  description: string | null
  steps: number
  /** Number of the batch: one more than the highest in the history when the run of this target began. */
  batch: number
  /** What only the format knows of the row. Absent: nothing, or the migration is of another format. */
  own?: RowColumns
}

/** How a tool's history table looks, as data. */
export interface HistoryShape {
  /** One of the known kinds; a format that a config adds may bring another. */
  kind: HistoryKind | (string & {})
  defaultTable: string
  /** Used to create the table where it is missing. An existing table is taken as it is. */
  columns: readonly HistoryColumn[]
  /**
   * A primary key that the tool gives a name of its own: by its table, in these kinds of databases. Absent: the types of
   * the columns say which it is.
   */
  primaryKey?: { column: string; families: readonly DialectName[]; name(table: string): string }
  /** Column that names the migration. */
  key: string
  /**
   * A column that names it instead, in the rows where it holds something; a table may lack it (Drizzle 1 added one to
   * what was there). Absent: there is none.
   */
  nameKey?: string
  /** Where the tool keeps its table in a database that is one target, and has schemas: it makes that schema. Absent: among the rest. */
  ownSchema?: string
  /** Where the key is null, this column names the migration, which is one that {@link Migration.repeats}. Absent: never null. */
  keyElse?: string
  checksum: string | null
  /** Columns that tell the order of application; the first one that exists is used. */
  order: readonly string[]
  /** Column that is null while a migration is running or after it failed; null: a row means applied. */
  finishedAt: string | null
  /** Column that is not null when the row was rolled back and counts as absent. */
  rolledBackAt: string | null
  /**
   * Columns that the tool fills when a migration begins; the others when it is finished. A migration of ours that
   * commits in parts has such a row, too, so that the tool takes it for failed and keeps off. Absent: no row until then.
   */
  begun?: readonly string[]
  /** Column in which the tool notes why a row is failed; absent: it has none. */
  logs?: string
  /** Column with the number of the batch that a row was applied in; null: the tool has no batches. */
  batch: string | null
  /** `file`, `number`: always the file's name or number, as the tool itself spells it. `as-rows`: as most rows do. */
  spelling: 'id' | 'file' | 'number' | 'as-rows'
  /** Keys of rows that stand for no migration (goose's first one). Absent: none. */
  ignoredKeys?: readonly string[]
  /**
   * A column that says yes or no, and what a row is then. `undone`: it takes back an earlier row of its key, as old
   * versions of goose wrote it. Absent: the tool has none.
   */
  flag?: { column: string; yes: HistoryEntry['state']; no: HistoryEntry['state'] }
  /**
   * A column with a word that says what a row is, for rows that the flag does not call failed. Words that are not listed
   * say "applied". Absent: the tool has none.
   */
  kinds?: { column: string; states: Readonly<Record<string, HistoryEntry['state']>> }
  /**
   * What the tool writes when it undoes: it keeps all rows, and adds one. Only some of its editions know such rows, and
   * the others take no history that has one: so we write it where one is there, and delete the row elsewhere. Absent: it
   * deletes the row itself.
   */
  undoneRow?(row: NewHistoryRow): RowValues
  /** How the tool speaks of a failed row, and the command that takes it away; its rows hold no more of it. Absent: see `logs`. */
  failed?: { called: string; repair: string }
  /** What a checksum looks like that the tool itself wrote: another one then means that the file was changed. Absent: unknown. */
  digest?: RegExp
  /** The tool has a command that corrects its checksums, so that they count before those of our ledger. Absent: it has none. */
  corrects?: true
  /** An index that the tool makes with the table. Absent: none. */
  index?: { name(table: string): string; column: string }
  /**
   * The table has one row, a mark: every migration up to its number is applied (golang-migrate). It needs a `flag` that
   * says "failed". Absent: a row for each.
   */
  mark?: true
  /** `folder`: what the tool undoes first is the last one in the order of its files. Absent: the last row. */
  undoOrder?: 'folder'
  /** The lock that the tool itself takes; null: it has none. A run of ours holds it, too. */
  nativeLock: NativeLock | null
  /** Appended to CREATE TABLE where the tool does so (`ENGINE=InnoDB …`). */
  tableOptions?: Partial<Record<DialectName, string>>
  /**
   * Column values of a row for a migration that was applied. `{ now: true }` is the server's clock; `{ now: 'text' }`
   * that of `Date.toISOString`, and never before what the column holds already: the tool tells the order by it, and its
   * rows have the clock of the machine that it ran on. `{ now: 'stored' }`: such a text only where a database has no type
   * for times.
   */
  values(row: NewHistoryRow): RowValues
  /** A row that the tool writes when it makes the table. Absent: none. */
  firstRow?: Readonly<Record<string, number | boolean>>
  /** A table that the tool makes with it, and its one row. Absent: none. */
  beside?: { table: string; columns: readonly HistoryColumn[]; row: Readonly<Record<string, string | number>> }
}

/**
 * Column values of a new row. `{ next: true }` is one more than the highest of its column, `{ user: true }` the name of
 * the session's user, `{ elapsed: true }` the milliseconds since its transaction began.
 */
export type RowValues = Record<
  string,
  | string
  | number
  | boolean
  | null
  | { now: true | 'text' | 'stored' }
  | { uuid: true }
  | { next: true }
  | { user: true }
  | { elapsed: true }
>

/** What a tool does so that two of its runs do not meet. */
export type NativeLock =
  /**
   * A table beside the history table, named after it, with one row whose column is 0 while nobody runs (Knex). We
   * write {@link ownLockValue} where the tool writes 1: what a killed run of ours left is then told from a stray run.
   */
  | { kind: 'row'; tableSuffix: string; key: string; column: string }
  | ({ kind: 'advisory' } & AdvisoryLock)
  /** One for each history table (Flyway), named by what the tool itself calls it: schema and table, quoted. */
  | { kind: 'advisory-of-table'; of(table: string): AdvisoryLock }

/** An advisory lock of the whole database (Prisma, Kysely). We take it shared: our runs do not keep each other out. */
export interface AdvisoryLock {
  /** Of PostgreSQL's functions; as text where it is larger than a number holds exactly. */
  key: number | string
  /** Of the named lock that the tool takes on MySQL, which has no shared ones: only looked at. Absent: none. */
  name?: string
}

/** What stands in a tool's lock row. */
export interface NativeLockState {
  /** `own`: a run of ours wrote it. */
  held: 'free' | 'tool' | 'own'
  /** ISO time of the last write, where the server keeps one; null: it cannot be told. */
  since: string | null
}

/** The tool's advisory lock for a history table; `table`: schema and table, quoted. null: it has none. */
export function advisoryLockOf({ nativeLock }: HistoryShape, table: string): AdvisoryLock | null {
  if (nativeLock?.kind === 'advisory') return nativeLock
  return nativeLock?.kind === 'advisory-of-table' ? nativeLock.of(table) : null
}

/** What stands in a native lock row while a run of ours holds it. Any value but 0 keeps the tool out. */
export const ownLockValue = 2

/** The table of a `row` lock. */
export function nativeLockTable(table: string, lock: { tableSuffix: string }): string {
  return `${table}${lock.tableSuffix}`
}

/** One row of a target's history, as stored. */
export interface HistoryEntry {
  /** The key as stored. */
  key: string
  checksum: string | null
  /**
   * `failed`: the tool's own table says it started and did not finish. `undone`: it takes an earlier row back; `gone`: so
   * does a correction of the history, which undid nothing. `floor`:
   * all files up to its number count as applied. `foreign`: applied, by something that only the tool itself can run.
   * `aside`: it stands for no migration.
   */
  state: 'applied' | 'failed' | 'undone' | 'gone' | 'floor' | 'foreign' | 'aside'
  /** It is a row of a migration that repeats. Absent: it is not. */
  repeats?: true
  /** Absent: the history has no batches, or this row has none. */
  batch?: number
  /** What the tool itself noted about a failure (Prisma's `logs`), where the row is `failed`. */
  logs?: string
}

/** One row of our own table beside it: what the tool's table cannot hold. */
export interface LedgerEntry {
  /** The migration's id. */
  migration: string
  checksum: string
  /** `running` and `undoing`: half-done, or being worked on right now. */
  state: 'applied' | 'running' | 'undoing' | 'undone'
  statementsDone: number
  statementsTotal: number
  /** First 16 hex digits of the hash over the statements that are done. */
  prefix: string
  /** null where it was not asked for. */
  rollout: string | null
}

/**
 * What one target has applied. Targets with equal histories share one frozen object, so that 10,000 schemas
 * cost a handful of them.
 */
export interface HistorySnapshot {
  /** Columns of the existing history table; null: the table does not exist. */
  columns: readonly HistoryTableColumn[] | null
  /** In order of application. */
  entries: readonly HistoryEntry[]
  hasLedger: boolean
  /** Entries of this history table only. */
  ledger: readonly LedgerEntry[]
}

export interface HistoryTableColumn {
  name: string
  /** Only whether a name fits in it matters here. */
  type: 'integer' | 'other'
  notNull: boolean
  hasDefault: boolean
}

/** The expression that names the migration of a row. `asText`: of a column that is quoted already. */
export function keyExpression(
  { key, keyElse, nameKey }: HistoryShape,
  quote: (name: string) => string,
  asText: (expression: string) => string,
): string {
  const own = asText(quote(key))
  if (nameKey !== undefined) return `COALESCE(${asText(quote(nameKey))}, ${own})`
  return keyElse === undefined ? own : `COALESCE(${own}, ${asText(quote(keyElse))})`
}

/** Our own table beside the history table: what that one cannot hold. Never has an index: it is short and read whole. */
export const ledgerTable = 'tenantry_ledger'

/** Our table of data changes and their cursors, in each target that has had one. */
export const dataChangeTable = 'tenantry_data_changes'

/** Our table of what seeds have written, in each target that has had one. */
export const seedTable = 'tenantry_seeds'

/** Columns of {@link ledgerTable}. Their widths keep a row below PostgreSQL's limit for a TOAST table (about 2 kB). */
export const ledgerColumns = [
  ['history', 'varchar(63) NOT NULL'],
  ['migration', 'varchar(255) NOT NULL'],
  ['checksum', 'varchar(64) NOT NULL'],
  ['state', 'varchar(10) NOT NULL'],
  ['statements_done', 'integer NOT NULL'],
  ['statements_total', 'integer NOT NULL'],
  ['prefix', 'varchar(16) NOT NULL'],
  ['rollout', 'varchar(32) NOT NULL'],
  ['duration_ms', 'integer NOT NULL'],
  ['applied_by', 'varchar(40) NOT NULL'],
  ['recorded_at', 'timestamp NOT NULL'],
] as const
