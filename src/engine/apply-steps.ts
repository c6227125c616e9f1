import { type Connection, DatabaseError } from '../model/dialect.ts'
import { TenantryError } from '../model/errors.ts'
import type { LedgerEntry } from '../model/history.ts'
import type { TransactionMark } from '../model/phrases.ts'
import type { Standing } from '../model/plan.ts'
import type { ScriptStatement, Segment } from '../model/script.ts'
import { recordSql } from './apply-pack.ts'
import { createTablesSql } from './history-sql.ts'
import { fitsPrefix, refusesWhole, wasRefused } from './ledger-prefix.ts'
import { mustRun } from './must-run.ts'
import { prepareSession } from './prepare-session.ts'
import { progressSql } from './progress-sql.ts'
import { recordRefusal } from './record-refusal.ts'
import type { Supervision } from './supervise.ts'
import { lockedFailure, StepStopped, underTargetLock } from './target-lock.ts'
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
 * Carries out one step that cannot be one transaction: segment by segment under the target's lock, each with its
 * progress in the ledger. A step that was interrupted goes on at the statement it had reached; what the ledger cannot
 * tell (a statement that commits by itself was sent and not confirmed), the catalog is asked.
 */
export async function applySteps(
  work: TargetWork,
  connection: Connection,
  step: CompiledStep,
  supervision: Supervision,
): Promise<StepsOutcome> {
  return underTargetLock(work, connection, step, async () => {
    await new StepRun(work, connection, step, supervision).run()
    return { finished: 1, failure: null }
  })
}

/**
 * The rest of a segment of which some statements are done: its file was rewritten after it had stopped, so that what was
 * several segments is one now. Settings among them are made again.
 */
function skipDone(segment: Segment, done: number): Segment {
  if (done <= 0) return segment
  const rest = segment.statements.filter(({ kind }, index) => index >= done || /^(SET|RESET)\b/.test(kind))
  return { ...segment, statements: rest }
}

/** One step on its way. */
class StepRun {
  readonly #work: TargetWork
  readonly #connection: Connection
  readonly #step: CompiledStep
  readonly #supervision: Supervision
  /** A row of this step is in the ledger. */
  #recorded = false
  /** A body may let go of its session's locks (`DISCARD ALL`): each transaction takes the target's lock as well. */
  #locksAgain = false

  constructor(work: TargetWork, connection: Connection, step: CompiledStep, supervision: Supervision) {
    this.#work = work
    this.#connection = connection
    this.#step = step
    this.#supervision = supervision
  }

  async run(): Promise<void> {
    const { script, migration, direction } = this.#step
    this.#locksAgain = !(await this.#connection.isPooled())
    const standing = await this.#standing()
    const running = direction === 'up' ? 'running' : 'undoing'
    const half = standing.snapshot.ledger.filter(({ state }) => state === 'running' || state === 'undoing')
    const mine = half.find((entry) => entry.migration === migration.id)
    this.#recorded = mine !== undefined
    const done = mine === undefined ? 0 : this.#checkResumable(mine, running)
    const alone = script.segments.length === 1 && script.segments[0]?.kind !== 'autocommit'
    if (mine === undefined && !alone) await this.#recordProgress(standing, 0, true)
    let passed = 0
    for (const segment of script.segments) {
      const last = segment === script.segments.at(-1)
      const before = passed
      passed += segment.statements.length
      if (passed <= done && !last) continue
      if (passed <= done && last) {
        await this.#finish(standing)
        return
      }
      this.#stopIfEnded()
      if (segment.kind === 'autocommit') {
        const resumed = mine !== undefined && before === done
        if (resumed) await this.#runAlone(segment, before, wasRefused(mine) ? 'refused' : 'interrupted', standing)
        else await this.#runAlone(segment, before, 'new', standing)
        if (last) await this.#finish(standing)
        else await this.#recordProgress(standing, passed, false)
      } else await this.#runTransaction(skipDone(segment, done - before), standing, passed, last)
      this.#say(passed)
    }
    if (script.segments.length === 0) await this.#finish(standing)
  }

  /** The history as it is under the lock; somebody may have been faster. */
  async #standing(): Promise<Standing> {
    const snapshot = await readSnapshot(this.#work, this.#connection)
    const { standing, steps, error } = this.#work.replan(snapshot)
    const { migration, direction } = this.#step
    const still = steps.some((step) => step.migration.id === migration.id && step.direction === direction)
    if (error !== null || !still) {
      // The caller looks again, and reports what it finds.
      throw new StepStopped({ ...lockedFailure, kind: 'already-applied', message: 'somebody else was faster' }, null)
    }
    return standing
  }

