import type { Connection } from '../model/dialect.ts'
import type { TransactionMark } from '../model/phrases.ts'
import type { Standing } from '../model/plan.ts'
import type { Script, ScriptStatement, Segment } from '../model/script.ts'
import { mayChangeSettings, recordSql } from './apply-pack.ts'
import { createTablesSql } from './history-sql.ts'
import { refusesWhole } from './ledger-prefix.ts'
import { progressSql } from './progress-sql.ts'
import { recordRefusal } from './record-refusal.ts'
import type { Supervision } from './supervise.ts'
import {
  type CompiledStep,
  cleanSession,
  guardsAhead,
  markFor,
  type StepsOutcome,
  schemaOf,
  type TargetWork,
  transactionSettings,
} from './work.ts'

/** A statement of the pipeline. */
interface Sent {
  text: string
  /** Index of the step it belongs to. */
  step: number
  /** Statement of the file; null: one of ours. */
  statement: ScriptStatement | null
  /** It commits by itself, after so many statements of its step; null: a transaction holds it. */
  alone: number | null
  /** A COMMIT of ours: that many statements of the step are done and recorded. */
  reached?: number
}

/** Whole files as one message and statements that need a database alone cannot be sent among others. */
function fitsSequence({ mode, segments }: Script): boolean {
  return mode !== 'code' && segments.every(({ kind, exclusive }) => kind !== 'unparsed' && !exclusive)
}

/**
 * How many of these steps, all of one direction and none half-done, can be sent as one sequence. None behind a pooler,
 * where the lock is held by another session.
 */
export async function countSequence(connection: Connection, steps: readonly CompiledStep[]): Promise<number> {
  if (await connection.isPooled()) return 0
  const alone = steps.findIndex(({ script }) => !fitsSequence(script))
  return alone === -1 ? steps.length : alone
}

/** `USE` and LOCK TABLES leave something behind, too. */
function leavesSettings(step: CompiledStep): boolean {
  const kinds = /^(USE|LOCK|PREPARE|EXECUTE)\b/
  return (
    mayChangeSettings(step) ||
    step.script.segments.some(
      ({ settings, statements }) => settings.length > 0 || statements.some(({ kind }) => kinds.test(kind)),
    )
  )
}

/**
 * Carries out steps where DDL commits by itself, all in one pipeline under the target's lock: after each statement that
 * committed, and in each transaction, the ledger is told. Whenever the runner or the server dies, the ledger names the
 * first statement that is not confirmed, and only that one has to be looked up. The first error stops everything; its
 * step is then half-done, and goes on by {@link applySteps}.
 */
export async function applySequence(
  work: TargetWork,
  connection: Connection,
  standing: Standing,
  steps: readonly CompiledStep[],
  supervision: Supervision,
): Promise<StepsOutcome> {
  const sent = new Sequence(work, connection, standing, steps).build()
  let finished = 0
  let since = performance.now()
  const reach = (stepIndex: number, done: number) => {
    const { migration, script, direction } = steps[stepIndex] as CompiledStep
    const place = { set: work.set, target: work.target.name, migration: migration.id }
    if (done < script.statementCount) {
      work.emit({ type: 'statement-finished', ...place, statement: done, of: script.statementCount })
      return
    }
    const now = performance.now()
    work.emit({ type: 'migration-finished', ...place, direction, durationMs: Math.round(now - since) })
    since = now
    finished = stepIndex + 1
    const next = steps[finished]
    if (next !== undefined) supervision.next(next.migration.id)
  }
  const outcome = await connection.pipeline(
    sent.map(({ text }) => text),
    (index) => {
      const { step, reached } = sent[index] as Sent
      if (reached !== undefined) reach(step, reached)
    },
  )
  if (outcome.failure === null) return { finished: steps.length, failure: null }
  const at = sent[outcome.done] ?? (sent.at(-1) as Sent)
  const step = steps[at.step] as CompiledStep
  let final = false
  if (at.alone !== null && at.statement !== null && !connection.broken) {
    if (refusesWhole(at.statement.kind)) await recordRefusal(work, connection, step, at.alone)
    else final = true
  }
  await cleanSession(work, connection)
  return { finished, failure: { failure: outcome.failure, step, statement: at.statement, final } }
}

/** Puts the pipeline together. */
class Sequence {
  readonly #work: TargetWork
  readonly #connection: Connection
  readonly #standing: Standing
  readonly #steps: readonly CompiledStep[]
  readonly #sent: Sent[] = []

  constructor(work: TargetWork, connection: Connection, standing: Standing, steps: readonly CompiledStep[]) {
    this.#work = work
    this.#connection = connection
    this.#standing = standing
    this.#steps = steps
  }

