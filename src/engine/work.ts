import { randomBytes } from 'node:crypto'
import type { Connection, Dialect, ScriptBook } from '../model/dialect.ts'
import { DatabaseError } from '../model/dialect.ts'
import { type ErrorDocument, TenantryError } from '../model/errors.ts'
import type { Emit } from '../model/events.ts'
import { advisoryLockOf, type HistoryEntry, type HistorySnapshot } from '../model/history.ts'
import type { Migration } from '../model/migration.ts'
import type { TransactionGuard, TransactionMark, TransactionSettings } from '../model/phrases.ts'
import type { PlannedStep, Standing, TargetPlan } from '../model/plan.ts'
import type { Script } from '../model/script.ts'
import type { Target } from '../model/tenant.ts'
import { type HistoryPlace, keyBelow } from './history-sql.ts'
import { spellingsOf } from './match-history.ts'
import type { ConnectionPool } from './pool.ts'
import type { EngineSettings } from './settings.ts'

/** Everything that carrying out one target's plan needs. */
export interface TargetWork {
  dialect: Dialect
  pool: ConnectionPool
  target: Target
  set: string
  plan: TargetPlan
  place: HistoryPlace
  book: ScriptBook
  /** `session` statements of the set. */
  session: readonly string[]
  /** Everything pending in one transaction. */
  oneTransaction: boolean
  /** What is to be done with a history as it is now; used again after somebody else changed it. */
  replan: (snapshot: HistorySnapshot) => {
    standing: Standing
    steps: readonly PlannedStep[]
    error: ErrorDocument | null
  }
  settings: EngineSettings
  rollout: string
  emit: Emit
  /** Cancels what runs in the server. */
  cancel: AbortSignal
  /** Run before something destructive; throws to keep the target untouched. */
  backup: ((target: Target) => Promise<void>) | null
  /** Would this step take something away? Asked only where there is a `backup`; absent: as its script says. */
  isDestructive?: (step: CompiledStep) => Promise<boolean>
}

/** A step with its compiled script. */
export interface CompiledStep {
  migration: Migration
  direction: 'up' | 'down'
  script: Script
}

/** What became of some steps of a target. */
export interface StepsOutcome {
  /** Steps carried out and recorded, from the first on. */
  finished: number
  failure: StepFailure | null
}

export interface StepFailure {
  failure: import('../model/dialect.ts').DatabaseFailure
  step: CompiledStep
  /** Statement of the file that failed; null: one of ours around it. */
  statement: import('../model/script.ts').ScriptStatement | null
  /** Where in a migration that is code, which has no statements of a file. */
  at?: { statement?: number; line?: number; column?: number }
  /** It must not be tried again: whether its statement landed cannot be told. Absent: false. */
  final?: boolean
  /** A finished error, where more is known than the failure says. */
  error?: ErrorDocument
}

/**
 * What a target's lock is named by. Locks are local to a database, and a database can be reached under several names
 * (a pooler's alias): so neither server nor database is in it.
 */
export function lockKeyOf({ placement }: Target, historySchema: string): string {
  return placement.schema ?? historySchema
}

export function schemaOf(work: TargetWork): string | null {
  return work.target.placement.schema ?? null
}

/** `step`: the one they are for alone, which may bring settings of its own. */
export function transactionSettings(work: TargetWork, step?: CompiledStep): TransactionSettings {
  const { settings } = work
  const own = step?.script.code?.session?.(work.dialect.family) ?? []
  return {
    schema: schemaOf(work),
    sharedSchema: settings.sharedSchema,
    lockTimeoutMs: settings.lockTimeoutMs,
    statementTimeoutMs: settings.statementTimeoutMs,
    idleInTransactionTimeoutMs: settings.idleInTransactionTimeoutMs,
    session: own.length === 0 ? work.session : [...work.session, ...own],
  }
}

/** A mark for one transaction; `lock`: it takes the target's lock itself. */
export function markFor(work: TargetWork, lock: boolean): TransactionMark {
  return {
    lockKey: lock ? lockKeyOf(work.target, work.place.schema) : null,
    token: randomBytes(9).toString('base64url'),
    ...advisoryMark(work.dialect, work.place),
  }
}

/** The adopted tool's advisory lock: in each transaction of ours, so that the tool waits for it. */
export function advisoryMark(
  { quoteIdentifier }: Pick<Dialect, 'quoteIdentifier'>,
  { shape, schema, table }: HistoryPlace,
): Pick<TransactionMark, 'nativeLock'> {
  const nativeLock = advisoryLockOf(shape, `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`)
  return nativeLock === null ? {} : { nativeLock }
}

