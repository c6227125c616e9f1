import { References } from '../checks/reference.ts'
import { DatabaseError } from '../model/dialect.ts'
import { isTenantryError } from '../model/errors.ts'
import type { Snapshots } from '../model/places.ts'
import type { Target } from '../model/tenant.ts'
import type { Fleet } from '../rollout/fleet.ts'
import type { Making } from './making.ts'
import type { KeptSnapshot } from './snapshot-files.ts'
import type { TenantSets } from './tenant-sets.ts'

/**
 * Builds what the migrations make on the scratch server, writes it down, and proves the copy: made again beside it, it
 * has the same fingerprint, and is written down the same. `why`: it cannot be had, and every migration has to run.
 */
export async function makeSnapshot(making: Making, tenantSets: TenantSets): Promise<KeptSnapshot | { why: string }> {
  const { snapshots } = making.places
  if (snapshots === undefined) return { why: 'this kind of server has none' }
  const scratch = await chooseScratch(making)
  const { about } = making
  const { config } = about.fleet
  const isOwn = config.scratch?.server === scratch
  const fleet = isOwn ? about.fleet : about.fleetFor({ ...config, scratch: { server: scratch } })
  const references = new References(fleet, about.stateDir, making.signal)
  try {
    const { recipe, scope } = tenantSets
    const { hash } = await references.picture(recipe, scope)
    const place = await references.place(recipe)
    const { server, database, schema } = place.placement
    const lease = await fleet.pool.lease(server, database)
    try {
      const snapshot = await snapshots.take(lease.connection, schema ?? null)
      if ('why' in snapshot) return snapshot
      const kept = { hash, snapshot }
      const why = await prove(fleet, place, kept, tenantSets, snapshots)
      return why === null ? kept : { why }
    } finally {
      await lease.release(true)
    }
  } catch (error) {
    if (isTenantryError(error) && error.code !== 'INTERRUPTED') return { why: error.message.replace(/\.$/, '') }
    if (error instanceof DatabaseError) return { why: error.failure.message }
    throw error
  } finally {
    await references.close()
    if (!isOwn) await fleet.close()
  }
}

/** The config's own, where it is of the same kind and version; else the server that the tenant is on. */
async function chooseScratch({ about, tenant }: Making): Promise<string> {
  const { pool, config } = about.fleet
  const own = tenant.placement.server
  const named = config.scratch?.server
  if (named === undefined || named === own || pool.dialect(named).name !== pool.dialect(own).name) return own
  const versions = await Promise.all(
    [named, own].map(async (server) => {
      const connection = await pool.another(server, pool.server(server).database ?? pool.dialect(server).scratch.home)
      await connection.close()
      return Math.floor(connection.version / 100)
    }),
  )
  return versions[0] === versions[1] ? named : own
}

/** null: the copy is equal. */
async function prove(
  { pool }: Fleet,
  { placement: { server, database, schema } }: Target,
  { hash, snapshot }: KeptSnapshot,
  { recipe, scope }: TenantSets,
  snapshots: Snapshots,
): Promise<string | null> {
  const dialect = pool.dialect(server)
  const own = schema === undefined
  const copy = own ? `${database}_c` : 'Tenantry copy'
  const lease = await pool.lease(server, database)
  const inside = own ? await copyOf() : lease.connection
  try {
    if (!own) await dialect.scratch.createSchema(inside, copy)
    await snapshots.load(inside, own ? null : copy, snapshot)
    const { hashes } = await dialect.pictures.fingerprint(inside, [own ? recipe.within : copy], scope)
    if (hashes[0] !== hash) return 'a copy made from it is not equal to what the migrations make'
    const again = await snapshots.take(inside, own ? null : copy)
    if ('why' in again) return again.why
    const plain = (text: string, name: string | null) =>
      name === null ? text : text.replaceAll(`"${name}"`, '""').replaceAll(`'${name}'`, "''")
    const texts = [snapshot, again].map((one) => plain(one.statements.join('\n'), one.placeholder))
    return texts[0] === texts[1] ? null : 'a copy made from it holds other rows or definitions'
  } finally {
    if (own) {
      await inside.close()
      await dialect.scratch.dropDatabase(lease.connection, copy)
    }
    await lease.release(true)
  }

  async function copyOf() {
    const defaults = await dialect.scratch.defaultsOf(lease.connection)
    await dialect.scratch.createDatabase(lease.connection, copy, defaults)
    return pool.another(server, copy)
  }
}