  /** A cancel between two statements meets an idle session: it counts all the same. */
  #stopIfEnded(): void {
    if (!this.#work.cancel.aborted && !this.#supervision.timedOut) return
    const message = 'it was cancelled by the second interrupt'
    throw new StepStopped({ ...lockedFailure, kind: 'cancelled', message }, null)
  }

  #checkResumable(entry: LedgerEntry, running: 'running' | 'undoing'): number {
    const { script, migration, direction } = this.#step
    const subject = `Migration ${migration.id} in ${this.#work.target.name}`
    const context = { target: this.#work.target.name, set: this.#work.set, migration: migration.id, file: script.file }
    if (entry.state !== running) {
      throw new TenantryError(
        'MIGRATION_HALF_APPLIED',
        `${subject} is half ${entry.state === 'running' ? 'applied' : 'undone'} (${entry.statementsDone} of ${entry.statementsTotal} statements), and cannot go ${direction} from there.`,
        {
          hint: `Run \`tenantry ${direction === 'up' ? 'down' : 'up'}\` for it first: it goes on where it stopped.`,
          context,
        },
      )
    }
    if (!fitsPrefix(entry, script)) {
      throw new TenantryError(
        'MIGRATION_CHANGED',
        `${subject} stopped after ${entry.statementsDone} of ${entry.statementsTotal} statements, and those statements were edited since.`,
        {
          hint: 'Put the statements that already ran back as they were (the later ones may be changed), then run `tenantry up` again.',
          context,
        },
      )
    }
    return entry.statementsDone
  }

