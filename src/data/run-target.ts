import { setTimeout as sleep } from 'node:timers/promises'
import { describeFailure } from '../engine/describe-failure.ts'
import type { DataChangeProgress } from '../model/data-change.ts'
import { DatabaseError, type DatabaseFailure } from '../model/dialect.ts'
import type { ErrorDocument } from '../model/errors.ts'
import type { Notice } from '../model/migration.ts'
import type { TargetChanges } from './choose-targets.ts'
import { goesByTenant } from './choose-targets.ts'
import { readWalkRow } from './claim-walk.ts'
import { countFrom, findTotal } from './count-walk.ts'
import type { DataChange } from './data-change.ts'
import { refusal, takenError } from './describe-batch.ts'
import { failureOf } from './in-transaction.ts'
import { type PrepareOptions, prepareWalks } from './prepare-walk.ts'
import { progressOf } from './progress-report.ts'
import { TargetSession } from './target-session.ts'
import type { Walk } from './walk.ts'
import { walkRows } from './walk-rows.ts'

export interface TargetRun extends Omit<PrepareOptions, 'session'> {
  dryRun: boolean
  /** The migration that a change waits for in this target; null: none is missing. */
  missing: (entry: TargetChanges, change: DataChange) => string | null
  notice: (notice: Notice) => void
}

/** A run that was killed holds its lock until the server notices. */
const lockWaitMs = 10_000

/**
 * Carries out the changes of one target in order. After one that did not come to its end the later ones are not begun:
 * they may build on it. Never throws for what the server says.
 */
export async function runTarget(entry: TargetChanges, task: TargetRun): Promise<DataChangeProgress[]> {
  const session = new TargetSession(task.fleet, entry.target)
  const results: DataChangeProgress[] = []
  let blocked = false
  try {
    const refused = await open(session, entry, task)
    for (const change of entry.changes) {
      const error = refused?.(change) ?? missingError(entry, change, task)
      const own: DataChangeProgress[] =
        blocked || error !== null
          ? unbegun(entry, change, blocked ? null : error, refused !== null)
          : await runChange(entry, change, session, task)
      if (!task.dryRun) for (const one of own) task.run.emit({ type: 'data-change-finished', progress: one })
      results.push(...own)
      blocked ||= !task.dryRun && own.some(({ state }) => state !== 'done')
    }
    return results
  } finally {
    await session.close()
  }
}

/** null: it is open. Else what to say of each change. */
async function open(
  session: TargetSession,
  { target }: TargetChanges,
  task: TargetRun,
): Promise<((change: DataChange) => ErrorDocument) | null> {
  const until = performance.now() + Math.min(lockWaitMs, task.run.settings.targetLockWaitMs)
  try {
    if (task.dryRun) {
      await session.connect()
      return null
    }
    for (;;) {
      if (await session.open()) return null
      if (performance.now() >= until || task.run.signal.drain.aborted)
        return (change) => takenError({ change, target }, null)
      await sleep(100 + Math.random() * 200)
    }
  } catch (error) {
    const failure = failureOf(error)
    if (failure === null) throw error
    return (change) => unreached(change, target, failure)
  }
}

export function unreached(
  change: DataChange,
  target: TargetChanges['target'],
  failure: DatabaseFailure,
): ErrorDocument {
  const document = describeFailure(failure, { target, set: change.set ?? '' })
  return {
    ...document,
    code: document.code === 'MIGRATION_FAILED' ? 'DATA_CHANGE_FAILED' : document.code,
    message: document.message.replace(' could not be migrated', ` could not be worked on (data change ${change.name})`),
    hint: document.hint?.replaceAll('`tenantry up`', `\`tenantry backfill-data run ${change.name}\``) ?? null,
    context: { ...document.context, change: change.name },
  }
}

function missingError(entry: TargetChanges, change: DataChange, { missing }: TargetRun): ErrorDocument | null {
  const migration = missing(entry, change)
  if (migration === null) return null
  return refusal(
    { change, target: entry.target },
    `it comes after migration ${migration}, which is not applied there`,
    'Run `tenantry up` first.',
  )
}

function unbegun(
  entry: TargetChanges,
  change: DataChange,
  error: ErrorDocument | null,
  isFailure: boolean,
): DataChangeProgress[] {
  const tenants = goesByTenant(entry.target, change) ? entry.target.tenants.map(({ slug }) => slug) : [null]
  const state = isFailure && error !== null ? 'failed' : 'pending'
  return tenants.map((tenant) => progressOf(change, entry.target.name, tenant, null, { state, error }))
}

async function runChange(
  entry: TargetChanges,
  change: DataChange,
  session: TargetSession,
  task: TargetRun,
): Promise<DataChangeProgress[]> {
  const { target } = entry
  const results: DataChangeProgress[] = []
  try {
    if (session.broken && !(await session.open()))
      return unbegun(entry, change, takenError({ change, target }, null), true)
    const walks = await prepareWalks(entry, change, { ...task, session })
    if ('code' in walks) return unbegun(entry, change, walks, true)
    for (const walk of walks) {
      results.push(task.dryRun ? await lookAhead(walk) : await carryOut(walk, task))
    }
    return results
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    const rest = unbegun(entry, change, unreached(change, target, error.failure), true)
    return [...results, ...rest.filter(({ tenant }) => !results.some((one) => one.tenant === tenant))]
  }
}

async function carryOut(walk: Walk, { notice, run }: TargetRun): Promise<DataChangeProgress> {
  const slug = walk.tenantColumn === null ? null : (walk.tenant?.slug ?? null)
  if (run.signal.drain.aborted)
    return progressOf(walk.change, walk.target.name, slug, await readWalkRow(walk), { error: null })
  const { state, row, error } = await walkRows(walk)
  const progress = progressOf(walk.change, walk.target.name, slug, row, { state, error })
  const { table } = walk
  if (state === 'done' && table.rowSecurity && progress.rowsDone === 0 && (table.estimatedRows ?? 0) > 0) {
    notice({
      rule: 'no-rows-seen',
      message: `${walk.change.name} saw no row of ${walk.change.table} in ${walk.target.name}${slug === null ? '' : ` for tenant ${slug}`}, and policies hide rows from this role`,
      hint: `check that the policies read \`${walk.setting}\` (\`sharedTables.setting\`), if the tenant should have rows`,
    })
  }
  return progress
}

/** What a run would do, counted. Changes nothing. */
async function lookAhead(walk: Walk): Promise<DataChangeProgress> {
  const slug = walk.tenantColumn === null ? null : (walk.tenant?.slug ?? null)
  const row = await readWalkRow(walk)
  const begun = row !== null && !walk.run.restart ? row : null
  const rowsTotal = await findTotal(walk, true)
  const left =
    begun?.state === 'done'
      ? 0
      : begun === null || walk.change.remaining !== null
        ? rowsTotal
        : await countFrom(walk, begun.cursor)
  return progressOf(walk.change, walk.target.name, slug, row, { rowsTotal, rowsLeft: left })
}
