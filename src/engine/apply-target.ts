import { setTimeout as sleep } from 'node:timers/promises'
import { type Blocker, type Connection, DatabaseError, type DatabaseFailure } from '../model/dialect.ts'
import { type ErrorDocument, isTenantryError, TenantryError } from '../model/errors.ts'
import type { HistorySnapshot } from '../model/history.ts'
import type { PlannedStep, Standing } from '../model/plan.ts'
import type { TargetResult } from '../model/rollout.ts'
import { carryOutNext } from './carry-out-next.ts'
import { describeFailure } from './describe-failure.ts'
import { explainExisting } from './explain-existing.ts'
import { explainNativeLock } from './explain-native-lock.ts'
import type { Lease } from './pool.ts'
import { refuseHistory } from './refuse-history.ts'
import { Retries } from './retries.ts'
import { type Supervision, supervise } from './supervise.ts'
import { targetResult } from './target-result.ts'
import { type CompiledStep, lockKeyOf, readSnapshot, type StepFailure, schemaOf, type TargetWork } from './work.ts'

/**
 * Carries out one target's plan. Never throws for what belongs to the target: a failure is in the result, with what
 * was applied before it. Time-outs on locks and lost connections are tried again where that is safe: everything is
 * re-read under the lock first, so nothing runs twice.
 */
export async function applyTarget(work: TargetWork): Promise<TargetResult> {
  const run = new TargetRun(work)
  try {
    await run.run()
  } catch (error) {
    run.fail(toError(error, work))
  } finally {
    await run.close()
  }
  return run.result()
}

function toError(error: unknown, work: TargetWork): ErrorDocument {
  if (isTenantryError(error)) return error.toJSON()
  if (error instanceof DatabaseError) return describeFailure(error.failure, { target: work.target, set: work.set })
  if (work.cancel.aborted) return describeFailure(cancelled, { target: work.target, set: work.set })
  const message = error instanceof Error ? error.message : String(error)
  return new TenantryError('INTERNAL', `${work.target.name}: ${message}`, {
    context: { target: work.target.name, set: work.set },
  }).toJSON()
}

const cancelled: DatabaseFailure = {
  kind: 'cancelled',
  message: 'it was cancelled by the second interrupt',
  detail: null,
  sqlstate: null,
  position: null,
}

/** What a run waits out; when it is cancelled meanwhile, that is what happened. */
const waitable: ReadonlySet<DatabaseFailure['kind']> = new Set([
  'locked',
  'native-locked',
  'lock-timeout',
  'deadlock',
  'connection-lost',
])

class TargetRun {
  readonly #work: TargetWork
  readonly #startedAt = performance.now()
  #applied: string[] = []
  #undone: string[] = []
  readonly #retries: Retries
  #standing: Standing
  #steps: readonly PlannedStep[]
  #lease: Lease | null = null
  #error: ErrorDocument | null = null
  /** A cancel request was sent to the session: what it hits last is not certain, so it is not used again. */
  #suspect = false

  constructor(work: TargetWork) {
    this.#work = work
    this.#standing = work.plan.standing
    this.#steps = work.plan.steps
    this.#retries = new Retries(work.settings)
  }

  fail(error: ErrorDocument): void {
    this.#error = error
  }

