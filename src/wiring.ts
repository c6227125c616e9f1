import type { ResolvedConfig } from './config/resolved.ts'
import { toTenant } from './config/to-tenant.ts'
import { seedNewTenant } from './data/seeds/run-seeds.ts'
import { builtInDialects, loadDialect } from './load-dialect.ts'
import type { AddedDialect } from './model/added-dialect.ts'
import type { Dialect } from './model/dialect.ts'
import { isTenantryError, TenantryError } from './model/errors.ts'
import type { Emit } from './model/events.ts'
import type { CredentialBook, TenantRecord } from './model/registry.ts'
import type { DialectName, ServerAddress } from './model/server.ts'
import type { Tenant } from './model/tenant.ts'
import { describeThrown } from './model/thrown.ts'
import type { Provisioning } from './provision/making.ts'
import { actorOf } from './registry/actor.ts'
import type { KeyReader, KeySurroundings } from './registry/key-ring.ts'
import { listTenants } from './registry/list-tenants.ts'
import { openCredentials } from './registry/open-credentials.ts'
import { openRegistry, type Registry } from './registry/registry.ts'
import { addServer, listRegistryTenants, type RegistrySource } from './registry/registry-tenants.ts'
import { Fleet } from './rollout/fleet.ts'

/** Loaded so far, in this process. */
const builtIn: Partial<Record<DialectName, Dialect>> = {}
/** A config that is read anew brings new ones, whatever their names. */
const added = new WeakMap<AddedDialect, Dialect>()

/** Loads what the servers of a config need; all, where tenants may bring servers of any kind. One after the other. */
export async function loadDialects(config: ResolvedConfig): Promise<void> {
  const { servers, registry, tenants } = config
  const named: ServerKind[] = [...servers.values()]
  if (registry !== null) named.push(registry.server)
  const perhaps = registry?.mapped?.defaults.dialect
  if (perhaps != null) named.push({ dialect: perhaps })
  const any = tenants.from === 'function'
  const plain = named.filter(({ addedDialect }) => addedDialect === undefined).map(({ dialect }) => dialect)
  for (const name of any ? builtInDialects : builtInDialects.filter((one) => plain.includes(one)))
    builtIn[name] ??= await loadDialect(name)
  for (const one of config.added.dialects) {
    const isNeeded = any || named.some(({ addedDialect }) => addedDialect === one.name)
    if (isNeeded && !added.has(one)) added.set(one, await loadAdded(one))
  }
}

type ServerKind = Pick<ServerAddress, 'dialect' | 'addedDialect'>

/** Throws CONFIG_INVALID where `load` fails or gives something else than was announced. */
async function loadAdded(one: AddedDialect): Promise<Dialect> {
  const { name, family } = one
  const hint = `See what \`load\` of the dialect ${name} does; a dialect is described in docs/add-a-dialect.md.`
  let dialect: Partial<Dialect> | null
  try {
    dialect = await one.load()
  } catch (error) {
    if (isTenantryError(error)) throw error
    const { message } = describeThrown(error, process.env)
    throw new TenantryError('CONFIG_INVALID', `The dialect ${name} could not be loaded: ${message}.`, { hint })
  }
  if (dialect?.name === name && dialect.family === family && typeof dialect.connect === 'function')
    return dialect as Dialect
  const given = dialect == null ? 'nothing' : `${dialect.name} of the family ${dialect.family}`
  throw new TenantryError(
    'CONFIG_INVALID',
    `The dialect ${name} of the family ${family} gave ${given} when it was loaded.`,
    { hint: `${hint} Its own \`name\` and \`family\` are those of the config.` },
  )
}

export function dialectOf(config: ResolvedConfig, server: string): Dialect {
  const address = config.servers.get(server)
  return dialectAt(config, { name: server, dialect: 'postgres', ...address })
}

function dialectAt(config: ResolvedConfig, { name: server, dialect: family, addedDialect }: ServerNamed): Dialect {
  const own = config.added.dialects.find(({ name }) => name === addedDialect)
  const dialect = own === undefined ? builtIn[family] : added.get(own)
  if (dialect !== undefined) return dialect
  throw new TenantryError(
    'CONFIG_INVALID',
    `Server "${server}" is a ${addedDialect ?? family} server, which this version cannot migrate yet.`,
    {
      hint: 'This version migrates PostgreSQL, MySQL, MariaDB and SQLite files.',
    },
  )
}

type ServerNamed = ServerKind & Pick<ServerAddress, 'name'>

