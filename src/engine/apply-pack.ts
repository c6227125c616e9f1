import type { Connection } from '../model/dialect.ts'
import type { TransactionMark, TransactionSettings } from '../model/phrases.ts'
import type { Standing } from '../model/plan.ts'
import type { ScriptStatement } from '../model/script.ts'
import { clearBegunSql, createTablesSql, insertHistorySql, removeHistorySql, writeLedgerSql } from './history-sql.ts'
import type { Supervision } from './supervise.ts'
import {
  type CompiledStep,
  cleanSession,
  guardFor,
  guardsAhead,
  markFor,
  type StepsOutcome,
  schemaOf,
  type TargetWork,
  transactionSettings,
} from './work.ts'

/** A statement of the pipeline: whose it is, and which statement of the file, if any. */
interface Sent {
  text: string
  step: number
  statement: ScriptStatement | null
}

/** History and ledger rows of a step that is complete, to be written in its own transaction. */
export function recordSql(
  work: TargetWork,
  standing: Standing,
  step: CompiledStep,
  mark: TransactionMark,
  fresh: boolean,
): string[] {
  const { dialect, place } = work
  const { migration, direction, script } = step
  const history =
    direction === 'up'
      ? insertHistorySql(dialect, place, standing, migration, Math.max(1, script.statementCount), work.rollout)
      : removeHistorySql(dialect, place, standing, migration)
  const ledger = writeLedgerSql(
    dialect,
    place,
    migration,
    {
      state: direction === 'up' ? 'applied' : 'undone',
      statementsDone: script.statementCount,
      statementsTotal: script.statementCount,
      prefix: script.prefixHash(script.statementCount),
      rollout: work.rollout,
      appliedBy: work.settings.appliedBy,
    },
    mark,
    fresh,
  )
  // Half-done until now: the tool's own row for that goes with it.
  const partly = script.mode !== 'transaction' || standing.halfDone.some((half) => half.migration === migration.id)
  const clear = direction === 'up' && partly ? clearBegunSql(dialect, place, migration.keys) : []
  return [...takenSql(work, standing, step), ...ledger, ...clear, ...history]
}

/**
 * Where the history is one mark: what stands below it and is not in our ledger is written there with the first step, so
 * that a file that comes late can be told from one that the tool applied.
 */
function takenSql(work: TargetWork, standing: Standing, { migration, direction }: CompiledStep): string[] {
  const { dialect, place, rollout, settings } = work
  const first = standing.halfDone[0]?.migration ?? standing.pending[0]?.id
  if (standing.marked !== true || direction === 'down' || first !== migration.id) return []
  const known = new Set(standing.snapshot.ledger.map((row) => row.migration))
  const taken = standing.applied.filter(({ id }) => !known.has(id))
  const { appliedBy } = settings
  const record = { state: 'applied' as const, statementsDone: 0, statementsTotal: 0, prefix: '', rollout, appliedBy }
  return taken.flatMap((one) => writeLedgerSql(dialect, place, one, record, null, false))
}

/**
 * Carries out steps that each fit one transaction, all in one round trip: per step lock, guard, body, rows, COMMIT.
 * The first error undoes its own step and stops the ones after it; those before it stay.
 */
export async function applyPack(
  work: TargetWork,
  connection: Connection,
  standing: Standing,
  steps: readonly CompiledStep[],
  supervision: Supervision,
): Promise<StepsOutcome> {
  const sent = work.oneTransaction
    ? oneTransaction(work, connection, standing, steps)
    : steps.flatMap((step, i) => transactionOf(work, connection, standing, step, i, i === steps.length - 1))
  const texts = sent.map(({ text }) => text)
  let finished = 0
  let since = performance.now()
  const outcome = await connection.pipeline(texts, (index) => {
    if (texts[index] !== work.dialect.phrases.commit) return
    const until = (sent[index]?.step ?? 0) + 1
    for (; finished < until; finished++) {
      const step = steps[finished] as CompiledStep
      const now = performance.now()
      work.emit({
        type: 'migration-finished',
        set: work.set,
        target: work.target.name,
        migration: step.migration.id,
        direction: step.direction,
        durationMs: Math.round(now - since),
      })
      since = now
    }
    const next = steps[finished]
    if (next !== undefined) supervision.next(next.migration.id)
  })
  if (outcome.failure === null) return { finished: steps.length, failure: null }
  if (finished > 0 && !connection.broken) await connection.pipeline(work.dialect.phrases.flush)
  await cleanSession(work, connection)
  const at = sent[outcome.done] ?? sent.at(-1)
  const step = steps[at?.step ?? 0] as CompiledStep
  return { finished, failure: { failure: outcome.failure, step, statement: at?.statement ?? null } }
}

function transactionOf(
  work: TargetWork,
  connection: Connection,
  standing: Standing,
  step: CompiledStep,
  index: number,
  last: boolean,
): Sent[] {
  const { phrases } = work.dialect
  const settings: TransactionSettings = { ...transactionSettings(work), ...(last ? {} : { durable: false }) }
  const mark = markFor(work, true)
  const ours = (text: string): Sent => ({ text, step: index, statement: null })
  return [
    ...phrases.begin(settings, mark, connection.version).map(ours),
    ...(index === 0 ? createTablesSql(work.dialect, work.place, standing.snapshot).map(ours) : []),
    ours(phrases.guard(guardFor(work, [step], true))),
    ...bodyOf(work, step, index),
    ...(step.script.changesRole ? phrases.resetRole(settings).map(ours) : []),
    ...recordSql(work, standing, step, mark, !standing.snapshot.hasLedger).map(ours),
    ours(phrases.commit),
    ...(last || mayChangeSettings(step) ? phrases.reset.map(ours) : []),
  ]
}

function bodyOf(work: TargetWork, step: CompiledStep, index: number): Sent[] {
  const schema = schemaOf(work)
  return step.script.segments.flatMap(({ settings, statements }) =>
    [...settings, ...statements].map((statement) => ({ text: statement.text(schema), step: index, statement })),
  )
}

function oneTransaction(
  work: TargetWork,
  connection: Connection,
  standing: Standing,
  steps: readonly CompiledStep[],
): Sent[] {
  const { phrases } = work.dialect
  const settings = transactionSettings(work)
  const mark = markFor(work, true)
  const last = steps.length - 1
  const ours =
    (index: number) =>
    (text: string): Sent => ({ text, step: index, statement: null })
  const body = steps.flatMap((step, index) => [
    ...bodyOf(work, step, index),
    ...(step.script.changesRole ? phrases.resetRole(settings).map(ours(index)) : []),
    ...(mayChangeSettings(step) ? phrases.settings(settings, connection.version).map(ours(index)) : []),
    ...recordSql(work, standing, step, mark, !standing.snapshot.hasLedger).map(ours(index)),
  ])
  return [
    ...phrases.begin(settings, mark, connection.version).map(ours(0)),
    ...createTablesSql(work.dialect, work.place, standing.snapshot).map(ours(0)),
    ...guardsAhead(work, steps).map((guard, index) => ours(index)(phrases.guard(guard))),
    ...body,
    ours(last)(phrases.commit),
    ...phrases.reset.map(ours(last)),
  ]
}

/** What one file sets, or a function that it calls, must not reach the next file. */
export function mayChangeSettings({ script }: CompiledStep): boolean {
  const { changesRole, leavesSession, segments } = script
  const kinds = /^(SET|RESET|DISCARD|SELECT|DO|CALL)\b/
  return (
    changesRole || leavesSession || segments.some(({ statements }) => statements.some(({ kind }) => kinds.test(kind)))
  )
}
