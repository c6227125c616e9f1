import { showName } from '../config/problem.ts'
import { DatabaseError } from '../model/dialect.ts'
import { TenantryError } from '../model/errors.ts'
import {
  type Actor,
  type AuditEntry,
  type NewTenantRecord,
  type RegistryValue,
  type StoredCredential,
  type TenantChange,
  type TenantFilter,
  type TenantRecord,
  type TenantStore,
  tenantTransitions,
} from '../model/registry.ts'
import type { TenantState, TopologyName } from '../model/tenant.ts'
import { type AuditedChange, readAudit, writeAudit } from './audit.ts'
import { checkNewTenants, type IdentifiedTenant, refuseStep, takenError } from './check-new.ts'
import { placeKey } from './check-new-tenant.ts'
import { describeStored, pageOwnCredentials, putOwnCredentials, readOwnCredentials } from './own-credentials.ts'
import { inChunks, insertRows, marks, type Query, type StoreContext, textOrNull } from './store-context.ts'

const columns = [
  'id',
  'slug',
  'name',
  'topology',
  'state',
  'server',
  'database_name',
  'schema_name',
  'place_key',
  'labels',
  'created_at',
  'updated_at',
] as const

const rowsPerPage = 1000

/** The book of tenants in tables of our own. */
export class OwnTenantStore implements TenantStore {
  readonly #context: StoreContext

  constructor(context: StoreContext) {
    this.#context = context
  }

