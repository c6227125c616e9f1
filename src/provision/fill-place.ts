import { DatabaseError } from '../model/dialect.ts'
import type { Made } from '../model/places.ts'
import { emptyPlace } from './make-place.ts'
import { makeSnapshot } from './make-snapshot.ts'
import type { Making } from './making.ts'
import { keyOfPlace } from './place-key.ts'
import { applyAll } from './reach-head.ts'
import { type KeptSnapshot, SnapshotFiles } from './snapshot-files.ts'
import type { FoundTemplate } from './templates.ts'
import type { TenantSets } from './tenant-sets.ts'

/** Fills a place with everything that the folders hold, by the fastest way that is proved to make the same. */
export async function fillPlace(
  making: Making,
  tenantSets: TenantSets,
  place: { from: FoundTemplate | null; made: Made },
): Promise<void> {
  const { record } = making
  if (place.from !== null && place.made === 'made') {
    making.source = 'template'
    making.expected = place.from.hash
    return
  }
  // What a run before this one left is gone on with by what it has applied.
  const halfFilled = record.facts.filling === true
  if (halfFilled && place.made !== 'made') await emptyPlace(making)
  if (halfFilled || place.made === 'made') {
    if (await fillFromSnapshot(making, tenantSets)) return
  }
  await applyAll(making, tenantSets.sets)
  making.source ??= 'replay'
}

/** False: it cannot be; why was said, and nothing is in the place. */
async function fillFromSnapshot(making: Making, tenantSets: TenantSets): Promise<boolean> {
  const { about, tenant, places, record } = making
  const { fleet } = about
  const { database, schema = null } = tenant.placement
  const { snapshots } = places
  const migrations = tenantSets.sets.reduce((sum, set) => sum + set.migrations.length, 0)
  if (fleet.config.provision.from === 'replay' || snapshots === undefined || migrations === 0) return false
  if (tenant.topology === 'shared' || (schema !== null && !snapshots.fits(schema))) return false
  const kept = await readKept(making, tenantSets)
  if ('why' in kept) return replayed(making, kept.why)
  const { features } = fleet.pool.dialect(tenant.placement.server)
  if (!features.transactionalDdl) await record.note({ filling: true })
  try {
    await making.use(database, (connection) => snapshots.load(connection, schema, kept.snapshot))
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.failure.kind !== 'statement') throw error
    if (!features.transactionalDdl) await emptyPlace(making)
    return replayed(making, error.failure.message)
  }
  if (!features.transactionalDdl) await record.note({ filling: false })
  making.source = 'snapshot'
  making.expected = kept.hash
  return true
}

function replayed(making: Making, why: string): false {
  making.say({
    rule: 'replayed',
    message: `Every migration is run for ${making.tenant.slug}, since there is no snapshot to make it from: ${why}.`,
  })
  return false
}

async function readKept(making: Making, tenantSets: TenantSets): Promise<KeptSnapshot | { why: string }> {
  const files = new SnapshotFiles(making.about.stateDir)
  const { server, database } = making.tenant.placement
  const { scratch } = making.about.fleet.pool.dialect(server)
  const key = await making.use(database, async (connection) =>
    keyOfPlace(making, tenantSets, connection.version, await scratch.defaultsOf(connection)),
  )
  const known = files.read(key)
  if (known !== null) return known
  const made = await makeSnapshot(making, tenantSets)
  if ('why' in made) return made
  try {
    files.write(key, made)
  } catch (error) {
    making.say({
      rule: 'snapshot-not-stored',
      message: `The snapshot could not be kept for the next tenant: ${error instanceof Error ? error.message : String(error)}.`,
      hint: 'make the folder writable, or name another one with TENANTRY_STATE_DIR',
    })
  }
  return made
}
