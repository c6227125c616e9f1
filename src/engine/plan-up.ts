import type { ErrorDocument } from '../model/errors.ts'
import { TenantryError } from '../model/errors.ts'
import type { Migration } from '../model/migration.ts'
import type { HalfDone, PlannedStep, Standing } from '../model/plan.ts'

/** What would run in a target, or why nothing may. */
export interface StepPlan {
  steps: readonly PlannedStep[]
  error: ErrorDocument | null
}

export interface UpPlanOptions {
  /** The last one to apply; default: all. */
  to?: Migration | null
  /** Go on although applied files were changed. Default: false. */
  allowChanged?: boolean
  /** Refuse pending migrations that are older than an applied one. Default: false. */
  strictOrder?: boolean
  /** The set's tool refuses them by itself, and this is what to do then. Default: it does not. */
  toolOrder?: { hint: string } | undefined
  /** Ids that may not run now; what comes after them in the folder waits, too. Default: none. */
  held?: ReadonlySet<string>
}

/**
 * What `up` would do. Half-done migrations are finished first, then what is pending, both in the folder's order; up
 * to and including `to`. Errors name no target: many targets share one standing.
 */
export function planUp(standing: Standing, migrations: readonly Migration[], options: UpPlanOptions = {}): StepPlan {
  const error = refuseHalfDone(standing, migrations) ?? refuseChanged(standing.changed, options.allowChanged ?? false)
  if (error !== null) return { steps: [], error: error.toJSON() }
  if (standing.late !== undefined && standing.late.length > 0) {
    return { steps: [], error: describeUnplaceable(standing.late).toJSON() }
  }
  const wanted = migrations.slice(0, options.to == null ? migrations.length : findPlace(migrations, options.to) + 1)
  if (options.strictOrder === true || options.toolOrder !== undefined) {
    const late = standing.outOfOrder.filter((migration) => wanted.includes(migration))
    if (late.length > 0) return { steps: [], error: describeLate(late, options.toolOrder?.hint).toJSON() }
  }
  const begun = new Set(standing.halfDone.map((half) => half.migration))
  const pending = new Set(standing.pending)
  const first = wanted.filter((migration) => begun.has(migration.id))
  const then = wanted.filter((migration) => pending.has(migration))
  const steps = [...first, ...then]
  const held = steps.findIndex(({ id }) => options.held?.has(id) === true && !begun.has(id))
  const free = held < 0 ? steps : steps.slice(0, held)
  return { steps: free.map((migration) => ({ migration, direction: 'up' })), error: null }
}

/** Index in the folder's order; -1: not of this folder. */
export function findPlace(migrations: readonly Migration[], wanted: Migration): number {
  return migrations.findIndex((migration) => migration.id === wanted.id)
}

function refuseHalfDone(standing: Standing, migrations: readonly Migration[]): TenantryError | null {
  const [failed] = standing.halfDone.filter((half) => half.source === 'native')
  if (failed !== undefined) {
    return refuseFailed(failed, 'so nothing further is applied')
  }
  const disputed = standing.halfDone.find((half) => half.disputed)
  if (disputed !== undefined) {
    const { migration, statementsDone, statementsTotal } = disputed
    return new TenantryError(
      'MIGRATION_HALF_APPLIED',
      `Migration ${migration} stopped after ${statementsDone} of ${statementsTotal} statements, and was recorded as rolled back by another tool since.`,
      {
        hint: `If what it did is gone: \`tenantry baseline --rolled-back ${migration}\`, and \`tenantry up\` begins it anew. If all of it is there: \`tenantry baseline --migration ${migration}\`.`,
        context: { migration },
      },
    )
  }
  const [undoing] = standing.halfDone.filter((half) => half.direction === 'down')
  if (undoing !== undefined) {
    return new TenantryError(
      'MIGRATION_HALF_APPLIED',
      `The undo of migration ${undoing.migration} stopped after ${undoing.statementsDone} of ${undoing.statementsTotal} statements.`,
      {
        hint: `Finish it with \`tenantry down ${undoing.migration}\`, then run \`tenantry up\` again.`,
        context: { migration: undoing.migration },
      },
    )
  }
  const lost = standing.halfDone.find((half) => !migrations.some((migration) => migration.id === half.migration))
  if (lost === undefined) return null
  return new TenantryError(
    'MIGRATION_HALF_APPLIED',
    `Migration ${lost.migration} stopped after ${lost.statementsDone} of ${lost.statementsTotal} statements, and its file is gone.`,
    { hint: 'Bring the file back, then run `tenantry up` again.', context: { migration: lost.migration } },
  )
}

/** Most of the tool's own words in an error; the whole of them is in its context. */
const mostLogs = 300

