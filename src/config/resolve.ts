import { resolve as resolvePath } from 'node:path'
import type { ServerAddress } from '../model/server.ts'
import type { VariablesReading } from './from-variables.ts'
import { checkName } from './names.ts'
import { readPolicy } from './policy.ts'
import { type Findings, formatPath, makeConfigError, showName, suggest } from './problem.ts'
import { type Added, readAdded } from './read-added.ts'
import { readAppPool } from './read-app-pool.ts'
import { readDataChanges } from './read-data-changes.ts'
import { readDrift } from './read-drift.ts'
import { readKeys } from './read-keys.ts'
import { type ConfigOverrides, readLimits } from './read-limits.ts'
import { readLint } from './read-lint.ts'
import { readProvisioning } from './read-provisioning.ts'
import { readRegistry } from './read-registry.ts'
import { readSampleDb } from './read-sample-db.ts'
import { readSharedTables } from './read-shared-tables.ts'
import { isRecord, textAt, type UnknownRecord } from './record.ts'
import type { ResolvedConfig } from './resolved.ts'
import { readServer } from './server-address.ts'
import { findSetConflicts, readSets } from './sets.ts'
import { readTenantSource } from './tenant-source.ts'

export interface ResolveContext {
  root: string
  file: string | null
  environment: string | null
  environmentAsked: string | null
  env: Readonly<Record<string, string | undefined>>
  overrides: ConfigOverrides
  /** Holds what was found before, such as wrong types; everything is thrown together. */
  findings: Findings
  /** Name of the config for people. */
  subject: string
  /** Servers and tenants that come from variables instead of the config. */
  reading?: VariablesReading
}

/**
 * Makes a config usable: addresses, sets, tenants, numbers, policy. Types were checked before; a part of a wrong type
 * is passed over here. Throws CONFIG_INVALID with every problem.
 */
export function resolveConfig(config: UnknownRecord, context: ResolveContext): ResolvedConfig {
  const { root, file, environment, environmentAsked, env, overrides, findings, subject, reading } = context
  const added = readAdded(config, findings)
  const servers: Map<string, ServerAddress | null> =
    reading === undefined ? readServers(config.servers, root, added, findings) : new Map(reading.servers)
  const configuredNames = [...servers.keys()]
  const tenants =
    reading === undefined
      ? readTenantSource(config.tenants, servers, { root, env, dialects: added.dialects }, findings)
      : reading.tenants
  const sets = readSets(config.migrations, root, findings, added.formats)
  const needsRegistry = tenants?.from === 'registry'
  const registry = readRegistry(config.registry, { root, env, added, servers, needsRegistry }, findings)
  findSetConflicts(sets, tenants, findings)
  const scratchServer = isRecord(config.scratch) ? textAt(config.scratch, 'server') : undefined
  if (scratchServer !== undefined && !configuredNames.includes(scratchServer)) {
    findings.problems.push({
      path: 'scratch.server',
      message: `there is no server ${showName(scratchServer)}${suggest(scratchServer, configuredNames)}`,
    })
  }
  const sharedSchema = textAt(config, 'sharedSchema') ?? 'public'
  const schemaProblem = sharedSchema === '' ? null : checkName(sharedSchema, 'schema', 'postgres')
  if (schemaProblem !== null) findings.problems.push({ path: 'sharedSchema', message: schemaProblem })
  const limits = readLimits(config, env, overrides, findings)
  const policy = readPolicy(config.rollout, findings)
  const keys = readKeys(config.keys, root, findings)
  const provision = readProvisioning(config.provision, servers, findings)
  if (findings.problems.length > 0 || tenants === null) throw makeConfigError(findings.problems, subject, file)

  const addresses = new Map<string, ServerAddress>()
  for (const [name, address] of servers) if (address !== null) addresses.set(name, address)
  return {
    root,
    file,
    environment,
    environmentAsked,
    servers: addresses,
    added,
    scratch: scratchServer === undefined ? null : { server: scratchServer },
    sets,
    tenants,
    ...limits,
    requiredTables: Array.isArray(config.requiredTables)
      ? config.requiredTables.filter((name) => typeof name === 'string')
      : [],
    sharedSchema,
    policy,
    drift: readDrift(config.drift),
    lint: readLint(config.lint),
    dataChanges: readDataChanges(config.dataChanges, root),
    registry,
    keys,
    provision,
    appPool: readAppPool(env, findings),
    seedsDir: resolvePath(root, (isRecord(config.seeds) ? textAt(config.seeds, 'dir') : undefined) ?? 'seeds'),
    sharedTables: readSharedTables(config.sharedTables),
    sampleDb: readSampleDb(config.sampleDb, { env, environmentAsked }),
    notices: findings.notices,
  }
}

function readServers(
  value: unknown,
  root: string,
  { dialects }: Added,
  findings: Findings,
): Map<string, ServerAddress | null> {
  const servers = new Map<string, ServerAddress | null>()
  for (const [name, given] of Object.entries(isRecord(value) ? value : {})) {
    const path = formatPath(['servers', name])
    // A slash separates server and database in a target's name.
    if (name === '' || name.includes('/'))
      findings.problems.push({ path, message: 'a name of a server is not empty and holds no `/`' })
    const reading = readServer(name, given, { path, urlPath: `${path}.url`, root, dialects }, findings)
    if (reading?.schema !== null && reading?.schema !== undefined && reading.schema !== 'public') {
      findings.notices.push({
        rule: 'url-parameter',
        message: `${path}.url: \`schema\` has no effect here; tenants name their own schemas.`,
      })
    }
    servers.set(name, reading?.address ?? null)
  }
  return servers
}