/** The guard of one transaction over these steps, all of one direction. */
export function guardFor(work: TargetWork, steps: readonly CompiledStep[], halfDone: boolean): TransactionGuard {
  const { entries } = work.plan.standing.snapshot
  return {
    expect: steps[0]?.direction === 'down' ? 'present' : 'absent',
    history: { ...work.place, keys: keysOf(work, steps, entries) },
    ...checksumsOf(work, steps),
    ...markOf(work, steps[0], halfDone),
    notHalfDone: halfDone ? steps.map(({ migration }) => migration.id) : [],
  }
}

/** Where a table has one row for each, the row of a migration that repeats is replaced: it says nothing. */
function keysOf({ place }: TargetWork, steps: readonly CompiledStep[], entries: readonly HistoryEntry[]): string[] {
  const told = steps.filter(({ migration }) => migration.repeats !== true || place.shape.keyElse !== undefined)
  return told.length === 0 ? [''] : told.flatMap(({ migration }) => spellingsOf(migration, entries))
}

/** A migration that repeats has rows already; one that says what its file says now is one too many. */
function checksumsOf({ place }: TargetWork, steps: readonly CompiledStep[]): Pick<TransactionGuard, 'checksums'> {
  const [step] = steps
  if (step?.migration.repeats !== true || place.shape.keyElse === undefined) return {}
  return { checksums: [step.migration.checksum, ...step.migration.otherChecksums] }
}

/**
 * Guards of steps that go under one lock, before the first of them. One each: of several rows that an undo expects, each
 * must be there. Where the history is one mark, it stands where the first of them wants it.
 */
export function guardsAhead(work: TargetWork, steps: readonly CompiledStep[]): TransactionGuard[] {
  const asked = work.plan.standing.marked === true ? steps.slice(0, 1) : steps
  return asked.map((step) => guardFor(work, [step], true))
}

/** Where the mark must stand before a step: an up goes on from the one before it, a down begins at its own. */
function markOf(work: TargetWork, step: CompiledStep | undefined, whole: boolean): Pick<TransactionGuard, 'mark'> {
  const { standing, steps } = work.plan
  if (standing.marked !== true || step === undefined) return {}
  const { migration, direction } = step
  const own = migration.number
  if (direction === 'down') return { mark: { at: own, begun: null } }
  const planned = steps.flatMap((one) =>
    one.direction === 'up' && one.migration.number !== null ? [one.migration.number] : [],
  )
  const at = keyBelow([...standing.snapshot.entries.map(({ key }) => key), ...planned], migration)
  return { mark: { at, begun: whole ? null : own } }
}

/**
 * Forgets what bodies may have left in a session that goes on to the next target. A function that a body calls can set
 * anything, so this is not asked of the text. A session where it fails is closed.
 */
export async function cleanSession(work: TargetWork, connection: Connection): Promise<void> {
  if (connection.broken) return
  const { failure } = await connection.pipeline(work.dialect.phrases.reset)
  if (failure !== null) await connection.close()
}

/**
 * Reads this one target's history again, ledger included. Throws `DatabaseError`, also where the history is there and
 * cannot be read: it must never be taken for an empty one. Throws SCHEMA_MISSING.
 */
export async function readSnapshot(work: TargetWork, connection: Connection): Promise<HistorySnapshot> {
  const ask = () =>
    work.dialect.readHistories(connection, {
      shape: work.place.shape,
      table: work.place.table,
      schema: schemaOf(work) === work.place.schema ? null : work.place.schema,
      targets: [schemaOf(work)],
      ledger: true,
      requiredTables: [],
      lockTimeoutMs: work.settings.lockTimeoutMs,
    })
  let reading = await ask()
  // A table that goes while it is read ("no such relation") may have gone with its schema: the next look tells.
  if (reading.failures.get(0)?.kind === 'statement') reading = await ask()
  const failure = reading.failures.get(0)
  if (failure !== undefined) throw new DatabaseError(failure)
  const snapshot = reading.snapshots[reading.of[0] ?? -1]
  if (snapshot !== undefined) return snapshot
  throw new TenantryError('SCHEMA_MISSING', `The schema of ${work.target.name} does not exist any more.`, {
    context: { target: work.target.name, set: work.set },
  })
}
