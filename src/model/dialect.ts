import type { Batches } from './batches.ts'
import type { CodeRequest, CodeSession } from './code.ts'
import type { Emptying } from './emptying.ts'
import type { ErrorCode } from './errors.ts'
import type { HealthQuestion, HealthReading, HealthTarget } from './health.ts'
import type { AdvisoryLock, HistoryShape, HistorySnapshot, NativeLockState } from './history.ts'
import type { Migration } from './migration.ts'
import type { StatementNames } from './named-objects.ts'
import type { Phrases, TransactionSettings } from './phrases.ts'
import type { Pictures, Scratch } from './picture.ts'
import type { Places } from './places.ts'
import type { RegistryWords } from './registry-words.ts'
import type { Removal } from './removal.ts'
import type { Samples } from './sample.ts'
import type { DestructiveStep, Script, ScriptStatement } from './script.ts'
import type { SeedWords } from './seed-words.ts'
import type { DialectName, ServerAddress } from './server.ts'
import type { StatementReader } from './statement-facts.ts'
import type { ReadTableSizes } from './table-sizes.ts'

/** What a kind of database can do. Decisions are taken on these, never on the dialect's name. */
export interface DialectFeatures {
  /** DDL is undone by ROLLBACK. */
  transactionalDdl: boolean
  /** Several tenants may live in schemas of one database. */
  schemas: boolean
  /** How statements call what a target without a schema holds, where that is not the name of its database. */
  ownSchema?: string
}

/** An error of the server or of the connection, told apart. */
export interface DatabaseFailure {
  kind:
    | 'statement' // the server refused it
    | 'locked' // our own try-lock did not get the target's lock
    | 'native-locked' // the adopted tool's own lock is held: it runs, or it died while it did
    | 'already-applied' // the history row appeared under the lock: somebody else was faster
    | 'left-transaction' // the body ended our transaction
    | 'lock-timeout'
    | 'deadlock'
    | 'statement-timeout'
    | 'cancelled'
    | 'already-exists'
    | 'connection-lost' // broken after it was established; what was sent may have been carried out
    | 'unreachable' // never established
    | 'authentication'
    | 'tls'
    | 'database-missing'
    | 'database-unusable' // it alone: no rights on it, damaged, or none of this kind; others of the server are not concerned
    | 'too-many-connections'
  /** The server's message. Never holds credentials or the text of other sessions' queries. */
  message: string
  /** Further lines of the server (DETAIL, HINT, CONTEXT), joined; null if none. */
  detail: string | null
  sqlstate: string | null
  /** 1-based code point within the statement sent; null if the server did not say. */
  position: number | null
}

const brand = Symbol.for('tenantry.database-error')

/** Thrown by connections; `failure` says what it was. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError'
  readonly failure: DatabaseFailure
  readonly [brand] = true

  /** Also those of another copy of this package: a dialect of a project may come from the one installed there. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && brand in value
  }

  constructor(failure: DatabaseFailure, cause?: unknown) {
    super(failure.message, cause === undefined ? undefined : { cause })
    this.failure = failure
  }
}

export interface PipelineOutcome {
  /** Statements the server has confirmed; equals the index of the failing one, if there is one. */
  done: number
  failure: DatabaseFailure | null
}

