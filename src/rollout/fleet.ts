import type { ResolvedConfig, ResolvedSet } from '../config/resolved.ts'
import { isForTenant } from '../config/sets.ts'
import { withCode } from '../engine/code-book.ts'
import { ConnectionPool } from '../engine/pool.ts'
import { resolveMigration } from '../engine/resolve-migration.ts'
import { showPath } from '../formats/list-folder.ts'
import { chooseFormat } from '../formats/registry.ts'
import type { Dialect, ScriptBook } from '../model/dialect.ts'
import { isTenantryError, TenantryError } from '../model/errors.ts'
import type { Emit } from '../model/events.ts'
import type { Format, FormatOptions } from '../model/format.ts'
import type { HistoryShape } from '../model/history.ts'
import type { Migration, Notice } from '../model/migration.ts'
import type { SetPlan, TargetPlan } from '../model/plan.ts'
import type { CredentialBook } from '../model/registry.ts'
import type { Selectors } from '../model/report.ts'
import type { Target, Tenant } from '../model/tenant.ts'
import { chooseHistorySchema } from './history-place.ts'
import { findHistoryShape } from './history-shape.ts'
import { type AwayServers, type FleetQuestion, readFleet, unreadPlan } from './read-fleet.ts'
import type { ScheduleLimits } from './schedule.ts'
import { refusePartial, type Selection, selectTargets, targetName } from './select-targets.ts'

/** A set with its files read. */
export interface LoadedSet {
  config: ResolvedSet
  format: Format
  options: FormatOptions
  migrations: readonly Migration[]
  notices: readonly Notice[]
  /** What the tool's own config says about its history table. */
  history?: { table?: string; schema?: string }
  /** The history table of that version of the tool that wrote the folder. Absent: the format's own. */
  shape?: HistoryShape
  /** The tool itself refuses migrations that come late. */
  strictOrder?: { hint: string }
}

/** A set with the targets selected for it, and the kind of history they keep. */
export interface FleetSet extends LoadedSet {
  targets: readonly Target[]
  shape: HistoryShape
  table: string
  /** Schema of the history table in targets that are whole databases; null: among their other tables. */
  historySchema: string | null
  /** Schema targets of the largest database, selected or not: what cannot be run for a second one must not begin. */
  targetsPerDatabase: number
  /** Databases (`server`, NUL, `database`) that it serves as a whole, selected or not: schemas in them may build on that. */
  wholeDatabases: ReadonlySet<string>
  /** Databases in which any tenant of the fleet has a schema of its own. */
  dividedDatabases: ReadonlySet<string>
}

/** What a command needs to see of the fleet. */
export interface FleetView {
  sets: readonly FleetSet[]
  tenants: number
  targets: number
}

/** The tenants, folders and connections of one config. */
export class Fleet {
  readonly config: ResolvedConfig
  readonly pool: ConnectionPool
  readonly emit: Emit
  readonly #tenants: () => Iterable<Tenant> | AsyncIterable<Tenant>
  /** null: the servers' own are used. */
  readonly credentials: CredentialBook | null
  readonly #away: AwayServers = new Map()
  readonly #books = new Map<string, ScriptBook>()
  #loaded: Promise<LoadedSet[]> | null = null

  constructor(
    config: ResolvedConfig,
    dialectOf: (server: string) => Dialect,
    tenants: () => Iterable<Tenant> | AsyncIterable<Tenant>,
    emit: Emit,
    credentials: CredentialBook | null = null,
  ) {
    this.config = config
    this.emit = emit
    this.#tenants = tenants
    this.credentials = credentials
    const options = { connectTimeoutMs: config.connectTimeoutMs, applicationName: 'tenantry' }
    this.pool = new ConnectionPool(config.servers, (server) => dialectOf(server.name), options, credentials)
  }

