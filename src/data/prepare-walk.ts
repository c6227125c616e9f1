import { Retries } from '../engine/retries.ts'
import type { Batches } from '../model/batches.ts'
import type { Dialect } from '../model/dialect.ts'
import { type ErrorDocument, isTenantryError } from '../model/errors.ts'
import type { Tenant } from '../model/tenant.ts'
import type { Fleet, FleetSet } from '../rollout/fleet.ts'
import { changeRows } from './change-rows.ts'
import { goesByTenant, type TargetChanges } from './choose-targets.ts'
import { type CompiledChange, compileChange } from './compile-change.ts'
import type { DataChange } from './data-change.ts'
import { refusal } from './describe-batch.ts'
import type { TargetSession } from './target-session.ts'
import type { Run, Walk } from './walk.ts'

/** Changes compiled once for all targets of a kind. */
export type CompiledBook = Map<string, Promise<CompiledChange>>

/** A walk of hours outlasts a lock of minutes. */
const lockPatienceMs = 300_000

export interface PrepareOptions {
  fleet: Fleet
  run: Run
  book: CompiledBook
  session: TargetSession
}

/**
 * The walks of a change in one target: one for all, or one for each of its tenants. What the change needs is looked up
 * and checked before any row is touched. Throws `DatabaseError`.
 */
export async function prepareWalks(
  entry: TargetChanges,
  change: DataChange,
  { fleet, run, book, session }: PrepareOptions,
): Promise<Walk[] | ErrorDocument> {
  const { target } = entry
  const { config } = fleet
  const dialect = fleet.pool.dialect(target.placement.server)
  const refuse = (message: string, hint: string) => refusal({ change, target }, message, hint)
  const { batches } = dialect
  if (batches === undefined)
    return refuse('its kind of database is not walked in batches by this version', 'Leave the target out.')
  const rules = config.sharedTables ?? { column: 'tenant_id', setting: 'app.tenant_id' }
  const table = await batches.table(
    session.connection,
    target.placement.schema ?? null,
    change.table,
    change.key,
    rules.column,
  )
  if (table === null) {
    return refuse(
      `there is no table ${change.table}`,
      'Apply its migrations first (`tenantry up`), or say with `set=` which targets the change is for.',
    )
  }
  if (table.obstacle !== null) {
    return refuse(
      `table ${change.table} cannot be walked by (${change.key.join(', ')}): ${table.obstacle}`,
      'Name the primary key, or another unique key without NULLs, in the order of its columns.',
    )
  }
  const byTenant = goesByTenant(target, change)
  if (byTenant && change.remaining === null && !table.hasTenantColumn) {
    return refuse(
      `its tenants share ${change.table}, which has no column ${rules.column}`,
      'Say `scope=target` if all of its rows are meant, or name the column in `sharedTables.column` of the config.',
    )
  }
  const single = target.tenants.length === 1 ? (target.tenants[0] as Tenant) : null
  if (table.rowSecurity) {
    if (!byTenant && single === null) {
      return refuse(
        `policies hide rows of ${change.table} from this role, and no tenant is set: rows would be passed over in silence`,
        'Leave out `scope=target`, so that it goes tenant by tenant; or use a role with BYPASSRLS.',
      )
    }
    const { policySettings } = table
    if (policySettings.length > 0 && !policySettings.includes(rules.setting)) {
      return refuse(
        `the policies of ${change.table} read ${policySettings.join(', ')}, and ${rules.setting} is what would be set`,
        'Name the setting in `sharedTables.setting` of the config.',
      )
    }
  }
  let compiled: CompiledChange | null = null
  try {
    compiled = change.body.kind === 'sql' ? await compiledFor(entry, change, fleet, dialect, book) : null
  } catch (error) {
    if (!isTenantryError(error) || error.code !== 'DATA_CHANGE_REFUSED') throw error
    const document = error.toJSON()
    return { ...document, context: { ...document.context, target: target.name } }
  }
  if (byTenant && compiled !== null && !compiled.parameters.has('tenant') && !compiled.parameters.has('keys')) {
    return refuse(
      `its tenants share ${change.table}, and its statement would change rows of all of them that are in the range`,
      `Add \`AND ${rules.column} = :tenant\`, or write \`IN (:keys)\`; \`scope=target\` walks over all rows at once.`,
    )
  }
  const words = { ...dialect, batches }
  const make = (tenant: Tenant | null): Walk => ({
    run,
    target,
    change,
    dialect,
    batches: batches as Batches,
    session,
    table,
    compiled,
    rows: changeRows(words, target.placement.schema ?? null),
    tenant: tenant === null ? null : { id: tenant.id, slug: tenant.slug },
    tenantColumn: byTenant ? rules.column : null,
    setting: rules.setting,
    retries: new Retries({
      ...run.settings,
      lockRetryBudgetMs: Math.max(lockPatienceMs, run.settings.lockRetryBudgetMs),
    }),
    look: (ask) => fleet.pool.look(target.placement.server, target.placement.database, ask),
  })
  return byTenant ? target.tenants.map(make) : [make(single)]
}

function compiledFor(
  { target, sets }: TargetChanges,
  change: DataChange,
  { config }: Fleet,
  dialect: Dialect,
  book: CompiledBook,
): Promise<CompiledChange> {
  const { schema } = target.placement
  const schemaTargets = schema !== undefined && schema !== config.sharedSchema
  const set = sets.find((one) => one.config.name === change.set) ?? (sets[0] as FleetSet)
  const key = [change.name, set.config.name, dialect.name, schemaTargets].join('\0')
  let compiled = book.get(key)
  if (compiled === undefined) {
    // Which names are the target's own is told by the migrations that make them; a whole database owns all of it.
    compiled = compileChange(change, dialect, schemaTargets ? set.migrations : [], {
      schemaTargets,
      targetsPerDatabase: set.targetsPerDatabase,
      sharedSchema: config.sharedSchema,
    })
    compiled.catch(() => {})
    book.set(key, compiled)
  }
  return compiled
}
