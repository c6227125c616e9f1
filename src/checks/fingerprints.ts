import { describeFailure } from '../engine/describe-failure.ts'
import { DatabaseError, type DatabaseFailure } from '../model/dialect.ts'
import { type ErrorDocument, TenantryError } from '../model/errors.ts'
import type { PictureScope } from '../model/picture.ts'
import type { Target } from '../model/tenant.ts'
import type { Fleet } from '../rollout/fleet.ts'
import { runBounded } from '../rollout/schedule.ts'

/** Targets of one database that are asked for over one connection: several share the work where there are many. */
const fewestPerMessage = 100
const mostPerMessage = 500
const mostMessages = 4

/** Nothing of the database was seen: asking for each schema alone would wait for each. */
const unreached: ReadonlySet<DatabaseFailure['kind']> = new Set([
  'unreachable',
  'authentication',
  'tls',
  'database-missing',
  'database-unusable',
  'too-many-connections',
  'connection-lost',
])

/** A target's hash and its server's version; or why it could not be looked at. */
export type Fingerprint = { hash: string; version: number } | { error: ErrorDocument }

/**
 * Hashes of many targets, a few messages per database, within the limits of fleet, server and database. A target that
 * cannot be looked at has its error. After `stop()` says true nothing more is asked; what is left out has no entry.
 * `keep`: the sessions are needed for something else.
 */
export async function readFingerprints(
  fleet: Fleet,
  targets: readonly Target[],
  scope: PictureScope,
  { stop, keep = false }: { stop?: () => boolean; keep?: boolean } = {},
): Promise<Map<Target, Fingerprint>> {
  const { pool } = fleet
  const found = new Map<Target, Fingerprint>()
  await runBounded(
    groupByDatabase(targets),
    ({ server, database }) => ({ server, database }),
    fleet.limits,
    async ({ own }) => {
      let failed = await ask(fleet, own, scope, found)
      if (failed?.failure.kind === 'connection-lost') failed = await ask(fleet, own, scope, found)
      if (failed === null) return
      // What one schema is in the way of (a table that somebody holds locked) must not keep the others from being seen.
      const alone = own.length === 1 || unreached.has(failed.failure.kind)
      for (const target of own) {
        const error = alone ? failed : stop?.() === true ? null : await ask(fleet, [target], scope, found)
        if (error !== null) found.set(target, { error: lookError(error, target) })
      }
    },
    stop,
    ({ server, database }) => void (keep || pool.closeDatabase(server, database)),
  )
  return found
}

/** The hashes of targets of one database; gives the error if they could not be read. */
async function ask(
  { pool }: Fleet,
  own: readonly Target[],
  scope: PictureScope,
  found: Map<Target, Fingerprint>,
): Promise<DatabaseError | null> {
  const { server, database } = (own[0] as Target).placement
  try {
    const lease = await pool.lease(server, database)
    try {
      const schemas = own.map(({ placement }) => placement.schema ?? null)
      const { connection } = lease
      const { hashes } = await pool.dialect(server).pictures.fingerprint(connection, schemas, scope)
      for (const [i, target] of own.entries()) {
        const hash = hashes[i] ?? null
        found.set(target, hash === null ? { error: goneError(target) } : { hash, version: connection.version })
      }
      return null
    } finally {
      // A backend that has seen hundreds of schemas has grown; end it.
      await lease.release(own.length > 250)
    }
  } catch (error) {
    if (error instanceof DatabaseError) return error
    throw error
  }
}

/** Targets by database, in groups that are small enough for one connection. */
export function groupByDatabase(targets: readonly Target[]): { server: string; database: string; own: Target[] }[] {
  const groups = new Map<string, { server: string; database: string; own: Target[] }>()
  for (const target of targets) {
    const { server, database } = target.placement
    const key = `${server}\0${database}`
    const group = groups.get(key) ?? { server, database, own: [] }
    groups.set(key, group)
    group.own.push(target)
  }
  return [...groups.values()].flatMap(({ server, database, own }) => {
    const size = Math.min(mostPerMessage, Math.max(fewestPerMessage, Math.ceil(own.length / mostMessages)))
    const parts = Math.ceil(own.length / size)
    return Array.from({ length: parts }, (_, i) => ({ server, database, own: own.slice(i * size, (i + 1) * size) }))
  })
}

/** The error of a target whose schema could not be looked at. */
export function lookError({ failure }: DatabaseError, target: Target): ErrorDocument {
  const { code, hint, context } = describeFailure(failure, { target, set: '' })
  const { set, ...rest } = context
  return new TenantryError(
    code === 'MIGRATION_FAILED' ? 'LOOK_FAILED' : code,
    `The schema of ${target.name} could not be looked at: ${failure.message.replace(/\.$/, '')}.`,
    {
      hint:
        code === 'MIGRATION_FAILED'
          ? 'Nothing was changed. The migration role must be allowed to use the schema.'
          : (hint ?? undefined),
      context: rest,
    },
  ).toJSON()
}

export function goneError(target: Target): ErrorDocument {
  return new TenantryError('SCHEMA_MISSING', `The schema of ${target.name} does not exist.`, {
    hint: 'Create the schema, or take the tenant out of the list. tenantry never makes one by accident.',
    context: { target: target.name },
  }).toJSON()
}
