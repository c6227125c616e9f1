import type { RegistryValue, StoredCredential } from '../model/registry.ts'
import { fieldOf, type Row } from './mapped-rows.ts'
import { asKey, type MappedContext, type MappedTable, type ReadColumn } from './mapped-table.ts'
import { type ColumnValue, markOf, nowFor } from './mapped-values.ts'
import { inChunks, marks, type Query } from './store-context.ts'

/**
 * A tenant's credential: a reference of ours beats what stands in their columns, since whoever set it wanted that;
 * without a column for passwords ours is all there is. null: none.
 */
export function credentialOfRow(
  table: MappedTable,
  row: Row,
  id: string,
  own: StoredCredential | undefined,
): StoredCredential | null {
  const user = fieldOf(table, row, 'user') ?? own?.user ?? null
  if (own !== undefined && (own.reference !== null || !table.fields.has('password'))) return { ...own, user }
  const sealed = fieldOf(table, row, 'password')
  return sealed === null ? null : { tenantId: id, user, sealed, reference: null }
}

/** Writes users and passwords into their columns. A reference leaves the password there as it is: their application reads it. */
export async function putMappedCredentials(
  context: MappedContext,
  table: MappedTable,
  query: Query,
  credentials: readonly StoredCredential[],
): Promise<void> {
  const password = table.fields.get('password')
  const user = table.fields.get('user')
  for (const chunk of inChunks(credentials)) {
    const sealed = password === undefined ? [] : chunk.filter(({ reference }) => reference === null)
    if (password !== undefined && sealed.length > 0)
      await setByCase(context, table, query, password, sealed, ({ sealed: text }) => text ?? emptyOf(password))
    const named = user === undefined ? [] : chunk.filter((credential) => credential.user !== null)
    if (user !== undefined && named.length > 0)
      await setByCase(context, table, query, user, named, (credential) => credential.user)
  }
}

function emptyOf({ column }: ReadColumn): string | null {
  return column.required ? '' : null
}

/** One statement for many rows: a round trip for each would be most of the time that a rotation takes. */
async function setByCase(
  context: MappedContext,
  table: MappedTable,
  query: Query,
  target: ReadColumn,
  credentials: readonly StoredCredential[],
  valueFor: (credential: StoredCredential) => string | null,
): Promise<void> {
  const values: RegistryValue[] = []
  const { asText } = context.database.dialect.phrases
  const cases = credentials.map((credential) => {
    values.push(credential.tenantId, valueFor(credential))
    return 'WHEN ? THEN ?'
  })
  const sets = [`${target.name} = CASE ${asText(table.id.name)} ${cases.join(' ')} END`]
  const now: ColumnValue | null = nowFor(context, table, 'updatedAt')
  const updatedAt = table.fields.get('updatedAt')
  if (now !== null && updatedAt !== undefined) sets.push(`${updatedAt.name} = ${markOf(now, values)}`)
  const keys = credentials.map(({ tenantId }) => asKey(table, tenantId))
  await query(`UPDATE ${table.place} SET ${sets.join(', ')} WHERE ${table.id.name} IN (${marks(keys.length)})`, [
    ...values,
    ...keys,
  ])
}
