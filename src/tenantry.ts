import { join } from 'node:path'
import { loadConfig } from './config/load.ts'
import * as extend from './extend.ts'
import type { Emit } from './model/events.ts'
import type { Tenantry } from './model/report.ts'
import type { Tenant } from './model/tenant.ts'
import type { Tenants } from './model/tenant-report.ts'
import { OpenFleet } from './open-fleet.ts'
import { openKeys } from './open-keys.ts'
import { OpenTenants } from './open-tenants.ts'
import { bringUp } from './provision/bring-up.ts'
import { actorOf } from './registry/actor.ts'
import { readKeysOf } from './registry/key-ring.ts'
import { Fleet } from './rollout/fleet.ts'
import { targetName } from './rollout/select-targets.ts'
import { credentialsOf, dialectOf, loadDialects, provisioningOf, reachTenant, registryOf, tenantsOf } from './wiring.ts'

export interface OpenOptions {
  /** Where the config is looked for, upwards. Default: the working directory. */
  cwd?: string
  /** A config file; default: found. */
  config?: string
  /** Name of the config's `environments` part. */
  environment?: string
  /** Default: `process.env`. */
  env?: NodeJS.ProcessEnv
  /** Beat variables and the config. */
  overrides?: { concurrency?: number }
  /** Called with progress as it happens. Must not throw. */
  emit?: Emit
}

/**
 * Opens the fleet of a config. Nothing is connected to until a command needs it; `close()` ends every connection.
 * Throws CONFIG_INVALID, CONFIG_NOT_FOUND.
 */
export async function openTenantry(options: OpenOptions = {}): Promise<Tenantry> {
  const cwd = options.cwd ?? process.cwd()
  const env = options.env ?? process.env
  const config = await loadConfig({
    cwd,
    env,
    file: options.config,
    environment: options.environment,
    overrides: options.overrides,
    modules: { 'tenantry/extend': extend },
  })
  await loadDialects(config)
  const emit = options.emit ?? (() => {})
  for (const notice of config.notices) emit({ type: 'notice', notice })
  const registry = registryOf(config, emit)
  const tenants = (): Iterable<Tenant> | AsyncIterable<Tenant> => tenantsOf(config, fleet, registry)
  const keys = readKeysOf(config.keys, { env, root: config.root })
  const credentials = credentialsOf(config, registry, keys, env)
  const fleet = new Fleet(config, (server) => dialectOf(config, server), tenants, emit, credentials)
  const stateDir = env.TENANTRY_STATE_DIR ?? join(config.root, '.tenantry')
  const openedKeys = openKeys({ config, registry, reader: keys, env, emit })
  const provisioning =
    registry === null ? null : provisioningOf({ config, fleet, registry, keys, env, stateDir, credentials })
  const open = (own: Fleet) => new OpenFleet(config, own, registry, openedKeys, book, stateDir, cwd, provisioning)
  const withAlone = async <T>(
    only: readonly Tenant[],
    own: Emit,
    work: (alone: OpenFleet, of: Fleet) => Promise<T>,
  ) => {
    const of = new Fleet(
      config,
      (server) => dialectOf(config, server),
      () => only,
      own,
      credentials,
    )
    const alone = new OpenFleet(config, of, registry, openedKeys, book, stateDir, cwd)
    return work(alone, of).finally(() => of.close())
  }
  const book: Tenants = new OpenTenants({
    ...{ config, fleet, registry, credentials, cwd },
    actor: actorOf(env),
    reach: (tenant) => reachTenant(config, tenant),
    statusOf: (only) =>
      withAlone(
        only,
        () => {},
        (alone) => alone.status(),
      ),
    // Whoever shares its tables is migrated with it, and counts.
    bringUp: async (tenant) => {
      const others = await fleet.tenantsIn(new Set([targetName(tenant.placement)]))
      const only = [{ ...tenant, state: 'active' as const }, ...others.filter(({ id }) => id !== tenant.id)]
      return withAlone(only, emit, (alone, of) => bringUp(of, alone, tenant.slug))
    },
  })
  return open(fleet)
}
