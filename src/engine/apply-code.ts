import type { HeldStatement } from '../model/code.ts'
import type { Connection, TransactionMark } from '../model/dialect.ts'
import { nativeLockTable } from '../model/history.ts'
import type { Standing } from '../model/plan.ts'
import { applyCodeAlone } from './apply-code-alone.ts'
import { recordSql } from './apply-pack.ts'
import { createTablesSql } from './history-sql.ts'
import { runCode } from './run-code.ts'
import type { Supervision } from './supervise.ts'
import { underTargetLock } from './target-lock.ts'
import {
  type CompiledStep,
  guardFor,
  markFor,
  type StepsOutcome,
  type TargetWork,
  transactionSettings,
} from './work.ts'

/**
 * SQLSTATEs of what only works outside a transaction: "cannot run inside a transaction block", and a label of an enum
 * that is used in the transaction that added it.
 */
const needsNoTransaction = new Set(['25001', '55P04'])

/**
 * Carries out steps that are code, on our connection. Each runs in a transaction of ours with its history rows in it,
 * where the server can undo DDL and the file does not refuse; else alone, statement by statement. What turns out not to
 * work in a transaction was undone with it, and is run again without.
 */
export async function applyCode(
  work: TargetWork,
  connection: Connection,
  standing: Standing,
  steps: readonly CompiledStep[],
  supervision: Supervision,
): Promise<StepsOutcome> {
  const [first] = steps as readonly [CompiledStep]
  const begun = (step: CompiledStep) => standing.halfDone.some(({ migration }) => migration === step.migration.id)
  const alone = (step: CompiledStep) => step.script.code?.transaction !== true || begun(step)
  const nativeLock = lockRowOf(work)
  const run = async (): Promise<StepsOutcome> => {
    if (nativeLock === null) return carryOut()
    const failure = await send(connection, nativeLock.take, first)
    if (failure !== null) return { finished: 0, failure }
    try {
      return await carryOut()
    } finally {
      if (!connection.broken) await connection.pipeline(nativeLock.release)
    }
  }
  const carryOut = async (): Promise<StepsOutcome> => {
    if (alone(first)) return applyCodeAlone(work, connection, first, supervision)
    const end = steps.findIndex(alone)
    const outcome = await inTransactions(work, connection, standing, end < 0 ? steps : steps.slice(0, end), supervision)
    const { failure, finished } = outcome
    if (failure === null || !needsNoTransaction.has(failure.failure.sqlstate ?? '')) return outcome
    const step = steps[finished] as CompiledStep
    sayAgain(work, step, failure.failure.message)
    const again = await applyCodeAlone(work, connection, step, supervision)
    return { finished: finished + again.finished, failure: again.failure }
  }
  // The tool's lock row must stay ours between our transactions, and what runs alone needs the lock throughout.
  return nativeLock !== null || alone(first) ? underTargetLock(work, connection, first, run) : run()
}

/** SQL around the lock row of the adopted tool; null: it has none. */
function lockRowOf({ place, dialect }: TargetWork): { take: string[]; release: string[] } | null {
  const { nativeLock } = place.shape
  if (nativeLock?.kind !== 'row') return null
  const table = nativeLockTable(place.table, nativeLock)
  return {
    take: dialect.phrases.takeNativeLock(place.schema, table, nativeLock),
    release: dialect.phrases.releaseNativeLock(place.schema, table, nativeLock),
  }
}

async function send(connection: Connection, texts: readonly string[], step: CompiledStep) {
  const { failure } = await connection.pipeline(texts)
  return failure === null ? null : { failure, step, statement: null }
}

function sayAgain({ emit, target }: TargetWork, { migration, script }: CompiledStep, why: string): void {
  emit({
    type: 'notice',
    notice: {
      rule: 'needs-no-transaction',
      message: `Migration ${migration.id} cannot run in a transaction (${why}): all of it was undone in ${target.name}, and it runs again without one.`,
      hint: 'it is no longer atomic; move the statement that needs this into a migration of its own',
      migration: migration.id,
      file: script.file,
    },
  })
}

