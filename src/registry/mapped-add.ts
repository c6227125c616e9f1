import { showName } from '../config/problem.ts'
import type { MappedField } from '../config/resolved.ts'
import { TenantryError } from '../model/errors.ts'
import type { RegistryValue } from '../model/registry.ts'
import type { IdentifiedTenant } from './check-new.ts'
import type { Extra } from './mapped-rows.ts'
import { asKey, type MappedContext, type MappedTable, type ReadColumn } from './mapped-table.ts'
import { type ColumnValue, markOf, nowFor, writeTenant } from './mapped-values.ts'
import { inChunks, type Query } from './store-context.ts'
import { kindOf } from './table-columns.ts'

/** Their table counts ids up by itself. */
export function countsIds({ id }: MappedTable): boolean {
  return kindOf(id.column) === 'integer' && id.column.filled
}

/**
 * What kind of ids their table has: a UUID of ours fits text and UUIDs. Throws TENANT_INVALID where a new tenant's
 * cannot be in it.
 */
export function refuseForeignIds(
  table: MappedTable,
  tenants: readonly IdentifiedTenant[],
  given: ReadonlySet<string>,
): void {
  if (countsIds(table)) {
    if (!table.fields.has('slug'))
      throw new TenantryError(
        'TENANT_INVALID',
        `${showName(table.title)} counts ids up by itself and has no column for slugs: a new row would not be found again.`,
        {
          hint: 'Map a column to `slug` in `registry.tenants.columns`.',
        },
      )
  }
  for (const { id, slug } of tenants) {
    if (countsIds(table) && !given.has(id)) continue
    if (asKey(table, id) !== null) continue
    throw new TenantryError(
      'TENANT_INVALID',
      `The id of tenant ${showName(slug)} does not fit ${showName(table.id.column.name)} of ${showName(table.title)}, which is of the type ${table.id.column.type}.`,
      { hint: 'Give an id of that kind with the tenant.' },
    )
  }
}

/** Columns of theirs that must have a value, and that nothing is mapped to. Throws TENANT_INVALID with all of them. */
export function refuseUnfilled(table: MappedTable): void {
  const mapped = new Set([...table.fields.values(), ...table.labels.values()].map(({ column }) => column.name))
  const open = table.all.filter(({ name, required, filled }) => required && !filled && !mapped.has(name))
  if (open.length === 0) return
  throw new TenantryError(
    'TENANT_INVALID',
    `No tenant can be added to ${showName(table.title)}: ${open.length === 1 ? 'a column' : `${open.length} columns`} must have a value that nobody gives: ${open.map(({ name }) => name).join(', ')}.`,
    {
      hint: 'Map them in `registry.tenants.columns` or `.labels`, give them defaults, or add the row by your own application.',
      context: { table: table.title, columns: open.map(({ name }) => name) },
    },
  )
}

/**
 * Inserts rows of the mapped columns. Gives what they have no column for, by slug.
 */
export async function insertMapped(
  context: MappedContext,
  table: MappedTable,
  query: Query,
  tenants: readonly IdentifiedTenant[],
  options: { sample: string | null; given: ReadonlySet<string> },
): Promise<Map<string, Extra>> {
  const extras = new Map<string, Extra>()
  const isCounted = (id: string) => countsIds(table) && !options.given.has(id)
  for (const tenant of tenants) refuseNameless(table, tenant)
  const rows = tenants.map((tenant) => {
    const { fields, labels, extra } = writeTenant(context, table, tenant, options.sample)
    extras.set(tenant.slug, extra)
    if (!isCounted(tenant.id)) fields.set('id', { value: asKey(table, tenant.id) })
    fillAround(context, table, fields, tenant)
    const columns: [ReadColumn, ColumnValue][] = []
    for (const [field, column] of table.fields) {
      const value = fields.get(field)
      if (value !== undefined && !isDefaulted(column, value)) columns.push([column, value])
    }
    for (const [label, column] of table.labels) {
      const value = labels.get(label)
      if (value !== undefined && !isDefaulted(column, value)) columns.push([column, value])
    }
    return columns
  })
  for (const group of groupByColumns(rows)) {
    const names = (group[0] ?? []).map(([{ name }]) => name).join(', ')
    for (const chunk of inChunks(group)) {
      const values: RegistryValue[] = []
      const tuples = chunk.map((row) => `(${row.map(([, value]) => markOf(value, values)).join(', ')})`)
      await query(`INSERT INTO ${table.place} (${names}) VALUES ${tuples.join(', ')}`, values)
    }
  }
  return extras
}

/** Throws TENANT_INVALID where their table wants a name for people, and nobody gave one. */
function refuseNameless(table: MappedTable, { slug, name }: IdentifiedTenant): void {
  const column = table.fields.get('name')?.column
  if (column === undefined || !column.required || column.filled || name != null) return
  throw new TenantryError(
    'TENANT_INVALID',
    `Tenant ${showName(slug)} has no name, and ${showName(column.name)} of ${showName(table.title)} must have one.`,
    {
      hint: 'Nothing was changed. Give it with `--name`, in a file in the column `name`, in code as `name`.',
      context: { table: table.title, columns: [column.name] },
    },
  )
}

/** Times, and what must not be null before a credential is written. */
function fillAround(
  context: MappedContext,
  table: MappedTable,
  fields: Map<MappedField, ColumnValue>,
  { credential }: IdentifiedTenant,
): void {
  for (const field of ['createdAt', 'updatedAt'] as const) {
    const now = nowFor(context, table, field)
    if (now !== null) fields.set(field, now)
  }
  for (const field of ['user', 'password'] as const) {
    const column = table.fields.get(field)?.column
    if (column === undefined) continue
    const given = field === 'user' ? (credential?.user ?? null) : null
    fields.set(field, { value: given ?? (column.required ? '' : null) })
  }
}

/** Nothing to say, and the table has a default of its own. */
function isDefaulted({ column }: ReadColumn, value: ColumnValue): boolean {
  return column.filled && 'value' in value && value.value === null
}

function groupByColumns(rows: readonly [ReadColumn, ColumnValue][][]): [ReadColumn, ColumnValue][][][] {
  const groups = new Map<string, [ReadColumn, ColumnValue][][]>()
  for (const row of rows) {
    const key = row.map(([{ alias }, value]) => `${alias}${'expression' in value ? '!' : ''}`).join()
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [row])
    else group.push(row)
  }
  return [...groups.values()]
}