/** The book of tenants of a config; null: it has none. Nothing is connected to before something is asked. */
export function registryOf(config: ResolvedConfig, emit: Emit): Registry | null {
  if (config.registry === null) return null
  return openRegistry(config.registry, (server) => dialectAt(config, server), {
    connectTimeoutMs: config.connectTimeoutMs,
    servers: config.servers,
    // Without a config there is nobody to say which table the tenants are in.
    mayRecognise: config.file === null,
    notify: (notice) => emit({ type: 'notice', notice }),
  })
}

/** The credentials that the registry's tenants bring along; null: the tenants are not the registry's. */
export function credentialsOf(
  config: ResolvedConfig,
  registry: Registry | null,
  keys: KeyReader,
  env: KeySurroundings['env'],
): CredentialBook | null {
  if (registry === null || config.tenants.from !== 'registry') return null
  return openCredentials({
    store: async () => registry.tenants,
    keys,
    server: (name) => config.servers.get(name),
    surroundings: { env, root: config.root },
  })
}

/** What making tenants works with. */
export function provisioningOf(
  given: Pick<Provisioning, 'fleet' | 'registry' | 'keys' | 'stateDir'> & {
    config: ResolvedConfig
    credentials: CredentialBook | null
    env: KeySurroundings['env']
  },
): Provisioning {
  const { config, credentials, env, fleet, registry, keys, stateDir } = given
  return {
    fleet,
    registry,
    keys,
    surroundings: { env, root: config.root },
    actor: actorOf(env),
    stateDir,
    seed: (target, signal) => seedNewTenant(fleet, target, signal),
    reach: (tenant) => reachTenant(config, tenant),
    fleetFor: (other) =>
      new Fleet(
        other,
        (server) => dialectOf(other, server),
        () => [],
        fleet.emit,
        credentials,
      ),
  }
}

/** What servers of tenants that bring their own host are made from. */
function registrySource(config: ResolvedConfig): RegistrySource {
  if (config.registry === null) throw new TenantryError('INTERNAL', 'There is no registry.')
  const { server, mapped } = config.registry
  return {
    dialect: mapped?.defaults.dialect ?? server.dialect,
    root: config.root,
    servers: config.servers as Map<string, ServerAddress>,
    registry: server,
  }
}

/** Makes the server of a registry's tenant known, where its row names a host of its own. Throws CONFIG_INVALID. */
export function reachTenant(config: ResolvedConfig, { address }: Pick<TenantRecord, 'address'>): void {
  if (address !== null) addServer(address, registrySource(config))
}

/** A fleet whose config lists its tenants. */
export function fleetOf(config: ResolvedConfig, emit: Emit): Fleet {
  const fleet: Fleet = new Fleet(
    config,
    (server) => dialectOf(config, server),
    () => tenantsOf(config, fleet, null),
    emit,
  )
  return fleet
}

export function tenantsOf(
  config: ResolvedConfig,
  fleet: Fleet,
  registry: Registry | null,
): Iterable<Tenant> | AsyncIterable<Tenant> {
  const source = config.tenants
  if (source.from === 'list') return source.tenants
  if (source.from === 'registry') {
    if (registry === null) throw new TenantryError('INTERNAL', 'There is no registry.')
    return listRegistryTenants(registry, registrySource(config))
  }
  return listTenants(source, {
    connect: (server, database) => fleet.pool.another(server, database),
    dialect: (server) => fleet.pool.dialect(server),
    toTenant: (row, path) =>
      toTenant(row, config.servers, {
        path,
        root: config.root,
        dialects: config.added.dialects,
        ...originOf(config),
      }),
  })
}

/** One tenant by id or slug, whatever its state; a registry is asked for this one, not for all. null: there is none. */
export async function findTenantOf(
  config: ResolvedConfig,
  fleet: Fleet,
  registry: Registry | null,
  idOrSlug: string,
): Promise<Tenant | null> {
  if (registry === null || config.tenants.from !== 'registry') return fleet.findTenant(idOrSlug)
  const record = await registry.tenants.find(idOrSlug)
  if (record !== null) reachTenant(config, record)
  return record
}

/** What rows of this source may leave out, and whether one may bring a server of its own. */
function originOf({ tenants, servers }: ResolvedConfig) {
  if (tenants.from === 'query') return { server: tenants.server, database: tenants.database }
  const known = servers as Map<string, ServerAddress>
  return { addServer: (server: ServerAddress) => void known.set(server.name, server) }
}