  /** The same folders, with connections and opened credentials of its own; whoever asks for it closes it. */
  alone(): Fleet {
    const credentials = this.credentials?.alone() ?? null
    const other = new Fleet(this.config, (server) => this.pool.dialect(server), this.#tenants, this.emit, credentials)
    other.#loaded = this.loadSets()
    return other
  }

  get limits(): ScheduleLimits {
    return {
      fleet: this.config.concurrency,
      perServer: (name) => this.pool.server(name).maxConcurrency,
      perDatabase: (name) => this.pool.server(name).maxConcurrencyPerDatabase,
    }
  }

  /** Reads and checks every folder; before anything is connected to. */
  loadSets(): Promise<LoadedSet[]> {
    this.#loaded ??= Promise.all(this.config.sets.map((set) => this.#loadSet(set)))
    return this.#loaded
  }

  async #loadSet(set: ResolvedSet): Promise<LoadedSet> {
    const options: FormatOptions = {
      dirs: set.dirs,
      root: this.config.root,
      ignore: set.ignore,
      placeholders: set.placeholders,
      toolConfig: set.toolConfig,
      ...(set.prefix === null ? {} : { prefix: set.prefix }),
      environment: this.config.environmentAsked,
      dialects: [...new Set([...this.config.servers.values()].map(({ dialect }) => dialect))],
    }
    const { format, dirs } = await chooseFormat(set.format, options, set.dirGiven, this.config.added.formats)
    const chosen = { ...options, dirs }
    const loaded = await format.load(chosen)
    const notices = loaded.migrations.length > 0 ? loaded.notices : [...loaded.notices, nothingIn(chosen)]
    return { config: set, format, options: chosen, ...loaded, notices }
  }