/** The server's own words out of the tool's; what stands around them is the same every time. */
function gist(logs: string): string {
  const code = /^Database error code: (\S+)/m.exec(logs)?.[1]
  const said = /^Database error:\s*(\S.*)/m.exec(logs)?.[1]
  return (said === undefined ? logs : `${said}${code === undefined ? '' : ` (${code})`}`).replaceAll(/\s+/g, ' ').trim()
}

/** A migration that failed under the tool itself, which settles it only when it is told how. */
export function refuseFailed({ migration, logs, dirty, called }: HalfDone, then: string): TenantryError {
  if (dirty === true) return describeDirty(migration, then)
  if (called !== undefined) return describeCalled(migration, called, then)
  const words = gist(logs ?? '')
  const said = words === '' ? '' : ` It noted: ${words.slice(0, mostLogs)}${words.length > mostLogs ? '…' : '.'}`
  return new TenantryError(
    'MIGRATION_HALF_APPLIED',
    `Migration ${migration} is recorded as started and not finished (Prisma's P3009), ${then}.${said}`,
    {
      hint:
        `Look at what it did. If all of it is there: \`tenantry baseline --migration ${migration}\` (as \`prisma migrate resolve --applied ${migration}\`); ` +
        `if none of it is: \`tenantry baseline --rolled-back ${migration}\` (as \`prisma migrate resolve --rolled-back ${migration}\`). Then run \`tenantry up\` again.`,
      context: { migration, ...(words === '' ? {} : { logs }) },
    },
  )
}

/** The error for applied files that are not what they were; null when there are none, or they are allowed. */
export function refuseChanged(changed: readonly Migration[], allowed: boolean): TenantryError | null {
  const [first] = changed
  if (allowed || first === undefined) return null
  const ids = changed.map((migration) => migration.id)
  return new TenantryError(
    'MIGRATION_CHANGED',
    changed.length === 1
      ? `Migration ${first.id} was changed after it had been applied (${first.up.file}).`
      : `${changed.length} migrations were changed after they had been applied: ${ids.join(', ')}.`,
    {
      hint: 'Bring the old text back and put the change into a new migration; `--allow-changed` goes on as it is.',
      context: { migration: first.id, file: first.up.file, migrations: ids },
    },
  )
}

function describeLate(late: readonly Migration[], hint: string | undefined): TenantryError {
  const ids = late.map((migration) => migration.id)
  return new TenantryError(
    'OUT_OF_ORDER',
    `${ids.join(', ')} ${ids.length === 1 ? 'is' : 'are'} pending, and newer migrations are applied already.`,
    {
      hint: hint ?? 'Rename to the end of the order what no database has applied yet; or leave out `--strict-order`.',
      context: { ...(ids[0] === undefined ? {} : { migration: ids[0] }), migrations: ids },
    },
  )
}

function describeUnplaceable(late: readonly Migration[]): TenantryError {
  const ids = late.map((migration) => migration.id)
  return new TenantryError(
    'OUT_OF_ORDER',
    `${ids.join(', ')} came after newer migrations had been applied, and the history is one number: it has no place for ${ids.length === 1 ? 'it' : 'them'}.`,
    {
      hint: `Give ${ids.length === 1 ? 'the file' : 'each file'} a number after the last one. What is there already is recorded with \`tenantry baseline --migration ${ids[0]}\`.`,
      context: { ...(ids[0] === undefined ? {} : { migration: ids[0] }), migrations: ids },
    },
  )
}

/** A row that says no more than that it failed. */
function describeCalled(migration: string, called: NonNullable<HalfDone['called']>, then: string): TenantryError {
  return new TenantryError(
    'MIGRATION_HALF_APPLIED',
    `Migration ${migration} is recorded as failed (${called.called}), ${then}.`,
    {
      hint:
        `\`tenantry baseline --migration ${migration}\` looks whether all of it is there, and records it as applied; ` +
        `\`tenantry baseline --rolled-back ${migration}\` looks whether nothing of it is there, and takes the row away, as ${called.repair} does without looking. Both refuse where that is not so. Then run \`tenantry up\` again.`,
      context: { migration },
    },
  )
}

/** golang-migrate marks the number that it goes to, whichever way it comes. */
function describeDirty(migration: string, then: string): TenantryError {
  return new TenantryError(
    'MIGRATION_HALF_APPLIED',
    `The history is dirty at ${migration}: golang-migrate began to apply it, or to undo the one after it, and did not finish, ${then}.`,
    {
      hint:
        `\`tenantry baseline --migration ${migration}\` looks whether all of it is there, and nothing of the one after it, and records it as applied; ` +
        `\`tenantry baseline --rolled-back ${migration}\` looks whether nothing of it is there, and goes back to the one before. Both refuse where that is not so. Then run \`tenantry up\` again.`,
      context: { migration },
    },
  )
}
