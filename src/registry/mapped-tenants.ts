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
import type { TenantState } from '../model/tenant.ts'
import { readAudit, writeAudit } from './audit.ts'
import { checkNewTenants, type IdentifiedTenant, refuseStep, takenError } from './check-new.ts'
import { placeKey } from './check-new-tenant.ts'
import { countsIds, insertMapped, refuseForeignIds, refuseUnfilled } from './mapped-add.ts'
import { putMappedCredentials } from './mapped-credentials.ts'
import { putExtras } from './mapped-extra.ts'
import { type FullRow, MappedReading } from './mapped-reading.ts'
import { fieldOf, noExtra, RowProblems } from './mapped-rows.ts'
import { asKey, type MappedContext, type MappedTable } from './mapped-table.ts'
import {
  type ColumnValue,
  markOf,
  nowFor,
  placementAsRead,
  placeOf,
  splitLabels,
  writePlace,
  writeState,
} from './mapped-values.ts'
import { describeStored, putOwnCredentials } from './own-credentials.ts'
import {
  auditAdded,
  auditChanges,
  auditRemoved,
  changed,
  credentialOf,
  onlyOne,
  refuseRemoval,
  unknownTenant,
} from './own-tenants.ts'
import { inChunks, marks, type Query } from './store-context.ts'
import { describeTaken } from './taken.ts'

const rowsPerPage = 1000

/**
 * The book of tenants in a team's own table, which is never altered. What it has no column or no word for is in tables
 * of ours beside it. Reading goes without those.
 */
export class MappedTenantStore implements TenantStore {
  readonly #context: MappedContext
  readonly #reading: MappedReading

  constructor(context: MappedContext) {
    this.#context = context
    this.#reading = new MappedReading(context)
  }

