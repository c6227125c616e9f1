import { type Connection, DatabaseError } from '../model/dialect.ts'
import { TenantryError } from '../model/errors.ts'
import type { LedgerEntry } from '../model/history.ts'
import type { Migration } from '../model/migration.ts'
import type { TransactionMark } from '../model/phrases.ts'
import type { Standing } from '../model/plan.ts'
import type { ScriptStatement } from '../model/script.ts'
import { recordSql } from './apply-pack.ts'
import { createTablesSql, deleteLedgerRowSql, writeLedgerSql } from './history-sql.ts'
import { mustRun } from './must-run.ts'
import { runCode } from './run-code.ts'
import type { Supervision } from './supervise.ts'
import { lockedFailure, StepStopped } from './target-lock.ts'
import {
  type CompiledStep,
  guardFor,
  markFor,
  readSnapshot,
  type StepsOutcome,
  schemaOf,
  type TargetWork,
  transactionSettings,
} from './work.ts'

/**
 * Carries out one code step whose statements commit by themselves. The ledger counts those that change something, so
 * that after an interruption the code is run again and what is done is answered without being sent; the one that was
 * under way is looked for in the catalog. `statements_total` is the count that may be reached: one more than are done
 * while the next one is under way, the same number where the server refused it.
 *
 * The caller holds the target's lock. Throws {@link StepStopped}, `TenantryError`, `DatabaseError`.
 */
export async function applyCodeAlone(
  work: TargetWork,
  connection: Connection,
  step: CompiledStep,
  supervision: Supervision,
): Promise<StepsOutcome> {
  const standing = await readStanding(work, connection, step)
  const isPooled = await connection.isPooled()
  if (isPooled) refusePooled(work, step)
  const mine = standing.snapshot.ledger.find(
    ({ migration, state }) => migration === step.migration.id && (state === 'running' || state === 'undoing'),
  )
  if (mine !== undefined) refuseOther(work, step, mine)
  else await write(work, connection, step, standing, () => progressSql(work, step, 0, '', false), true)
  const settings = transactionSettings(work, step)
  // Behind a pooler they would be made in anybody's session.
  if (!isPooled)
    for (const sql of work.dialect.sessionSettings(settings, connection.version)) await connection.query(sql)
  const code = await runCode(work, connection, step, supervision, {
    transaction: false,
    resume: mine === undefined ? null : resumeAt(work, connection, step, mine),
    progress: (done, prefix) => progressSql(work, step, done, prefix, false),
    ...(isPooled ? {} : { lockTimeoutMs: settings.lockTimeoutMs }),
  })
  if (!code.ok) {
    await noteRefusal(work, connection, step, standing, code)
    return { finished: 0, failure: code.failure }
  }
  if (code.held.length > 0) {
    const { failure } = await connection.pipeline(code.held.map(({ text }) => text))
    if (failure !== null) return { finished: 0, failure: { failure, step, statement: null } }
  }
  // The session is forgotten by the caller, with the lock: until then it must stay held.
  await write(work, connection, step, standing, (mark) => finishSql(work, step, standing, mark), false)
  return { finished: 1, failure: null }
}

/** The history as it is under the lock; somebody may have been faster. */
async function readStanding(work: TargetWork, connection: Connection, step: CompiledStep): Promise<Standing> {
  const { standing, steps, error } = work.replan(await readSnapshot(work, connection))
  const still = steps.some(({ migration, direction }) => {
    return migration.id === step.migration.id && direction === step.direction
  })
  if (error !== null || !still) {
    throw new StepStopped({ ...lockedFailure, kind: 'already-applied', message: 'somebody else was faster' }, null)
  }
  return standing
}

/** Outside a transaction each statement may meet another session, without the tenant's search path. */
function refusePooled(work: TargetWork, step: CompiledStep): void {
  const { target, set } = work
  const { migration, script } = step
  const obstacle =
    schemaOf(work) !== null
      ? "a pooler's sessions do not keep the schema of the tenant"
      : transactionSettings(work, step).session.length > 0
        ? "a pooler's sessions do not keep the settings that are made for it"
        : null
  if (obstacle === null) return
  throw new TenantryError(
    'POOLER_UNSUPPORTED',
    `Migration ${migration.id} cannot run in ${target.name} through a transaction pooler: its code must run outside a transaction, and ${obstacle}.`,
    {
      hint: 'Move the statement that needs this into a migration of plain SQL with the names written in full, or give this server a URL that goes past the pooler.',
      context: { target: target.name, set, migration: migration.id, file: script.file },
    },
  )
}

