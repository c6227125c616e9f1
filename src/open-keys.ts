import type { ResolvedConfig } from './config/resolved.ts'
import { TenantryError } from './model/errors.ts'
import type { Emit } from './model/events.ts'
import type { Keys } from './model/key-report.ts'
import { actorOf } from './registry/actor.ts'
import { checkKeys } from './registry/check-keys.ts'
import type { KeyReader } from './registry/key-ring.ts'
import type { Registry } from './registry/registry.ts'
import { rotateKeys } from './registry/rotate.ts'
import { setCredential } from './registry/set-credential.ts'

export interface KeysOptions {
  config: ResolvedConfig
  registry: Registry | null
  reader: KeyReader
  env: NodeJS.ProcessEnv
  emit: Emit
}

/** What the commands of keys and credentials do, for one config. */
export function openKeys({ config, registry, reader, env, emit }: KeysOptions): Keys {
  const writing = () => ({
    store: requireRegistry(registry).tenants,
    keys: reader,
    mapped: config.registry?.mapped ?? null,
    actor: actorOf(env),
    emit,
  })
  return {
    check: () => checkKeys({ keys: reader, store: registry?.tenants ?? null }),
    rotate: async (options) => rotateKeys(writing(), options),
    setCredential: async (tenant, options) => setCredential(writing(), tenant, options),
  }
}

function requireRegistry(registry: Registry | null): Registry {
  if (registry !== null) return registry
  throw new TenantryError('REGISTRY_MISSING', 'The config names no registry, and credentials are stored in one.', {
    hint: "Set TENANT_REGISTRY_DB_URL, or `registry` and `tenants: { from: 'registry' }` in the config; then `tenantry registry migrate`.",
  })
}