/** Something sent around or for the code. */
interface Sent {
  text: string
  /** Index of the step it belongs to. */
  step: number
  held: HeldStatement | null
}

/** The end of one step and the beginning of the next travel together, with what the code's session still held back. */
async function inTransactions(
  work: TargetWork,
  connection: Connection,
  standing: Standing,
  steps: readonly CompiledStep[],
  supervision: Supervision,
): Promise<StepsOutcome> {
  const { commit } = work.dialect.phrases
  let finished = 0
  let since = performance.now()
  const sendAll = async (sent: readonly Sent[]): Promise<StepsOutcome | null> => {
    const outcome = await connection.pipeline(
      sent.map(({ text }) => text),
      (index) => {
        if (sent[index]?.text !== commit) return
        // The reset after a step has a COMMIT of its own, which ends nothing more.
        const until = (sent[index]?.step ?? 0) + 1
        if (finished >= until) return
        finished = until
        const now = performance.now()
        sayFinished(work, steps[until - 1] as CompiledStep, now - since)
        since = now
        const next = steps[until]
        if (next !== undefined) supervision.next(next.migration.id)
      },
    )
    if (outcome.failure === null) return null
    const at = sent[outcome.done] ?? sent.at(-1)
    const step = steps[at?.step ?? 0] as CompiledStep
    const place = at?.held === null || at === undefined ? {} : { at: { statement: at.held.statement } }
    return { finished, failure: { failure: outcome.failure, step, statement: null, ...place } }
  }
  let mark = markFor(work, true)
  let pending = opening(work, connection, standing, steps, 0, mark)
  for (const [index, step] of steps.entries()) {
    const refused = await sendAll(pending)
    if (refused !== null) return refused
    const code = await runCode(work, connection, step, supervision, { transaction: true, resume: null, progress: null })
    if (!code.ok) {
      if (!connection.broken) await connection.pipeline([work.dialect.phrases.rollback])
      return { finished, failure: code.failure }
    }
    pending = [
      ...code.held.map((held) => ({ text: held.text, step: index, held })),
      ...closing(work, standing, step, index, mark),
    ]
    if (index + 1 < steps.length) {
      mark = markFor(work, true)
      pending.push(...opening(work, connection, standing, steps, index + 1, mark))
    }
  }
  return (await sendAll(pending)) ?? { finished, failure: null }
}

function opening(
  work: TargetWork,
  connection: Connection,
  standing: Standing,
  steps: readonly CompiledStep[],
  index: number,
  mark: TransactionMark,
): Sent[] {
  const { phrases } = work.dialect
  // Between two of its statements code may take its time; `migrationTimeoutMs` is the limit for that.
  const step = steps[index] as CompiledStep
  const settings = { ...transactionSettings(work, step), idleInTransactionTimeoutMs: 0 }
  const texts = [
    ...phrases.begin(settings, mark, connection.version),
    ...(index === 0 ? createTablesSql(work.dialect, work.place, standing.snapshot) : []),
    phrases.guard(guardFor(work, [step], true)),
  ]
  return texts.map((text) => ({ text, step: index, held: null }))
}

function closing(
  work: TargetWork,
  standing: Standing,
  step: CompiledStep,
  index: number,
  mark: TransactionMark,
): Sent[] {
  const { phrases } = work.dialect
  const texts = [
    ...phrases.resetRole(transactionSettings(work)),
    ...recordSql(work, standing, step, mark, !standing.snapshot.hasLedger),
    phrases.commit,
    ...phrases.reset,
  ]
  return texts.map((text) => ({ text, step: index, held: null }))
}

function sayFinished({ emit, set, target }: TargetWork, { migration, direction }: CompiledStep, ms: number): void {
  emit({
    type: 'migration-finished',
    set,
    target: target.name,
    migration: migration.id,
    direction,
    durationMs: Math.round(ms),
  })
}
