import type { HeldStatement } from '../model/code.ts'
import type { Connection } from '../model/dialect.ts'
import { nativeLockTable } from '../model/history.ts'
import type { TransactionMark, TransactionSettings } from '../model/phrases.ts'
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
  lockKeyOf,
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
  const runAlone = async (step: CompiledStep): Promise<StepsOutcome> => {
    if (nativeLock === null) return applyCodeAlone(work, connection, step, supervision)
    const { failure } = await connection.pipeline(nativeLock.take)
    if (failure !== null) return { finished: 0, failure: { failure, step, statement: null } }
    try {
      return await applyCodeAlone(work, connection, step, supervision)
    } finally {
      if (!connection.broken) await connection.pipeline(nativeLock.release)
    }
  }
  const run = async (): Promise<StepsOutcome> => {
    if (alone(first)) return runAlone(first)
    const end = steps.findIndex(alone)
    const together = end < 0 ? steps : steps.slice(0, end)
    const outcome = await inTransactions(work, connection, standing, together, nativeLock, supervision)
    const { failure, finished } = outcome
    if (failure === null || !needsNoTransaction.has(failure.failure.sqlstate ?? '')) return outcome
    const step = steps[finished] as CompiledStep
    sayAgain(work, step, failure.failure.message)
    const again = await (nativeLock === null
      ? underTargetLock(work, connection, step, () => runAlone(step))
      : runAlone(step))
    return { finished: finished + again.finished, failure: again.failure }
  }
  // The tool's lock row must stay ours between our transactions, and what runs alone needs the lock throughout.
  const outcome = await (nativeLock !== null || alone(first) ? underTargetLock(work, connection, first, run) : run())
  if (nativeLock !== null && connection.broken) await freeLockRow(work, nativeLock)
  return outcome
}

/**
 * What was lost with its session must not keep the tool out. Another run that holds the target by now takes over the
 * row, and frees it itself. Where the server is away the row stays: the next run of ours takes it over.
 */
async function freeLockRow(work: TargetWork, { release }: LockRow): Promise<void> {
  const { dialect, pool, target, place } = work
  const { server, database } = target.placement
  const other = await pool.another(server, database).catch(() => null)
  if (other === null) return
  try {
    const another = () => pool.another(server, database)
    const lock = await dialect.lockTarget(other, lockKeyOf(target, place.schema), another)
    if (lock === null) return
    await other.pipeline(release)
    await lock.release()
  } catch {
    // As where the server is away.
  } finally {
    await other.close()
  }
}

/** SQL around the lock row of the adopted tool. */
interface LockRow {
  take: readonly string[]
  release: readonly string[]
}

function lockRowOf({ place, dialect }: TargetWork): LockRow | null {
  const { nativeLock } = place.shape
  if (nativeLock?.kind !== 'row') return null
  const table = nativeLockTable(place.table, nativeLock)
  return {
    take: dialect.phrases.takeNativeLock(place.schema, table, nativeLock),
    release: dialect.phrases.releaseNativeLock(place.schema, table, nativeLock),
  }
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
  /** Index of the step it belongs to; -1: to none. */
  step: number
  held: HeldStatement | null
}

/**
 * The end of one step and the beginning of the next travel together, with what the code's session still held back; so do
 * the tool's lock row and the transactions next to it.
 */