/** One session with one database. Not for concurrent use. */
export interface Connection {
  readonly server: ServerAddress
  readonly database: string
  /** Numeric server version as the dialect counts it (PostgreSQL: 180004). */
  readonly version: number
  /** Id of the session as the server gave it at connect; behind a pooler it is the pooler's own. */
  readonly sessionId: number | null
  /** It can't be used any more. */
  readonly broken: boolean
  /** Does a pooler sit in between, so that nothing of a session may be relied on? Asked once. */
  isPooled(): Promise<boolean>
  /** One statement, awaited. Throws {@link DatabaseError}. */
  query(text: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>
  /**
   * A text of one or more statements in one message, as the native tool would send it. Gives the rows of the last
   * statement. Throws {@link DatabaseError}.
   */
  run(text: string): Promise<Record<string, unknown>[]>
  /**
   * Statements in order, in as few round trips as the dialect can; the first error stops the rest.
   * Never throws for what the server says. `onDone(i)` is called as statement i is confirmed.
   * After a failure the connection is rolled back and ready again, or `broken`.
   */
  pipeline(statements: readonly string[], onDone?: (index: number) => void): Promise<PipelineOutcome>
  /**
   * A stand-in for the driver, for migrations that are code; nothing else may use this connection until it is closed.
   * Never rolls back by itself.
   */
  openCode(request: CodeRequest): CodeSession
  /** Asks the server, over another session, to cancel what runs here. */
  cancel(): Promise<void>
  /** Forgets everything a body may have set. */
  reset(): Promise<void>
  close(): Promise<void>
}

export interface ConnectOptions {
  connectTimeoutMs: number
  applicationName: string
}

/** Holds a target's lock over several transactions. */
export interface TargetLock {
  /** {@link Phrases.reset} lets go of it, too. */
  readonly freedByReset: boolean
  release(): Promise<void>
}

export interface HistoryRequest {
  shape: HistoryShape
  table: string
  /** Schema of the history table where it is not the target's own. */
  schema: string | null
  /** Targets' schemas; null: the connection's default schema. */
  targets: readonly (string | null)[]
  /** Read our ledger's rows too; without, they are read only where the history table cannot tell (half-done, no checksums). */
  ledger: boolean
  /** Also needed: do these tables exist in each target? */
  requiredTables: readonly string[]
  /** How long to wait for one locked history table. */
  lockTimeoutMs: number
}

export interface HistoryReading {
  snapshots: readonly HistorySnapshot[]
  /** For each target asked for: index into `snapshots`, or -1 when its schema does not exist. */
  of: Int32Array
  /** For each target: which of `requiredTables` are missing. Only targets that miss some. */
  missingTables: ReadonlyMap<number, readonly string[]>
  /** Targets whose history could not be read (no privilege, locked by somebody else), and why. */
  failures: ReadonlyMap<number, DatabaseFailure>
  /** Schema that null stands for. */
  defaultSchema: string
}

/** Verdict of the catalog on a statement whose fate is not known. */
export interface ProbeVerdict {
  /**
   * `landed`: its effect is there. `absent`: it is not, run it. `repeat`: running it again is harmless.
   * `rebuild`: half of it is there; run `cleanup` first, then it. `unknown`: cannot be told.
   */
  verdict: 'landed' | 'absent' | 'repeat' | 'rebuild' | 'unknown'
  /** Run first. With `landed`: the statement is complete once it has run (a detach that is pending). */
  cleanup: readonly string[]
  /** For people: "index orders_i is there but invalid". */
  reason: string
  /** With `unknown`: the session that still carries it out; ask again once that has ended. */
  runningIn?: number
}

export interface Blocker {
  sessionId: number
  applicationName: string
  user: string
  /** ISO time since when its transaction runs. */
  since: string | null
  state: string | null
}

export interface CompileOptions {
  /** Targets are schemas: names are adapted, extensions shared. False: the target is a whole database. */
  schemaTargets: boolean
  /** How many schema targets the largest database of the fleet has: some statements cannot be run for a second one. */
  targetsPerDatabase: number
  sharedSchema: string
}

/** Compiled scripts of a set; compiled on first use and kept. */
export interface ScriptBook {
  up(migration: Migration): Promise<Script>
  /** null: there is no undo. */
  down(migration: Migration): Promise<Script | null>
}

/**
 * One kind of database. docs/add-a-dialect.md tells how one is added. Differences are said in `features`; nothing above
 * this floor asks for a dialect's name.
 */
export interface Dialect {
  readonly name: DialectName | (string & {})
  /** The built-in dialect whose SQL it speaks; of a built-in one, its own name. */
  readonly family: DialectName
  readonly features: DialectFeatures
  readonly phrases: Phrases
  readonly pictures: Pictures
  readonly scratch: Scratch
  readonly samples: Samples
  /** How places of tenants are made; absent: tenants cannot be provisioned here. */
  readonly places?: Places
  /** How a place is measured and dumped before it is dropped. */
  readonly removal: Removal
  /** What statements do, for rules. */
  readonly facts: StatementReader
  /** How large tables are, for one database at a time. */
  readonly tableSizes: ReadTableSizes<Connection>
  /** How rows are walked in batches; absent: data changes are not known here. */
  readonly batches?: Batches
  /** How the rows of many tables are taken away; absent: no samples are made here. */
  readonly emptying?: Emptying
  /** How a book of tenants is kept; absent: it cannot be kept here. */
  readonly registryWords?: RegistryWords
  /** How rows of seed files are written; absent: seeds are not known here. */
  readonly seedWords?: SeedWords
  quoteIdentifier(name: string): string
  quoteLiteral(value: string): string
  /** Throws {@link DatabaseError}. */
  connect(server: ServerAddress, database: string, options: ConnectOptions): Promise<Connection>
  /**
   * What the driver's own constructors take, for an application: with the password in clear, TLS by the rules of this
   * project, and the schema on the search path.
   */
  driverOptions(
    server: ServerAddress,
    database: string,
    schema: string | null,
    sharedSchema: string,
  ): Record<string, unknown>
  compile(migrations: readonly Migration[], options: CompileOptions): ScriptBook
  /** One bulk read of many targets of one database. Throws {@link DatabaseError}. */
  readHistories(connection: Connection, request: HistoryRequest): Promise<HistoryReading>
  /**
   * What is wrong in targets of one database, whoever made it: indexes and constraints that are not valid, sequences behind
   * their columns, tables that are shared and not set apart. In the order asked for; in as few messages as the server's
   * memory and lock table allow. Throws {@link DatabaseError}.
   */
  health(
    connection: Connection,
    targets: readonly HealthTarget[],
    question: HealthQuestion,
  ): Promise<readonly HealthReading[]>
  /** Takes the target's lock for work outside one transaction; null: somebody else holds it. */
  lockTarget(connection: Connection, key: string, another: () => Promise<Connection>): Promise<TargetLock | null>
  /** Who holds the lock of a target right now (or a tool's own advisory lock, by its number), if that can be seen. */
  lockHolder(connection: Connection, key: string | { advisory: AdvisoryLock }): Promise<Blocker | null>
  /** SQL that a session needs before autocommit statements of a target. */
  sessionSettings(settings: TransactionSettings, version: number): string[]
  /** Why this statement cannot run on its own behind a transaction pooler; null: it can. */
  poolerObstacle(statement: ScriptStatement, schema: string | null): string | null
  /** What the catalog says about a statement that was sent and not confirmed. */
  probe(connection: Connection, statement: ScriptStatement, schema: string | null): Promise<ProbeVerdict>
  /** Rows that destructive steps would take away, per step (0: none, null: cannot be told). */
  countRows(
    connection: Connection,
    schema: string | null,
    steps: readonly DestructiveStep[],
  ): Promise<(number | null)[]>
  /** What a statement makes and names; nothing where it cannot be read. Asks no server. */
  nameObjects(statement: ScriptStatement, schema: string | null): Promise<StatementNames>
  /** Sessions that block the given one. */
  blockers(connection: Connection, sessionId: number): Promise<Blocker[]>
  /** Installs extensions once per database; safe when several runners do it. */
  ensureExtensions(connection: Connection, extensions: Script['extensions'], sharedSchema: string): Promise<void>
  /** For "already exists" errors: does the object in the way equal what the statement makes? */
  compareExisting(
    connection: Connection,
    statement: ScriptStatement,
    schema: string | null,
  ): Promise<'equal' | 'different' | 'unknown'>
  /** The adopted tool's lock row: who holds it, and since when where the server can tell. null: there is no such table. */
  readNativeLock(
    connection: Connection,
    schema: string | null,
    table: string,
    lock: { key: string; column: string },
  ): Promise<NativeLockState | null>
  /** Names of schemas that match (a `LIKE` pattern or a regular expression), sorted. */
  listSchemas(connection: Connection, match: { like: string } | { regex: string }): AsyncIterable<string>
}

/** Error code that a failure gets when it ends a target. */
export const failureCodes: Record<DatabaseFailure['kind'], ErrorCode> = {
  statement: 'MIGRATION_FAILED',
  locked: 'TARGET_LOCKED',
  'native-locked': 'NATIVE_LOCKED',
  'already-applied': 'INTERNAL',
  'left-transaction': 'LEFT_TRANSACTION',
  'lock-timeout': 'LOCK_TIMEOUT',
  deadlock: 'MIGRATION_FAILED',
  'statement-timeout': 'MIGRATION_TIMEOUT',
  cancelled: 'MIGRATION_CANCELLED',
  'already-exists': 'ALREADY_EXISTS',
  'connection-lost': 'CONNECTION_LOST',
  unreachable: 'SERVER_UNREACHABLE',
  authentication: 'AUTHENTICATION_FAILED',
  tls: 'TLS_FAILED',
  'database-missing': 'DATABASE_MISSING',
  'database-unusable': 'DATABASE_UNUSABLE',
  'too-many-connections': 'SERVER_UNREACHABLE',
}
