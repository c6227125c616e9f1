import { createHash } from 'node:crypto'
import { readVersion } from '../engine/package-version.ts'
import type { Making } from './making.ts'
import type { TenantSets } from './tenant-sets.ts'

const packageVersion = readVersion()

/**
 * Hash over everything that could make a new tenant's place another one: what is kept under it is right for as long as
 * nothing of it changes.
 *
 * @param version of the tenant's server
 * @param defaults what its database was made with, where what is kept goes into a database that is there
 */
export function keyOfPlace(
  { about, tenant }: Making,
  { recipe, scope }: TenantSets,
  version: number,
  defaults: string | null = null,
): string {
  const { sharedSchema, provision } = about.fleet.config
  const built = recipe.parts.map(({ set, kind, count }) => [
    kind,
    set.config.name,
    set.format.name,
    set.config.session,
    set.config.transaction,
    set.config.placeholders,
    [set.shape.kind, set.table, set.historySchema],
    set.migrations.slice(0, count).map(({ id, checksum }) => [id, checksum]),
  ])
  const facts = [
    packageVersion,
    recipe.dialect,
    version,
    recipe.kind,
    recipe.within,
    sharedSchema,
    provision.extensions,
    defaults,
  ]
  const kind = tenant.topology === 'schema'
  return createHash('sha256')
    .update(JSON.stringify([facts, kind, built, scope]))
    .digest('hex')
}

/** The same for all that one registry's fleet makes of these sets: what is kept for another fleet is left alone. */
export function familyOf({ about }: Making, { recipe }: TenantSets): string {
  const { registry } = about.fleet.config
  const where =
    registry === null ? null : [registry.server.host, registry.server.port, registry.database, registry.schema]
  const sets = recipe.parts.map(({ set, kind }) => [set.config.name, kind])
  return createHash('sha256')
    .update(JSON.stringify([where, sets]))
    .digest('hex')
    .slice(0, 16)
}