  async *list(filter: TenantFilter = {}): AsyncIterable<TenantRecord> {
    const problems = new RowProblems((await this.#reading.table()).title)
    for (let after: string | null = null; ; ) {
      const rows: FullRow[] = await this.#reading.page(this.#reading.query, after, rowsPerPage, problems)
      yield* recordsOf(rows, filter)
      const last = rows.at(-1)
      if (last === undefined || rows.length < rowsPerPage) break
      after = last.id
    }
    problems.refuse()
  }

  async page(filter: TenantFilter, after: string | null, limit: number): Promise<TenantRecord[]> {
    const problems = new RowProblems((await this.#reading.table()).title)
    const found: TenantRecord[] = []
    const perPage = Math.min(rowsPerPage, Math.max(limit, 50))
    for (let behind = after; ; ) {
      const rows: FullRow[] = await this.#reading.page(this.#reading.query, behind, perPage, problems)
      found.push(...recordsOf(rows, filter))
      const last = rows.at(-1)
      if (last === undefined || rows.length < perPage || found.length >= limit) break
      behind = last.id
    }
    problems.refuse()
    return found.slice(0, limit)
  }

  async find(idOrSlug: string): Promise<TenantRecord | null> {
    const problems = new RowProblems((await this.#reading.table()).title)
    const rows = [
      ...(await this.#reading.byIds(this.#reading.query, [idOrSlug], problems)),
      ...(await this.#reading.bySlugs(this.#reading.query, [idOrSlug], problems)),
    ]
    const records = new Map(rows.flatMap(({ id, record }) => (record === null ? [] : [[id, record] as const])))
    if (records.size === 0) problems.refuse()
    return onlyOne(idOrSlug, [...records.values()])
  }

  leftOut(tenant: TenantRecord): Promise<readonly string[]> {
    return this.#reading.leftOut(tenant)
  }

  async add(tenants: readonly NewTenantRecord[], actor: Actor): Promise<TenantRecord[]> {
    await this.#context.assertReady()
    const table = await this.#reading.table()
    const added = checkNewTenants(tenants, this.#context.servers, (name) => placeOf(this.#context, name))
    const given = new Set(tenants.flatMap(({ id }) => (id === undefined ? [] : [id])))
    refuseUnfilled(table)
    refuseForeignIds(table, added, given)
    return this.#alone(table, async (query) => {
      await this.#refuseTaken(query, table, added)
      const sample = await this.#reading.sampleState(query)
      const extras = await insertMapped(this.#context, table, query, added, { sample, given })
      const identified = await this.#identify(query, table, added, given)
      const beside = new Map(identified.map(({ id, slug }) => [id, extras.get(slug) ?? noExtra]))
      await putExtras(this.#context, query, beside)
      await putOwnCredentials(this.#context, query, identified.flatMap(credentialOf))
      await writeAudit(this.#context, query, identified.flatMap(auditAdded), actor)
      return this.#records(
        query,
        identified.map(({ id }) => id),
      )
    })
  }

  /** With the ids that their table gave. */
  async #identify(
    query: Query,
    table: MappedTable,
    tenants: readonly IdentifiedTenant[],
    given: ReadonlySet<string>,
  ): Promise<IdentifiedTenant[]> {
    if (!countsIds(table)) return [...tenants]
    const slugs = tenants.map(({ slug }) => slug)
    const rows = await this.#reading.bySlugs(query, slugs, new RowProblems(table.title))
    const ids = new Map(rows.map(({ id, row }) => [fieldOf(table, row, 'slug'), id]))
    return tenants.map((tenant) =>
      given.has(tenant.id) ? tenant : { ...tenant, id: ids.get(tenant.slug) ?? tenant.id },
    )
  }

  async #refuseTaken(query: Query, table: MappedTable, tenants: readonly IdentifiedTenant[]): Promise<void> {
    const problems = new RowProblems(table.title)
    const places = tenants.map(({ placement }) => placementAsRead(this.#context, placement))
    const rows = [
      ...(await this.#reading.byIds(
        query,
        tenants.map(({ id }) => id),
        problems,
      )),
      ...(await this.#reading.bySlugs(
        query,
        tenants.map(({ slug }) => slug),
        problems,
      )),
      ...((await this.#reading.inDatabases(
        query,
        places.map(({ database }) => database),
      )) ?? []),
    ]
    const taken = describeTaken(
      tenants.map((tenant, i) => ({ ...tenant, placement: places[i] ?? tenant.placement })),
      rows.map(({ id, row, extra, record }) => ({
        id,
        slug: fieldOf(table, row, 'slug') ?? extra.slug ?? id,
        place: record === null || record.topology === 'shared' ? null : placeKey(record.placement),
      })),
    )
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
    const table = await this.#reading.table()
    return this.#alone(table, async (query) => {
      await within?.(query)
      const { row, extra: extraBefore, record: before } = await this.#one(query, table, id)
      refuseStep(before.slug, { from: before.state, expected, to: change.state }, tenantTransitions)
      const after = changed(before, change)
      const fields = new Map<string, ColumnValue>()
      const extra = { ...extraBefore }
      if (change.state !== undefined && change.state !== before.state) {
        const sample = fieldOf(table, row, 'state')
        const state = writeState(table, change.state, sample)
        if (state.column !== null) fields.set('state', state.column)
        extra.state = state.state
        extra.stateWord = state.stateWord
      }
      if (change.name !== undefined) {
        if (table.fields.has('name')) fields.set('name', { value: change.name })
        else extra.name = change.name
      }
      if (change.placement !== undefined) {
        const places: Parameters<typeof writePlace>[3] = new Map()
        writePlace(this.#context, table, change.placement, places, extra)
        for (const [field, value] of places) fields.set(field, value)
        if (before.topology !== 'shared') await this.#refuseMove(query, id, change.placement)
      }
      const labels = change.labels === undefined ? null : splitLabels(table, change.labels)
      if (labels !== null) extra.labels = labels.rest
      await this.#update(query, table, id, fields, labels?.columns ?? new Map())
      await putExtras(this.#context, query, new Map([[id, extra]]))
      await writeAudit(this.#context, query, auditChanges(before, after), actor)
      return (await this.#one(query, table, id)).record
    })
  }

  async #refuseMove(query: Query, id: string, placement: TenantRecord['placement']): Promise<void> {
    const place = placementAsRead(this.#context, placement)
    const rows = (await this.#reading.inDatabases(query, [place.database])) ?? []
    const other = rows.find(
      (row) =>
        row.id !== id &&
        row.record !== null &&
        row.record.topology !== 'shared' &&
        placeKey(row.record.placement) === placeKey(place),
    )
    if (other?.record != null) throw takenError([`place is the one of "${other.record.slug}"`])
  }

  async #update(
    query: Query,
    table: MappedTable,
    id: string,
    fields: ReadonlyMap<string, ColumnValue>,
    labels: ReadonlyMap<string, ColumnValue>,
  ): Promise<void> {
    const values: RegistryValue[] = []
    const sets: string[] = []
    for (const [field, column] of table.fields) {
      const value = fields.get(field)
      if (value !== undefined) sets.push(`${column.name} = ${markOf(value, values)}`)
    }
    for (const [label, column] of table.labels) {
      const value = labels.get(label)
      if (value !== undefined) sets.push(`${column.name} = ${markOf(value, values)}`)
    }
    const now = nowFor(this.#context, table, 'updatedAt')
    const updatedAt = table.fields.get('updatedAt')
    if (now !== null && updatedAt !== undefined) sets.push(`${updatedAt.name} = ${markOf(now, values)}`)
    if (sets.length === 0) return
    await query(`UPDATE ${table.place} SET ${sets.join(', ')} WHERE ${table.id.name} = ?`, [
      ...values,
      asKey(table, id),
    ])
  }

  async remove(id: string, actor: Actor): Promise<void> {
    await this.#context.assertReady()
    const table = await this.#reading.table()
    await this.#alone(table, async (query) => {
      const { record } = await this.#one(query, table, id)
      refuseRemoval(record)
      for (const own of ['credentials', 'provisions', 'extra'] as const)
        await query(`DELETE FROM ${this.#context.table(own)} WHERE tenant_id = ?`, [id])
      await query(`DELETE FROM ${table.place} WHERE ${table.id.name} = ?`, [asKey(table, id)])
      await writeAudit(this.#context, query, [auditRemoved(record)], actor)
    })
  }

  async readCredentials(ids: readonly string[]): Promise<Map<string, StoredCredential>> {
    const problems = new RowProblems((await this.#reading.table()).title)
    const rows = await this.#reading.byIds(this.#reading.query, ids, problems)
    return this.#reading.credentials(this.#reading.query, rows.filter(isOurs))
  }

  async pageCredentials(after: string | null, limit: number): Promise<StoredCredential[]> {
    const problems = new RowProblems((await this.#reading.table()).title)
    const found: StoredCredential[] = []
    for (let behind = after; ; ) {
      const rows: FullRow[] = await this.#reading.page(this.#reading.query, behind, rowsPerPage, problems)
      found.push(...(await this.#reading.credentials(this.#reading.query, rows.filter(isOurs))).values())
      const last = rows.at(-1)
      if (last === undefined || rows.length < rowsPerPage || found.length >= limit) break
      behind = last.id
    }
    problems.refuse()
    return found.slice(0, limit)
  }

  async writeCredentials(
    credentials: Parameters<TenantStore['writeCredentials']>[0],
    action: 'credential' | 'rotate',
    actor: Actor,
  ): Promise<number> {
    await this.#context.assertReady()
    const table = await this.#reading.table()
    return this.#alone(table, async (query) => {
      const ids = credentials.map(({ credential }) => credential.tenantId)
      const rows = await this.#reading.byIds(query, ids, new RowProblems(table.title))
      const slugs = new Map(rows.flatMap(({ id, record }) => (record === null ? [] : [[id, record.slug] as const])))
      const stored = await this.#reading.credentials(query, rows)
      const written = credentials
        .filter(({ credential: { tenantId }, was }) => {
          if (!slugs.has(tenantId)) throw unknownTenant(tenantId)
          return was === undefined || (stored.get(tenantId)?.sealed ?? null) === was
        })
        .map(({ credential }) => credential)
      await putMappedCredentials(this.#context, table, query, written)
      await this.#putBeside(query, table, written)
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

  /** References, and all where their table has no column for passwords. What no longer counts is taken away. */
  async #putBeside(query: Query, table: MappedTable, written: readonly StoredCredential[]): Promise<void> {
    const isBeside = ({ reference }: StoredCredential) => reference !== null || !table.fields.has('password')
    await putOwnCredentials(this.#context, query, written.filter(isBeside))
    const gone = written.filter((credential) => !isBeside(credential)).map(({ tenantId }) => tenantId)
    for (const chunk of inChunks(gone, 1000))
      await query(
        `DELETE FROM ${this.#context.table('credentials')} WHERE tenant_id IN (${marks(chunk.length)})`,
        chunk,
      )
  }

  async audit(idOrSlug: string): Promise<AuditEntry[]> {
    return (await this.#context.hasOwnTables()) ? readAudit(this.#context, idOrSlug) : []
  }

  async #one(query: Query, table: MappedTable, id: string): Promise<FullRow & { record: TenantRecord }> {
    const problems = new RowProblems(table.title)
    const [row] = await this.#reading.byIds(query, [id], problems)
    if (row === undefined) throw unknownTenant(id)
    const { record } = row
    if (record !== null) return { ...row, record }
    problems.refuse()
    throw unknownTenant(id)
  }

  async #records(query: Query, ids: readonly string[]): Promise<TenantRecord[]> {
    const table = await this.#reading.table()
    const problems = new RowProblems(table.title)
    const rows = await this.#reading.byIds(query, ids, problems)
    problems.refuse()
    const byId = new Map(rows.map(({ id, record }) => [id, record]))
    return ids.map((id) => byId.get(id) ?? null).filter((record) => record !== null)
  }

  /**
   * Those who write here take turns, by a row of ours: their table need not have an index that would keep two tenants
   * from being the same. What their table refuses is told as such.
   */
  async #alone<T>(table: MappedTable, work: (query: Query) => Promise<T>): Promise<T> {
    const { database, table: own } = this.#context
    try {
      return await database.transaction(async (query) => {
        await query(`UPDATE ${own('version')} SET applied_at = applied_at WHERE version = 1`)
        return work(query)
      })
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error
      const { message, sqlstate } = error.failure
      throw new TenantryError(
        'TENANT_INVALID',
        `The table "${table.title}" refused it: ${message.replace(/\.$/, '')}.`,
        {
          hint: 'Nothing was changed. See `registry.tenants` in the config for what is written there.',
          context: { table: table.title, ...(sqlstate === null ? {} : { sqlstate }) },
        },
      )
    }
  }
}

function isOurs({ record }: FullRow): boolean {
  return record !== null
}

function recordsOf(rows: readonly FullRow[], { states }: TenantFilter): TenantRecord[] {
  return rows.flatMap(({ record }) => (record !== null && states?.includes(record.state) !== false ? [record] : []))
}
