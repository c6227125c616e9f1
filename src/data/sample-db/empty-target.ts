import { setTimeout as sleep } from 'node:timers/promises'
import { Retries } from '../../engine/retries.ts'
import { type Supervision, supervise } from '../../engine/supervise.ts'
import { lockedFailure } from '../../engine/target-lock.ts'
import { lockKeyOf } from '../../engine/work.ts'
import { DatabaseError, type TargetLock } from '../../model/dialect.ts'
import type { ErrorDocument } from '../../model/errors.ts'
import { isTenantryError } from '../../model/errors.ts'
import type { Notice } from '../../model/migration.ts'
import type { SampleDbReport } from '../../model/sample-db.ts'
import type { Fleet } from '../../rollout/fleet.ts'
import { failedSample } from './describe-sample.ts'
import { lookAtTables, type SampleLook } from './look.ts'
import { removeRows } from './remove-rows.ts'
import { type CounterReset, findResets } from './reset-counters.ts'
import { inSampleTransaction, type SampleWork, send } from './sample-work.ts'

export type Emptied = Pick<SampleDbReport, 'plan' | 'brokenKeys' | 'removed' | 'sequences' | 'notices' | 'error'>

/** Ends a transaction in which something is in the way. */
class Refused extends Error {
  readonly result: Emptied
  constructor(result: Emptied) {
    super('refused')
    this.result = result
  }
}

export interface EmptyOptions {
  /** Schema of the target's history, for the name of its lock. */
  schema: string
  /** Told what was found, under the locks, before anything is removed. */
  onLook: (found: SampleLook) => void
}

/**
 * Takes the rows away that do not stay: under the target's lock, in one transaction, after all was looked at again in it.
 * Tried again while others hold locks. What goes wrong is in `error`. Throws only defects.
 */
export async function emptyTarget(fleet: Fleet, work: SampleWork, { schema, onLook }: EmptyOptions): Promise<Emptied> {
  const { connection, target, dialect, settings } = work
  const { server, database } = target.placement
  const key = lockKeyOf(target, schema)
  const retries = new Retries(settings)
  const watch = supervise(
    {
      ...{ target, dialect, set: '', emit: fleet.emit, pool: fleet.pool, cancel: new AbortController().signal },
      settings: { ...settings, migrationTimeoutMs: 0 },
    },
    connection,
    'sample-db',
  )
  let lock: TargetLock | null = null
  try {
    for (;;) {
      try {
        lock ??= await dialect.lockTarget(connection, key, () => fleet.pool.another(server, database))
        if (lock === null) throw new DatabaseError(lockedFailure)
        return await attempt(work, onLook)
      } catch (error) {
        if (error instanceof Refused) return error.result
        if (isTenantryError(error)) return nothingDone(error.toJSON())
        if (!(error instanceof DatabaseError)) throw error
        const { failure } = error
        const again = failure.kind === 'connection-lost' ? null : retries.next(failure)
        if (again === null)
          return nothingDone(failedSample(target, failure, await whoBlocks(work, key, failure.kind, watch), 'reset'))
        await sleep(again.delayMs)
      }
    }
  } finally {
    await watch.stop()
    await lock?.release()
  }
}

async function whoBlocks({ dialect, connection }: SampleWork, key: string, kind: string, watch: Supervision) {
  if (kind === 'lock-timeout') return watch.blockers
  if (kind !== 'locked') return []
  const holder = await dialect.lockHolder(connection, key).catch(() => null)
  return holder === null ? [] : [holder]
}

function nothingDone(error: ErrorDocument): Emptied {
  return { plan: [], brokenKeys: [], removed: null, sequences: [], notices: [], error }
}

async function attempt(work: SampleWork, onLook: EmptyOptions['onLook']): Promise<Emptied> {
  const { emptying } = work
  const isAfter = emptying.countersAre === 'after-commit'
  const { found, resets } = await inSampleTransaction(work, 'empty', async () => {
    const found = await lookAtTables(work, null, 'empty')
    const { plan, brokenKeys, error } = found
    if (error !== null) throw new Refused({ ...nothingDone(error), plan, brokenKeys })
    onLook(found)
    await removeRows(work, found.counted)
    const resets = await findResets(work, found.counted)
    if (!isAfter)
      await send(
        work,
        resets.map(({ counter, next }) => emptying.setCounter(counter, next)),
      )
    return { found, resets }
  })
  const removed = found.counted.reduce((sum, { rows, kept, table }) => sum + (table.isOutside ? 0 : rows - kept), 0)
  const { done, notices } = isAfter ? await setAfterwards(work, resets) : { done: resets, notices: [] }
  const sequences = done.map(({ counter, next }) => ({ sequence: counter.name, next }))
  return { plan: found.plan, brokenKeys: [], removed, sequences, notices, error: null }
}

/** One by one: each is a transaction of its own. The rows are gone by now, so that what fails is only told. */
async function setAfterwards(work: SampleWork, resets: readonly CounterReset[]) {
  const done: CounterReset[] = []
  const notices: Notice[] = []
  for (const reset of resets) {
    const { counter, next } = reset
    try {
      await work.connection.query(work.emptying.setCounter(counter, next))
      done.push(reset)
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error
      notices.push({
        rule: 'counter-not-reset',
        message: `The rows are removed, but ${counter.name} still counts on from ${counter.next}: ${error.failure.message}.`,
        hint: 'the same command again sets it back',
      })
    }
  }
  return { done, notices }
}
