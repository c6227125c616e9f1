import { isTenantryError, TenantryError } from '../model/errors.ts'
import type { ProvisionOptions } from '../model/provision.ts'
import type { NewTenantRecord, TenantRecord } from '../model/registry.ts'
import { checkNewTenant } from '../registry/check-new-tenant.ts'
import { nameRole, randomDigits } from '../topologies/name-place.ts'
import { mayRename, type PlaceWish, placeTenant } from '../topologies/place-tenant.ts'
import type { Making, Provisioning } from './making.ts'
import { chooseKey } from './tenant-credential.ts'

const mostNames = 8

/**
 * Its row, in state `provisioning`, with a place that no tenant of the registry has. Where another process was faster
 * with this slug, its row. Throws TENANT_INVALID, TENANT_EXISTS, KEY_INVALID.
 */
export async function reserveTenant(about: Provisioning, options: ProvisionOptions): Promise<TenantRecord> {
  const { registry, actor } = about
  const wish = wishOf(about, options)
  if (needsRole(about, wish)) await chooseKey(about, '')
  for (let tries = 1; ; tries++) {
    const tenant = check(about, options, wish)
    try {
      const [added] = await registry.tenants.add([tenant], actor)
      if (added !== undefined) return added
    } catch (error) {
      if (!isTenantryError(error) || error.code !== 'TENANT_EXISTS') throw error
      const other = await registry.tenants.find(options.slug)
      if (other !== null) return other
      if (!mayRename(wish) || tries >= mostNames) throw error
    }
  }
}

function needsRole({ fleet }: Provisioning, { topology, server }: PlaceWish): boolean {
  if (!fleet.config.provision.role || topology === 'shared' || !fleet.config.servers.has(server)) return false
  return fleet.pool.dialect(server).places?.longestRoleBytes != null
}

export function wishOf({ fleet }: Pick<Provisioning, 'fleet'>, options: ProvisionOptions): PlaceWish {
  const { provision, servers } = fleet.config
  const topology = options.topology ?? (options.schema === undefined ? (provision.topology ?? 'database') : 'schema')
  const server = options.server ?? provision.server ?? (servers.size === 1 ? [...servers.keys()][0] : undefined) ?? ''
  const inDatabase = topology === 'schema' || topology === 'shared'
  const places = servers.has(server) ? fleet.pool.dialect(server).places : undefined
  return {
    slug: options.slug,
    topology,
    server,
    database: options.database ?? (inDatabase ? (provision.database ?? servers.get(server)?.database ?? null) : null),
    schema: options.schema ?? null,
    naming: provision.naming,
    longestBytes: places?.longestNameBytes ?? 63,
  }
}

function check(about: Provisioning, options: ProvisionOptions, wish: PlaceWish): NewTenantRecord {
  const placement = placeTenant(wish, randomDigits())
  const { id, name, labels } = options
  const given = {
    slug: options.slug,
    id,
    name,
    labels,
    topology: wish.topology,
    ...(wish.server === '' ? {} : { server: wish.server }),
    ...(placement.database === '' ? {} : { database: placement.database }),
    schema: placement.schema,
  }
  const checked = checkNewTenant(given, about.fleet.config, 'provisioning')
  if ('tenant' in checked) return { ...checked.tenant, state: 'provisioning' }
  const problems = checked.problems.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`))
  throw new TenantryError('TENANT_INVALID', `Tenant ${options.slug} cannot be made:\n  ${problems.join('\n  ')}`, {
    hint: '`provision` in the config says where new tenants go; --topology, --server, --database and --schema say it for one.',
    context: { tenant: options.slug, problems },
  })
}

/** What its role is called, and whether its place may still be called otherwise; decided once. */
export async function chooseNames(making: Making): Promise<void> {
  const { about, record, tenant, places } = making
  if (record.facts.role !== undefined) return
  const { placement, topology, slug } = tenant
  const { provision } = about.fleet.config
  const wantsRole = provision.role && topology !== 'shared' && places.longestRoleBytes !== null
  const stored = wantsRole ? (await about.registry.tenants.readCredentials([tenant.id])).get(tenant.id) : undefined
  const place = placement.schema ?? placement.database
  const role = wantsRole ? (stored?.user ?? nameRole(place, places.longestRoleBytes ?? 63)) : null
  record.mention({ role, renamable: isMadeName(place, slug, provision.naming, places.longestNameBytes) })
}

/** Was the name made by the pattern? A name that somebody asked for is not exchanged for another. */
function isMadeName(place: string, slug: string, naming: string, longestBytes: number): boolean {
  const wish = { slug, topology: 'database' as const, server: '', database: null, schema: null, naming, longestBytes }
  if (!mayRename(wish)) return false
  const digits = /\d{8}/g
  return [...place.matchAll(digits)].some(([found]) => placeTenant(wish, found).database === place)
}
