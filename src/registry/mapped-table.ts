import { showName, suggest } from '../config/problem.ts'
import type { MappedField, MappedTenants } from '../config/resolved.ts'
import { TenantryError } from '../model/errors.ts'
import type { RegistryValue } from '../model/registry.ts'
import type { TableColumn } from '../model/registry-words.ts'
import type { ServerAddress } from '../model/server.ts'
import type { StoreContext } from './store-context.ts'
import { kindOf } from './table-columns.ts'

/** What a store over a team's own table works with. */
export interface MappedContext extends StoreContext {
  mapped: MappedTenants
  /** The registry's own. */
  server: ServerAddress
  columns(schema: string | null, table: string): Promise<TableColumn[]>
  /** Have our tables been made? Reading goes without them. */
  hasOwnTables(): Promise<boolean>
}

/** A column of theirs that is read, and the name that it has in our answers. */
export interface ReadColumn {
  column: TableColumn
  /** Quoted. */
  name: string
  alias: string
}

/** A team's own table, as far as it is mapped. */
export interface MappedTable {
  mapped: MappedTenants
  /** Quoted, with its schema. */
  place: string
  /** For people. */
  title: string
  id: ReadColumn
  fields: ReadonlyMap<MappedField, ReadColumn>
  labels: ReadonlyMap<string, ReadColumn>
  all: readonly TableColumn[]
  /** `SELECT … FROM …`: the id as text, the rest as it is. */
  select: string
}

/** Looks the table up. Throws CONFIG_INVALID with everything that does not fit, at once. */
export async function readMappedTable({ mapped, columns, database, quote }: MappedContext): Promise<MappedTable> {
  const { table, schema } = mapped
  const all = await columns(schema, table)
  const title = schema === null ? table : `${schema}.${table}`
  if (all.length === 0) {
    throw new TenantryError('CONFIG_INVALID', `The registry has no table ${showName(title)}.`, {
      hint: 'Mend `registry.tenants.table`; or, where a migration of the registry makes it: `tenantry registry migrate`.',
    })
  }
  const missing: string[] = []
  let count = 0
  const look = (name: string, what: string): ReadColumn | null => {
    const column = all.find((one) => one.name === name)
    if (column !== undefined) return { column, name: quote(name), alias: `c${count++}` }
    const names = all.map((one) => one.name)
    missing.push(`${showName(name)} (for ${what})${suggest(name, names)}`)
    return null
  }
  const fields = new Map<MappedField, ReadColumn>()
  for (const [field, name] of Object.entries(mapped.columns)) {
    const found = look(name, `\`${field}\``)
    if (found !== null) fields.set(field as MappedField, found)
  }
  const labels = new Map<string, ReadColumn>()
  for (const [label, name] of Object.entries(mapped.labels)) {
    const found = look(name, `the label \`${label}\``)
    if (found !== null) labels.set(label, found)
  }
  const id = fields.get('id')
  if (missing.length > 0 || id === undefined) {
    throw new TenantryError(
      'CONFIG_INVALID',
      `The table ${showName(title)} of the registry lacks ${missing.length === 1 ? 'a column' : `${missing.length} columns`} that \`registry.tenants\` names:\n  ${missing.join('\n  ')}`,
      { hint: `Its columns: ${all.map(({ name }) => name).join(', ')}.`, context: { table: title, missing } },
    )
  }
  const kind = kindOf(id.column)
  if (kind !== 'text' && kind !== 'uuid' && kind !== 'integer') {
    throw new TenantryError(
      'CONFIG_INVALID',
      `The column ${showName(id.column.name)} of ${showName(title)} cannot be the id: it is of the type ${id.column.type}.`,
      { hint: 'Ids are text, numbers or UUIDs.' },
    )
  }
  const place = (schema === null ? '' : `${quote(schema)}.`) + quote(table)
  const { asText } = database.dialect.phrases
  const read = [...fields.values(), ...labels.values()].map((column) =>
    column === id ? `${asText(column.name)} AS ${column.alias}` : `${column.name} AS ${column.alias}`,
  )
  return { mapped, place, title, id, fields, labels, all, select: `SELECT ${read.join(', ')} FROM ${place}` }
}

/** An id as this table's column takes it; null: it cannot be in it. */
export function asKey({ id }: MappedTable, text: string): RegistryValue {
  const kind = kindOf(id.column)
  if (text === '' || text.includes('\0')) return null
  if (kind === 'uuid') return /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text) ? text : null
  if (kind !== 'integer') return text
  if (!/^-?\d{1,18}$/.test(text)) return null
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : text
}