  async run(): Promise<void> {
    const { plan } = this.#work
    if (plan.error !== null) {
      this.fail(plan.error)
      return
    }
    if (this.#steps.length === 0) return
    let compiled = await this.#compile()
    this.#refuse(compiled)
    await this.#backUp(compiled)
    await this.#installExtensions(compiled)
    while (compiled.length > 0 && this.#error === null) {
      this.#work.cancel.throwIfAborted()
      const failed = await this.#advance(compiled)
      if (failed) {
        if (!(await this.#mayRetry(failed.failure, failed.supervision))) return
        if (!(await this.#lookAgain())) return
      }
      compiled = await this.#compile()
    }
  }

  async #compile(): Promise<CompiledStep[]> {
    const { book } = this.#work
    const compiled: CompiledStep[] = []
    for (const { migration, direction } of this.#steps) {
      const script = direction === 'up' ? await book.up(migration) : await book.down(migration)
      if (script === null) {
        throw new TenantryError('UNDO_MISSING', `Migration ${migration.id} has no undo.`, {
          context: { migration: migration.id },
        })
      }
      compiled.push({ migration, direction, script })
    }
    return compiled
  }

  /** What cannot work here is said before the target is touched. */
  #refuse(compiled: readonly CompiledStep[]): void {
    const { target, set, place } = this.#work
    for (const { migration, script } of compiled) {
      const [problem] = script.problems
      if (problem === undefined) continue
      const { line, column } = problem
      const where = line === undefined ? '' : ` (line ${line})`
      throw new TenantryError(
        'MIGRATION_UNSUPPORTED',
        `Migration ${migration.id} cannot run in ${target.name}${where}: ${problem.message}`,
        {
          hint: problem.hint,
          context: {
            target: target.name,
            set,
            migration: migration.id,
            file: script.file,
            rule: problem.rule,
            ...(line === undefined ? {} : { line }),
            ...(column === undefined ? {} : { column }),
          },
        },
      )
    }
    const ups = compiled.flatMap(({ migration, direction }) => (direction === 'up' ? [migration] : []))
    const unusable = refuseHistory(place.shape, place.table, this.#standing, ups)
    if (unusable !== null) throw unusable
  }

  async #backUp(compiled: readonly CompiledStep[]): Promise<void> {
    const { backup, target, isDestructive } = this.#work
    if (backup === null) return
    for (const step of compiled) {
      const takes = isDestructive === undefined ? step.script.destructive.length > 0 : await isDestructive(step)
      if (takes) return backup(target)
    }
  }

  async #installExtensions(compiled: readonly CompiledStep[]): Promise<void> {
    const { pool, target, dialect, settings } = this.#work
    const { server, database } = target.placement
    const extensions = compiled.flatMap(({ script }) => script.extensions)
    if (extensions.length === 0) return
    const key = extensions
      .map(({ name }) => name)
      .sort()
      .join(',')
    const connection = await this.#reconnect()
    await pool.once(server, database, key, () =>
      dialect.ensureExtensions(connection, extensions, settings.sharedSchema),
    )
  }

  async #connection(): Promise<Connection> {
    if (this.#lease?.connection.broken) await this.#drop()
    const { server, database } = this.#work.target.placement
    this.#lease ??= await this.#work.pool.lease(server, database)
    return this.#lease.connection
  }

  async #drop(): Promise<void> {
    const lease = this.#lease
    this.#lease = null
    await lease?.release(true)
  }

  /** As many steps as fit one round trip, or the next one alone. Gives the failure, if there is one. */
  async #advance(
    compiled: readonly CompiledStep[],
  ): Promise<{ failure: StepFailure; supervision: Supervision } | null> {
    const connection = await this.#reconnect()
    const supervision = supervise(this.#work, connection, compiled[0]?.migration.id ?? '')
    try {
      supervision.pause()
      const outcome = await carryOutNext(this.#work, connection, this.#standing, compiled, supervision)
      this.#record(compiled.slice(0, outcome.finished))
      this.#steps = this.#steps.slice(outcome.finished)
      if (outcome.finished > 0) this.#retries.progressed()
      if (outcome.failure !== null) return { failure: outcome.failure, supervision }
      // Tables that this run made are there from now on; the next pack must not take them for missing.
      if (this.#steps.length > 0) await this.#lookAgain()
      return null
    } finally {
      await supervision.stop()
      if (supervision.timedOut || this.#work.cancel.aborted) this.#suspect = true
    }
  }

  #record(steps: readonly CompiledStep[]): void {
    for (const { migration, direction } of steps) (direction === 'up' ? this.#applied : this.#undone).push(migration.id)
  }

  /** Reads the target's history again and plans what is left. False: nothing more may be done. */
  async #lookAgain(): Promise<boolean> {
    const { standing, steps, error } = this.#work.replan(await this.#readSnapshot())
    this.#recordLanded(standing, steps)
    this.#forgetLost(steps)
    this.#standing = standing
    this.#steps = steps
    if (error !== null) this.fail(error)
    return error === null
  }

  /** The history may be locked for a moment, and a server that restarts may drop several connections in a row. */
  async #readSnapshot(): Promise<HistorySnapshot> {
    for (;;) {
      const connection = await this.#reconnect()
      try {
        return await readSnapshot(this.#work, connection)
      } catch (error) {
        if (!(error instanceof DatabaseError)) throw error
        const again = this.#retries.next(error.failure)
        if (again === null) throw error
        this.#say(again.reason, again.delayMs, [])
        await sleep(again.delayMs, undefined, { signal: this.#work.cancel })
      }
    }
  }

  /**
   * Commits before the last one do not wait for the disk, and a server that crashed may have lost them, rows and all:
   * what is to be done again was not done.
   */
  #forgetLost(left: readonly PlannedStep[]): void {
    const lost = (ids: string[], direction: 'up' | 'down') => {
      const again = new Set(left.filter((step) => step.direction === direction).map(({ migration }) => migration.id))
      return ids.filter((id) => !again.has(id))
    }
    this.#applied = lost(this.#applied, 'up')
    this.#undone = lost(this.#undone, 'down')
  }

  /** A COMMIT whose answer was lost with the connection: the ledger says that it was ours. */
  #recordLanded({ snapshot }: Standing, left: readonly PlannedStep[]): void {
    const still = new Set(left.map(({ migration }) => migration))
    for (const { migration, direction } of this.#steps) {
      if (still.has(migration)) continue
      const row = snapshot.ledger.find((entry) => entry.migration === migration.id)
      const done = direction === 'up' ? 'applied' : 'undone'
      if (row?.rollout === this.#work.rollout && row.state === done) {
        ;(direction === 'up' ? this.#applied : this.#undone).push(migration.id)
      }
    }
  }

  /** A connection that broke is made anew, for as long as the server may need to come back. */
  async #reconnect(): Promise<Connection> {
    for (;;) {
      try {
        return await this.#connection()
      } catch (error) {
        if (!(error instanceof DatabaseError)) throw error
        const delayMs = this.#retries.reconnect(error.failure)
        if (delayMs === null) throw error
        this.#say('connection-lost', delayMs, [])
        await sleep(delayMs, undefined, { signal: this.#work.cancel })
      }
    }
  }

  async #mayRetry(stepFailure: StepFailure, supervision: Supervision): Promise<boolean> {
    const { failure, error, final } = stepFailure
    if (error === undefined && final !== true && !supervision.timedOut && !this.#work.cancel.aborted) {
      const again = this.#retries.next(failure)
      if (again !== null) {
        if (again.delayMs > 0) {
          this.#say(again.reason, again.delayMs, supervision.blockers)
          await sleep(again.delayMs, undefined, { signal: this.#work.cancel }).catch(() => {})
        }
        if (!this.#work.cancel.aborted) return true
      }
    }
    this.fail(error ?? (await this.#findMissingSchema(failure)) ?? (await this.#describe(stepFailure, supervision)))
    return false
  }

  /**
   * Somebody may have dropped the whole schema meanwhile. What a statement then meets has many names ("no such
   * relation", "no such index", a deadlock with the drop), so it is looked for after every refusal.
   */
  async #findMissingSchema({ kind }: DatabaseFailure): Promise<ErrorDocument | null> {
    const possible = kind === 'statement' || kind === 'deadlock'
    if (!possible || schemaOf(this.#work) === null || this.#lease === null) return null
    return readSnapshot(this.#work, this.#lease.connection).then(
      () => null,
      (reason: unknown) => (isTenantryError(reason) && reason.code === 'SCHEMA_MISSING' ? reason.toJSON() : null),
    )
  }

  async #describe({ failure, step, statement, at }: StepFailure, supervision: Supervision): Promise<ErrorDocument> {
    const { target, set, dialect, settings } = this.#work
    const schema = target.placement.schema ?? null
    const seen: DatabaseFailure = supervision.timedOut
      ? {
          ...failure,
          kind: 'statement-timeout',
          message: `it ran longer than migrationTimeoutMs (${settings.migrationTimeoutMs} ms) and was cancelled`,
        }
      : this.#work.cancel.aborted && waitable.has(failure.kind)
        ? { ...cancelled, message: `${cancelled.message}; before that: ${failure.message}` }
        : failure
    const place = step?.script.built === true ? undefined : statement?.locate(schema, failure.position ?? undefined)
    let blockers: readonly Blocker[] = failure.kind === 'lock-timeout' ? supervision.blockers : []
    if (failure.kind === 'locked') {
      const { server, database } = target.placement
      const key = lockKeyOf(target, this.#work.place.schema)
      const holder = await this.#work.pool
        .look(server, database, (side) => dialect.lockHolder(side, key))
        .catch(() => null)
      blockers = holder === null ? [] : [holder]
    }
    const extra: Parameters<typeof describeFailure>[2] = { blockers }
    if (failure.kind === 'native-locked') Object.assign(extra, await explainNativeLock(this.#work))
    if (
      failure.kind === 'already-exists' &&
      statement !== null &&
      this.#lease !== null &&
      !this.#lease.connection.broken
    ) {
      Object.assign(extra, await explainExisting(this.#work, this.#lease.connection, step, statement))
    }
    return describeFailure(
      seen,
      {
        target,
        set,
        migration: step.migration.id,
        direction: step.direction,
        file: step.script.file,
        statement: statement?.index,
        ...place,
        ...at,
      },
      extra,
    )
  }

  #say(
    reason: 'target-lock' | 'lock-timeout' | 'connection-lost',
    delayMs: number,
    blockers: readonly Blocker[],
  ): void {
    const { emit, set, target } = this.#work
    emit({
      type: 'target-waiting',
      set,
      target: target.name,
      reason,
      attempt: this.#retries.attempts,
      delayMs,
      blockers,
    })
  }

  async close(): Promise<void> {
    await this.#lease?.release(this.#suspect).catch(() => {})
  }

  result(): TargetResult {
    return targetResult(this.#work.plan, {
      standing: this.#standing,
      applied: this.#applied,
      undone: this.#undone,
      error: this.#error,
      durationMs: Math.round(performance.now() - this.#startedAt),
      steps: this.#steps,
    })
  }
}