  get #from(): string {
    const { table, quote } = this.#context
    return `SELECT ${columns.map(quote).join(', ')} FROM ${table('tenants')}`
  }

  async *list(filter: TenantFilter = {}): AsyncIterable<TenantRecord> {
    for (let after: string | null = null; ; ) {
      const page: TenantRecord[] = await this.page(filter, after, rowsPerPage)
      yield* page
      const last = page.at(-1)
      if (last === undefined || page.length < rowsPerPage) return
      after = last.id
    }
  }

  async page({ states }: TenantFilter, after: string | null, limit: number): Promise<TenantRecord[]> {
    await this.#context.assertReady()
    if (states?.length === 0) return []
    const conditions = [
      ...(after === null ? [] : ['id > ?']),
      ...(states === undefined ? [] : [`state IN (${marks(states.length)})`]),
    ]
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
    const values = [...(after === null ? [] : [after]), ...(states ?? [])]
    const rows = await this.#context.database.query(
      `${this.#from} ${where} ORDER BY id LIMIT ${Math.trunc(limit)}`,
      values,
    )
    return rows.map(asRecord)
  }

  async find(idOrSlug: string): Promise<TenantRecord | null> {
    await this.#context.assertReady()
    // A NUL cannot even be asked for everywhere.
    if (idOrSlug.includes('\0')) return null
    const rows = await this.#context.database.query(`${this.#from} WHERE id = ? OR slug = ?`, [idOrSlug, idOrSlug])
    return onlyOne(idOrSlug, rows.map(asRecord))
  }

  async add(tenants: readonly NewTenantRecord[], actor: Actor): Promise<TenantRecord[]> {
    const { database, servers, table, quote } = this.#context
    await this.#context.assertReady()
    const added = checkNewTenants(tenants, servers, (name) => servers.get(name))
    const now = new Date().toISOString()
    await this.#atOnce(async (query) => {
      await this.#refuseTaken(query, added)
      await insertRows(
        query,
        table('tenants'),
        columns.map(quote),
        added.map((tenant) => asRow(tenant, now)),
      )
      await putOwnCredentials(this.#context, query, added.flatMap(credentialOf))
      await writeAudit(this.#context, query, added.flatMap(auditAdded), actor)
    }, database)
    return added.map((tenant) => ({
      id: tenant.id,
      slug: tenant.slug,
      ...(tenant.name == null ? {} : { name: tenant.name }),
      topology: tenant.topology,
      state: tenant.state,
      labels: tenant.labels ?? {},
      placement: tenant.placement,
      address: null,
      createdAt: now,
      updatedAt: now,
    }))
  }

  /** A row that came in between is found by looking once more. */
  async #atOnce<T>(work: (query: Query) => Promise<T>, database: StoreContext['database']): Promise<T> {
    try {
      return await database.transaction(work)
    } catch (error) {
      if (!(error instanceof DatabaseError) || !this.#context.words.isDuplicate(error.failure)) throw error
      return database.transaction(work)
    }
  }

  async #refuseTaken(query: Query, tenants: readonly IdentifiedTenant[]): Promise<void> {
    const taken: string[] = []
    for (const [column, what, keyOf] of uniqueColumns) {
      const wanted = new Map<string, IdentifiedTenant>()
      for (const tenant of tenants) {
        const value = keyOf(tenant)
        if (value !== null) wanted.set(value, tenant)
      }
      for (const chunk of inChunks([...wanted.keys()])) {
        const sql = `SELECT slug, ${column} AS taken FROM ${this.#context.table('tenants')} WHERE ${column} IN (${marks(chunk.length)})`
        for (const row of await query(sql, chunk)) {
          const tenant = wanted.get(String(row.taken))
          if (tenant !== undefined) taken.push(what(tenant, String(row.slug)))
        }
      }
    }
    if (taken.length > 0) throw takenError(taken)
  }

  async change(
    id: string,
    expected: TenantState,
    change: TenantChange,
    actor: Actor,
    within?: (query: Query) => Promise<void>,
  ): Promise<TenantRecord> {
    await this.#context.assertReady()
    const { database, table, quote } = this.#context
    return this.#atOnce(async (query) => {
      await within?.(query)
      const before = await this.#read(query, id)
      refuseStep(before.slug, { from: before.state, expected, to: change.state }, tenantTransitions)
      const after = changed(before, change)
      const moved = change.placement !== undefined && before.topology !== 'shared'
      if (moved) await this.#refuseMove(query, after)
      const values: Record<string, RegistryValue> = {
        state: after.state,
        name: after.name ?? null,
        labels: JSON.stringify(after.labels),
        server: after.placement.server,
        database_name: after.placement.database,
        schema_name: after.placement.schema ?? null,
        ...(moved ? { place_key: placeKey(after.placement) } : {}),
        updated_at: after.updatedAt,
      }
      const sets = Object.keys(values).map((column) => `${quote(column)} = ?`)
      await query(`UPDATE ${table('tenants')} SET ${sets.join(', ')} WHERE id = ?`, [...Object.values(values), id])
      await writeAudit(this.#context, query, auditChanges(before, after), actor)
      return after
    }, database)
  }

  async #refuseMove(query: Query, { id, placement }: TenantRecord): Promise<void> {
    const sql = `SELECT slug FROM ${this.#context.table('tenants')} WHERE place_key = ? AND id <> ?`
    const [other] = await query(sql, [placeKey(placement), id])
    if (other !== undefined) throw takenError([`place is the one of ${showName(String(other.slug))}`])
  }

  async #read(query: Query, id: string): Promise<TenantRecord> {
    const [row] = await query(`${this.#from} WHERE id = ?`, [id])
    if (row === undefined) throw unknownTenant(id)
    return asRecord(row)
  }

  async remove(id: string, actor: Actor): Promise<void> {
    await this.#context.assertReady()
    const { database, table } = this.#context
    await database.transaction(async (query) => {
      const before = await this.#read(query, id)
      refuseRemoval(before)
      for (const own of ['credentials', 'provisions'] as const)
        await query(`DELETE FROM ${table(own)} WHERE tenant_id = ?`, [id])
      await query(`DELETE FROM ${table('tenants')} WHERE id = ?`, [id])
      await writeAudit(this.#context, query, [auditRemoved(before)], actor)
    })
  }

  async readCredentials(ids: readonly string[]): Promise<Map<string, StoredCredential>> {
    await this.#context.assertReady()
    return readOwnCredentials(this.#context, this.#context.database.query.bind(this.#context.database), ids)
  }

  async pageCredentials(after: string | null, limit: number): Promise<StoredCredential[]> {
    await this.#context.assertReady()
    return pageOwnCredentials(this.#context, after, limit)
  }

  async writeCredentials(
    credentials: Parameters<TenantStore['writeCredentials']>[0],
    action: 'credential' | 'rotate',
    actor: Actor,
  ): Promise<number> {
    await this.#context.assertReady()
    return this.#context.database.transaction(async (query) => {
      const ids = credentials.map(({ credential }) => credential.tenantId)
      const stored = await readOwnCredentials(this.#context, query, ids)
      const slugs = await this.#slugs(query, ids)
      const due = credentials.filter(({ credential: { tenantId }, was }) => {
        if (!slugs.has(tenantId)) throw unknownTenant(tenantId)
        return was === undefined || (stored.get(tenantId)?.sealed ?? null) === was
      })
      const written = due.map(({ credential }) => credential)
      await putOwnCredentials(this.#context, query, written)
      await writeAudit(
        this.#context,
        query,
        written.map((credential) => ({
          tenantId: credential.tenantId,
          slug: slugs.get(credential.tenantId) ?? '',
          action,
          from: describeStored(stored.get(credential.tenantId)),
          to: describeStored(credential),
        })),
        actor,
      )
      return written.length
    })
  }

  async #slugs(query: Query, ids: readonly string[]): Promise<Map<string, string>> {
    const slugs = new Map<string, string>()
    for (const chunk of inChunks([...new Set(ids)], 1000)) {
      const sql = `SELECT id, slug FROM ${this.#context.table('tenants')} WHERE id IN (${marks(chunk.length)})`
      for (const row of await query(sql, chunk)) slugs.set(String(row.id), String(row.slug))
    }
    return slugs
  }

  async audit(idOrSlug: string): Promise<AuditEntry[]> {
    await this.#context.assertReady()
    return readAudit(this.#context, idOrSlug)
  }
}

/** What no two tenants have: its column, how it is told, and its value. */
const uniqueColumns: readonly [
  column: string,
  what: (tenant: IdentifiedTenant, holder: string) => string,
  keyOf: (tenant: IdentifiedTenant) => string | null,
][] = [
  ['slug', ({ slug }) => `slug ${showName(slug)} is taken`, ({ slug }) => slug],
  ['id', ({ id }, holder) => `id ${showName(id)} is the one of ${showName(holder)}`, ({ id }) => id],
  [
    'place_key',
    ({ slug }, holder) => `place of ${showName(slug)} is the one of ${showName(holder)}`,
    ({ topology, placement }) => (topology === 'shared' ? null : placeKey(placement)),
  ],
]

function asRow(tenant: IdentifiedTenant, now: string): RegistryValue[] {
  const { id, slug, name, topology, state, labels, placement } = tenant
  const { server, database, schema } = placement
  const place = topology === 'shared' ? null : placeKey(placement)
  const text = JSON.stringify(labels ?? {})
  return [id, slug, name ?? null, topology, state, server, database, schema ?? null, place, text, now, now]
}

function asRecord(row: Record<string, unknown>): TenantRecord {
  const name = textOrNull(row.name)
  const schema = textOrNull(row.schema_name)
  return {
    id: String(row.id),
    slug: String(row.slug),
    ...(name === null ? {} : { name }),
    topology: row.topology as TopologyName,
    state: row.state as TenantState,
    labels: row.labels == null ? {} : JSON.parse(String(row.labels)),
    placement: {
      server: String(row.server),
      database: String(row.database_name),
      ...(schema === null ? {} : { schema }),
    },
    address: null,
    createdAt: String(row.created_at),
    updatedAt: String(row.updated_at),
  }
}

/** The record as it is after a change; nothing is written. */
export function changed(before: TenantRecord, change: TenantChange): TenantRecord {
  const { name: nameBefore, ...others } = before
  const name = change.name === undefined ? nameBefore : (change.name ?? undefined)
  return {
    ...others,
    ...(name === undefined ? {} : { name }),
    state: change.state ?? before.state,
    labels: change.labels ?? before.labels,
    placement: change.placement ?? before.placement,
    updatedAt: new Date().toISOString(),
  }
}

/** What a new tenant comes with to log in; none, or one. */
export function credentialOf({ id, credential }: IdentifiedTenant): StoredCredential[] {
  return credential === undefined ? [] : [{ tenantId: id, sealed: null, ...credential }]
}

export function auditAdded(tenant: IdentifiedTenant): AuditedChange[] {
  const { id, slug, state, topology, placement } = tenant
  const to = JSON.stringify({ state, topology, ...placement })
  return [
    { tenantId: id, slug, action: 'add', from: null, to },
    ...credentialOf(tenant).map((credential) => ({
      tenantId: id,
      slug,
      action: 'credential',
      from: null,
      to: describeStored(credential),
    })),
  ]
}

export function auditRemoved({ id, slug, topology, placement, state }: TenantRecord): AuditedChange {
  return { tenantId: id, slug, action: 'remove', from: JSON.stringify({ state, topology, ...placement }), to: null }
}

/** One line for each thing that differs. */
export function auditChanges(before: TenantRecord, after: TenantRecord): AuditedChange[] {
  const values = (record: TenantRecord): Record<string, string | null> => ({
    state: record.state,
    name: record.name ?? null,
    labels: JSON.stringify(sorted(record.labels)),
    placement: placeKey(record.placement),
  })
  const was = values(before)
  return Object.entries(values(after))
    .filter(([action, value]) => was[action] !== value)
    .map(([action, to]) => ({ tenantId: before.id, slug: before.slug, action, from: was[action] ?? null, to }))
}

function sorted(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Throws TENANT_STATE where its data may still be in use. */
export function refuseRemoval({ slug, state }: TenantRecord): void {
  if (state === 'removing' || state === 'provisioning') return
  throw new TenantryError('TENANT_STATE', `Tenant ${showName(slug)} is ${state}: its row is not taken away.`, {
    hint: `\`tenantry tenants remove ${slug}\` archives it, or takes its data away first.`,
    context: { tenant: slug, from: state },
  })
}

export function unknownTenant(name: string): TenantryError {
  return new TenantryError('TENANT_UNKNOWN', `The registry has no tenant ${showName(name)}.`, {
    hint: '`tenantry tenants list` shows them.',
    context: { tenant: name },
  })
}

/** One tenant's id may be another one's slug. Throws USAGE. */
export function onlyOne(idOrSlug: string, found: readonly TenantRecord[]): TenantRecord | null {
  const [first, second] = found
  if (first === undefined || second === undefined) return first ?? null
  throw new TenantryError('USAGE', `${showName(idOrSlug)} is the id of one tenant and the slug of another.`, {
    hint: `Name the one that is meant by what only it has: ${found.map(({ id, slug }) => `${slug} (id ${id})`).join(', ')}.`,
    context: { tenant: idOrSlug },
  })
}