async function inTransactions(
  work: TargetWork,
  connection: Connection,
  standing: Standing,
  steps: readonly CompiledStep[],
  nativeLock: LockRow | null,
  supervision: Supervision,
): Promise<StepsOutcome> {
  const { commit, rollback, flush, reset } = work.dialect.phrases
  const last = steps.length - 1
  const take = nativeLock?.take ?? []
  let holdsRow = false
  let finished = 0
  let since = performance.now()
  const sendAll = async (sent: readonly Sent[]): Promise<StepsOutcome | null> => {
    const outcome = await connection.pipeline(
      sent.map(({ text }) => text),
      (index) => {
        if (sent[index]?.text !== commit) return
        if (sent[index]?.step === -1) holdsRow = true
        // The reset at the end has a COMMIT of its own, which ends nothing more.
        const until = (sent[index]?.step ?? 0) + 1
        if (finished >= until) return
        finished = until
        if (until > last) holdsRow = false
        const now = performance.now()
        sayFinished(work, steps[until - 1] as CompiledStep, now - since)
        since = now
        const next = steps[until]
        if (next !== undefined) supervision.next(next.migration.id)
      },
    )
    if (outcome.failure === null) return null
    const at = sent[outcome.done] ?? sent.at(-1)
    const step = steps[Math.max(0, at?.step ?? 0)] as CompiledStep
    const place = at?.held === null || at === undefined ? {} : { at: { statement: at.held.statement } }
    return { finished, failure: { failure: outcome.failure, step, statement: null, ...place } }
  }
  const carryOut = async (): Promise<StepsOutcome> => {
    // With the tool's lock row goes a lock of the session: the history cannot change between two of our transactions.
    const isHeld = nativeLock !== null
    let mark = markFor(work, !isHeld)
    let pending = [...ours(take, -1), ...ours(opening(work, connection, standing, steps, 0, mark, true), 0)]
    for (const [index, step] of steps.entries()) {
      const refused = await sendAll(pending)
      if (refused !== null) return refused
      const request = { transaction: true, resume: null, progress: null }
      const code = await runCode(work, connection, step, supervision, request)
      if (!code.ok) {
        if (!connection.broken) await connection.pipeline([rollback])
        return { finished, failure: code.failure }
      }
      const release = index === last ? (nativeLock?.release ?? []) : []
      pending = [
        ...code.held.map((held) => ({ text: held.text, step: index, held })),
        ...ours([...closing(work, standing, step, mark), ...release, commit], index),
      ]
      if (index === last) pending.push(...ours(nativeLock === null ? reset : [], index))
      else {
        mark = markFor(work, !isHeld)
        pending.push(...ours(opening(work, connection, standing, steps, index + 1, mark, !isHeld), index + 1))
      }
    }
    return (await sendAll(pending)) ?? { finished, failure: null }
  }
  const outcome = await carryOut()
  if (outcome.failure !== null && !connection.broken) {
    const left = [...(holdsRow ? (nativeLock?.release ?? []) : []), ...(finished > 0 ? flush : [])]
    if (left.length > 0) await connection.pipeline(left)
    if (nativeLock === null) await connection.pipeline(reset)
  }
  return outcome
}

function ours(texts: readonly string[], step: number): Sent[] {
  return texts.map((text) => ({ text, step, held: null }))
}

/** From the lock of the target to the check that the history is as it was planned with. */
function opening(
  work: TargetWork,
  connection: Connection,
  standing: Standing,
  steps: readonly CompiledStep[],
  index: number,
  mark: TransactionMark,
  guarded: boolean,
): string[] {
  const { phrases } = work.dialect
  const settings: TransactionSettings = {
    ...transactionSettings(work, steps[index]),
    // Between two of its statements code may take its time; `migrationTimeoutMs` is the limit for that.
    idleInTransactionTimeoutMs: 0,
    ...(index < steps.length - 1 ? { durable: false } : {}),
    ...(index > 0 ? { forgetFirst: true } : {}),
  }
  return [
    ...phrases.begin(settings, mark, connection.version),
    ...(index === 0 ? createTablesSql(work.dialect, work.place, standing.snapshot) : []),
    ...(guarded ? [phrases.guard(guardFor(work, [steps[index] as CompiledStep], true))] : []),
  ]
}

function closing(work: TargetWork, standing: Standing, step: CompiledStep, mark: TransactionMark): string[] {
  return [
    ...work.dialect.phrases.resetRole(transactionSettings(work)),
    ...recordSql(work, standing, step, mark, !standing.snapshot.hasLedger),
  ]
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