  /**
   * The sets and targets that a command is about. `whole`: refuses to take only some tenants of a target. `quiet`: has
   * been said before. `only`: these tenants, as if there were no others.
   */
  async view(
    selectors: Selectors,
    options: { whole: boolean; quiet?: boolean; only?: readonly Tenant[] },
  ): Promise<FleetView> {
    const loaded = await this.loadSets()
    const chosen = chooseSets(loaded, selectors.sets ?? [])
    const tenants: Tenant[] = []
    for await (const tenant of options.only ?? this.#tenants()) tenants.push(tenant)
    const selections = chosen.map((set) => {
      const own = tenants.filter((tenant) => isForTenant(set.config, tenant))
      return { set, selection: own.length === tenants.length ? null : own }
    })
    const { sharedSchema } = this.config
    const isWhole = ({ placement: { schema } }: Tenant) => schema === undefined || schema === sharedSchema
    const dividedDatabases = namesOf(tenants.filter((tenant) => !isWhole(tenant)))
    const all = selectTargets(tenants, selectors)
    await this.credentials?.open(all.targets, tenants)
    const sets: FleetSet[] = []
    for (const { set, selection } of selections) {
      const picked: Selection = selection === null ? all : narrow(all, selection)
      if (options.whole)
        refusePartial(all.partial.filter((target) => picked.targets.some(({ name }) => name === target.name)))
      const own = (selection ?? tenants).filter(({ state }) => state === 'active')
      refuseSharedHistory(set.config, own)
      const { lockTimeoutMs, added } = this.config
      const shape = await findHistoryShape(this.pool, lockTimeoutMs, set, own, added.formats)
      const table =
        set.config.history.table ??
        (shape.kind === set.format.history.kind ? set.history?.table : undefined) ??
        shape.defaultTable
      const dialects = { of: (server: string) => this.pool.dialect(server), servers: this.config.servers.keys() }
      const historySchema = chooseHistorySchema(set, shape, own, dialects)
      const targetsPerDatabase = mostPerDatabase(selection ?? tenants)
      const wholeDatabases = namesOf(own.filter(isWhole))
      const places = { targetsPerDatabase, wholeDatabases, dividedDatabases }
      sets.push({ ...set, targets: picked.targets, shape, table, historySchema, ...places })
    }
    if (options.quiet === true) return { sets, tenants: tenants.length, targets: all.targets.length }
    const places = new Set(all.targets.map(({ placement }) => `${placement.server}/${placement.database}`))
    this.emit({ type: 'fleet-read', tenants: tenants.length, targets: all.targets.length, databases: places.size })
    const [first] = sets
    if (first !== undefined && sets.every(({ targets }) => targets.length === 0))
      sets[0] = { ...first, notices: [...first.notices, nobody(tenants)] }
    for (const { notices } of sets) for (const notice of notices) this.emit({ type: 'notice', notice })
    return { sets, tenants: tenants.length, targets: all.targets.length }
  }

  /** The tenant with this id or slug, whatever its state; null: there is none. */
  async findTenant(text: string): Promise<Tenant | null> {
    for await (const tenant of this.#tenants()) if (tenant.id === text || tenant.slug === text) return tenant
    return null
  }

  /** Is this how somebody may name a tenant? */
  async namesTenant(text: string): Promise<boolean> {
    for await (const { id, slug, placement } of this.#tenants()) {
      if ([id, slug, placement.schema, placement.database].includes(text)) return true
    }
    return false
  }

  /** Who is in these targets, in whatever state. */
  async tenantsIn(targets: ReadonlySet<string>): Promise<Tenant[]> {
    const found: Tenant[] = []
    for await (const tenant of this.#tenants()) if (targets.has(targetName(tenant.placement))) found.push(tenant)
    return found
  }

  /** Every target of the fleet, selected or not, and whether a tenant of it is active. */
  async targetNames(): Promise<Map<string, boolean>> {
    const names = new Map<string, boolean>()
    for await (const { placement, state } of this.#tenants()) {
      const name = targetName(placement)
      names.set(name, names.get(name) === true || state === 'active')
    }
    return names
  }

  /**
   * Plans a set's targets. `late`: those that are alone in their database may be left unread until their turn comes,
   * where a server has more of them than connections; else each would be connected to twice.
   */
  async plan(
    set: FleetSet,
    decide: FleetQuestion['decide'],
    options: { requiredTables?: readonly string[]; late?: boolean; ledger?: boolean } = {},
  ): Promise<SetPlan> {
    const own = this.#question(set, decide, options.requiredTables ?? [])
    const question = options.ledger === true ? { ...own, ledger: true } : own
    const late = options.late === true ? this.#alone(set.targets) : new Set<Target>()
    const now = set.targets.filter((target) => !late.has(target))
    const read = await readFleet(this.pool, now, question, this.limits, this.#away)
    const plans = new Map(read.map((plan) => [plan.target, plan]))
    const targets = set.targets.map((target) => plans.get(target) ?? unreadPlan(target, question))
    return { set: set.config.name, migrations: set.migrations, targets, notices: set.notices }
  }

  /** Plans one target whose turn has come. */
  async planTarget(set: FleetSet, decide: FleetQuestion['decide'], target: Target): Promise<TargetPlan> {
    const [plan] = await readFleet(this.pool, [target], this.#question(set, decide, []), this.limits, this.#away)
    return plan as TargetPlan
  }

  #question(set: FleetSet, decide: FleetQuestion['decide'], requiredTables: readonly string[]): FleetQuestion {
    return {
      set: set.config.name,
      migrations: set.migrations,
      shape: set.shape,
      table: set.table,
      historySchema: set.historySchema,
      requiredTables,
      lockTimeoutMs: this.config.lockTimeoutMs,
      decide,
    }
  }

  #alone(targets: readonly Target[]): Set<Target> {
    const databases = groupBy(targets, ({ placement }) => `${placement.server}\0${placement.database}`)
    const alone = [...databases.values()].filter(({ length }) => length === 1).flat()
    const servers = groupBy(alone, ({ placement }) => placement.server)
    const crowded = [...servers].filter(([name, own]) => own.length > this.limits.perServer(name))
    return new Set(crowded.flatMap(([, own]) => own))
  }

  /** Compiled scripts for a target of a set; shared by all targets of its kind. */
  book(set: FleetSet, target: Target): ScriptBook {
    const { server, schema } = target.placement
    const dialect = this.pool.dialect(server)
    const schemaTargets = schema !== undefined && schema !== this.config.sharedSchema
    const key = `${set.config.name}\0${dialect.name}\0${schemaTargets}`
    let book = this.#books.get(key)
    if (book === undefined) {
      const { targetsPerDatabase } = set
      const options = { schemaTargets, targetsPerDatabase, sharedSchema: this.config.sharedSchema }
      book = withCode(set.migrations, (migrations) => dialect.compile(migrations, options), {
        features: dialect.features,
        schemaTargets,
      })
      this.#books.set(key, book)
    }
    return book
  }

  close(): Promise<void> {
    return this.pool.close()
  }
}

function namesOf(tenants: readonly Tenant[]): ReadonlySet<string> {
  return new Set(tenants.map(({ placement }) => `${placement.server}\0${placement.database}`))
}

/** With a fixed schema, all targets of a database would write into one history, and hide each other's pending. */
function refuseSharedHistory({ name, history }: ResolvedSet, tenants: readonly Tenant[]): void {
  const offender = history.schema === null ? undefined : tenants.find(({ placement }) => placement.schema !== undefined)
  if (offender === undefined) return
  throw new TenantryError(
    'CONFIG_INVALID',
    `Set ${name} has a fixed \`history.schema\`, and tenant ${offender.slug} lives in a schema of its own: all such tenants would share one history.`,
    { hint: 'Leave `history.schema` out: each tenant keeps its history in its own schema.' },
  )
}

/** Sets by name; all where none is named. Throws TENANT_UNKNOWN. */
export function chooseSets<T extends LoadedSet>(loaded: readonly T[], names: readonly string[]): T[] {
  if (names.length === 0) return [...loaded]
  const known = loaded.map(({ config }) => config.name)
  for (const name of names) {
    if (known.includes(name)) continue
    throw new TenantryError('TENANT_UNKNOWN', `There is no set of migrations named "${name}".`, {
      hint: `Sets: ${known.join(', ')}.`,
    })
  }
  return loaded.filter(({ config }) => names.includes(config.name))
}

/** A selection cut down to the tenants of one set. */
function narrow({ targets, partial }: Selection, tenants: readonly Tenant[]): Selection {
  const own = new Set(tenants)
  const keep = (list: readonly Target[]) =>
    list
      .map((target) => ({ ...target, tenants: target.tenants.filter((tenant) => own.has(tenant)) }))
      .filter((target) => target.tenants.length > 0)
  return { targets: keep(targets), partial: keep(partial) }
}

/** Nor must an image that was built without its migrations. */
function nothingIn({ dirs, root }: FormatOptions): Notice {
  const where = dirs.length === 0 ? '' : ` in ${dirs.map((dir) => showPath(root, dir)).join(', ')}`
  return {
    rule: 'no-migrations',
    message: `There are no migrations${where}.`,
    hint: 'where there should be some: `migrations.dir` in the config, and what is copied into the image that runs here',
  }
}

/** Nothing to do because there is nobody must not look like nothing to do because all is well. */
function nobody(tenants: readonly Tenant[]): Notice {
  const active = tenants.filter(({ state }) => state === 'active').length
  return active === 0
    ? {
        rule: 'no-targets',
        message: tenants.length === 0 ? 'The fleet has no tenants.' : 'The fleet has no active tenants.',
        hint: '`tenants` in the config says where they come from',
      }
    : { rule: 'no-targets', message: `None of the ${active} active tenants is selected, or has a set of migrations.` }
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return groups
}

function mostPerDatabase(tenants: readonly Tenant[]): number {
  const schemas = new Map<string, Set<string>>()
  let most = 0
  for (const { placement, state } of tenants) {
    if (placement.schema === undefined || state !== 'active') continue
    const key = `${placement.server}\0${placement.database}`
    const known = schemas.get(key) ?? new Set()
    schemas.set(key, known.add(placement.schema))
    most = Math.max(most, known.size)
  }
  return most
}

/** The one set that has a migration of this name, and it. Throws MIGRATION_UNKNOWN where none or several have. */
export function resolveInSets<T extends LoadedSet>(sets: readonly T[], text: string): Map<T, Migration> {
  const found = new Map<T, Migration>()
  const failures: TenantryError[] = []
  for (const set of sets) {
    try {
      found.set(set, resolveMigration(set.migrations, text))
    } catch (error) {
      if (!isTenantryError(error)) throw error
      failures.push(error)
    }
  }
  if (found.size > 1) {
    const where = [...found].map(([{ config }, { id }]) => `${id} (set ${config.name})`)
    throw new TenantryError(
      'MIGRATION_UNKNOWN',
      `${JSON.stringify(text)} names a migration in several sets: ${where.join(', ')}.`,
      {
        hint: 'Say which set with --set.',
        context: { migrations: [...found.values()].map(({ id }) => id) },
      },
    )
  }
  // "Several have it" says more than "there is none".
  const [failure] = failures.sort(
    (a, b) => Number(b.context.migrations !== undefined) - Number(a.context.migrations !== undefined),
  )
  if (found.size === 0 && failure !== undefined) throw failure
  return found
}