  build(): Sent[] {
    const { dialect, place } = this.#work
    const tables = createTablesSql(dialect, place, this.#standing.snapshot)
    // In a transaction of their own: they end it.
    if (tables.length > 0) this.#transaction(0, () => this.#ours(0, ...tables))
    let from = 0
    for (const [index, step] of this.#steps.entries()) {
      const last = index === this.#steps.length - 1
      // What a file may leave in its session must not reach the next one. The lock goes with it.
      if (!last && !leavesSettings(step)) continue
      this.#group(from, index + 1)
      from = index + 1
    }
    return this.#sent
  }

  /** Steps under one lock, without a reset between them. */
  #group(from: number, to: number): void {
    const indexes = Array.from({ length: to - from }, (_, i) => from + i)
    // All guards before anything is done: under the lock nothing changes any more, and a later one could only fail
    // where that would take a finished step's rows back.
    this.#transaction(from, (mark) => {
      const ahead = guardsAhead(
        this.#work,
        indexes.map((index) => this.#at(index)),
      )
      for (const [at, guard] of ahead.entries()) this.#ours(from + at, this.#work.dialect.phrases.guard(guard))
      this.#markBegun(from, mark)
    })
    for (const index of indexes) this.#step(index, index + 1 < to)
    this.#ours(to - 1, ...this.#work.dialect.phrases.reset)
  }

  #step(index: number, goesOn: boolean): void {
    const { script } = this.#at(index)
    let done = 0
    for (const segment of script.segments) {
      const before = done
      done += segment.statements.length
      const last = segment === script.segments.at(-1)
      const rows = (mark: TransactionMark) => {
        if (last) this.#finish(index, mark, goesOn)
        else this.#progress(index, mark, done)
      }
      if (segment.kind === 'autocommit') {
        this.#body(index, segment, before)
        this.#transaction(index, rows, done)
      } else {
        this.#transaction(
          index,
          (mark) => {
            this.#body(index, segment, null)
            if (script.changesRole) {
              this.#ours(index, ...this.#work.dialect.phrases.resetRole(transactionSettings(this.#work)))
            }
            rows(mark)
          },
          done,
        )
      }
    }
    if (script.segments.length === 0) this.#transaction(index, (mark) => this.#finish(index, mark, goesOn), 0)
  }

  #body(index: number, { settings, statements }: Segment, alone: number | null): void {
    const schema = schemaOf(this.#work)
    for (const statement of settings) {
      this.#sent.push({ text: statement.text(schema), step: index, statement, alone: null })
    }
    for (const statement of statements) {
      this.#sent.push({ text: statement.text(schema), step: index, statement, alone })
    }
  }

  #transaction(index: number, inside: (mark: TransactionMark) => void, reached?: number): void {
    const { phrases } = this.#work.dialect
    // A body may let go of its session's locks: each transaction takes the target's lock again.
    const mark = markFor(this.#work, true)
    this.#ours(index, ...phrases.begin(transactionSettings(this.#work), mark, this.#connection.version))
    inside(mark)
    const commit: Sent = { text: phrases.commit, step: index, statement: null, alone: null }
    this.#sent.push(reached === undefined ? commit : { ...commit, reached })
  }

  #finish(index: number, mark: TransactionMark, goesOn: boolean): void {
    const fresh = !this.#standing.snapshot.hasLedger && !needsProgress(this.#at(index).script)
    this.#ours(index, ...recordSql(this.#work, this.#standing, this.#at(index), mark, fresh))
    if (needsProgress(this.#at(index).script)) {
      this.#ours(index, ...this.#work.dialect.phrases.markHalfDone(this.#work.place.schema, null))
    }
    // Together with what was just finished: one commit less.
    if (goesOn) this.#markBegun(index + 1, mark)
  }

  /** A step of several commits is in the ledger before its first statement is sent. */
  #markBegun(index: number, mark: TransactionMark): void {
    const step = this.#steps[index]
    if (step !== undefined && needsProgress(step.script)) this.#progress(index, mark, 0)
  }

  #progress(index: number, mark: TransactionMark, done: number): void {
    const fresh = !this.#standing.snapshot.hasLedger && done === 0
    this.#ours(index, ...progressSql(this.#work, this.#standing, this.#at(index), done, mark, fresh))
  }

  #ours(step: number, ...texts: string[]): void {
    for (const text of texts) this.#sent.push({ text, step, statement: null, alone: null })
  }

  #at(index: number): CompiledStep {
    return this.#steps[index] as CompiledStep
  }
}

function needsProgress({ segments }: Script): boolean {
  return segments.length > 1 || segments[0]?.kind === 'autocommit'
}