function refuseOther(work: TargetWork, { migration, direction, script }: CompiledStep, entry: LedgerEntry): void {
  if (entry.state === (direction === 'up' ? 'running' : 'undoing')) return
  throw new TenantryError(
    'MIGRATION_HALF_APPLIED',
    `Migration ${migration.id} in ${work.target.name} is half ${entry.state === 'running' ? 'applied' : 'undone'} (after ${entry.statementsDone} statements), and cannot go ${direction} from there.`,
    {
      hint: `Run \`tenantry ${direction === 'up' ? 'down' : 'up'}\` for it first: it goes on where it stopped.`,
      context: { target: work.target.name, set: work.set, migration: migration.id, file: script.file },
    },
  )
}

function resumeAt(work: TargetWork, connection: Connection, step: CompiledStep, entry: LedgerEntry) {
  const refused = entry.statementsTotal <= entry.statementsDone
  const ask = async (text: string) => {
    const statement = await compileOne(work, step.migration, text)
    return mustRun(work, connection, step.migration.id, statement, () => {}, refused)
  }
  return { done: entry.statementsDone, prefix: entry.prefix, mustRun: ask }
}

/** A statement as the code sent it, so that the catalog can be asked about it. */
async function compileOne(work: TargetWork, migration: Migration, text: string): Promise<ScriptStatement> {
  const body = { kind: 'sql' as const, text, file: migration.up.file }
  const one: Migration = { ...migration, up: body, down: null }
  const options = { schemaTargets: false, targetsPerDatabase: 1, sharedSchema: work.settings.sharedSchema }
  const script = await work.dialect.compile([one], options).up(one)
  const statement = script.segments.flatMap(({ statements }) => statements)[0]
  return statement ?? { index: 1, kind: 'statement', text: () => text, locate: () => ({ line: 1, column: 1 }) }
}

function progressSql(
  work: TargetWork,
  { migration, direction }: CompiledStep,
  done: number,
  prefix: string,
  refused: boolean,
): string[] {
  const { dialect, place, rollout, settings } = work
  const rows = writeLedgerSql(
    dialect,
    place,
    migration,
    {
      state: direction === 'up' ? 'running' : 'undoing',
      statementsDone: done,
      statementsTotal: refused ? done : done + 1,
      prefix,
      rollout,
      appliedBy: settings.appliedBy,
    },
    // Outside a transaction of ours there is nothing to be checked.
    null,
    false,
  )
  return [...rows, ...dialect.phrases.markHalfDone(place.schema, `${migration.id} (${direction}), ${done} statements`)]
}

function finishSql(work: TargetWork, step: CompiledStep, standing: Standing, mark: TransactionMark): string[] {
  return [
    ...recordSql(work, standing, step, mark, false),
    ...work.dialect.phrases.markHalfDone(work.place.schema, null),
  ]
}

/** Refused, these leave something behind all the same: an index that is not valid. */
const leavesRest = /\bconcurrently\b/i

/** A statement that the server refused was not carried out: the catalog is only asked for what it left behind. */
async function noteRefusal(
  work: TargetWork,
  connection: Connection,
  step: CompiledStep,
  standing: Standing,
  code: { done: number; prefix: string; refused: boolean; kind: string | null },
): Promise<void> {
  if (connection.broken || !code.refused) return
  await connection.pipeline([work.dialect.phrases.rollback])
  const rows = () =>
    code.done === 0 && !leavesRest.test(code.kind ?? '')
      ? forgetSql(work, step)
      : progressSql(work, step, code.done, code.prefix, true)
  await write(work, connection, step, standing, rows, false).catch(() => {})
}

/** Nothing was changed: it is as if it had not begun. */
function forgetSql({ dialect, place }: TargetWork, { migration }: CompiledStep): string[] {
  return [deleteLedgerRowSql(dialect, place, migration.id), ...dialect.phrases.markHalfDone(place.schema, null)]
}

async function write(
  work: TargetWork,
  connection: Connection,
  step: CompiledStep,
  standing: Standing,
  rows: (mark: TransactionMark) => string[],
  first: boolean,
): Promise<void> {
  const { dialect, place } = work
  const mark = markFor(work, false)
  const { failure } = await connection.pipeline([
    ...(first ? createTablesSql(dialect, place, standing.snapshot) : []),
    ...dialect.phrases.begin(transactionSettings(work), mark, connection.version),
    ...dialect.phrases.resetRole(transactionSettings(work)),
    dialect.phrases.guard(guardFor(work, [step], false)),
    ...rows(mark),
    dialect.phrases.commit,
  ])
  if (failure !== null) throw new DatabaseError(failure)
}