  async #runTransaction(segment: Segment, standing: Standing, done: number, last: boolean): Promise<void> {
    const { dialect, pool, target } = this.#work
    const { phrases } = dialect
    const settings = transactionSettings(this.#work)
    const mark = markFor(this.#work, this.#locksAgain)
    const body = segment.statements.map((statement) => statement.text(schemaOf(this.#work)))
    const carried = segment.settings.map((statement) => statement.text(schemaOf(this.#work)))
    const begin = [
      ...this.#begin(mark, this.#recorded ? [] : createTablesSql(dialect, this.#work.place, standing.snapshot)),
      phrases.guard(guardFor(this.#work, [this.#step], false)),
      ...carried,
    ]
    const end = this.#step.script.changesRole ? phrases.resetRole(settings) : []
    const rows = last ? this.#finishSql(standing, mark) : this.#progressSql(standing, done, mark)
    const closing = [...end, ...rows, phrases.commit]
    this.#supervision.pause()
    await pool.gate(target.placement.server, target.placement.database).runShared(async () => {
      this.#stopIfEnded()
      this.#supervision.resume()
      if (segment.kind === 'unparsed') {
        await this.#send(begin, segment, -1)
        await this.#sendWhole(body[0] ?? '', segment)
        await this.#send(closing, segment, -1)
      } else await this.#send([...begin, ...body, ...closing], segment, begin.length)
    })
  }

  /** Where DDL commits by itself, tables are made before the transaction, which they would end. */
  #begin(mark: TransactionMark, tables: readonly string[]): string[] {
    const { dialect } = this.#work
    const begin = dialect.phrases.begin(transactionSettings(this.#work), mark, this.#connection.version)
    return dialect.features.transactionalDdl ? [...begin, ...tables] : [...tables, ...begin]
  }

  async #send(texts: readonly string[], segment: Segment, bodyStart: number): Promise<void> {
    const { done, failure } = await this.#connection.pipeline(texts)
    if (failure === null) return
    const statement = bodyStart < 0 ? null : (segment.statements[done - bodyStart] ?? null)
    throw new StepStopped(failure, statement)
  }

  async #sendWhole(text: string, segment: Segment): Promise<void> {
    try {
      await this.#connection.run(text)
    } catch (error) {
      if (!this.#connection.broken) await this.#connection.run(this.#work.dialect.phrases.rollback).catch(() => [])
      throw error instanceof DatabaseError ? new StepStopped(error.failure, segment.statements[0] ?? null) : error
    }
  }

  /**
   * A statement that the server refuses in a transaction, by itself.
   * @param done statements before it
   * @param before what the ledger says of an earlier try
   */
  async #runAlone(
    segment: Segment,
    done: number,
    before: 'new' | 'interrupted' | 'refused',
    standing: Standing,
  ): Promise<void> {
    const statement = segment.statements[0]
    if (statement === undefined) return
    const { server, database } = this.#work.target.placement
    const gate = this.#work.pool.gate(server, database)
    const work = async () => {
      this.#stopIfEnded()
      this.#supervision.resume()
      if (before !== 'new' && !(await this.#stillNeeded(segment, statement, before === 'refused'))) return
      // Should the connection be lost now, it is interrupted, and not refused any more.
      if (before === 'refused') await this.#recordProgress(standing, done, false)
      await prepareSession(this.#work, this.#connection, this.#step.migration.id, segment, statement)
      await this.#runStatement(segment, statement, done)
      // What the file set for this statement must not reach our own rows (a role without rights on them).
      if (segment.settings.length > 0) await this.#connection.reset()
    }
    this.#supervision.pause()
    await (segment.exclusive ? gate.runExclusive(work) : gate.runShared(work))
  }

  /** Asks the catalog in the session as the statement will find it. */
  async #stillNeeded(segment: Segment, statement: ScriptStatement, refused: boolean): Promise<boolean> {
    const { id } = this.#step.migration
    await prepareSession(this.#work, this.#connection, id, segment, statement)
    const needed = await mustRun(this.#work, this.#connection, id, statement, () => this.#stopIfEnded(), refused)
    if (segment.settings.length > 0) await this.#connection.reset()
    return needed
  }

  async #runStatement(segment: Segment, statement: ScriptStatement, done: number): Promise<void> {
    // Confirmed is not committed: some commit only after they were confirmed, and the probe can tell.
    const { failure } = await this.#connection.pipeline([statement.text(schemaOf(this.#work))])
    if (failure === null) return
    if (refusesWhole(statement.kind)) {
      if (segment.settings.length > 0 && !this.#connection.broken) await this.#connection.reset()
      if (!this.#connection.broken) {
        await recordRefusal(this.#work, this.#connection, this.#step, done, this.#locksAgain)
      }
      throw new StepStopped(failure, statement)
    }
    // Tried again, what cannot be told would hide why it failed.
    const final = ['lock-timeout', 'deadlock'].includes(failure.kind) && !(await this.#canTell(statement))
    throw new StepStopped(failure, statement, final)
  }

  async #canTell(statement: ScriptStatement): Promise<boolean> {
    const { verdict } = await this.#work.dialect.probe(this.#connection, statement, schemaOf(this.#work))
    return verdict !== 'unknown'
  }

  #progressSql(standing: Standing, done: number, mark: TransactionMark): string[] {
    const fresh = !standing.snapshot.hasLedger && !this.#recorded
    return progressSql(this.#work, standing, this.#step, done, mark, fresh)
  }

  #finishSql(standing: Standing, mark: TransactionMark): string[] {
    const { dialect, place } = this.#work
    const rows = recordSql(this.#work, standing, this.#step, mark, !standing.snapshot.hasLedger && !this.#recorded)
    const unmark = this.#recorded ? dialect.phrases.markHalfDone(place.schema, null) : []
    return [...rows, ...unmark]
  }

  async #recordProgress(standing: Standing, done: number, first: boolean): Promise<void> {
    await this.#write(standing, (mark) => this.#progressSql(standing, done, mark), first)
    this.#recorded = true
  }

  async #finish(standing: Standing): Promise<void> {
    await this.#write(standing, (mark) => this.#finishSql(standing, mark), !this.#recorded)
  }

  async #write(standing: Standing, rows: (mark: TransactionMark) => string[], first: boolean): Promise<void> {
    const { dialect, place } = this.#work
    const mark = markFor(this.#work, this.#locksAgain)
    const { failure } = await this.#connection.pipeline([
      ...this.#begin(mark, first ? createTablesSql(dialect, place, standing.snapshot) : []),
      dialect.phrases.guard(guardFor(this.#work, [this.#step], false)),
      ...rows(mark),
      dialect.phrases.commit,
    ])
    if (failure !== null) throw new StepStopped(failure, null)
  }

  #say(done: number): void {
    const { emit, set, target } = this.#work
    const { migration, script } = this.#step
    emit({
      type: 'statement-finished',
      set,
      target: target.name,
      migration: migration.id,
      statement: done,
      of: script.statementCount,
    })
  }
}
