import { resolve } from 'node:path'
import { type Connection, DatabaseError, type Dialect, failureCodes } from '../model/dialect.ts'
import { isTenantryError, TenantryError } from '../model/errors.ts'
import type { Notice } from '../model/migration.ts'
import type { Dropped } from '../model/places.ts'
import type { Actor, TenantRecord } from '../model/registry.ts'
import type { DumpSource } from '../model/removal.ts'
import type { ServerAddress } from '../model/server.ts'
import type { DropWarning, PlaceSize, RemoveTenantOptions, RemoveTenantReport } from '../model/tenant-report.ts'
import { findTenant, moveTenant } from '../registry/lifecycle.ts'
import { isGone } from '../registry/process-name.ts'
import type { Registry } from '../registry/registry.ts'
import { toItem } from '../registry/tenant-item.ts'
import { describeSize } from './describe-size.ts'
import { checkDump, dumpPlace, findDumpProgram } from './dump-place.ts'
import { markOf, readRow, silentAfterMs } from './provision-record.ts'
import { describePlace, type RemovalRules, refuseSharedPlace } from './removable-place.ts'

/** What removing works with. */
export interface RemovalTools extends RemovalRules {
  registry: Registry
  actor: Actor
  /** A session that the caller closes. */
  connect(server: string, database: string): Promise<Connection>
  dialect(server: string): Dialect
  /** The server with what to log into this database with. */
  login(server: string, database: string): Promise<ServerAddress>
  /** Files are relative to it. */
  cwd: string
}

/**
 * Archives a tenant, or drops its data and takes it off the registry: by way of `removing`, so that a run that ends in
 * the middle is finished by the next one. See {@link RemoveTenantOptions}.
 */
export async function removeTenant(
  tools: RemovalTools,
  idOrSlug: string,
  options: RemoveTenantOptions = {},
): Promise<RemoveTenantReport> {
  if (options.dropData === true) return dropTenant(tools, idOrSlug, options)
  if (options.dump !== undefined)
    throw new TenantryError('USAGE', 'A dump is written before data is dropped; without --drop-data it stays.')
  const { tenant, from } = await moveTenant(tools.registry.tenants, idOrSlug, 'archived', tools.actor)
  return {
    command: 'tenants remove',
    ok: true,
    tenant: toItem(tenant),
    from,
    result: 'archived',
    dropped: null,
    dump: null,
    notices: [],
    next: [
      { command: `tenantry tenants activate ${tenant.slug}`, why: 'takes it back; its data is all there' },
      { command: `tenantry tenants remove ${tenant.slug} --drop-data`, why: 'drops its data; asks first' },
    ],
  }
}

async function dropTenant(
  tools: RemovalTools,
  idOrSlug: string,
  options: RemoveTenantOptions,
): Promise<RemoveTenantReport> {
  const { tenants: store } = tools.registry
  const tenant = await findTenant(store, idOrSlug)
  const { placement, state: from } = tenant
  const dialect = tools.dialect(placement.server)
  await refuseBusy(tools, tenant)
  await refuseSharedPlace(tenant, store, dialect, tools)
  const size = await measure(tools, tenant)
  const source: DumpSource = {
    dialect,
    server: await tools.login(placement.server, placement.database),
    placement,
    connect: () => tools.connect(placement.server, placement.database),
  }
  const warning: DropWarning = {
    tenant: toItem(tenant),
    place: describePlace(tenant),
    size,
    dumpWith: size === null ? null : await findDumpProgram(source),
  }
  const file = options.dump === undefined || size === null ? null : resolve(tools.cwd, options.dump)
  if (file !== null) await checkDump(source, file)
  await refuseUnconfirmed(warning, options)
  const dump = file === null ? null : await dumpAtRest(tools, tenant, source, file)
  await moveTenant(store, tenant.id, 'removing', tools.actor)
  const isKept = (await dropPlace(tools, tenant, size !== null)) === 'taken'
  await store.remove(tenant.id, tools.actor).catch((error: unknown) => {
    // Another process that was at the same has finished it.
    if (!isTenantryError(error) || error.code !== 'TENANT_UNKNOWN') throw error
  })
  const missed = options.dump !== undefined && size === null
  const notices: Notice[] = []
  if (missed)
    notices.push({ rule: 'nothing-to-dump', message: `No dump was written: ${warning.place} was gone already.` })
  if (isKept) {
    const message = `The ${warning.place} was there before ${tenant.slug}, and was not made for it: it was left as it is.`
    notices.push({ rule: 'place-kept', message })
  }
  return {
    command: 'tenants remove',
    ok: true,
    tenant: { ...toItem(tenant), state: 'removing' },
    from,
    result: 'dropped',
    dropped: isKept ? null : { place: warning.place, size },
    dump,
    notices,
    next: [],
  }
}

