import { describeFailure } from '../engine/describe-failure.ts'
import { type DatabaseFailure, failureCodes } from '../model/dialect.ts'
import { type ErrorCode, type ErrorDocument, TenantryError } from '../model/errors.ts'
import { type BatchRange, plainKey } from './find-batch.ts'
import { schemaOfWalk, slugOf, type Walk } from './walk.ts'

/** Failures that say something about the server or the connection, not about the change. */
const elsewhere: ReadonlySet<ErrorCode> = new Set([
  'TARGET_LOCKED',
  'LOCK_TIMEOUT',
  'CONNECTION_LOST',
  'SERVER_UNREACHABLE',
  'AUTHENTICATION_FAILED',
  'TLS_FAILED',
  'DATABASE_MISSING',
  'DATABASE_UNUSABLE',
])

/** `orders.id 1001 to 1500`. */
export function describeRange(walk: Walk, range: BatchRange | null): string {
  const { change } = walk
  if (range === null) return change.table
  const name = `${change.table}.${change.key.join(', ')}`
  const [from, to] = [plainKey(walk, range.from), plainKey(walk, range.to)]
  return from.join(', ') === to.join(', ') ? `${name} ${show(from)}` : `${name} ${show(from)} to ${show(to)}`
}

/** Keys may be texts of any length. */
function show(key: readonly string[]): string {
  return key.map((part) => (part.length > 64 ? `${part.slice(0, 64)}…` : part)).join(', ')
}

/** A batch that failed for good, as the error of its target. */
export function describeBatchFailure(
  walk: Walk,
  failure: DatabaseFailure,
  range: BatchRange | null,
  statement: number | null,
): ErrorDocument {
  const { change, target } = walk
  const code = failureCodes[failure.kind]
  if (failure.kind !== 'deadlock' && elsewhere.has(code)) return describeOutside(walk, failure)
  const line = statement === null ? undefined : walk.compiled?.lineOf(statement, schemaOfWalk(walk))
  const where = `${describeRange(walk, range)}${line === undefined ? '' : ` (${change.file}:${line})`}`
  return new TenantryError(
    'DATA_CHANGE_FAILED',
    `Data change ${change.name} failed in ${nameOf(walk)} at ${where}: ${failure.message.replace(/\.$/, '')}. Nothing of this batch stays; the rows before it are changed.`,
    {
      hint: failure.sqlstate?.startsWith('23')
        ? `Mend the rows that are in the way (or the file), then run ${again(walk)}: it goes on at this batch.`
        : `Correct the file, then run ${again(walk)} (with --allow-changed): it goes on at this batch.`,
      context: {
        ...contextOf(walk),
        target: target.name,
        ...(range === null ? {} : { from: plainKey(walk, range.from), to: plainKey(walk, range.to) }),
        ...(line === undefined ? {} : { line }),
        failure: failure.kind,
        serverMessage: failure.message,
        ...(failure.detail === null ? {} : { detail: failure.detail }),
        ...(failure.sqlstate === null ? {} : { sqlstate: failure.sqlstate }),
      },
    },
  ).toJSON()
}

function describeOutside(walk: Walk, failure: DatabaseFailure): ErrorDocument {
  const document = describeFailure(failure, { target: walk.target, set: walk.change.set ?? '' })
  return {
    ...document,
    message: document.message.replace(' could not be migrated', `: data change ${walk.change.name} could not go on`),
    hint: document.hint?.replaceAll('`tenantry up`', again(walk)) ?? null,
    context: { ...document.context, ...contextOf(walk) },
  }
}

export function stuckError(walk: Walk, message: string, hint: string): ErrorDocument {
  return new TenantryError(
    'DATA_CHANGE_STUCK',
    `Data change ${walk.change.name} was stopped in ${nameOf(walk)}: ${message}.`,
    {
      hint,
      context: contextOf(walk),
    },
  ).toJSON()
}

export function refusal(walk: Pick<Walk, 'change' | 'target'>, message: string, hint: string): ErrorDocument {
  const { change, target } = walk
  return new TenantryError(
    'DATA_CHANGE_REFUSED',
    `Data change ${change.name} cannot be carried out in ${target.name}: ${message}.`,
    {
      hint,
      context: { target: target.name, change: change.name, file: change.file },
    },
  ).toJSON()
}

export function takenError(walk: Pick<Walk, 'change' | 'target'>, by: string | null): ErrorDocument {
  const { change, target } = walk
  const who = by === null ? 'Another run' : `Another run (${by})`
  return new TenantryError('TARGET_LOCKED', `${who} is at work on the data of ${target.name}.`, {
    hint: `Wait for it, or \`tenantry backfill-data pause ${change.name}\`; \`tenantry backfill-data status\` shows how far it is.`,
    context: { target: target.name, change: change.name },
  }).toJSON()
}

function again({ change }: Walk): string {
  return `\`tenantry backfill-data run ${change.name}\``
}

function nameOf(walk: Walk): string {
  const slug = slugOf(walk)
  return slug === null ? walk.target.name : `${walk.target.name} for tenant ${slug}`
}

function contextOf(walk: Walk) {
  const { change, target, tenant } = walk
  return {
    target: target.name,
    ...(tenant === null ? {} : { tenant: tenant.slug }),
    change: change.name,
    file: change.file,
  }
}
