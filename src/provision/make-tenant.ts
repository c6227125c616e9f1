import type { TenantRecord } from '../model/registry.ts'
import { takeTurn } from '../registry/heads.ts'
import { fillPlace } from './fill-place.ts'
import { writeFirstRows } from './first-rows.ts'
import { makePlace, makeRole, prepareDatabase } from './make-place.ts'
import type { Making } from './making.ts'
import { applyAll, FleetMovedOn, findMissing } from './reach-head.ts'
import { isSomebodyElses, requireAtHead } from './shared-place.ts'
import { findTemplate } from './templates.ts'
import { booksOf, readTenantSets, type TenantSets } from './tenant-sets.ts'
import { verifyPlace } from './verify-place.ts'

/**
 * All steps, from the first: each finds what is done already and leaves it. Gives the tenant, active, and whether its
 * schema was compared. Throws `FleetMovedOn` where this process lacks files that the fleet has.
 */
export async function makeTenant(making: Making): Promise<{ tenant: TenantRecord; verified: boolean }> {
  const { about } = making
  const { fleet } = about
  await making.run('role', () => makeRole(making))
  const early = await readTenantSets(making)
  const template = await making.run('place', async () => {
    const from = await findTemplate(making, early)
    return { from, made: await makePlace(making, from?.name ?? null) }
  })
  // Its place may have got another name.
  const tenantSets = making.target.name === early.sets[0]?.targets[0]?.name ? early : await readTenantSets(making)
  const { sets } = tenantSets
  const { database } = making.tenant.placement
  await making.run('extensions', async () => {
    if (making.tenant.topology === 'shared') return
    if (template.from !== null && template.made === 'made') return
    await making.use(database, (connection) =>
      prepareDatabase(
        making,
        connection,
        sets.map(({ historySchema }) => historySchema),
      ),
    )
  })
  const isOthers = await isSomebodyElses(making)
  await making.run('schema', () => (isOthers ? requireAtHead(making, sets) : fillPlace(making, tenantSets, template)))
  await making.run('grants', () => grantRole(making, tenantSets))
  await making.run('head', async () => {
    if (!isOthers) await applyAll(making, sets)
    const missing = await findMissing(making, sets)
    if (missing.length > 0) throw new FleetMovedOn(missing)
  })
  await making.run('seed', async () => about.seed?.(making.target, making.signal))
  await making.run('first-rows', () => writeFirstRows(making))
  const verified = await making.run('verify', async () => (isOthers ? false : verifyPlace(making, tenantSets)))
  const tenant = await making.run('active', () => activate(making, tenantSets))
  if (tenant.placement.schema === undefined)
    await fleet.pool.closeDatabase(tenant.placement.server, tenant.placement.database)
  return { tenant, verified }
}

async function grantRole(making: Making, tenantSets: TenantSets): Promise<void> {
  const { tenant, places, record, about } = making
  const { role } = record.facts
  if (role == null) return
  const { database, schema = null } = tenant.placement
  const { sharedSchema } = about.fleet.config
  const grant = { role, database, schema, sharedSchema, books: booksOf(tenantSets) }
  await making.use(database, (connection) => places.grant(connection, grant))
}

/** The head is read in the transaction that makes the tenant active: an `up` that begins later sees the tenant. */
async function activate(making: Making, { sets }: TenantSets): Promise<TenantRecord> {
  const { about, record, tenant } = making
  await record.settled()
  return about.registry.tenants.change(tenant.id, 'provisioning', { state: 'active' }, about.actor, async (query) => {
    await takeTurn(about.registry, query)
    const missing = await findMissing(making, sets, query)
    if (missing.length > 0) throw new FleetMovedOn(missing)
    await record.finish(query)
  })
}
