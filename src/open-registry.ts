import type { ResolvedConfig, ResolvedRegistry } from './config/resolved.ts'
import { TenantryError } from './model/errors.ts'
import type { RegistryTables, RegistryTool } from './model/registry-report.ts'
import type { RunSignals, Tenantry } from './model/report.ts'
import { describePlace } from './registry/database.ts'
import type { Registry, RegistryStanding } from './registry/registry.ts'

/** A fleet of one: the registry's own database, with the team's migrations of it. */
type OpenTeam = (config: ResolvedConfig) => Pick<Tenantry, 'up' | 'status' | 'close'>

/** `registry migrate` and `registry status`: our tables first, then what the team keeps beside them. */
export class OpenRegistry implements RegistryTool {
  readonly #config: ResolvedConfig
  readonly #registry: Registry | null
  readonly #openTeam: OpenTeam

  constructor(config: ResolvedConfig, registry: Registry | null, openTeam: OpenTeam) {
    this.#config = config
    this.#registry = registry
    this.#openTeam = openTeam
  }

  async migrate(options: { signal?: RunSignals } = {}) {
    const { registry, resolved } = this.#opened()
    const applied = await registry.migrate()
    const tables = describeTables(resolved, await registry.status())
    const migrations = await this.#withTeam(resolved, (team) => team.up(options))
    return {
      command: 'registry migrate' as const,
      ok: migrations?.ok ?? true,
      registry: { ...tables, applied },
      migrations,
      notices: [],
      error: null,
    }
  }

  async status() {
    const { registry, resolved } = this.#opened()
    const tables = describeTables(resolved, await registry.status())
    // A file that is not there would only be reported a second time.
    const isThere = tables.state !== 'missing' || resolved.server.host !== ''
    const migrations = isThere ? await this.#withTeam(resolved, (team) => team.status()) : null
    const isDone = migrations?.targets.every(({ pending, error }) => pending.length === 0 && error === null) ?? true
    return {
      command: 'registry status' as const,
      ok: tables.state === 'ready' && isDone && (migrations?.ok ?? true),
      registry: tables,
      migrations,
      notices: [],
      error: null,
    }
  }

  #opened(): { registry: Registry; resolved: ResolvedRegistry } {
    const resolved = this.#config.registry
    if (this.#registry !== null && resolved !== null) return { registry: this.#registry, resolved }
    throw new TenantryError('REGISTRY_MISSING', 'The config has no registry.', {
      hint: "Say `tenants: { from: 'registry' }` in the config (with `registry: { url }` it is in that database), or set TENANT_REGISTRY_DB_URL.",
    })
  }

  async #withTeam<T>(resolved: ResolvedRegistry, work: (team: ReturnType<OpenTeam>) => Promise<T>): Promise<T | null> {
    if (resolved.sets.length === 0) return null
    const team = this.#openTeam(asTarget(this.#config, resolved))
    try {
      return await work(team)
    } finally {
      await team.close()
    }
  }
}

/** The registry's database as an ordinary target: one dedicated tenant, migrated as any other. */
function asTarget(config: ResolvedConfig, { server, database, sets }: ResolvedRegistry): ResolvedConfig {
  const tenant = {
    id: 'registry',
    slug: 'registry',
    topology: 'dedicated' as const,
    labels: {},
    state: 'active' as const,
    placement: { server: server.name, database },
  }
  return {
    ...config,
    servers: new Map([[server.name, server]]),
    scratch: null,
    sets,
    tenants: { from: 'list', tenants: [tenant] },
    // Waves and limits are for fleets.
    policy: { ...config.policy, waves: config.policy.waves.slice(-1), maxFailures: null },
    requiredTables: [],
    registry: null,
    notices: [],
  }
}

function describeTables(resolved: ResolvedRegistry, { version, newest, pending }: RegistryStanding): RegistryTables {
  const state =
    version === null ? 'missing' : version > newest ? 'newer' : pending.length > 0 ? 'outdated' : ('ready' as const)
  return { place: describePlace(resolved), state, version, newest, pending }
}