/** A tenant that another process is making right now is not dropped from under it. */
async function refuseBusy({ registry }: RemovalTools, tenant: TenantRecord): Promise<void> {
  if (tenant.state !== 'provisioning') return
  const row = await readRow(registry, registry.database.query.bind(registry.database), tenant.id)
  if (row === null || row.owner === null || isGone(row.owner) || row.silentMs >= silentAfterMs) return
  throw new TenantryError('TENANT_STATE', `Tenant ${tenant.slug} is being made right now, by another process.`, {
    hint: 'Let it end, or end it; then run this again.',
    context: { tenant: tenant.slug, state: tenant.state },
  })
}

/** null: the place is gone. */
async function measure(tools: RemovalTools, tenant: TenantRecord): Promise<PlaceSize | null> {
  const { server, database, schema } = tenant.placement
  try {
    const connection = await tools.connect(server, database)
    try {
      return await tools.dialect(server).removal.measure(connection, schema ?? null)
    } finally {
      await connection.close()
    }
  } catch (error) {
    if (error instanceof DatabaseError && error.failure.kind === 'database-missing') return null
    throw describe(error, tenant, 'could not be looked at, so nothing was dropped')
  }
}

async function refuseUnconfirmed(warning: DropWarning, options: RemoveTenantOptions): Promise<void> {
  const { slug } = warning.tenant
  const typed = options.yes ?? (await options.confirm?.(warning))
  if (typed === slug) return
  const said = typed === undefined ? '' : ` What was typed is not \`${slug}\`.`
  const dump = warning.dumpWith === null ? '' : `, \`--dump <file>\` writes it to a file first (${warning.dumpWith})`
  throw new TenantryError(
    'CONFIRMATION_MISSING',
    `This would drop ${warning.place} for good: ${describeSize(warning.size)}.${said}`,
    {
      hint: `\`tenantry tenants remove ${slug} --drop-data --yes ${slug}\` drops it${dump}; without --drop-data it is archived.`,
      context: { tenant: slug, place: warning.place, size: warning.size, dumpWith: warning.dumpWith },
    },
  )
}

/** While it is written, an active tenant is suspended; where that fails, it is as it was. */
async function dumpAtRest(tools: RemovalTools, tenant: TenantRecord, source: DumpSource, file: string) {
  const { tenants: store } = tools.registry
  const wasActive = tenant.state === 'active'
  if (wasActive) await moveTenant(store, tenant.id, 'suspended', tools.actor)
  try {
    return await dumpPlace(source, file)
  } catch (error) {
    if (wasActive) await moveTenant(store, tenant.id, 'active', tools.actor)
    throw error
  }
}

/** `taken`: the place is somebody else's, and stays. */
async function dropPlace(tools: RemovalTools, tenant: TenantRecord, isThere: boolean): Promise<Dropped> {
  const { server, database, schema } = tenant.placement
  const dialect = tools.dialect(server)
  const { places, scratch } = dialect
  const { registry } = tools
  const row = await readRow(registry, registry.database.query.bind(registry.database), tenant.id)
  const named = tools.server(server).database
  const home = named === undefined || named === database ? scratch.home : named
  const inside = schema !== undefined && isThere
  try {
    const connection = await tools.connect(server, inside ? database : home)
    try {
      // What was added as it is: that it is this tenant's was said by who typed its slug. What was to be made and was
      // there already is not; what was made is marked until migrations run in it.
      const mark = row === null || row.facts.placed === true ? null : markOf(tenant.id, row.token)
      let dropped: Dropped = 'gone'
      if (inside) {
        if (places === undefined) await scratch.dropSchema(connection, schema)
        dropped = (await places?.dropSchema(connection, schema, mark)) ?? 'dropped'
      } else if (schema === undefined) {
        if (places === undefined) await scratch.dropDatabase(connection, database)
        dropped = (await places?.dropDatabase(connection, database, mark)) ?? 'dropped'
      }
      const role = row?.facts.role
      if (row !== null && role != null) await places?.dropRole(connection, role, markOf(tenant.id, row.token))
      return dropped
    } finally {
      await connection.close()
    }
  } catch (error) {
    throw describe(error, tenant, 'could not be dropped')
  }
}

function describe(error: unknown, tenant: TenantRecord, what: string): unknown {
  if (!(error instanceof DatabaseError)) return error
  const { failure } = error
  const code = failure.kind === 'statement' ? 'PROVISION_FAILED' : failureCodes[failure.kind]
  const begun = what.endsWith('dropped') && !what.includes('nothing')
  return new TenantryError(code, `The ${describePlace(tenant)} ${what}: ${failure.message.replace(/\.$/, '')}.`, {
    hint: begun
      ? `The tenant is \`removing\` now; \`tenantry tenants remove ${tenant.slug} --drop-data\` goes on once this is mended.`
      : 'Mend this and run it again.',
    cause: error,
    context: {
      tenant: tenant.slug,
      target: describePlace(tenant).split(' ')[1] as string,
      ...(failure.sqlstate === null ? {} : { sqlstate: failure.sqlstate }),
    },
  })
}
