import { nameOfPlace } from '../config/derived-server.ts'
import { showName } from '../config/problem.ts'
import type { MappedField } from '../config/resolved.ts'
import { TenantryError } from '../model/errors.ts'
import type { NewTenantRecord, RegistryValue, TenantRecord } from '../model/registry.ts'
import type { ServerAddress } from '../model/server.ts'
import type { TenantState } from '../model/tenant.ts'
import { type Extra, noExtra } from './mapped-rows.ts'
import type { MappedContext, MappedTable } from './mapped-table.ts'
import { wordForState, wordForTopology } from './mapped-words.ts'
import { kindOf } from './table-columns.ts'

/** A value for a column of theirs: a value, or an expression of the server. */
export type ColumnValue = { value: RegistryValue } | { expression: string }

/** What of a tenant goes to their columns, by field, and what stays with us. */
export interface Written {
  fields: Map<MappedField, ColumnValue>
  labels: Map<string, ColumnValue>
  extra: Extra
}

type Described = Pick<NewTenantRecord, 'slug' | 'topology' | 'state' | 'placement'> & {
  name?: string | null | undefined
  labels?: Readonly<Record<string, string>> | undefined
}

/** @param sample a word that stands in their column of states */
export function writeTenant(
  context: MappedContext,
  table: MappedTable,
  tenant: Described,
  sample: string | null,
): Written {
  const fields = new Map<MappedField, ColumnValue>()
  const extra: { -readonly [K in keyof Extra]: Extra[K] } = { ...noExtra }
  const put = (field: MappedField, value: RegistryValue, keep: () => void) => {
    if (table.fields.has(field)) fields.set(field, { value })
    else keep()
  }
  put('slug', tenant.slug, () => {
    extra.slug = tenant.slug
  })
  put('name', tenant.name ?? null, () => {
    extra.name = tenant.name ?? null
  })
  if (table.fields.has('topology')) fields.set('topology', { value: wordForTopology(table.mapped, tenant.topology) })
  else extra.topology = tenant.topology
  const state = writeState(table, tenant.state, sample)
  if (state.column !== null) fields.set('state', state.column)
  extra.state = state.state
  extra.stateWord = state.stateWord
  writePlace(context, table, tenant.placement, fields, extra)
  const { columns, rest } = splitLabels(table, tenant.labels ?? {})
  extra.labels = rest
  return { fields, labels: columns, extra }
}

/** How a state is written: into their column where it has a word, and beside it where that says too little. */
export function writeState(table: MappedTable, state: TenantState, sample: string | null) {
  if (!table.fields.has('state')) return { column: null, state, stateWord: null }
  const { word, exact } = wordForState(table.mapped, state, sample)
  return { column: { value: word }, state: exact ? null : state, stateWord: exact ? null : word }
}

/** Where a tenant is, in their columns; what they have none for goes to `extra`. Throws TENANT_INVALID. */
export function writePlace(
  context: MappedContext,
  table: MappedTable,
  placement: TenantRecord['placement'],
  fields: Map<MappedField, ColumnValue>,
  extra: { server: string | null; schema: string | null },
): void {
  const { server, database, schema } = placement
  if (table.fields.has('host')) {
    const address = placeOf(context, server)
    if (address === undefined || address.host === '' || address.socketPath !== undefined)
      throw new TenantryError(
        'TENANT_INVALID',
        `The server ${showName(server)} has no host that could be written down.`,
        {
          hint: 'Name a server of the config that is reached by host and port.',
        },
      )
    fields.set('host', { value: address.host })
    if (table.fields.has('port')) fields.set('port', { value: address.port })
  } else if (table.fields.has('server')) fields.set('server', { value: server })
  else extra.server = server
  if (table.fields.has('database')) fields.set('database', { value: database })
  if (table.fields.has('schema')) fields.set('schema', { value: schema ?? null })
  else extra.schema = schema ?? null
}

/** A server of the config, or a `host:port` that their table can hold. */
export function placeOf(context: MappedContext, server: string): ServerAddress | undefined {
  const known = context.servers.get(server)
  if (known !== undefined || context.mapped.columns.host === undefined) return known
  const [, bracketed, plain, port] = /^(?:\[([\da-f:.]+)\]|([^\s/:]+)):(\d{1,5})$/i.exec(server) ?? []
  const host = bracketed ?? plain
  if (host === undefined) return undefined
  const dialect = context.mapped.defaults.dialect ?? context.server.dialect
  return { name: server, dialect, host, port: Number(port), tls: null, maxConcurrency: 8, maxConcurrencyPerDatabase: 4 }
}

/** The place as it will be read again. */
export function placementAsRead(
  context: MappedContext,
  placement: TenantRecord['placement'],
): TenantRecord['placement'] {
  if (context.mapped.columns.host === undefined) return placement
  const address = placeOf(context, placement.server)
  return address === undefined ? placement : { ...placement, server: nameOfPlace(address) }
}

export function splitLabels(table: MappedTable, labels: Readonly<Record<string, string>>) {
  const columns = new Map<string, ColumnValue>()
  for (const label of table.labels.keys()) columns.set(label, { value: labels[label] ?? null })
  const rest = Object.fromEntries(Object.entries(labels).filter(([label]) => !table.labels.has(label)))
  return { columns, rest }
}

/** The time it is, as their column holds it. */
export function nowFor(
  context: MappedContext,
  table: MappedTable,
  field: 'createdAt' | 'updatedAt',
): ColumnValue | null {
  const column = table.fields.get(field)?.column
  if (column === undefined) return null
  const kind = kindOf(column)
  if (kind === 'time') return { expression: context.database.dialect.phrases.now }
  return { value: kind === 'integer' ? Date.now() : new Date().toISOString() }
}

/** Values of a statement, in the order in which their marks come. */
export function markOf(value: ColumnValue, values: RegistryValue[]): string {
  if ('expression' in value) return value.expression
  values.push(value.value)
  return '?'
}
