import { type Connection, DatabaseError } from '../model/dialect.ts'
import { TenantryError } from '../model/errors.ts'
import type { Made } from '../model/places.ts'
import { nameRole, randomDigits } from '../topologies/name-place.ts'
import { placeTenant } from '../topologies/place-tenant.ts'
import type { Making } from './making.ts'
import { markOf } from './provision-record.ts'
import { tenantPassword } from './tenant-credential.ts'

/** Names that somebody else has are left to them; where ours was made, another one is. */
const mostNames = 8

/** Makes the tenant's role, with nothing but the right to log in. */
export async function makeRole(making: Making): Promise<void> {
  const { about, record } = making
  for (let tries = 1; ; tries++) {
    const { role } = record.facts
    if (role == null) return
    const password = await tenantPassword(about, making.tenant, role)
    const mark = markOf(making.tenant.id, record.token)
    const made = await making.home((connection) => making.places.makeRole(connection, { name: role, password }, mark))
    if (made !== 'taken') {
      if (record.facts.roleMade !== true) record.mention({ roleMade: true })
      return
    }
    if (record.facts.renamable !== true || tries >= mostNames) throw taken(making, `role ${role}`)
    await rename(making)
  }
}

/** Makes its database or schema. Gives whether it was there already, from a run before this one. */
export async function makePlace(making: Making, template: string | null): Promise<Made> {
  const { record } = making
  for (let tries = 1; ; tries++) {
    const { placement, topology } = making.tenant
    if (topology === 'shared') return 'there'
    const found = await tryPlace(making, template)
    const made = found === 'taken' && record.facts.placed === true ? 'there' : found
    if (made !== 'taken') {
      if (record.facts.placed !== true) record.mention({ renamable: false, placed: true })
      return made
    }
    const what = placement.schema === undefined ? `database ${placement.database}` : `schema ${placement.schema}`
    if (record.facts.renamable !== true || tries >= mostNames) throw taken(making, what)
    await rename(making)
    await makeRole(making)
  }
}

/** Its database once more, with nothing in it: what was loaded into it half counts for nothing. */
export async function emptyPlace(making: Making): Promise<void> {
  const { tenant, record, places, about } = making
  const { server, database } = tenant.placement
  await about.fleet.pool.closeDatabase(server, database)
  const dropped = await making.home((home) => places.dropDatabase(home, database, markOf(tenant.id, record.token)))
  if (dropped === 'taken' || (await tryPlace(making, null)) === 'taken') throw taken(making, `database ${database}`)
  await record.note({ filling: false })
}

function tryPlace(making: Making, template: string | null): Promise<Made> {
  const { tenant, record, places } = making
  const { database, schema } = tenant.placement
  const mark = markOf(tenant.id, record.token)
  return schema === undefined
    ? making.home((connection) => places.makeDatabase(connection, database, mark, template))
    : making.use(database, (connection) => places.makeSchema(connection, schema, mark))
}

/** Another name for its place, and its role with it. Nothing is in either yet. */
async function rename(making: Making): Promise<void> {
  const { about, record, tenant, places } = making
  const { registry, fleet, actor } = about
  const { role } = record.facts
  const { server, database, schema } = tenant.placement
  const placement = placeTenant(
    {
      slug: tenant.slug,
      topology: tenant.topology,
      server,
      database: schema === undefined ? null : database,
      schema: null,
      naming: fleet.config.provision.naming,
      longestBytes: places.longestNameBytes,
    },
    randomDigits(),
  )
  making.tenant = await registry.tenants.change(tenant.id, 'provisioning', { placement }, actor)
  if (role == null) return
  const mark = markOf(tenant.id, record.token)
  if (record.facts.roleMade === true) await making.home((connection) => places.dropRole(connection, role, mark))
  const next = nameRole(placement.schema ?? placement.database, places.longestRoleBytes ?? 63)
  await renameCredential(making, next)
  await record.note({ role: next, roleMade: false })
}

async function renameCredential({ about, tenant }: Making, user: string): Promise<void> {
  const { tenants } = about.registry
  const stored = (await tenants.readCredentials([tenant.id])).get(tenant.id)
  if (stored !== undefined)
    await tenants.writeCredentials([{ credential: { ...stored, user } }], 'credential', about.actor)
}

function taken({ tenant: { slug, placement } }: Making, what: string): TenantryError {
  return new TenantryError(
    'PROVISION_FAILED',
    `Tenant ${slug} could not be made: ${what} exists on ${placement.server}, and was not made for it. It was not touched.`,
    {
      hint: `If it is this tenant's, \`tenantry tenants remove ${slug} --drop-data\` takes away the tenant's row and leaves what was not made for it; then add it with \`tenants add\`, without --provision. Else give the tenant another name or place.`,
      context: { tenant: slug, server: placement.server, place: what },
    },
  )
}

/** What a new place needs before migrations: extensions, and schemas that no migration makes. */
export async function prepareDatabase(
  making: Making,
  connection: Connection,
  historySchemas: readonly (string | null)[],
): Promise<void> {
  const { fleet } = making.about
  const { sharedSchema, provision } = fleet.config
  const dialect = fleet.pool.dialect(making.tenant.placement.server)
  if (dialect.features.schemas) {
    const names = new Set([sharedSchema, ...historySchemas.filter((name) => name !== null)])
    names.delete('public')
    for (const name of names) await makeMissing(() => dialect.scratch.createSchema(connection, name))
  }
  const extensions = provision.extensions.map((name) => ({ name, schema: null, version: null }))
  if (extensions.length > 0) await dialect.ensureExtensions(connection, extensions, sharedSchema)
}

async function makeMissing(make: () => Promise<void>): Promise<void> {
  try {
    await make()
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.failure.kind !== 'already-exists') throw error
  }
}
