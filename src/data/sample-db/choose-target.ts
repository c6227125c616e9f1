import { historyShapes } from '../../formats/history-shapes.ts'
import { TenantryError } from '../../model/errors.ts'
import { type HistoryShape, nativeLockTable } from '../../model/history.ts'
import type { Target } from '../../model/tenant.ts'
import type { Fleet } from '../../rollout/fleet.ts'
import { targetName } from '../../rollout/select-targets.ts'
import type { Books } from './choose-tables.ts'

/**
 * The one target that is meant: a tenant's, else the only one of the fleet, else the database that the config's address
 * names. Throws TENANT_UNKNOWN, SHARED_TARGET, USAGE, SAMPLE_REFUSED.
 */
export async function chooseTarget(fleet: Fleet, tenant: string | undefined): Promise<Target> {
  const names = await fleet.targetNames()
  const active = [...names].flatMap(([name, isActive]) => (isActive ? [name] : []))
  const name = tenant ?? (active.length === 1 ? active[0] : defaultName(fleet, active.length))
  const target = tenant !== undefined || active.includes(name as string) ? await find(fleet, name as string) : null
  const chosen = target ?? defaultTarget(fleet, name as string)
  refuseShared(chosen)
  refuseOthersInside(fleet, chosen, [...names.keys()])
  return chosen
}

async function find(fleet: Fleet, name: string): Promise<Target> {
  const { sets } = await fleet.view({ tenants: [name] }, { whole: false, quiet: true })
  const targets = new Map(sets.flatMap(({ targets: own }) => own).map((target) => [target.name, target]))
  const [target] = targets.values()
  if (target !== undefined && targets.size === 1) return target
  throw new TenantryError('USAGE', `${JSON.stringify(name)} stands for ${targets.size} targets with migrations.`, {
    hint: 'A sample is made of one target: `tenantry sample-db <tenant>`.',
  })
}

function defaultServers({ config }: Fleet) {
  return [...config.servers.values()].filter(({ database }) => database !== undefined)
}

function defaultName(fleet: Fleet, targets: number): string {
  const [server, ...others] = defaultServers(fleet)
  if (server?.database !== undefined && others.length === 0)
    return targetName({ server: server.name, database: server.database })
  throw new TenantryError(
    'USAGE',
    `It is not said which database is meant: there are ${targets} targets, and ${server === undefined ? 'no server' : 'several servers'} with a database in the address.`,
    { hint: 'Name one tenant: `tenantry sample-db <tenant>`; `tenantry status --all` lists them.' },
  )
}

function defaultTarget(fleet: Fleet, name: string): Target {
  const [server] = defaultServers(fleet)
  return { name, tenants: [], placement: { server: server?.name ?? '', database: server?.database ?? '' } }
}

function refuseShared({ name, tenants }: Target): void {
  if (tenants.length <= 1 && !tenants.some(({ topology }) => topology === 'shared')) return
  throw new TenantryError(
    'SHARED_TARGET',
    `${name} is shared by ${tenants.length === 1 ? 'tenants' : `${tenants.length} tenants`}: a reset would remove the rows of all of them.`,
    {
      hint: 'Give the sample a database or a schema of its own, and reset that one.',
      context: { target: name, tenants: tenants.map(({ slug }) => slug) },
    },
  )
}

/**
 * A database that is reset as a whole must not hold somebody else's place, and no place that is somebody's, too, under
 * another name of its server, or while they are suspended.
 */
function refuseOthersInside(fleet: Fleet, target: Target, names: readonly string[]): void {
  const { name, placement } = target
  const own = placeOf(fleet, name)
  const inside = names.filter((other) => {
    if (other === name) return target.tenants.length === 0
    const place = placeOf(fleet, other)
    return place === own || (placement.schema === undefined && place.startsWith(`${own}/`))
  })
  if (inside.length === 0) return
  const rest = inside.length > 3 ? ` and ${inside.length - 3} more` : ''
  throw new TenantryError(
    'SAMPLE_REFUSED',
    `${name} holds the places of other tenants (${inside.slice(0, 3).join(', ')}${rest}), and a reset would empty those, too.`,
    {
      hint: 'Name the tenant that is to be a sample: `tenantry sample-db <tenant>`. One that is not active is activated first.',
      context: { target: name, inside },
    },
  )
}

/** The same for every name that a server has in the config. */
function placeOf({ config }: Fleet, name: string): string {
  const [server = '', ...rest] = name.split('/')
  const address = config.servers.get(server)
  const host =
    address === undefined ? server : [address.host, address.port, address.directory, address.socketPath].join()
  return [host, ...rest].join('/')
}

/** Tables of a target that are never emptied: histories of any tool, ours, and a team's table of tenants. */
export async function findBooks(fleet: Fleet, { placement }: Target): Promise<Books> {
  const names = new Set<string>()
  const add = (table: string, shape: HistoryShape) => {
    names.add(table)
    if (shape.nativeLock?.kind === 'row') names.add(nativeLockTable(table, shape.nativeLock))
    if (shape.beside !== undefined) names.add(shape.beside.table)
  }
  const shapes = historyShapes(fleet.config.added.formats)
  for (const shape of shapes) add(shape.defaultTable, shape)
  for (const { config, history } of await fleet.loadSets())
    for (const table of [config.history.table, history?.table])
      if (table != null) for (const shape of shapes) add(table, shape)
  const { registry } = fleet.config
  const address = fleet.pool.server(placement.server)
  const isRegistry =
    registry !== null &&
    registry.database === placement.database &&
    [address.host, address.port, address.directory].join() ===
      [registry.server.host, registry.server.port, registry.server.directory].join()
  if (isRegistry && registry.mapped !== null) names.add(registry.mapped.table)
  return { names, prefix: 'tenantry_' }
}
