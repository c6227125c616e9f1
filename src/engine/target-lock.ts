import { type Connection, DatabaseError, type DatabaseFailure, type TargetLock } from '../model/dialect.ts'
import { TenantryError } from '../model/errors.ts'
import type { ScriptStatement } from '../model/script.ts'
import { type CompiledStep, cleanSession, lockKeyOf, type StepsOutcome, type TargetWork } from './work.ts'

/** Thrown to leave a step with what is known. */
export class StepStopped extends Error {
  readonly failure: DatabaseFailure
  readonly statement: ScriptStatement | null
  readonly final: boolean

  constructor(failure: DatabaseFailure, statement: ScriptStatement | null, final = false) {
    super(failure.message)
    this.failure = failure
    this.statement = statement
    this.final = final
  }
}

export const lockedFailure: DatabaseFailure = {
  kind: 'locked',
  message: 'the target is locked by another run',
  detail: null,
  sqlstate: null,
  position: null,
}

/**
 * Does something under the target's lock, held over several transactions, and forgets afterwards what it may have left
 * in the session. What it throws is a failure of `step`.
 */
export async function underTargetLock(
  work: TargetWork,
  connection: Connection,
  step: CompiledStep,
  run: () => Promise<StepsOutcome>,
): Promise<StepsOutcome> {
  const { server, database } = work.target.placement
  try {
    if (!(await connection.isPooled())) return await locked(work, connection, step, run)
    return await work.pool.holders(server, database).runExclusive(() => locked(work, connection, step, run))
  } catch (error) {
    if (error instanceof DatabaseError)
      return { finished: 0, failure: { failure: error.failure, step, statement: null } }
    throw error
  }
}

async function locked(
  work: TargetWork,
  connection: Connection,
  step: CompiledStep,
  run: () => Promise<StepsOutcome>,
): Promise<StepsOutcome> {
  let lock: TargetLock | null = null
  try {
    const { server, database } = work.target.placement
    lock = await work.dialect.lockTarget(connection, lockKeyOf(work.target, work.place.schema), () =>
      work.pool.another(server, database),
    )
    if (lock === null) throw new StepStopped(lockedFailure, null)
    return await run()
  } catch (error) {
    if (error instanceof TenantryError) {
      return {
        finished: 0,
        failure: { failure: otherFailure(error.message), step, statement: null, error: error.toJSON() },
      }
    }
    if (error instanceof StepStopped)
      return {
        finished: 0,
        failure: { failure: error.failure, step, statement: error.statement, final: error.final },
      }
    throw error
  } finally {
    if (lock?.freedByReset !== true) await lock?.release()
    await cleanSession(work, connection)
  }
}

/** What stands for a failure that is already described. */
export function otherFailure(message: string): DatabaseFailure {
  return { kind: 'statement', message, detail: null, sqlstate: null, position: null }
}
